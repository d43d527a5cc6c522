#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tui/input.h"

#define ESC        0x1b
#define ESC_WAIT   50 /* ms for the rest of a sequence */
#define PASTE_WAIT 2000 /* ms for the rest of a paste */
#define SEQ_MAX    32
#define STRING_MAX 4096 /* bytes of an answer that we swallow */

/*
 *	GROUND --ESC--> ESCAPE --[--> CSI --@..~--> key
 *	                                  --<..M--> mouse
 *	                                  --M--> X10 --3 bytes--> mouse
 *	                       --O--> SS3 ---any--> key
 *	                       --]PX^_--> STRING --BEL or ESC \--> nothing
 *	                       --any--> alt and that
 *	CSI 200 ~ --> PASTE --CSI 201 ~--> text
 */
enum state { GROUND, ESCAPE, CSI, LINUX, X10, SS3, STRING, UTF8, PASTE };

struct input {
	const struct input_ops *ops;
	void *arg;
	enum state state;
	bool alt;
	char seq[SEQ_MAX];
	size_t len; /* of seq, or of the string swallowed */
	uint32_t ch; /* of UTF8; what opened a STRING */
	uint32_t least; /* the smallest ch this length may spell */
	unsigned more; /* bytes still to come of UTF8 */
	char *paste;
	size_t pasted;
};

static const char paste_end[] = "\033[201~";

struct input *
input_new(const struct input_ops *ops, void *arg)
{
	struct input *in = calloc(1, sizeof *in);

	if (in != NULL) {
		in->ops = ops;
		in->arg = arg;
	}
	return in;
}

void
input_free(struct input *in)
{
	if (in != NULL)
		free(in->paste);
	free(in);
}

/* A key is complete: back to the ground before the callback sees it. */
static void
emit(struct input *in, uint32_t code, unsigned mods)
{
	struct key key = {code, mods | (in->alt ? TERM_ALT : 0)};

	in->state = GROUND;
	in->alt = false;
	in->len = 0;
	in->ops->key(key, in->arg);
}

/* Something that is no key ends here. */
static void
drop(struct input *in)
{
	in->state = GROUND;
	in->alt = false;
	in->len = 0;
}

/* The code of "CSI n ~"; 0: unknown. */
static uint32_t
tilde_key(unsigned n)
{
	static const uint32_t low[] = {0, K_HOME, K_INSERT, K_DELETE, K_END,
	    K_PAGE_UP, K_PAGE_DOWN, K_HOME, K_END};
	/* F1 to F20 with the holes DEC left in the numbers. */
	static const unsigned char fn[] = {1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0,
	    11, 12, 13, 14, 0, 15, 16, 0, 17, 18, 19, 20};

	if (n < sizeof low / sizeof *low)
		return low[n];
	if (n >= 11 && n - 11 < sizeof fn && fn[n - 11] != 0)
		return K_F(fn[n - 11]);
	return 0;
}

/* The code of a letter that ends CSI or SS3; 0: unknown. */
static uint32_t
letter_key(int c)
{
	switch (c) {
	case 'A':
		return K_UP;
	case 'B':
		return K_DOWN;
	case 'C':
		return K_RIGHT;
	case 'D':
		return K_LEFT;
	case 'H':
		return K_HOME;
	case 'F':
		return K_END;
	case 'M':
		return K_ENTER; /* of the keypad */
	case 'P':
	case 'Q':
	case 'R':
	case 'S':
		return K_F(c - 'P' + 1);
	}
	return 0;
}

/* xterm's modifier parameter: 1 + shift 1 + alt 2 + ctrl 4. */
static unsigned
mods_of(unsigned param)
{
	unsigned bits = param > 0 ? param - 1 : 0, mods = 0;

	if (bits & 1)
		mods |= TERM_SHIFT;
	if (bits & 2)
		mods |= TERM_ALT;
	if (bits & 4)
		mods |= TERM_CTRL;
	return mods;
}

/* A character with modifiers, as "CSI u" and modifyOtherKeys spell it. */
static void
emit_spelled(struct input *in, uint32_t ch, unsigned mods)
{
	switch (ch) {
	case '\r':
		emit(in, K_ENTER, mods);
		break;
	case '\t':
		emit(in, K_TAB, mods);
		break;
	case ESC:
		emit(in, K_ESCAPE, mods);
		break;
	case 0x7f:
		emit(in, K_BACKSPACE, mods);
		break;
	default:
		if (ch < 0x20 || ch > 0x10ffff)
			drop(in);
		else
			emit(in, ch, mods & ~TERM_SHIFT);
	}
}

/*
 * The mouse as xterm's "ctlseqs" counts it: code holds the button and what was
 * held with it, x and y count from 1.
 */
