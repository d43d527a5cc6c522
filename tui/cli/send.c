/*
 * send.c: vmtui send NAME > FILE, and vmtui receive NAME < FILE.
 */
#include <sys/stat.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "tui/cli/cli.h"

#define COPY (256 << 10) /* bytes at a time */

/* What is told of a guest that takes its time. */
struct progress {
	const char *name;
	time_t begun; /* CLOCK_MONOTONIC */
	bool shown;
};

static time_t
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void
on_event(const char *event, json_t *data, void *arg)
{
	struct progress *p = arg;
	json_int_t done = json_integer_value(json_object_get(data, "done"));
	json_int_t total = json_integer_value(json_object_get(data, "total"));
	const char *name = json_string_value(json_object_get(data, "name"));

	if (strcmp(event, "SENDING") != 0 || name == NULL || total <= 0 ||
	    strcmp(name, p->name) != 0 || seconds() - p->begun < 1)
		return;
	fprintf(stderr, "%s%s: %d %% of %lld M", p->shown ? "\r" : "", name,
	    (int)((double)done * 100 / (double)total),
	    (long long)(total >> 20));
	p->shown = true;
}

/* p: what stands on standard error meanwhile, or NULL. */
static int
ask(struct cli *cli, const char *command, const char *name, int fd,
    const struct progress *p)
{
	struct error err;
	json_t *ret = client_give(
	    cli->client, command, json_pack("{s:s}", "name", name), fd, &err);

	if (p != NULL && p->shown)
		fprintf(stderr, "\n");
	if (ret == NULL)
		return cli_fail("%s", err.text);
	json_decref(ret);
	return 0;
}

/* As cli_connect(), and hears of events. */
static int
connect_to_hear(struct cli *cli, struct progress *p)
{
	static const struct client_ops ops = {.event = on_event};
	const struct client_options options = {
	    .config = cli->config, .start_backend = true};
	struct error err;

	if ((cli->base = event_base_new()) == NULL)
		return cli_fail("no memory");
	cli->client = client_new(cli->base, &options, &ops, p, &err);
	return cli->client == NULL ? cli_fail("%s", err.text) : 0;
}

static int
run_send(struct cli *cli, int argc, char **argv)
{
	struct progress p = {.begun = seconds()};
	json_t *ret;

	if (getopt(argc, argv, "") != -1 || argc - optind != 1)
		return cli_usage(cli);
	p.name = argv[optind];
	if (isatty(STDOUT_FILENO))
		return cli_fail("a guest is not to be looked at: send it to a "
				"file or a pipe, vmtui send %s > FILE",
		    p.name);
	if (connect_to_hear(cli, &p) != 0 ||
	    (ret = cli_ask(cli, "subscribe", NULL, NULL)) == NULL)
		return 1;
	json_decref(ret);
	return ask(cli, "send", p.name, STDOUT_FILENO, &p);
}

/* An unnamed file for what comes through a pipe. -1 after printing why. */
static int
open_spool(char *path, size_t len)
{
	const char *folder = getenv("TMPDIR");
	int fd;

	snprintf(path, len, "%s/vmtui-receive.XXXXXX",
	    folder != NULL && folder[0] == '/' ? folder : "/var/tmp");
	if ((fd = mkstemp(path)) == -1) {
		cli_fail("%s: %s", path, strerror(errno));
		return -1;
	}
	unlink(path);
	return fd;
}

/* Returns 0, or 1 after printing why. */
static int
copy(int to, const char *path)
{
	char *buf = malloc(COPY);
	ssize_t n = 0, done, put;
	int rc = 0;

	if (buf == NULL)
		return cli_fail("no memory");
	while (rc == 0 && (n = read(STDIN_FILENO, buf, COPY)) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			rc = cli_fail("standard input: %s", strerror(errno));
		for (done = 0; rc == 0 && done < n; done += put)
			if ((put = write(to, buf + done, (size_t)(n - done))) ==
			    -1)
				rc = cli_fail("%s: %s (TMPDIR names another "
					      "folder)",
				    path, strerror(errno));
	}
	free(buf);
	if (rc == 0 && lseek(to, 0, SEEK_SET) == -1)
		rc = cli_fail("%s: %s", path, strerror(errno));
	return rc;
}

/*
 * What comes through a pipe is read to its end first: the guest at the other
 * end has let go of its disks then, and a stream that breaks off has begun
 * nothing.
 */
static int
run_receive(struct cli *cli, int argc, char **argv)
{
	char path[4096];
	struct stat st;
	int fd = STDIN_FILENO, rc;

	if (getopt(argc, argv, "") != -1 || argc - optind != 1)
		return cli_usage(cli);
	if (isatty(STDIN_FILENO))
		return cli_fail("a guest is received from a file or a pipe: "
				"vmtui receive %s < FILE",
		    argv[optind]);
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		if ((fd = open_spool(path, sizeof path)) == -1)
			return 1;
		if (copy(fd, path) != 0) {
			close(fd);
			return 1;
		}
	}
	rc = cli_connect(cli);
	if (rc == 0)
		rc = ask(cli, "receive", argv[optind], fd, NULL);
	if (fd != STDIN_FILENO)
		close(fd);
	return rc;
}

const struct command command_send = {
    .name = "send",
    .usage = "NAME > FILE",
    .help = "Stops a guest and writes it out, to go on with receive",
    .run = run_send,
};

const struct command command_receive = {
    .name = "receive",
    .usage = "NAME < FILE",
    .help = "Starts a guest where send stopped it",
    .run = run_receive,
};
