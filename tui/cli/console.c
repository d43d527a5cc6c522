/*
 * console.c: this terminal, or a pipe, as the console of a guest.
 *
 *	stdin ──escape()──▶ typed[] ──▶ socket into the guest's process
 *	stdout ◀────────── said[] ◀──── the same
 *
 * What is typed is read only while typed[] is empty, so a guest that does not
 * listen holds back the typist and nothing is lost; the guest's words likewise
 * while said[] is, so a terminal that is stopped holds back the guest.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <event2/event.h>

#include "tui/cli/cli.h"

#define CTRL_BRACKET 0x1d
/* After a pipe's end, a guest that says nothing for so long has answered. */
#define QUIET_MS 2000

struct console {
	struct cli *cli;
	const char *name, *port;
	int sock;
	bool tty; /* stdin is a terminal: raw mode, escapes */
	bool input_over; /* stdin ended; only output is left */
	bool leave; /* the person asked to go */
	enum { LINE_START, TILDE, IN_LINE } where;
	char typed[2048]; /* two for each byte read: "~x" */
	size_t len, sent;
	int out; /* standard output, which then never blocks */
	char said[16384]; /* by the guest, not yet written */
	size_t said_len, written;
};

static struct termios saved;
static volatile sig_atomic_t caught, resized;

static void
on_signal(int sig)
{
	caught = sig;
}

static void
on_resize(int sig)
{
	resized = 1;
}

/*
 * Signals are blocked but while we wait, so that none slips in between. A
 * terminal that is gone (SIGHUP) needs no restoring, but its process an end.
 */
static void
catch_signals(sigset_t *wait_mask)
{
	static const int ends[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
	struct sigaction sa = {.sa_handler = on_signal};
	struct sigaction winch = {.sa_handler = on_resize};
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < sizeof ends / sizeof *ends; i++) {
		sigaddset(&block, ends[i]);
		sigaction(ends[i], &sa, NULL);
	}
	sigaddset(&block, SIGWINCH);
	sigaction(SIGWINCH, &winch, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &block, wait_mask);
}

static void
type(struct console *c, char byte)
{
	c->typed[c->len++] = byte;
}

/*
 * Passes a byte on unless it is part of an escape: ctrl-] anywhere, or "~."
 * at the beginning of a line ("~~" is a "~").
 */
static void
escape(struct console *c, char byte)
{
	if (byte == CTRL_BRACKET || (c->where == TILDE && byte == '.')) {
		c->leave = true;
		return;
	}
	if (c->where == LINE_START && byte == '~') {
		c->where = TILDE;
		return;
	}
	if (c->where == TILDE && byte != '~')
		type(c, '~');
	type(c, byte);
	c->where = byte == '\r' || byte == '\n' ? LINE_START : IN_LINE;
}

static void
read_typed(struct console *c)
{
	char buf[sizeof c->typed / 2];
	ssize_t n, i;

	n = read(STDIN_FILENO, buf, sizeof buf);
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		c->input_over = true;
		c->leave = c->tty;
		return;
	}
	c->len = c->sent = 0;
	for (i = 0; i < n && !c->leave; i++) {
		if (c->tty)
			escape(c, buf[i]);
		else
			type(c, buf[i]);
	}
}

