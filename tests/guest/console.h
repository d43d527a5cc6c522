/*
 * console.h: the serial port COM1 as the guest's terminal: printing, and
 * characters that were typed.
 */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

/* Sets up the port. Printing works from here on. */
void console_init(void);

/* Lets typed characters interrupt; irq_init() comes before. */
void console_listen(void);

/*
 * As printf: %s %c %d %u %x, with l and ll, '-', '0' and a width. A line feed
 * is sent as carriage return and line feed. Lines go out when they are
 * complete, the rest at console_flush() or when input is waited for.
 */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void console_flush(void);

/* A typed character, waiting for it; -1 when the deadline (irq.h) passed. */
int console_read(uint64_t deadline);

/*
 * Whether ctrl-C was typed; what was typed before it is dropped then. For
 * commands that run long, who ask it between their steps.
 */
int console_interrupted(void);

#endif
