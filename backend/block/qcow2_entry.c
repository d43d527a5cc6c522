/*
 * qcow2_entry.c: entries of L2: what they say of a cluster (qcow2.txt, "L2
 * table entry", "Standard Cluster Descriptor", "Extended L2 Entries"), and the
 * slices they are read in.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "backend/block/qcow2_image.h"

static uint64_t
word(const struct slice *s, unsigned n)
{
	uint64_t v;

	memcpy(&v, s->data + n * 8ULL, sizeof v);
	return be64toh(v);
}

static void
set_word(struct slice *s, unsigned n, uint64_t v)
{
	v = htobe64(v);
	memcpy(s->data + n * 8ULL, &v, sizeof v);
}

uint32_t
entry_all(const struct qcow2 *q)
{
	return q->subclusters == 1 ? 1 : UINT32_MAX;
}

unsigned
entry_index(const struct qcow2 *q, uint64_t at)
{
	return (unsigned)(at >> q->h.cluster_bits) & (q->l2_slice_entries - 1);
}

/* Can a cluster of the disk be there? */
static bool
host_possible(const struct qcow2 *q, uint64_t host)
{
	if ((host & (q->cluster - 1)) != 0)
		return false;
	if (q->external)
		return true;
	return host >= q->cluster && host < q->extended &&
	    host - q->l1.offset >= q->l1.n * 8 &&
	    host - q->reftable.offset >= q->reftable.n * 8;
}

bool
entry_plain(
    const struct qcow2 *q, const struct slice *s, uint64_t at, uint64_t *host)
{
	uint64_t v;

	if (q->subclusters != 1)
		return false;
	v = word(s, entry_index(q, at));
	*host = v & QCOW2_L2_OFFSET;
	return *host != 0 && (v & QCOW2_COPIED) != 0 &&
	    (v & (QCOW2_L2_COMPRESSED | QCOW2_L2_ZERO)) == 0 &&
	    host_possible(q, *host);
}

int
entry_get(
    const struct qcow2 *q, const struct slice *s, unsigned n, struct entry *e)
{
	uint64_t v = word(s, q->subclusters == 1 ? n : 2 * n), bits;

	*e = (struct entry){.raw = v};
	if ((v & QCOW2_L2_COMPRESSED) != 0) {
		e->compressed = true;
		return q->external ? -EIO : 0;
	}
	e->copied = (v & QCOW2_COPIED) != 0;
	e->host = v & QCOW2_L2_OFFSET;
	e->has_host = e->host != 0 || (q->external && e->copied);
	if (e->has_host && !host_possible(q, e->host))
		return -EIO;
	if (q->subclusters == 1) {
		e->zero = (v & QCOW2_L2_ZERO) != 0;
		e->allocated = e->has_host && !e->zero;
		return e->zero && q->h.version < 3 ? -EIO : 0;
	}
	bits = word(s, 2 * n + 1);
	e->allocated = (uint32_t)bits;
	e->zero = (uint32_t)(bits >> 32);
	if ((e->allocated & e->zero) != 0 ||
	    (e->allocated != 0 && !e->has_host))
		return -EIO;
	return 0;
}

void
entry_set(struct qcow2 *q, struct slice *s, unsigned n, const struct entry *e)
{
	uint64_t v = 0;

	if (e->has_host)
		v = e->host | (e->copied ? QCOW2_COPIED : 0);
	if (q->subclusters == 1) {
		set_word(s, n, v | (e->zero != 0 ? QCOW2_L2_ZERO : 0));
	} else {
		set_word(s, 2 * n, v);
		set_word(s, 2 * n + 1, (uint64_t)e->zero << 32 | e->allocated);
	}
	cache_dirty(&q->l2, s);
}

void
entry_compressed(
    const struct qcow2 *q, uint64_t raw, uint64_t *offset, uint64_t *len)
{
	unsigned x = 62 - (q->h.cluster_bits - 8);
	uint64_t sectors = (raw & (QCOW2_L2_COMPRESSED - 1)) >> x;

	*offset = raw & ((1ULL << x) - 1);
	*len = (sectors + 1) * 512 - (*offset & 511);
}

