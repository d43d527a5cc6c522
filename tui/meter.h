/*
 * meter.h: a guest's figures, a line each: what it is, how it went over the
 * last minutes, how it is now. All of one width, nothing in them moves but
 * what changes.
 *
 *	cpu   ▁▂▁▁▁▃▁▁▁▂▁▁▁▁▂▁▁▁▁▁                   7%
 *	mem   ▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▅▅▅▅        412M of 1.0G
 *	disk  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  r   0/s  w  48K/s
 *	net   ▁▁▁▁▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁ in 12K/s out  3K/s
 *
 * Main thread.
 */
#ifndef TUI_METER_H
#define TUI_METER_H

#include <stdbool.h>

#include "tui/draw.h"
#include "tui/model.h"

#define METER_MIN 39 /* columns that a line needs */

/* Each in columns x to x + w of row y of r. What is not known is blank. */
void meter_cpu(
    const struct rect *r, int y, int x, int w, const struct guest *g);
void meter_memory(
    const struct rect *r, int y, int x, int w, const struct guest *g);
/*
 * What its balloon leaves of the memory: of guests that have a balloon.
 * Returns whether it was drawn.
 */
bool meter_given(
    const struct rect *r, int y, int x, int w, const struct guest *g);
void meter_disk(
    const struct rect *r, int y, int x, int w, const struct guest *g);
void meter_net(
    const struct rect *r, int y, int x, int w, const struct guest *g);
/* "exits 1.2k/s   process 1234, 9 threads". */
void meter_process(
    const struct rect *r, int y, int x, int w, const struct guest *g);

#endif
