/* around.h: the first and the last line, around every view. Main thread. */
#ifndef TUI_AROUND_H
#define TUI_AROUND_H

#include <stdint.h>

#include "tui/keys.h"

struct ui;
struct view;

#define BOTTOM_SPOTS 32

/* The last line as last drawn: what stands where, for the mouse. */
struct bottom {
	struct bottom_spot {
		int x, w;
		struct key key; /* code 0: it is a view */
		const struct view *view;
	} spot[BOTTOM_SPOTS];
	int spots;
	bool pressed; /* the button went down there */
	uint64_t asks; /* which question is drawn; 0: none */
	int64_t since; /* when it was, in ms of clock.h */
};

/* The host: name, guests by state, CPU and memory. */
void top_draw(struct ui *ui);
/*
 * The prompt, or the message, or the keys that do something now: those of
 * the table in force, then those of the global one.
 */
void bottom_draw(struct ui *ui, const struct binding *global);

/*
 * What is drawn at w columns from x of the last line is to be clicked: a key,
 * or (key.code 0) a view.
 */
void bottom_spot(
    struct ui *ui, int x, int w, struct key key, const struct view *view);

/*
 * Whether a button that goes down on the line now was meant for what stood
 * there before its question did: the second click of two must not answer it.
 */
bool bottom_too_soon(const struct ui *ui);
/*
 * What a click on the last line stands for: the key of what is written there,
 * code 0 if nothing is, or another view, which is turned to.
 */
struct key bottom_click(struct ui *ui, int col);

#endif
