/*
 * block.h: a disk image as an array of bytes.
 *
 * One struct block per open image, over a format's ops table: raw or qcow2,
 * the latter with its whole chain of backing files. The descriptors come from
 * outside, opened and locked (block_open, in the backend or a tool); a guest
 * process only wraps them (block_attach). A struct block belongs to one thread
 * at a time: in a guest process to its disk's thread, or to a vcpu thread that
 * holds the device's lock.
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
	BLOCK_RESERVE, /* the block layer's own: room, without another size */
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
	struct block *of; /* which it was submitted to */
	uint64_t place; /* where it is done: its offset, or that in a file */
	uint64_t
	    moved; /* bytes so far; a request that needs no more I/O: result */
	unsigned stage; /* which way is tried */
	struct iovec rest[2];
	struct block_request *next;
};

/*
 * What an image is said to be. ANY, for a disk line without format=: a name
 * that ends in .qcow2 or .qcow means qcow2, anything else raw; but a raw image
 * that begins as qcow2 does is refused until somebody says which it is, since
 * a guest can write such a beginning itself, and with it the name of any file
 * of the host.
 */
enum block_format { BLOCK_FORMAT_ANY, BLOCK_FORMAT_RAW, BLOCK_FORMAT_QCOW2 };

/* What a file is to the image: itself, or what the file before it names. */
enum block_role { BLOCK_TOP, BLOCK_BACKING, BLOCK_DATA };

/*
 * How the host keeps an image while it is in use. UNSAFE: what a flush asks
 * for is handed to the host, in order, and not waited for: who survives a
 * crash of the process may lose everything with one of the host.
 */
enum block_cache {
	BLOCK_CACHE_WRITEBACK,
	BLOCK_CACHE_NONE,
	BLOCK_CACHE_UNSAFE
};

#define BLOCK_FILES_MAX 32

struct block_file {
	int fd; /* opened and locked */
	char *path; /* as it was opened; for sentences */
	enum block_format format; /* never ANY */
	enum block_role role;
	bool readonly;
};

/*
 * The files of one image, the top first; each is followed by its data file if
 * it has one, then by its backing file.
 */
struct block_files {
	unsigned n;
	enum block_cache cache; /* for block_attach() */
	struct block_file file[BLOCK_FILES_MAX];
};

/* No files, to be cached as usual. */
void block_files_init(struct block_files *files);
/* Closes and frees all of them; to be called once after block_files_init(). */
void block_files_clear(struct block_files *files);

/*
 * Opens an image and all that it names: the open(2)s themselves, with
 * O_CLOEXEC, and the locks that keep two guests, or a guest and qemu-img, from
 * writing it (OFD locks on the bytes QEMU uses; a backing file is only read,
 * and may be by others). They last until every copy of a descriptor is closed.
 * For the backend and tools: it may wait. files is to be initialized. Returns
 * 0, or -1 with a sentence and no files: missing (naming the neighbour that
 * looks meant), in use, no permission, a folder, empty, a format or feature
 * that cannot be used, a chain that is too long or bites its tail. For "in
 * use" it takes 0.3 s, in case the other one is just ending.
 */
int block_open(const char *path, enum block_format format, bool readonly,
    struct block_files *files, struct error *err);

/*
 * Can these be used with BLOCK_CACHE_NONE? -1 with a sentence: where the image
 * stands there is no direct I/O, or a raw image ends within a block of it.
 */
int block_check_direct(const struct block_files *files, struct error *err);

/*
 * Do the tables of its qcow2 files lead to places within them? -1 with a
 * sentence. An image that is only to be read is not looked at, so that what is
 * left of a damaged one can be saved. Reads up to 40 MiB a file. Any thread.
 */
int block_check_sound(const struct block_files *files, struct error *err);

/*
 * Wraps opened files, with an io_uring of depth requests for each (more may be
 * submitted, they wait), or with a thread where the host refuses io_uring.
 * Reads what the image says about itself. With BLOCK_CACHE_NONE its files are
 * O_DIRECT from then on; a backing file for which there is no such thing, and
 * which is only read, is not. Takes the descriptors of files over,
 * also when it fails (they are -1 then; block_files_clear() is still due).
 */
int block_attach(struct block_files *files, unsigned depth,
    struct block **block, struct error *err);
/*
 * A drive whose medium changes: a raw image, only to be read, that has no file
 * yet; it is of size 0 and reads fail. block_exchange() gives it another file,
 * opened as block_open() does, or takes the one that it has away (fd -1), after
 * what is in flight: without system calls that a guest process may not make. fd
 * is taken over, also when it fails; the drive is then as it was.
 */
int block_drive(unsigned depth, struct block **block, struct error *err);
int block_exchange(
    struct block *b, int fd, const char *path, struct error *err);
/*
 * Waits for what is in flight, writes what is held back of an image's tables,
 * then closes. Whoever must know that all was written flushes first.
 */
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

/* What a stretch of an image is. */
enum extent_kind {
	EXTENT_HOLE, /* not in this image: the backing image's, or zeroes */
	EXTENT_ZERO,
	EXTENT_DATA,
	EXTENT_COMPRESSED,
};

struct block_extent {
	enum extent_kind kind;
	uint64_t len; /* bytes; 1 or more, at most what was asked for */
	bool has_host; /* it stands in one piece in a file, at host */
	uint64_t host;
};

/*
 * What is at offset of the image itself, and how far that goes, at most len
 * bytes (1 or more, within the image); a raw image's holes are ZERO. For tools:
 * waits. Returns 0 or a negative errno.
 */
int block_map(struct block *b, uint64_t offset, uint64_t len,
    struct block_extent *extent);

/* The image below, which b owns and uses; NULL if there is none. */
struct block *block_backing(const struct block *b);

/*
 * Makes the image longer, by zeroes, or shorter: what was beyond is lost, and
 * its space given back. Waits for all that is in flight and for the disk.
 * Returns 0, or -1 with a sentence and the image as it was.
 */
int block_resize(struct block *b, uint64_t size, struct error *err);

/*
 * May the disk become larger, to size bytes, while a guest uses it? Returns 0,
 * or -1 with a sentence that begins with "it", the disk.
 */
int block_may_grow(const struct block *b, uint64_t size, struct error *err);

#endif
