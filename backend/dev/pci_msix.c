/*
 * pci_msix.c: the MSI-X capability (PCI 3.0, 6.8.2).
 *
 *	table (in a BAR)             pending bits
 *	 0: addr lo hi data ctrl      bit n: vector n waits behind its mask
 *	 1: …
 *
 * Each vector is an irq_msi. While the function or the vector is masked its
 * irqfd is off and the eventfd itself holds what is pending, so sending never
 * looks at the table. Routes are written only when a vector is unmasked with
 * a message that changed: each costs the kernel a grace period.
 */
#include <stdlib.h>

#include "backend/dev/pci_internal.h"

#define ENTRY_SIZE  16u
#define CTRL_ENABLE 0x8000
#define CTRL_FMASK  0x4000
#define VECTOR_MASK 1u

static uint16_t
control(const struct pci_fn *fn)
{
	return pci_get16(fn, fn->msix.cap + 2);
}

bool
pci_msix_enabled(const struct pci_fn *fn)
{
	return fn->msix.enabled;
}

/* After the control register was written, by whomever. Lock held. */
static void
note_control(struct pci_fn *fn)
{
	fn->msix.enabled =
	    fn->msix.vectors > 0 && (control(fn) & CTRL_ENABLE) != 0;
}

int
pci_add_msix(struct pci_fn *fn, unsigned bar, uint32_t offset, unsigned vectors,
    struct error *err)
{
	static const uint8_t wmask[10] = {0, (CTRL_ENABLE | CTRL_FMASK) >> 8};
	struct msix *x = &fn->msix;
	uint8_t body[10];
	unsigned i;
	int at;

	x->bar = bar;
	x->table = offset;
	x->pba = (offset + vectors * ENTRY_SIZE + 7) & ~7u;
	for (i = 0; i < 10; i++)
		body[i] = 0;
	body[0] = (uint8_t)(vectors - 1);
	body[1] = (uint8_t)((vectors - 1) >> 8 & 7);
	for (i = 0; i < 4; i++) {
		body[2 + i] = (uint8_t)((x->table | bar) >> (8 * i));
		body[6 + i] = (uint8_t)((x->pba | bar) >> (8 * i));
	}
	at = pci_add_capability(fn, PCI_CAP_MSIX, body, sizeof body, wmask);
	if (at == -1)
		return error_set(
		    err, "%s: no room for the MSI-X capability", fn->ops->name);
	x->cap = (unsigned)at;
	x->vector = calloc(vectors, sizeof *x->vector);
	if (x->vector == NULL)
		return error_set(err, "%s: out of memory", fn->ops->name);
	for (i = 0; i < vectors; i++) {
		if (irq_msi_new(fn->bus->machine, &x->vector[i].msi, err) == -1)
			return -1;
		x->vector[i].masked = true;
		x->vectors = i + 1;
	}
	return 0;
}

/* Connects the vector if it may be delivered, takes it off if not. */
static void
update_vector(struct pci_fn *fn, struct msix_vector *v)
{
	bool want = pci_msix_enabled(fn) && (control(fn) & CTRL_FMASK) == 0 &&
	    !v->masked;
	struct error err;

	if (want && !v->routed) {
		if (irq_msi_route(v->msi,
			(uint64_t)v->addr_hi << 32 | v->addr_lo, v->data,
			&err) == -1)
			log_guest(
			    &fn->bus->limit, "%s: %s", fn->ops->name, err.text);
		else
			v->routed = true;
	}
	want = want && v->routed;
	if (want != v->on && irq_msi_enable(v->msi, want, &err) == 0)
		v->on = want;
}

void
msix_update(struct pci_fn *fn)
{
	unsigned i;

	note_control(fn);
	for (i = 0; i < fn->msix.vectors; i++)
		update_vector(fn, &fn->msix.vector[i]);
}

static uint32_t *
word(struct msix_vector *v, unsigned i)
{
	switch (i) {
	case 0:
		return &v->addr_lo;
	case 1:
		return &v->addr_hi;
	default:
		return &v->data;
	}
}

static uint32_t
table_read(struct pci_fn *fn, uint32_t at)
{
	struct msix_vector *v = &fn->msix.vector[at / ENTRY_SIZE];
	unsigned i = at % ENTRY_SIZE / 4;

	return i == 3 ? (v->masked ? VECTOR_MASK : 0) : *word(v, i);
}

static void
table_write(struct pci_fn *fn, uint32_t at, uint32_t value)
{
	struct msix_vector *v = &fn->msix.vector[at / ENTRY_SIZE];
	unsigned i = at % ENTRY_SIZE / 4;

	if (i == 3) {
		v->masked = (value & VECTOR_MASK) != 0;
	} else if (*word(v, i) != value) {
		*word(v, i) = value;
		v->routed = false;
	}
	update_vector(fn, v);
}

