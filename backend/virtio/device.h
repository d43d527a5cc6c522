/*
 * device.h: what the parts of this folder share: a device model behind its
 * transport. Nobody else includes it.
 *
 *	rng.c blk.c net.c     one struct virtio_ops each; struct virtio_dev is
 *	   │  ▲               the first member of their own struct
 *	   ▼  │ start notify drain …
 *	device.c              status, features, queues, interrupts, save, load
 *	   ▲  ▲
 *	pci.c pci_legacy.c    registers to calls
 *
 * Locking: virtio_dev.lock guards the device and all its queues. Register
 * accesses take it, and so does the context that works on the queues, once a
 * batch. So when a register write returns, what it did holds everywhere: after
 * a reset nothing of the device touches the guest's memory. The PCI bus's lock
 * is a leaf below it. The ISR alone is read without it, because an interrupt
 * handler should not wait for a disk. A network card's queues are guarded by
 * locks of its own while frames move (net.h), below the device's.
 */
#ifndef BACKEND_VIRTIO_DEVICE_H
#define BACKEND_VIRTIO_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/virtio/queue.h"
#include "backend/virtio/virtio.h"
#include "backend/vmm/irq.h"
#include "config/error.h"
#include "config/log.h"

#define VIRTIO_VENDOR     0x1af4
#define VIRTIO_QUEUES     17 /* at most, a device */
#define VIRTIO_CONFIG     64 /* bytes of device configuration, at most */
#define VIRTIO_NO_VECTOR  0xffff
#define VIRTIO_QUEUE_SIZE 256 /* of most; the most at the legacy face */

/* Device types (virtio 1.2, 5) and their transitional PCI ids (4.1.2.1). */
#define VIRTIO_ID_NET      1
#define VIRTIO_ID_BLK      2
#define VIRTIO_ID_CONSOLE  3
#define VIRTIO_ID_RNG      4
#define VIRTIO_ID_BALLOON  5
#define VIRTIO_ID_SCSI     8
#define VIRTIO_PCI_NET     0x1000
#define VIRTIO_PCI_BLK     0x1001
#define VIRTIO_PCI_BALLOON 0x1002
#define VIRTIO_PCI_CONSOLE 0x1003
#define VIRTIO_PCI_SCSI    0x1004
#define VIRTIO_PCI_RNG     0x1005

/* Device status (2.1). */
#define VIRTIO_S_ACKNOWLEDGE 1
#define VIRTIO_S_DRIVER      2
#define VIRTIO_S_DRIVER_OK   4
#define VIRTIO_S_FEATURES_OK 8
#define VIRTIO_S_NEEDS_RESET 0x40
#define VIRTIO_S_FAILED      0x80

/* Feature bits of the transport (6). */
#define VIRTIO_F_ANY_LAYOUT    (1ULL << 27) /* legacy only */
#define VIRTIO_F_INDIRECT_DESC (1ULL << 28)
#define VIRTIO_F_EVENT_IDX     (1ULL << 29)
#define VIRTIO_F_VERSION_1     (1ULL << 32)

/* The two faces of a device. */
#define VIRTIO_LEGACY 0
#define VIRTIO_MODERN 1

#define VIRTIO_ISR_QUEUE  1
#define VIRTIO_ISR_CONFIG 2

