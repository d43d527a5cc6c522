#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/clock.h"
#include "tui/actions.h"
#include "tui/around.h"
#include "tui/everywhere.h"
#include "tui/layouts.h"
#include "tui/screen.h"
#include "tui/settings.h"
#include "tui/text.h"
#include "tui/tty.h"
#include "tui/ui.h"

#define FRAME_MS 16 /* at least between two frames */
#define BELL_MS  250 /* a guest that rings all the time rings this often */
#define SIGNALS  5

struct screen {
	struct ui ui;
	struct input *input;
	struct event *read, *escape;
	struct event *signal[SIGNALS];
	char why[512]; /* it ends, that is; "" if a person said so */
};

/*
 * --- Frames -----------------------------------------------------------
 */

static void
frame_in(struct ui *ui, int64_t ms)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000 * 1000)};

	if (!evtimer_pending(ui->frame, NULL))
		evtimer_add(ui->frame, &tv);
}

void
ui_dirty(struct ui *ui, unsigned what)
{
	int64_t due = ui->drawn + FRAME_MS - clock_ms();

	ui->dirty |= what;
	frame_in(ui, due > 0 ? due : 0);
}

/* Not even a list fits: the one sentence that matters. */
static void
draw_small(struct ui *ui)
{
	const struct rect *r = &ui->layout.screen;
	char text[128];
	const char *line;
	size_t len;
	int y;

	snprintf(text, sizeof text,
	    "vmtui needs %dx%d, this terminal has %dx%d: enlarge it.",
	    LAYOUT_MIN_COLS, LAYOUT_MIN_ROWS, r->w, r->h);
	draw_clear(r);
	for (y = 0; y < r->h; y++) {
		if ((line = text_wrapped(text, r->w, y, &len)) == NULL)
			break;
		draw_textf(r, y, 0, STYLE_PLAIN, "%.*s", (int)len, line);
	}
	draw_cursor(0, 0, false);
}

static void
draw(struct ui *ui)
{
	bool all = ui->dirty == DIRTY_ALL;

	if (ui->layout.small) {
		draw_small(ui);
		return;
	}
	if (all)
		draw_clear(&ui->layout.screen);
	if (ui->dirty & DIRTY_TOP)
		top_draw(ui);
	if (ui->dirty & (DIRTY_BODY | DIRTY_CONSOLE))
		ui->view->draw(ui, ui->dirty);
	if (ui->form.open && (ui->dirty & (DIRTY_BODY | DIRTY_CONSOLE)))
		form_draw(ui);
	if (ui->sheet.open && (ui->dirty & (DIRTY_BODY | DIRTY_CONSOLE)))
		sheet_draw(ui);
	/* Over all else, and a prompt has the cursor. */
	bottom_draw(ui, everywhere_bindings);
}

static void
frame(int fd, short what, void *arg)
{
	struct ui *ui = arg;

	if (ui->editor != NULL)
		return;
	/* Not before the last one is out; then the newest, not all between. */
	if (!tty_push()) {
		event_add(ui->writable, NULL);
		return;
	}
	draw(ui);
	if (draw_spilled() && ui->dirty != DIRTY_ALL) {
		ui->dirty = DIRTY_ALL;
		draw(ui);
	}
	ui->dirty = 0;
	draw_flush();
	window_draw(ui);
	ui->drawn = clock_ms();
	if (!tty_push())
		event_add(ui->writable, NULL);
}

/* The terminal takes more. */
static void
writable(int fd, short what, void *arg)
{
	struct ui *ui = arg;

	if (ui->editor != NULL)
		return;
	if (!tty_push())
		event_add(ui->writable, NULL);
	else if (ui->dirty != 0)
		frame_in(ui, 0);
}

/*
 * --- What the rest of the screen asks for ------------------------------
 */

struct guest *
ui_guest(const struct ui *ui)
{
	return ui->view->guest(ui);
}

