/*
 * engine.h: what the parts of backend/block share. Nobody else includes it,
 * but for backend/image, which opens files for other ends, and tests.
 *
 *	block.c ── struct block_ops ──▶ uring.c    raw image by io_uring
 *	               ▲            ──▶ threads.c  raw image by a thread
 *	               │                   │
 *	               │                   ▼
 *	               │                 step.c    a request as system calls
 *	               │
 *	               └─ raw files ◀── qcow2_*.c  see qcow2_image.h
 *
 * direct.c stands between block.c and a raw file with cache=none.
 *
 * A struct block is the first member of each implementation's own struct.
 */
#ifndef BACKEND_BLOCK_ENGINE_H
#define BACKEND_BLOCK_ENGINE_H

#include <stddef.h>

#include "backend/block/block.h"

/* A list of requests, first in first out. */
struct block_queue {
	struct block_request *first, **end;
};

struct block_ops {
	/* Takes a request that block.c has checked. */
	void (*submit)(struct block *b, struct block_request *rq);
	void (*flush_queue)(struct block *b);
	/*
	 * Passes what is finished to block_finish(), and to the kernel what
	 * was submitted there. Returns how many were finished.
	 */
	unsigned (*reap)(struct block *b);
	/* Waits until reap() would find something. */
	void (*wait)(struct block *b);
	/* With nothing in flight: frees b, but not b->fd. */
	void (*close)(struct block *b);
	/* These three as in block.h; each may be missing. */
	int (*map)(struct block *b, uint64_t offset, uint64_t len,
	    struct block_extent *extent);
	struct block *(*backing)(const struct block *b);
	int (*resize)(struct block *b, uint64_t size, struct error *err);
};

struct block {
	const struct block_ops *ops;
	int fd; /* -1: it has no file of its own */
	int event_fd;
	char *path;
	uint64_t size;
	bool readonly;
	bool unsafe; /* a raw file: there is no waiting for its disk */
	struct direct *direct; /* a raw file around the cache (direct.c) */
	unsigned in_flight;
	/* Requests that need no more I/O, waiting for block_reap(). */
	struct block_queue ready;
};

/*
 * What a request needs next: one system call. A request that a format only has
 * to find the place of is handed on as it is (block_pass): it is in flight in
 * both, and what the file below finishes the image above gives back.
 */
struct block_step {
	enum { STEP_READ, STEP_WRITE, STEP_SYNC, STEP_ALLOCATE } kind;
	int mode; /* of fallocate() */
	uint64_t offset, len;
	const struct iovec *iov;
	unsigned iovs;
};

void block_step_first(struct block_request *rq);
void block_step_next(struct block_request *rq, struct block_step *s);
/*
 * Takes what the call returned (a count or a negative errno). Returns true if
 * the request is finished, with its result; false if it needs another step.
 */
bool block_step_done(struct block_request *rq, int res, int *result);

/*
 * For an implementation: it is over in b. Calls done(), or notes it for the
 * block that passed it to b and that will call it in its block_reap().
 */
void block_finish(struct block *b, struct block_request *rq, int result);
/* The same for what did not come from the implementation. */
void block_over(struct block *b, struct block_request *rq, int result);

/* Each allocates its block and fills in ops and event_fd. */
int block_uring_new(
    int fd, unsigned depth, struct block **b, struct error *err);
int block_threads_new(int fd, struct block **b, struct error *err);

/* ---- around the host's cache (direct.c, grain.c) ---- */

#define DIRECT_MOST 131072u /* bytes that may be asked for */

/* What the kernel asks of direct I/O on a file: bytes, powers of two. */
struct direct_grain {
	unsigned memory; /* of addresses and lengths of buffers */
	unsigned block; /* of offsets and lengths in the file */
};

/* What fd's file system asks for. -1 with a sentence: it has no direct I/O. */
int direct_measure(
    int fd, const char *path, struct direct_grain *grain, struct error *err);
/*
 * Lets a raw file with nothing in flight go around the cache from now on,
 * until direct_end(). Returns 0, or -1 with a sentence and b as it was.
 */
int direct_open(struct block *b, struct error *err);
/* The same without a word to the kernel, as if it asked for grain. */
int direct_begin(
    struct block *b, const struct direct_grain *grain, struct error *err);
