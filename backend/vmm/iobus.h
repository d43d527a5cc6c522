/*
 * iobus.h: who answers an address: port and memory-mapped I/O dispatch.
 *
 * A machine has two buses, one of ports and one of MMIO. Devices add ranges;
 * vcpu threads look them up at each exit. Ranges come and go while the guest
 * runs (a PCI BAR is moved), so the table is guarded by a read-write lock
 * that is held over the lookup only, and a range that is removed is known to
 * be idle when iobus_remove() returns.
 */
#ifndef BACKEND_VMM_IOBUS_H
#define BACKEND_VMM_IOBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/error.h"

/*
 * A handler gets the offset into its range and the width (1, 2, 4 or 8 bytes);
 * it is called from vcpu threads, several at once: it does its own locking.
 * With bytewise set the width is always 1: a wider access comes as so many
 * bytes from the lowest on, as 8-bit devices have them on an ISA bus.
 * It must not add or remove ranges of the bus it is called from except through
 * pci.h, which defers that.
 */
struct io_ops {
	uint64_t (*read)(void *arg, uint64_t offset, unsigned size);
	void (*write)(
	    void *arg, uint64_t offset, unsigned size, uint64_t value);
	bool bytewise;
};

struct iobus;

struct iobus *iobus_new(const char *name);
void iobus_free(struct iobus *bus);

/*
 * Adds [base, base + size) for ops. name must outlive the range. Fails with a
 * sentence if it overlaps another range.
 */
int iobus_add(struct iobus *bus, const char *name, uint64_t base, uint64_t size,
    const struct io_ops *ops, void *arg, struct error *err);

/*
 * Removes the range that starts at base. No handler of it runs any more when
 * this returns, except one further up the caller's own stack.
 */
void iobus_remove(struct iobus *bus, uint64_t base);

/*
 * One access of 1, 2, 4 or 8 bytes. Where nobody answers, reads are all ones
 * and writes vanish, as on a PC. An access that leaves its range, or is wider
 * than that takes, is split into bytes. Little-endian value.
 */
uint64_t iobus_read(struct iobus *bus, uint64_t addr, unsigned size);
void iobus_write(
    struct iobus *bus, uint64_t addr, unsigned size, uint64_t value);

#endif
