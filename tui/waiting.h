/*
 * waiting.h: what a person asked for and was not answered yet, by the backend
 * (wire.h) or a command of the prompt (commands.h): said on the first line
 * once it takes longer than a moment, and given up by a key. Main thread.
 */
#ifndef TUI_WAITING_H
#define TUI_WAITING_H

struct event;
struct ui;

struct waiting {
	struct event *timer; /* while something waits, each second */
};

int waiting_begin(struct ui *ui);
void waiting_end(struct ui *ui);
/* Something begins or ends to be waited for. */
void waiting_changed(struct ui *ui);
/* For how many whole seconds, 0: not, or only just. */
unsigned waiting_seconds(const struct ui *ui);
/* For the table of keys: NULL if there is something to be given up. */
const char *waiting_refuse(struct ui *ui);
void waiting_give_up(struct ui *ui);

#endif
