/*
 * create.c: `vmtui create`: a new image, empty, based on another, or a copy.
 */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "backend/image/base.h"
#include "backend/image/convert.h"
#include "backend/image/options.h"
#include "backend/image/target.h"

/* What the arguments say. */
struct request {
	enum block_format format; /* ANY: as the name says */
	enum block_format other; /* of the base, or of what is copied */
	const char *base, *copy, *size, *path;
	struct base found; /* what base is */
	struct layout l;
};

static int
parse(struct request *rq, int argc, char **argv)
{
	struct error err;
	int opt;

	*rq = (struct request){0};
	options_default(&rq->l);
	optind = 0;
	while ((opt = getopt(argc, argv, "b:f:F:i:o:s:")) != -1) {
		switch (opt) {
		case 'b':
			rq->base = optarg;
			break;
		case 'f':
			if (tool_format(optarg, &rq->format) == -1)
				return -1;
			break;
		case 'F':
			if (tool_format(optarg, &rq->other) == -1)
				return -1;
			break;
		case 'i':
			rq->copy = optarg;
			break;
		case 'o':
			if (options_parse(&rq->l, optarg, &err) == -1) {
				tool_fail("%s", err.text);
				return -1;
			}
			break;
		case 's':
			rq->size = optarg;
			break;
		default:
			return -1;
		}
	}
	if (argc - optind != 1)
		return -1;
	rq->path = argv[optind];
	return 0;
}

/* Things that do not go together. */
static int
check(const struct request *rq)
{
	struct error err;

	if (rq->base != NULL && rq->copy != NULL)
		return tool_misuse("-b makes an image that is based on another "
				   "and -i a copy: choose one");
	if (rq->base == NULL && rq->copy == NULL && rq->size == NULL)
		return tool_misuse("how large is it to be? -s 16G, say");
	if (rq->base == NULL && rq->copy == NULL &&
	    rq->other != BLOCK_FORMAT_ANY)
		return tool_misuse("-F is the format of the image that -b or "
				   "-i names");
	if (rq->format == BLOCK_FORMAT_RAW && rq->base != NULL)
		return tool_misuse("only qcow2 images can be based on another, "
				   "not %s: call it %s.qcow2, or say -f qcow2",
		    rq->path, rq->path);
	if (rq->format == BLOCK_FORMAT_RAW &&
	    options_check_raw(&rq->l, &err) == -1)
		return tool_misuse("%s", err.text);
	return 0;
}

/* What the base says of the new image. */
static int
take_base(struct request *rq, struct error *err)
{
	const struct base *base = &rq->found;
	char least[32];

	if (base_inspect(rq->base, rq->other, rq->path, &rq->found, err) == -1)
		return -1;
	if (rq->size == NULL)
		rq->l.size = base->size;
	if (rq->l.size == 0)
		return error_set(err,
		    "%s is empty, and a disk of no bytes is none; say a size "
		    "(-s 16G), or name another base",
		    rq->base);
	if (rq->l.size < base->size)
		return error_set(err,
		    "%s would be smaller than its base %s and lose the end of "
		    "it; it needs %s",
		    rq->path, rq->base,
		    tool_size(base->size, least, sizeof least));
	rq->l.backing = base->name;
	rq->l.backing_format = base->format;
	return 0;
}

static int
create(struct request *rq, struct error *err)
{
	struct target t;

	if (rq->size != NULL &&
	    options_size(rq->size, 0, &rq->l.size, err) == -1)
		return -1;
	if (rq->base != NULL && take_base(rq, err) == -1)
		return -1;
	if (target_open(&t, rq->path, rq->format, &rq->l, err) == -1)
		return -1;
	return target_finish(&t, err);
}

int
create_command(int argc, char **argv)
{
	uint64_t began = progress_now();
	struct request rq;
	struct error err;
	char size[32];
	int rc;

	if (parse(&rq, argc, argv) == -1)
		return TOOL_USAGE;
	if (rq.format == BLOCK_FORMAT_ANY)
		rq.format = tool_format_of_name(rq.path);
	if ((rc = check(&rq)) != 0)
		return rc;
	if (rq.copy != NULL)
		return convert(
		    rq.copy, rq.other, rq.path, rq.format, &rq.l, rq.size);
	interrupt_begin();
	if (create(&rq, &err) == -1) {
		if (interrupted())
			return tool_fail(
			    "interrupted: %s was not made", rq.path);
		return tool_fail("%s", err.text);
	}
	printf("%s: %s, %s, made in %.1f ms\n", rq.path,
	    tool_format_name(rq.format),
	    tool_size(rq.l.size, size, sizeof size),
	    (double)(progress_now() - began) / 1e6);
	return 0;
}