/* Every function here is called with the device's lock held, but destroy. */
struct virtio_ops {
	const char *name;
	uint16_t type, pci_device;
	uint16_t pci_vendor; /* 0: VIRTIO_VENDOR */
	bool legacy_only; /* no modern face, no MSI-X */
	uint32_t class_code;
	unsigned queues,
	    config_len; /* queues: at most, see struct virtio_dev */
	uint16_t queue_size; /* 0: VIRTIO_QUEUE_SIZE; at most VIRTQ_MAX */
	uint64_t modern_only; /* features that a legacy driver is not shown */
	/*
	 * Optional. Features are final (virtio_dev.features) and queues are
	 * about to be used. May be called again after a legacy driver that
	 * began too early says that it is ready. On a vcpu thread.
	 */
	void (*start)(struct virtio_dev *dev);
	/* A queue was kicked; for those who use virtio_listen(). */
	void (*notify)(struct virtio_dev *dev, unsigned queue);
	/*
	 * Optional. The driver reads the device configuration from offset on,
	 * or something before it. On a vcpu thread.
	 */
	void (*config_read)(struct virtio_dev *dev, unsigned offset);
	/*
	 * Optional. The driver writes size bytes of the device configuration,
	 * all of them within config_len. On a vcpu thread.
	 */
	void (*config_write)(struct virtio_dev *dev, unsigned offset,
	    unsigned size, uint64_t value);
	/*
	 * Optional. When it returns no request is held: finished or put back,
	 * or kept where save puts it into the state and drop forgets it.
	 * Before a queue is stopped and before the device is saved.
	 */
	void (*drain)(struct virtio_dev *dev);
	/* Optional. After drain: the queues stop, what is kept goes with them. */
	void (*drop)(struct virtio_dev *dev);
	/*
	 * Optional. Where queues' interrupts go may have changed: a vector, or
	 * MSI-X was turned on or off.
	 */
	void (*rerouted)(struct virtio_dev *dev);
	/* Optional. Power-on state of what the device itself keeps. */
	void (*reset)(struct virtio_dev *dev);
	/*
	 * Optional. What the device itself keeps beside registers and queues.
	 * load gets what save put, after reset and before start; it returns -1
	 * for a state that it cannot have, and need not look at r->bad.
	 */
	void (*save)(struct virtio_dev *dev, struct state_writer *w);
	int (*load)(struct virtio_dev *dev, struct state_reader *r);
	/* Optional, and without the lock: frees all but struct virtio_dev. */
	void (*destroy)(struct virtio_dev *dev);
};

struct virtio_queue {
	struct virtq vq; /* first */
	struct virtio_dev *dev;
	unsigned index;
	int kick_fd; /* eventfd behind both faces' doorbells */
	_Atomic uint16_t vector; /* read where the queue is worked on */
	uint32_t pfn; /* what a legacy driver wrote */
	bool bell[2]; /* its ioeventfds, by face */
	struct event *event; /* virtio_listen() */
};

struct virtio_dev {
	const struct virtio_ops *ops;
	unsigned queues; /* set before creation; 0: ops->queues */
	struct machine *machine;
	struct pci_fn *fn;
	struct pci_fn_ops pci;
	pthread_mutex_t lock;
	_Atomic uint8_t isr;
	uint8_t status;
	uint8_t generation; /* of config */
	bool legacy; /* the driver set up queues by the legacy face */
	struct {
		uint64_t base;
		bool mapped;
	} bar[2]; /* by face */
	bool started;
	uint64_t offered, features;
	uint32_t device_select, driver_select;
	uint16_t queue_select;
	uint16_t config_vector;
	uint8_t config[VIRTIO_CONFIG];
	/* The window of the PCI configuration access capability (4.1.4.9). */
	struct {
		unsigned at; /* where in configuration space */
		uint8_t bar;
		uint32_t offset, length;
	} window;
	struct virtio_queue queue[VIRTIO_QUEUES];
	struct virtio_figures figures;
	struct log_limit quiet;
};

/*
 * Makes dev (zeroed, allocated by itself or as first member) a device on the
 * bus, offering these features besides the transport's. Takes dev over, also
 * on failure: it is freed after ops->destroy().
 */
int virtio_dev_create(struct virtio_dev *dev, struct pci_bus *bus,
    const struct virtio_ops *ops, uint64_t features, struct error *err);
/* Lets base's loop call ops->notify() for each kick. */
int virtio_listen(
    struct virtio_dev *dev, struct event_base *base, struct error *err);

/* The parts of create and destroy that know nothing of PCI. */
int virtio_dev_init(struct virtio_dev *dev, const struct guestmem *mem,
    const struct virtio_ops *ops, uint64_t features, struct error *err);
