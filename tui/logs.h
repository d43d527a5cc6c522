/*
 * logs.h: what the backend, the guests and this screen had to say, as one list
 * by time. The backend hands out its files (proto.h, "log"); they are read
 * from their ends and followed while somebody looks. Main thread.
 */
#ifndef TUI_LOGS_H
#define TUI_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/model.h"

struct event;
struct ui;

#define LOGS_LINES   20000 /* kept */
#define LOGS_SOURCES 200
#define LOGS_OWN     500 /* lines of the screen's own */
#define LOGS_TAIL    (128 << 10) /* bytes of each file at first */

enum { LOGS_SCREEN, LOGS_BACKEND, LOGS_GUESTS }; /* from there: guests */

struct log_line {
	int64_t when; /* ms since 1970 */
	unsigned long order; /* as they came */
	unsigned source;
	bool bad; /* a warning or an error */
	char *text; /* without the time and the "warning: " */
};

struct log_source {
	char name[MODEL_NAME_MAX + 1];
	int fd; /* -1: none yet */
	bool asked; /* the answer is on its way */
	long tried; /* its process when there was no log; -1: never */
	long long at; /* read up to there */
	int64_t when; /* of its last line */
	bool begun; /* its first, perhaps half, line was left out */
	char part[1024]; /* of a line that has no end yet */
	size_t len;
};

struct logs {
	struct log_source source[LOGS_SOURCES];
	unsigned sources;
	struct log_line *line; /* by time */
	size_t lines, room;
	unsigned long order;
	struct event *timer; /* to look again; NULL: nobody looks */
	unsigned visit; /* answers of an earlier one come too late */
};

/* An error that the screen showed. */
void logs_note(struct ui *ui, const char *text);
/* Somebody looks, or no more: then only the screen's own lines are kept. */
void logs_begin(struct ui *ui);
void logs_end(struct ui *ui);
/* The guests may be others. */
void logs_update(struct ui *ui);
/* Frees all. */
void logs_clear(struct ui *ui);

#endif
