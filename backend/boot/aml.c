#include <stdlib.h>
#include <string.h>

#include "backend/boot/aml.h"

#define OP_NAME    0x08
#define OP_BYTE    0x0a
#define OP_WORD    0x0b
#define OP_DWORD   0x0c
#define OP_QWORD   0x0e
#define OP_SCOPE   0x10
#define OP_BUFFER  0x11
#define OP_PACKAGE 0x12
#define OP_EXT     0x5b
#define OP_DEVICE  0x82 /* behind OP_EXT */

#define RES_IRQ   0x22
#define RES_IO    0x47
#define RES_END   0x79
#define RES_DWORD 0x87
#define RES_WORD  0x88

#define RANGE_MEMORY 0
#define RANGE_IO     1
#define RANGE_BUS    2
#define RANGE_FIXED  0x0c /* both ends as they are, positive, produced */

void
aml_bytes(struct aml *a, const void *p, size_t len)
{
	size_t cap = a->cap < 4096 ? 4096 : a->cap;
	uint8_t *data;

	if (a->bad)
		return;
	while (cap - a->len < len)
		cap *= 2;
	if (cap != a->cap) {
		data = realloc(a->data, cap);
		if (data == NULL) {
			a->bad = true;
			return;
		}
		a->data = data;
		a->cap = cap;
	}
	memcpy(a->data + a->len, p, len);
	a->len += len;
}

void
aml_u8(struct aml *a, uint8_t v)
{
	aml_bytes(a, &v, 1);
}

void
aml_u16(struct aml *a, uint16_t v)
{
	aml_u8(a, (uint8_t)v);
	aml_u8(a, (uint8_t)(v >> 8));
}

void
aml_u32(struct aml *a, uint32_t v)
{
	aml_u16(a, (uint16_t)v);
	aml_u16(a, (uint16_t)(v >> 16));
}

void
aml_u64(struct aml *a, uint64_t v)
{
	aml_u32(a, (uint32_t)v);
	aml_u32(a, (uint32_t)(v >> 32));
}

void
aml_zeroes(struct aml *a, size_t len)
{
	while (len-- > 0)
		aml_u8(a, 0);
}

/* A name segment: up to four letters, filled up with underscores (20.2.2). */
static void
name_segment(struct aml *a, const char *name)
{
	size_t i, len = strlen(name);

	for (i = 0; i < 4; i++)
		aml_u8(a, (uint8_t)(i < len ? name[i] : '_'));
}

/*
 * PkgLength (20.2.4) counts itself: one byte up to 63, else two to four with
 * the number of those that follow in bits 7:6 of the first.
 */
static size_t
encode_length(size_t len, uint8_t out[4])
{
	size_t n = 1, i, total;

	while (n < 4 && len + n >= (n == 1 ? 1U << 6 : 1U << (8 * n - 4)))
		n++;
	total = len + n;
	if (n == 1) {
		out[0] = (uint8_t)total;
		return n;
	}
	out[0] = (uint8_t)((n - 1) << 6 | (total & 0xf));
	for (i = 1; i < n; i++)
		out[i] = (uint8_t)(total >> (8 * i - 4));
	return n;
}

/* Puts len bytes in at at. */
static void
insert(struct aml *a, size_t at, const uint8_t *p, size_t len)
{
	size_t behind = a->len - at;

	aml_zeroes(a, len);
	if (a->bad)
		return;
	memmove(a->data + at + len, a->data + at, behind);
	memcpy(a->data + at, p, len);
}

void
aml_close(struct aml *a, size_t start)
{
	uint8_t length[4];

	if (!a->bad)
		insert(a, start, length, encode_length(a->len - start, length));
}

size_t
aml_scope(struct aml *a, const char *name)
{
	size_t start;

	aml_u8(a, OP_SCOPE);
	start = a->len;
	aml_u8(a, '\\');
	name_segment(a, name);
	return start;
}

size_t
aml_device(struct aml *a, const char *name)
{
	size_t start;

	aml_u8(a, OP_EXT);
	aml_u8(a, OP_DEVICE);
	start = a->len;
	name_segment(a, name);
	return start;
}

