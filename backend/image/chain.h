/*
 * chain.h: an image and the files below it, opened to look at what they are
 * made of (info, check, map), or to hand them to backend/block as an image to
 * read and write.
 */
#ifndef BACKEND_IMAGE_CHAIN_H
#define BACKEND_IMAGE_CHAIN_H

#include "backend/block/qcow2.h"
#include "backend/image/tool.h"

#define CHAIN_DEPTH 64 /* requests of an attached image */

/* One file of a chain. Offsets and sizes in bytes. */
struct image {
	int fd;
	char *path;
	enum block_format format;
	bool readonly;
	bool busy; /* somebody else has it locked */
	uint64_t size; /* of the disk */
	uint64_t length; /* of the file */
	uint64_t used; /* of the host's disk */
	struct qcow2_header h; /* qcow2 alone */
	int data_fd; /* its data file, or -1 */
	char *data_path;
	uint64_t *l1; /* its active L1 table, once that was read (meta.h) */
};

/* image[0] is the one that was named, image[i + 1] what image[i] is based on.
 */
struct chain {
	unsigned n;
	bool busy; /* that is why the first one could not be opened */
	struct image image[BLOCK_FILES_MAX];
};

enum chain_use {
	CHAIN_LOOK, /* no locks: for what may be in use meanwhile */
	CHAIN_READ, /* nobody writes it meanwhile */
	CHAIN_REPAIR, /* the top is ours alone, marked as damaged or not */
	CHAIN_WRITE, /* it is ours alone, and not marked */
	CHAIN_COMMIT, /* so is the one below it */
};

/*
 * Opens path and what it is based on, deep files at most. FORMAT_ANY is what
 * it is in block.h. Returns 0, or -1 with a sentence. Where only a file below
 * the top is the reason, *chain holds those above it and is to be closed in
 * any case.
 */
int chain_open(struct chain *chain, const char *path, enum block_format format,
    enum chain_use use, unsigned deep, struct error *err);
void chain_close(struct chain *chain);

/*
 * The image from image[from] on, to be read and written (readonly: only read)
 * with many requests. Descriptors of its own with the same locks. Returns 0,
 * or -1 with a sentence.
 */
int chain_attach(const struct chain *chain, unsigned from, bool readonly,
    struct block **b, struct error *err);

/* Looks anew how long the file is. Returns 0, or -1 with a sentence. */
int image_measure(struct image *im, struct error *err);
/*
 * Reads len bytes at offset at; what is behind the end of the file is zero.
 * Returns 0, or -1 with a sentence.
 */
int image_read(const struct image *im, void *buf, size_t len, uint64_t at,
    struct error *err);
/* Writes them. */
int image_write(const struct image *im, const void *buf, size_t len,
    uint64_t at, struct error *err);
/* Puts what was written on stable storage. */
int image_sync(const struct image *im, struct error *err);

#endif
