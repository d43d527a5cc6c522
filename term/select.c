#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "row.h"
#include "select.h"

/* The line that was read last, as motions go from cell to cell. */
struct reader {
	const struct term *t;
	uint64_t line;
	unsigned used; /* cells that lead it, less the blank ones */
	struct term_cell cells[TERM_MAX];
};

enum class { BLANK, WORD, OTHER };

static uint64_t
last_line(const struct term *t)
{
	return term_top(t) + term_rows(t) - 1;
}

static bool
is_blank(const struct term_cell *cell)
{
	return cell->width == 1 && (cell->ch == 0 || cell->ch == ' ');
}

static void
read_line(struct reader *r, uint64_t line)
{
	r->line = line;
	r->used = term_line(r->t, line, r->cells);
	if (select_joined(r->t, line))
		return;
	while (r->used > 0 && is_blank(&r->cells[r->used - 1]))
		r->used--;
}

int
select_compare(struct term_place a, struct term_place b)
{
	if (a.line != b.line)
		return a.line < b.line ? -1 : 1;
	return a.col < b.col ? -1 : a.col > b.col;
}

struct term_place
select_clamp(const struct term *t, struct term_place p)
{
	struct term_cell cells[TERM_MAX];

	if (p.line < term_first(t))
		p = (struct term_place){term_first(t), 0};
	if (p.line > last_line(t))
		p = (struct term_place){last_line(t), term_cols(t) - 1};
	if (p.col >= term_cols(t))
		p.col = term_cols(t) - 1;
	term_line(t, p.line, cells);
	if (p.col > 0 && cells[p.col].width == 0)
		p.col--;
	return p;
}

bool
select_joined(const struct term *t, uint64_t line)
{
	/* The alternate screen does not go on with the main one's text. */
	if (line == last_line(t) ||
	    (term_is_alternate(t) && line + 1 == term_top(t)))
		return false;
	return term_line_wraps(t, line);
}

uint64_t
select_first_row(const struct term *t, uint64_t line)
{
	while (line > term_first(t) && select_joined(t, line - 1))
		line--;
	return line;
}

uint64_t
select_last_row(const struct term *t, uint64_t line)
{
	while (line < last_line(t) && select_joined(t, line))
		line++;
	return line;
}

unsigned
select_last_col(const struct term *t, uint64_t line)
{
	struct term_cell cells[TERM_MAX];
	unsigned n = term_line(t, line, cells);

	while (n > 0 && is_blank(&cells[n - 1]))
		n--;
	if (n > 1 && cells[n - 1].width == 0)
		n--;
	return n > 0 ? n - 1 : 0;
}

unsigned
select_first_col(const struct term *t, uint64_t line)
{
	struct term_cell cells[TERM_MAX];
	unsigned n = term_line(t, line, cells), i;

	for (i = 0; i < n; i++)
		if (!is_blank(&cells[i]))
			return i;
	return 0;
}

/* The cell after p (back: before it); false, and p stays, at the end. */
static bool
step(struct reader *r, struct term_place *p, bool back)
{
	unsigned col = p->col;

	if (!back) {
		for (col++; col < r->used; col++)
			if (r->cells[col].width != 0) {
				p->col = col;
				return true;
			}
		if (p->line >= last_line(r->t))
			return false;
		read_line(r, ++p->line);
		p->col = 0;
		return true;
	}
	if (col == 0) {
		if (p->line <= term_first(r->t))
			return false;
		read_line(r, --p->line);
		col = r->used > 0 ? r->used : 1;
	}
	if (--col > 0 && r->cells[col].width == 0)
		col--;
	p->col = col;
	return true;
}

static enum class class_of(const struct reader *r, unsigned col) {
	const struct term_cell *cell = &r->cells[col];

	if (col >= r->used || is_blank(cell) ||
	    iswspace((wint_t)cell->ch)) return BLANK;
	if (cell->ch >= 0x80 || cell->ch == '_' ||
	    iswalnum((wint_t)cell->ch)) return WORD;
	return OTHER;
}

/* Whether a text line ends between p and the cell before it. */
static bool
broken(const struct reader *r, struct term_place p)
{
	return p.col == 0 && !select_joined(r->t, p.line - 1);
}

struct term_place
select_word_next(const struct term *t, struct term_place p)
{
	struct reader r = {.t = t};
	struct term_place start = p = select_clamp(t, p);
	enum class class;

	read_line(&r, p.line);
	class = class_of(&r, p.col);
	do {
		if (!step(&r, &p, false))
			return start;
	} while (class_of(&r, p.col) == class && !broken(&r, p));
	while (class_of(&r, p.col) == BLANK)
		if (!step(&r, &p, false))
			return start;
	return p;
}

