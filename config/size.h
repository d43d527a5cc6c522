/*
 * size.h: sizes as people write them: "512M", "16G", plain bytes.
 * Used wherever a size is read or shown. Pure functions, any thread.
 */
#ifndef CONFIG_SIZE_H
#define CONFIG_SIZE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads a decimal number and an optional unit K, M, G or T (powers of 1024,
 * either case, an optional "B" or "iB" behind it). Returns 0, or -1 if text
 * is anything else or the size does not fit 63 bits.
 */
int size_parse(const char *text, uint64_t *bytes);

/*
 * The shortest exact spelling that size_parse() reads back as the same size:
 * 536870912 is "512M", 1000 is "1000". Returns buf.
 */
const char *size_exact(uint64_t bytes, char *buf, size_t len);

/*
 * Four columns at most for people's eyes: "0", "512M", "1.0G", "31G".
 * Returns buf (8 bytes are enough).
 */
const char *size_short(uint64_t bytes, char *buf, size_t len);

#endif
