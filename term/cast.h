/*
 * cast.h: a terminal's output as asciicast v2 wants it
 * (docs.asciinema.org/manual/asciicast/v2): JSON strings of valid UTF-8, and
 * a beginning that shows what was there before. Pure, for the term's thread.
 */
#ifndef TERM_CAST_H
#define TERM_CAST_H

#include "term.h"

/* A character that the end of the last output cut. */
struct cast {
	unsigned char part[4];
	unsigned n;
};

/* Room for what cast_text() makes of len bytes. */
#define CAST_BYTES(len) (((size_t)(len) + 4) * 6)

/*
 * Writes the output as the inside of a JSON string to out, which has
 * CAST_BYTES(len); returns its length. What is no UTF-8 becomes U+FFFD, as a
 * terminal shows it; a character that is not whole waits for the next call.
 */
size_t cast_text(struct cast *c, const char *bytes, size_t len, char *out);

/*
 * Gives put() output that makes a new terminal of the same size look as t
 * does now: the screen's cells, the cursor, the pen, which of the two screens
 * it is. Pieces end anywhere but within a character or a sequence.
 */
void cast_screen(const struct term *t,
    void (*put)(const char *bytes, size_t len, void *arg), void *arg);

#endif
