#include <stdio.h>
#include <string.h>

#include "tui/actions.h"
#include "tui/consoles_keys.h"
#include "tui/ui.h"

/* What a resize key moves a border by. */
#define STEP_COLS 4
#define STEP_ROWS 2

static const char none[] = "No pane is open.";
static const char alone[] = "There is only one pane.";

static const char *
need_one(struct ui *ui)
{
	return ui->consoles.focus == NULL ? none : NULL;
}

static const char *
need_two(struct ui *ui)
{
	const struct tree_node *root = ui->consoles.tree.root;

	return root == NULL ? none : root->kind == TREE_LEAF ? alone : NULL;
}

static struct tree_node *
focused(struct ui *ui)
{
	return tiles_node(&ui->consoles, ui->consoles.focus);
}

/*
 * --- Opening and closing -------------------------------------------------
 */

static void
add_picked(struct ui *ui, const char *name)
{
	tiles_add(ui, name, ui->consoles.side);
}

/* Asks which guest the new pane is for. */
static void
ask_guest(struct ui *ui, enum tree_side side)
{
	struct consoles *c = &ui->consoles;
	const struct model *m = ui->model;
	size_t i;

	c->side = side;
	pick_open(&c->pick, "a pane for", add_picked, NULL);
	for (i = 0; i < m->guests; i++)
		pick_add(&c->pick, m->guest[i]->name,
		    guest_state_word(guest_shown(m->guest[i])));
	ui_dirty(ui, DIRTY_ALL);
}

static const char *
split_refuse(struct ui *ui, enum tree_side side)
{
	static char why[160];
	const struct consoles *c = &ui->consoles;

	if (ui->model->guests == 0)
		return "There is no guest to open a pane for.";
	if (c->focus == NULL || tree_splits(tiles_node(c, c->focus), side))
		return NULL;
	snprintf(why, sizeof why,
	    "The pane of %s is too small to be split: each half needs %d "
	    "%s.",
	    c->focus->name, side == TREE_RIGHT ? TREE_MIN_COLS : TREE_MIN_ROWS,
	    side == TREE_RIGHT ? "columns" : "lines");
	return why;
}

static const char *
beside_refuse(struct ui *ui)
{
	return split_refuse(ui, TREE_RIGHT);
}

static const char *
below_refuse(struct ui *ui)
{
	return split_refuse(ui, TREE_DOWN);
}

static const char *
add_refuse(struct ui *ui)
{
	return split_refuse(ui, tiles_roomy(&ui->consoles));
}

static void
split_beside(struct ui *ui)
{
	ask_guest(ui, TREE_RIGHT);
}

static void
split_below(struct ui *ui)
{
	ask_guest(ui, TREE_DOWN);
}

static void
add(struct ui *ui)
{
	ask_guest(ui, tiles_roomy(&ui->consoles));
}

static void
close_pane(struct ui *ui)
{
	tiles_close(ui, ui->consoles.focus);
}

static void
zoom(struct ui *ui)
{
	tiles_zoom(ui, !ui->consoles.zoom);
}

/*
 * --- Focus ---------------------------------------------------------------
 */

static void
go(struct ui *ui, enum tree_side side)
{
	struct consoles *c = &ui->consoles;
	struct tree_node *to = tree_beside(&c->tree, focused(ui), side);

	if (to == NULL)
		ui_say(ui, "There is no pane on that side.");
	else
		tiles_focus(ui, to->leaf);
}

static void
go_left(struct ui *ui)
{
	go(ui, TREE_LEFT);
}

static void
go_right(struct ui *ui)
{
	go(ui, TREE_RIGHT);
}

static void
go_up(struct ui *ui)
{
	go(ui, TREE_UP);
}

static void
go_down(struct ui *ui)
{
	go(ui, TREE_DOWN);
}

static void
go_number(struct ui *ui)
{
	unsigned n = ui->consoles.key.code - '0';
	struct tile *t = tiles_nth(&ui->consoles, n - 1);

	if (t == NULL)
		ui_say(ui, "There is no pane %u.", n);
	else
		tiles_focus(ui, t);
}

