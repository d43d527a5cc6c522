/*
 * state.c: what libvterm's state layer says, done to the grid.
 *
 * Two things libvterm does not say are found out here: that text wrapped (a
 * character came at the start of the row below the one before it, with no
 * move of the cursor in between) and that the cursor waits to wrap.
 */
#include <string.h>

#include "internal.h"

void
term_send(struct term *t, const char *bytes, size_t len)
{
	if (t->quiet || t->ops->output == NULL)
		return;
	if (t->replying) {
		if (t->replied + len > REPLY_MAX)
			return;
		t->replied += len;
	}
	t->ops->output(bytes, len, t->arg);
}

static void
on_output(const char *bytes, size_t len, void *arg)
{
	term_send(arg, bytes, len);
}

/* The character at row, col follows the last one by wrapping. */
static bool
wrapped(const struct term *t, int row, int col, int width)
{
	const struct last *last = &t->last;
	int cols = (int)t->grid.cols;

	return col == 0 && last->still && row == last->row + 1 &&
	    (last->end >= cols || (last->end == cols - 1 && width == 2));
}

/* Remembers what is written at row, col. */
static void
remember(struct term *t, int row, int col, int width)
{
	struct row *above;

	if (wrapped(t, row, col, width)) {
		above = grid_row(&t->grid, row - 1);
		/* Unless its end was erased while the cursor waited there. */
		if (above != NULL && row_holds(above, (unsigned)t->last.col))
			above->flags |= ROW_WRAPS;
	}
	t->last.row = row;
	t->last.col = col;
	t->last.end = col + width;
	t->last.still = true;
}

static int
on_glyph(VTermGlyphInfo *info, VTermPos pos, void *arg)
{
	struct term *t = arg;
	struct grid *g = &t->grid;
	struct cell *cell = &t->last.cell;
	unsigned n = 0;

	while (info->chars[n] != 0 && n < COMBINE_MAX)
		n++;
	t->combine = (struct combine){pos.row, pos.col + info->width, n};
	if (t->mute || info->width < 1 || n == 0 || pos.row < 0 ||
	    pos.col < 0 || pos.row >= (int)g->rows || pos.col >= (int)g->cols)
		return 1;
	remember(t, pos.row, pos.col, info->width);
	*cell = t->pen;
	cell->ch = info->chars[0];
	cell->width = (uint8_t)info->width;
	if (info->protected_cell)
		cell->attrs |= CELL_PROTECTED;
	if (pos.col + info->width > (int)g->cols) {
		/* Half of it is off the screen. */
		cell->ch = 0xfffd;
		cell->width = 1;
		n = 1;
	}
	cell->ncomb =
	    (uint8_t)(n - 1 > TERM_COMBINING ? TERM_COMBINING : n - 1);
	memcpy(t->last.comb, info->chars + 1,
	    cell->ncomb * sizeof(t->last.comb[0]));
	row_put(grid_row(g, pos.row), g->cols, (unsigned)pos.col, cell,
	    t->last.comb);
	grid_dirty(g, (unsigned)pos.row);
	return 1;
}

void
state_text(struct term *t, const char *text, unsigned n)
{
	struct grid *g = &t->grid;
	unsigned row = t->cursor.row, col = t->cursor.col;

	remember(t, (int)row, (int)col, 1);
	row_put_ascii(grid_row(g, (int)row), g->cols, col, text, n, &t->pen);
	grid_dirty(g, row);
	t->last.col = (int)(col + n - 1);
	t->last.end = (int)(col + n);
	t->last.cell = t->pen;
	t->last.cell.ch = (unsigned char)text[n - 1];
	t->cursor.col += n;
	t->cursor_dirty = true;
	t->lag += n;
}

/*
 * Tells libvterm of text it did not see: where its end is, and of its last
 * character, to which combining ones may come.
 */
