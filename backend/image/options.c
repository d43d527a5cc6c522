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
read_one(struct layout *l, char *text, struct error *err)
{
	static const char *const keys[] = {"cluster_size", "compat",
	    "extended_l2", "lazy_refcounts", "refcount_bits", NULL};
	char *value = strchr(text, '=');
	const char *near;

	if (value == NULL)
		return error_set(
		    err, "an option is NAME=VALUE, not \"%s\"", text);
	*value++ = '\0';
	if (strcmp(text, "cluster_size") == 0)
		return read_cluster(l, value, err);
	if (strcmp(text, "compat") == 0)
		return read_version(l, value, err);
	if (strcmp(text, "refcount_bits") == 0)
		return read_refcount(l, value, err);
	if (strcmp(text, "lazy_refcounts") == 0)
		return read_switch(text, value, &l->lazy_refcounts, err);
	if (strcmp(text, "extended_l2") == 0)
		return read_switch(text, value, &l->extended_l2, err);
	near = config_nearest(text, keys);
	if (near != NULL)
		return error_set(
		    err, "there is no option %s: is %s meant?", text, near);
	return error_set(err,
	    "there is no option %s: cluster_size, compat, extended_l2, "
	    "lazy_refcounts and refcount_bits are known",
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
		return error_set(err,
		    "a disk of no bytes is none; say a "
		    "size, such as 16G");
	if (n > INT64_MAX - SECTOR)
		return error_set(err,
		    "a size of %s is too large: a disk has less than 2^63 "
		    "bytes",
		    text);
	*size = (n + SECTOR - 1) / SECTOR * SECTOR;
	return 0;
}
