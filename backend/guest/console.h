/*
 * console.h: the first serial port's other end: history and those who watch.
 *
 *	 vcpu ─serial─▶ ring (the history) ─▶ watcher ─▶ socket ─▶ a screen
 *	                      ▲  one position     └─▶ watcher ─▶ socket ─▶ …
 *	 vcpu ◀serial── typed[] ◀─────────────────────┘
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

#include "backend/dev/dev.h"
#include "config/error.h"

#define CONSOLE_RING     (512 << 10) /* bytes kept, a power of two */
#define CONSOLE_HISTORY  (384 << 10) /* of them, a new watcher may have */
#define CONSOLE_BACKLOG  (128 << 10)
#define CONSOLE_PATIENCE 5

struct event_base;
struct console;

/* Main thread, as all functions here. NULL with err. */
struct console *console_new(struct event_base *base, struct error *err);
/* Closes every watcher's socket; the serial port must be gone. */
void console_free(struct console *c);

/* What to give serial_create(), with the console as its argument. */
extern const struct serial_ops console_serial_ops;
/* The port to which typing goes, and that is told of room. */
void console_connect(struct console *c, struct serial *serial);

/*
 * Adds a watcher and returns the descriptor for it, a stream socket that the
 * caller sends away and closes; -1 with err. With history it first gets what
 * was printed before.
 */
int console_watch(struct console *c, bool history, struct error *err);

/* Gives watchers the rest of the output, blocking at most ms milliseconds. */
void console_finish(struct console *c, int ms);

/* Bytes the guest has printed since the process began. Any thread. */
uint64_t console_printed(struct console *c);

#endif
