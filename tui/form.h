/*
 * form.h: a definition of a guest or a switch, edited field by field.
 *
 *	LOADING --> EDITING <--> REVIEW --> SAVING --> closed
 *	                ^                     |
 *	                '------- OTHER <------'   somebody else changed the file
 *
 * A row is one value of a key as it is written in the file; a key that repeats
 * has a row for each value and an empty one behind them. The rows are what the
 * person wants; form_apply() makes the fewest changes to the file's text that
 * say it (config/edit.h). Reading and saving happen beside the loop.
 *
 *	form.c        opening, closing, the rows
 *	form_apply.c  rows to text, and which row a mistake belongs to
 *	form_keys.c   the keyboard while editing
 *	form_pick.c   values to choose from: files, switches, words
 *	form_save.c   what will change, saving, and what others changed
 *	form_draw.c   all of it on the screen
 *	form_disk.c   a new image for a disk
 *	form_look.c   whether the files are there
 *	form_guest.c  clone and delete of a guest or switch
 *
 * Main thread.
 */
#ifndef TUI_FORM_H
#define TUI_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "config/edit.h"
#include "tui/field.h"
#include "tui/keys.h"
#include "tui/pick.h"

struct event;
struct task;
struct ui;

#define FORM_ROWS 128

struct form_row {
	const struct config_key *key; /* NULL: the name */
	char *text; /* as in a file; "" for none; owned */
	char *was; /* what the file has for it, or NULL; owned */
	int from; /* which of the key's values in the file; -1: none */
	char *mistake; /* what is wrong with it, or NULL; owned */
	bool mild; /* it may be saved all the same */
	char *note; /* what its file lacks, or NULL; owned */
};

/* A line of the pages beside the rows: what changes. */
struct form_line {
	enum style style;
	char *text; /* owned */
};

enum form_step {
	FORM_LOADING,
	FORM_EDITING,
	FORM_REVIEW,
	FORM_SAVING,
	FORM_OTHER
};

struct form {
	bool open;
	enum form_step step;
	unsigned visit; /* what was begun for an earlier form comes too late */
	enum config_section_kind kind;
	char name[CONFIG_NAME_MAX + 1]; /* in the file; "": not there yet */
	char like[CONFIG_NAME_MAX + 1]; /* the one it is a copy of, or "" */
	char suggested[CONFIG_NAME_MAX + 16]; /* of a new one's interface */
	char *path;
	struct edit *edit; /* the file as it was read */
	struct edit *result; /* with the rows in it, while there is one */
	struct form_row row[FORM_ROWS];
	size_t rows, at, top;
	struct field field; /* the text of row at, while it is edited */
	char mistake[768]; /* of none of the rows, or "" */
	struct event *check; /* a moment after the last key */
	struct form_line *line; /* REVIEW, OTHER */
	size_t lines, first;
	bool gone; /* OTHER: they took the section out */
	struct pick pick;
	char folder[1024]; /* that the pick shows; "": no folder */
	char begun[1024]; /* of a name in it, as it was typed */
	/* The row that names are looked for, which takes a moment. */
	size_t look_at;
	const struct config_key *look_key;
};

/* Opens it for a section that is there. */
void form_edit(struct ui *ui, enum config_section_kind kind, const char *name);
/* For a new one; like: a copy of that one under another name, or NULL. */
void form_new(struct ui *ui, enum config_section_kind kind, const char *name,
    const char *like);
/* Drops what it has, without a question. */
void form_close(struct ui *ui);
void form_end(struct ui *ui);

void form_draw(struct ui *ui);
/* The keys in force, for the bottom line and the help. */
const struct binding *form_bindings(const struct ui *ui);
void form_key(struct ui *ui, struct key key);
void form_paste(struct ui *ui, const char *text, size_t len);
void form_mouse(struct ui *ui, const struct mouse *m);

/* Deletes the selected guest's definition, or a switch's, after questions. */
void form_delete(
    struct ui *ui, enum config_section_kind kind, const char *name);

void form_delete_end(struct ui *ui);

/* The file that the backend reads, for free(), or NULL. */
char *form_config_path(const struct ui *ui);

/* For the help. */
extern const struct binding form_table[];
extern const struct keytable form_help;
/* Those of its other steps; ended by a NULL title. */
extern const struct keytable form_tables[];

/*
 * --- Between its files ------------------------------------------------
 */

/* The rows anew, as the section in edit says. */
void form_take_rows(struct form *f);
void form_clear_rows(struct form *f);
/* Where a row of the key is, from row i on; f->rows if there is none. */
size_t form_find_row(
    const struct form *f, const struct config_key *key, size_t i);
/* Another text for a row; the empty row of a key that repeats is kept. */
void form_set_row(struct form *f, size_t i, const char *text);
/* A row of the key in front of row i. */
void form_insert_row(
    struct form *f, size_t i, const struct config_key *key, const char *text);
void form_remove_row(struct form *f, size_t i);
/* The keyboard goes to a row. */
void form_go(struct form *f, size_t i);
/* What the row says where it is empty, for people; buf, or "". */
const char *form_fallback(
    const struct form *f, size_t i, char *buf, size_t len);
/* The name that the section shall have. */
const char *form_new_name(const struct form *f);
bool form_changed(const struct form *f);
/* Whether the row's value, or its place among its kind, is another one. */
bool form_row_changed(const struct form *f, size_t i);
/* The folder of the file, absolute; buf. */
const char *form_base(const struct form *f, char *buf, size_t len);

/*
 * The file with the rows in it, for edit_free(), or NULL with a sentence (and
 * *row, that it is about, or f->rows).
 */
struct edit *form_apply(const struct form *f, size_t *row, struct error *err);
/* Finds what is wrong, for each row. Returns whether all is well. */
bool form_check(struct form *f);

/* Lets the person choose the value of the row from what is known. */
void form_choose(struct ui *ui);
/* Whether there is something to choose from. */
bool form_choices(const struct form *f);

/* The path of a row, without quotes and options; buf. */
void form_row_path(const struct form_row *row, char *buf, size_t len);
/* That of the row that has the keyboard. */
void form_disk_path(const struct form *f, char *buf, size_t len);
/* Looks whether the files of all rows are there; notes come a moment later. */
void form_look(struct ui *ui);
/* Another one in its place; the options stay. */
void form_disk_put(struct ui *ui, const char *path);
/* Makes the image that the row names, after asking for its size. */
const char *form_disk_refuse(struct ui *ui);
void form_disk_make(struct ui *ui);
/* What works at the row's image, or NULL. */
struct task *form_disk_task(struct ui *ui);
const char *form_disk_stop_refuse(struct ui *ui);
void form_disk_stop(struct ui *ui);

/* Shows what would change, and asks. */
void form_review(struct ui *ui);
void form_save(struct ui *ui);
void form_keep(struct ui *ui);
void form_reload(struct ui *ui);
void form_clear_lines(struct form *f);

#endif
