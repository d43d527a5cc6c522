/*
 * term.h: a terminal: bytes from a guest in, lines of cells out.
 *
 * One struct term is one pane's terminal: its screen, its alternate screen,
 * its scrollback, and the encoding of keys for the program in the guest. It
 * draws nothing, reads no file and knows nobody; tui/ owns it. All functions
 * of one struct term are for one thread, different terms are independent.
 *
 * Nothing the guest sends can crash it, make it grow without bound, or put a
 * control character into what it gives out: a cell holds a printable
 * character or nothing, the title likewise; of what it writes to a clipboard
 * only text is told, and of a clipboard nothing is told to it.
 *
 * Lines and rows
 *
 *	line number      term_first()                    oldest line still held
 *	     |               ...        scrollback
 *	     |           term_top()                      row 0 of the screen
 *	     |               ...        screen
 *	     v           term_top() + term_rows() - 1    its last row
 *
 * A line keeps its number for life: what scrolls off the screen goes on under
 * the same number, and term_first() rises when old lines are dropped. So a
 * viewer that looks at the past remembers the number of the line at the top
 * of its view and needs no adjusting while output arrives; only a resize
 * renumbers, and term_resize() translates the numbers it is given. Where
 * "line" stands below, such a number is meant; "row" counts from the top of
 * the screen, "col" from its left, both from 0.
 *
 * While the guest is on its alternate screen (term_is_alternate()), the lines
 * from term_top() on are the alternate screen's; the scrollback stays as is.
 */
#ifndef TERM_TERM_H
#define TERM_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes outside of 1..TERM_MAX are taken as the nearest one inside. */
#define TERM_MAX 1024

/* Lines of scrollback where the person asked for no other number. */
#define TERM_SCROLLBACK 10000

/*
 * Memory: the scrollback holds at most the lines asked for, and at most this
 * many bytes for each of them on average; what is over is dropped from the
 * oldest end. A line costs one byte a character (ASCII), 12 a change of
 * colour, and about 50 of its own.
 */
#define TERM_LINE_BYTES 1024

/* Bytes of text that a guest may write to a clipboard at once. */
#define TERM_CLIPBOARD (64u << 10)

struct term;

/*
 * What a terminal tells its owner, each called from inside of the term_...()
 * call that caused it. Any may be NULL. None may call back into the term but
 * for reading.
 */
struct term_ops {
	/*
	 * Bytes for the guest: keys and the mouse, and replies to what it
	 * asked (cursor position, device attributes). Valid during the call.
	 * Replies are at most 4 KiB a call of term_input().
	 */
	void (*output)(const char *bytes, size_t len, void *arg);
	void (*bell)(void *arg);
	/* The title changed; term_title() has it. */
	void (*title)(void *arg);
	/*
	 * The guest wrote text to the clipboard (xterm's OSC 52): UTF-8 of at
	 * most TERM_CLIPBOARD bytes, at least one, without control characters
	 * but TAB and LF. Valid during the call. It may come as often as the
	 * guest likes.
	 */
	void (*clipboard)(const char *text, size_t len, void *arg);
	/*
	 * Something on the screen changed (cells, cursor, size). Called once,
	 * then not again before term_damage_clear().
	 */
	void (*damage)(void *arg);
};

/*
 * Makes a terminal of rows x cols with at most scrollback lines of history
 * (0 for none; at most 1,000,000). ops and what it points to stay the
 * caller's and must outlive the term; arg is handed to the callbacks.
 * Returns NULL if memory is short.
 */
struct term *term_new(unsigned rows, unsigned cols, unsigned scrollback,
    const struct term_ops *ops, void *arg);
/* NULL is fine. */
void term_free(struct term *t);

/*
 * Feeds what the guest wrote: any bytes, cut anywhere (ECMA-48, the DEC and
 * xterm sequences libvterm's state layer knows; text is UTF-8).
 */
void term_input(struct term *t, const char *bytes, size_t len);
/*
 * The same for output of the past (the console history of a guest to which a
 * screen attaches): no reply, bell or title callback comes of it.
 */
void term_replay(struct term *t, const char *bytes, size_t len);

/* As if the guest had sent RIS (ESC c); the scrollback stays. */
void term_reset(struct term *t);
/* Drops the scrollback, as CSI 3 J does. */
void term_clear_history(struct term *t);

/*
 * Changes the size. Screen and scrollback are wrapped anew (the alternate
 * screen is cut or extended) and the cursor stays on its character. places
 * are n line numbers that the caller remembers (the top of a view, the ends
 * of a selection); each becomes the number of the line in which what it named
 * begins now. NULL with n 0 is fine. If memory is short the size stays.
 */
void term_resize(
    struct term *t, unsigned rows, unsigned cols, uint64_t *places, size_t n);

unsigned term_rows(const struct term *t);
unsigned term_cols(const struct term *t);
uint64_t term_first(const struct term *t);
uint64_t term_top(const struct term *t);
/* Lines of scrollback: term_top() - term_first(). */
unsigned term_history(const struct term *t);

/*
 * A colour: TERM_COLOUR_DEFAULT (the viewer's own), one of the 256 indexed
 * ones, or red, green and blue.
 */
#define TERM_COLOUR_DEFAULT  0u
#define TERM_COLOUR_INDEXED  0x01000000u
#define TERM_COLOUR_RGB      0x02000000u
#define TERM_COLOUR_KIND(c)  ((c)&0xff000000u)
#define TERM_COLOUR_INDEX(c) ((c)&0xffu)
#define TERM_COLOUR_RED(c)   (((c) >> 16) & 0xffu)
#define TERM_COLOUR_GREEN(c) (((c) >> 8) & 0xffu)
#define TERM_COLOUR_BLUE(c)  ((c)&0xffu)

