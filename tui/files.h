/*
 * files.h: what is in a folder, looked up beside the loop, for completing
 * paths and for the small browser of a form. Main thread.
 */
#ifndef TUI_FILES_H
#define TUI_FILES_H

#include <stddef.h>

struct works;

#define FILES_MAX 10000 /* of a folder; more are not looked at */

struct files {
	char *folder; /* as asked for */
	char **name; /* sorted; those of folders end in "/" */
	size_t count;
	int error; /* errno why it cannot be read; 0 */
};

/*
 * Looks, then calls done once, from the loop; files is freed behind it. "~/"
 * is the person's home, base where relative ones start (NULL: the working
 * folder). Nothing is called if there is no memory.
 */
void files_look(struct works *ws, const char *folder, const char *base,
    void (*done)(const struct files *files, void *arg), void *arg);

#endif