struct term_place
select_word_back(const struct term *t, struct term_place p)
{
	struct reader r = {.t = t};
	struct term_place start = p = select_clamp(t, p), before;
	enum class class;

	read_line(&r, p.line);
	do {
		if (!step(&r, &p, true))
			return start;
	} while (class_of(&r, p.col) == BLANK);
	class = class_of(&r, p.col);
	for (before = p; !broken(&r, p) && step(&r, &before, true); p = before)
		if (class_of(&r, before.col) != class)
			break;
	return p;
}

struct term_place
select_word_end(const struct term *t, struct term_place p)
{
	struct reader r = {.t = t};
	struct term_place start = p = select_clamp(t, p), after;
	enum class class;

	read_line(&r, p.line);
	do {
		if (!step(&r, &p, false))
			return start;
	} while (class_of(&r, p.col) == BLANK);
	class = class_of(&r, p.col);
	for (after = p; step(&r, &after, false); p = after)
		if (class_of(&r, after.col) != class || broken(&r, after))
			break;
	return p;
}

/* For a double click: what stands in paths and addresses is of the word. */
static int
click_class(const struct reader *r, unsigned col)
{
	enum class class = class_of(r, col);

	if (class == OTHER && r->cells[col].ch < 0x80 &&
	    strchr("-./~:@%+=#&?", (int)r->cells[col].ch) != NULL)
		return WORD;
	return class == OTHER ? OTHER + (int)r->cells[col].ch : (int)class;
}

void
select_word(const struct term *t, struct term_place p, struct term_place *from,
    struct term_place *to)
{
	struct reader r = {.t = t};
	struct term_place next;
	int class;

	*from = *to = p = select_clamp(t, p);
	read_line(&r, p.line);
	if (p.col >= r.used) {
		/* Behind the text: what is blank there. */
		from->col = r.used;
		to->col = term_cols(t) - 1;
		return;
	}
	class = click_class(&r, p.col);
	for (next = p; step(&r, &next, false); *to = next)
		if (broken(&r, next) || click_class(&r, next.col) != class)
			break;
	read_line(&r, p.line);
	for (next = p; !broken(&r, next) && step(&r, &next, true); *from = next)
		if (click_class(&r, next.col) != class)
			break;
}

void
select_line(const struct term *t, struct term_place p, struct term_place *from,
    struct term_place *to)
{
	p = select_clamp(t, p);
	*from = (struct term_place){select_first_row(t, p.line), 0};
	*to = (struct term_place){select_last_row(t, p.line), term_cols(t) - 1};
}

size_t
select_text(const struct term *t, struct term_place from, struct term_place to,
    uint64_t line, char *buf)
{
	struct reader r = {.t = t};
	unsigned i = 0, end, k;
	size_t len = 0;
	const struct term_cell *cell;

	if (line < from.line || line > to.line)
		return 0;
	read_line(&r, line);
	end = r.used;
	if (line == to.line && to.col < end)
		end = to.col + 1;
	if (line == from.line)
		i = from.col;
	if (i > 0 && i < end && r.cells[i].width == 0)
		i--;
	for (; i < end; i++) {
		cell = &r.cells[i];
		if (cell->width == 0)
			continue;
		len += utf8_write(
		    cell->ch == 0 ? ' ' : cell->ch, (uint8_t *)buf + len);
		for (k = 0; k < cell->ncomb; k++)
			len += utf8_write(cell->comb[k], (uint8_t *)buf + len);
	}
	if (line < to.line && !select_joined(t, line))
		buf[len++] = '\n';
	return len;
}

/* Cells of a row that the text line goes on behind. */
static unsigned
row_cells(const struct term *t, uint64_t line)
{
	struct term_cell cells[TERM_MAX];

	return term_line(t, line, cells);
}

struct term_anchor
select_anchor(const struct term *t, struct term_place p)
{
	struct term_anchor a;
	uint64_t line;

	p = select_clamp(t, p);
	a.line = select_first_row(t, p.line);
	a.offset = p.col;
	for (line = a.line; line < p.line; line++)
		a.offset += row_cells(t, line);
	return a;
}

struct term_place
select_place(const struct term *t, struct term_anchor a)
{
	struct term_place p = {a.line, 0};
	unsigned n;

	if (a.line < term_first(t))
		return select_clamp(t, p);
	while (select_joined(t, p.line) &&
	    a.offset >= (n = row_cells(t, p.line))) {
		a.offset -= n;
		p.line++;
	}
	p.col = a.offset < term_cols(t) ? (unsigned)a.offset : term_cols(t) - 1;
	return select_clamp(t, p);
}
