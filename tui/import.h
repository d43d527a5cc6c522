/*
 * import.h: an OpenBSD vm.conf(5) taken over: read beside the loop, its
 * counterpart is put into the view of the configuration, where it is saved
 * like anything that was typed there. Main thread.
 */
#ifndef TUI_IMPORT_H
#define TUI_IMPORT_H

struct ui;

/* Asks which file. */
void import_prompt(struct ui *ui);

#endif
