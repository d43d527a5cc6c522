#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "backend/vmm/state.h"

/*
 * A section:
 *
 *	name length 1 | name | version 4 | body length 4 | body
 *
 * A writer that ran out of memory has data NULL and cap SIZE_MAX: it takes
 * nothing more, and its length stays 0, which no reader accepts.
 */
#define OUT_OF_MEMORY SIZE_MAX

void
state_writer_free(struct state_writer *w)
{
	free(w->data);
	memset(w, 0, sizeof *w);
}

void
state_put_bytes(struct state_writer *w, const void *p, size_t len)
{
	size_t cap = w->cap < 4096 ? 4096 : w->cap;
	uint8_t *data;

	if (w->cap == OUT_OF_MEMORY || len == 0)
		return;
	while (cap - w->len < len && cap < OUT_OF_MEMORY / 2)
		cap *= 2;
	if (cap > w->cap) {
		data = cap - w->len < len ? NULL : realloc(w->data, cap);
		if (data == NULL) {
			free(w->data);
			w->data = NULL;
			w->len = 0;
			w->cap = OUT_OF_MEMORY;
			return;
		}
		w->data = data;
		w->cap = cap;
	}
	memcpy(w->data + w->len, p, len);
	w->len += len;
}

void
state_put_u8(struct state_writer *w, uint8_t v)
{
	state_put_bytes(w, &v, sizeof v);
}

void
state_put_u16(struct state_writer *w, uint16_t v)
{
	v = htole16(v);
	state_put_bytes(w, &v, sizeof v);
}

void
state_put_u32(struct state_writer *w, uint32_t v)
{
	v = htole32(v);
	state_put_bytes(w, &v, sizeof v);
}

void
state_put_u64(struct state_writer *w, uint64_t v)
{
	v = htole64(v);
	state_put_bytes(w, &v, sizeof v);
}

void
state_begin(struct state_writer *w, const char *name, uint32_t version)
{
	size_t len = strnlen(name, UINT8_MAX);

	state_put_u8(w, (uint8_t)len);
	state_put_bytes(w, name, len);
	state_put_u32(w, version);
	w->section = w->len;
	state_put_u32(w, 0);
}

void
state_end(struct state_writer *w)
{
	uint32_t len;

	if (w->cap == OUT_OF_MEMORY)
		return;
	len = htole32((uint32_t)(w->len - w->section - sizeof len));
	memcpy(w->data + w->section, &len, sizeof len);
}

void
state_get_bytes(struct state_reader *r, void *p, size_t len)
{
	if (r->bad || r->end > r->len || r->pos > r->end ||
	    len > r->end - r->pos) {
		r->bad = true;
		memset(p, 0, len);
		return;
	}
	memcpy(p, r->data + r->pos, len);
	r->pos += len;
}

uint8_t
state_get_u8(struct state_reader *r)
{
	uint8_t v;

	state_get_bytes(r, &v, sizeof v);
	return v;
}

uint16_t
state_get_u16(struct state_reader *r)
{
	uint16_t v;

	state_get_bytes(r, &v, sizeof v);
	return le16toh(v);
}

uint32_t
state_get_u32(struct state_reader *r)
{
	uint32_t v;

	state_get_bytes(r, &v, sizeof v);
	return le32toh(v);
}

uint64_t
state_get_u64(struct state_reader *r)
{
	uint64_t v;

	state_get_bytes(r, &v, sizeof v);
	return le64toh(v);
}

uint32_t
state_open(struct state_reader *r, const char *name)
{
	char found[UINT8_MAX];
	uint32_t version, len;
	uint8_t n;

	r->end = r->len;
	n = state_get_u8(r);
	state_get_bytes(r, found, n);
	version = state_get_u32(r);
	len = state_get_u32(r);
	if (r->bad || n != strlen(name) || memcmp(found, name, n) != 0 ||
	    version == 0 || len > r->len - r->pos) {
		r->bad = true;
		return 0;
	}
	r->end = r->pos + len;
	return version;
}

int
state_close(struct state_reader *r, const char *name, struct error *err)
{
	if (r->bad || r->pos != r->end) {
		r->bad = true;
		return error_set(err,
		    "the saved state of %s is damaged or of another version; "
		    "the guest has to be started afresh",
		    name);
	}
	r->end = r->len;
	return 0;
}
