#include <limits.h>
#include <stddef.h>

#include "term/term.h"
#include "tui/colour.h"

struct rgb {
	int r, g, b;
};

/* xterm's first 16; 16 to 231 are a 6x6x6 cube, the rest greys. */
static const struct rgb base[16] = {{0, 0, 0}, {205, 0, 0}, {0, 205, 0},
    {205, 205, 0}, {0, 0, 238}, {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
    {127, 127, 127}, {255, 0, 0}, {0, 255, 0}, {255, 255, 0}, {92, 92, 255},
    {255, 0, 255}, {0, 255, 255}, {255, 255, 255}};

static const int steps[6] = {0, 95, 135, 175, 215, 255};

static struct rgb
rgb_of_index(int i)
{
	struct rgb c;

	if (i < 16)
		return base[i];
	if (i < 232) {
		i -= 16;
		c.r = steps[i / 36];
		c.g = steps[i / 6 % 6];
		c.b = steps[i % 6];
		return c;
	}
	c.r = c.g = c.b = 8 + (i - 232) * 10;
	return c;
}

static int
distance(struct rgb a, struct rgb b)
{
	int r = a.r - b.r, g = a.g - b.g, v = a.b - b.b;

	/* The eye tells greens apart best and blues least. */
	return 3 * r * r + 4 * g * g + 2 * v * v;
}

/* The nearest of the first n base colours. */
static int
nearest_base(struct rgb c, int n)
{
	int i, d, best = 0, least = INT_MAX;

	for (i = 0; i < n; i++)
		if ((d = distance(c, base[i])) < least) {
			least = d;
			best = i;
		}
	return best;
}

static int
nearest_step(int v)
{
	int i, best = 0;

	for (i = 1; i < 6; i++)
		if ((v - steps[i]) * (v - steps[i]) <
		    (v - steps[best]) * (v - steps[best]))
			best = i;
	return best;
}

/* The nearest of the cube and the greys: the first 16 may be anything. */
static int
nearest_256(struct rgb c)
{
	int cube, grey = (c.r + c.g + c.b) / 3;

	cube = 16 + 36 * nearest_step(c.r) + 6 * nearest_step(c.g) +
	    nearest_step(c.b);
	grey = grey < 8 ? 0 : grey > 238 ? 23 : (grey - 8 + 5) / 10;
	if (grey > 23)
		grey = 23;
	grey += 232;
	if (distance(c, rgb_of_index(grey)) < distance(c, rgb_of_index(cube)))
		return grey;
	return cube;
}

int
colour_number(uint32_t colour, int colours, bool *bright)
{
	struct rgb c;
	int i;

	if (bright != NULL)
		*bright = false;
	if (colours < 8 || TERM_COLOUR_KIND(colour) == TERM_COLOUR_DEFAULT)
		return -1;
	if (TERM_COLOUR_KIND(colour) == TERM_COLOUR_INDEXED) {
		i = (int)TERM_COLOUR_INDEX(colour);
		/* A true-colour terminal takes numbers over 7 as colours. */
		if (i < 8 || (i < colours && colours <= 256))
			return i;
		c = rgb_of_index(i);
	} else {
		c.r = (int)TERM_COLOUR_RED(colour);
		c.g = (int)TERM_COLOUR_GREEN(colour);
		c.b = (int)TERM_COLOUR_BLUE(colour);
	}
	if (colours > 256) {
		i = c.r << 16 | c.g << 8 | c.b;
		return i < 8 ? 0 : i;
	}
	if (colours == 256)
		return nearest_256(c);
	i = nearest_base(c, 16);
	if (i >= colours || (colours < 16 && i >= 8)) {
		if (bright != NULL)
			*bright = true;
		i -= 8;
	}
	return i;
}
