/*
 * The shortest way from one text to the other, as Eugene W. Myers describes it
 * in "An O(ND) Difference Algorithm and Its Variations" (1986).
 *
 *	      new ->		x and y count lines of old and new; along a
 *	old   \ _		diagonal (k = x - y) lines are the same. reach[k]
 *	 |     |  \		is the furthest x on k after d changes; each
 *	 v     |    \ _		round of d is kept for the way back.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config/edit_diff.h"
#include "config/mem.h"

#define CHANGES_MAX 400

struct side {
	struct edit_diff_line *line;
	int count;
};

struct diff {
	struct side a, b; /* between what begins and ends both */
	int *reach[CHANGES_MAX + 1]; /* each of 2 * d + 1, from k = -d */
	struct edit_diff_line *out;
	size_t n;
};

static struct side
split(const char *text, size_t len, enum edit_diff_what what)
{
	const char *p = text, *end = text + len, *nl;
	struct edit_diff_line *l;
	struct side s = {NULL, 0};
	size_t n, room = 1;

	for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		room++;
	s.line = mem_zeroed(room * sizeof *s.line);
	for (p = text; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		n = (size_t)(nl - p);
		if (n > 0 && p[n - 1] == '\r')
			n--;
		l = &s.line[s.count++];
		*l = (struct edit_diff_line){what, p, n, s.count};
	}
	return s;
}

static bool
same(const struct edit_diff_line *a, const struct edit_diff_line *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static void
put(struct diff *d, const struct edit_diff_line *l, enum edit_diff_what what)
{
	d->out[d->n] = *l;
	d->out[d->n++].what = what;
}

/* The x where round n begins on diagonal k, before it slides. */
static int
step(const struct diff *d, int n, int k)
{
	const int *r = d->reach[n - 1] + n - 1; /* r[k] */

	/* Down (a new line) or right (one is gone), whichever is further. */
	if (k == -n ||
	    (k != n && k - 1 >= -(n - 1) && k + 1 <= n - 1 &&
		r[k - 1] < r[k + 1]))
		return r[k + 1];
	return r[k - 1] + 1;
}

/* Returns how many changes there are, or -1 for too many. */
static int
search(struct diff *d)
{
	int n, k, x;

	for (n = 0; n <= CHANGES_MAX; n++) {
		d->reach[n] = mem_zeroed((size_t)(2 * n + 1) * sizeof(int));
		for (k = -n; k <= n; k += 2) {
			x = n == 0 ? 0 : step(d, n, k);
			while (x < d->a.count && x - k < d->b.count &&
			    x - k >= 0 &&
			    same(&d->a.line[x], &d->b.line[x - k]))
				x++;
			d->reach[n][k + n] = x;
			if (x >= d->a.count && x - k >= d->b.count)
				return n;
		}
	}
	return -1;
}

/* From the end back to the start: into out in reverse. */
static void
walk_back(struct diff *d, int n)
{
	int x = d->a.count, y = d->b.count, k, from;

	for (; n > 0; n--) {
		k = x - y;
		from = step(d, n, k);
		for (; x > from; x--, y--)
			put(d, &d->b.line[y - 1], EDIT_SAME);
		/* Whether it came from above or from the left. */
		if (k == -n || (k != n && d->reach[n - 1][k + 1 + n - 1] == x))
			put(d, &d->b.line[--y], EDIT_NEW);
		else
			put(d, &d->a.line[--x], EDIT_GONE);
	}
	for (; x > 0; x--, y--)
		put(d, &d->b.line[y - 1], EDIT_SAME);
}

static void
reverse(struct edit_diff_line *l, size_t n)
{
	struct edit_diff_line t;
	size_t i;

	for (i = 0; i < n / 2; i++) {
		t = l[i];
		l[i] = l[n - 1 - i];
		l[n - 1 - i] = t;
	}
}

/* Of each run of changes those that are gone first. */
static void
sort_runs(struct edit_diff_line *l, size_t n)
{
	struct edit_diff_line *run = mem_zeroed((n + 1) * sizeof *run);
	size_t i, j, k, m;

	for (i = 0; i < n; i = j + (j == i)) {
		for (j = i; j < n && l[j].what != EDIT_SAME; j++)
			;
		for (k = i, m = 0; k < j; k++)
			if (l[k].what == EDIT_GONE)
				run[m++] = l[k];
		for (k = i; k < j; k++)
			if (l[k].what == EDIT_NEW)
				run[m++] = l[k];
		memcpy(l + i, run, m * sizeof *run);
	}
	free(run);
}

static void
middle(struct diff *d)
{
	size_t from = d->n;
	int n = search(d), i;

	if (n >= 0) {
		walk_back(d, n);
		reverse(d->out + from, d->n - from);
		sort_runs(d->out + from, d->n - from);
	} else {
		for (i = 0; i < d->a.count; i++)
			put(d, &d->a.line[i], EDIT_GONE);
		for (i = 0; i < d->b.count; i++)
			put(d, &d->b.line[i], EDIT_NEW);
	}
	for (i = 0; i <= CHANGES_MAX; i++)
		free(d->reach[i]);
}

struct edit_diff_line *
edit_diff(const char *old_text, size_t old_len, const char *new_text,
    size_t new_len, size_t *count)
{
	struct side a = split(old_text, old_len, EDIT_GONE);
	struct side b = split(new_text, new_len, EDIT_NEW);
	struct diff d = {.n = 0};
	int head = 0, tail = 0, i;

	d.out = mem_zeroed((size_t)(a.count + b.count + 1) * sizeof *d.out);
	while (head < a.count && head < b.count &&
	    same(&a.line[head], &b.line[head]))
		head++;
	while (tail < a.count - head && tail < b.count - head &&
	    same(&a.line[a.count - 1 - tail], &b.line[b.count - 1 - tail]))
		tail++;
	for (i = 0; i < head; i++)
		put(&d, &b.line[i], EDIT_SAME);
	d.a = (struct side){a.line + head, a.count - head - tail};
	d.b = (struct side){b.line + head, b.count - head - tail};
	middle(&d);
	for (i = b.count - tail; i < b.count; i++)
		put(&d, &b.line[i], EDIT_SAME);
	free(a.line);
	free(b.line);
	*count = d.n;
	return d.out;
}