#define TERM_BOLD             0x0001u
#define TERM_ITALIC           0x0002u
#define TERM_BLINK            0x0004u
#define TERM_REVERSE          0x0008u
#define TERM_STRIKE           0x0010u
#define TERM_DIM              0x0020u
#define TERM_CONCEAL          0x0040u
#define TERM_UNDERLINE_MASK   0x0300u
#define TERM_UNDERLINE        0x0100u
#define TERM_UNDERLINE_DOUBLE 0x0200u
#define TERM_UNDERLINE_CURLY  0x0300u

/* Combining characters kept of a cell; more are dropped. */
#define TERM_COMBINING 5

struct term_cell {
	/*
	 * The character; 0 in a cell that nobody wrote to or that was erased
	 * (draw a blank in its bg) and in the right half of a wide one.
	 */
	uint32_t ch;
	uint32_t comb[TERM_COMBINING]; /* the first ncomb of them */
	uint32_t fg, bg; /* TERM_COLOUR_... */
	uint16_t attrs; /* TERM_BOLD ... */
	uint8_t width; /* 1, 2, or 0: right half of a 2 */
	uint8_t ncomb;
};

/*
 * Fills cells, an array of term_cols(), from the given line, or all of them
 * blank for a line that is not held. Returns how many lead the line: those
 * behind are blank in default colours. A 2 wide cell is always followed by
 * its 0 wide one.
 */
unsigned term_line(
    const struct term *t, uint64_t line, struct term_cell *cells);

/* Whether the text of the line goes on in the next one (it was wrapped). */
bool term_line_wraps(const struct term *t, uint64_t line);

/*
 * The line's text in UTF-8, a blank for each empty cell, none at its end,
 * NUL-terminated if size is not 0. Returns its length as snprintf() does: the
 * text was cut (never within a character) if that is not below size.
 */
size_t term_line_text(
    const struct term *t, uint64_t line, char *text, size_t size);

enum term_shape { TERM_SHAPE_BLOCK, TERM_SHAPE_UNDERLINE, TERM_SHAPE_BAR };

struct term_cursor {
	unsigned row, col; /* on the screen */
	bool visible;
	/* The guest asked for these two (DECSCUSR); else they are the viewer's. */
	bool styled;
	bool blink;
	enum term_shape shape;
};

void term_cursor(const struct term *t, struct term_cursor *cursor);

/*
 * The title the guest gave its window: UTF-8 without control characters,
 * under 256 bytes, "" if none. Owned by the term, valid until the next call
 * that is not only reading.
 */
const char *term_title(const struct term *t);

bool term_is_alternate(const struct term *t);

/*
 * Damage: which rows of the screen changed since term_damage_clear(). A new
 * term, a resize and a scrolled screen have all rows damaged.
 */
bool term_damaged(const struct term *t); /* a row, or the cursor */
bool term_row_damaged(const struct term *t, unsigned row);
void term_damage_clear(struct term *t);

/* Keys. Modifiers are or-ed together. */
#define TERM_SHIFT 1u
#define TERM_ALT   2u
#define TERM_CTRL  4u

enum term_key {
	TERM_KEY_ENTER,
	TERM_KEY_TAB,
	TERM_KEY_BACKSPACE,
	TERM_KEY_ESCAPE,
	TERM_KEY_UP,
	TERM_KEY_DOWN,
	TERM_KEY_LEFT,
	TERM_KEY_RIGHT,
	TERM_KEY_INSERT,
	TERM_KEY_DELETE,
	TERM_KEY_HOME,
	TERM_KEY_END,
	TERM_KEY_PAGE_UP,
	TERM_KEY_PAGE_DOWN,
	TERM_KEY_F0 /* TERM_KEY_F0 + n is Fn; see term_key() */
};

/*
 * Sends a key as xterm does, in the mode the guest asked for (application
 * cursor keys). F13 to F24 are shift with F1 to F12, F25 to F36 ctrl, F37 to
 * F48 both, as terminfo counts them for xterm. Unknown keys send nothing.
 */
void term_key(struct term *t, unsigned key, unsigned mods);

/*
 * Sends a typed character in UTF-8. ctrl gives the control character where
 * there is one (ctrl-a is 1, ctrl-space 0, ctrl-? 127) and else nothing more;
 * alt puts an ESC before it; shift is already in ch. A ch below 32 goes as it
 * is, so a viewer whose own terminal delivers control characters passes them
 * on unchanged.
 */
void term_char(struct term *t, uint32_t ch, unsigned mods);

/*
 * Sends text from a clipboard: bracketed if the guest asked for it, line ends
 * as CR, control characters but TAB left out.
 */
void term_paste(struct term *t, const char *text, size_t len);

enum term_mouse_mode {
	TERM_MOUSE_NONE, /* the mouse is the viewer's */
	TERM_MOUSE_CLICK,
	TERM_MOUSE_DRAG,
	TERM_MOUSE_MOVE
};

/* What the guest wants to hear of the mouse. */
enum term_mouse_mode term_mouse_mode(const struct term *t);

enum term_mouse_event {
	TERM_MOUSE_PRESS,
	TERM_MOUSE_RELEASE,
	TERM_MOUSE_MOTION /* the button does not matter */
};

/*
 * Tells the guest what the mouse did at a place on the screen, if it asked
 * for that. Buttons: 1 left, 2 middle, 3 right, 4 wheel up, 5 wheel down.
 */
void term_mouse(struct term *t, enum term_mouse_event event, unsigned row,
    unsigned col, unsigned button, unsigned mods);

/* Tells the guest, if it asked, that its pane has the keyboard or lost it. */
void term_focus(struct term *t, bool in);

#endif
