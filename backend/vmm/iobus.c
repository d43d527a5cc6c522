#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/iobus.h"

/*
 * range[] is sorted by base and holds no two that overlap. A thread that found
 * a range counts itself in before it lets go of the lock, so that a remover
 * can wait for it:
 *
 *	reader: rdlock, find, users++, unlock ── handler ── users--, wake
 *	remover: wrlock, take out, unlock ── wait until users is its own only
 */
struct range {
	const char *name;
	uint64_t base, size;
	const struct io_ops *ops;
	void *arg;
	_Atomic unsigned users;
	struct range *next; /* in the list of dead */
};

struct iobus {
	const char *name;
	pthread_rwlock_t lock; /* guards range, count, cap and dead */
	struct range **range;
	size_t count, cap;
	struct range *dead; /* removed by its own handler, users not yet 0 */
	_Atomic unsigned removers;
	pthread_mutex_t idle_lock; /* with idle: only for removers' sleep */
	pthread_cond_t idle;
};

/* What this thread is inside of, innermost first. */
struct call {
	const struct range *range;
	struct call *outer;
};
static _Thread_local struct call *calls;

struct iobus *
iobus_new(const char *name)
{
	struct iobus *bus = calloc(1, sizeof *bus);

	if (bus == NULL)
		return NULL;
	bus->name = name;
	pthread_rwlock_init(&bus->lock, NULL);
	pthread_mutex_init(&bus->idle_lock, NULL);
	pthread_cond_init(&bus->idle, NULL);
	return bus;
}

/* Frees the dead that nobody is inside of any more. Write lock held. */
static void
bury(struct iobus *bus)
{
	struct range **p = &bus->dead, *r;

	while ((r = *p) != NULL) {
		if (atomic_load(&r->users) == 0) {
			*p = r->next;
			free(r);
		} else {
			p = &r->next;
		}
	}
}

void
iobus_free(struct iobus *bus)
{
	size_t i;

	if (bus == NULL)
		return;
	for (i = 0; i < bus->count; i++)
		free(bus->range[i]);
	bury(bus);
	free(bus->range);
	pthread_cond_destroy(&bus->idle);
	pthread_mutex_destroy(&bus->idle_lock);
	pthread_rwlock_destroy(&bus->lock);
	free(bus);
}

