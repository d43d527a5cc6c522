/*
 * lib.h: the little of a C library that the guest needs. gcc itself calls the
 * first four.
 */
#ifndef GUEST_LIB_H
#define GUEST_LIB_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/* Copies at most size - 1 characters and ends them. */
void str_copy(char *dst, const char *src, size_t size);

/*
 * A number, decimal or with 0x hexadecimal, no sign. Returns 0, or -1 if text
 * is anything else or does not fit.
 */
int number_parse(const char *text, uint64_t *value);

/* Little-endian fields at any address: tables of firmware are not aligned. */
uint16_t get16(const void *p);
uint32_t get32(const void *p);
uint64_t get64(const void *p);

#endif
