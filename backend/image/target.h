/*
 * target.h: a new image on its way to its name: one file, or two where the
 * disk itself is in a data file. Both appear whole, or neither does.
 */
#ifndef BACKEND_IMAGE_TARGET_H
#define BACKEND_IMAGE_TARGET_H

#include "backend/image/layout.h"
#include "backend/image/tool.h"

struct target {
	const char *path;
	enum block_format format; /* never ANY */
	struct newfile image, data;
	bool has_data;
};

/*
 * Makes the new image at path, not yet under its name, as l says it (whose
 * data_name is filled in). Everything but raw is checked by layout_check().
 * path stays the caller's until the end. Returns 0, or -1 with a sentence and
 * nothing left.
 */
int target_open(struct target *t, const char *path, enum block_format format,
    struct layout *l, struct error *err);
/*
 * As an image to write, with descriptors of its own; to be closed before the
 * target is finished. Returns 0, or -1 with a sentence.
 */
int target_attach(const struct target *t, struct block **b, struct error *err);
/* All of it under its name, or nothing; closes. 0, or -1 with a sentence. */
int target_finish(struct target *t, struct error *err);
/* Nothing of it. */
void target_abandon(struct target *t);

#endif
