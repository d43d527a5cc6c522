#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "backend/proto/stream.h"
#include "backend/proto/text.h"

#define MAGIC     "vmtuiGST"
#define MAGIC_LEN 8
#define END       UINT64_MAX

void
stream_writer_free(struct stream_writer *w)
{
	free(w->data);
	*w = (struct stream_writer){.failed = true};
}

static void
put(struct stream_writer *w, const void *p, size_t len)
{
	size_t cap = w->cap;
	uint8_t *data;

	if (w->failed || len == 0)
		return;
	while (cap < w->len + len)
		cap = cap == 0 ? STREAM_RUN_MAX : cap * 2;
	if (cap != w->cap) {
		if ((data = realloc(w->data, cap)) == NULL) {
			w->failed = true;
			return;
		}
		w->data = data;
		w->cap = cap;
	}
	memcpy(w->data + w->len, p, len);
	w->len += len;
	w->crc = (uint32_t)crc32_z(w->crc, p, len);
}

static void
put_u32(struct stream_writer *w, uint32_t v)
{
	v = htole32(v);
	put(w, &v, sizeof v);
}

static void
put_u64(struct stream_writer *w, uint64_t v)
{
	v = htole64(v);
	put(w, &v, sizeof v);
}

static json_t *
encode_disks(const struct guest_spec *spec)
{
	json_t *disks = json_array();
	const struct spec_file *f;
	unsigned i;

	for (i = 0; i < spec->disks; i++) {
		f = &spec->disk[i].file[0];
		json_array_append_new(disks,
		    json_pack("{s:o, s:i, s:b, s:s, s:i}", "path",
			text_json(f->path), "format", (int)f->format,
			"readonly", f->readonly, "bus",
			spec->disk[i].scsi ? "scsi" : "virtio", "cache",
			(int)spec->disk[i].cache));
	}
	return disks;
}

static json_t *
encode_nics(const struct guest_spec *spec)
{
	json_t *nics = json_array();
	const uint8_t *a;
	char mac[18];
	unsigned i;

	for (i = 0; i < spec->nics; i++) {
		a = spec->nic[i].mac;
		snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", a[0],
		    a[1], a[2], a[3], a[4], a[5]);
		json_array_append_new(nics,
		    json_pack("{s:s, s:o}", "lladdr", mac, "switch",
			text_json(spec->nic[i].bridge)));
	}
	return nics;
}

static char *
encode_head(const struct guest_spec *spec)
{
	char uuid[2 * sizeof spec->uuid + 1];
	json_t *json;
	unsigned i;
	char *text;

	for (i = 0; i < sizeof spec->uuid; i++)
		snprintf(uuid + 2 * i, 3, "%02x", spec->uuid[i]);
	json = json_pack(
	    "{s:s, s:I, s:i, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o, s:i, "
	    "s:s, s:o, s:o, s:o}",
	    "name", spec->name, "memory", (json_int_t)spec->memory, "cpus",
	    (int)spec->cpus, "hugepages", spec->hugepages, "balloon",
	    spec->balloon, "serial2", spec->serial2, "firmware-log",
	    spec->firmware_log, "kernel", text_json(spec->kernel), "initrd",
	    text_json(spec->initrd), "cmdline", text_json(spec->cmdline),
	    "firmware", text_json(spec->firmware), "boot", (int)spec->boot,
	    "uuid", uuid, "cdrom",
	    text_json(!spec->cdrom_drive    ? ""
		    : spec->cdrom.files > 0 ? spec->cdrom.file[0].path
					    : CONFIG_EMPTY),
	    "disks", encode_disks(spec), "nics", encode_nics(spec));
	text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return text;
}

void
stream_put_head(struct stream_writer *w, const struct guest_spec *spec)
{
	char *text = encode_head(spec);

	if (text == NULL || strlen(text) > STREAM_HEAD_MAX) {
		free(text);
		w->failed = true;
		return;
	}
	put(w, MAGIC, MAGIC_LEN);
	put_u32(w, STREAM_VERSION);
	put_u32(w, (uint32_t)strlen(text));
	put(w, text, strlen(text));
	put_u32(w, w->crc);
	free(text);
}