void
ui_layout(struct ui *ui)
{
	int rows, cols, names = 0, n;
	size_t i;

	tty_resize(&rows, &cols);
	for (i = 0; i < ui->model->guests; i++)
		if ((n = text_width(ui->model->guest[i]->name)) > names)
			names = n;
	layout_compute(&ui->layout, rows, cols, names,
	    ui->console.focus || ui->consoles.on);
	if (!ui->layout.small)
		ui->view->update(ui);
}

static void
say(struct ui *ui, bool error, const char *fmt, va_list ap)
{
	message_set(&ui->message, error, fmt, ap);
	if (error)
		logs_note(ui, ui->message.text);
	/* The new one may cover fewer lines than the last one. */
	ui_dirty(ui, DIRTY_ALL);
}

void
ui_say(struct ui *ui, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ui, false, fmt, ap);
	va_end(ap);
}

void
ui_error(struct ui *ui, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ui, true, fmt, ap);
	va_end(ap);
}

void
ui_turn(struct ui *ui, const struct view *view)
{
	if (view != ui->view) {
		if (ui->view->turned != NULL)
			ui->view->turned(ui, false);
		ui->view = view;
		if (view->turned != NULL)
			view->turned(ui, true);
	}
	ui_layout(ui);
	ui_dirty(ui, DIRTY_ALL);
}

void
ui_away(struct ui *ui, bool away)
{
	/* The ui is the first member. */
	struct screen *s = (struct screen *)ui;

	if (away)
		event_del(s->read);
	else
		event_add(s->read, NULL);
}

void
ui_quit(struct ui *ui)
{
	event_base_loopbreak(ui->base);
}

void
ui_redraw(struct ui *ui)
{
	draw_forget();
	ui_layout(ui);
	ui_dirty(ui, DIRTY_ALL);
}

void
ui_suspend(struct ui *ui)
{
	tty_suspend();
	ui_redraw(ui);
}

static void
pressed(struct key key, void *arg)
{
	everywhere_key(&((struct screen *)arg)->ui, key);
}

static void
moused(const struct mouse *mouse, void *arg)
{
	everywhere_mouse(&((struct screen *)arg)->ui, mouse);
}

static void
pasted(const char *text, size_t len, void *arg)
{
	everywhere_paste(&((struct screen *)arg)->ui, text, len);
}

static void
readable(int fd, short what, void *arg)
{
	struct screen *s = arg;
	struct timeval tv;
	char buf[4096];
	unsigned wait;
	ssize_t n;

	n = read(fd, buf, sizeof buf);
	if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN)) {
		/* The terminal is gone. */
		ui_quit(&s->ui);
		return;
	}
	if (n < 0)
		return;
	input_feed(s->input, buf, (size_t)n);
	evtimer_del(s->escape);
	if ((wait = input_wait(s->input)) > 0) {
		tv.tv_sec = wait / 1000;
		tv.tv_usec = (suseconds_t)(wait % 1000 * 1000);
		evtimer_add(s->escape, &tv);
	}
}

static void
escape_ends(int fd, short what, void *arg)
{
	input_timeout(((struct screen *)arg)->input);
}

/*
 * --- News --------------------------------------------------------------
 */

/* The first mistake of a configuration is said once, without asking. */
static void
complain(struct ui *ui)
{
	const struct model *m = ui->model;
	const char *first = m->mistakes > 0 ? m->mistake[0] : "";

	if (strncmp(ui->complained, first, sizeof ui->complained - 1) == 0)
		return;
	snprintf(ui->complained, sizeof ui->complained, "%s", first);
	if (m->mistakes > 1)
		ui_error(ui, "%s  (and %zu more: m)", first, m->mistakes - 1);
	else if (m->mistakes == 1)
		ui_error(ui, "%s", first);
}

/* Only what moves every second: the cheap case, and the common one. */
static void
changed(bool figures, void *arg)
{
	struct ui *ui = &((struct screen *)arg)->ui;

	panes_update(ui->panes, ui->model);
	if (!figures) {
		ui_layout(ui);
		complain(ui);
	}
	ui_dirty(ui, figures ? DIRTY_TOP | DIRTY_BODY : DIRTY_ALL);
}

static void
configured(void *arg)
{
	settings_reload(&((struct screen *)arg)->ui);
}