/* The tile n places on in reading order. */
static struct tile *
onward(struct ui *ui, unsigned by)
{
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(&ui->consoles, tile);

	for (i = 0; i < n && tile[i] != ui->consoles.focus; i++)
		continue;
	return tile[(i + (by % n)) % n];
}

static void
next(struct ui *ui)
{
	tiles_focus(ui, onward(ui, 1));
}

static void
previous(struct ui *ui)
{
	struct tile *tile[TREE_MAX];

	tiles_focus(ui, onward(ui, tiles_all(&ui->consoles, tile) - 1));
}

static const char *
last_refuse(struct ui *ui)
{
	return ui->consoles.last == NULL ? "There is no pane to go back to."
					 : NULL;
}

static void
last(struct ui *ui)
{
	tiles_focus(ui, ui->consoles.last);
}

/* The next tile in which something happened, or NULL. */
static struct tile *
with_news(struct ui *ui)
{
	struct tile *tile[TREE_MAX], *t;
	unsigned i, n = tiles_all(&ui->consoles, tile);

	for (i = 1; i < n; i++) {
		t = onward(ui, i);
		if (t->rang || t->printed)
			return t;
	}
	return NULL;
}

static const char *
news_refuse(struct ui *ui)
{
	return with_news(ui) == NULL ? "Nothing happened in another pane."
				     : NULL;
}

static void
news(struct ui *ui)
{
	tiles_focus(ui, with_news(ui));
}

/*
 * --- Sizes and places ------------------------------------------------------
 */

static void
resize(struct ui *ui, enum tree_side side, int by)
{
	struct consoles *c = &ui->consoles;
	struct timeval tv = {0, 600 * 1000};

	c->zoom = false;
	if (tree_resize(focused(ui), side, by))
		tiles_changed(ui);
	c->prefix = PREFIX_REPEATS;
	evtimer_add(c->timer, &tv);
	ui_dirty(ui, DIRTY_ALL);
}

static void
resize_left(struct ui *ui)
{
	resize(ui, TREE_LEFT, STEP_COLS);
}

static void
resize_right(struct ui *ui)
{
	resize(ui, TREE_RIGHT, STEP_COLS);
}

static void
resize_up(struct ui *ui)
{
	resize(ui, TREE_UP, STEP_ROWS);
}

static void
resize_down(struct ui *ui)
{
	resize(ui, TREE_DOWN, STEP_ROWS);
}

static void
move(struct ui *ui, enum tree_side side)
{
	struct consoles *c = &ui->consoles;

	if (tree_move(&c->tree, focused(ui), side) == NULL)
		ui_error(ui, "There is no memory to move the pane.");
	c->zoom = false;
	tiles_changed(ui);
}

static void
move_left(struct ui *ui)
{
	move(ui, TREE_LEFT);
}

static void
move_right(struct ui *ui)
{
	move(ui, TREE_RIGHT);
}

static void
move_up(struct ui *ui)
{
	move(ui, TREE_UP);
}

static void
move_down(struct ui *ui)
{
	move(ui, TREE_DOWN);
}

static void
swap_with(struct ui *ui, struct tile *other)
{
	struct consoles *c = &ui->consoles;

	tree_swap(focused(ui), tiles_node(c, other));
	tiles_changed(ui);
}

static void
swap_next(struct ui *ui)
{
	swap_with(ui, onward(ui, 1));
}

static void
swap_previous(struct ui *ui)
{
	struct tile *tile[TREE_MAX];

	swap_with(ui, onward(ui, tiles_all(&ui->consoles, tile) - 1));
}

static void
rotate(struct ui *ui)
{
	tree_rotate(&ui->consoles.tree);
	tiles_changed(ui);
}

static void
even_out(struct ui *ui)
{
	tree_even(&ui->consoles.tree);
	tiles_changed(ui);
}

/*
 * --- Typing -------------------------------------------------------------------
 */

/* All, or none if any is marked. */
static void
broadcast(struct ui *ui)
{
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(&ui->consoles, tile);
	bool any = false;

	for (i = 0; i < n; i++)
		any = any || tile[i]->marked;
	for (i = 0; i < n; i++)
		tile[i]->marked = !any;
	ui_dirty(ui, DIRTY_ALL);
}

