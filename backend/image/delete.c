/*
 * delete.c: `vmtui image delete`: a file that nobody uses taken away.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "backend/image/tool.h"

static int
fail(const char *path, struct error *err)
{
	return error_set(
	    err, "%s cannot be deleted: %s", path, strerror(errno));
}

/* Whatever is in it: a damaged image is deleted like any other. */
static int
take_away(const char *path, struct error *err)
{
	struct stat st;
	int fd, rc = 0;

	/* A link to a device, or the device itself, is no file of ours. */
	if (stat(path, &st) == -1)
		return fail(path, err);
	if (!S_ISREG(st.st_mode))
		return error_set(err, "%s is not a file", path);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return fail(path, err);
	if (block_lock(fd, false) == -1 && (errno == EAGAIN || errno == EACCES))
		rc = error_set(err,
		    "%s is in use by a guest that runs, or by another program; "
		    "stop that first (vmtui status shows the guests)",
		    path);
	else if (unlink(path) == -1)
		rc = fail(path, err);
	close(fd);
	return rc;
}

int
delete_command(int argc, char **argv)
{
	struct error err;

	optind = 0;
	if (getopt(argc, argv, "") != -1 || argc - optind != 1)
		return TOOL_USAGE;
	if (take_away(argv[optind], &err) == -1)
		return tool_fail("%s", err.text);
	printf("%s: deleted\n", argv[optind]);
	return 0;
}
