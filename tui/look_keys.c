#include <stdio.h>
#include <string.h>

#include "tui/sink.h"
#include "tui/ui.h"

int
look_begin(struct ui *ui)
{
	ui->looks.sinks = sinks_new(ui->base);
	return ui->looks.sinks != NULL ? 0 : -1;
}

void
look_end(struct ui *ui)
{
	sinks_free(ui->looks.sinks);
	ui->looks.sinks = NULL;
}

static struct looking *
looking(struct ui *ui)
{
	return pane_looking(ui->looks.pane);
}

/* Moves the cursor, which from now on wants to be in that column. */
static void
move(struct ui *ui, struct term_place to)
{
	look_move(ui->looks.pane, to);
	looking(ui)->want = looking(ui)->at.col;
}

/* Moves it by lines, in the column it wants where there is text. */
static void
move_lines(struct ui *ui, long n)
{
	struct looking *l = looking(ui);
	uint64_t first = term_first(l->term);
	uint64_t last = term_top(l->term) + term_rows(l->term) - 1;
	struct term_place to = l->at;
	unsigned col;

	if (n < 0)
		to.line = to.line - first > (uint64_t)-n
		    ? to.line - (uint64_t)-n
		    : first;
	else
		to.line =
		    last - to.line > (uint64_t)n ? to.line + (uint64_t)n : last;
	col = select_last_col(l->term, to.line);
	to.col = l->want < col ? l->want : col;
	look_move(ui->looks.pane, to);
}

static void
left(struct ui *ui)
{
	struct term_place to = looking(ui)->at;

	if (to.col > 0)
		to.col--;
	move(ui, to);
}

static void
right(struct ui *ui)
{
	struct looking *l = looking(ui);
	struct term_cell cells[TERM_MAX];
	struct term_place to = l->at;

	term_line(l->term, to.line, cells);
	to.col += cells[to.col].width == 2 ? 2 : 1;
	if (to.col <= select_last_col(l->term, to.line))
		move(ui, to);
}

static void
up(struct ui *ui)
{
	move_lines(ui, -1);
}

static void
down(struct ui *ui)
{
	move_lines(ui, 1);
}

static void
word_next(struct ui *ui)
{
	move(ui, select_word_next(looking(ui)->term, looking(ui)->at));
}

static void
word_back(struct ui *ui)
{
	move(ui, select_word_back(looking(ui)->term, looking(ui)->at));
}

static void
word_end(struct ui *ui)
{
	move(ui, select_word_end(looking(ui)->term, looking(ui)->at));
}

static void
line_start(struct ui *ui)
{
	struct looking *l = looking(ui);

	move(ui, (struct term_place){select_first_row(l->term, l->at.line), 0});
}

static void
line_text(struct ui *ui)
{
	struct looking *l = looking(ui);
	uint64_t line = select_first_row(l->term, l->at.line);

	move(ui, (struct term_place){line, select_first_col(l->term, line)});
}

static void
line_end(struct ui *ui)
{
	struct looking *l = looking(ui);
	uint64_t line = select_last_row(l->term, l->at.line);

	move(ui, (struct term_place){line, select_last_col(l->term, line)});
	looking(ui)->want = TERM_MAX;
}

static void
oldest(struct ui *ui)
{
	move(ui, (struct term_place){term_first(looking(ui)->term), 0});
}

static void
newest(struct ui *ui)
{
	const struct term *t = looking(ui)->term;

	move(ui, (struct term_place){term_top(t) + term_rows(t) - 1, 0});
}

/* A row of the view, 0 to 2 halves of it down. */
static void
view_row(struct ui *ui, unsigned halves)
{
	struct looking *l = looking(ui);
	uint64_t line = l->top + (term_rows(l->term) - 1) * halves / 2;

	move(ui, (struct term_place){line, select_first_col(l->term, line)});
}

static void
view_high(struct ui *ui)
{
	view_row(ui, 0);
}

static void
view_middle(struct ui *ui)
{
	view_row(ui, 1);
}

static void
view_low(struct ui *ui)
{
	view_row(ui, 2);
}

static long
rows_of(struct ui *ui)
{
	return (long)term_rows(looking(ui)->term);
}

static void
page_up(struct ui *ui)
{
	look_page(ui->looks.pane, rows_of(ui) > 1 ? rows_of(ui) - 1 : 1);
}