static void
catch_up(struct term *t)
{
	char move[8] = "\033[", ch = (char)t->last.cell.ch;
	unsigned n = t->lag - 1, len = 2, unit = 1;
	bool was = t->mute;

	t->lag = 0;
	t->mute = true;
	if (n > 0) {
		while (unit * 10 <= n)
			unit *= 10;
		for (; unit > 0; unit /= 10)
			move[len++] = (char)('0' + n / unit % 10);
		move[len++] = 'C';
		vterm_input_write(t->vt, move, len);
	}
	vterm_input_write(t->vt, &ch, 1);
	t->mute = was;
}

void
state_feed(struct term *t, const char *bytes, size_t len)
{
	if (t->lag != 0)
		catch_up(t);
	vterm_input_write(t->vt, bytes, len);
}

/* libvterm's cursor stands there now. */
static void
cursor_at(struct term *t, VTermPos pos)
{
	struct last *last = &t->last;
	int cols = (int)t->grid.cols, rows = (int)t->grid.rows;

	/* Behind what was written last is where writing leaves it. */
	if (pos.row != last->row ||
	    pos.col != (last->end < cols ? last->end : last->col))
		last->still = false;
	pos.row = pos.row < 0 ? 0 : pos.row;
	pos.col = pos.col < 0 ? 0 : pos.col;
	t->cursor.row = (unsigned)(pos.row < rows ? pos.row : rows - 1);
	t->cursor.col = (unsigned)(pos.col < cols ? pos.col : cols - 1);
	t->cursor_dirty = true;
}

static int
on_cursor(VTermPos pos, VTermPos old, int visible, void *arg)
{
	struct term *t = arg;

	if (!t->mute)
		cursor_at(t, pos);
	return 1;
}

void
state_ask_cursor(struct term *t)
{
	VTermPos pos;

	vterm_state_get_cursorpos(t->state, &pos);
	cursor_at(t, pos);
}

static int
on_scroll(VTermRect rect, int down, int right, void *arg)
{
	struct term *t = arg;
	struct area area = {
	    rect.start_row, rect.end_row, rect.start_col, rect.end_col};

	if (t->mute)
		return 1;
	grid_scroll(&t->grid, area, down, right, t->pen.bg);
	/* What was written last moves along, if that is still to matter. */
	if (right == 0 && t->last.row >= area.top && t->last.row < area.bottom)
		t->last.row -= down;
	else if (right == 0)
		t->last.still = false;
	return 1;
}

static int
on_erase(VTermRect rect, int selective, void *arg)
{
	struct term *t = arg;
	struct area area = {
	    rect.start_row, rect.end_row, rect.start_col, rect.end_col};

	if (!t->mute)
		grid_erase(&t->grid, area, t->pen.bg, selective != 0);
	return 1;
}

/* Answers whether libvterm is to believe that the screen was switched. */
static int
alternate(struct term *t, bool on)
{
	struct grid *g = &t->grid;

	if (on && !g->on_alt) {
		t->main_cursor.line = t->cursor.row;
		t->main_cursor.col = state_pending(t) ? g->cols : t->cursor.col;
		t->main_moved = false;
	}
	if (!grid_alternate(g, on))
		return 0;
	t->last.still = false;
	return 1;
}

static int
on_property(VTermProp prop, VTermValue *value, void *arg)
{
	struct term *t = arg;

	switch (prop) {
	case VTERM_PROP_CURSORVISIBLE:
		t->cursor.visible = value->boolean;
		break;
	case VTERM_PROP_CURSORBLINK:
		t->cursor.blink = value->boolean;
		break;
	case VTERM_PROP_CURSORSHAPE:
		t->cursor.shape =
		    value->number == VTERM_PROP_CURSORSHAPE_UNDERLINE
		    ? TERM_SHAPE_UNDERLINE
		    : value->number == VTERM_PROP_CURSORSHAPE_BAR_LEFT
		    ? TERM_SHAPE_BAR
		    : TERM_SHAPE_BLOCK;
		break;
	case VTERM_PROP_ALTSCREEN:
		return alternate(t, value->boolean);
	case VTERM_PROP_REVERSE:
		t->reverse = value->boolean;
		grid_dirty_all(&t->grid);
		break;
	case VTERM_PROP_MOUSE:
		t->mouse = (enum term_mouse_mode)value->number;
		break;
	default:
		break;
	}
	t->cursor_dirty = true;
	return 1;
}

