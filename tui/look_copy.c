/* Text out of a pane: into the terminal's clipboard, and into files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/size.h"
#include "tui/record.h"
#include "tui/sink.h"
#include "tui/tty.h"
#include "tui/ui.h"

/* The selection's text, or NULL if there is no memory or it is too long. */
static char *
text_of(const struct looking *l, struct term_place from, struct term_place to,
    size_t *len)
{
	static char row[SELECT_ROW_BYTES];
	char *text = malloc(LOOK_COPY_MAX);
	uint64_t line;
	size_t n;

	*len = 0;
	for (line = from.line; text != NULL && line <= to.line; line++) {
		n = select_text(l->term, from, to, line, row);
		if (*len + n > LOOK_COPY_MAX) {
			free(text);
			return NULL;
		}
		memcpy(text + *len, row, n);
		*len += n;
	}
	return text;
}

int
look_copy(struct ui *ui, struct pane *p)
{
	struct looking *l = pane_looking(p);
	struct term_place from, to;
	struct error err;
	char *text, size[16];
	size_t len, i, lines = 1, chars = 0;

	if (!look_selection(l, &from, &to))
		return -1;
	if ((text = text_of(l, from, to, &len)) == NULL) {
		ui_error(ui,
		    "The selection is longer than the %s that go into a "
		    "clipboard; s saves it to a file.",
		    size_short(LOOK_COPY_MAX, size, sizeof size));
		return -1;
	}
	if (tty_copy(text, len, &err) == -1) {
		ui_error(ui, "%s; s saves it to a file.", err.text);
		free(text);
		return -1;
	}
	for (i = 0; i < len; i++) {
		lines += text[i] == '\n';
		chars += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	free(text);
	/* It cannot be seen from here whether a tmux between takes it. */
	ui_say(ui, "copied %zu character%s in %zu line%s%s", chars,
	    chars == 1 ? "" : "s", lines, lines == 1 ? "" : "s",
	    getenv("TMUX") != NULL ? " (tmux: with set-clipboard on)" : "");
	return 0;
}

/*
 * --- Files --------------------------------------------------------------
 */

static void
saved(const char *path, uint64_t bytes, const char *why, void *arg)
{
	struct ui *ui = arg;
	char size[16];

	if (why != NULL)
		ui_error(ui, "%s", why);
	else
		ui_say(ui, "saved %s to %s",
		    size_short(bytes, size, sizeof size), path);
	panes_settle(ui->panes);
}

static void
recorded(const char *path, uint64_t bytes, const char *why, void *arg)
{
	struct ui *ui = arg;

	if (why != NULL)
		ui_error(ui, "The recording ended: %s", why);
	else
		ui_say(ui, "recorded to %s; asciinema play shows it", path);
	panes_settle(ui->panes);
}

/* All that is selected, or all there is but for blank lines at the end. */
static void
extent(const struct looking *l, bool whole, struct term_place *from,
    struct term_place *to)
{
	uint64_t first = term_first(l->term);
	uint64_t line = term_top(l->term) + term_rows(l->term) - 1;

	if (!whole && look_selection(l, from, to))
		return;
	while (line > first && term_line_text(l->term, line, NULL, 0) == 0)
		line--;
	*from = (struct term_place){first, 0};
	*to = (struct term_place){line, term_cols(l->term) - 1};
}

static void overwrite(struct ui *ui, const char *name);

static void
begin_file(struct ui *ui, bool over)
{
	struct pane *p = pane_by_id(ui->panes, ui->looks.id);
	struct term_place from, to;
	struct error err;
	struct sink *sink;
	bool exists;

	if (p == NULL)
		return;
	sink = sink_open(ui->looks.sinks, ui->looks.path, over,
	    ui->looks.recording ? recorded : saved, ui, &exists, &err);
	if (sink == NULL && exists)
		prompt_ask(ui, pane_name(p), overwrite,
		    "%s exists: overwrite it?", ui->looks.path);
	else if (sink == NULL)
		ui_error(ui, "%s", err.text);
	else if (ui->looks.recording) {
		if (pane_record(p, sink) == -1)
			ui_error(ui, "No memory to record.");
		else
			ui_say(ui, "recording %s to %s; the same keys end it",
			    pane_name(p), ui->looks.path);
	} else {
		extent(pane_looking(p), ui->looks.whole, &from, &to);
		if (pane_save(p, from, to, sink) == -1)
			ui_error(ui, "No memory to save.");
		look_unselect(p);
	}
}

static void
overwrite(struct ui *ui, const char *name)
{
	begin_file(ui, true);
}

static void
path_given(struct ui *ui, const char *text)
{
	if (*text == '\0')
		return;
	snprintf(ui->looks.path, sizeof ui->looks.path, "%s", text);
	begin_file(ui, false);
}

/* Asks for a path, with "web1-20261122-134501.txt" to begin with. */
static void
ask_path(struct ui *ui, struct pane *p, const char *label, const char *ending)
{
	char name[MODEL_NAME_MAX + 64], when[32];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(when, sizeof when, "%Y%m%d-%H%M%S", &tm);
	snprintf(name, sizeof name, "%s-%s.%s", pane_name(p), when, ending);
	ui->looks.id = pane_id(p);
	prompt_read(ui, label, name, path_given);
}

void
look_ask_save(struct ui *ui, struct pane *p)
{
	char label[128];

	ui->looks.recording = false;
	ui->looks.whole = !pane_looking(p)->selecting;
	snprintf(label, sizeof label,
	    "save the %s of %s to: ", ui->looks.whole ? "history" : "selection",
	    pane_name(p));
	ask_path(ui, p, label, "txt");
}

void
look_record(struct ui *ui, struct pane *p)
{
	char label[128];

	if (pane_recording(p)) {
		pane_record(p, NULL);
		return;
	}
	ui->looks.recording = true;
	snprintf(label, sizeof label, "record %s to: ", pane_name(p));
	ask_path(ui, p, label, "cast");
}