void virtio_dev_free(struct virtio_dev *dev);

/* Takes the lock, for a register access or a batch of requests. */
void virtio_begin(struct virtio_dev *dev);
/* Tells the driver if a queue broke meanwhile, and releases the lock. */
void virtio_end(struct virtio_dev *dev);

/* The rest is called between the two. */

/* May this queue be worked on? Starts the device for an early legacy driver. */
bool virtio_usable(struct virtio_dev *dev, unsigned queue);
/* Shows the driver what was pushed, with an interrupt if it wants one. */
void virtio_publish(struct virtio_dev *dev, unsigned queue);
/* The interrupt alone, for what somebody else has shown the driver. */
void virtio_interrupt(struct virtio_dev *dev, unsigned queue);
/*
 * The irqfd that does the same; -1 while it has none: its interrupts come by
 * the pin, or nobody wants them.
 */
int virtio_interrupt_fd(struct virtio_dev *dev, unsigned queue);
/* Has the queue looked at again, after others had their turn. Any time. */
void virtio_kick(struct virtio_dev *dev, unsigned queue);
/* After a change of config[]: a new generation, an interrupt. */
void virtio_config_changed(struct virtio_dev *dev);

/* What register writes mean. */
void virtio_dev_reset(struct virtio_dev *dev);
void virtio_set_status(struct virtio_dev *dev, uint8_t status, bool legacy);
/* Word 0 or 1 of the features; beyond that there are none. */
void virtio_set_features(struct virtio_dev *dev, unsigned word, uint32_t value);
void virtio_queue_enable(struct virtio_dev *dev, struct virtio_queue *q);
void virtio_queue_legacy(
    struct virtio_dev *dev, struct virtio_queue *q, uint32_t pfn);
/*
 * The size of the queue at the legacy face, whose drivers cannot choose a
 * smaller one and may have no room for more (SeaBIOS has none).
 */
uint16_t virtio_legacy_size(const struct virtio_queue *q);
/* A vector that there is, or VIRTIO_NO_VECTOR. */
uint16_t virtio_vector(const struct virtio_dev *dev, uint64_t value);
void virtio_set_vector(
    struct virtio_dev *dev, struct virtio_queue *q, uint64_t value);
/* The queue that queue_select names, or NULL. */
struct virtio_queue *virtio_selected(struct virtio_dev *dev);

/* Before offset of the device configuration is read, at either face. */
void virtio_read_config(struct virtio_dev *dev, uint64_t offset);
/* A write there. */
void virtio_write_config(
    struct virtio_dev *dev, uint64_t offset, unsigned size, uint64_t value);

/* Reads the ISR, which clears it (4.1.4.5). Without the lock. */
uint8_t virtio_read_isr(struct virtio_dev *dev);

void virtio_dev_save(struct virtio_dev *dev, struct state_writer *w);
int virtio_dev_load(
    struct virtio_dev *dev, struct state_reader *r, struct error *err);

/* Gives a queue its doorbell at this face, if it has none (doorbell.c). */
void virtio_doorbell(struct virtio_queue *q, unsigned face);
/* The face's registers were mapped at base, or unmapped. */
void virtio_bar_moved(
    struct virtio_dev *dev, unsigned face, uint64_t base, bool mapped);
#define VIRTIO_MODERN_NOTIFY 0x3000u /* in its BAR */
#define VIRTIO_NOTIFY_STEP   4u /* bytes a queue */

/*
 * The legacy face (pci_legacy.c): handlers for BAR 0. Its registers are 128
 * bytes with the largest device configuration.
 */
#define VIRTIO_LEGACY_SIZE   128
#define VIRTIO_LEGACY_NOTIFY 16
uint64_t virtio_legacy_read(void *dev, uint64_t offset, unsigned size);
void virtio_legacy_write(
    void *dev, uint64_t offset, unsigned size, uint64_t value);

static inline void
virtio_count(_Atomic uint64_t *counter, uint64_t n)
{
	/* One writer: no need for a locked instruction. */
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

#endif
