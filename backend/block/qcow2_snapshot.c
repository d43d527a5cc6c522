/*
 * qcow2_snapshot.c: the table of internal snapshots. They are kept, never
 * made: what belongs to one has a refcount over 1 and is copied when written.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/qcow2.h"

#define FIXED      40u
#define EXTRA_MOST 1024u
#define TABLE_MOST (64ull << 20)

/* One entry, whose parts come one after another. */
struct reader {
	int fd;
	const char *path;
	uint64_t at, end;
	struct error *err;
};

static int
take(struct reader *r, void *to, size_t len)
{
	ssize_t n;

	if (len > r->end - r->at)
		return error_set(r->err,
		    "%s is damaged: its snapshot table goes beyond the end of "
		    "the file; take it from a backup",
		    r->path);
	n = pread(r->fd, to, len, (off_t)r->at);
	if (n != (ssize_t)len)
		return error_set(r->err, "%s cannot be read: %s", r->path,
		    n == -1 ? strerror(errno) : "it ends early");
	r->at += len;
	return 0;
}

static char *
take_text(struct reader *r, size_t len)
{
	char *text = calloc(1, len + 1);

	if (text == NULL) {
		error_set(r->err, "%s: out of memory", r->path);
		return NULL;
	}
	if (take(r, text, len) == -1) {
		free(text);
		return NULL;
	}
	return text;
}

static int
take_entry(struct reader *r, uint64_t disk_size, struct qcow2_snapshot *s)
{
	uint8_t fixed[FIXED], extra[EXTRA_MOST];
	uint32_t extra_len;

	if (take(r, fixed, FIXED) == -1)
		return -1;
	s->l1_offset = qcow2_get64(fixed);
	s->l1_size = qcow2_get32(fixed + 8);
	s->seconds = qcow2_get32(fixed + 16);
	s->nanoseconds = qcow2_get32(fixed + 20);
	s->guest_ns = qcow2_get64(fixed + 24);
	s->vm_state = qcow2_get32(fixed + 32);
	s->size = disk_size;
	extra_len = qcow2_get32(fixed + 36);
	if (extra_len > EXTRA_MOST)
		return error_set(r->err,
		    "%s is damaged: a snapshot has %u bytes of extra data; "
		    "take it from a backup",
		    r->path, extra_len);
	if (take(r, extra, extra_len) == -1)
		return -1;
	if (extra_len >= 8)
		s->vm_state = qcow2_get64(extra);
	if (extra_len >= 16)
		s->size = qcow2_get64(extra + 8);
	s->id = take_text(r, (size_t)fixed[12] << 8 | fixed[13]);
	if (s->id == NULL)
		return -1;
	s->name = take_text(r, (size_t)fixed[14] << 8 | fixed[15]);
	if (s->name == NULL)
		return -1;
	r->at = (r->at + 7) & ~7ULL;
	return 0;
}

int
qcow2_read_snapshots(int fd, const char *path, const struct qcow2_header *h,
    struct qcow2_snapshot **list, uint64_t *table_bytes, struct error *err)
{
	struct reader r = {fd, path, h->snapshots_offset, h->file_size, err};
	struct qcow2_snapshot *s;
	uint32_t i;

	*list = NULL;
	if (table_bytes != NULL)
		*table_bytes = 0;
	if (h->snapshots == 0)
		return 0;
	s = calloc(h->snapshots, sizeof *s);
	if (s == NULL)
		return error_set(err, "%s: out of memory", path);
	for (i = 0; i < h->snapshots; i++) {
		if (r.at <= r.end && take_entry(&r, h->size, &s[i]) == 0 &&
		    r.at - h->snapshots_offset <= TABLE_MOST)
			continue;
		if (r.at > r.end || r.at - h->snapshots_offset > TABLE_MOST)
			error_set(err,
			    "%s is damaged: its snapshot table is too long; "
			    "take it from a backup",
			    path);
		qcow2_free_snapshots(s, h->snapshots);
		return -1;
	}
	*list = s;
	if (table_bytes != NULL)
		*table_bytes = r.at - h->snapshots_offset;
	return 0;
}

void
qcow2_free_snapshots(struct qcow2_snapshot *list, uint32_t n)
{
	uint32_t i;

	if (list == NULL)
		return;
	for (i = 0; i < n; i++) {
		free(list[i].id);
		free(list[i].name);
	}
	free(list);
}
