/*
 * record.h: a console's output into an asciicast v2 file
 * (docs.asciinema.org/manual/asciicast/v2), which asciinema plays: a header
 * line, then an event a line, "o" for output and "r" for a new size. Main
 * thread.
 */
#ifndef TUI_RECORD_H
#define TUI_RECORD_H

#include <stddef.h>

#include "term/term.h"

struct sink;
struct record;

/*
 * Begins with what the terminal shows now; title is the file's. The sink is
 * the record's then. NULL: no memory, and the sink is closed.
 */
struct record *record_new(
    struct sink *sink, const struct term *t, const char *title);
/* -1: the file failed, what comes is lost; record_free() it. */
int record_output(struct record *r, const char *bytes, size_t len);
int record_size(struct record *r, unsigned rows, unsigned cols);
/* Ends the recording and its sink. NULL is fine. */
void record_free(struct record *r);

#endif
