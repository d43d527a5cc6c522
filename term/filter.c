/*
 * filter.c: cuts what the guest sends into text, controls and sequences
 * (ECMA-48 5.4, 5.5; UTF-8 by RFC 3629), and lets through to libvterm what it
 * can take.
 *
 * libvterm 0.1.4 has a parser of its own, but a guest must not reach it: more
 * than 16 numbers in a control sequence overwrite its callbacks, a string cut
 * by the end of a write makes it copy from before the buffer, its stack grows
 * with the length of the text, and UTF-8 encoded C1 characters move its
 * cursor off the screen. So it is only ever given whole sequences, made here
 * (csi.c), and short pieces of valid text.
 *
 * Text that does not reach the last column of its row skips libvterm, which
 * takes many times longer to find out that it is plain; what it needs to know
 * of it, it is told before it is fed again (state_text()).
 */
#include <string.h>

#include "internal.h"

/* Text for libvterm goes in pieces of about this many bytes. */
#define PIECE 256

static bool
printable(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

/* Another combining character would go to one that has too many. */
static bool
overloaded(const struct term *t)
{
	return t->combine.chars >= COMBINE_MAX &&
	    t->combine.row == (int)t->cursor.row &&
	    t->combine.end == (int)t->cursor.col;
}

void
filter_text(struct term *t, const char *text, size_t len)
{
	size_t n;

	while (len > 0) {
		n = len;
		if (n > PIECE) {
			n = PIECE;
			while (((unsigned char)text[n] & 0xc0) == 0x80)
				n--;
		}
		if (printable((unsigned char)*text) || !overloaded(t))
			state_feed(t, text, n);
		text += n;
		len -= n;
	}
	t->filter.slow &= ~SLOW_SINGLE;
}

/*
 * Writes a run of n printable ASCII characters but for the last keep of them;
 * returns how many those were.
 */
static size_t
plain_text(struct term *t, const char *text, size_t n, size_t keep)
{
	size_t done = 0, room, k;

	while (n - done > keep) {
		/* A wide one before the last column may wait to wrap. */
		if (t->filter.slow == 0 && t->cursor.col + 3 < t->grid.cols) {
			room = t->grid.cols - 1 - t->cursor.col;
			k = n - done - keep;
			if (k > room)
				k = room;
			state_text(t, text + done, (unsigned)k);
			done += k;
			continue;
		}
		/* To the end of the row and over it. */
		k = t->grid.cols + 1 - t->cursor.col;
		if (k > n - done - keep)
			k = n - done - keep;
		filter_text(t, text + done, k);
		done += k;
	}
	return done;
}

/*
 * Text that is not ASCII, from p on: feeds what is valid, U+FFFD for what is
 * not. The text from start to p is ASCII that was kept back, so that a
 * combining character finds what it belongs to. Returns where ASCII, a
 * control or the end of the input is; a cut character goes into f->utf8.
 */
static const unsigned char *
other_text(struct term *t, const unsigned char *start, const unsigned char *p,
    const unsigned char *end)
{
	struct filter *f = &t->filter;
	int len;

	while (p < end && *p >= 0x80) {
		len = utf8_length(p, (size_t)(end - p));
		if (len > 0 && !utf8_unwanted(p, (unsigned)len)) {
			p += len;
			continue;
		}
		filter_text(t, (const char *)start, (size_t)(p - start));
		if (len == 0) {
			f->utf8_len = (unsigned)(end - p);
			memcpy(f->utf8, p, f->utf8_len);
			return end;
		}
		if (len < 0) {
			filter_text(t, "\xef\xbf\xbd", 3);
			len = -len;
		}
		p += len;
		start = p;
	}
	filter_text(t, (const char *)start, (size_t)(p - start));
	return p;
}

/* Goes on with a character that the end of the last input cut. */
static const unsigned char *
cut_text(struct term *t, const unsigned char *p, const unsigned char *end)
{
	struct filter *f = &t->filter;
	int len;

	while (f->utf8_len != 0) {
		len = utf8_length(f->utf8, f->utf8_len);
		if (len == 0 && p == end)
			return p;
		if (len == 0) {
			f->utf8[f->utf8_len++] = *p++;
			continue;
		}
		if (len < 0) {
			/* What made it invalid is still to be looked at. */
			filter_text(t, "\xef\xbf\xbd", 3);
			f->utf8_len = 0;
			return p - 1;
		}
		if (!utf8_unwanted(f->utf8, (unsigned)len))
			filter_text(t, (const char *)f->utf8, (size_t)len);
		f->utf8_len = 0;
	}
	return p;
}

/* A control character, wherever it comes. */
static void
control(struct term *t, unsigned char c)
{
	char byte = (char)c;

	switch (c) {
	case '\016': /* SO */
		t->filter.slow |= SLOW_SHIFT;
		break;
	case '\017': /* SI */
		t->filter.slow &= ~SLOW_SHIFT;
		break;
	case '\a':
	case '\b':
	case '\t':
	case '\n':
	case '\v':
	case '\f':
	case '\r':
		break;
	default:
		return;
	}
	state_feed(t, &byte, 1);
}

/* Text and controls from p on, up to the end or an ESC. */
static const unsigned char *
ground(struct term *t, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *q;
	size_t keep;

	while (p < end) {
		for (q = p; q < end && printable(*q); q++)
			;
		if (q > p) {
			keep = q < end && *q >= 0x80 ? 1 : 0;
			p += plain_text(
			    t, (const char *)p, (size_t)(q - p), keep);
		}
		if (q == end)
			return end;
		if (*q >= 0x80) {
			p = other_text(t, p, q, end);
			continue;
		}
		p = q + 1;
		if (*q == '\033') {
			t->filter.state = ESCAPE;
			t->filter.seq[0] = '\033';
			t->filter.len = 1;
			return p;
		}
		if (*q == '\r' && p < end && *p == '\n') {
			state_feed(t, "\r\n", 2);
			p++;
		} else
			control(t, *q);
	}
	return p;
}

static void
keep(struct filter *f, unsigned char c)
{
	if (f->len < SEQ_MAX - 1)
		f->seq[f->len++] = (char)c;
	else
		f->len = SEQ_MAX;
}

/* A whole escape sequence of ESC, intermediates and a final byte is in seq. */
static void
escape_dispatch(struct term *t)
{
	struct filter *f = &t->filter;
	char final;

	if (f->len >= SEQ_MAX || f->len > 3)
		return;
	final = f->seq[f->len - 1];
	if (f->len == 3) {
		if (f->seq[1] == '(' && final == 'B')
			f->slow &= ~SLOW_G0;
		else if (f->seq[1] == '(')
			f->slow |= SLOW_G0;
		/* ESC SP G would have replies in 8 bit controls. */
		if (f->seq[1] == '#' && final == '8')
			state_align(t);
		else if (f->seq[1] != ' ')
			state_feed(t, f->seq, f->len);
		return;
	}
	switch (final) {
	case '7':
		/* By CSI ? 1048: only there does libvterm check bounds. */
		csi_save(t);
		return;
	case '8':
		csi_restore(t);
		return;
	case 'c':
		state_reset(t, true);
		return;
	case 'Z':
		csi_feed(t, "", NULL, 0, "c");
		return;
	case 'N':
	case 'O':
		f->slow |= SLOW_SINGLE;
		break;
	case 'n':
	case 'o':
		f->slow |= SLOW_SHIFT;
		break;
	case 'D':
	case 'E':
	case 'H':
	case 'M':
	case '=':
	case '>':
		break;
	default:
		return;
	}
	state_feed(t, f->seq, f->len);
}

/* One byte of an escape sequence; what is no control and no ESC. */
static void
escape(struct term *t, unsigned char c)
{
	struct filter *f = &t->filter;

	keep(f, c);
	if (c >= 0x20 && c < 0x30)
		return;
	f->state = GROUND;
	if (c < 0x30 || c >= 0x7f)
		return;
	if (f->len == 2) {
		switch (c) {
		case '[':
			f->state = CSI;
			return;
		case ']':
		case 'P':
		case 'X':
		case '^':
		case '_':
			f->state = STRING;
			f->kind = (char)c;
			f->string_len = f->string_seen = 0;
			return;
		}
	}
	escape_dispatch(t);
}

/* One byte of a control sequence; what is no control and no ESC. */
static void
csi(struct term *t, unsigned char c)
{
	struct filter *f = &t->filter;

	keep(f, c);
	if (c >= 0x20 && c < 0x40)
		return;
	f->state = GROUND;
	if (c < 0x7f && f->len < SEQ_MAX)
		csi_dispatch(t);
}

/* The bytes of a string up to what may end it. */
static const unsigned char *
string(struct term *t, const unsigned char *p, const unsigned char *end)
{
	struct filter *f = &t->filter;
	unsigned char c;

	while (p < end) {
		c = *p++;
		if (c == '\a' || c == '\030' || c == '\032' || c == '\033') {
			f->state = c == '\033' ? STRING_ESCAPE : GROUND;
			if (c == '\a')
				string_dispatch(t);
			if (c != '\033')
				string_forget(t);
			return p;
		}
		if (f->string_len < STRING_MAX)
			f->string[f->string_len++] = (char)c;
		else
			string_more(t, (char)c);
		if (++f->string_seen == STRING_END) {
			f->state = GROUND;
			string_forget(t);
			return p;
		}
	}
	return p;
}

/* Within a sequence: controls work as if they came before it. */
static void
sequence(struct term *t, unsigned char c)
{
	struct filter *f = &t->filter;

	if (f->state == STRING_ESCAPE) {
		if (c == '\\') {
			f->state = GROUND;
			string_dispatch(t);
			string_forget(t);
			return;
		}
		string_forget(t);
		/* An ESC ends a string, whatever follows. */
		f->state = ESCAPE;
		f->seq[0] = '\033';
		f->len = 1;
	}
	if (c == '\033') {
		f->state = ESCAPE;
		f->len = 1;
	} else if (c == '\030' || c == '\032')
		f->state = GROUND;
	else if (c < 0x20)
		control(t, c);
	else if (c == 0x7f)
		;
	else if (f->state == ESCAPE)
		escape(t, c);
	else
		csi(t, c);
}

void
filter_input(struct term *t, const char *bytes, size_t len)
{
	const unsigned char *p = (const unsigned char *)bytes, *end = p + len;

	p = cut_text(t, p, end);
	while (p < end) {
		switch (t->filter.state) {
		case GROUND:
			p = ground(t, p, end);
			break;
		case STRING:
			p = string(t, p, end);
			break;
		default:
			sequence(t, *p++);
		}
	}
}
