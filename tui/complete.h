/*
 * complete.h: the tab key in a line of text: what stands in front of the
 * cursor is completed as far as it can be, and what it may become is shown.
 * Main thread.
 */
#ifndef TUI_COMPLETE_H
#define TUI_COMPLETE_H

#include <stddef.h>

struct ui;

/* Of the open prompt, as a command of the command line. */
void complete_command(struct ui *ui);
/*
 * Of the open prompt, as one path that is relative to the folder (NULL: to the
 * working one).
 */
void complete_path(struct ui *ui, const char *folder);
/* Of the configuration's text, at the cursor of its view. */
void complete_config(struct ui *ui);

/*
 * Candidates for a text that begins with n bytes of what is typed: the longest
 * beginning that all of them share, and a list of them for people's eyes.
 */
struct complete {
	char common[1024];
	char list[480];
	size_t count;
};
void complete_begin(struct complete *c);
void complete_add(struct complete *c, const char *word);

#endif