void
stream_put_state(struct stream_writer *w, const void *state, size_t len)
{
	put_u64(w, len);
	put(w, state, len);
}

void
stream_put_run(
    struct stream_writer *w, uint64_t offset, const void *p, uint32_t len)
{
	put_u64(w, offset);
	put_u32(w, len);
	put(w, p, len);
}

void
stream_put_end(struct stream_writer *w)
{
	put_u64(w, END);
	put_u32(w, 0);
	put_u32(w, w->crc);
}

static int
get(struct stream_reader *r, void *buf, size_t len, struct error *err)
{
	uint8_t *p = buf;
	size_t left = len;
	ssize_t n;

	while (left > 0) {
		n = read(r->fd, p, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return error_set(err, "the stream cannot be read: %s",
			    strerror(errno));
		if (n == 0)
			return error_set(err,
			    "the stream ends before the guest is complete");
		p += n;
		left -= (size_t)n;
	}
	r->crc = (uint32_t)crc32_z(r->crc, buf, len);
	return 0;
}

static int
get_u32(struct stream_reader *r, uint32_t *v, struct error *err)
{
	if (get(r, v, sizeof *v, err) == -1)
		return -1;
	*v = le32toh(*v);
	return 0;
}

static int
get_u64(struct stream_reader *r, uint64_t *v, struct error *err)
{
	if (get(r, v, sizeof *v, err) == -1)
		return -1;
	*v = le64toh(*v);
	return 0;
}

/* A crc of all that was read before it. */
static int
check_crc(struct stream_reader *r, struct error *err)
{
	uint32_t want = r->crc, have;

	if (get_u32(r, &have, err) == -1)
		return -1;
	if (have != want)
		return error_set(err,
		    "the stream was changed or damaged on its way: its "
		    "checksum is wrong");
	return 0;
}

static int
bad_head(struct error *err)
{
	return error_set(
	    err, "the stream describes a guest that this version cannot make");
}

static int
check_disks(json_t *disks, struct error *err)
{
	int format, readonly;
	const char *path;
	json_t *one;
	size_t i;

	if (json_array_size(disks) > SPEC_MAX_DISKS)
		return bad_head(err);
	json_array_foreach (disks, i, one)
		if (json_unpack(one, "{s:s, s:i, s:b}", "path", &path, "format",
			&format, "readonly", &readonly) == -1 ||
		    path[0] != '/')
			return bad_head(err);
	return 0;
}

/* Returns 0, or -1 if text is no hardware address. */
static int
read_mac(const char *text, uint8_t mac[6])
{
	char rest;

	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0],
		   &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &rest) == 6
	    ? 0
	    : -1;
}

static int
check_nics(json_t *nics, struct error *err)
{
	const char *lladdr, *sw;
	uint8_t mac[6];
	json_t *one;
	size_t i;

	if (json_array_size(nics) > SPEC_MAX_NICS)
		return bad_head(err);
	json_array_foreach (nics, i, one)
		if (json_unpack(one, "{s:s, s:s}", "lladdr", &lladdr, "switch",
			&sw) == -1 ||
		    read_mac(lladdr, mac) == -1)
			return bad_head(err);
	return 0;
}

static int
check_head(json_t *head, struct error *err)
{
	const char *name, *kernel, *initrd, *cmdline, *firmware, *uuid, *cdrom;
	int cpus, hugepages, balloon, serial2, log, boot;
	json_t *disks, *nics;
	json_int_t memory;

	if (json_unpack(head,
		"{s:s, s:I, s:i, s:b, s:b, s:b, s:b, s:s, s:s, s:s, s:s, s:i, "
		"s:s, s:s, s:o, s:o}",
		"name", &name, "memory", &memory, "cpus", &cpus, "hugepages",
		&hugepages, "balloon", &balloon, "serial2", &serial2,
		"firmware-log", &log, "kernel", &kernel, "initrd", &initrd,
		"cmdline", &cmdline, "firmware", &firmware, "boot", &boot,
		"uuid", &uuid, "cdrom", &cdrom, "disks", &disks, "nics",
		&nics) == -1 ||
	    memory <= 0 || memory % STREAM_PAGE != 0 || cpus < 1 || boot < 0 ||
	    boot > CONFIG_BOOT_NET || !json_is_array(disks) ||
	    !json_is_array(nics) || strlen(uuid) != 32 ||
	    strspn(uuid, "0123456789abcdef") != 32)
		return bad_head(err);
	return check_disks(disks, err) == -1 ? -1 : check_nics(nics, err);
}

