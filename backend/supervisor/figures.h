/*
 * figures.h: how much CPU and memory guests and host use. There is a timer
 * only while a client wants figures and a guest runs.
 */
#ifndef BACKEND_SUPERVISOR_FIGURES_H
#define BACKEND_SUPERVISOR_FIGURES_H

#include "backend/supervisor/backend.h"

/* Called whenever one of the two conditions may have changed. */
void figures_update(struct backend *b);
void figures_close(struct backend *b);

/* HOST of proto.h. */
json_t *figures_host(struct backend *b);
/*
 * Puts "cpu", "cpu_time" (seconds of CPU in all), "memory_used", "uptime",
 * "threads", "balloon" and what rates.c knows of g into obj.
 */
void figures_guest(struct guest *g, json_t *obj);

/* Clock ticks of CPU that its process used in all; 0 if there is none. */
uint64_t figures_ticks(const struct guest *g);
/* Bytes of memory that the host had to find for it; 0 likewise. */
uint64_t figures_memory(const struct guest *g);

/* Bytes of RAM of the host; 0 if that cannot be read. */
uint64_t figures_host_memory(void);
/*
 * Bytes of the host's huge pages of 2 MiB that nobody has, those that it would
 * make on demand included. Returns 0, or -1 if that cannot be read.
 */
int figures_host_hugepages(uint64_t *bytes);

/*
 * The same, and how much of it programs could have at once; -1: unknown. A
 * sanitized build reads the file $VMTUI_TEST_MEMINFO, if that is set.
 */
int figures_host_free(uint64_t *total, uint64_t *available);

#endif
