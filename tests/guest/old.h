/*
 * old.h: drivers that know virtio 0.9.5 and nothing later, as OpenBSD 6.1's do:
 * the header in the ports of BAR 0, rings where a page number says, features
 * of 32 bits, no indirect descriptors, no event indexes. Nothing is shared
 * with virtio.c, which knows both faces.
 *
 *	old.c          the header, rings, interrupts
 *	old_disks.c    block device and SCSI hosts
 *	old_others.c   random numbers, console, network, balloon, vmmci
 *	cmd_old.c      the command: sets all of them up and has them work
 */
#ifndef GUEST_OLD_H
#define GUEST_OLD_H

#include <stdint.h>

#define OLD_MAX    12 /* devices */
#define OLD_QUEUES 3
#define OLD_PIECES 6

/* Types of 0.9.5, appendices C to I; OpenBSD's own. */
#define OLD_NET     1
#define OLD_BLOCK   2
#define OLD_CONSOLE 3
#define OLD_ENTROPY 4
#define OLD_BALLOON 5
#define OLD_SCSI    8
#define OLD_VMMCI   0xffff

struct old_piece {
	void *data;
	uint32_t len;
	int write; /* the device writes it */
};

struct old_queue {
	unsigned size; /* as the device says: it cannot be chosen */
	uint8_t *ring; /* at the page that it was told */
	uint16_t *free; /* descriptors that nobody has, the last one first */
	unsigned frees;
	uint16_t seen; /* of the used ring */
	uint64_t kicks;
};

struct old {
	unsigned pci, type;
	uint16_t port, config; /* where its own configuration begins */
	uint32_t offered, features;
	int msix;
	unsigned vector, gsi;
	volatile uint64_t interrupts, changes; /* of queues, of configuration */
	struct old_queue queue[OLD_QUEUES];
	uint8_t *memory; /* the driver's, OLD_MEMORY of it */
};

#define OLD_MEMORY 16384u

/* All that there are, found by old_begin(). */
extern struct old old_devices[OLD_MAX];
extern unsigned old_count;

/*
 * Finds every device and begins with it: reset, acknowledged, driver; features
 * as wanted, queues, then "driver ok". wanted has the features of a type, and
 * queues how many of them it uses. Returns -1 after saying what is wrong.
 */
int old_begin(int msix, uint32_t (*wanted)(unsigned type),
    unsigned (*queues)(unsigned type));

/* Whether the header says still what the driver wrote there. */
int old_is_kept(const struct old *d);

/* Resets all of them. */
void old_end(void);

/* The nth of a type, or NULL. */
struct old *old_find(unsigned type, unsigned n);

/* Queues a request and kicks. Returns its head, or -1 if there is no room. */
int old_queue(
    struct old *d, unsigned queue, const struct old_piece *pieces, unsigned n);

/* The head of what is finished next, -1 if nothing is. */
int old_take(struct old *d, unsigned queue, uint32_t *len);

/*
 * Queues a request and waits for it, halted, as long as half a minute. Returns
 * the bytes that the device says it wrote, or -1 after saying why not.
 */
int old_do(
    struct old *d, unsigned queue, const struct old_piece *pieces, unsigned n);

/* Its configuration, byte by byte, as the specification has it. */
uint32_t old_config(const struct old *d, unsigned at, unsigned size);
/* What changes by itself, or does something, is read and written at once. */
uint32_t old_config32(const struct old *d, unsigned at);
void old_config_set32(const struct old *d, unsigned at, uint32_t value);
void old_config_set(
    const struct old *d, unsigned at, unsigned size, uint32_t value);

/* The drivers. Each returns NULL, or what is wrong. */
const char *old_block(struct old *d, unsigned round);
const char *old_scsi(struct old *d, unsigned round);
const char *old_entropy(struct old *d);
const char *old_console(struct old *d, unsigned round);
const char *old_net_open(struct old *d);
const char *old_net(struct old *d, unsigned round);
const char *old_balloon(struct old *d, unsigned round);
const char *old_vmmci(struct old *d);

#endif
