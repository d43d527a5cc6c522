/*
 * disc.h: the discs in the CD-ROM drives of guests that run: put in and
 * taken out by commands, and where a definition that is read again says so.
 */
#ifndef BACKEND_SUPERVISOR_DISC_H
#define BACKEND_SUPERVISOR_DISC_H

#include "backend/block/block.h"
#include "backend/supervisor/clients.h"

/*
 * Opens the image of a disc for a guest. files as block_open() has it. Returns 0,
 * or -1 with a sentence.
 */
int disc_open(const char *path, struct block_files *files, struct error *err);

/*
 * Puts the image at path (absolute) into g's drive, in place of what is there;
 * g runs. Answers rq: {"warning"} if it is an odd one.
 */
void disc_insert(
    struct request *rq, struct guest *g, const char *path, bool force);
/* Takes the disc out of g's drive, likewise. */
void disc_eject(struct request *rq, struct guest *g, bool force);

/* The process of g has told MEDIUM (proto.h). */
void disc_told(struct guest *g, json_t *data);
/* "cdrom" of GUEST (proto.h), of one that runs; NULL: it has no drive. */
json_t *disc_json(const struct guest *g);

/*
 * The definition of g has another disc from now on: if it runs, that is put
 * in. Returns 0, or -1 with a sentence for who changed it.
 */
int disc_follow(
    struct guest *g, const struct config_vm *after, struct error *err);

#endif
