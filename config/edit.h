/*
 * edit.h: changing a configuration file, only the lines concerned.
 *
 * DESIGN.md section 4, "writing back". The file stays text: an operation
 * changes, adds or takes out the lines that say it, and every other byte,
 * comments, order, spacing, line ends, a missing last newline, stays what it
 * was. After each operation the text is read again the way config_load() reads
 * it; if it does not say exactly what was asked for, the operation is undone
 * and refused. A text may be a mistake as a whole between two operations (a
 * switch that is not there yet); edit_check() tells, edit_save() does not ask.
 *
 *	edit_open()      text as read ("base") = text as it is now
 *	edit_set() ...   the text changes
 *	edit_save()      if the file is still the base: replaced at once
 *	                 else: "theirs" is what somebody else wrote meanwhile,
 *	                 and edit_reload() or edit_keep() is the person's choice
 *
 * Used by the screen's forms and its raw editor. An edit belongs to one thread
 * at a time; edit_save() and edit_open() wait for the disk, so the screen calls
 * them from a thread of their own.
 */
#ifndef CONFIG_EDIT_H
#define CONFIG_EDIT_H

#include "config/config.h"

struct edit;

/*
 * --- A file, or a text ------------------------------------------------
 */

/*
 * Reads the file; one that is not there is empty and is made by saving.
 * Returns 0 and an edit for edit_free(), or -1 with a sentence. Mistakes in
 * the file are no failure here: see edit_check().
 */
int edit_open(const char *path, struct edit **, struct error *err);

/* The same from len bytes of text, as if path had held them. */
struct edit *edit_new(const char *path, const char *text, size_t len);
struct edit *edit_copy(const struct edit *);
void edit_free(struct edit *); /* NULL is fine */

const char *edit_path(const struct edit *);
/* The text as it is now; valid until the next operation. *len may be NULL. */
const char *edit_text(const struct edit *, size_t *len);
/* As it was read or saved last. */
const char *edit_base(const struct edit *, size_t *len);
/* What edit_save() found in the file instead; NULL: nothing. */
const char *edit_theirs(const struct edit *, size_t *len);
bool edit_changed(const struct edit *);

/* Another text in place of all of it, as the raw editor does. */
void edit_replace(struct edit *, const char *text, size_t len);

/*
 * Reads and checks the text as config_load_string(): 0 with a model, or -1
 * with every mistake.
 */
int edit_check(
    const struct edit *, struct config **, struct config_mistakes *mistakes);

/*
 * --- What it says -----------------------------------------------------
 *
 * Values are as written in the file, without the comment behind them and with
 * their quotes: what edit_value() gives is what edit_set() takes. name is NULL
 * for the kinds that have none.
 */

bool edit_has(
    const struct edit *, enum config_section_kind kind, const char *name);
/* The name of the i-th section of the kind, in the order of the file. */
const char *edit_name(
    const struct edit *, enum config_section_kind kind, size_t i);
/* How many values a key has in a section; 0 if either is not there. */
size_t edit_count(const struct edit *, enum config_section_kind kind,
    const char *name, const char *key);
/* The nth of them, from 0, or NULL; valid until the next operation. */
const char *edit_value(const struct edit *, enum config_section_kind kind,
    const char *name, const char *key, size_t nth);
/* Its line, from 1, or 0. */
int edit_line(const struct edit *, enum config_section_kind kind,
    const char *name, const char *key, size_t nth);

/*
 * --- Operations -------------------------------------------------------
 *
 * All return 0, or -1 with a sentence and the text as it was.
 */

/*
 * Gives a key its nth value; nth equal to edit_count() adds one (behind the
 * others of the key, else in the order of the table, spaced like the line
 * before it). The section must be there.
 */
int edit_set(struct edit *, enum config_section_kind kind, const char *name,
    const char *key, size_t nth, const char *value, struct error *err);

/* Takes the nth value's line out; the comment on the same line goes too. */
int edit_remove(struct edit *, enum config_section_kind kind, const char *name,
    const char *key, size_t nth, struct error *err);

/* The value (and its comment) from one place among the key's to another. */
int edit_move(struct edit *, enum config_section_kind kind, const char *name,
    const char *key, size_t from, size_t to, struct error *err);

/* An empty section behind the last one of its kind, else at the end. */
int edit_section_add(struct edit *, enum config_section_kind kind,
    const char *name, struct error *err);

/*
 * Another name for a guest or a switch, also in the lines of guests that name
 * it (instance-of, switch=).
 */
int edit_section_rename(struct edit *, enum config_section_kind kind,
    const char *name, const char *to, struct error *err);

/*
 * Takes the section out, with the comments right above it (not those that
 * begin the file) and right below its last line, and the blank lines behind.
 */
int edit_section_remove(struct edit *, enum config_section_kind kind,
    const char *name, struct error *err);

/*
 * A copy under another name, right behind the original. What only one may have
 * is left out: lladdr= and tap= of a guest's interfaces; interface, add,
 * address and nat of a switch.
 */
int edit_section_clone(struct edit *, enum config_section_kind kind,
    const char *name, const char *to, struct error *err);

/*
 * Puts the section (with its comments, as edit_section_remove()) in front of
 * another one of any kind, or at the end of the file where before is NULL.
 */
int edit_section_move(struct edit *, enum config_section_kind kind,
    const char *name, enum config_section_kind before_kind, const char *before,
    bool to_end, struct error *err);

/*
 * --- Values -----------------------------------------------------------
 */

/*
 * Whether the key takes the value, alone, as written in a file; folder as in
 * config_vm_set(). 0, or -1 with a sentence. What depends on other lines
 * (names that must be there) is edit_check()'s.
 */
int edit_value_check(enum config_section_kind kind, const char *key,
    const char *value, const char *folder, struct error *err);

/*
 * A path, in quotes where the rules of the key's values need them; for free().
 * NULL with a sentence where no file can say it (a quote, " ;").
 */
char *edit_quote(const char *path, struct error *err);

/*
 * --- Saving -----------------------------------------------------------
 */

enum edit_saved {
	EDIT_FAILED = -1, /* the file is as it was; a sentence says why */
	EDIT_SAVED = 0, /* the text is the base now */
	EDIT_OTHER = 1 /* somebody else changed the file: see edit_theirs() */
};

/*
 * Writes the text to a new file in the same folder (a symbolic link is
 * followed, the folder made if it is not there), with the mode and the owner of
 * the old one, and puts it in its place: whoever reads sees the old one or the
 * new one, also after a crash. Blocks for the disk.
 */
enum edit_saved edit_save(struct edit *, struct error *err);

/* Takes theirs as text and base: what was changed here is gone. */
void edit_reload(struct edit *);
/* Takes theirs as base only: the next edit_save() writes over it. */
void edit_keep(struct edit *);

#endif
