/*
 * colour.h: colours of a guest's cells on a terminal that may have fewer.
 * Pure functions, any thread.
 */
#ifndef TUI_COLOUR_H
#define TUI_COLOUR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The colour number for a colour of term.h on a terminal with that many
 * colours (0: none, 8, 16, 88, 256 or true colour); -1 is the terminal's own.
 * *bright (may be NULL) is set where 8 colours stand for 16 and the caller
 * should make the text bold.
 */
int colour_number(uint32_t colour, int colours, bool *bright);

#endif