static void
told(bool error, const char *text, void *arg)
{
	struct ui *ui = &((struct screen *)arg)->ui;

	if (error)
		ui_error(ui, "%s", text);
	else
		ui_say(ui, "%s", text);
}

static void
waits(void *arg)
{
	waiting_changed(&((struct screen *)arg)->ui);
}

static void
failed(const char *why, void *arg)
{
	struct screen *s = arg;

	snprintf(s->why, sizeof s->why, "%s", why);
	event_base_loopbreak(s->ui.base);
}

/* A pane that is not looked at is painted when it is. */
static void
pane_text(struct pane *p, void *arg)
{
	struct ui *ui = &((struct screen *)arg)->ui;

	if (!tiles_text(ui, p) && p == console_pane(ui))
		ui_dirty(ui, DIRTY_CONSOLE);
}

static void
pane_state(struct pane *p, void *arg)
{
	struct ui *ui = &((struct screen *)arg)->ui;

	if (!tiles_state(ui, p) && p == console_pane(ui)) {
		ui_dirty(ui, DIRTY_CONSOLE | DIRTY_BODY | DIRTY_BOTTOM);
		size_follow(ui);
	}
}

static void
pane_clipboard(struct pane *p, const char *text, size_t len, void *arg)
{
	window_clipboard(&((struct screen *)arg)->ui, p, text, len);
}

/* Only the guest one types into may make a noise. */
static void
pane_bell(struct pane *p, void *arg)
{
	struct ui *ui = &((struct screen *)arg)->ui;
	bool beep;

	if (!tiles_bell(ui, p, &beep))
		beep = p == console_pane(ui) && ui->console.focus;
	if (!beep || clock_ms() < ui->rang + BELL_MS)
		return;
	ui->rang = clock_ms();
	tty_bell();
	ui_dirty(ui, DIRTY_CONSOLE);
}

static void
pane_error(const char *text, void *arg)
{
	told(true, text, arg);
}

static void
on_signal(int sig, short what, void *arg)
{
	struct ui *ui = &((struct screen *)arg)->ui;

	switch (sig) {
	case SIGWINCH:
		ui_layout(ui);
		ui_dirty(ui, DIRTY_ALL);
		break;
	case SIGCONT:
		if (ui->editor != NULL)
			break;
		tty_resume();
		ui_redraw(ui);
		break;
	default:
		ui_quit(ui);
	}
}

/*
 * --- Beginning and end --------------------------------------------------
 */

static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		return NULL;
	/* A console at a time, then look whether a key waits. */
	event_config_set_max_dispatch_interval(
	    config, NULL, 1, PRIORITY_CONSOLE);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base != NULL)
		event_base_priority_init(base, PRIORITIES);
	return base;
}

