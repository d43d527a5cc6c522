/*
 * images.h: the disk images that `vmtui image list` finds: those that
 * definitions name, what they are based on, what lies beside them. It runs as
 * a process beside the screen (job.h), when somebody looks and when something
 * was done to an image. Main thread.
 */
#ifndef TUI_IMAGES_H
#define TUI_IMAGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/model.h"

struct event;
struct job;
struct ui;

#define IMAGES_FOLDERS 16 /* of images made here, that are looked into too */
#define IMAGES_DEPTH   64 /* of images based on images that are shown so */

struct image_user {
	char guest[MODEL_NAME_MAX + 1];
	bool cdrom; /* else a disk */
};

/*
 * A row: what is based on an image stands below it.
 *
 *	base.raw
 *	  web1.qcow2
 *	    try.qcow2
 *	  web2.qcow2
 */
struct image_row {
	char *path; /* absolute; owned, like all of its strings */
	char *base; /* NULL: based on nothing */
	char *error; /* why it cannot be used; NULL: it can */
	char format[8]; /* "": it could not be looked into */
	uint64_t size, used; /* of the disk; on the host; bytes */
	unsigned snapshots;
	bool dirty, damaged;
	struct image_user *user;
	size_t users;
	unsigned depth; /* how many it is based on */
	unsigned children; /* how many are based on it at once */
};

struct images {
	struct image_row *row;
	size_t rows;
	bool heard; /* an answer came */
	char why[768]; /* what went wrong with the last one; "": nothing */
	char *folder[IMAGES_FOLDERS]; /* owned */
	size_t folders;
	char *home; /* the configuration's folder, ends in "/"; owned */
	struct job *job; /* that asks now; NULL: none */
	bool again; /* once more when it is done */
	bool looking; /* the view is on the screen */
	char *text; /* of the answer so far; owned */
	size_t len, room;
	int64_t began; /* monotonic ms */
	struct event *timer;
};

/* Somebody looks, or no more. */
void images_begin(struct ui *ui);
void images_end(struct ui *ui);
/* Looks again, if somebody looks. */
void images_ask(struct ui *ui);
/* Frees all. */
void images_free(struct images *im);
/* From now on that folder, of an image just made there, is looked into. */
void images_folder_of(struct ui *ui, const char *path);

/* Takes what `vmtui image list --json` printed; anything may be in it. */
void images_take(struct images *im, const json_t *answer);
/* By path; NULL if there is none. */
const struct image_row *images_find(const struct images *im, const char *path);
/*
 * A path as people would write it in the configuration: relative to its
 * folder, or "~/". Returns a part of path or buf.
 */
const char *images_short(
    const struct images *im, const char *path, char *buf, size_t len);

#endif
