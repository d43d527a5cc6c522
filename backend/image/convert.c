/*
 * convert.c: a new image with what another one holds.
 */
#include <getopt.h>
#include <stdio.h>

#include "backend/image/chain.h"
#include "backend/image/convert.h"
#include "backend/image/copy.h"
#include "backend/image/options.h"
#include "backend/image/target.h"

#define GRAIN_RAW 4096u /* the hole that is worth keeping */

static int
fill(struct chain *chain, const struct target *t, const struct layout *l,
    struct error *err)
{
	struct copy c = {
	    .from_path = chain->image[0].path,
	    .to_path = t->path,
	    .what = "copying",
	    .size = chain->image[0].size,
	    .fresh = true,
	    .grain = GRAIN_RAW,
	};
	int rc;

	if (t->format == BLOCK_FORMAT_QCOW2)
		c.grain = UINT64_C(1) << l->cluster_bits;
	if (chain_attach(chain, 0, true, &c.from, err) == -1)
		return -1;
	rc = target_attach(t, &c.to, err);
	if (rc == 0) {
		rc = copy_run(&c, err);
		block_close(c.to);
	}
	block_close(c.from);
	return rc;
}

static int
choose_size(const struct chain *chain, const char *to, struct layout *l,
    const char *size, struct error *err)
{
	uint64_t old = chain->image[0].size;
	char least[32];

	/* Whole sectors; a raw file may have the half of one at its end. */
	l->size = (old + 511) & ~UINT64_C(511);
	if (size != NULL && options_size(size, 0, &l->size, err) == -1)
		return -1;
	if (l->size == 0)
		return error_set(err,
		    "%s is empty, and a disk of no bytes is none",
		    chain->image[0].path);
	if (l->size >= old)
		return 0;
	return error_set(err,
	    "%s would lose the end of %s, which has %s; say -s with more, or "
	    "shrink it afterwards",
	    to, chain->image[0].path, tool_size(old, least, sizeof least));
}

static int
make(const char *from, enum block_format format, const char *to,
    enum block_format as, struct layout *l, const char *size, struct error *err)
{
	struct chain chain;
	struct target t;
	int rc;

	rc = chain_open(&chain, from, format, CHAIN_READ, BLOCK_FILES_MAX, err);
	if (rc == 0)
		rc = choose_size(&chain, to, l, size, err);
	if (rc == 0 && (rc = target_open(&t, to, as, l, err)) == 0) {
		rc = fill(&chain, &t, l, err);
		if (rc == 0)
			rc = target_finish(&t, err);
		else
			target_abandon(&t);
	}
	chain_close(&chain);
	return rc;
}

int
convert(const char *from, enum block_format format, const char *to,
    enum block_format as, struct layout *l, const char *size)
{
	uint64_t began = progress_now();
	struct error err;
	char text[32];

	interrupt_begin();
	if (make(from, format, to, as, l, size, &err) == -1) {
		if (interrupted())
			return tool_fail("interrupted: %s was not made", to);
		return tool_fail("%s", err.text);
	}
	printf("%s: %s, %s, copied in %.1f s\n", to, tool_format_name(as),
	    tool_size(l->size, text, sizeof text),
	    (double)(progress_now() - began) / 1e9);
	return 0;
}

int
convert_command(int argc, char **argv)
{
	enum block_format format = BLOCK_FORMAT_ANY, as = BLOCK_FORMAT_ANY;
	struct layout l;
	struct error err;
	int opt;

	options_default(&l);
	optind = 0;
	while ((opt = getopt(argc, argv, "f:O:o:")) != -1) {
		switch (opt) {
		case 'f':
			if (tool_format(optarg, &format) == -1)
				return TOOL_USAGE;
			break;
		case 'O':
			if (tool_format(optarg, &as) == -1)
				return TOOL_USAGE;
			break;
		case 'o':
			if (options_parse(&l, optarg, &err) == -1)
				return tool_misuse("%s", err.text);
			break;
		default:
			return TOOL_USAGE;
		}
	}
	if (argc - optind != 2)
		return TOOL_USAGE;
	if (as == BLOCK_FORMAT_ANY)
		as = tool_format_of_name(argv[optind + 1]);
	if (as == BLOCK_FORMAT_RAW && options_check_raw(&l, &err) == -1)
		return tool_misuse("%s", err.text);
	return convert(argv[optind], format, argv[optind + 1], as, &l, NULL);
}
