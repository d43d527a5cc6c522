/*
 * input.h: bytes of the person's terminal become keys.
 *
 * Understands what xterm and its relatives, screen, tmux, the Linux console
 * and the VT100 send, whatever TERM says: letters in UTF-8, control
 * characters, function keys with modifiers (xterm's "ctlseqs", PC-style
 * function keys), alt as a leading ESC, bracketed paste. What it does not
 * know it swallows whole, so that no half of a sequence is taken for typing.
 * Reads nothing itself; main thread.
 */
#ifndef TUI_INPUT_H
#define TUI_INPUT_H

#include <stddef.h>
#include <stdint.h>

#include "term/term.h"

/*
 * A key: a character, or one of the names below; modifiers are TERM_SHIFT,
 * TERM_ALT and TERM_CTRL. ctrl-a is 'a' with TERM_CTRL; shift is never given
 * with a character.
 */
struct key {
	uint32_t code;
	unsigned mods;
};

/* Names of keys are those of term_key(), past all characters. */
#define K_NAMED     0x200000u
#define K_ENTER     (K_NAMED + TERM_KEY_ENTER)
#define K_TAB       (K_NAMED + TERM_KEY_TAB)
#define K_BACKSPACE (K_NAMED + TERM_KEY_BACKSPACE)
#define K_ESCAPE    (K_NAMED + TERM_KEY_ESCAPE)
#define K_UP        (K_NAMED + TERM_KEY_UP)
#define K_DOWN      (K_NAMED + TERM_KEY_DOWN)
#define K_LEFT      (K_NAMED + TERM_KEY_LEFT)
#define K_RIGHT     (K_NAMED + TERM_KEY_RIGHT)
#define K_INSERT    (K_NAMED + TERM_KEY_INSERT)
#define K_DELETE    (K_NAMED + TERM_KEY_DELETE)
#define K_HOME      (K_NAMED + TERM_KEY_HOME)
#define K_END       (K_NAMED + TERM_KEY_END)
#define K_PAGE_UP   (K_NAMED + TERM_KEY_PAGE_UP)
#define K_PAGE_DOWN (K_NAMED + TERM_KEY_PAGE_DOWN)
#define K_F(n)      (K_NAMED + TERM_KEY_F0 + (n))

/* What the mouse did; row and col count from 0 at the top left corner. */
struct mouse {
	enum term_mouse_event event; /* MOTION: with a button held, a drag */
	int row, col;
	unsigned button; /* 1 left, 2 middle, 3 right, 4 and 5 wheel up, down */
	unsigned mods; /* TERM_SHIFT, TERM_ALT, TERM_CTRL */
};

struct input_ops {
	void (*key)(struct key key, void *arg);
	/* May be NULL. */
	void (*mouse)(const struct mouse *mouse, void *arg);
	/* Pasted text, whole up to INPUT_PASTE_MAX; longer comes in parts. */
	void (*paste)(const char *text, size_t len, void *arg);
};

#define INPUT_PASTE_MAX (1 << 20)

struct input;

/* ops stay the caller's. NULL: no memory. */
struct input *input_new(const struct input_ops *ops, void *arg);
void input_free(struct input *in);

/* Bytes, cut anywhere. Calls back for each key that is complete. */
void input_feed(struct input *in, const char *bytes, size_t len);

/*
 * How many milliseconds to wait before input_timeout() if nothing more comes
 * (an ESC alone is the escape key, an ESC with something behind it is not);
 * 0 if nothing is unfinished.
 */
unsigned input_wait(const struct input *in);

/* Nothing more came: what is unfinished is all there is. */
void input_timeout(struct input *in);

#endif
