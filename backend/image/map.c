/*
 * map.c: which parts of a disk are where.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "backend/image/chain.h"
#include "backend/image/extent.h"
#include "backend/proto/text.h"

static const char *const kinds[] = {
    [EXTENT_HOLE] = "absent",
    [EXTENT_ZERO] = "zero",
    [EXTENT_DATA] = "data",
    [EXTENT_COMPRESSED] = "compressed",
};

static const char *
file_of(const struct chain *chain, const struct extent *e)
{
	const struct image *im = &chain->image[e->depth];

	return im->data_path != NULL ? im->data_path : im->path;
}

static int
print(const struct chain *chain, const struct extent *e, bool json, bool first)
{
	json_t *obj;

	if (!json) {
		if (e->kind == EXTENT_HOLE)
			return 0;
		printf("%16" PRIu64 "  %16" PRIu64 "  %-10s  ", e->offset,
		    e->len, kinds[e->kind]);
		if (!e->has_host)
			printf("%16s", "-");
		else
			printf("%16" PRIu64, e->host);
		return printf("  %s\n", file_of(chain, e)) < 0 ? -1 : 0;
	}
	obj = json_pack("{s:I, s:I, s:s, s:i}", "start", (json_int_t)e->offset,
	    "length", (json_int_t)e->len, "kind", kinds[e->kind], "depth",
	    (int)e->depth);
	if (e->has_host)
		json_object_set_new(
		    obj, "offset", json_integer((json_int_t)e->host));
	if (e->kind != EXTENT_HOLE)
		json_object_set_new(obj, "file", text_json(file_of(chain, e)));
	printf("%s\n  ", first ? "" : ",");
	json_dumpf(obj, stdout, JSON_COMPACT);
	json_decref(obj);
	return ferror(stdout) ? -1 : 0;
}

static bool
goes_on(const struct extent *a, const struct extent *b)
{
	return a->kind == b->kind && a->depth == b->depth &&
	    a->kind != EXTENT_COMPRESSED && a->has_host == b->has_host &&
	    (!a->has_host || b->host == a->host + a->len);
}

/* All of the disk, neighbours of one kind as one. */
static int
print_all(const struct chain *chain, struct block *b, bool json)
{
	uint64_t size = block_size(b), at = 0;
	struct extent e, whole = {0};
	bool first = true;
	struct error err;
	int rc;

	for (; at < size; at += e.len) {
		if ((rc = extent_find(b, at, size - at, &e)) < 0) {
			tool_io_failed(chain->image[0].path, false, rc, &err);
			return tool_fail("%s", err.text);
		}
		if (at > 0 && goes_on(&whole, &e)) {
			whole.len += e.len;
			continue;
		}
		if (at > 0) {
			if (print(chain, &whole, json, first) == -1)
				return 1;
			first = false;
		}
		whole = e;
	}
	return whole.len > 0 && print(chain, &whole, json, first) == -1 ? 1 : 0;
}

int
map_command(int argc, char **argv)
{
	enum block_format format = BLOCK_FORMAT_ANY;
	struct chain chain;
	struct block *b;
	bool json = false;
	struct error err;
	int rc;

	if (tool_options(argc, argv, &format, &json, NULL) != 1)
		return TOOL_USAGE;
	rc = chain_open(
	    &chain, argv[optind], format, CHAIN_READ, BLOCK_FILES_MAX, &err);
	if (rc == 0)
		rc = chain_attach(&chain, 0, true, &b, &err);
	if (rc == -1) {
		chain_close(&chain);
		return tool_fail("%s", err.text);
	}
	if (json)
		printf("{\"extents\": [");
	else
		printf("%16s  %16s  %-10s  %16s  %s\n", "START", "LENGTH",
		    "KIND", "OFFSET", "FILE");
	rc = print_all(&chain, b, json);
	if (json)
		printf("\n]}\n");
	block_close(b);
	chain_close(&chain);
	return rc;
}