static void
page_down(struct ui *ui)
{
	look_page(ui->looks.pane, rows_of(ui) > 1 ? 1 - rows_of(ui) : -1);
}

static void
half_up(struct ui *ui)
{
	look_page(ui->looks.pane, rows_of(ui) / 2 + 1);
}

static void
half_down(struct ui *ui)
{
	look_page(ui->looks.pane, -(rows_of(ui) / 2 + 1));
}

static void
scroll_up(struct ui *ui)
{
	look_scroll(ui->looks.pane, 1);
}

static void
scroll_down(struct ui *ui)
{
	look_scroll(ui->looks.pane, -1);
}

/*
 * --- Search -------------------------------------------------------------
 */

static struct pane *
asked_about(struct ui *ui)
{
	return pane_by_id(ui->panes, ui->looks.id);
}

static void
search_typed(struct ui *ui, const char *text)
{
	struct pane *p = asked_about(ui);

	if (p != NULL && look_on(p))
		look_search(p, text, ui->looks.forward);
}

static void
search_cancelled(struct ui *ui)
{
	struct pane *p = asked_about(ui);

	if (p == NULL || !look_on(p))
		return;
	look_search_cancel(p);
	if (ui->looks.opened)
		look_close(p);
}

void
look_ask(struct ui *ui, struct pane *p, bool forward)
{
	ui->looks.id = pane_id(p);
	ui->looks.opened = !look_on(p);
	ui->looks.forward = forward;
	look_open(p, false);
	look_origin(p);
	prompt_typed(ui,
	    forward ? "search forward: " : "search back: ", search_typed, NULL,
	    search_cancelled);
}

static void
search_forward(struct ui *ui)
{
	look_ask(ui, ui->looks.pane, true);
}

static void
search_back(struct ui *ui)
{
	look_ask(ui, ui->looks.pane, false);
}

static const char *
next_refuse(struct ui *ui)
{
	return looking(ui)->find == NULL ? "There is no search; / begins one."
					 : NULL;
}

static void
next_match(struct ui *ui)
{
	look_next(ui->looks.pane, false);
}

static void
match_before(struct ui *ui)
{
	look_next(ui->looks.pane, true);
}

/*
 * --- Selection ----------------------------------------------------------
 */

static void
select_unit(struct ui *ui, enum look_unit unit)
{
	struct looking *l = looking(ui);

	if (l->selecting && l->unit == unit)
		look_unselect(ui->looks.pane);
	else
		look_select(ui->looks.pane, unit);
}

static void
select_chars(struct ui *ui)
{
	select_unit(ui, LOOK_CHARS);
}

static void
select_lines(struct ui *ui)
{
	select_unit(ui, LOOK_LINES);
}

static void
other_end(struct ui *ui)
{
	struct looking *l = looking(ui);
	struct term_place at = l->at;

	if (!l->selecting)
		return;
	l->at = l->from;
	l->from = at;
	move(ui, l->at);
}

static const char *
selection_refuse(struct ui *ui)
{
	return looking(ui)->selecting
	    ? NULL
	    : "Nothing is selected; v begins a selection, V one of lines.";
}

static void
copy(struct ui *ui)
{
	if (look_copy(ui, ui->looks.pane) == 0)
		look_unselect(ui->looks.pane);
}

static void
copy_and_leave(struct ui *ui)
{
	if (look_copy(ui, ui->looks.pane) == 0)
		look_close(ui->looks.pane);
}

static void
save(struct ui *ui)
{
	look_ask_save(ui, ui->looks.pane);
}

static void
record(struct ui *ui)
{
	look_record(ui, ui->looks.pane);
}

static void
leave(struct ui *ui)
{
	look_close(ui->looks.pane);
}

/* Escape goes one step back at a time. */
static void
escape(struct ui *ui)
{
	if (looking(ui)->selecting)
		look_unselect(ui->looks.pane);
	else
		leave(ui);
}

