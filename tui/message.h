/*
 * message.h: the sentence on the bottom line, until the next key. Main thread.
 */
#ifndef TUI_MESSAGE_H
#define TUI_MESSAGE_H

#include <stdarg.h>
#include <stdbool.h>

struct ui;

struct message {
	char text[1024]; /* "" if there is none */
	bool error;
};

void message_set(struct message *m, bool error, const char *fmt, va_list ap);
/* Returns whether there was one. */
bool message_clear(struct message *m);
/* Lines it takes on this screen; 0 if there is none. */
int message_lines(const struct ui *ui);
/* Draws it over the last lines of the screen. */
void message_draw(struct ui *ui);

#endif
