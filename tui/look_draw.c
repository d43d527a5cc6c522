#include <stdio.h>

#include "tui/look.h"
#include "tui/pane.h"

void
look_marks(struct pane *p, uint64_t line, struct look_marks *m)
{
	const struct looking *l = pane_looking(p);

	*m = (struct look_marks){.find = NULL};
	if (!l->on)
		return;
	m->selected = look_selection(l, &m->from, &m->to) &&
	    line >= m->from.line && line <= m->to.line;
	if (l->find != NULL) {
		m->find = l->find;
		m->n = find_count(l->find);
		m->i = find_at(l->find, (struct term_place){line, 0});
		m->hit = l->hit;
		m->hit_at = l->hit_at;
	}
	m->any = m->selected || (m->find != NULL && m->i < m->n);
}

void
look_mark(
    struct look_marks *m, uint64_t line, unsigned col, struct draw_cell *cell)
{
	struct term_place here = {line, col};
	struct find_match match;

	if (!m->any)
		return;
	if (m->selected && select_compare(here, m->from) >= 0 &&
	    select_compare(here, m->to) <= 0) {
		draw_cell_style(cell, STYLE_CHOSEN);
		return;
	}
	while (m->i < m->n) {
		match = find_get(m->find, m->i);
		if (select_compare(match.to, here) >= 0) {
			if (select_compare(match.from, here) <= 0)
				draw_cell_style(cell,
				    m->hit &&
					    select_compare(
						match.from, m->hit_at) == 0
					? STYLE_MATCH_HERE
					: STYLE_MATCH);
			return;
		}
		m->i++;
	}
}

/* "search 3/17: error" */
static int
search_title(const struct looking *l, char *buf, size_t len)
{
	size_t n = find_count(l->find), i;

	if (!l->searched)
		return snprintf(buf, len, "search %u%%: %s",
		    find_percent(l->find, l->term), l->pattern);
	if (n == 0)
		return snprintf(buf, len, "nowhere: %s", l->pattern);
	i = find_at(l->find, l->hit_at);
	if (!l->hit || i == n ||
	    select_compare(find_get(l->find, i).from, l->hit_at) != 0)
		return snprintf(buf, len, "search %zu: %s", n, l->pattern);
	return snprintf(buf, len, "search %zu/%zu%s: %s", i + 1, n,
	    find_full(l->find) ? "+" : "", l->pattern);
}

const char *
look_title(struct pane *p, char *buf, size_t len)
{
	const struct looking *l = pane_looking(p);
	unsigned back = pane_back(p);
	int n = 0;

	buf[0] = '\0';
	if (!l->on)
		return buf;
	if (l->find != NULL && (n = search_title(l, buf, len)) >= (int)len)
		return buf;
	if (back > 0)
		snprintf(buf + n, len - (size_t)n, "%s%u line%s back",
		    n > 0 ? "  " : "", back, back == 1 ? "" : "s");
	else if (n == 0)
		snprintf(buf, len, "looking back");
	return buf;
}
