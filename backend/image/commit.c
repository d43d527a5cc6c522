/*
 * commit.c: `vmtui image commit`: what an image holds goes into its base.
 *
 * The base is written and stable before the image is emptied, so that at any
 * moment the image shows the same disk.
 */
#include <endian.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/chain.h"
#include "backend/image/check.h"
#include "backend/image/copy.h"

/* Writes the clusters of the top into the base. */
static int
copy_down(struct chain *chain, struct error *err)
{
	struct copy c = {
	    .from_path = chain->image[0].path,
	    .to_path = chain->image[1].path,
	    .what = "committing",
	    .size = chain->image[0].size,
	    .grain = 1,
	    .top_only = true,
	};
	int rc;

	if (chain_attach(chain, 0, true, &c.from, err) == -1)
		return -1;
	rc = chain_attach(chain, 1, false, &c.to, err);
	if (rc == 0) {
		if (block_size(c.to) < c.size)
			rc = block_resize(c.to, c.size, err);
		if (rc == 0)
			rc = copy_run(&c, err);
		block_close(c.to);
	}
	block_close(c.from);
	return rc;
}

/*
 * Nothing is allocated any more: an L1 table of zeroes, of which each entry
 * may reach the disk before any other, since the base has the same. What it
 * led to is then like clusters that a crash left.
 */
static int
empty(struct image *im, struct error *err)
{
	struct check c = {0};
	uint64_t mended;
	void *zeroes;
	int rc;

	zeroes = calloc(im->h.l1_size + 1, 8);
	if (zeroes == NULL)
		return error_set(err, "%s: out of memory", im->path);
	rc = image_write(
	    im, zeroes, (size_t)im->h.l1_size * 8, im->h.l1_offset, err);
	free(zeroes);
	free(im->l1);
	im->l1 = NULL;
	if (rc == -1 || image_sync(im, err) == -1)
		return -1;
	rc = check_image(&c, im, true, &mended, err);
	check_end(&c);
	return rc;
}

static int
commit(const char *path, enum block_format format, char *base, size_t len,
    struct error *err)
{
	struct chain chain;
	int rc;

	rc = chain_open(
	    &chain, path, format, CHAIN_COMMIT, BLOCK_FILES_MAX, err);
	if (rc == 0 && chain.n < 2)
		rc = error_set(err,
		    "%s is based on nothing, so that there is nothing to "
		    "commit to",
		    path);
	if (rc == 0) {
		snprintf(base, len, "%s", chain.image[1].path);
		rc = copy_down(&chain, err);
	}
	if (rc == 0 && empty(&chain.image[0], err) == -1)
		rc = error_prefix(err,
		    "%s was committed to %s, but not emptied: ", path, base);
	chain_close(&chain);
	return rc;
}

int
commit_command(int argc, char **argv)
{
	enum block_format format = BLOCK_FORMAT_ANY;
	char base[4096];
	struct error err;

	if (tool_options(argc, argv, &format, NULL, NULL) != 1)
		return TOOL_USAGE;
	interrupt_begin();
	if (commit(argv[optind], format, base, sizeof base, &err) == -1) {
		if (interrupted())
			return tool_fail("interrupted: %s holds all that it "
					 "held; commit it again",
			    argv[optind]);
		return tool_fail("%s", err.text);
	}
	printf("%s: all of it is in %s now\n", argv[optind], base);
	return 0;
}
