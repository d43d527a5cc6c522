/*
 * stream.h: a guest as a stream of bytes: what `vmtui send` writes and
 * `vmtui receive` reads.
 *
 *	magic 8 | version 4 | length 4 | head | crc 4        what it needs
 *	length 8 | state                                     machine_save()
 *	( offset 8 | length 4 | bytes )...                   RAM, without zeroes
 *	all ones 8 | 0 4 | crc 4                             the end
 *
 * Little-endian. Each crc is zlib's crc32() of all that stands before it. The
 * head is JSON: what the machine is made of, so that the backend can open it
 * before there is a process. Offsets are RAM's own, without the hole below
 * 4 GiB; they go up.
 *
 * A stream is hostile input.
 */
#ifndef BACKEND_PROTO_STREAM_H
#define BACKEND_PROTO_STREAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/proto/spec.h"
#include "config/error.h"

#define STREAM_VERSION   2
#define STREAM_HEAD_MAX  (256u << 10) /* bytes of JSON */
#define STREAM_STATE_MAX (64u << 20) /* bytes of state */
#define STREAM_PAGE      4096u
#define STREAM_RUN_MAX   (64u << 10) /* bytes of RAM in one piece */
#define STREAM_RUN_HEAD  12u /* before them */
#define STREAM_END_LEN   16u

/* What is being written; grows by the functions below. */
struct stream_writer {
	uint8_t *data; /* not yet written; the writer's */
	size_t len, cap;
	uint32_t crc; /* of all that was put, also of what is gone since */
	bool failed; /* no memory */
};

void stream_writer_free(struct stream_writer *w);
/* The parts, in their order. A writer that failed stays so. */
void stream_put_head(struct stream_writer *w, const struct guest_spec *spec);
void stream_put_state(struct stream_writer *w, const void *state, size_t len);
void stream_put_run(
    struct stream_writer *w, uint64_t offset, const void *p, uint32_t len);
void stream_put_end(struct stream_writer *w);

/* Reads a stream from a descriptor's position on. */
struct stream_reader {
	int fd; /* borrowed */
	uint32_t crc; /* of all that was got */
	uint64_t last; /* the least offset that the next run may have */
};

/*
 * The head, after its checks: {"name", "memory", "cpus", "hugepages",
 * "balloon", "serial2", "firmware-log", "kernel", "initrd", "cmdline",
 * "firmware", "boot": a number, "uuid", "cdrom", "disks": [{"path", "format", "readonly"}], "nics":
 * [{"lladdr", "switch"}]}, each there and of its type, no more disks and nics
 * than a guest can have; a disk's "cache" may be missing, or be anything. The caller's; NULL with err.
 */
json_t *stream_get_head(struct stream_reader *r, struct error *err);
/* The state, to be freed. NULL with err. */
void *stream_get_state(struct stream_reader *r, size_t *len, struct error *err);
/*
 * The next piece of RAM of size bytes in all, which begins at ram: is put into
 * its place. Returns 1, 0 behind the last one, when the end was there and
 * right, or -1 with err.
 */
int stream_get_run(
    struct stream_reader *r, uint8_t *ram, uint64_t size, struct error *err);

/* Puts what has to stay as the guest knows it, cards' addresses and UUID, from
 * a head into a spec with as many cards. */
void stream_identity(const json_t *head, struct guest_spec *spec);

#endif