static void
send_typed(struct console *c)
{
	ssize_t n;

	n = send(c->sock, c->typed + c->sent, c->len - c->sent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		c->sent += (size_t)n;
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		c->sent = c->len; /* reading meets the end as well */
}

/* Returns 0, or 1 at the end of what the guest says. */
static int
hear(struct console *c)
{
	ssize_t n;

	n = recv(c->sock, c->said, sizeof c->said, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return 1;
	c->said_len = (size_t)n;
	c->written = 0;
	return 0;
}

/* Writes what the guest said. Returns 0, or -1 if nobody takes it. */
static int
write_said(struct console *c)
{
	ssize_t n;

	n = write(c->out, c->said + c->written, c->said_len - c->written);
	if (n > 0)
		c->written += (size_t)n;
	return n == -1 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

/*
 * Standard output may be shared, so that it must go on blocking: a terminal
 * or a pipe is opened anew. What cannot be, is as it is.
 */
static int
open_output(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDOUT_FILENO, &st) == 0 &&
	    (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		fd = open("/proc/self/fd/1",
		    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd != -1 ? fd : STDOUT_FILENO;
}

/*
 * The guest's hvc0 is to be as large as this terminal, or as a larger one that
 * has its console too. Waits for nobody: a backend that is gone is none of a
 * console's business.
 */
static void
tell_size(struct console *c)
{
	struct winsize ws;

	resized = 0;
	if (!c->tty || ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) == -1 ||
	    ws.ws_row == 0 || ws.ws_col == 0)
		return;
	client_call(c->cli->client, "console-size",
	    json_pack("{s:s, s:s, s:i, s:i}", "name", c->name, "port", c->port,
		"rows", ws.ws_row, "cols", ws.ws_col),
	    NULL, NULL);
	event_base_loop(c->cli->base, EVLOOP_NONBLOCK);
}

/* Until either side ends. Returns 0 or, if the output went nowhere, -1. */
static int
run_loop(struct console *c, const sigset_t *mask, bool *ended)
{
	const struct timespec quiet = {QUIET_MS / 1000, 0};
	struct pollfd pfd[3];
	bool over, full;
	int n;

	while (!c->leave && caught == 0) {
		if (resized)
			tell_size(c);
		over = c->input_over && c->sent == c->len;
		full = c->written < c->said_len;
		pfd[0] = (struct pollfd){.fd = c->sock};
		if (!full)
			pfd[0].events |= POLLIN;
		if (c->sent < c->len)
			pfd[0].events |= POLLOUT;
		if (pfd[0].events == 0)
			pfd[0].fd = -1;
		pfd[1] = (struct pollfd){.fd = -1, .events = POLLIN};
		if (!c->input_over && c->sent == c->len)
			pfd[1].fd = STDIN_FILENO;
		pfd[2] = (struct pollfd){
		    .fd = full ? c->out : -1, .events = POLLOUT};
		n = ppoll(pfd, 3, over && !full ? &quiet : NULL, mask);
		if (n == 0)
			return 0;
		if (n == -1)
			continue;
		if (pfd[0].revents & POLLOUT)
			send_typed(c);
		if (!full && pfd[0].revents & (POLLIN | POLLHUP | POLLERR) &&
		    hear(c) != 0) {
			*ended = true;
			return 0;
		}
		if (pfd[2].revents != 0 && write_said(c) == -1)
			return -1;
		if (pfd[1].revents != 0)
			read_typed(c);
	}
	return 0;
}

static int
set_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved) == -1)
		return cli_fail(
		    "cannot set up the terminal: %s", strerror(errno));
	raw = saved;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == -1)
		return cli_fail(
		    "cannot set up the terminal: %s", strerror(errno));
	return 0;
}

int
console_attach(
    struct cli *cli, const char *name, const char *port, bool history)
{
	static struct console c = {.sock = -1, .where = LINE_START};
	bool ended = false;
	sigset_t mask;
	json_t *ret;
	int rc;

	ret = cli_ask(cli, "console",
	    json_pack("{s:s, s:b, s:s}", "name", name, "history", history,
		"port", port),
	    &c.sock);
	json_decref(ret);
	if (ret == NULL)
		return 1;
	if (c.sock == -1)
		return cli_fail("%s gave no console", name);
	c.cli = cli;
	c.name = name;
	c.port = port;
	c.tty = isatty(STDIN_FILENO);
	c.out = open_output();
	catch_signals(&mask);
	if (c.tty) {
		if (set_raw() != 0)
			return 1;
		fprintf(stderr,
		    "[console of %s: leave with ctrl-] or ~. at the beginning "
		    "of a line]\r\n",
		    name);
	}
	tell_size(&c);
	rc = run_loop(&c, &mask, &ended);
	close(c.sock);
	if (c.tty) {
		/* At once: a terminal that is stopped would never drain. */
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
		/* Nor would it take these words, and a signal has to end us. */
		if (caught == 0)
			fprintf(stderr, "\n[%s %s]\n",
			    ended ? "the end of" : "left", name);
	}
	if (caught != 0) {
		/* To whoever waits for us it is the signal that ended us. */
		signal(caught, SIG_DFL);
		raise(caught);
		sigprocmask(SIG_SETMASK, &mask, NULL);
	}
	if (rc == -1)
		return cli_fail("cannot write the console's output");
	return 0;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"history", no_argument, NULL, 'h'},
	    {"port", required_argument, NULL, 'p'},
	    {0},
	};
	const char *port = CONSOLE_SERIAL;
	bool history = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == 'h')
			history = true;
		else if (opt == 'p')
			port = optarg;
		else
			return cli_usage(cli);
	}
	if (argc - optind != 1)
		return cli_usage(cli);
	return console_attach(cli, argv[optind], port, history);
}

const struct command command_console = {
    .name = "console",
    .usage = "[--history] [--port ttyS0|ttyS1|hvc0] NAME",
    .help = "Attaches to a guest's console; leave with ctrl-] or ~.",
    .run = run,
};
