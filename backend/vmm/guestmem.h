/*
 * guestmem.h: the guest's RAM, and the one checked way to it.
 *
 *	gpa 0                3 GiB          4 GiB
 *	 |  region[0] (low)   | hole: MMIO    | region[1] (the rest) ...
 *
 * One memfd, mapped shared, so that pages cost nothing until touched and
 * vhost or a snapshot can share them. Every device and loader reaches guest
 * memory through the functions below and never keeps an hva beyond what it
 * checked. All of them may be called from any thread; what the guest changes
 * meanwhile is the guest's affair, so a value is read once into a local and
 * then checked.
 */
#ifndef BACKEND_VMM_GUESTMEM_H
#define BACKEND_VMM_GUESTMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/error.h"

#define GUESTMEM_HOLE_START (3ULL << 30)
#define GUESTMEM_HOLE_END   (4ULL << 30)

struct guestmem_region {
	uint64_t gpa; /* first byte, guest physical */
	uint64_t size; /* bytes, a multiple of the page size */
	uint64_t offset; /* of its first byte in the memfd */
	uint8_t *hva;
};

struct guestmem {
	int fd;
	uint64_t size; /* bytes of RAM in all */
	uint64_t page; /* bytes of a page of the host's behind it */
	unsigned regions;
	struct guestmem_region region[2];
};

/*
 * Makes size bytes of RAM (rounded up to a page). hugetlb asks for explicit
 * huge pages and fails with a sentence where the host has not enough of them;
 * without it transparent ones are advised. Returns 0, or -1 with err.
 */
int guestmem_create(
    struct guestmem *mem, uint64_t size, bool hugetlb, struct error *err);
void guestmem_destroy(struct guestmem *mem);

/*
 * The host address of [gpa, gpa + len), or NULL if any byte of it lies outside
 * one region of RAM. len 0 gives NULL.
 */
static inline void *
guestmem_at(const struct guestmem *mem, uint64_t gpa, uint64_t len)
{
	const struct guestmem_region *r;
	unsigned i;

	for (i = 0; i < mem->regions; i++) {
		r = &mem->region[i];
		if (gpa >= r->gpa && gpa - r->gpa < r->size &&
		    len <= r->size - (gpa - r->gpa) && len > 0)
			return r->hva + (gpa - r->gpa);
	}
	return NULL;
}

/*
 * Copies len bytes out of or into guest memory; the range must lie in one
 * region. Returns 0, or -1 if it does not (nothing is copied then).
 */
int guestmem_read(
    const struct guestmem *mem, uint64_t gpa, void *buf, size_t len);
int guestmem_write(
    const struct guestmem *mem, uint64_t gpa, const void *buf, size_t len);

/* Gives all pages back to the host; the guest reads zeroes afterwards. */
void guestmem_zero(struct guestmem *mem);

/* Where hva is among all RAM, in bytes from its start, without the hole. */
uint64_t guestmem_offset(const struct guestmem *mem, const void *hva);
/*
 * Gives back to the host what whole pages of its there are in len bytes at
 * offset; the guest reads zeroes there afterwards. Returns how many bytes that
 * was; 0 also if the host refused.
 */
uint64_t guestmem_discard(
    const struct guestmem *mem, uint64_t offset, uint64_t len);

/*
 * The first byte at or behind offset that the host has memory for, and in *end
 * where that ends; the size of all RAM if there is none. Nothing is touched:
 * to read what the guest never used would make the host find memory for it.
 */
uint64_t guestmem_next(
    const struct guestmem *mem, uint64_t offset, uint64_t *end);
/* All RAM in one piece, without the hole: mem->size bytes. */
uint8_t *guestmem_all(const struct guestmem *mem);

#endif
