/*
 * state.h: what save and load of every device write and read.
 *
 * A flat buffer of little-endian fields, each device's in a named, versioned
 * section. A saved state is hostile input: a reader that runs out, or meets
 * another name or version, goes bad and stays bad, and every later get gives
 * zero; the caller checks once at the end (and checks each value against
 * what its device allows). Not thread-safe; used with vcpus stopped.
 */
#ifndef BACKEND_VMM_STATE_H
#define BACKEND_VMM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/error.h"

struct state_writer {
	uint8_t *data; /* owned; state_writer_free() */
	size_t len, cap;
	size_t section; /* where the open section's length stands */
};

struct state_reader {
	const uint8_t *data; /* borrowed */
	size_t len, pos, end; /* end of the open section */
	bool bad;
};

void state_writer_free(struct state_writer *w);
/* Sections do not nest. */
void state_begin(struct state_writer *w, const char *name, uint32_t version);
void state_end(struct state_writer *w);
void state_put_u8(struct state_writer *w, uint8_t v);
void state_put_u16(struct state_writer *w, uint16_t v);
void state_put_u32(struct state_writer *w, uint32_t v);
void state_put_u64(struct state_writer *w, uint64_t v);
void state_put_bytes(struct state_writer *w, const void *p, size_t len);

/*
 * Opens the next section, which must have this name. Returns its version, or
 * 0 and a bad reader.
 */
uint32_t state_open(struct state_reader *r, const char *name);
/* Closes it. Returns 0, or -1 with err if anything in it was bad. */
int state_close(struct state_reader *r, const char *name, struct error *err);
uint8_t state_get_u8(struct state_reader *r);
uint16_t state_get_u16(struct state_reader *r);
uint32_t state_get_u32(struct state_reader *r);
uint64_t state_get_u64(struct state_reader *r);
void state_get_bytes(struct state_reader *r, void *p, size_t len);

#endif
