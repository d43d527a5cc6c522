/*
 * qcow2_sound.c: whether the tables that a header names lead to places that
 * are in the file. What is found here is said before a guest has the disk;
 * what lies deeper (L2 entries, counts) is image check's to find, and costs
 * the guest an I/O error.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/block/qcow2.h"

#define CHUNK 8192u /* bytes that are read at once */

/* A table of offsets, each of a cluster behind the first, or 0. */
struct span {
	const char *what; /* "L1 table" */
	uint64_t offset, n; /* where, and how many entries */
	uint64_t mask; /* the offset in an entry */
};

static int
check_entry(const struct block_file *f, const struct qcow2_header *h,
    const struct span *s, uint64_t at, struct error *err)
{
	uint64_t cluster = qcow2_cluster(h);

	if (at == 0 ||
	    ((at & (cluster - 1)) == 0 && at >= cluster && at < h->file_size))
		return 0;
	return error_set(err,
	    "%s is damaged: its %s leads to %#llx, which is no cluster of the "
	    "file; see what vmtui image check -r %s can save, or take it from "
	    "a backup",
	    f->path, s->what, (unsigned long long)at, f->path);
}

static int
check_span(const struct block_file *f, const struct qcow2_header *h,
    const struct span *s, struct error *err)
{
	uint8_t buf[CHUNK];
	uint64_t done, len;
	ssize_t n;
	size_t i;

	for (done = 0; done < s->n * 8; done += (uint64_t)n) {
		len = s->n * 8 - done;
		if (len > sizeof buf)
			len = sizeof buf;
		n = pread(f->fd, buf, len, (off_t)(s->offset + done));
		if (n == -1 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n == -1)
			return error_set(err,
			    "%s cannot be read (%s): take it from a backup",
			    f->path, strerror(errno));
		n &= ~(ssize_t)7;
		if (n == 0)
			return error_set(err,
			    "%s became shorter while it was read; is it being "
			    "written?",
			    f->path);
		for (i = 0; i < (size_t)n; i += 8)
			if (check_entry(f, h, s, qcow2_get64(buf + i) & s->mask,
				err) == -1)
				return -1;
	}
	return 0;
}

static int
check_file(const struct block_file *f, struct error *err)
{
	struct qcow2_snapshot *list;
	struct qcow2_header h;
	struct span l1, counts;

	if (qcow2_read_header(f->fd, f->path, &h, err) == -1)
		return -1;
	l1 = (struct span){"L1 table", h.l1_offset, h.l1_size, QCOW2_L1_OFFSET};
	counts = (struct span){"refcount table", h.reftable_offset,
	    (uint64_t)h.reftable_clusters << (h.cluster_bits - 3),
	    QCOW2_REFTABLE_OFFSET};
	if (check_span(f, &h, &l1, err) == -1)
		return -1;
	/* Who only reads needs none of the rest. */
	if (f->readonly)
		return 0;
	if (qcow2_read_snapshots(f->fd, f->path, &h, &list, NULL, err) == -1)
		return error_prefix(
		    err, "the snapshots of this image cannot be kept: ");
	qcow2_free_snapshots(list, h.snapshots);
	return check_span(f, &h, &counts, err);
}

int
block_check_sound(const struct block_files *files, struct error *err)
{
	unsigned i;

	/* Whoever opens a damaged image for reading saves what there is. */
	if (files->file[0].readonly)
		return 0;
	for (i = 0; i < files->n; i++)
		if (files->file[i].format == BLOCK_FORMAT_QCOW2 &&
		    check_file(&files->file[i], err) == -1)
			return -1;
	return 0;
}