static void
emit_mouse(struct input *in, unsigned code, unsigned x, unsigned y, bool up)
{
	struct mouse m = {
	    .event = TERM_MOUSE_PRESS, .row = (int)y - 1, .col = (int)x - 1};

	drop(in);
	/* The wheel's are 64 and 65; 128 and on are buttons nobody has. */
	m.button = code & 64 ? 4 + (code & 3) : 1 + (code & 3);
	if (code >= 128 || m.button > 5 || x == 0 || y == 0 ||
	    in->ops->mouse == NULL)
		return;
	if (code & 32)
		m.event = TERM_MOUSE_MOTION;
	else if (up)
		m.event = TERM_MOUSE_RELEASE;
	m.mods = (code & 4 ? TERM_SHIFT : 0) | (code & 8 ? TERM_ALT : 0) |
	    (code & 16 ? TERM_CTRL : 0);
	/* Motion that no button goes with is nothing we asked for. */
	if (m.event == TERM_MOUSE_MOTION && (code & 3) == 3)
		return;
	in->ops->mouse(&m, in->arg);
}

/* "CSI < code ; x ; y M", or m when the button goes up. */
static void
end_sgr_mouse(struct input *in, char final)
{
	unsigned param[3] = {0, 0, 0}, n = 0;
	size_t i;

	for (i = 1; i < in->len; i++) {
		if (in->seq[i] == ';' && n < 2)
			n++;
		else if (in->seq[i] >= '0' && in->seq[i] <= '9' &&
		    param[n] < 10000)
			param[n] = param[n] * 10 + (unsigned)(in->seq[i] - '0');
		else {
			drop(in);
			return;
		}
	}
	if (n != 2 || (final != 'M' && final != 'm'))
		drop(in);
	else
		emit_mouse(in, param[0], param[1], param[2], final == 'm');
}

/* Three bytes behind "CSI M", each 32 more than what it says. */
static void
x10_byte(struct input *in, unsigned char c)
{
	unsigned code;

	in->seq[in->len++] = (char)(c >= 32 ? c - 32 : 0);
	if (in->len < 3)
		return;
	code = (unsigned char)in->seq[0];
	/* It does not say which button went up. */
	emit_mouse(in, (code & 67) == 3 ? code & ~3u : code,
	    (unsigned char)in->seq[1], (unsigned char)in->seq[2],
	    (code & 99) == 3);
}

static void
end_csi(struct input *in, char final)
{
	unsigned param[3] = {0, 0, 0}, n = 0;
	uint32_t code = 0;
	size_t i;

	if (in->len > 0 && in->seq[0] == '<') {
		end_sgr_mouse(in, final);
		return;
	}
	if (final == 'M' && in->len == 0) {
		in->state = X10;
		return;
	}
	for (i = 0; i < in->len; i++) {
		if (in->seq[i] == ';') {
			if (++n == 3)
				break;
		} else if (in->seq[i] >= '0' && in->seq[i] <= '9') {
			if (param[n] < 100000)
				param[n] = param[n] * 10 +
				    (unsigned)(in->seq[i] - '0');
		} else {
			drop(in); /* a report, no key */
			return;
		}
	}
	if (final == '~' && param[0] == 200) {
		drop(in);
		in->state = PASTE;
		in->pasted = 0;
		return;
	}
	if (final == '~' && param[0] == 27) {
		emit_spelled(in, param[2], mods_of(param[1]));
		return;
	}
	if (final == 'u') {
		emit_spelled(in, param[0], mods_of(param[1]));
		return;
	}
	if (final == 'Z') {
		emit(in, K_TAB, TERM_SHIFT);
		return;
	}
	if (final == '~')
		code = tilde_key(param[0]);
	else if (final != 'M')
		code = letter_key(final);
	if (code == 0)
		drop(in);
	else
		emit(in, code, mods_of(param[1]));
}

/* A byte on the ground, or behind ESC (then in->alt is set). */
static void
plain(struct input *in, unsigned char c)
{
	if (c == '\r')
		emit(in, K_ENTER, 0);
	else if (c == '\t')
		emit(in, K_TAB, 0);
	else if (c == 0x7f)
		emit(in, K_BACKSPACE, 0);
	else if (c == 0)
		emit(in, ' ', TERM_CTRL);
	else if (c <= 26)
		emit(in, c + 'a' - 1u, TERM_CTRL);
	else if (c < 0x20)
		emit(in, c + '@', TERM_CTRL);
	else if (c < 0x80)
		emit(in, c, 0);
	else if (c >= 0xc2 && c <= 0xf4) {
		in->state = UTF8;
		in->more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
		in->ch = c & (0x3fu >> in->more);
		in->least = in->more == 3 ? 0x10000
		    : in->more == 2       ? 0x800
					  : 0x80;
	} else
		drop(in);
}