static void
mark(struct ui *ui)
{
	ui->consoles.focus->marked = !ui->consoles.focus->marked;
	ui_dirty(ui, DIRTY_ALL);
}

static const char *
send_refuse(struct ui *ui)
{
	return ui->consoles.focus == NULL ? none : NULL;
}

static void
send_prefix(struct ui *ui)
{
	tiles_type(ui, keys_prefix());
}

static void
other_port(struct ui *ui)
{
	tiles_turn_port(ui, ui->consoles.focus);
}

static void
type_size(struct ui *ui)
{
	size_type(ui, ui->consoles.focus->pane);
}

static const char *
need_text(struct ui *ui)
{
	const struct tile *t = ui->consoles.focus;

	return t == NULL                             ? none
	    : t->pane == NULL || !pane_used(t->pane) ? "It printed nothing yet."
						     : NULL;
}

static void
page_back(struct ui *ui)
{
	struct tile *t = ui->consoles.focus;

	look_page(t->pane, t->body.h > 1 ? t->body.h - 1 : 1);
}

static void
look_back(struct ui *ui)
{
	look_open(ui->consoles.focus->pane, false);
}

static void
search(struct ui *ui)
{
	look_ask(ui, ui->consoles.focus->pane, false);
}

static void
save_text(struct ui *ui)
{
	look_ask_save(ui, ui->consoles.focus->pane);
}

static void
record(struct ui *ui)
{
	look_record(ui, ui->consoles.focus->pane);
}

static void
to_list(struct ui *ui)
{
	struct guest *g = ui_guest(ui);

	ui_turn(ui, views[0]);
	if (g != NULL)
		guests_select(ui, g->name);
}

