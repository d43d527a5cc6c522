/*
 * mem.h: memory for the model.
 *
 * The model's size is bounded by CONFIG_FILE_MAX, so running out of memory
 * here means that the host has none at all: these never return NULL, they end
 * the process with a sentence. Private to config/. Any thread.
 */
#ifndef CONFIG_MEM_H
#define CONFIG_MEM_H

#include <stddef.h>

/* Zeroed; for free(). */
void *mem_zeroed(size_t len);

/* Copies of a string, or of its first n bytes; for free(). NULL gives NULL. */
char *mem_dup(const char *);
char *mem_dup_n(const char *, size_t n);

/* A string put together as by printf(); for free(). */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Room for one more element of size bytes behind the count that list holds:
 * returns the list, perhaps moved, with the new element zeroed.
 */
void *mem_grow(void *list, size_t count, size_t size);

#endif