size_t
aml_package(struct aml *a, uint8_t elements)
{
	size_t start;

	aml_u8(a, OP_PACKAGE);
	start = a->len;
	aml_u8(a, elements);
	return start;
}

void
aml_name(struct aml *a, const char *name)
{
	aml_u8(a, OP_NAME);
	name_segment(a, name);
}

void
aml_integer(struct aml *a, uint64_t v)
{
	if (v <= 1) {
		aml_u8(a, (uint8_t)v);
	} else if (v <= UINT8_MAX) {
		aml_u8(a, OP_BYTE);
		aml_u8(a, (uint8_t)v);
	} else if (v <= UINT16_MAX) {
		aml_u8(a, OP_WORD);
		aml_u16(a, (uint16_t)v);
	} else if (v <= UINT32_MAX) {
		aml_u8(a, OP_DWORD);
		aml_u32(a, (uint32_t)v);
	} else {
		aml_u8(a, OP_QWORD);
		aml_u64(a, v);
	}
}

static uint32_t
hex_digit(char c)
{
	return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

void
aml_eisa_id(struct aml *a, const char *id)
{
	uint32_t v = 0;
	unsigned i;

	for (i = 0; i < 3; i++)
		v = v << 5 | (uint32_t)(id[i] - '@');
	for (; i < 7; i++)
		v = v << 4 | hex_digit(id[i]);
	/* Most significant byte first, as EISA had it. */
	aml_u8(a, OP_DWORD);
	for (i = 0; i < 4; i++)
		aml_u8(a, (uint8_t)(v >> (24 - 8 * i)));
}

size_t
aml_resources(struct aml *a)
{
	aml_name(a, "_CRS");
	aml_u8(a, OP_BUFFER);
	return a->len;
}

void
aml_resources_close(struct aml *a, size_t start)
{
	uint8_t size[3] = {OP_WORD};
	size_t len;

	aml_u8(a, RES_END);
	aml_u8(a, 0); /* no checksum */
	len = a->len - start;
	size[1] = (uint8_t)len;
	size[2] = (uint8_t)(len >> 8);
	insert(a, start, size, sizeof size);
	aml_close(a, start);
}

void
aml_io(struct aml *a, uint16_t port, uint8_t len)
{
	aml_u8(a, RES_IO);
	aml_u8(a, 1); /* decodes 16 bits */
	aml_u16(a, port);
	aml_u16(a, port);
	aml_u8(a, 1);
	aml_u8(a, len);
}

void
aml_irq(struct aml *a, unsigned irq)
{
	aml_u8(a, RES_IRQ);
	aml_u16(a, (uint16_t)(1u << irq));
}

static void
word_range(struct aml *a, uint8_t type, uint8_t type_flags, uint16_t first,
    uint16_t last)
{
	aml_u8(a, RES_WORD);
	aml_u16(a, 13);
	aml_u8(a, type);
	aml_u8(a, RANGE_FIXED);
	aml_u8(a, type_flags);
	aml_u16(a, 0); /* granularity */
	aml_u16(a, first);
	aml_u16(a, last);
	aml_u16(a, 0); /* translation */
	aml_u16(a, (uint16_t)(last - first + 1));
}

void
aml_bus_range(struct aml *a, uint16_t first, uint16_t last)
{
	word_range(a, RANGE_BUS, 0, first, last);
}

void
aml_io_range(struct aml *a, uint16_t first, uint16_t last)
{
	word_range(a, RANGE_IO, 3, first, last); /* ISA and other ports */
}

void
aml_memory_range(struct aml *a, uint32_t first, uint32_t last)
{
	aml_u8(a, RES_DWORD);
	aml_u16(a, 23);
	aml_u8(a, RANGE_MEMORY);
	aml_u8(a, RANGE_FIXED);
	aml_u8(a, 1); /* writable, not cached */
	aml_u32(a, 0); /* granularity */
	aml_u32(a, first);
	aml_u32(a, last);
	aml_u32(a, 0); /* translation */
	aml_u32(a, last - first + 1);
}
