/*
 * words.h: a command line as a person types it, taken apart and completed.
 * Pure but for the names it is given; main thread.
 *
 *	start -w "my guest" a\ b	three words behind the command
 */
#ifndef TUI_WORDS_H
#define TUI_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/error.h"

#define WORDS_MAX 64

struct model;

struct words {
	char *word[WORDS_MAX + 1]; /* ended by NULL; owned */
	int count;
	size_t start; /* where the last one begins in the line */
	bool open; /* the line ends in the last one, not behind it */
};

/*
 * Splits as a shell does, with "", '' and \, and nothing else of it. Returns
 * 0, or -1 with a sentence (an open quote, too many words); with an open quote
 * the words are there all the same.
 */
int words_split(const char *line, struct words *w, struct error *err);
void words_free(struct words *w);
/* Writes a word so that words_split() reads it back; returns buf. */
const char *words_quote(const char *word, char *buf, size_t len);

/* What the last word of a line may be. */
enum words_kind {
	WORDS_NONE,
	WORDS_COMMAND,
	WORDS_ARGUMENT,
	WORDS_GUEST,
	WORDS_SWITCH,
	WORDS_FILE
};
enum words_kind words_expected(const struct words *w);

/*
 * Calls with each word that the last one of the line may become: commands,
 * options and small words of the command's usage, names of guests. Files and
 * switches are the caller's to look up.
 */
void words_complete(const struct words *w, const struct model *m,
    void (*each)(const char *word, void *arg), void *arg);

#endif
