/*
 * error.h: a failure on its way up, as a sentence a person can act on.
 *
 * Every folder uses it. The function that fails writes the sentence (the
 * thing, the reason, the next step); its callers may put words before it; it
 * is printed once, at the top. No function here allocates; all may be called
 * from any thread as long as the struct itself is one thread's own.
 */
#ifndef CONFIG_ERROR_H
#define CONFIG_ERROR_H

struct error {
	char text[768];
};

/*
 * Writes the sentence and returns -1, so that "return error_set(...)" reads
 * well. A sentence that is too long is cut. err may be NULL.
 */
int error_set(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts words before the sentence that is there and returns -1. */
int error_prefix(struct error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
