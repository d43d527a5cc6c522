/*
 * theme.h: what things look like: styles by meaning, not by place.
 *
 * Every style shows its meaning without colour too (bold, underline,
 * reverse); colours are the terminal's own 16 on its own background, unless
 * the section [theme] has others:
 *
 *	[theme]
 *	colours = light		dark, light, mono, or auto: what fits
 *	borders = double	line, double, ascii or none
 *	running = 34 bold	any style: [COLOUR] [on COLOUR] [bold dim ...]
 *
 * theme_look(), theme_use() and theme_borders(): main thread; the rest is pure.
 */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdbool.h>

struct config;
struct config_key;

enum style {
	STYLE_PLAIN,
	STYLE_FAINT, /* units, hints, what is off */
	STYLE_LINE, /* separators */
	STYLE_LINE_FOCUS, /* of the pane that has the keyboard */
	STYLE_NAME, /* of the program, the host, a column */
	STYLE_TITLE,
	STYLE_TITLE_FOCUS, /* where the keyboard is */
	STYLE_SELECTED,
	STYLE_RUNNING,
	STYLE_PAUSED,
	STYLE_STOPPED,
	STYLE_CRASHED,
	STYLE_CHANGING, /* starting, stopping */
	STYLE_SPARK,
	STYLE_BAR,
	STYLE_KEY, /* a key's name on the bottom line */
	STYLE_ERROR,
	STYLE_NEWS, /* a message that is no error */
	STYLE_QUESTION,
	STYLE_ALERT, /* something happened there */
	STYLE_TOO, /* typing goes there too */
	STYLE_RECORD, /* it is being recorded */
	STYLE_CHOSEN, /* selected text */
	STYLE_MATCH, /* of a search */
	STYLE_MATCH_HERE, /* the one that one is at */
	STYLES
};

#define LOOK_BOLD      1u
#define LOOK_DIM       2u
#define LOOK_UNDERLINE 4u
#define LOOK_REVERSE   8u

struct look {
	short fg, bg; /* 0 to 255, -1 the terminal's own */
	unsigned attrs; /* LOOK_... */
};

/* More looks, for cells of guests. */
#define LOOK_ITALIC 16u
#define LOOK_BLINK  32u

/* The look of a style, with or without colours. */
struct look theme_look(enum style style, bool colours);

/* All that [theme] may have, for config_keys(). */
const struct config_key *theme_keys(void);
/* See struct config_screen. */
void theme_judge(const struct config *cfg,
    void (*say)(void *arg, int line, const char *text), void *arg);
/* From now on things look as a configuration without mistakes says. */
void theme_use(const struct config *cfg);

enum theme_borders {
	BORDERS_LINE,
	BORDERS_DOUBLE,
	BORDERS_ASCII,
	BORDERS_NONE
};
enum theme_borders theme_borders(void);

#endif
