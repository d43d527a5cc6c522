#include <sys/stat.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tui/cli/cli.h"

#define LOOK_MS 250 /* from one look at a followed log to the next */

/* A log that is read while it is written. */
struct reader {
	int fd;
	off_t at;
	char last[256]; /* the start of the last whole line that was printed */
	char line[256]; /* of the one under way */
	size_t len;
};

/* Keeps the start of each line, to find it again. */
static void
note_lines(struct reader *r, const char *data, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (data[i] == '\n') {
			r->line[r->len] = '\0';
			memcpy(r->last, r->line, r->len + 1);
			r->len = 0;
		} else if (r->len < sizeof r->line - 1) {
			r->line[r->len++] = data[i];
		}
	}
}

/* Prints what is there. Returns 0, or -1 when nobody takes it. */
static int
print_new(struct reader *r)
{
	char data[8192];
	ssize_t n;

	while ((n = pread(r->fd, data, sizeof data, r->at)) > 0) {
		r->at += n;
		note_lines(r, data, (size_t)n);
		if (fwrite(data, 1, (size_t)n, stdout) != (size_t)n)
			return -1;
	}
	return fflush(stdout) == EOF ? -1 : 0;
}

/*
 * The log became full and lost its oldest lines (config/log.h): goes on behind
 * the line that was printed last, or at the start if that is gone too.
 */
static void
find_place(struct reader *r)
{
	size_t len = strlen(r->last);
	char line[8192];
	off_t at = 0;
	ssize_t n;
	char *nl;

	r->at = 0;
	r->len = 0;
	while ((n = pread(r->fd, line, sizeof line - 1, at)) > 0) {
		line[n] = '\0';
		nl = strchr(line, '\n');
		if (nl != NULL)
			n = nl - line + 1;
		at += n;
		if (len > 0 && strncmp(line, r->last, len) == 0)
			r->at = at;
	}
}

static int
follow(struct reader *r)
{
	const struct timespec pause = {0, LOOK_MS * 1000000};
	struct stat st;

	for (;;) {
		if (print_new(r) == -1)
			return cli_fail("cannot write the output");
		nanosleep(&pause, NULL);
		if (fstat(r->fd, &st) == 0 && st.st_size < r->at)
			find_place(r);
	}
}

static int
run(struct cli *cli, int argc, char **argv)
{
	struct reader r = {.fd = -1};
	bool forever = false;
	json_t *ret;
	int opt, status = 0;

	while ((opt = getopt(argc, argv, "f")) != -1) {
		if (opt == '?')
			return cli_usage(cli);
		forever = true;
	}
	if (argc - optind > 1)
		return cli_usage(cli);
	ret = cli_ask(cli, "log",
	    optind < argc ? json_pack("{s:s}", "name", argv[optind]) : NULL,
	    &r.fd);
	if (ret == NULL)
		return 1;
	json_decref(ret);
	if (r.fd == -1)
		return cli_fail("the backend is of another version: it gave "
				"no log");
	if (forever)
		status = follow(&r);
	else if (print_new(&r) == -1)
		status = cli_fail("cannot write the output");
	close(r.fd);
	return status;
}

const struct command command_log = {
    .name = "log",
    .usage = "[-f] [NAME]",
    .help = "Shows the log of a guest, or the backend's; -f follows it",
    .run = run,
};
