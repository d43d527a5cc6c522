/*
 * convert.c: a new image with what another one holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/image/chain.h"
#include "backend/image/convert.h"
#include "backend/image/copy.h"
#include "backend/image/options.h"

#define GRAIN_RAW 4096u /* the hole that is worth keeping */

/* The new file as a struct block with descriptors of its own. */
static int
attach_new(const struct newfile *f, const char *path, enum block_format as,
    struct block **b, struct error *err)
{
	struct block_files files;
	int rc;

	block_files_init(&files);
	files.n = 1;
	files.file[0] = (struct block_file){
	    .fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3),
	    .path = strdup(path),
	    .format = as,
	    .role = BLOCK_TOP,
	};
	if (files.file[0].fd == -1 || files.file[0].path == NULL)
		rc = error_set(err, "%s: %s", path, strerror(errno));
	else
		rc = block_attach(&files, CHAIN_DEPTH, b, err);
	block_files_clear(&files);
	return rc;
}

static int
fill(struct chain *chain, struct newfile *f, const char *to,
    enum block_format as, const struct layout *l, struct error *err)
{
	struct copy c = {
	    .from_path = chain->image[0].path,
	    .to_path = to,
	    .what = "copying",
	    .size = chain->image[0].size,
	    .fresh = true,
	    .grain = GRAIN_RAW,
	};
	int rc;

	if (as == BLOCK_FORMAT_QCOW2) {
		c.grain = UINT64_C(1) << l->cluster_bits;
		rc = layout_write(f->fd, to, l, err);
	} else if ((rc = ftruncate(f->fd, (off_t)l->size)) == -1) {
		tool_io_failed(to, true, -errno, err);
	}
	if (rc == -1 || chain_attach(chain, 0, true, &c.from, err) == -1)
		return -1;
	rc = attach_new(f, to, as, &c.to, err);
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
	struct newfile f = {.fd = -1};
	struct chain chain;
	int rc;

	rc = chain_open(&chain, from, format, CHAIN_READ, BLOCK_FILES_MAX, err);
	if (rc == 0)
		rc = choose_size(&chain, to, l, size, err);
	if (rc == 0 && as == BLOCK_FORMAT_QCOW2)
		rc = layout_check(l, err);
	if (rc == 0 && (rc = newfile_open(&f, to, err)) == 0) {
		rc = fill(&chain, &f, to, as, l, err);
		if (rc == 0)
			rc = newfile_finish(&f, err);
		else
			newfile_abandon(&f);
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
	bool options = false;
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
			options = true;
			break;
		default:
			return TOOL_USAGE;
		}
	}
	if (argc - optind != 2)
		return TOOL_USAGE;
	if (as == BLOCK_FORMAT_ANY)
		as = tool_format_of_name(argv[optind + 1]);
	if (as == BLOCK_FORMAT_RAW && options)
		return tool_misuse("raw images have no options (-o)");
	return convert(argv[optind], format, argv[optind + 1], as, &l, NULL);
}
