/*
 * console.h: a console's other end: history and those who watch.
 *
 *	 guest ─port─▶ ring (the history) ─▶ watcher ─▶ socket ─▶ a screen
 *	                     ▲  one position     └─▶ watcher ─▶ socket ─▶ …
 *	 guest ◀port── typed[] ◀─────────────────────┘
 *
 * The port is a serial port (ttyS0) or a virtio console (hvc0).
 *
 *	        oldest kept                     slowest watcher        head
 *	 ring    |──────── history ────────────────|──── not yet read ──|
 *	                                            at most BACKLOG, then the
 *	                                            guest waits
 *
 * There is one buffer: every watcher has a position in the ring, and the guest
 * may run ahead of the slowest by CONSOLE_BACKLOG bytes. One that reads nothing
 * at all for CONSOLE_PATIENCE seconds while the guest waits for it is not
 * waited for any longer: it is told how much it missed when it reads again.
 */
#ifndef BACKEND_GUEST_CONSOLE_H
#define BACKEND_GUEST_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/error.h"

#define CONSOLE_RING     (512 << 10) /* bytes kept, a power of two */
#define CONSOLE_HISTORY  (384 << 10) /* of them, a new watcher may have */
#define CONSOLE_BACKLOG  (128 << 10)
#define CONSOLE_PATIENCE 5

struct event_base;
struct machine;
struct console;

/* Main thread, as all functions here. NULL with err. */
struct console *console_new(struct event_base *base, struct error *err);
/* Closes every watcher's socket; the port must be gone. */
void console_free(struct console *c);

/*
 * The port's side, any thread: takes as much of the guest's output as there is
 * room for and returns how many bytes that is. After fewer than len, the port's
 * kick() tells when to go on.
 */
size_t console_output(const uint8_t *data, size_t len, void *console);
/* The port's side, any thread: after input() took less, it takes more now. */
void console_input_ready(void *console);

/* The guest's side, called on the main thread. */
struct console_port {
	/* Typing for the guest; returns how many bytes it took. */
	size_t (*input)(void *port, const uint8_t *data, size_t len);
	/* There is room again after console_output() took less. */
	void (*kick)(void *port);
};
void console_connect(
    struct console *c, const struct console_port *ops, void *port);

/*
 * Makes what was typed and not yet taken by the port a part of the machine's
 * saved state, as a device called name (a constant) without registers. The
 * console stays the caller's and outlives the machine. -1 with err.
 */
int console_join(
    struct console *c, struct machine *m, const char *name, struct error *err);

/*
 * Adds a watcher and returns the descriptor for it, a stream socket that the
 * caller sends away and closes; -1 with err. With history it first gets what
 * was printed before.
 */
int console_watch(struct console *c, bool history, struct error *err);

/*
 * Gives watchers the rest of the output. Blocks until nobody has read anything
 * for ms milliseconds, and at most CONSOLE_PATIENCE times that long.
 */
void console_finish(struct console *c, int ms);

/* Bytes the guest has printed since the process began. Any thread. */
uint64_t console_printed(struct console *c);

#endif
