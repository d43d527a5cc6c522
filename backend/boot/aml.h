/*
 * aml.h: a growing block of bytes, and the few words of ACPI's machine
 * language that this machine's DSDT is written in (ACPI 6.4, chapter 20; the
 * resource descriptors of 6.4).
 *
 * A block that ran out of memory goes bad and takes nothing more; whoever
 * built it looks once at the end.
 */
#ifndef BACKEND_BOOT_AML_H
#define BACKEND_BOOT_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	uint8_t *data; /* owned by whoever made the block */
	size_t len, cap;
	bool bad;
};

/* Little-endian values, for tables as well as for AML. */
void aml_u8(struct aml *a, uint8_t v);
void aml_u16(struct aml *a, uint16_t v);
void aml_u32(struct aml *a, uint32_t v);
void aml_u64(struct aml *a, uint64_t v);
void aml_bytes(struct aml *a, const void *p, size_t len);
void aml_zeroes(struct aml *a, size_t len);

/*
 * What has a length in front: open returns where it begins, close (inner ones
 * first) puts the length there.
 */
size_t aml_scope(struct aml *a, const char *name);
size_t aml_device(struct aml *a, const char *name);
size_t aml_package(struct aml *a, uint8_t elements);
void aml_close(struct aml *a, size_t start);

/* Name (name, ...): what follows is its value. name: up to 4 letters. */
void aml_name(struct aml *a, const char *name);
void aml_integer(struct aml *a, uint64_t v);
/* "PNP0A03" as the number that it stands for (6.1.5). */
void aml_eisa_id(struct aml *a, const char *id);

/*
 * _CRS: a buffer of descriptors. aml_resources_close() adds the end tag. The
 * ranges are what a bridge passes on, aml_io() and aml_irq() what a device
 * uses itself.
 */
size_t aml_resources(struct aml *a);
void aml_resources_close(struct aml *a, size_t start);
void aml_io(struct aml *a, uint16_t port, uint8_t len);
void aml_irq(struct aml *a, unsigned irq);
void aml_bus_range(struct aml *a, uint16_t first, uint16_t last);
void aml_io_range(struct aml *a, uint16_t first, uint16_t last);
void aml_memory_range(struct aml *a, uint32_t first, uint32_t last);

#endif