/* The kind of one subcluster. */
static enum extent_kind
kind_of(const struct entry *e, unsigned sub)
{
	if (e->compressed)
		return EXTENT_COMPRESSED;
	if ((e->zero >> sub & 1) != 0)
		return EXTENT_ZERO;
	return (e->allocated >> sub & 1) != 0 ? EXTENT_DATA : EXTENT_HOLE;
}

int
entry_stretch(const struct qcow2 *q, const struct slice *s, uint64_t at,
    uint64_t most, struct stretch *st)
{
	uint64_t in = at & (q->cluster - 1), sub_bytes = 1ULL << q->sub_bits;
	unsigned n = entry_index(q, at), sub = (unsigned)(in >> q->sub_bits);
	struct entry e;

	if (entry_get(q, s, n, &e) != 0)
		return -EIO;
	st->kind = kind_of(&e, sub);
	st->host = e.host + in;
	st->copied = e.copied;
	st->raw = e.raw;
	st->len = sub_bytes - (in & (sub_bytes - 1));
	if (st->kind == EXTENT_COMPRESSED) {
		st->len = q->cluster - in;
	} else {
		while (st->len < most) {
			if (++sub == q->subclusters) {
				sub = 0;
				if (++n == q->l2_slice_entries ||
				    entry_get(q, s, n, &e) != 0 || e.compressed)
					break;
			}
			if (kind_of(&e, sub) != st->kind)
				break;
			if (st->kind == EXTENT_DATA &&
			    (e.copied != st->copied ||
				e.host + (uint64_t)sub * sub_bytes !=
				    st->host + st->len))
				break;
			st->len += sub_bytes;
		}
	}
	if (st->len > most)
		st->len = most;
	return 0;
}

/* ---- slices ---- */

/* Where the slice stands in the file. Its table must exist. */
static uint64_t
place(const struct qcow2 *q, uint64_t key)
{
	return (q->l1.entry[key / q->l2_slices] & QCOW2_L1_OFFSET) +
	    key % q->l2_slices * q->l2.bytes;
}

/* The table exists: is it somewhere it can be? */
static bool
table_possible(const struct qcow2 *q, uint64_t offset)
{
	return (offset & (q->cluster - 1)) == 0 && offset >= q->cluster &&
	    offset < q->extended;
}

void
l2_prefetch(struct qcow2 *q, uint64_t at)
{
	const struct slice *s = cache_find(&q->l2, at >> q->l2_key_bits);

	if (s != NULL)
		__builtin_prefetch(s->data + entry_index(q, at) * q->l2_bytes);
}

int
l2_slice(struct qcow2 *q, struct job *job, uint64_t at, struct slice **s)
{
	uint64_t key = at >> q->l2_key_bits, offset;

	*s = cache_find(&q->l2, key);
	if (*s != NULL)
		return (*s)->loading ? cache_wait(*s, job) : 0;
	if (key / q->l2_slices >= q->l1.n)
		return -EIO;
	offset = q->l1.entry[key / q->l2_slices] & QCOW2_L1_OFFSET;
	if (offset == 0)
		return 0;
	if (!table_possible(q, offset))
		return qcow2_corrupt(q, "an L2 table", offset);
	*s = cache_take(q, &q->l2, key, false);
	if (*s == NULL) {
		if (errno == ENOMEM)
			return -ENOMEM;
		/*
		 * What is dirty a round makes clean; what is being read or in
		 * use wakes those who are blocked when that is over.
		 */
		if (q->l2.dirty > 0)
			q->want_commit = true;
		job_block(q, job);
		return 1;
	}
	cache_load(&q->l2, *s, place(q, key));
	return cache_wait(*s, job);
}

int
l2_slice_to_write(
    struct qcow2 *q, struct job *job, uint64_t at, struct slice **s)
{
	uint64_t key = at >> q->l2_key_bits;
	uint64_t index = key / q->l2_slices;
	int rc;

	*s = cache_find(&q->l2, key);
	/* Of a table that has to be copied no slice is dirty. */
	if (*s != NULL && (*s)->dirty)
		return 0;
	if (index >= q->l1.n)
		return -EIO;
	if ((q->l1.entry[index] & QCOW2_COPIED) == 0 ||
	    (q->l1.entry[index] & QCOW2_L1_OFFSET) == 0) {
		rc = table_make_l2(q, job, index);
		if (rc != 0)
			return rc;
	}
	return l2_slice(q, job, at, s);
}
