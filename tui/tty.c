#include <sys/ioctl.h>
#include <sys/mman.h>

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
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
/*
 * The mouse: presses, releases and drags (1002), in coordinates that know no
 * end (1006).
 */
#define MOUSE_ON  "\033[?1002h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1002l"
#define MODES_OFF MOUSE_OFF PASTE_OFF
/* xterm's stack of titles: the own one goes on it, and comes back. */
#define TITLE_KEEP "\033[22;2t"
#define TITLE_OWN  "\033[23;2t"
#define SHAPE_OWN  "\033[0 q"
#define CLOSE_MS   1000 /* for the last words, if the terminal takes nothing */

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
#define DEADLY (sizeof deadly / sizeof *deadly)

/* The terminal is one, and signal handlers find it only in globals. */
static struct {
	SCREEN *screen;
	FILE *frames; /* over the memfd that ncurses writes to */
	int memory; /* that memfd */
	int fd; /* the terminal, opened anew so that it alone never blocks */
	char *queue; /* what is on its way: from sent to len */
	size_t len, sent;
	volatile sig_atomic_t taken;
	struct termios before;
	bool modes; /* it knows PASTE_ON and MOUSE_ON */
	bool mouse; /* the latter is on */
	bool shapes; /* it knows DECSCUSR */
	int shape; /* of its cursor now, 0: its own */
	char title[512]; /* that it was given, "": it has its own */
	/* What puts the terminal right without ncurses: see crashed(). */
	char restore[256];
	size_t restore_len;
	struct sigaction old[DEADLY];
} tty = {.memory = -1, .fd = -1};

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
		if (*tty.title != '\0' &&
		    write(STDOUT_FILENO, TITLE_OWN, strlen(TITLE_OWN)) == -1)
			tty.restore_len = 0;
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

static bool
has_string(const char *capability)
{
	const char *text = tigetstr(capability);

	return text != NULL && text != (char *)-1;
}

