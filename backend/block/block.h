/*
 * block.h: a disk image as an array of bytes.
 *
 * One struct block per open image, over a format's ops table (raw now; qcow2
 * has the same face). The descriptor comes from outside, opened and locked
 * (block_open, in the backend); a guest process only wraps it (block_attach).
 * A struct block belongs to one thread at a time: in a guest process to its
 * disk's thread, or to a vcpu thread that holds the device's lock.
 */
#ifndef BACKEND_BLOCK_BLOCK_H
#define BACKEND_BLOCK_BLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "config/error.h"

struct block;

/* What a request wants. Offsets and lengths are in bytes, any alignment. */
enum block_op {
	BLOCK_READ,
	BLOCK_WRITE,
	BLOCK_FLUSH,
	BLOCK_DISCARD,
	BLOCK_WRITE_ZEROES,
};

/*
 * One request. The caller owns it and the memory behind iov until done() is
 * called; done() runs within block_reap() or block_drain(), and may submit the
 * request again. result is 0 or a negative errno: -ENOSPC or -EDQUOT where the
 * host's disk is full (the same request may be submitted again when there is
 * room, and nothing is half done), -EOPNOTSUPP for a discard that the host cannot do.
 *
 * A read beyond the end gives zeroes; anything else beyond it is -EINVAL.
 * FLUSH puts on stable storage what was done before it was submitted.
 */
struct block_request {
	enum block_op op;
	bool unmap; /* WRITE_ZEROES: the space may be given back as well */
	uint64_t offset, len;
	const struct iovec *iov; /* READ and WRITE: len bytes in all */
	unsigned iovs;
	void (*done)(struct block_request *rq, int result);
	/* the block layer's own, from submit to done */
	uint64_t moved; /* bytes so far; a request that needs no I/O: result */
	unsigned stage; /* WRITE_ZEROES: which way is tried */
	struct iovec rest[2];
	struct block_request *next;
};

/*
 * Opens an image for a guest: the open(2) itself, with O_CLOEXEC, and the
 * locks that keep two guests, or a guest and qemu-img, from writing it (OFD
 * locks on the bytes QEMU uses). They last until every copy of the descriptor
 * is closed. For the backend. Returns a descriptor, or -1 with a sentence:
 * missing (naming the neighbour that looks meant), in use, no permission, a
 * folder, empty, a format that cannot be used. For "in use" it takes 0.3 s, in
 * case the other one is just ending.
 */
int block_open(const char *path, bool readonly, struct error *err);

/*
 * Wraps an opened image, with an io_uring of depth requests (more may be
 * submitted, they wait), or with a thread where the host refuses io_uring.
 * Takes fd over when it succeeds. path is for sentences and copied.
 */
int block_attach(int fd, const char *path, bool readonly, unsigned depth,
    struct block **block, struct error *err);
/* Waits for what is in flight, then closes. */
void block_close(struct block *b);

uint64_t block_size(const struct block *b);
bool block_readonly(const struct block *b);

/* Queues a request; nothing goes to the kernel before block_flush_queue(). */
void block_submit(struct block *b, struct block_request *rq);
/*
 * Hands queued requests to the kernel: one system call. Some may be finished
 * when it returns, so call block_reap() after it.
 */
void block_flush_queue(struct block *b);
/*
 * A descriptor to poll, level-triggered, and never to read: readable while
 * block_reap() has something to do that block_flush_queue() had not finished.
 * Any thread.
 */
int block_event_fd(const struct block *b);
/* Calls done() of finished requests. Returns how many. Never waits. */
unsigned block_reap(struct block *b);
/* Requests submitted and not yet done. */
unsigned block_in_flight(const struct block *b);
/* Submits all, waits for all and calls their done(). */
void block_drain(struct block *b);

#endif
