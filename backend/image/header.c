/*
 * header.c: the name of the base in an image's header ("Qcow2 Image File
 * Format", "Header extensions").
 *
 *	│ header │ extensions, one is the base's format │ end │ name │ name │
 *
 * The first sector, where the header and with our images the base's format
 * are, reaches the disk as a whole or not at all. So a new name takes the
 * place that the old one does not have, and is stable before the header leads
 * there.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/header.h"

#define EXT_END  0u
#define EXT_BASE 0xe2792acau
#define AT_NAME  8 /* in the header: where the name is, and its length */

/* A header under construction. */
struct page {
	uint8_t *data;
	size_t len, room;
};

static void
add(struct page *p, const void *data, size_t len)
{
	/* What does not fit is seen by the length. */
	if (p->len + len <= p->room && len > 0)
		memcpy(p->data + p->len, data, len);
	p->len += len;
}

static void
add_extension(struct page *p, uint32_t type, const void *data, size_t len)
{
	static const uint8_t padding[8];
	uint32_t head[2] = {htobe32(type), htobe32((uint32_t)len)};

	add(p, head, sizeof head);
	add(p, data, len);
	add(p, padding, -len & 7);
}

/* The extension at offset at of old: false if there is none any more. */
static bool
next_extension(const struct page *p, const uint8_t *old, size_t at,
    uint32_t *type, uint32_t *len)
{
	uint32_t head[2];

	if (at + sizeof head > p->room)
		return false;
	memcpy(head, old + at, sizeof head);
	*type = be32toh(head[0]);
	*len = be32toh(head[1]);
	return *type != EXT_END && *len <= p->room - at - sizeof head;
}

/*
 * The extensions of old, with the base's format (NULL: without) where it was,
 * so that the others stay in their place.
 */
static void
add_extensions(
    struct page *p, const uint8_t *old, size_t begin, const char *format)
{
	bool there = false;
	uint32_t type, len;
	size_t at;

	for (at = begin; next_extension(p, old, at, &type, &len);
	     at += 8 + (((size_t)len + 7) & ~(size_t)7))
		there |= type == EXT_BASE;
	if (!there && format != NULL)
		add_extension(p, EXT_BASE, format, strlen(format));
	for (at = begin; next_extension(p, old, at, &type, &len);
	     at += 8 + (((size_t)len + 7) & ~(size_t)7)) {
		if (type != EXT_BASE)
			add_extension(p, type, old + at + 8, len);
		else if (format != NULL)
			add_extension(p, EXT_BASE, format, strlen(format));
	}
	add_extension(p, EXT_END, NULL, 0);
}

/* Where the name is to be: not where the old one is, if there is room. */
static size_t
place(const struct page *p, const uint8_t *old, size_t len)
{
	uint64_t at, end;
	uint32_t had;

	memcpy(&at, old + AT_NAME, sizeof at);
	memcpy(&had, old + AT_NAME + 8, sizeof had);
	at = be64toh(at);
	end = (at + be32toh(had) + 7) & ~UINT64_C(7);
	if (at == 0 || p->len + len <= at || p->len >= end ||
	    end + len > p->room)
		return p->len;
	return end;
}

static int
write_all(struct image *im, struct page *p, const uint8_t *old,
    const char *name, enum block_format format, struct error *err)
{
	size_t len = name == NULL ? 0 : strlen(name);
	uint64_t where = 0;
	uint32_t bytes = htobe32((uint32_t)len);

	add(p, old, im->h.length);
	add_extensions(p, old, im->h.length,
	    name == NULL ? NULL : tool_format_name(format));
	if (len > QCOW2_NAME_MAX || p->len + len > p->room)
		return error_set(err,
		    "%s: the path of its base is too long for its header; "
		    "move one of the two nearer to the other",
		    im->path);
	if (name != NULL) {
		where = place(p, old, len);
		if (image_write(im, name, len, where, err) == -1 ||
		    image_sync(im, err) == -1)
			return -1;
	}
	where = htobe64(where);
	memcpy(p->data + AT_NAME, &where, sizeof where);
	memcpy(p->data + AT_NAME + 8, &bytes, sizeof bytes);
	if (image_write(im, p->data, p->len, 0, err) == -1)
		return -1;
	return image_sync(im, err);
}

int
header_set_base(struct image *im, const char *name, enum block_format format,
    struct error *err)
{
	struct page p = {.room = qcow2_cluster(&im->h)};
	uint8_t *old = malloc(p.room);
	int rc = -1;

	p.data = calloc(1, p.room);
	if (old == NULL || p.data == NULL)
		error_set(err, "%s: out of memory", im->path);
	else if (image_read(im, old, p.room, 0, err) == 0)
		rc = write_all(im, &p, old, name, format, err);
	free(old);
	free(p.data);
	return rc;
}
