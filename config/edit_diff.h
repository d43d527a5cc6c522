/*
 * edit_diff.h: two texts line by line, for showing what an edit changes or
 * what somebody else wrote. Pure; any thread.
 */
#ifndef CONFIG_EDIT_DIFF_H
#define CONFIG_EDIT_DIFF_H

#include <stddef.h>

enum edit_diff_what { EDIT_SAME, EDIT_GONE, EDIT_NEW };

struct edit_diff_line {
	enum edit_diff_what what;
	const char *text; /* into the text it is of, without its line end */
	size_t len;
	int line; /* in the new text; of one that is gone, in the old */
};

/*
 * The lines of both, in order, those that are gone before those in their
 * place: an array of *count for free(), as few changes as there can be (up to
 * some hundred; beyond that whatever differs is one change). Lines that differ
 * in their ends only are the same.
 */
struct edit_diff_line *edit_diff(const char *old_text, size_t old_len,
    const char *new_text, size_t new_len, size_t *count);

#endif
