/*
 * info.c: what an image is, and all that it is based on.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/image/chain.h"
#include "backend/proto/text.h"
#include "config/size.h"

/* What an image can have; the order they are shown in. */
static const struct {
	const char *name;
	uint64_t incompatible, compatible;
} features[] = {
    {"lazy refcounts", 0, QCOW2_LAZY_REFCOUNTS},
    {"extended L2 entries", QCOW2_EXTENDED_L2, 0},
    {"zstd compression", QCOW2_COMPRESSION, 0},
    {"data file", QCOW2_DATA_FILE, 0},
    {"dirty: its counts are put right by the next who opens it", QCOW2_DIRTY,
	0},
    {"damaged: it is not written before it was repaired", QCOW2_CORRUPT, 0},
};

#define FEATURES (sizeof features / sizeof *features)

static bool
has(const struct image *im, size_t i)
{
	return ((im->h.incompatible & features[i].incompatible) |
		   (im->h.compatible & features[i].compatible)) != 0;
}

static void
print_snapshots(const struct image *im)
{
	struct qcow2_snapshot *list;
	struct error err;
	char date[32], size[32];
	struct tm tm;
	time_t when;
	uint32_t i;

	if (im->h.snapshots == 0)
		return;
	if (qcow2_read_snapshots(im->fd, im->path, &im->h, &list, NULL, &err) ==
	    -1) {
		printf("  snapshots     %s\n", err.text);
		return;
	}
	for (i = 0; i < im->h.snapshots; i++) {
		when = (time_t)list[i].seconds;
		if (localtime_r(&when, &tm) == NULL ||
		    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm) == 0)
			snprintf(date, sizeof date, "?");
		printf("  %-12s  %s \"%s\", %s", i == 0 ? "snapshots" : "",
		    list[i].id, list[i].name, date);
		if (list[i].vm_state > 0)
			printf(", with %s of the guest's state",
			    tool_size(list[i].vm_state, size, sizeof size));
		printf("\n");
	}
	qcow2_free_snapshots(list, im->h.snapshots);
}

static void
print_qcow2(const struct image *im)
{
	const struct qcow2_header *h = &im->h;
	const char *what = "features";
	char size[32];
	size_t i;

	printf("  version       %u\n", h->version);
	printf("  cluster size  %s\n",
	    tool_size(qcow2_cluster(h), size, sizeof size));
	printf("  refcounts     %u bits\n", h->refcount_bits);
	for (i = 0; i < FEATURES; i++) {
		if (!has(im, i))
			continue;
		printf("  %-12s  %s\n", what, features[i].name);
		what = "";
	}
	if (h->has_data_name)
		printf("  data file     %s\n",
		    im->data_path != NULL ? im->data_path : h->data_file);
	if (h->has_backing)
		printf("  based on      %s%s%s%s\n", h->backing,
		    h->backing_format[0] != '\0' ? " (" : "", h->backing_format,
		    h->backing_format[0] != '\0' ? ")" : "");
	print_snapshots(im);
}

static void
print_image(const struct image *im)
{
	char size[32], used[8];

	printf("%s\n", im->path);
	printf("  format        %s\n", tool_format_name(im->format));
	printf("  disk size     %s\n", tool_size(im->size, size, sizeof size));
	printf("  on this host  %s\n", size_short(im->used, used, sizeof used));
	if (im->format == BLOCK_FORMAT_QCOW2)
		print_qcow2(im);
}

static json_t *
json_of_snapshots(const struct image *im)
{
	struct qcow2_snapshot *list;
	json_t *all = json_array();
	struct error err;
	uint32_t i;

	if (im->h.snapshots == 0 ||
	    qcow2_read_snapshots(im->fd, im->path, &im->h, &list, NULL, &err) ==
		-1)
		return all;
	for (i = 0; i < im->h.snapshots; i++)
		json_array_append_new(all,
		    json_pack("{s:o, s:o, s:I, s:I, s:I}", "id",
			text_json(list[i].id), "name", text_json(list[i].name),
			"date", (json_int_t)list[i].seconds, "vm_state",
			(json_int_t)list[i].vm_state, "size",
			(json_int_t)list[i].size));
	qcow2_free_snapshots(list, im->h.snapshots);
	return all;
}

static json_t *
json_of_image(const struct image *im)
{
	const struct qcow2_header *h = &im->h;
	json_t *obj = json_pack("{s:o, s:s, s:I, s:I, s:I}", "path",
	    text_json(im->path), "format", tool_format_name(im->format), "size",
	    (json_int_t)im->size, "length", (json_int_t)im->length, "used",
	    (json_int_t)im->used);

	if (obj == NULL || im->format != BLOCK_FORMAT_QCOW2)
		return obj;
	json_object_set_new(obj, "version", json_integer(h->version));
	json_object_set_new(
	    obj, "cluster_size", json_integer((json_int_t)qcow2_cluster(h)));
	json_object_set_new(
	    obj, "refcount_bits", json_integer((json_int_t)h->refcount_bits));
	json_object_set_new(obj, "lazy_refcounts",
	    json_boolean((h->compatible & QCOW2_LAZY_REFCOUNTS) != 0));
	json_object_set_new(
	    obj, "extended_l2", json_boolean(qcow2_extended(h)));
	json_object_set_new(obj, "compression",
	    json_string(h->compression == QCOW2_ZSTD ? "zstd" : "zlib"));
	json_object_set_new(
	    obj, "dirty", json_boolean((h->incompatible & QCOW2_DIRTY) != 0));
	json_object_set_new(obj, "damaged",
	    json_boolean((h->incompatible & QCOW2_CORRUPT) != 0));
	if (h->has_data_name)
		json_object_set_new(obj, "data_file", text_json(h->data_file));
	if (h->has_backing) {
		json_object_set_new(obj, "base", text_json(h->backing));
		json_object_set_new(
		    obj, "base_format", text_json(h->backing_format));
	}
	json_object_set_new(obj, "snapshots", json_of_snapshots(im));
	return obj;
}

static int
print(const struct chain *chain, bool json)
{
	json_t *all;
	unsigned i;

	if (json) {
		all = json_array();
		for (i = 0; i < chain->n; i++)
			json_array_append_new(
			    all, json_of_image(&chain->image[i]));
		return tool_print_json(json_pack("{s:o}", "images", all));
	}
	for (i = 0; i < chain->n; i++) {
		if (i > 0)
			printf("\n");
		print_image(&chain->image[i]);
	}
	return 0;
}

int
info_command(int argc, char **argv)
{
	enum block_format format = BLOCK_FORMAT_ANY;
	struct chain chain;
	bool json = false;
	struct error err;
	int rc;

	if (tool_options(argc, argv, &format, &json, NULL) != 1)
		return TOOL_USAGE;
	rc = chain_open(
	    &chain, argv[optind], format, CHAIN_LOOK, BLOCK_FILES_MAX, &err);
	/* What is there is shown, also where something below is missing. */
	if (chain.n > 0 && print(&chain, json) != 0)
		rc = 1;
	chain_close(&chain);
	return rc == -1 ? tool_fail("%s", err.text) : rc;
}
