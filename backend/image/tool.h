/*
 * tool.h: what the image commands share: what they print, how they are
 * interrupted, how a new file comes to be. Nobody else includes it.
 *
 *	main.c ─▶ create.c list.c info.c check.c map.c resize.c convert.c …
 *	               │
 *	               ├─ newfile.c   a file that appears whole or not at all
 *	               ├─ layout.c    an empty qcow2 image
 *	               ├─ chain.c     an image and those below it, for looking
 *	               └─ progress.c  how far, and ctrl-C
 */
#ifndef BACKEND_IMAGE_TOOL_H
#define BACKEND_IMAGE_TOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/block/block.h"

#define TOOL_USAGE 2 /* exit status: used in a wrong way */

/* One command: argv[0] is its name. Each returns the exit status. */
int create_command(int argc, char **argv);
/* config is -f of vmtui, or NULL. */
int list_command(const char *config, int argc, char **argv);
int info_command(int argc, char **argv);
int check_command(int argc, char **argv);
int map_command(int argc, char **argv);
int resize_command(int argc, char **argv);
int convert_command(int argc, char **argv);
int commit_command(int argc, char **argv);
int rebase_command(int argc, char **argv);
int delete_command(int argc, char **argv);

/* Prints "vmtui: …" and returns 1. */
int tool_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for a command that was used in a wrong way: TOOL_USAGE. */
int tool_misuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/*
 * The sentence for reading or writing that failed; result is a negative errno.
 * Returns -1.
 */
int tool_io_failed(
    const char *path, bool writing, int result, struct error *err);
/* Prints obj, indented, and frees it. Returns 0, or 1 after saying why not. */
int tool_print_json(json_t *obj);
/* "16G" or "1000 bytes". Returns buf. */
const char *tool_size(uint64_t bytes, char *buf, size_t len);

/*
 * Reads -f, --json and -r, the latter two unless they are NULL; optind is behind them.
 * Returns how many arguments are left, or -1 after saying what was wrong.
 */
int tool_options(
    int argc, char **argv, enum block_format *format, bool *json, bool *repair);
/*
 * Reads a format as -f takes it: "raw", "qcow2". Returns 0, or -1 after saying
 * what there is.
 */
int tool_format(const char *text, enum block_format *format);
const char *tool_format_name(enum block_format format);
/* The format that a new image of this name has where none was stated. */
enum block_format tool_format_of_name(const char *path);

/*
 * A file that is made under no name, and takes its own when it is whole:
 * whatever ends the process before leaves nothing. Where the file system
 * cannot do that it has a name of its own in the same folder, which only a
 * kill or a crash leaves behind.
 */
struct newfile {
	int fd, folder;
	char *path;
	const char *name; /* in path */
	char temporary[300]; /* "": it has no name yet */
};

/*
 * Makes the file, empty, for reading and writing by its owner alone. Returns
 * 0, or -1 with a sentence; also if the path is taken already.
 */
int newfile_open(struct newfile *f, const char *path, struct error *err);
/*
 * Puts the file on stable storage and gives it its name, unless something else
 * took that meanwhile. Closes it either way. Returns 0, or -1 with a sentence.
 */
int newfile_finish(struct newfile *f, struct error *err);
/* Forgets the file. */
void newfile_abandon(struct newfile *f);

/*
 * From here on ctrl-C (or a hang-up, or SIGTERM) is a question that
 * interrupted() answers; pressed twice it ends the process at once.
 */
void interrupt_begin(void);
bool interrupted(void);

/*
 * How far a command is, on the standard error output, ten times a second: if
 * that is a terminal, from the first second on; if $VMTUI_PROGRESS is set, as
 * lines for a program to read, "progress: DONE TOTAL WHAT", from the first on.
 */
struct progress {
	const char *what; /* "converting" */
	uint64_t done, total; /* bytes */
	uint64_t began, said; /* ns */
	bool shown;
	bool lines; /* for a program */
};
void progress_begin(struct progress *p, const char *what, uint64_t total);
void progress_add(struct progress *p, uint64_t bytes);
/* Wipes the line. */
void progress_end(struct progress *p);
/* Nanoseconds since some moment. */
uint64_t progress_now(void);

#endif