static void
end_utf8(struct input *in)
{
	if (in->ch < in->least || in->ch > 0x10ffff ||
	    (in->ch >= 0xd800 && in->ch < 0xe000) || in->ch < 0xa0)
		drop(in);
	else
		emit(in, in->ch, 0);
}

static void
flush_paste(struct input *in, size_t len)
{
	if (len > 0)
		in->ops->paste(in->paste, len, in->arg);
	in->pasted = 0;
}

static void
paste_byte(struct input *in, unsigned char c)
{
	size_t end = sizeof paste_end - 1;

	if (in->paste == NULL &&
	    (in->paste = malloc(INPUT_PASTE_MAX)) == NULL) {
		drop(in);
		return;
	}
	in->paste[in->pasted++] = (char)c;
	if (in->pasted >= end &&
	    memcmp(in->paste + in->pasted - end, paste_end, end) == 0) {
		in->state = GROUND;
		flush_paste(in, in->pasted - end);
		free(in->paste);
		in->paste = NULL;
	} else if (in->pasted == INPUT_PASTE_MAX) {
		/* The end may be cut in two: keep what could be its start. */
		flush_paste(in, INPUT_PASTE_MAX - end);
		memmove(in->paste, in->paste + INPUT_PASTE_MAX - end, end);
		in->pasted = end;
	}
}

static void
escape_byte(struct input *in, unsigned char c)
{
	switch (c) {
	case ESC:
		in->alt = true;
		break;
	case '[':
		in->state = CSI;
		break;
	case 'O':
		in->state = SS3;
		break;
	case ']':
	case 'P':
	case 'X':
	case '^':
	case '_':
		in->state = STRING;
		in->ch = c; /* if nothing follows it was alt and this */
		in->seq[0] = 0;
		break;
	default:
		in->state = GROUND;
		in->alt = true;
		plain(in, c);
	}
}

static void
sequence_byte(struct input *in, unsigned char c)
{
	if (in->state == CSI && in->len == 0 && c == '[')
		in->state = LINUX;
	else if (c >= 0x40 && c <= 0x7e)
		end_csi(in, (char)c);
	else if (c < 0x20 || c >= 0x80 || in->len == SEQ_MAX)
		drop(in);
	else
		in->seq[in->len++] = (char)c;
}

static void
byte(struct input *in, unsigned char c)
{
	uint32_t code;

	switch (in->state) {
	case GROUND:
		if (c == ESC)
			in->state = ESCAPE;
		else
			plain(in, c);
		break;
	case ESCAPE:
		escape_byte(in, c);
		break;
	case CSI:
		sequence_byte(in, c);
		break;
	case LINUX:
		if (c >= 'A' && c <= 'E')
			emit(in, K_F(c - 'A' + 1u), 0);
		else
			drop(in);
		break;
	case X10:
		x10_byte(in, c);
		break;
	case SS3:
		if ((code = letter_key(c)) != 0)
			emit(in, code, 0);
		else
			drop(in);
		break;
	case STRING:
		if (c == 0x07 || (c == '\\' && in->seq[0] == ESC) ||
		    in->len++ > STRING_MAX)
			drop(in);
		in->seq[0] = (char)c;
		break;
	case UTF8:
		if ((c & 0xc0) != 0x80) {
			drop(in);
			byte(in, c);
			break;
		}
		in->ch = in->ch << 6 | (c & 0x3f);
		if (--in->more == 0)
			end_utf8(in);
		break;
	case PASTE:
		paste_byte(in, c);
		break;
	}
}

void
input_feed(struct input *in, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		byte(in, (unsigned char)bytes[i]);
}

unsigned
input_wait(const struct input *in)
{
	if (in->state == GROUND)
		return 0;
	return in->state == PASTE ? PASTE_WAIT : ESC_WAIT;
}

void
input_timeout(struct input *in)
{
	switch (in->state) {
	case ESCAPE:
		emit(in, K_ESCAPE, 0);
		break;
	case CSI:
		if (in->len == 0) {
			in->alt = true;
			emit(in, '[', 0);
		} else
			drop(in);
		break;
	case SS3:
		in->alt = true;
		emit(in, 'O', 0);
		break;
	case STRING:
		if (in->len == 0) {
			in->alt = true;
			emit(in, in->ch, 0);
		} else
			drop(in);
		break;
	case PASTE:
		in->state = GROUND;
		flush_paste(in, in->pasted);
		free(in->paste);
		in->paste = NULL;
		break;
	default:
		drop(in);
	}
}