/* The index of the first range that ends after addr. */
static size_t
find(const struct iobus *bus, uint64_t addr)
{
	size_t low = 0, high = bus->count, mid;
	const struct range *r;

	while (low < high) {
		mid = low + (high - low) / 2;
		r = bus->range[mid];
		if (addr >= r->base && addr - r->base >= r->size)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int
grow(struct iobus *bus)
{
	size_t cap = bus->cap == 0 ? 32 : bus->cap * 2;
	struct range **range;

	if (bus->count < bus->cap)
		return 0;
	range = realloc(bus->range, cap * sizeof *range);
	if (range == NULL)
		return -1;
	bus->range = range;
	bus->cap = cap;
	return 0;
}

/* Puts r into the table. Write lock held. */
static int
insert(struct iobus *bus, struct range *r, struct error *err)
{
	const struct range *other;
	size_t at = find(bus, r->base);

	if (at < bus->count) {
		other = bus->range[at];
		if (other->base <= r->base + (r->size - 1))
			return error_set(err,
			    "%s at 0x%llx and %s at 0x%llx overlap on the %s "
			    "bus",
			    r->name, (unsigned long long)r->base, other->name,
			    (unsigned long long)other->base, bus->name);
	}
	if (grow(bus) == -1)
		return error_set(err, "no memory for %s", r->name);
	memmove(bus->range + at + 1, bus->range + at,
	    (bus->count - at) * sizeof bus->range[0]);
	bus->range[at] = r;
	bus->count++;
	return 0;
}

int
iobus_add(struct iobus *bus, const char *name, uint64_t base, uint64_t size,
    const struct io_ops *ops, void *arg, struct error *err)
{
	struct range *r;
	int rc;

	if (size == 0 || base + (size - 1) < base)
		return error_set(err,
		    "%s cannot have 0x%llx bytes at 0x%llx of the %s bus", name,
		    (unsigned long long)size, (unsigned long long)base,
		    bus->name);
	r = calloc(1, sizeof *r);
	if (r == NULL)
		return error_set(err, "no memory for %s", name);
	r->name = name;
	r->base = base;
	r->size = size;
	r->ops = ops;
	r->arg = arg;
	pthread_rwlock_wrlock(&bus->lock);
	bury(bus);
	rc = insert(bus, r, err);
	pthread_rwlock_unlock(&bus->lock);
	if (rc == -1)
		free(r);
	return rc;
}

/* Takes the range that starts at base out of the table. */
static struct range *
take(struct iobus *bus, uint64_t base)
{
	struct range *r = NULL;
	size_t at;

	pthread_rwlock_wrlock(&bus->lock);
	bury(bus);
	at = find(bus, base);
	if (at < bus->count && bus->range[at]->base == base) {
		r = bus->range[at];
		bus->count--;
		memmove(bus->range + at, bus->range + at + 1,
		    (bus->count - at) * sizeof bus->range[0]);
	}
	pthread_rwlock_unlock(&bus->lock);
	return r;
}

void
iobus_remove(struct iobus *bus, uint64_t base)
{
	struct range *r = take(bus, base);
	const struct call *c;
	unsigned own = 0;

	if (r == NULL)
		return;
	for (c = calls; c != NULL; c = c->outer)
		own += c->range == r;
	/*
	 * A leaver counts itself out, then looks for removers; a remover
	 * announces itself, then looks at the count: one sees the other.
	 */
	atomic_fetch_add(&bus->removers, 1);
	pthread_mutex_lock(&bus->idle_lock);
	while (atomic_load(&r->users) > own)
		pthread_cond_wait(&bus->idle, &bus->idle_lock);
	pthread_mutex_unlock(&bus->idle_lock);
	atomic_fetch_sub(&bus->removers, 1);
	if (own == 0) {
		free(r);
		return;
	}
	pthread_rwlock_wrlock(&bus->lock);
	r->next = bus->dead;
	bus->dead = r;
	pthread_rwlock_unlock(&bus->lock);
}

/*
 * The range that takes all of [addr, addr + size) at once, counted in; or NULL.
 */
static struct range *
enter(struct iobus *bus, uint64_t addr, unsigned size, struct call *call)
{
	struct range *r = NULL;
	uint64_t offset;
	size_t at;

	pthread_rwlock_rdlock(&bus->lock);
	at = find(bus, addr);
	if (at < bus->count && addr >= bus->range[at]->base) {
		offset = addr - bus->range[at]->base;
		if (size <= bus->range[at]->size - offset &&
		    (size == 1 || !bus->range[at]->ops->bytewise)) {
			r = bus->range[at];
			atomic_fetch_add(&r->users, 1);
		}
	}
	pthread_rwlock_unlock(&bus->lock);
	if (r != NULL) {
		call->range = r;
		call->outer = calls;
		calls = call;
	}
	return r;
}

/* r may be gone as soon as it is counted out. */
static void
leave(struct iobus *bus, struct range *r, struct call *call)
{
	calls = call->outer;
	atomic_fetch_sub(&r->users, 1);
	if (atomic_load(&bus->removers) == 0)
		return;
	pthread_mutex_lock(&bus->idle_lock);
	pthread_cond_broadcast(&bus->idle);
	pthread_mutex_unlock(&bus->idle_lock);
}

static uint64_t
ones(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (1ULL << (size * 8)) - 1;
}

uint64_t
iobus_read(struct iobus *bus, uint64_t addr, unsigned size)
{
	struct range *r;
	struct call call;
	uint64_t value = 0;
	unsigned i;

	r = enter(bus, addr, size, &call);
	if (r != NULL) {
		value = r->ops->read(r->arg, addr - r->base, size);
		leave(bus, r, &call);
		return value & ones(size);
	}
	if (size == 1)
		return ones(1);
	for (i = 0; i < size; i++)
		value |= iobus_read(bus, addr + i, 1) << (i * 8);
	return value;
}

void
iobus_write(struct iobus *bus, uint64_t addr, unsigned size, uint64_t value)
{
	struct range *r;
	struct call call;
	unsigned i;

	r = enter(bus, addr, size, &call);
	if (r != NULL) {
		r->ops->write(r->arg, addr - r->base, size, value & ones(size));
		leave(bus, r, &call);
		return;
	}
	for (i = 0; size > 1 && i < size; i++)
		iobus_write(bus, addr + i, 1, value >> (i * 8) & 0xff);
}
