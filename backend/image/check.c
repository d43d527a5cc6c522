/*
 * check.c: `vmtui image check`: what is wrong with an image, and the clusters
 * that a crash left without use taken back.
 */
#include <endian.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend/image/check.h"
#include "backend/proto/text.h"
#include "config/size.h"

#define AT_INCOMPATIBLE 72 /* in the header, from version 3 on */

/* Everything once, without changing anything. */
static int
look(struct check *c, struct image *im, struct error *err)
{
	if (check_begin(c, im, err) == -1 || check_walk(c, err) == -1 ||
	    check_compare(c, err) == -1)
		return -1;
	return check_flags(c, false, err);
}

static bool
is_marked(const struct image *im)
{
	return (im->h.incompatible & (QCOW2_DIRTY | QCOW2_CORRUPT)) != 0;
}

/* Takes away the marks that say that something is wrong. */
static int
unmark(struct image *im, struct error *err)
{
	uint64_t word;

	im->h.incompatible &= ~(QCOW2_DIRTY | QCOW2_CORRUPT);
	word = htobe64(im->h.incompatible);
	if (image_write(im, &word, sizeof word, AT_INCOMPATIBLE, err) == -1)
		return -1;
	return image_sync(im, err);
}

static int
mend(struct check *c, struct error *err)
{
	struct image *im = c->im;

	if (c->leaks + c->low > 0 && check_store(c, err) == -1)
		return -1;
	if (check_flags(c, true, err) == -1 || image_sync(im, err) == -1)
		return -1;
	if (is_marked(im) && unmark(im, err) == -1)
		return -1;
	check_give_back(c);
	return image_measure(im, err);
}

int
check_image(struct check *c, struct image *im, bool repair, uint64_t *mended,
    struct error *err)
{
	*mended = 0;
	if (look(c, im, err) == -1)
		return -1;
	/* Where tables lead nowhere, what is unused cannot be known. */
	if (!repair || c->damaged > 0 ||
	    (c->leaks + c->low + c->flags == 0 && !is_marked(im)))
		return 0;
	*mended = c->leaks;
	if (mend(c, err) == -1)
		return -1;
	check_end(c);
	return look(c, im, err);
}

static uint64_t
mistakes(const struct check *c)
{
	return c->low + c->flags + c->damaged;
}

static uint64_t
in_use(const struct check *c)
{
	uint64_t n = 0;
	size_t i, j;

	for (i = 0; i < c->counts.slots; i++)
		for (j = 0; c->counts.slot[i] != NULL && j < COUNTS_PAGE; j++)
			n += (c->counts.slot[i]->cell[j] & COUNTS_COUNT) != 0;
	return n;
}

static void
print_text(const struct check *c, uint64_t mended, bool repair)
{
	uint64_t cluster = qcow2_cluster(&c->im->h);
	const char *path = c->im->path;
	const json_t *one;
	char size[8];
	size_t i;

	json_array_foreach (c->said, i, one)
		printf("%s: %s\n", path, json_string_value(one));
	if (mistakes(c) + c->leaks > json_array_size(c->said))
		printf("%s: and %" PRIu64 " more\n", path,
		    mistakes(c) + c->leaks - json_array_size(c->said));
	if (mended > 0)
		printf("%s: %" PRIu64 " leaked clusters (%s) were taken back\n",
		    path, mended,
		    size_short(mended * cluster, size, sizeof size));
	if (c->leaks > 0)
		printf("%s: %" PRIu64 " clusters (%s) are leaked, which costs "
		       "room and nothing else%s\n",
		    path, c->leaks,
		    size_short(c->leaks * cluster, size, sizeof size),
		    repair ? "" : "; vmtui image check -r takes them back");
	if (mistakes(c) == 0)
		printf("%s: no mistakes; %" PRIu64 " clusters of %" PRIu64
		       " bytes in use\n",
		    path, in_use(c), cluster);
}

static int
print_json(const struct check *c, uint64_t mended)
{
	return tool_print_json(json_pack(
	    "{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:O}", "path",
	    text_json(c->im->path), "format", "qcow2", "cluster_size",
	    (json_int_t)qcow2_cluster(&c->im->h), "clusters",
	    (json_int_t)in_use(c), "leaks", (json_int_t)c->leaks, "mended",
	    (json_int_t)mended, "low_counts", (json_int_t)c->low, "wrong_flags",
	    (json_int_t)c->flags, "damaged", (json_int_t)c->damaged, "dirty",
	    (int)((c->im->h.incompatible & QCOW2_DIRTY) != 0), "messages",
	    c->said));
}

/* Says the reason last, if the image is not as it should be. */
static int
conclude(const struct check *c, bool repair)
{
	uint64_t n = mistakes(c);

	if (n == 0)
		return 0;
	if (c->damaged > 0)
		return tool_fail(
		    "%s is damaged (mistakes: %" PRIu64 ")%s; take a backup, "
		    "or save what can be read: vmtui image convert",
		    c->im->path, n, repair ? ", too much to be repaired" : "");
	return tool_fail("%s has wrong counts (mistakes: %" PRIu64
			 "); vmtui image check -r puts them right",
	    c->im->path, n);
}

static int
check(struct image *im, bool repair, bool json)
{
	struct check c = {0};
	uint64_t mended;
	struct error err;
	int rc = 0;

	if (check_image(&c, im, repair, &mended, &err) == -1) {
		rc = tool_fail("%s", err.text);
	} else {
		if (json)
			rc = print_json(&c, mended);
		else
			print_text(&c, mended, repair);
		if (rc == 0)
			rc = conclude(&c, repair);
	}
	check_end(&c);
	return rc;
}

int
check_command(int argc, char **argv)
{
	enum block_format format = BLOCK_FORMAT_ANY;
	bool json = false, repair = false;
	struct chain chain;
	struct error err;
	int rc;

	if (tool_options(argc, argv, &format, &json, &repair) != 1)
		return TOOL_USAGE;
	if (chain_open(&chain, argv[optind], format,
		repair ? CHAIN_REPAIR : CHAIN_READ, 1, &err) == -1) {
		chain_close(&chain);
		return tool_fail("%s", err.text);
	}
	if (chain.image[0].format == BLOCK_FORMAT_QCOW2)
		rc = check(&chain.image[0], repair, json);
	else if (json)
		rc = tool_print_json(json_pack("{s:o, s:s}", "path",
		    text_json(chain.image[0].path), "format", "raw"));
	else
		rc = printf("%s: a raw image has nothing to check\n",
			 chain.image[0].path) < 0;
	chain_close(&chain);
	return rc;
}
