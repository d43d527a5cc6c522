/*
 * work.h: what may wait for a disk, beside the screen's loop: each on a thread
 * of its own. Started and told on the main thread.
 */
#ifndef TUI_WORK_H
#define TUI_WORK_H

struct event_base;
struct works;

/* NULL: no memory. */
struct works *works_new(struct event_base *base);
/*
 * Waits a moment for those that still run; done is called for each that ends
 * in time.
 */
void works_free(struct works *ws);

/*
 * Calls run(arg) on a thread, then done(arg) on the loop; arg is theirs alone
 * meanwhile. Returns -1, and calls neither, if there is no thread to be had.
 */
int work_start(struct works *ws, void (*run)(void *arg),
    void (*done)(void *arg), void *arg);

#endif
