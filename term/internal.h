/*
 * internal.h: a terminal's parts. Internal to term/.
 *
 *	term_input()  ->  filter.c  ->  libvterm's state layer  ->  state.c
 *	                     |                                         |
 *	                     +------- plain text, colours -------->  grid.c
 *
 * filter.c cuts the guest's bytes into text, controls and whole sequences and
 * hands on only what libvterm 0.1.4 survives. libvterm knows what they mean
 * and where the cursor is; state.c applies what it says to the grid. Plain
 * text and SGR, which are most of all output, need no libvterm.
 */
#ifndef TERM_INTERNAL_H
#define TERM_INTERNAL_H

#include <vterm.h>

#include "grid.h"

#define TITLE_MAX   256
#define REPLY_MAX   4096 /* bytes of replies a call of term_input() */
#define COMBINE_MAX 32 /* a longer run of combining characters is cut */

/* Why plain text must go through libvterm; 0 is the usual. */
#define SLOW_INSERT  0x01u
#define SLOW_ORIGIN  0x02u
#define SLOW_MARGINS 0x04u
#define SLOW_G0      0x08u /* G0 is not ASCII */
#define SLOW_SHIFT   0x10u /* another set than G0 is in use */
#define SLOW_SINGLE  0x20u /* for one character */
#define SLOW_PROTECT 0x40u

enum filter_state { GROUND, ESCAPE, CSI, STRING, STRING_ESCAPE };

#define SEQ_MAX    256 /* a control sequence */
#define STRING_MAX 1024 /* kept of an OSC or DCS */
/* Kept of an OSC 52 beyond that: base64 of what may be, and what is before. */
#define CLIP_MAX   ((TERM_CLIPBOARD + 2) / 3 * 4 + 16)
#define STRING_END (1 << 20) /* bytes after which one is given up */

struct filter {
	enum filter_state state;
	char seq[SEQ_MAX]; /* ESC and on: an escape or control sequence */
	unsigned len; /* SEQ_MAX: too long, to be ignored */
	char string[STRING_MAX];
	unsigned string_len; /* kept */
	unsigned string_seen; /* come */
	char *clip; /* all of an OSC 52; NULL: none is coming */
	unsigned clip_len;
	char kind; /* of string: ']' OSC, 'P' DCS, others ignored */
	unsigned char utf8[4]; /* a character cut by the end of input */
	unsigned utf8_len;
	unsigned slow; /* SLOW_... */
};

/*
 * libvterm keeps the last character to add combining ones to it, as many as
 * come, as long as the cursor stands behind it.
 */
struct combine {
	int row, end;
	unsigned chars;
};

/* The character written last: what a wrap and CSI b go by. */
struct last {
	int row, col;
	int end; /* col + width */
	struct cell cell;
	uint32_t comb[TERM_COMBINING];
	bool still; /* the cursor was not moved since */
};

struct term {
	struct grid grid;
	VTerm *vt;
	VTermState *state;
	const struct term_ops *ops;
	void *arg;
	struct filter filter;
	struct cell pen;
	struct cell saved; /* pen, with the cursor */
	unsigned lag; /* columns libvterm's cursor is behind */
	struct last last;
	struct combine combine;
	struct term_cursor cursor;
	bool cursor_dirty;
	bool reverse; /* DECSCNM */
	enum term_mouse_mode mouse;
	char title[TITLE_MAX];
	struct place main_cursor; /* while on the alternate screen */
	bool main_moved; /* main_cursor changed by a resize */
	bool mute; /* what libvterm says now is not for the grid */
	bool quiet; /* no callbacks but damage: a replay */
	bool replying; /* output now is a reply, which is bounded */
	size_t replied;
	bool told; /* damage() was called */
};

/* state.c */
/* Makes libvterm's part; false if memory is short. */
bool state_init(struct term *t);
/* Feeds libvterm what filter.c found harmless. */
void state_feed(struct term *t, const char *bytes, size_t len);
/*
 * Writes plain ASCII at the cursor; it fits before the last column. libvterm
 * hears of it with what it is fed next.
 */
void state_text(struct term *t, const char *text, unsigned n);
/* For where libvterm moves its cursor twice and tells the first only. */
void state_ask_cursor(struct term *t);
/* Whether the cursor waits behind the last column to wrap. */
bool state_pending(const struct term *t);
/* Puts libvterm's cursor to a place of the screen, waiting or not. */
void state_move(struct term *t, unsigned row, unsigned col, bool pending);
void state_resize(struct term *t, unsigned rows, unsigned cols);
/* DECALN: fills the screen with E. */
void state_align(struct term *t);
/* RIS (hard) and DECSTR. */
void state_reset(struct term *t, bool hard);
/* Sends bytes to the guest. */
void term_send(struct term *t, const char *bytes, size_t len);

/* filter.c */
void filter_input(struct term *t, const char *bytes, size_t len);
/* Text of whole valid characters, in pieces libvterm's stack bears. */
void filter_text(struct term *t, const char *text, size_t len);

/* A control sequence, taken apart. */
#define CSI_ARGS    64
#define CSI_MISSING (~0u)

struct csi {
	char lead; /* one of < = > ? or 0 */
	char inter; /* an intermediate byte or 0 */
	char final;
	unsigned args[CSI_ARGS];
	bool joined[CSI_ARGS]; /* a ':' came behind it, not a ';' */
	unsigned n; /* at least 1 */
	bool parts; /* some are joined */
	bool plain; /* may go to libvterm as it came */
};

/* csi.c: a whole control sequence is in the filter's seq. */
void csi_dispatch(struct term *t);
/* Feeds a control sequence made of numbers: "?" 25 "h" for instance. */
void csi_feed(struct term *t, const char *lead, const unsigned *args,
    unsigned n, const char *final);
/* An argument, or otherwise if it is not there. */
unsigned csi_arg(const struct csi *csi, unsigned i, unsigned otherwise);
/* DECSC and DECRC. */
void csi_save(struct term *t);
void csi_restore(struct term *t);

/* sgr.c: sets the pen (SGR). */
void sgr_apply(struct term *t, const struct csi *csi);
/* Answers DECRQSS of SGR. */
void sgr_report(struct term *t);

/* string.c: a whole OSC or DCS is in the filter's string. */
void string_dispatch(struct term *t);
/* A byte of one that is longer than STRING_MAX, or is about to be. */
void string_more(struct term *t, char c);
/* It ended, one way or another. */
void string_forget(struct term *t);

#endif
