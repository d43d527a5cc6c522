/*
 * import.h: OpenBSD's vm.conf(5) read, and written as a configuration of ours.
 *
 *	vm.conf --import_lex.c--> words, macros and includes resolved
 *	        --import.c, ----> statements: the global ones, switches
 *	          import_vm.c     and guests
 *	        --import_out.c--> lines of our own, each of which knows the
 *	                          line of vm.conf that it came from
 *	        --config_load_string(): what is wrong with those is said of
 *	                          the line in vm.conf
 *
 * Both spellings are read, that of 2017 ("kernel", "add") and today's. What
 * has no counterpart here becomes a comment that says so, so a result always
 * passes vmtui check. Every mistake is collected, as for our own files.
 *
 * User: vmtui import. No globals; any thread on data of its own.
 */
#ifndef CONFIG_IMPORT_H
#define CONFIG_IMPORT_H

#include <stddef.h>

#define IMPORT_DEPTH_MAX    16 /* files included in each other */
#define IMPORT_FILES_MAX    64 /* in all */
#define IMPORT_MACROS_MAX   512
#define IMPORT_EXPAND_MAX   10000 /* uses of macros */
#define IMPORT_WORD_MAX     1023 /* bytes in a word */
#define IMPORT_MISTAKES_MAX 100 /* kept; the rest are only counted */

struct config_import {
	char *text; /* ours, ends in a zero byte; NULL if there are mistakes */
	size_t len;
	char **mistakes; /* "FILE:LINE: sentence" */
	size_t nmistakes;
	size_t dropped; /* mistakes beyond IMPORT_MISTAKES_MAX */
};

/*
 * Reads path and what it includes (relative paths start in the folder of the
 * file that includes). to is where the result will be, for its relative paths;
 * NULL: the current folder. Returns 0 with a text, or -1 with mistakes; *im is
 * for config_import_clear() in both cases and need not be zeroed before.
 */
int config_import(const char *path, const char *to, struct config_import *im);

/* The same from a text of len bytes, which may not include any file. */
int config_import_string(const char *text, size_t len, const char *path,
    const char *to, struct config_import *im);

void config_import_clear(struct config_import *im);

#endif