static uint32_t
pending_read(struct pci_fn *fn, uint32_t at)
{
	uint32_t bits = 0;
	unsigned i;

	for (i = 0; i < 32 && at * 8 + i < fn->msix.vectors; i++)
		if (!fn->msix.vector[at * 8 + i].on &&
		    irq_msi_pending(fn->msix.vector[at * 8 + i].msi))
			bits |= 1u << i;
	return bits;
}

/*
 * The dword at offset; false: it is neither in the table nor in the pending
 * bits. Lock held.
 */
static bool
read_dword(struct pci_fn *fn, uint32_t offset, uint32_t *value)
{
	const struct msix *x = &fn->msix;

	if (offset >= x->table && offset < x->table + x->vectors * ENTRY_SIZE)
		*value = table_read(fn, offset - x->table);
	else if (offset >= x->pba && offset < x->pba + (x->vectors + 63) / 8)
		*value = pending_read(fn, offset - x->pba);
	else
		return false;
	return true;
}

static bool
in_bar(const struct pci_fn *fn, unsigned bar, uint64_t offset)
{
	const struct msix *x = &fn->msix;

	return x->vectors > 0 && bar == x->bar && offset >= x->table &&
	    offset < x->pba + (x->vectors + 63) / 64 * 8;
}

/* Accesses are dwords and qwords (6.8.2); anything else reads as zero. */
bool
msix_bar_read(struct pci_fn *fn, unsigned bar, uint64_t offset, unsigned size,
    uint64_t *value)
{
	uint32_t lo = 0, hi = 0;

	if (!in_bar(fn, bar, offset))
		return false;
	pthread_mutex_lock(&fn->bus->lock);
	if (size >= 4 && offset % 4 == 0) {
		read_dword(fn, (uint32_t)offset, &lo);
		if (size == 8)
			read_dword(fn, (uint32_t)offset + 4, &hi);
	}
	pthread_mutex_unlock(&fn->bus->lock);
	*value = (uint64_t)hi << 32 | lo;
	return true;
}

bool
msix_bar_write(struct pci_fn *fn, unsigned bar, uint64_t offset, unsigned size,
    uint64_t value)
{
	const struct msix *x = &fn->msix;
	uint32_t at;

	if (!in_bar(fn, bar, offset))
		return false;
	if (size < 4 || offset % 4 != 0)
		return true;
	pthread_mutex_lock(&fn->bus->lock);
	for (at = (uint32_t)offset - x->table;
	     size > 0 && at < x->vectors * ENTRY_SIZE; at += 4, size -= 4) {
		table_write(fn, at, (uint32_t)value);
		value >>= 32;
	}
	pthread_mutex_unlock(&fn->bus->lock);
	return true;
}

void
pci_msix_send(struct pci_fn *fn, unsigned vector)
{
	if (vector < fn->msix.vectors)
		irq_msi_send(fn->msix.vector[vector].msi);
}

int
pci_msix_fd(const struct pci_fn *fn, unsigned vector)
{
	if (vector >= fn->msix.vectors)
		return -1;
	return irq_msi_fd(fn->msix.vector[vector].msi);
}

void
msix_reset(struct pci_fn *fn)
{
	struct msix_vector *v;
	unsigned i;

	note_control(fn);
	for (i = 0; i < fn->msix.vectors; i++) {
		v = &fn->msix.vector[i];
		v->addr_lo = v->addr_hi = v->data = 0;
		v->masked = true;
		v->routed = false;
		update_vector(fn, v);
		irq_msi_clear(v->msi);
	}
}

void
msix_save(const struct pci_fn *fn, struct state_writer *w)
{
	const struct msix_vector *v;
	unsigned i;

	for (i = 0; i < fn->msix.vectors; i++) {
		v = &fn->msix.vector[i];
		state_put_u32(w, v->addr_lo);
		state_put_u32(w, v->addr_hi);
		state_put_u32(w, v->data);
		state_put_u8(w, v->masked);
		state_put_u8(w, irq_msi_pending(v->msi));
	}
}

int
msix_load(struct pci_fn *fn, struct state_reader *r, struct error *err)
{
	struct msix_vector *v;
	unsigned i;
	bool pending;

	if (fn->msix.vectors == 0)
		return 0;
	pthread_mutex_lock(&fn->bus->lock);
	note_control(fn);
	for (i = 0; i < fn->msix.vectors; i++) {
		v = &fn->msix.vector[i];
		v->addr_lo = state_get_u32(r);
		v->addr_hi = state_get_u32(r);
		v->data = state_get_u32(r);
		v->masked = state_get_u8(r) != 0;
		pending = state_get_u8(r) != 0;
		v->routed = false;
		irq_msi_clear(v->msi);
		if (pending)
			irq_msi_send(v->msi);
		update_vector(fn, v);
	}
	pthread_mutex_unlock(&fn->bus->lock);
	if (r->bad)
		return error_set(err, "%s: the saved MSI-X table is cut short",
		    fn->ops->name);
	return 0;
}

void
msix_free(struct pci_fn *fn)
{
	unsigned i;

	for (i = 0; i < fn->msix.vectors; i++)
		irq_msi_free(fn->msix.vector[i].msi);
	free(fn->msix.vector);
}
