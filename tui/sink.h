/*
 * sink.h: files written beside the screen's loop: each by a thread of its
 * own, so that a disk that is slow or full never holds up a key. Opened,
 * written to and closed on the main thread.
 */
#ifndef TUI_SINK_H
#define TUI_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/error.h"

struct event_base;
struct sink;
struct sinks;

/* What a sink holds of what its disk has not taken yet; more fails it. */
#define SINK_QUEUE_MAX (64 << 20)

/*
 * Told once a sink, on the main thread: that its file is whole and closed
 * (why is NULL), or what went wrong, which it then says before sink_close().
 */
typedef void sink_ended(
    const char *path, uint64_t bytes, const char *why, void *arg);

/* All of them. NULL: no memory. */
struct sinks *sinks_new(struct event_base *base);
/* Waits a moment for those that still write; none may be open. */
void sinks_free(struct sinks *ss);

/*
 * A new file for the owner alone, or, if told to overwrite, a regular file
 * that is there, emptied. "~/" is the person's home. *exists is set if there
 * is one and overwrite is not. NULL with the reason on failure.
 */
struct sink *sink_open(struct sinks *ss, const char *path, bool overwrite,
    sink_ended *ended, void *arg, bool *exists, struct error *err);
/* Takes a copy. -1: it has failed, and said so or will. */
int sink_write(struct sink *s, const char *bytes, size_t len);
/* Nothing more comes; ended is told when all is written. */
void sink_close(struct sink *s);

#endif
