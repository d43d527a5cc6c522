/*
 * options.c: what -o and -s say of a new image.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/options.h"
#include "backend/image/tool.h"
#include "config/config.h"
#include "config/size.h"

#define SECTOR UINT64_C(512)

void
options_default(struct layout *l)
{
	*l = (struct layout){
	    .version = 3, .cluster_bits = 16, .refcount_order = 4};
}

/* The power of two that n is, or -1. */
static int
power(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0 ? __builtin_ctzll(n) : -1;
}

static int
read_switch(const char *key, const char *value, bool *on, struct error *err)
{
	*on = strcmp(value, "on") == 0;
	if (!*on && strcmp(value, "off") != 0)
		return error_set(
		    err, "%s is on or off, not \"%s\"", key, value);
	return 0;
}

static int
read_cluster(struct layout *l, const char *value, struct error *err)
{
	uint64_t n;
	int bits;

	if (size_parse(value, &n) == -1 || (bits = power(n)) < 9 || bits > 21)
		return error_set(err,
		    "cluster_size is a power of two from 512 bytes to 2M, not "
		    "\"%s\"",
		    value);
	l->cluster_bits = (unsigned)bits;
	return 0;
}

static int
read_refcount(struct layout *l, const char *value, struct error *err)
{
	uint64_t n;
	int order;

	if (size_parse(value, &n) == -1 || (order = power(n)) < 0 || order > 6)
		return error_set(err,
		    "refcount_bits is 1, 2, 4, 8, 16, 32 or 64, not \"%s\"",
		    value);
	l->refcount_order = (unsigned)order;
	return 0;
}

static int
read_version(struct layout *l, const char *value, struct error *err)
{
	if (strcmp(value, "v2") == 0 || strcmp(value, "0.10") == 0)
		l->version = 2;
	else if (strcmp(value, "v3") == 0 || strcmp(value, "1.1") == 0)
		l->version = 3;
	else
		return error_set(err, "compat is v2 or v3, not \"%s\"", value);
	return 0;
}

static int
read_packing(struct layout *l, const char *value, struct error *err)
{
	l->zstd = strcmp(value, "zstd") == 0;
	if (!l->zstd && strcmp(value, "zlib") != 0)
		return error_set(
		    err, "compression_type is zlib or zstd, not \"%s\"", value);
	return 0;
}

static int
read_data_file(struct layout *l, const char *value, struct error *err)
{
	if (value[0] == '\0' || strlen(value) >= sizeof l->data_path)
		return error_set(err,
		    "data_file is the path of a file, with less than %zu "
		    "bytes",
		    sizeof l->data_path);
	snprintf(l->data_path, sizeof l->data_path, "%s", value);
	return 0;
}

static int
read_preallocation(struct layout *l, const char *value, struct error *err)
{
	static const char *const ways[] = {"off", "metadata", "falloc", "full"};
	unsigned i;

	for (i = 0; i < sizeof ways / sizeof *ways; i++)
		if (strcmp(value, ways[i]) == 0) {
			l->preallocation = (enum preallocation)i;
			return 0;
		}
	return error_set(err,
	    "preallocation is off, metadata, falloc or full, not \"%s\"",
	    value);
}

static int
read_lazy(struct layout *l, const char *value, struct error *err)
{
	return read_switch("lazy_refcounts", value, &l->lazy_refcounts, err);
}

static int
read_extended(struct layout *l, const char *value, struct error *err)
{
	return read_switch("extended_l2", value, &l->extended_l2, err);
}

static int
read_data_raw(struct layout *l, const char *value, struct error *err)
{
	return read_switch("data_file_raw", value, &l->data_raw, err);
}

static const struct {
	const char *name;
	int (*read)(struct layout *l, const char *value, struct error *err);
} options[] = {
    {"cluster_size", read_cluster},
    {"compat", read_version},
    {"compression_type", read_packing},
    {"data_file", read_data_file},
    {"data_file_raw", read_data_raw},
    {"extended_l2", read_extended},
    {"lazy_refcounts", read_lazy},
    {"preallocation", read_preallocation},
    {"refcount_bits", read_refcount},
};
#define OPTIONS (sizeof options / sizeof *options)

static int
read_one(struct layout *l, char *text, struct error *err)
{
	const char *names[OPTIONS + 1] = {NULL}, *near;
	char *value = strchr(text, '=');
	size_t i;

	if (value == NULL)
		return error_set(
		    err, "an option is NAME=VALUE, not \"%s\"", text);
	*value++ = '\0';
	for (i = 0; i < OPTIONS; i++) {
		if (strcmp(text, options[i].name) == 0)
			return options[i].read(l, value, err);
		names[i] = options[i].name;
	}
	near = config_nearest(text, names);
	if (near != NULL)
		return error_set(
		    err, "there is no option %s: is %s meant?", text, near);
	return error_set(err,
	    "there is no option %s: cluster_size, compat, compression_type, "
	    "data_file, data_file_raw, extended_l2, lazy_refcounts, "
	    "preallocation and refcount_bits are known",
	    text);
}

int
options_parse(struct layout *l, const char *text, struct error *err)
{
	char *copy = strdup(text), *save = NULL, *one;
	int rc = 0;

	if (copy == NULL)
		return error_set(err, "out of memory");
	for (one = strtok_r(copy, ",", &save); rc == 0 && one != NULL;
	     one = strtok_r(NULL, ",", &save))
		rc = read_one(l, one, err);
	free(copy);
	return rc;
}

int
options_check_raw(const struct layout *l, struct error *err)
{
	struct layout plain;

	options_default(&plain);
	if (l->version != plain.version ||
	    l->cluster_bits != plain.cluster_bits ||
	    l->refcount_order != plain.refcount_order || l->lazy_refcounts ||
	    l->extended_l2 || l->zstd || l->data_raw || l->data_path[0] != '\0')
		return error_set(
		    err, "raw images have no option (-o) but preallocation");
	if (l->preallocation == PREALLOCATE_TABLES)
		return error_set(err,
		    "raw images have no metadata; say preallocation=falloc or "
		    "full");
	return 0;
}

int
options_size(const char *text, uint64_t old, uint64_t *size, struct error *err)
{
	const char *number = text + (text[0] == '+');
	uint64_t n;

	if (size_parse(number, &n) == -1) {
		if (number[0] >= '0' && number[0] <= '9' &&
		    number[strspn(number, "0123456789")] == '\0')
			return error_set(err,
			    "a size of %s is too large: a disk has less than "
			    "2^63 bytes",
			    number);
		return error_set(err,
		    "\"%s\" is not a size: a number of bytes, or one with K, "
		    "M, G or T behind it, of less than 2^63 bytes in all",
		    text);
	}
	if (text[0] == '+') {
		if (n > INT64_MAX - old)
			return error_set(err,
			    "%s is too much: a disk has less than 2^63 bytes",
			    text);
		n += old;
	}
	if (n == 0)
		return error_set(
		    err, "a disk of no bytes is none; say a size, such as 16G");
	if (n > INT64_MAX - SECTOR)
		return error_set(err,
		    "a size of %s is too large: a disk has less than 2^63 "
		    "bytes",
		    text);
	*size = (n + SECTOR - 1) / SECTOR * SECTOR;
	return 0;
}
