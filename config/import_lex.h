/*
 * import_lex.h: the words of a vm.conf(5). Private to config/import*.c.
 *
 * Macros are expanded and included files read on the way, so that the grammar
 * sees one stream of tokens, each with the place it came from.
 */
#ifndef CONFIG_IMPORT_LEX_H
#define CONFIG_IMPORT_LEX_H

#include <sys/types.h>

#include <stdbool.h>

#include "config/import.h"

enum lex_kind {
	LEX_END,
	LEX_NEWLINE,
	LEX_WORD, /* not quoted: a keyword, a number, a name */
	LEX_STRING, /* quoted */
	LEX_OPEN, /* { */
	LEX_CLOSE, /* } */
	LEX_EQUALS,
	LEX_COMMA,
	LEX_BAD, /* what was wrong with it is said already */
};

struct lex_place {
	int file; /* index into lex.files */
	int line; /* from 1 */
};

struct lex_token {
	enum lex_kind kind;
	struct lex_place place;
	char text[IMPORT_WORD_MAX + 1]; /* of words and strings */
};

struct lex_file {
	char *path; /* for messages */
	char *text; /* NULL once it is read to its end */
	size_t len, at;
	int line;
	dev_t dev;
	ino_t ino; /* 0: no file */
};

struct lex_macro {
	char *name, *value;
};

struct lex {
	struct config_import *im; /* where mistakes go */
	bool includes; /* allowed */
	/* The files so far; those that are open, innermost last. */
	struct lex_file files[IMPORT_FILES_MAX];
	int nfiles;
	int open[IMPORT_DEPTH_MAX];
	int depth;
	size_t bytes; /* of all files */
	struct lex_macro macros[IMPORT_MACROS_MAX];
	size_t nmacros;
	unsigned expanded;
	const char *macro; /* the rest of the value being read, or NULL */
	bool peeked; /* token is to be given once more */
	struct lex_token token;
};

/* lex is zeroed first. Opens the file; 0, or -1 with a mistake. */
int lex_open(struct lex *lex, const char *path);
/* The same with a text, which is copied. */
void lex_open_string(
    struct lex *lex, const char *text, size_t len, const char *path);
void lex_close(struct lex *lex);

/* The next token, valid until the next call. */
const struct lex_token *lex_next(struct lex *lex);
/* The same, over the ends of lines. */
const struct lex_token *lex_next_over(struct lex *lex);
/* Gives the last token once more. */
void lex_back(struct lex *lex);

/* Reads a file from here on, and comes back at its end. */
void lex_include(
    struct lex *lex, const char *path, const struct lex_place *from);
/* Defines a macro, or defines it anew. */
void lex_define(struct lex *lex, const char *name, const char *value,
    const struct lex_place *place);

/* Notes a mistake, or counts it when there are enough. */
void lex_mistake(struct lex *lex, const struct lex_place *place,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Between import_file.c and import_lex.c: the file being read (NULL at the
 * end of all), back to the one that included it, and the value of a macro
 * (NULL, and a mistake, if there is none).
 */
struct lex_file *lex_innermost(struct lex *lex);
void lex_leave(struct lex *lex);
const char *lex_macro(
    struct lex *lex, const char *name, const struct lex_place *place);

/* Ends the reading early: there is no sense in going on. */
void lex_stop(struct lex *lex);

#endif
