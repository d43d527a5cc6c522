/*
 * ui.h: the parts of the screen, as views and actions see them.
 *
 *	screen.c    the loop: keys in, frames out
 *	wire.c      the backend: model.c is what it said
 *	view_*.c    what fills the screen; a table of them in view.c
 *	pane.c      a guest's console; console.c the keyboard in the one
 *	            beside the list, tiles.c the many of the second view
 *	look_*.c    looking back in it: search, selection, files
 *	window.c    what guests may do to the person's terminal
 *	actions.c   what keys do to guests
 *	form*.c     definitions, field by field, over the right of a view
 *	images.c    the disk images there are; tasks.c works at them
 *	logs.c      what the backend, guests and screen had to say
 *	editor.c    the person's own editor, in place of the screen
 *	commands.c  the prompt ":"; job.c runs, words.c splits, complete.c
 *	waiting.c   what is not answered yet
 *	prompt.c, message.c, sheet.c, top.c, bottom.c   what is around a view
 *
 * One struct ui, made and freed by screen.c; everything on its thread.
 */
#ifndef TUI_UI_H
#define TUI_UI_H

#include <event2/event.h>

#include "tui/around.h"
#include "tui/commands.h"
#include "tui/console.h"
#include "tui/editor.h"
#include "tui/form.h"
#include "tui/images.h"
#include "tui/layout.h"
#include "tui/logs.h"
#include "tui/look.h"
#include "tui/message.h"
#include "tui/model.h"
#include "tui/pane.h"
#include "tui/prompt.h"
#include "tui/raw_view.h"
#include "tui/sheet.h"
#include "tui/size.h"
#include "tui/switches.h"
#include "tui/tasks.h"
#include "tui/tiles.h"
#include "tui/view.h"
#include "tui/waiting.h"
#include "tui/window.h"
#include "tui/wire.h"
#include "tui/work.h"

/* What has to be drawn again. */
#define DIRTY_TOP     1u
#define DIRTY_BODY    2u /* all of the view but the console's text */
#define DIRTY_CONSOLE 4u /* what changed of the console's text */
#define DIRTY_BOTTOM  8u
#define DIRTY_ALL     31u /* all of it, from an empty screen */

/*
 * Priorities of events, so that a console that floods never delays a key:
 * libevent runs a lower one only when no higher one waits.
 */
enum { PRIORITY_KEYS, PRIORITY_FRAME, PRIORITY_CONSOLE, PRIORITIES };

struct ui {
	struct event_base *base;
	struct model *model;
	struct wire *wire;
	struct panes *panes;
	struct layout layout;
	const struct view *view;
	struct guests_view guests; /* view_guests.c */
	struct console console;
	struct consoles consoles; /* view_consoles.c */
	struct size size;
	struct prompt prompt;
	struct message message;
	struct bottom bottom;
	struct sheet sheet;
	struct form form;
	struct deletion *deletion; /* that is asked about; form_guest.c */
	struct looks looks;
	struct window window;
	struct editor *editor; /* has the terminal; NULL: it is ours */
	struct works *works; /* what may wait for a disk */
	struct waiting waiting;
	struct tasks tasks; /* on images, that go on */
	struct images images;
	struct images_view images_view;
	struct commands commands;
	struct raw_view raw; /* view_config.c */
	struct logs logs;
	struct switches switches;
	struct switches_view switches_view;
	struct log_view log; /* view_log.c */
	struct dashboard_view dashboard; /* view_dashboard.c */
	const char *config; /* -f, or NULL */
	unsigned dirty;
	struct event *frame; /* the timer of the next frame */
	struct event *writable; /* while the last one is not out */
	int64_t drawn; /* when the last one was, monotonic ms */
	int64_t rang; /* when the terminal last beeped */
	char complained[256]; /* the mistake that was last shown */
	char settings_why[512]; /* the same of settings.c */
	bool mouse; /* it is the screen's, not the terminal's */
};

/* Asks for a frame, soon, in which that is drawn. */
void ui_dirty(struct ui *ui, unsigned what);
/* The layout anew: the size, the focus or the guests changed. */
void ui_layout(struct ui *ui);
/* A sentence on the bottom line until the next key. */
void ui_say(struct ui *ui, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void ui_error(struct ui *ui, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Shows another view. */
void ui_turn(struct ui *ui, const struct view *view);
/* While the terminal is lent: no keys are read and nothing is drawn. */
void ui_away(struct ui *ui, bool away);
/* Ends the loop. */
void ui_quit(struct ui *ui);
/* Stops the process as ctrl-z does, and draws all when it goes on. */
void ui_suspend(struct ui *ui);
/* The terminal forgets and gets everything again. */
void ui_redraw(struct ui *ui);

/* The guest that actions are about, or NULL. */
struct guest *ui_guest(const struct ui *ui);

#endif
