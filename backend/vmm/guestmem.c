#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "backend/vmm/guestmem.h"
#include "config/size.h"

#define SMALL_PAGE 4096ULL
#define HUGE_PAGE  (2ULL << 20)

/* A memfd that is full of holes takes any size: ask what the host has. */
static int
check_size(uint64_t size, struct error *err)
{
	struct sysinfo si;
	uint64_t total;
	char want[24], have[24];

	if (size == 0)
		return error_set(err,
		    "a guest cannot have 0 bytes of memory; give it some, "
		    "memory = 512M for instance");
	if (sysinfo(&si) == -1)
		return error_set(
		    err, "cannot tell the host's memory: %s", strerror(errno));
	total = (uint64_t)si.totalram * si.mem_unit;
	if (size > total)
		return error_set(err,
		    "the guest's memory of %s is more than the host's %s; "
		    "give it less",
		    size_exact(size, want, sizeof want),
		    size_short(total, have, sizeof have));
	return 0;
}

static int
no_memory(uint64_t size, bool hugetlb, struct error *err)
{
	char want[24];
	int saved = errno;

	size_exact(size, want, sizeof want);
	if (hugetlb)
		return error_set(err,
		    "the host has no huge pages for %s of guest memory (%s); "
		    "write at least %llu to /proc/sys/vm/nr_hugepages or set "
		    "hugepages = no",
		    want, strerror(saved),
		    (unsigned long long)(size / HUGE_PAGE));
	return error_set(err, "the host has no %s of memory for the guest: %s",
	    want, strerror(saved));
}

#ifdef __SANITIZE_THREAD__
void AnnotateBenignRaceSized(const char *file, int line,
    const volatile void *at, long size, const char *why);
#endif

/*
 * What a guest says when it hands a buffer from one device to the next is not
 * seen by ThreadSanitizer, and one may hand the same to two at once: races in
 * its memory are the guest's own.
 */
static void
races_are_the_guests(const uint8_t *base, uint64_t size)
{
#ifdef __SANITIZE_THREAD__
	AnnotateBenignRaceSized(
	    __FILE__, __LINE__, base, (long)size, "a guest's memory");
#endif
}

/*
 * Maps the memfd at a multiple of the huge page size: only then can the host
 * back it with huge pages.
 */
static uint8_t *
map_aligned(int fd, uint64_t size)
{
	uint8_t *room, *base;
	uint64_t slack;

	room = mmap(NULL, size + HUGE_PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED)
		return NULL;
	slack = -(uintptr_t)room & (HUGE_PAGE - 1);
	base = mmap(room + slack, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, fd, 0);
	if (base == MAP_FAILED) {
		slack = (uint64_t)errno;
		munmap(room, size + HUGE_PAGE);
		errno = (int)slack;
		return NULL;
	}
	if (slack > 0)
		munmap(room, slack);
	munmap(base + size, HUGE_PAGE - slack);
	races_are_the_guests(base, size);
	return base;
}

/* Splits the mapping around the hole below 4 GiB. */
static void
set_regions(struct guestmem *mem, uint8_t *base)
{
	uint64_t low = mem->size;

	if (low > GUESTMEM_HOLE_START)
		low = GUESTMEM_HOLE_START;
	mem->region[0].gpa = 0;
	mem->region[0].size = low;
	mem->region[0].offset = 0;
	mem->region[0].hva = base;
	mem->regions = 1;
	if (mem->size == low)
		return;
	mem->region[1].gpa = GUESTMEM_HOLE_END;
	mem->region[1].size = mem->size - low;
	mem->region[1].offset = low;
	mem->region[1].hva = base + low;
	mem->regions = 2;
}

int
guestmem_create(
    struct guestmem *mem, uint64_t size, bool hugetlb, struct error *err)
{
	uint64_t page = hugetlb ? HUGE_PAGE : SMALL_PAGE;
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	uint8_t *base;

	memset(mem, 0, sizeof *mem);
	mem->fd = -1;
	if (check_size(size, err) == -1)
		return -1;
	mem->size = (size + page - 1) & ~(page - 1);
	mem->page = page;
	if (hugetlb)
		flags |= MFD_HUGETLB | MFD_HUGE_2MB;
	mem->fd = memfd_create("guest memory", flags);
	if (mem->fd == -1 || ftruncate(mem->fd, (off_t)mem->size) == -1)
		goto fail;
	/* Whoever is given the descriptor cannot pull pages away by size. */
	if (fcntl(mem->fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1)
		goto fail;
	base = map_aligned(mem->fd, mem->size);
	if (base == NULL)
		goto fail;
	/* Advice: a host that cannot follow it still runs the guest. */
	if (!hugetlb)
		madvise(base, mem->size, MADV_HUGEPAGE);
	madvise(base, mem->size, MADV_DONTDUMP);
	set_regions(mem, base);
	return 0;
fail:
	no_memory(mem->size, hugetlb, err);
	guestmem_destroy(mem);
	return -1;
}

void
guestmem_destroy(struct guestmem *mem)
{
	if (mem->regions > 0)
		munmap(mem->region[0].hva, mem->size);
	if (mem->fd != -1)
		close(mem->fd);
	mem->fd = -1;
	mem->regions = 0;
}

int
guestmem_read(const struct guestmem *mem, uint64_t gpa, void *buf, size_t len)
{
	const void *p = guestmem_at(mem, gpa, len);

	if (p == NULL)
		return -1;
	memcpy(buf, p, len);
	return 0;
}

int
guestmem_write(
    const struct guestmem *mem, uint64_t gpa, const void *buf, size_t len)
{
	void *p = guestmem_at(mem, gpa, len);

	if (p == NULL)
		return -1;
	memcpy(p, buf, len);
	return 0;
}

void
guestmem_zero(struct guestmem *mem)
{
	/* A memfd of either kind can be punched; there is nothing to fail. */
	if (fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		(off_t)mem->size) == -1)
		memset(mem->region[0].hva, 0, mem->size);
}

uint64_t
guestmem_offset(const struct guestmem *mem, const void *hva)
{
	const struct guestmem_region *r;
	unsigned i = mem->regions - 1;

	for (; i > 0; i--) {
		r = &mem->region[i];
		if ((const uint8_t *)hva >= r->hva &&
		    (const uint8_t *)hva < r->hva + r->size)
			break;
	}
	r = &mem->region[i];
	return r->offset + (uint64_t)((const uint8_t *)hva - r->hva);
}

uint64_t
guestmem_discard(const struct guestmem *mem, uint64_t offset, uint64_t len)
{
	uint64_t from = (offset + mem->page - 1) & ~(mem->page - 1);
	uint64_t to = (offset + len) & ~(mem->page - 1);

	if (to <= from ||
	    fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)from, (off_t)(to - from)) == -1)
		return 0;
	return to - from;
}

uint64_t
guestmem_next(const struct guestmem *mem, uint64_t offset, uint64_t *end)
{
	off_t from, to;

	*end = mem->size;
	if (offset >= mem->size)
		return mem->size;
	from = lseek(mem->fd, (off_t)offset, SEEK_DATA);
	if (from == -1)
		return errno == ENXIO ? mem->size : offset;
	to = lseek(mem->fd, from, SEEK_HOLE);
	if (to > from)
		*end = (uint64_t)to;
	return (uint64_t)from;
}

uint8_t *
guestmem_all(const struct guestmem *mem)
{
	return mem->region[0].hva;
}
