/*
 * save.h: a terminal's text into a file, some lines at a time, while the
 * guest prints on. Main thread.
 */
#ifndef TUI_SAVE_H
#define TUI_SAVE_H

#include "term/select.h"

struct event_base;
struct sink;
struct save;

/*
 * Saves the text from..to (in order, both included); the sink is the save's
 * then, and closed when all is in it. ended is told before that, and is to
 * save_free(). Lines that the terminal drops before their turn are left out.
 * NULL: no memory, and the sink is closed.
 */
struct save *save_new(struct event_base *base, int priority,
    const struct term *t, struct term_place from, struct term_place to,
    struct sink *sink, void (*ended)(void *arg), void *arg);
/* Ends it, also too early. NULL is fine. */
void save_free(struct save *s);
/*
 * Two places that a change of the terminal's size has to translate; NULL has
 * none. Returns how many were put into places.
 */
unsigned save_places(struct save *s, struct term_place **places);

#endif
