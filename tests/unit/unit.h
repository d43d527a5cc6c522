/*
 * unit.h: what every unit test includes. A test is a cmocka program; the
 * Makefile builds each tests/unit/test_*.c and links all of the project.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <cmocka.h>

/* Ends the running test as skipped; tests/check counts it, with the reason. */
#define SKIP(reason)                                             \
	do {                                                     \
		printf("# skipped: %s: %s\n", __func__, reason); \
		fflush(stdout);                                  \
		skip();                                          \
	} while (0)

#endif
