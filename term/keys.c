/*
 * keys.c: keys, text and the mouse, as bytes for the guest.
 *
 * libvterm knows the modes the guest asked for and encodes keys and the
 * mouse as xterm does. Where it would answer with "CSI u" sequences, which
 * the programs of a serial console do not know, the older code is sent.
 */
#include <string.h>

#include "internal.h"

static VTermModifier
modifiers(unsigned mods)
{
	return (VTermModifier)((mods & TERM_SHIFT ? VTERM_MOD_SHIFT : 0) |
	    (mods & TERM_ALT ? VTERM_MOD_ALT : 0) |
	    (mods & TERM_CTRL ? VTERM_MOD_CTRL : 0));
}

/* The keys that have a control character of their own. */
static void
control_key(struct term *t, VTermKey key, unsigned mods)
{
	if (key == VTERM_KEY_TAB && (mods & TERM_SHIFT))
		mods = TERM_SHIFT;
	else
		mods &= TERM_ALT;
	vterm_keyboard_key(t->vt, key, modifiers(mods));
}

void
term_key(struct term *t, unsigned key, unsigned mods)
{
	static const VTermKey keys[] = {
	    [TERM_KEY_ENTER] = VTERM_KEY_ENTER,
	    [TERM_KEY_TAB] = VTERM_KEY_TAB,
	    [TERM_KEY_BACKSPACE] = VTERM_KEY_BACKSPACE,
	    [TERM_KEY_ESCAPE] = VTERM_KEY_ESCAPE,
	    [TERM_KEY_UP] = VTERM_KEY_UP,
	    [TERM_KEY_DOWN] = VTERM_KEY_DOWN,
	    [TERM_KEY_LEFT] = VTERM_KEY_LEFT,
	    [TERM_KEY_RIGHT] = VTERM_KEY_RIGHT,
	    [TERM_KEY_INSERT] = VTERM_KEY_INS,
	    [TERM_KEY_DELETE] = VTERM_KEY_DEL,
	    [TERM_KEY_HOME] = VTERM_KEY_HOME,
	    [TERM_KEY_END] = VTERM_KEY_END,
	    [TERM_KEY_PAGE_UP] = VTERM_KEY_PAGEUP,
	    [TERM_KEY_PAGE_DOWN] = VTERM_KEY_PAGEDOWN,
	};
	static const unsigned sets[] = {
	    0, TERM_SHIFT, TERM_CTRL, TERM_SHIFT | TERM_CTRL};
	unsigned n;

	if (key == TERM_KEY_BACKSPACE && (mods & TERM_CTRL)) {
		term_char(t, '\b', mods & TERM_ALT);
		return;
	}
	if (key <= TERM_KEY_ESCAPE) {
		control_key(t, keys[key], mods);
		return;
	}
	if (key < TERM_KEY_F0) {
		vterm_keyboard_key(t->vt, keys[key], modifiers(mods));
		return;
	}
	n = key - TERM_KEY_F0;
	if (n < 1 || n > 48)
		return;
	mods |= sets[(n - 1) / 12];
	n = (n - 1) % 12 + 1;
	vterm_keyboard_key(t->vt, VTERM_KEY_FUNCTION(n), modifiers(mods));
}

/* The control character of a key pressed with ctrl, or the key itself. */
static uint32_t
with_ctrl(uint32_t ch)
{
	static const char digits[] = "\0\033\034\035\036\037\177";

	if ((ch >= 'a' && ch <= 'z') || (ch >= '@' && ch <= '_'))
		return ch & 0x1f;
	if (ch >= '2' && ch <= '8')
		return (unsigned char)digits[ch - '2'];
	if (ch == ' ')
		return 0;
	if (ch == '/')
		return 0x1f;
	if (ch == '?')
		return 0x7f;
	return ch;
}

void
term_char(struct term *t, uint32_t ch, unsigned mods)
{
	uint8_t text[5];
	unsigned len = 0;

	if (ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff))
		return;
	if (mods & TERM_CTRL)
		ch = with_ctrl(ch);
	if (mods & TERM_ALT)
		text[len++] = 0x1b;
	len += utf8_write(ch, text + len);
	term_send(t, (const char *)text, len);
}

void
term_paste(struct term *t, const char *text, size_t len)
{
	char buf[512];
	size_t i, n = 0;
	char c;

	vterm_keyboard_start_paste(t->vt);
	for (i = 0; i < len; i++) {
		c = text[i];
		if (c == '\n' && i > 0 && text[i - 1] == '\r')
			continue;
		if (c == '\n')
			c = '\r';
		if (((unsigned char)c < 0x20 && c != '\t' && c != '\r') ||
		    c == 0x7f)
			continue;
		buf[n++] = c;
		if (n == sizeof(buf)) {
			term_send(t, buf, n);
			n = 0;
		}
	}
	if (n > 0)
		term_send(t, buf, n);
	vterm_keyboard_end_paste(t->vt);
}

enum term_mouse_mode
term_mouse_mode(const struct term *t)
{
	return t->mouse;
}

void
term_mouse(struct term *t, enum term_mouse_event event, unsigned row,
    unsigned col, unsigned button, unsigned mods)
{
	VTermModifier with = modifiers(mods);

	if (t->mouse == TERM_MOUSE_NONE || row >= t->grid.rows ||
	    col >= t->grid.cols)
		return;
	vterm_mouse_move(t->vt, (int)row, (int)col, with);
	if (event == TERM_MOUSE_MOTION || button < 1 || button > 5)
		return;
	if (button > 3 && event == TERM_MOUSE_RELEASE)
		return;
	vterm_mouse_button(t->vt, (int)button, event == TERM_MOUSE_PRESS, with);
}

void
term_focus(struct term *t, bool in)
{
	if (in)
		vterm_state_focus_in(t->state);
	else
		vterm_state_focus_out(t->state);
}
