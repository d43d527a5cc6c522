/*
 * serial.h: what console.c needs of the serial port; everyone else uses
 * console.h.
 */
#ifndef GUEST_SERIAL_H
#define GUEST_SERIAL_H

#include <stddef.h>

/* Sends n bytes as they are and returns when the last was accepted. */
void serial_write(const char *data, size_t n);

#endif
