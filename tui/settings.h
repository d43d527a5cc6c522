/*
 * settings.h: what the configuration says about the screen itself. Read once
 * at the start; main thread.
 */
#ifndef TUI_SETTINGS_H
#define TUI_SETTINGS_H

#include <stddef.h>

/*
 * Reads [keys] of the configuration (config: its path, NULL: the default one)
 * and tells keys.h. What cannot be used is left at its default, and *why then
 * holds a sentence, else "". Mistakes that make the whole file unreadable are
 * the backend's to tell.
 */
void settings_load(const char *config, char *why, size_t len);

#endif
