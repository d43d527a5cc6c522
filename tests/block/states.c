#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/block/recorder.h"
#include "tests/block/states.h"
#include "tests/block/workload.h"

#define CAPACITY (256ULL << 20)

/* Bytes that a state has in place of the safe ones. */
struct undo {
	struct undo *next;
	uint64_t offset, len;
	uint8_t data[];
};

struct states {
	unsigned file;
	int fd;
	uint8_t *map;
	uint64_t safe_len, len;
	struct recorded **order; /* this file's changes, as they were done */
	unsigned n, safe;
	struct undo *undo;
};

static int
by_done(const void *a, const void *b)
{
	const struct recorded *x = *(struct recorded *const *)a;
	const struct recorded *y = *(struct recorded *const *)b;

	if (x->done != y->done)
		return x->done < y->done ? -1 : 1;
	return x->submitted < y->submitted ? -1 : 1;
}

struct states *
states_new(unsigned file, const char *path)
{
	struct states *s = calloc(1, sizeof *s);
	struct stat st;
	unsigned i;

	if (s == NULL)
		exit(99);
	s->file = file;
	s->fd = open(path, O_RDWR | O_CLOEXEC);
	s->order = calloc(recorder_count + 1, sizeof(void *));
	if (s->fd == -1 || s->order == NULL || fstat(s->fd, &st) == -1)
		exit(99);
	s->len = s->safe_len = (uint64_t)st.st_size;
	s->map = mmap(
	    NULL, CAPACITY, PROT_READ, MAP_SHARED | MAP_NORESERVE, s->fd, 0);
	if (s->map == MAP_FAILED)
		exit(99);
	for (i = 0; i < recorder_count; i++)
		if (recorder_log[i].file == file && !recorder_log[i].flush)
			s->order[s->n++] = &recorder_log[i];
	qsort(s->order, s->n, sizeof *s->order, by_done);
	return s;
}

void
states_free(struct states *s)
{
	struct undo *u;

	while ((u = s->undo) != NULL) {
		s->undo = u->next;
		free(u);
	}
	munmap(s->map, CAPACITY);
	close(s->fd);
	free(s->order);
	free(s);
}

const uint8_t *
states_bytes(const struct states *s, uint64_t *len)
{
	*len = s->len;
	return s->map;
}

/* Writes a part of a change into the file. */
static void
lay(struct states *s, const struct recorded *e, uint64_t from, uint64_t len)
{
	static const uint8_t zeroes[SECTOR];
	uint64_t at = e->offset + from, n;

	if (!e->grows) {
		if (at >= s->len)
			return;
		if (len > s->len - at)
			len = s->len - at;
	}
	if (at + len > CAPACITY)
		exit(97);
	if (e->data != NULL) {
		if (pwrite(s->fd, e->data + from, len, (off_t)at) !=
		    (ssize_t)len)
			exit(96);
	} else {
		for (; len > 0; len -= n, at += n) {
			n = len < SECTOR ? len : SECTOR;
			if (pwrite(s->fd, zeroes, n, (off_t)at) != (ssize_t)n)
				exit(96);
		}
	}
	at += e->data != NULL ? len : 0;
	if (at > s->len)
		s->len = at;
}

/* The same, to be taken back. */
static void
lay_over(struct states *s, const struct recorded *e, uint64_t from, uint64_t n)
{
	uint64_t at = e->offset + from;
	uint64_t have = at >= s->safe_len ? 0 : s->safe_len - at;
	struct undo *u;

	if (have > n)
		have = n;
	if (have > 0) {
		u = malloc(sizeof *u + have);
		if (u == NULL)
			exit(99);
		u->next = s->undo;
		u->offset = at;
		u->len = have;
		memcpy(u->data, s->map + at, have);
		s->undo = u;
	}
	lay(s, e, from, n);
}

void
states_undo(struct states *s)
{
	struct undo *u;

	while ((u = s->undo) != NULL) {
		s->undo = u->next;
		if (pwrite(s->fd, u->data, u->len, (off_t)u->offset) !=
		    (ssize_t)u->len)
			exit(96);
		free(u);
	}
	if (ftruncate(s->fd, (off_t)s->safe_len) == -1)
		exit(96);
	s->len = s->safe_len;
}

/* Before which a change must have been done to be safe at the cut. */
static uint64_t
safe_before(const struct states *s, uint64_t cut)
{
	const struct recorded *e;
	uint64_t safe = 0;
	unsigned i;

	for (i = 0; i < recorder_count; i++) {
		e = &recorder_log[i];
		if (e->file == s->file && e->flush && e->done < cut &&
		    e->submitted > safe)
			safe = e->submitted;
	}
	return safe;
}

/* Some of a change: all, nothing, or sector by sector. */
static void
lay_some(struct states *s, const struct recorded *e, unsigned keep)
{
	uint64_t at, n;

	if (random_below(8) != 0) {
		if (random_below(100) < keep)
			lay_over(s, e, 0, e->len);
		return;
	}
	for (at = 0; at < e->len; at += n) {
		/* A sector is written whole or not at all. */
		n = SECTOR - (e->offset + at) % SECTOR;
		if (n > e->len - at)
			n = e->len - at;
		if (random_below(100) < keep)
			lay_over(s, e, at, n);
	}
}

void
states_make(struct states *s, uint64_t cut)
{
	static const unsigned odds[] = {0, 10, 50, 50, 90, 100};
	unsigned keep = odds[random_below(6)], i;
	uint64_t safe = safe_before(s, cut);

	for (; s->safe < s->n && s->order[s->safe]->done < safe; s->safe++)
		lay(s, s->order[s->safe], 0, s->order[s->safe]->len);
	s->safe_len = s->len;
	for (i = s->safe; i < s->n; i++)
		if (s->order[i]->submitted < cut)
			lay_some(s, s->order[i], keep);
}