/* The JSON between the lengths and the crc. */
static json_t *
read_head(struct stream_reader *r, uint32_t len, struct error *err)
{
	char *text = malloc(len);
	json_t *head = NULL;

	if (text == NULL)
		error_set(err, "no memory for the stream's head");
	else if (get(r, text, len, err) == 0 && check_crc(r, err) == 0 &&
	    (head = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL)) ==
		NULL)
		bad_head(err);
	free(text);
	return head;
}

json_t *
stream_get_head(struct stream_reader *r, struct error *err)
{
	char magic[MAGIC_LEN];
	uint32_t version, len;
	json_t *head;

	r->crc = 0;
	r->last = 0;
	if (get(r, magic, sizeof magic, err) == -1)
		return NULL;
	if (memcmp(magic, MAGIC, sizeof magic) != 0) {
		error_set(err, "this is no guest that vmtui send wrote");
		return NULL;
	}
	if (get_u32(r, &version, err) == -1 || get_u32(r, &len, err) == -1)
		return NULL;
	if (version != STREAM_VERSION) {
		error_set(err,
		    "the guest was sent by another version of vmtui (stream "
		    "%u, and this one reads %u): use the same one at both ends",
		    version, STREAM_VERSION);
		return NULL;
	}
	if (len == 0 || len > STREAM_HEAD_MAX) {
		bad_head(err);
		return NULL;
	}
	head = read_head(r, len, err);
	if (head != NULL && check_head(head, err) == -1) {
		json_decref(head);
		return NULL;
	}
	return head;
}

void *
stream_get_state(struct stream_reader *r, size_t *len, struct error *err)
{
	uint64_t n;
	void *state;

	if (get_u64(r, &n, err) == -1)
		return NULL;
	if (n == 0 || n > STREAM_STATE_MAX) {
		error_set(err,
		    "the stream's state has a length that no guest's "
		    "has");
		return NULL;
	}
	if ((state = malloc(n)) == NULL) {
		error_set(err, "no memory for the guest's state");
		return NULL;
	}
	if (get(r, state, n, err) == -1) {
		free(state);
		return NULL;
	}
	*len = n;
	return state;
}

int
stream_get_run(
    struct stream_reader *r, uint8_t *ram, uint64_t size, struct error *err)
{
	uint64_t offset;
	uint32_t len;

	if (get_u64(r, &offset, err) == -1 || get_u32(r, &len, err) == -1)
		return -1;
	if (offset == END && len == 0)
		return check_crc(r, err);
	if (offset < r->last || offset % STREAM_PAGE != 0 || offset >= size ||
	    len == 0 || len > STREAM_RUN_MAX || len % STREAM_PAGE != 0 ||
	    len > size - offset)
		return error_set(
		    err, "the stream has memory where the guest has none");
	r->last = offset + len;
	return get(r, ram + offset, len, err) == -1 ? -1 : 1;
}

void
stream_identity(const json_t *head, struct guest_spec *spec)
{
	const char *uuid = json_string_value(json_object_get(head, "uuid"));
	const char *lladdr;
	json_t *nic;
	size_t i;

	for (i = 0; i < sizeof spec->uuid; i++)
		sscanf(uuid + 2 * i, "%2hhx", &spec->uuid[i]);
	json_array_foreach (json_object_get(head, "nics"), i, nic) {
		lladdr = json_string_value(json_object_get(nic, "lladdr"));
		if (i < spec->nics)
			read_mac(lladdr, spec->nic[i].mac);
	}
}
