/* strict.h: see strict.c. */
#ifndef TESTS_BLOCK_STRICT_H
#define TESTS_BLOCK_STRICT_H

#include <stdbool.h>

/* The blocks that files are said to be written in; 0: as the host says. */
extern unsigned strict_block;
/* From now on, that nothing else is read or written. */
extern bool strict_on;

#endif