void direct_end(struct block *b);
/* Takes a request that block.c has checked and begun. */
void direct_submit(struct block *b, struct block_request *rq);
/* A request that went to the file is finished; before its done(). */
void direct_finished(struct block *b, const struct block_request *rq);
/* The bytes of which the file is written a multiple; 1 through the cache. */
unsigned direct_block(const struct block *b);

/*
 * Wraps one opened file as a raw image. Takes fd over when it succeeds; path
 * is copied.
 */
int block_attach_raw(int fd, const char *path, bool readonly, unsigned depth,
    struct block **block, struct error *err);
/* The same with a thread even where there is io_uring. */
int block_attach_threads(int fd, const char *path, bool readonly,
    struct block **b, struct error *err);

/* What a qcow2 image is made of; its own when qcow2_new() succeeds. */
struct qcow2_parts {
	const char *path; /* copied */
	bool readonly;
	struct block *file;
	struct block *data, *backing; /* NULL: it has none */
};

/*
 * Reads the image's tables. event_fd is left to the caller; if it is another
 * than the file's it is closed with the image.
 */
int qcow2_new(
    const struct qcow2_parts *parts, struct block **b, struct error *err);

/*
 * Opens and locks one file of an image (open.c), for writing or for reading.
 * Returns a descriptor, or -1 with a sentence.
 */
int block_open_file(const char *path, bool readonly, struct error *err);
/*
 * Locks it for growing as well, as a file that is written has to be once it is
 * known that it is no raw image. Returns 0, or -1 with a sentence.
 */
int block_lock_growing(int fd, const char *path, struct error *err);
/* Does it begin as a qcow2 image does? */
bool block_is_qcow2(int fd);
/* -1 with a sentence if it begins as an image of a format we do not have. */
int block_check_foreign(int fd, const char *path, struct error *err);

/*
 * Where the file name stands that the image parent names: relative to that
 * one's folder. *path is to be freed. -1 with a sentence for what is no file
 * ("nbd:...").
 */
int block_resolve(
    const char *parent, const char *name, char **path, struct error *err);

/*
 * The locks of an open file (lock.c). A raw image that is written is locked
 * for WRITE, what grows as it is written (qcow2, data files) for RESIZE. Returns
 * 0, or -1 with errno: EAGAIN if another program holds what we need, and still
 * does after 0.3 s: who was killed keeps its own until the kernel has
 * cancelled its I/O (30 ms were seen). More may be asked for with the same fd
 * later; what was taken goes with it, also what a refusal left.
 */
enum block_use { BLOCK_USE_READ, BLOCK_USE_WRITE, BLOCK_USE_RESIZE };
int block_lock(int fd, enum block_use use);
/*
 * Around the resize of a raw image, beside its other locks. Returns 0, also
 * where the file system has no locks, or -1 with EAGAIN and nothing taken:
 * another program does not let its size change. Waits like block_lock().
 */
int block_lock_resize(int fd);
void block_unlock_resize(int fd);

/*
 * The file beside path that looks meant (near.c). Returns its name in buf, or
 * NULL.
 */
const char *block_neighbour(const char *path, char *buf, size_t len);

static inline void
block_queue_init(struct block_queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static inline void
block_queue_add(struct block_queue *q, struct block_request *rq)
{
	rq->next = NULL;
	*q->end = rq;
	q->end = &rq->next;
}

static inline struct block_request *
block_queue_take(struct block_queue *q)
{
	struct block_request *rq = q->first;

	if (rq != NULL) {
		q->first = rq->next;
		if (q->first == NULL)
			q->end = &q->first;
	}
	return rq;
}

/* To the implementation of b, perhaps by a detour (direct.c). */
static inline void
block_send(struct block *b, struct block_request *rq)
{
	if (b->direct != NULL)
		direct_submit(b, rq);
	else
		b->ops->submit(b, rq);
}

/* Hands on a READ or WRITE that is wholly at place of the block below. */
static inline void
block_pass(struct block *below, struct block_request *rq, uint64_t place)
{
	rq->place = place;
	below->in_flight++;
	block_send(below, rq);
}

#endif