static int
begin_events(struct screen *s)
{
	static const int sigs[SIGNALS] = {
	    SIGWINCH, SIGCONT, SIGTERM, SIGHUP, SIGINT};
	struct ui *ui = &s->ui;
	int i;

	s->read = event_new(
	    ui->base, STDIN_FILENO, EV_READ | EV_PERSIST, readable, s);
	s->escape = evtimer_new(ui->base, escape_ends, s);
	ui->frame = evtimer_new(ui->base, frame, ui);
	if (s->read == NULL || s->escape == NULL || ui->frame == NULL ||
	    console_begin(ui) == -1 || look_begin(ui) == -1 ||
	    size_begin(ui) == -1 || window_begin(ui) == -1 ||
	    tiles_begin(ui) == -1 || waiting_begin(ui) == -1)
		return -1;
	event_priority_set(s->read, PRIORITY_KEYS);
	event_priority_set(s->escape, PRIORITY_KEYS);
	event_priority_set(ui->frame, PRIORITY_FRAME);
	event_add(s->read, NULL);
	for (i = 0; i < SIGNALS; i++) {
		s->signal[i] = evsignal_new(ui->base, sigs[i], on_signal, s);
		if (s->signal[i] == NULL)
			return -1;
		event_priority_set(s->signal[i], PRIORITY_KEYS);
		event_add(s->signal[i], NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int
begin(struct screen *s, const struct screen_options *options, struct error *err)
{
	static const struct wire_ops wire_ops = {.changed = changed,
	    .configured = configured,
	    .say = told,
	    .waits = waits,
	    .failed = failed};
	static const struct panes_ops panes_ops = {.text = pane_text,
	    .state = pane_state,
	    .bell = pane_bell,
	    .clipboard = pane_clipboard,
	    .error = pane_error};
	static const struct input_ops input_ops = {
	    .key = pressed, .mouse = moused, .paste = pasted};
	struct ui *ui = &s->ui;

	if (tty_check(err) == -1)
		return -1;
	ui->view = views[0];
	LIST_INIT(&ui->tasks);
	ui->base = new_base();
	ui->model = model_new();
	s->input = input_new(&input_ops, s);
	if (ui->base == NULL || ui->model == NULL || s->input == NULL ||
	    begin_events(s) == -1)
		return error_set(err, "no memory for the screen");
	if ((ui->works = works_new(ui->base)) == NULL)
		return error_set(err, "no memory for the screen");
	/* Before the terminal is taken: its failure is to be read. */
	ui->wire = wire_new(
	    ui->base, options->config, ui->model, ui->works, &wire_ops, s, err);
	if (ui->wire == NULL)
		return -1;
	waits(s);
	ui->panes =
	    panes_new(ui->base, PRIORITY_CONSOLE, ui->wire, &panes_ops, s);
	if (ui->panes == NULL)
		return error_set(err, "no memory for the screen");
	ui->config = options->config;
	commands_begin(ui);
	if (tty_open(err) == -1)
		return -1;
	ui->writable = event_new(ui->base, tty_fd(), EV_WRITE, writable, ui);
	if (ui->writable == NULL)
		return error_set(err, "no memory for the screen");
	event_priority_set(ui->writable, PRIORITY_FRAME);
	ui_layout(ui);
	layouts_begin(ui);
	settings_load(ui);
	ui_dirty(ui, DIRTY_ALL);
	return 0;
}

static void
end(struct screen *s)
{
	struct ui *ui = &s->ui;
	int i;

	if (ui->writable != NULL)
		event_free(ui->writable);
	editor_end(ui);
	tty_close();
	/* While all is there that an answer may be for. */
	if (ui->wire != NULL)
		wire_hang_up(ui->wire);
	works_free(ui->works);
	commands_end(ui);
	form_end(ui);
	raw_end_view(ui);
	log_end(ui);
	tasks_end(ui);
	images_free(&ui->images);
	images_clear(&ui->images_view);
	switches_end(ui);
	if (ui->panes != NULL)
		layouts_end(ui);
	tiles_end(ui);
	panes_free(ui->panes);
	wire_free(ui->wire);
	if (ui->sheet.open)
		sheet_close(ui);
	guests_clear(&ui->guests);
	input_free(s->input);
	model_free(ui->model);
	console_end(ui);
	size_end(ui);
	window_end(ui);
	look_end(ui);
	waiting_end(ui);
	for (i = 0; i < SIGNALS; i++)
		if (s->signal[i] != NULL)
			event_free(s->signal[i]);
	if (s->read != NULL)
		event_free(s->read);
	if (s->escape != NULL)
		event_free(s->escape);
	if (ui->frame != NULL)
		event_free(ui->frame);
	if (ui->base != NULL)
		event_base_free(ui->base);
	free(s);
}

int
screen_main(const struct screen_options *options)
{
	struct screen *s;
	struct error err;
	int status = 0;

	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	if ((s = calloc(1, sizeof *s)) == NULL)
		return 1;
	if (begin(s, options, &err) == -1) {
		tty_close();
		fprintf(stderr, "vmtui: %s\n", err.text);
		status = 1;
	} else
		event_base_dispatch(s->ui.base);
	if (s->why[0] != '\0') {
		tty_close();
		fprintf(stderr, "vmtui: %s\n", s->why);
		status = 1;
	}
	end(s);
	return status;
}
