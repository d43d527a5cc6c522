/*
 * sizes.h: how large hvc0 is. Several screens may have the keyboard in one
 * guest's console; each tells the size of its pane there (console-size), and
 * takes it back when the keyboard leaves or by being gone.
 *
 *	screen A   hvc0   24 x 80   ┐
 *	screen B   hvc0   50 x 200  ├─ the largest of those on hvc0, else the
 *	screen C   ttyS0  60 x 250  ┘  largest: 50 x 200
 *
 * So a small pane does not shrink what somebody else works in; it shows the
 * part around the cursor. Where nobody says anything the size stays.
 */
#ifndef BACKEND_SUPERVISOR_SIZES_H
#define BACKEND_SUPERVISOR_SIZES_H

#include "backend/supervisor/process.h"

/* Rows and columns are from 1 to this. */
#define SIZES_MAX 4096

/*
 * The client's pane of the guest, which runs, is that large now, on hvc0 or
 * not; in place of what it told before. Screens hear of it if that changes the
 * size, the guest with sizes_send(). Returns 0, or -1 with err.
 */
int sizes_told(struct guest *g, const struct client *cl, int64_t rows,
    int64_t cols, bool hvc, struct error *err);
/* Sends the guest its size; answer and arg as in process_call(). */
void sizes_send(struct guest *g, process_answer *answer, void *arg);
/* The client has nothing to say of this guest any more. */
void sizes_take_back(struct guest *g, const struct client *cl);
/* Nor of any other. */
void sizes_client_gone(struct backend *b, const struct client *cl);
/* The guest ended: forgets all, and sends nothing. */
void sizes_forget(struct guest *g);

#endif
