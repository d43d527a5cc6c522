/*
 * build.h: from a definition to a machine: what `struct guest_spec` asks for,
 * made of the parts in the folders below.
 */
#ifndef BACKEND_GUEST_BUILD_H
#define BACKEND_GUEST_BUILD_H

#include "backend/boot/disklabel.h"
#include "backend/boot/firmware.h"
#include "backend/dev/dev.h"
#include "backend/guest/console.h"
#include "backend/proto/spec.h"
#include "backend/virtio/virtio.h"

struct event_base;

struct hardware {
	struct machine *machine;
	struct boot_origin origin;
	struct fw_cfg *fw_cfg;
	struct pm *pm;
	struct serial *serial, *serial2; /* serial2 NULL: only one */
	struct virtio_dev *hvc;
	/* By the order of the definition; NULL: it is a target of scsi. */
	struct virtio_dev *disk[SPEC_MAX_DISKS];
	struct virtio_dev *scsi; /* NULL: none is */
	unsigned target[SPEC_MAX_DISKS];
	struct virtio_dev *cdrom; /* NULL: none */
	struct virtio_dev *nic[SPEC_MAX_NICS];
	struct virtio_dev *rng;
	struct virtio_dev *vmmci;
	struct virtio_dev *balloon; /* NULL: balloon = no */
};

/* The guest's consoles, by the names that Linux gives them; of TTYS1 there is
 * one only with serial2 = yes. */
enum { CONSOLE_TTYS0, CONSOLE_TTYS1, CONSOLE_HVC0, CONSOLES };
extern const char *const console_names[CONSOLES];

/* What the parts ask of the guest process, each with the same arg. */
struct build_ops {
	struct machine_ops machine;
	struct virtio_blk_ops disk;
	/* virtio.h */
	void (*cdrom_changed)(void *arg);
	void (*balloon_changed)(void *arg);
	void (*vmmci_over)(void *arg);
};

/*
 * Makes the machine with all its devices. ops is kept. Takes the descriptors of kvm, disks
 * and taps out of the spec (sets them to -1). Main thread; -1 with err, and
 * nothing left behind but the spec's other descriptors.
 */
int build_machine(struct hardware *hw, struct guest_spec *spec,
    struct event_base *base, struct console *console[CONSOLES],
    const struct build_ops *ops, void *arg, struct error *err);

/* Of the nth disk, wherever it is: as virtio_blk_full(), virtio_figures(). */
int build_disk_full(const struct hardware *hw, unsigned n);
const struct virtio_figures *build_disk_figures(
    const struct hardware *hw, unsigned n);
/* As virtio_blk_grow() and virtio_blk_grown(). */
int build_disk_grow(const struct hardware *hw, unsigned n, uint64_t size,
    bool more, struct error *err);
int build_disk_grown(
    const struct hardware *hw, unsigned n, uint64_t *size, struct error *err);
/* As virtio_blk_retry(), of all disks. */
void build_disks_retry(const struct hardware *hw);
/* As virtio_still() and virtio_thaw(), of all that have queues. */
void build_still(const struct hardware *hw, const struct guest_spec *spec);
void build_thaw(const struct hardware *hw, const struct guest_spec *spec);

/* Puts kernel, initrd and tables into RAM; the machine is stopped. */
int build_load(
    struct hardware *hw, const struct guest_spec *spec, struct error *err);

#endif