static int
on_bell(void *arg)
{
	struct term *t = arg;

	if (!t->quiet && t->ops->bell != NULL)
		t->ops->bell(t->arg);
	return 1;
}

/*
 * No setlineinfo: lines of double width or height are not had. No pen: that
 * is sgr.c's.
 */
static const VTermStateCallbacks callbacks = {
    .putglyph = on_glyph,
    .movecursor = on_cursor,
    .scrollrect = on_scroll,
    .erase = on_erase,
    .settermprop = on_property,
    .bell = on_bell,
};

bool
state_init(struct term *t)
{
	t->vt = vterm_new((int)t->grid.rows, (int)t->grid.cols);
	if (t->vt == NULL)
		return false;
	vterm_set_utf8(t->vt, 1);
	vterm_output_set_callback(t->vt, on_output, t);
	t->state = vterm_obtain_state(t->vt);
	vterm_state_set_callbacks(t->state, &callbacks, t);
	state_reset(t, true);
	return true;
}

bool
state_pending(const struct term *t)
{
	return t->last.still && t->last.end >= (int)t->grid.cols;
}

void
state_move(struct term *t, unsigned row, unsigned col, bool pending)
{
	unsigned place[2] = {row + 1, col + 1};

	t->mute = true;
	csi_feed(t, "", place, 2, "H");
	if (pending) {
		/*
		 * The one way to have libvterm wait to wrap is to write in
		 * the last column; the grid looks away.
		 */
		state_feed(t, " ", 1);
	}
	t->mute = false;
	t->cursor.row = row;
	t->cursor.col = col;
	t->cursor_dirty = true;
	t->last.row = (int)row;
	t->last.col = (int)col;
	t->last.end = (int)col + 1;
	t->last.still = pending;
}

void
state_align(struct term *t)
{
	unsigned i;

	state_feed(t, "\033#8", 3);
	/* Full rows one after the other, but nothing wrapped. */
	for (i = 0; i < t->grid.rows; i++)
		grid_row(&t->grid, (int)i)->flags &= ~ROW_WRAPS;
	t->last.still = false;
}

void
state_resize(struct term *t, unsigned rows, unsigned cols)
{
	/*
	 * libvterm keeps margins that lie outside of a smaller screen and
	 * moves memory by what is then a negative number: take them off.
	 */
	t->mute = true;
	csi_feed(t, "", NULL, 0, "r");
	csi_feed(t, "", NULL, 0, "s");
	vterm_set_size(t->vt, (int)rows, (int)cols);
	t->mute = false;
}

void
state_reset(struct term *t, bool hard)
{
	VTermValue none = {.number = VTERM_PROP_MOUSE_NONE};
	VTermValue off = {.boolean = 0};
	unsigned sgr_mouse = 1006;

	state_feed(t, "", 0); /* Catches up with text. */
	if (hard) {
		/* libvterm forgets these. */
		vterm_state_set_termprop(t->state, VTERM_PROP_ALTSCREEN, &off);
		vterm_state_set_termprop(t->state, VTERM_PROP_REVERSE, &off);
		vterm_state_set_termprop(t->state, VTERM_PROP_MOUSE, &none);
		csi_feed(t, "?", &sgr_mouse, 1, "l");
	}
	t->pen = cell_blank(TERM_COLOUR_DEFAULT);
	t->filter.slow = 0;
	t->cursor.styled = false;
	vterm_state_reset(t->state, hard);
	if (hard) {
		state_move(t, 0, 0, false);
		csi_save(t);
	}
}