const struct binding look_bindings[] = {
    {{K_ESCAPE, 0}, {0, 0}, "present",
	"drop the selection; then back to the present", NULL, escape},
    {{'q', 0}, {'c', TERM_CTRL}, NULL, "back to the present", NULL, leave,
	"leave"},
    {{'y', 0}, {0, 0}, "copy", "copy the selection to the clipboard",
	selection_refuse, copy},
    {{K_ENTER, 0}, {0, 0}, NULL, "the same, and back to the present",
	selection_refuse, copy_and_leave, "copy-and-leave"},
    {{'/', 0}, {0, 0}, "search",
	"search forward; capitals only if the pattern has some", NULL,
	search_forward},
    {{'?', 0}, {0, 0}, NULL, "search back", NULL, search_back, "search-back"},
    {{'n', 0}, {0, 0}, "next", "the next match", next_refuse, next_match},
    {{'N', 0}, {0, 0}, "before", "the match before", next_refuse, match_before},
    {{'v', 0}, {' ', 0}, "select", "select characters, or no more", NULL,
	select_chars},
    {{'V', 0}, {0, 0}, "lines", "select lines, or no more", NULL, select_lines},
    {{'o', 0}, {0, 0}, NULL, "go to the selection's other end",
	selection_refuse, other_end, "other-end"},
    {{'s', 0}, {0, 0}, "save",
	"save the selection, or the whole history, to a file", NULL, save},
    {{'R', 0}, {0, 0}, NULL, "record the console, or end that", NULL, record,
	"record"},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, "older", "a page back", NULL, page_up,
	"older"},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, "newer", "a page forth", NULL,
	page_down, "newer"},
    {{K_PAGE_UP, TERM_SHIFT}, {0, 0}, NULL, NULL, NULL, page_up, "older"},
    {{K_PAGE_DOWN, TERM_SHIFT}, {0, 0}, NULL, NULL, NULL, page_down, "newer"},
    {{'u', TERM_CTRL}, {0, 0}, NULL, "half a page back", NULL, half_up,
	"half-up"},
    {{'d', TERM_CTRL}, {0, 0}, NULL, "half a page forth", NULL, half_down,
	"half-down"},
    {{'y', TERM_CTRL}, {K_UP, TERM_CTRL}, NULL, "a line back", NULL, scroll_up,
	"line-back"},
    {{'e', TERM_CTRL}, {K_DOWN, TERM_CTRL}, NULL, "a line forth", NULL,
	scroll_down, "line-forth"},
    {{'g', 0}, {K_HOME, 0}, "oldest", "the oldest line there is", NULL, oldest},
    {{'G', 0}, {K_END, 0}, NULL, "the newest line", NULL, newest, "newest"},
    {{'h', 0}, {K_LEFT, 0}, NULL, "left", NULL, left, "left"},
    {{'j', 0}, {K_DOWN, 0}, NULL, "down", NULL, down, "down"},
    {{'k', 0}, {K_UP, 0}, NULL, "up", NULL, up, "up"},
    {{'l', 0}, {K_RIGHT, 0}, NULL, "right", NULL, right, "right"},
    {{'w', 0}, {0, 0}, NULL, "the next word", NULL, word_next, "word-next"},
    {{'b', 0}, {0, 0}, NULL, "the word before", NULL, word_back, "word-back"},
    {{'e', 0}, {0, 0}, NULL, "the word's end", NULL, word_end, "word-end"},
    {{'0', 0}, {0, 0}, NULL, "the line's start", NULL, line_start,
	"line-start"},
    {{'^', 0}, {0, 0}, NULL, "the line's first word", NULL, line_text,
	"line-text"},
    {{'$', 0}, {0, 0}, NULL, "the line's end", NULL, line_end, "line-end"},
    {{'H', 0}, {0, 0}, NULL, "the view's first row", NULL, view_high,
	"view-high"},
    {{'M', 0}, {0, 0}, NULL, "the view's middle", NULL, view_middle,
	"view-middle"},
    {{'L', 0}, {0, 0}, NULL, "the view's last row", NULL, view_low, "view-low"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

const struct binding *
look_table(struct ui *ui, struct pane *p)
{
	ui->looks.pane = p;
	return look_bindings;
}

void
look_key(struct ui *ui, struct pane *p, struct key key)
{
	const char *why;
	char name[32];

	look_settle(p);
	if (!keys_run(look_table(ui, p), key, ui, &why))
		ui_say(ui,
		    "%s does nothing while one looks back; esc returns to "
		    "the present.",
		    key_name(key, name, sizeof name));
	else if (why != NULL)
		ui_say(ui, "%s", why);
	ui_dirty(ui, DIRTY_BOTTOM);
}
