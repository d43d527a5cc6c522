#include "tui/glyphs.h"
#include "tui/widget.h"

unsigned
sparkline_height(uint64_t sample, uint64_t full)
{
	uint64_t h;

	if (full == 0)
		return 0;
	h = sample * (GLYPHS_SPARK - 1) / full;
	/* Something is not nothing. */
	if (h == 0 && sample * 50 > full)
		h = 1;
	return h < GLYPHS_SPARK ? (unsigned)h : GLYPHS_SPARK - 1;
}

/* The sum of the samples from (not before the oldest kept) up to end. */
static uint64_t
sum(const struct history *h, unsigned from, unsigned end)
{
	uint64_t n = 0;

	for (; from < end; from++)
		n += h->sample[from % MODEL_HISTORY];
	return n;
}

/*
 * A column stands for the same seconds as long as it is seen: columns begin
 * at multiples of step, counted from the first sample ever.
 *
 *	samples 0 1 2 | 3 4 5 | 6 7		step 3, n 8
 *	column    1       2      3		the last one is not full yet
 */
static int64_t
column(const struct history *h, const struct history *and, unsigned step,
    unsigned back)
{
	unsigned oldest = h->n > MODEL_HISTORY ? h->n - MODEL_HISTORY : 0;
	unsigned last, from, end;
	uint64_t n;

	if (h->n == 0 || (last = (h->n - 1) / step) < back)
		return -1;
	from = (last - back) * step;
	end = from + step < h->n ? from + step : h->n;
	if (from < oldest)
		from = oldest;
	if (from >= end)
		return -1;
	n = sum(h, from, end);
	if (and != NULL && and->n == h->n)
		n += sum(and, from, end);
	return (int64_t)(n / (end - from));
}

uint64_t
sparkline_most(const struct history *h, const struct history *and, int width,
    unsigned step)
{
	int64_t most = 0, n;
	int i;

	for (i = 0; i < width; i++)
		if ((n = column(h, and, step, (unsigned)i)) > most)
			most = n;
	return (uint64_t)most;
}

void
sparkline_draw(const struct rect *r, int y, int x, int width,
    const struct history *h, const struct history *and, unsigned step,
    uint64_t full)
{
	int64_t n;
	int i;

	for (i = 0; i < width; i++) {
		n = column(h, and, step, (unsigned)(width - 1 - i));
		draw_text(r, y, x + i, STYLE_SPARK,
		    n < 0
			? " "
			: glyphs()->spark[sparkline_height((uint64_t)n, full)]);
	}
}
