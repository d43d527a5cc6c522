/*
 * state.c: what libvterm's state layer says, done to the grid.
 *
 * Two things libvterm does not say are found out here: that text wrapped (a
 * character came at the start of the row below the one before it, with no
 * move of the cursor in between) and that the cursor waits to wrap.
 */
#include <stdio.h>
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
		if (above != NULL)
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
	char move[16];
	int len;

	remember(t, (int)row, (int)col, 1);
	row_put_ascii(grid_row(g, (int)row), g->cols, col, text, n, &t->pen);
	t->last.col = (int)(col + n - 1);
	t->last.end = (int)(col + n);
	grid_dirty(g, row);
	len = snprintf(move, sizeof(move), "\033[%uC", n);
	vterm_input_write(t->vt, move, (size_t)len);
}

static int
on_cursor(VTermPos pos, VTermPos old, int visible, void *arg)
{
	struct term *t = arg;
	struct last *last = &t->last;
	int cols = (int)t->grid.cols, rows = (int)t->grid.rows;

	/* Behind what was written last is where writing leaves it. */
	if (pos.row != last->row ||
	    pos.col != (last->end < cols ? last->end : last->col))
		last->still = false;
	t->cursor.row = (unsigned)(pos.row < 0 ? 0
		: pos.row >= rows              ? rows - 1
					       : pos.row);
	t->cursor.col = (unsigned)(pos.col < 0 ? 0
		: pos.col >= cols              ? cols - 1
					       : pos.col);
	t->cursor_dirty = true;
	return 1;
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

static int
on_init_pen(void *arg)
{
	struct term *t = arg;

	t->pen = cell_blank(TERM_COLOUR_DEFAULT);
	return 1;
}

static uint32_t
colour(const VTermColor *c)
{
	if (c->type & VTERM_COLOR_DEFAULT_MASK)
		return TERM_COLOUR_DEFAULT;
	if (VTERM_COLOR_IS_INDEXED(c))
		return TERM_COLOUR_INDEXED | c->indexed.idx;
	return TERM_COLOUR_RGB | (uint32_t)c->rgb.red << 16 |
	    (uint32_t)c->rgb.green << 8 | c->rgb.blue;
}

static int
on_pen(VTermAttr attr, VTermValue *value, void *arg)
{
	struct term *t = arg;
	uint16_t bit;

	switch (attr) {
	case VTERM_ATTR_BOLD:
		bit = TERM_BOLD;
		break;
	case VTERM_ATTR_ITALIC:
		bit = TERM_ITALIC;
		break;
	case VTERM_ATTR_BLINK:
		bit = TERM_BLINK;
		break;
	case VTERM_ATTR_REVERSE:
		bit = TERM_REVERSE;
		break;
	case VTERM_ATTR_STRIKE:
		bit = TERM_STRIKE;
		break;
	case VTERM_ATTR_UNDERLINE:
		t->pen.attrs &= ~TERM_UNDERLINE_MASK;
		t->pen.attrs |=
		    ((unsigned)value->number << 8) & TERM_UNDERLINE_MASK;
		return 1;
	case VTERM_ATTR_FOREGROUND:
		t->pen.fg = colour(&value->color);
		return 1;
	case VTERM_ATTR_BACKGROUND:
		t->pen.bg = colour(&value->color);
		return 1;
	default:
		return 1;
	}
	if (value->boolean)
		t->pen.attrs |= bit;
	else
		t->pen.attrs &= ~bit;
	return 1;
}

/* Answers whether libvterm is to believe that the screen was switched. */
static int
alternate(struct term *t, bool on)
{
	struct grid *g = &t->grid;

	if (on && !g->on_alt) {
		t->main_cursor.line = t->cursor.row;
		t->main_cursor.col = t->cursor.col;
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

/* No setlineinfo: lines of double width or height are not had. */
static const VTermStateCallbacks callbacks = {
    .putglyph = on_glyph,
    .movecursor = on_cursor,
    .scrollrect = on_scroll,
    .erase = on_erase,
    .initpen = on_init_pen,
    .setpenattr = on_pen,
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
	vterm_state_reset(t->state, 1);
	return true;
}

void
state_feed(struct term *t, const char *bytes, size_t len)
{
	vterm_input_write(t->vt, bytes, len);
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

	if (!hard) {
		vterm_state_reset(t->state, 0);
		t->filter.slow = 0;
		return;
	}
	/* libvterm forgets these three. */
	vterm_state_set_termprop(t->state, VTERM_PROP_ALTSCREEN, &off);
	vterm_state_set_termprop(t->state, VTERM_PROP_REVERSE, &off);
	vterm_state_set_termprop(t->state, VTERM_PROP_MOUSE, &none);
	csi_feed(t, "?", &sgr_mouse, 1, "l");
	state_feed(t, "\033c", 2);
	t->filter.slow = 0;
}
