/*
 * edit_text.h: the text of an edit as lines and sections. Private to config/.
 *
 * A section's block is what goes with it when it goes:
 *
 *	# right above: its own               <- head
 *	[vm a]                               <- line
 *	memory = 512M
 *	# between: its own
 *	disk = a.img                         <- last
 *	# right below, a blank line after    <- tail
 *	                                     <- end: blank lines too
 *	# right above the next: not its own
 *	[vm b]
 */
#ifndef CONFIG_EDIT_TEXT_H
#define CONFIG_EDIT_TEXT_H

#include "config/edit.h"

struct edit {
	char *path;
	char *text; /* with a zero byte behind it */
	size_t len;
	char *base;
	size_t base_len;
	bool missing; /* base: there was no file */
	char *theirs; /* NULL: nothing */
	size_t theirs_len;
	bool theirs_missing;
	struct config *read; /* its sections, of the text as it is now */
	size_t mistakes; /* in single lines of it */
};

/* Half open ranges of lines, from 1. */
struct edit_block {
	int head, line, last, tail, end;
};

/* The offset of a line, from 1; that of the end for lines behind it. */
size_t edit_offset(const struct edit *, int line);
/* How many lines; a last one without a newline counts. */
int edit_lines(const struct edit *);
/* The length of a line without its "\n" or "\r\n"; *at is its offset. */
size_t edit_bare(const struct edit *, int line, size_t *at);

/*
 * The line end in front of an offset, else the first one that there is, or
 * was when the file was read.
 */
const char *edit_line_end(const struct edit *, size_t at);

/* Puts n bytes in place of del bytes at an offset. */
void edit_splice(
    struct edit *, size_t at, size_t del, const char *bytes, size_t n);

/*
 * Inserts whole lines, without a newline behind the last, in front of a line
 * (one behind the last: at the end), with the line ends that the text has
 * there.
 */
void edit_insert(struct edit *, int line, const char *lines);

/* Takes the lines out from first up to but not last. */
void edit_cut(struct edit *, int first, int last);

/* Reads the text again. Returns whether every line can be read. */
bool edit_read(struct edit *);

/* NULL: there is no such section. */
struct config_section *edit_section(
    const struct edit *, enum config_section_kind kind, const char *name);
struct edit_block edit_block(
    const struct edit *, const struct config_section *sec);

/* Where in a line a value stands: at and n bytes; *bare: there is none yet. */
void edit_value_place(
    const struct edit *, int line, size_t *at, size_t *n, bool *bare);

/*
 * A line for a key that the section has not yet, or a further one: behind the
 * others of it, else where the order of the table says.
 */
void edit_add_line(struct edit *, const struct config_section *sec,
    const char *key, const char *value);
/* Puts another value into a line; the rest of it stays. */
void edit_change_line(struct edit *, int line, const char *value);

/* "[vm a]" for sentences. Returns buf. */
const char *edit_title(
    enum config_section_kind kind, const char *name, char *buf, size_t len);

/*
 * For operations. begin: -1 with a sentence where the text has lines that
 * cannot be read, else what it was is remembered. reread: reads it again; -1
 * with a sentence as above. end: puts it back where r is -1; returns r.
 */
struct edit_before {
	char *text;
	size_t len;
};
int edit_begin(
    const struct edit *, struct edit_before *before, struct error *err);
int edit_reread(struct edit *, struct error *err);
int edit_end(struct edit *, struct edit_before *before, int r);

/*
 * The whole file, for free(), with a zero byte behind it. A file that is not
 * there is empty and *missing. Returns 0, or -1 with a sentence.
 */
int edit_read_file(const char *path, char **text, size_t *len, bool *missing,
    struct error *err);

#endif
