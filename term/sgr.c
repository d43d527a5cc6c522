/*
 * sgr.c: the look of what is written (SGR, ECMA-48 8.3.117, with the colours
 * of ISO 8613-6 and xterm). Ours and not libvterm's: it is what output is
 * dense with, and libvterm 0.1.4 takes 38:2::R:G:B and 58;5;N for something
 * else and knows no dim and no concealed text.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

/*
 * The colour that argument i (38, 48 or 58) opens. Returns how many arguments
 * belong to it, and *colour unless it is none that is known.
 */
static unsigned
extended(const struct csi *csi, unsigned i, uint32_t *colour)
{
	unsigned kind = csi_arg(csi, i + 1, 0), n = 1, at = i + 2, k, part;
	uint32_t value = 0;

	if (csi->joined[i]) {
		/* 38:2:space:R:G:B or 38:2:R:G:B, all one argument. */
		while (csi->joined[i + n - 1])
			n++;
		if (kind == 2 && n >= 6)
			at++;
	} else
		n = kind == 2 ? 5 : kind == 5 ? 3 : 2;
	if (i + n > csi->n)
		return csi->n - i;
	if ((kind != 2 && kind != 5) || at + (kind == 2 ? 3 : 1) > i + n)
		return n;
	for (k = 0; k < (kind == 2 ? 3u : 1u); k++) {
		part = csi_arg(csi, at + k, 0);
		if (part > 255)
			return n;
		value = value << 8 | part;
	}
	*colour = value | (kind == 2 ? TERM_COLOUR_RGB : TERM_COLOUR_INDEXED);
	return n;
}

static void
set(struct cell *pen, unsigned mask, unsigned bits)
{
	pen->attrs = (uint16_t)((pen->attrs & ~mask) | bits);
}

/* The arguments that switch an attribute on or off. */
static void
attribute(struct cell *pen, unsigned n)
{
	static const struct {
		uint16_t mask, bits;
	} known[] = {
	    [1] = {TERM_BOLD, TERM_BOLD},
	    [2] = {TERM_DIM, TERM_DIM},
	    [3] = {TERM_ITALIC, TERM_ITALIC},
	    [5] = {TERM_BLINK, TERM_BLINK},
	    [6] = {TERM_BLINK, TERM_BLINK},
	    [7] = {TERM_REVERSE, TERM_REVERSE},
	    [8] = {TERM_CONCEAL, TERM_CONCEAL},
	    [9] = {TERM_STRIKE, TERM_STRIKE},
	    [21] = {TERM_UNDERLINE_MASK, TERM_UNDERLINE_DOUBLE},
	    [22] = {TERM_BOLD | TERM_DIM, 0},
	    [23] = {TERM_ITALIC, 0},
	    [24] = {TERM_UNDERLINE_MASK, 0},
	    [25] = {TERM_BLINK, 0},
	    [27] = {TERM_REVERSE, 0},
	    [28] = {TERM_CONCEAL, 0},
	    [29] = {TERM_STRIKE, 0},
	};

	if (n < sizeof(known) / sizeof(known[0]))
		set(pen, known[n].mask, known[n].bits);
}

/* Underline, with its style if 4:n says one. */
static void
underline(struct cell *pen, const struct csi *csi, unsigned i)
{
	static const uint16_t styles[] = {
	    0, TERM_UNDERLINE, TERM_UNDERLINE_DOUBLE, TERM_UNDERLINE_CURLY};
	unsigned style = csi->joined[i] ? csi_arg(csi, i + 1, 1) : 1;

	set(pen, TERM_UNDERLINE_MASK, styles[style < 4 ? style : 1]);
}

void
sgr_apply(struct term *t, const struct csi *csi)
{
	struct cell *pen = &t->pen;
	unsigned i, n, used;
	uint32_t unused;

	for (i = 0; i < csi->n; i += used) {
		used = 1;
		n = csi_arg(csi, i, 0);
		if (n == 0)
			*pen = cell_blank(TERM_COLOUR_DEFAULT);
		else if (n == 4)
			underline(pen, csi, i);
		else if (n < 30)
			attribute(pen, n);
		else if (n < 38)
			pen->fg = TERM_COLOUR_INDEXED | (n - 30);
		else if (n == 38)
			used = extended(csi, i, &pen->fg);
		else if (n == 39)
			pen->fg = TERM_COLOUR_DEFAULT;
		else if (n < 48)
			pen->bg = TERM_COLOUR_INDEXED | (n - 40);
		else if (n == 48)
			used = extended(csi, i, &pen->bg);
		else if (n == 49)
			pen->bg = TERM_COLOUR_DEFAULT;
		else if (n == 58)
			used = extended(csi, i, &unused);
		else if (n >= 90 && n < 98)
			pen->fg = TERM_COLOUR_INDEXED | (n - 90 + 8);
		else if (n >= 100 && n < 108)
			pen->bg = TERM_COLOUR_INDEXED | (n - 100 + 8);
		while (csi->joined[i + used - 1])
			used++;
	}
}

/* Writes a colour as SGR has it, with a ';' before; base is 38 or 48. */
static int
report_colour(char *out, size_t size, uint32_t colour, unsigned base)
{
	switch (TERM_COLOUR_KIND(colour)) {
	case TERM_COLOUR_INDEXED:
		return snprintf(out, size, ";%u:5:%u", base,
		    (unsigned)TERM_COLOUR_INDEX(colour));
	case TERM_COLOUR_RGB:
		return snprintf(out, size, ";%u:2::%u:%u:%u", base,
		    (unsigned)TERM_COLOUR_RED(colour),
		    (unsigned)TERM_COLOUR_GREEN(colour),
		    (unsigned)TERM_COLOUR_BLUE(colour));
	}
	return 0;
}

void
sgr_report(struct term *t)
{
	static const struct {
		uint16_t mask, bits;
		const char *text;
	} known[] = {
	    {TERM_BOLD, TERM_BOLD, ";1"},
	    {TERM_DIM, TERM_DIM, ";2"},
	    {TERM_ITALIC, TERM_ITALIC, ";3"},
	    {TERM_UNDERLINE_MASK, TERM_UNDERLINE, ";4"},
	    {TERM_UNDERLINE_MASK, TERM_UNDERLINE_DOUBLE, ";21"},
	    {TERM_UNDERLINE_MASK, TERM_UNDERLINE_CURLY, ";4:3"},
	    {TERM_BLINK, TERM_BLINK, ";5"},
	    {TERM_REVERSE, TERM_REVERSE, ";7"},
	    {TERM_CONCEAL, TERM_CONCEAL, ";8"},
	    {TERM_STRIKE, TERM_STRIKE, ";9"},
	};
	char out[128] = "\033P1$r0";
	size_t i, len = strlen(out), n;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if ((t->pen.attrs & known[i].mask) != known[i].bits)
			continue;
		n = strlen(known[i].text);
		memcpy(out + len, known[i].text, n);
		len += n;
	}
	len +=
	    (size_t)report_colour(out + len, sizeof(out) - len, t->pen.fg, 38);
	len +=
	    (size_t)report_colour(out + len, sizeof(out) - len, t->pen.bg, 48);
	memcpy(out + len, "m\033\\", 3);
	term_send(t, out, len + 3);
}
