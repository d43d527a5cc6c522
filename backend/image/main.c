/*
 * main.c: which image command it is, and what all of them print alike.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "backend/image/image.h"
#include "backend/image/tool.h"
#include "config/config.h"
#include "config/log.h"
#include "config/size.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	/* In its place, for one that reads the configuration. */
	int (*run_with)(const char *config, int argc, char **argv);
} commands[] = {
    {"list", NULL, list_command},
    {"info", info_command, NULL},
    {"check", check_command, NULL},
    {"map", map_command, NULL},
    {"resize", resize_command, NULL},
    {"convert", convert_command, NULL},
    {"commit", commit_command, NULL},
    {"rebase", rebase_command, NULL},
    {"delete", delete_command, NULL},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void
say(const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "vmtui: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
}

int
tool_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return 1;
}

int
tool_misuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return TOOL_USAGE;
}

int
tool_io_failed(const char *path, bool writing, int result, struct error *err)
{
	if (result == -ENOSPC || result == -EDQUOT)
		return error_set(
		    err, "%s: no room is left on its file system", path);
	if (result == -EFBIG)
		return error_set(
		    err, "%s: its file system has no files so large", path);
	if (result == -EIO)
		return error_set(err,
		    "%s cannot be %s: the disk of the host fails, or the "
		    "image is damaged; vmtui image check tells about the "
		    "latter",
		    path, writing ? "written" : "read");
	return error_set(err, "%s cannot be %s: %s", path,
	    writing ? "written" : "read", strerror(-result));
}

int
tool_print_json(json_t *obj)
{
	int rc;

	if (obj == NULL)
		return tool_fail("out of memory");
	rc = json_dumpf(obj, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(obj);
	return rc == 0 ? 0 : tool_fail("cannot write the output");
}

const char *
tool_size(uint64_t bytes, char *buf, size_t len)
{
	size_t n;

	size_exact(bytes, buf, len);
	n = strlen(buf);
	if (n > 0 && buf[n - 1] >= '0' && buf[n - 1] <= '9')
		snprintf(buf + n, len - n, bytes == 1 ? " byte" : " bytes");
	return buf;
}

int
tool_options(
    int argc, char **argv, enum block_format *format, bool *json, bool *repair)
{
	const struct option longs[] = {
	    {json != NULL ? "json" : NULL, no_argument, NULL, 'j'},
	    {0},
	};
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv,
		    repair != NULL ? "f:r" : "f:", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			if (tool_format(optarg, format) == -1)
				return -1;
			break;
		case 'j':
			*json = true;
			break;
		case 'r':
			*repair = true;
			break;
		default:
			return -1;
		}
	}
	return argc - optind;
}

int
tool_format(const char *text, enum block_format *format)
{
	if (strcmp(text, "raw") == 0)
		*format = BLOCK_FORMAT_RAW;
	else if (strcmp(text, "qcow2") == 0)
		*format = BLOCK_FORMAT_QCOW2;
	else {
		tool_fail(
		    "there is no format \"%s\": raw and qcow2 are known", text);
		return -1;
	}
	return 0;
}

const char *
tool_format_name(enum block_format format)
{
	return format == BLOCK_FORMAT_QCOW2 ? "qcow2" : "raw";
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcasecmp(text + n - m, end) == 0;
}

enum block_format
tool_format_of_name(const char *path)
{
	if (ends_with(path, ".qcow2") || ends_with(path, ".qcow"))
		return BLOCK_FORMAT_QCOW2;
	return BLOCK_FORMAT_RAW;
}

static int
unknown(const char *name)
{
	const char *names[COMMANDS + 1] = {NULL}, *near;
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	near = config_nearest(name, names);
	if (near != NULL)
		return tool_misuse("there is no command \"image %s\": is %s "
				   "meant?",
		    name, near);
	return tool_misuse("there is no command \"image %s\"", name);
}

int
image_main(const char *config, const char *command, int argc, char **argv)
{
	char title[32];
	size_t i;

	log_quiet();
	if (strcmp(command, "create") == 0)
		return create_command(argc, argv);
	if (argc < 2)
		return TOOL_USAGE;
	for (i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			break;
	if (i == COMMANDS)
		return unknown(argv[1]);
	snprintf(title, sizeof title, "vmtui: image %s", commands[i].name);
	argv[1] = title;
	if (commands[i].run == NULL)
		return commands[i].run_with(config, argc - 1, argv + 1);
	return commands[i].run(argc - 1, argv + 1);
}
