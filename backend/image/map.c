/*
 * map.c: which parts of a disk are where.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>

#include "backend/image/extent.h"
#include "backend/proto/text.h"

static const char *const kinds[] = {
    [EXTENT_ABSENT] = "absent",
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
print(struct chain *chain, const struct extent *e, bool json, bool first)
{
	json_t *obj;

	if (!json) {
		if (e->kind == EXTENT_ABSENT)
			return 0;
		printf("%16" PRIu64 "  %16" PRIu64 "  %-10s  ", e->offset,
		    e->len, kinds[e->kind]);
		if (e->kind == EXTENT_ZERO)
			printf("%16s", "-");
		else
			printf("%16" PRIu64, e->host);
		return printf("  %s\n", file_of(chain, e)) < 0 ? -1 : 0;
	}
	obj = json_pack("{s:I, s:I, s:s, s:i}", "start", (json_int_t)e->offset,
	    "length", (json_int_t)e->len, "kind", kinds[e->kind], "depth",
	    (int)e->depth);
	if (e->kind == EXTENT_DATA || e->kind == EXTENT_COMPRESSED)
		json_object_set_new(
		    obj, "offset", json_integer((json_int_t)e->host));
	if (e->kind != EXTENT_ABSENT)
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
	    a->kind != EXTENT_COMPRESSED &&
	    (a->kind != EXTENT_DATA || b->host == a->host + a->len);
}

/* All of the disk, neighbours of one kind as one. */
static int
print_all(struct chain *chain, bool json)
{
	uint64_t size = chain->image[0].size, at = 0;
	struct extent e, whole = {0};
	bool first = true;
	struct error err;

	for (; at < size; at += e.len) {
		if (extent_find(chain, 0, at, size - at, &e, &err) == -1)
			return tool_fail("%s", err.text);
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
	bool json = false;
	struct error err;
	int rc;

	if (tool_options(argc, argv, &format, &json, NULL) != 1)
		return TOOL_USAGE;
	if (chain_open(&chain, argv[optind], format, CHAIN_READ,
		BLOCK_FILES_MAX, &err) == -1) {
		chain_close(&chain);
		return tool_fail("%s", err.text);
	}
	if (json)
		printf("{\"extents\": [");
	else
		printf("%16s  %16s  %-10s  %16s  %s\n", "START", "LENGTH",
		    "KIND", "OFFSET", "FILE");
	rc = print_all(&chain, json);
	if (json)
		printf("\n]}\n");
	chain_close(&chain);
	return rc;
}
