/*
 * list.h: the images that there are: those that definitions name, what those
 * are based on, and what else lies in their folders. Only list.c, which finds
 * them, and list_print.c.
 */
#ifndef BACKEND_IMAGE_LIST_H
#define BACKEND_IMAGE_LIST_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/block/block.h"
#include "config/config.h"

#define LIST_MAX 4096 /* images; more are not looked for */

/* A definition that names the image. */
struct list_user {
	const char *guest; /* the configuration's */
	bool cdrom; /* else a disk */
	bool readonly;
};

struct list_image {
	char *path; /* as it was found first */
	dev_t dev;
	ino_t ino;
	bool there; /* dev and ino are its own */
	bool known; /* it could be looked into: what follows is so */
	enum block_format format;
	uint64_t size, length, used; /* as in chain.h */
	unsigned snapshots;
	bool dirty, damaged;
	char *base; /* path of what it is based on; NULL: nothing, or unknown */
	char *error; /* why it cannot be used; NULL: it can */
	struct list_user *user;
	size_t users;
};

struct list {
	struct list_image *image;
	size_t n;
};

/*
 * Prints all, as a table or as JSON. Returns 0, or 1 after saying why not.
 */
int list_print(const struct list *l, bool json);

#endif