const struct binding consoles_commands[] = {
    {{K_LEFT, 0}, {'h', 0}, "go left", "the pane on the left", need_two,
	go_left},
    {{K_DOWN, 0}, {'j', 0}, "go down", "the pane below", need_two, go_down},
    {{K_UP, 0}, {'k', 0}, "go up", "the pane above", need_two, go_up},
    {{K_RIGHT, 0}, {'l', 0}, "go right", "the pane on the right", need_two,
	go_right},
    {{'|', 0}, {'%', 0}, "split |", "a pane on the right half of this one",
	beside_refuse, split_beside, "split-right"},
    {{'-', 0}, {'"', 0}, "split -", "a pane on the lower half of this one",
	below_refuse, split_below, "split-below"},
    {{'a', 0}, {0, 0}, "add", "a pane where there is more room", add_refuse,
	add},
    {{'t', 0}, {0, 0}, "all running", "a pane for each guest that runs", NULL,
	tiles_open_running},
    {{'x', 0}, {0, 0}, "close", "close this pane; its guest runs on", need_one,
	close_pane},
    {{'z', 0}, {0, 0}, "zoom", "this pane alone, or all of them again",
	need_two, zoom},
    {{'g', 0}, {'d', 0}, "guests", "to the list of guests", NULL, to_list},
    {{'b', 0}, {0, 0}, "type to all", "typing goes to all panes, or to one",
	need_two, broadcast},
    {{'B', 0}, {0, 0}, "type here too", "typing goes to this pane always",
	need_two, mark},
    ACTION_BINDINGS,
    {{K_PAGE_UP, 0}, {0, 0}, "page back", "look back by a page", need_text,
	page_back},
    {{'[', 0}, {0, 0}, "look back", "look back, select, copy", need_text,
	look_back},
    {{'/', 0}, {0, 0}, "search", "search back in what it printed", need_text,
	search},
    {{'f', 0}, {0, 0}, "to a file", "save all that it printed to a file",
	need_text, save_text},
    {{'R', 0}, {0, 0}, "record", "record the console, or end that", need_text,
	record},
    {{'c', 0}, {0, 0}, "other console", "the guest's ttyS0, ttyS1 or hvc0",
	need_one, other_port},
    {{'y', 0}, {0, 0}, "stty", "type the pane's size into a serial line",
	need_one, type_size},
    {{' ', 0}, {0, 0}, "next layout", "one, columns, rows, grid, main and side",
	need_two, consoles_next_shape},
    {{'e', 0}, {0, 0}, "layouts", "choose a layout, ready-made or saved", NULL,
	consoles_choose_layout},
    {{'w', 0}, {0, 0}, "save layout", "save the layout under a name", need_one,
	consoles_save_layout},
    {{'=', 0}, {0, 0}, "even out", "the same room for all", need_two, even_out},
    {{K_LEFT, TERM_CTRL}, {'<', 0}, "border left", "move its border left",
	need_two, resize_left, "border-left"},
    {{K_RIGHT, TERM_CTRL}, {'>', 0}, "border right", "move its border right",
	need_two, resize_right, "border-right"},
    {{K_UP, TERM_CTRL}, {'_', 0}, "border up", "move its border up", need_two,
	resize_up, "border-up"},
    {{K_DOWN, TERM_CTRL}, {'+', 0}, "border down", "move its border down",
	need_two, resize_down, "border-down"},
    {{K_LEFT, TERM_SHIFT}, {'H', 0}, "move left", "move it to the left edge",
	need_two, move_left},
    {{K_DOWN, TERM_SHIFT}, {'J', 0}, "move down", "move it to the lower edge",
	need_two, move_down},
    {{K_UP, TERM_SHIFT}, {'K', 0}, "move up", "move it to the upper edge",
	need_two, move_up},
    {{K_RIGHT, TERM_SHIFT}, {'L', 0}, "move right", "move it to the right edge",
	need_two, move_right},
    {{'}', 0}, {0, 0}, "swap next", "change places with the next pane",
	need_two, swap_next},
    {{'{', 0}, {0, 0}, "swap previous", "change places with the one before",
	need_two, swap_previous},
    {{'o', 0}, {'o', TERM_CTRL}, "rotate", "all panes move on by one", need_two,
	rotate},
    {{'1', 0}, {0, 0}, "pane 1 to 9", "the pane of that number, 1 to 9",
	need_one, go_number, ""},
    {{'2', 0}, {'3', 0}, NULL, NULL, need_one, go_number, ""},
    {{'4', 0}, {'5', 0}, NULL, NULL, need_one, go_number, ""},
    {{'6', 0}, {'7', 0}, NULL, NULL, need_one, go_number, ""},
    {{'8', 0}, {'9', 0}, NULL, NULL, need_one, go_number, ""},
    {{K_TAB, 0}, {'n', 0}, "next", "the next pane", need_two, next},
    {{K_TAB, TERM_SHIFT}, {'N', 0}, "previous", "the one before", need_two,
	previous},
    {{';', 0}, {0, 0}, "last", "the pane one was in before", last_refuse, last},
    {{'!', 0}, {0, 0}, "news", "the next pane in which something happened",
	news_refuse, news},
    {{K_PREFIX, 0}, {0, 0}, "send", "sends this key to the guest", send_refuse,
	send_prefix},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

const struct binding consoles_repeated[] = {
    {{K_LEFT, TERM_CTRL}, {'<', 0}, NULL, NULL, need_two, resize_left,
	"border-left"},
    {{K_RIGHT, TERM_CTRL}, {'>', 0}, NULL, NULL, need_two, resize_right,
	"border-right"},
    {{K_UP, TERM_CTRL}, {'_', 0}, NULL, NULL, need_two, resize_up, "border-up"},
    {{K_DOWN, TERM_CTRL}, {'+', 0}, NULL, NULL, need_two, resize_down,
	"border-down"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

const struct binding consoles_empty[] = {
    {{'a', 0}, {K_ENTER, 0}, "add", "open a pane", add_refuse, add},
    {{'t', 0}, {0, 0}, "all running", "a pane for each guest that runs", NULL,
	tiles_open_running},
    {{'e', 0}, {0, 0}, "layouts", "load a layout", NULL,
	consoles_choose_layout},
    {{'1', 0}, {K_ESCAPE, 0}, "guests", "the list of guests", NULL, to_list},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};

const struct binding consoles_typing[] = {
    {{K_PREFIX, 0}, {0, 0}, "commands",
	"the next key is a command; pressed twice it goes to the guest", NULL,
	consoles_arm},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};