static void
restore_add(const char *capability)
{
	char *text, *delay;
	size_t len;

	if (!has_string(capability))
		return;
	text = tigetstr(capability);
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
	if (tty.modes) {
		memcpy(tty.restore, MODES_OFF, strlen(MODES_OFF));
		tty.restore_len = strlen(MODES_OFF);
	}
	if (tty.shapes) {
		memcpy(tty.restore + tty.restore_len, SHAPE_OWN,
		    strlen(SHAPE_OWN));
		tty.restore_len += strlen(SHAPE_OWN);
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

/* Raw mode, in which ncurses believes the terminal to be. */
static void
set_raw(void)
{
	struct termios raw = tty.before;

	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

/* Standard output may be shared with a shell: it must go on blocking. */
static int
open_fds(struct error *err)
{
	const char *name = ttyname(STDOUT_FILENO);

	tty.fd = open(name != NULL ? name : "/dev/tty",
	    O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (tty.fd == -1)
		return error_set(err, "the terminal %s cannot be opened: %s",
		    name != NULL ? name : "/dev/tty", strerror(errno));
	tty.memory = memfd_create("vmtui-frame", MFD_CLOEXEC);
	if (tty.memory == -1 || (tty.frames = fdopen(tty.memory, "w")) == NULL)
		return error_set(
		    err, "no memory for the screen: %s", strerror(errno));
	return 0;
}

/* Puts text behind what ncurses wrote. */
static void
add(const char *text)
{
	/* A memfd takes all, or memory is short and a frame is lost. */
	if (write(tty.memory, text, strlen(text)) == -1)
		return;
}

int
tty_open(struct error *err)
{
	const char *term = getenv("TERM");
	int rows, cols;

	if (open_fds(err) == -1)
		return -1;
	tcgetattr(STDIN_FILENO, &tty.before);
	if ((tty.screen = newterm(NULL, tty.frames, stdin)) == NULL)
		return error_set(
		    err, "TERM=%s cannot do what the screen needs", term);
	/* That of ncurses would write to where nobody reads. */
	signal(SIGTSTP, SIG_DFL);
	glyphs_choose(term);
	typeahead(-1);
	/* Moving text in place of redrawing it flickers on some terminals. */
	idlok(stdscr, FALSE);
	draw_begin();
	tty.shapes = has_string("Ss");
	tty.modes = strncmp(term, "vt", 2) != 0 && strcmp(term, "dumb") != 0;
	prepare_restore();
	tty.taken = 1;
	set_raw();
	catch_crashes();
	atexit(tty_close);
	tty_resize(&rows, &cols);
	refresh();
	if (tty.modes)
		add(PASTE_ON);
	tty_push();
	return 0;
}

/* Moves what ncurses wrote to the end of the queue. */
static void
take_frame(void)
{
	off_t size = lseek(tty.memory, 0, SEEK_CUR);
	char *queue;

	if (size <= 0)
		return;
	if (tty.sent == tty.len)
		tty.sent = tty.len = 0;
	queue = realloc(tty.queue, tty.len + (size_t)size);
	if (queue != NULL) {
		tty.queue = queue;
		if (pread(tty.memory, queue + tty.len, (size_t)size, 0) == size)
			tty.len += (size_t)size;
	}
	lseek(tty.memory, 0, SEEK_SET);
	if (ftruncate(tty.memory, 0) == -1)
		return;
}

bool
tty_push(void)
{
	ssize_t n;

	take_frame();
	while (tty.sent < tty.len) {
		n = write(tty.fd, tty.queue + tty.sent, tty.len - tty.sent);
		if (n > 0)
			tty.sent += (size_t)n;
		else if (n == -1 && errno == EAGAIN)
			return false;
		else if (n == -1 && errno != EINTR)
			/* Gone: reading finds that out too, and ends. */
			tty.sent = tty.len;
	}
	return true;
}

int
tty_fd(void)
{
	return tty.fd;
}

/* The same, waiting for a while. */
static void
push_all(void)
{
	struct pollfd p = {.fd = tty.fd, .events = POLLOUT};

	while (!tty_push())
		if (poll(&p, 1, CLOSE_MS) <= 0)
			return;
}

void
tty_cursor(int shape)
{
	char text[16];

	if (!tty.shapes || tty.shape == shape)
		return;
	tty.shape = shape;
	snprintf(text, sizeof text, "\033[%d q", shape);
	add(text);
}

/* Whether it takes operating system commands, or would show them as text. */
static bool
takes_strings(void)
{
	const char *term = getenv("TERM");

	return term != NULL && strncmp(term, "vt", 2) != 0 &&
	    strncmp(term, "linux", 5) != 0 && strcmp(term, "dumb") != 0;
}

void
tty_title(const char *text)
{
	if (text == NULL)
		text = "";
	if (!takes_strings() || strcmp(text, tty.title) == 0)
		return;
	if (*tty.title == '\0')
		add(TITLE_KEEP);
	snprintf(tty.title, sizeof tty.title, "%s", text);
	if (*text != '\0') {
		add("\033]2;");
		add(tty.title);
		add("\033\\");
	} else
		add(TITLE_OWN);
}

/* Leaves the screen as a shell wants it. */
static void
leave(void)
{
	tty_title(NULL);
	tty_cursor(0);
	if (tty.modes)
		add(tty.mouse ? MODES_OFF : PASTE_OFF);
	/* Where there is no other screen to go back to, room for the shell. */
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	push_all();
	tcsetattr(STDIN_FILENO, TCSANOW, &tty.before);
}

void
tty_close(void)
{
	if (tty.taken) {
		tty.taken = 0;
		leave();
	}
	if (tty.fd != -1)
		close(tty.fd);
	tty.fd = -1;
	free(tty.queue);
	tty.queue = NULL;
	tty.len = tty.sent = 0;
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

void
tty_suspend(void)
{
	leave();
	raise(SIGTSTP);
	tty_resume();
}

void
tty_lend(void)
{
	leave();
}

void
tty_resume(void)
{
	set_raw();
	refresh();
	if (tty.modes) {
		add(PASTE_ON);
		add(tty.mouse ? MOUSE_ON : "");
	}
}

void
tty_mouse(bool on)
{
	if (!tty.modes || tty.mouse == on)
		return;
	tty.mouse = on;
	add(on ? MOUSE_ON : MOUSE_OFF);
}

/* RFC 4648, 4; out has 4 bytes for every 3 begun and a NUL. */
static void
base64(const char *text, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)text;
	unsigned bits, i;
	size_t n;

	for (; len > 0; p += n, len -= n) {
		n = len < 3 ? len : 3;
		bits = (unsigned)p[0] << 16;
		bits |= n > 1 ? (unsigned)p[1] << 8 : 0;
		bits |= n > 2 ? p[2] : 0;
		for (i = 0; i < 4; i++, bits <<= 6)
			*out++ = i <= n ? digits[bits >> 18 & 63] : '=';
	}
	*out = '\0';
}

int
tty_copy(const char *text, size_t len, struct error *err)
{
	const char *term = getenv("TERM");
	char *code;

	if (!takes_strings())
		return error_set(err,
		    "A terminal of TERM=%s has no clipboard to write to",
		    term != NULL ? term : "");
	if ((code = malloc((len + 2) / 3 * 4 + 1)) == NULL)
		return error_set(err, "There is no memory to copy");
	base64(text, len, code);
	add("\033]52;c;");
	add(code);
	add("\a");
	free(code);
	return 0;
}

void
tty_bell(void)
{
	beep();
}
