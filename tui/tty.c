#include <sys/ioctl.h>

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "tui/draw.h"
#include "tui/glyphs.h"
#include "tui/tty.h"

#define PASTE_ON  "\033[?2004h"
#define PASTE_OFF "\033[?2004l"

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
#define DEADLY (sizeof deadly / sizeof *deadly)

/* The terminal is one, and signal handlers find it only in globals. */
static struct {
	SCREEN *screen;
	volatile sig_atomic_t taken;
	struct termios before;
	bool paste;
	/* What puts the terminal right without ncurses: see crashed(). */
	char restore[256];
	size_t restore_len;
	struct sigaction old[DEADLY];
} tty;

static void
send(const char *text)
{
	/* A terminal that is gone is noticed elsewhere. */
	if (write(STDOUT_FILENO, text, strlen(text)) == -1)
		return;
}

/*
 * A crash of ours: only write(2) and tcsetattr(3) are safe here. Gives the
 * signal back to whoever had it before and lets the fault happen again.
 */
static void
crashed(int sig, siginfo_t *info, void *context)
{
	size_t i;

	if (tty.taken) {
		tty.taken = 0;
		if (write(STDOUT_FILENO, tty.restore, tty.restore_len) == -1)
			tty.restore_len = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &tty.before);
	}
	for (i = 0; i < DEADLY; i++)
		if (deadly[i] == sig)
			sigaction(sig, &tty.old[i], NULL);
	/* Somebody sent it: nothing will do it again by itself. */
	if (info->si_code <= 0)
		raise(sig);
}

static void
restore_add(const char *capability)
{
	char *text = tigetstr(capability), *delay;
	size_t len;

	if (text == NULL || text == (char *)-1)
		return;
	/* No padding: "$<100>" and what follows is left out. */
	delay = strstr(text, "$<");
	len = delay != NULL ? (size_t)(delay - text) : strlen(text);
	if (tty.restore_len + len > sizeof tty.restore)
		return;
	memcpy(tty.restore + tty.restore_len, text, len);
	tty.restore_len += len;
}

static void
prepare_restore(void)
{
	static const char *const capabilities[] = {
	    "sgr0", "op", "cnorm", "rmcup"};
	size_t i;

	tty.restore_len = 0;
	if (tty.paste) {
		memcpy(tty.restore, PASTE_OFF, strlen(PASTE_OFF));
		tty.restore_len = strlen(PASTE_OFF);
	}
	for (i = 0; i < sizeof capabilities / sizeof *capabilities; i++)
		restore_add(capabilities[i]);
}

static void
catch_crashes(void)
{
	struct sigaction sa;
	size_t i;

	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = crashed;
	sa.sa_flags = SA_SIGINFO;
	for (i = 0; i < DEADLY; i++)
		sigaction(deadly[i], &sa, &tty.old[i]);
}

int
tty_check(struct error *err)
{
	const char *term = getenv("TERM");
	int status;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err,
		    "the screen needs a terminal as standard input and "
		    "output; in a script use `vmtui status` and its like");
	if (term == NULL || *term == '\0')
		return error_set(err,
		    "TERM is not set, so there is no telling what this "
		    "terminal understands; try TERM=xterm vmtui");
	if (setupterm(term, STDOUT_FILENO, &status) == ERR)
		return error_set(err,
		    "TERM=%s is no terminal that this host knows; try "
		    "TERM=xterm vmtui, or install ncurses-term",
		    term);
	del_curterm(cur_term);
	return 0;
}

int
tty_open(struct error *err)
{
	const char *term = getenv("TERM");

	tcgetattr(STDIN_FILENO, &tty.before);
	if ((tty.screen = newterm(NULL, stdout, stdin)) == NULL)
		return error_set(
		    err, "TERM=%s cannot do what the screen needs", term);
	glyphs_choose(term);
	raw();
	noecho();
	nonl();
	typeahead(-1);
	meta(stdscr, TRUE);
	leaveok(stdscr, FALSE);
	/* Moving text in place of redrawing it flickers on some terminals. */
	idlok(stdscr, FALSE);
	draw_begin();
	tty.paste = strncmp(term, "vt", 2) != 0 && strcmp(term, "dumb") != 0;
	prepare_restore();
	tty.taken = 1;
	catch_crashes();
	atexit(tty_close);
	refresh();
	if (tty.paste)
		send(PASTE_ON);
	return 0;
}

void
tty_close(void)
{
	if (!tty.taken)
		return;
	tty.taken = 0;
	if (tty.paste)
		send(PASTE_OFF);
	/* Where there is no other screen to go back to, room for the shell. */
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	tcsetattr(STDIN_FILENO, TCSANOW, &tty.before);
}

void
tty_resize(int *rows, int *cols)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 &&
	    ws.ws_col > 0 && (ws.ws_row != LINES || ws.ws_col != COLS))
		resizeterm(ws.ws_row, ws.ws_col);
	*rows = LINES;
	*cols = COLS;
}

bool
tty_writable(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	/* An error is for the next write to find. */
	return poll(&p, 1, 0) != 0;
}

void
tty_suspend(void)
{
	if (tty.paste)
		send(PASTE_OFF);
	endwin();
	raise(SIGTSTP);
	tty_resume();
}

void
tty_resume(void)
{
	reset_prog_mode();
	refresh();
	if (tty.paste)
		send(PASTE_ON);
}

void
tty_bell(void)
{
	beep();
}
