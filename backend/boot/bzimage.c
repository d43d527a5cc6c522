#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "backend/boot/load.h"
#include "config/size.h"

/*
 * Linux bzImage by the 64-bit boot protocol, or the 32-bit one where the kernel
 * has no other (Documentation/arch/x86/boot.rst):
 *
 *	file:	| boot sector, setup code | protected-mode code | more |
 *		0       0x1f1: header     (setup_sects + 1) * 512
 *
 * Only the protected-mode code is loaded; it is entered at its start or, in long
 * mode, 0x200 behind it.
 */
#define HEADER_OFFSET 0x1f1
#define HEADER_MAGIC  0x53726448u /* "HdrS" */
#define BOOT_FLAG     0xaa55
#define VERSION_MIN   0x0203 /* a limit for the initrd */
#define VERSION_LINE  0x0206 /* the size of the command line */
#define VERSION_PREF  0x020a /* where it wants to be, how much it needs */
#define VERSION_64    0x020c /* xloadflags */
#define CMDLINE_OLD   255
#define UNPACKED      4 /* times the size, where it is not said */
#define SECTOR        512ULL
#define PARAGRAPH     16
#define ENTRY_64      0x200
#define SETUP_SECTS_0 4 /* what 0 means, for the sake of the very old */

static void
get_header(const uint8_t *head, struct setup_header *h)
{
	/* It ends behind the jump at its start, whose target that is. */
	size_t end = 0x202 + (size_t)head[0x201];
	size_t len = sizeof *h;

	memset(h, 0, sizeof *h);
	if (end < HEADER_OFFSET + offsetof(struct setup_header, version) +
		sizeof h->version)
		return;
	if (end - HEADER_OFFSET < len)
		len = end - HEADER_OFFSET;
	memcpy(h, head + HEADER_OFFSET, len);
}

bool
bzimage_probe(const uint8_t *head)
{
	uint32_t magic;
	uint16_t flag;

	memcpy(&flag, head + 0x1fe, sizeof flag);
	memcpy(&magic, head + 0x202, sizeof magic);
	return flag == BOOT_FLAG && magic == HEADER_MAGIC;
}

static int
check_header(const struct boot_file *file, const struct setup_header *h,
    struct error *err)
{
	if (h->version < VERSION_MIN)
		return error_set(err,
		    "%s speaks version %u.%02u of the boot protocol, 2.03 "
		    "(Linux 2.4.18) is the least; give a newer kernel",
		    file->path, h->version >> 8, h->version & 0xff);
	if ((h->loadflags & LOADED_HIGH) == 0)
		return error_set(err,
		    "%s is a zImage for low memory; give a bzImage",
		    file->path);
	return 0;
}

/* Where it goes: where it prefers, as it moves itself there anyway. */
static int
place(const struct boot_file *file, struct boot_plan *plan, uint64_t length,
    struct error *err)
{
	struct setup_header *h = &plan->header;
	struct boot_segment *s = &plan->segment[0];
	uint64_t need = length * UNPACKED;
	char want[24], have[24];

	s->gpa = BOOT_KERNEL_MIN;
	if (h->version >= VERSION_PREF) {
		s->gpa = h->pref_address;
		need = h->init_size > length ? h->init_size : length;
	}
	if (s->gpa < BOOT_KERNEL_MIN || s->gpa % BOOT_PAGE != 0)
		return error_set(err,
		    "%s wants to be at 0x%" PRIx64
		    ", where no kernel can be; is it damaged?",
		    file->path, s->gpa);
	if (s->gpa > plan->low || need > plan->low - s->gpa)
		return error_set(err,
		    "%s needs %s of memory to start, the guest has %s; give it "
		    "more",
		    file->path, size_short(s->gpa + need, want, sizeof want),
		    size_short(plan->low, have, sizeof have));
	s->size = s->length = length;
	plan->segments = 1;
	plan->end = s->gpa + need;
	plan->write = params_write_32;
	plan->entry = s->gpa;
	if (h->version >= VERSION_64 && (h->xloadflags & XLF_KERNEL_64) != 0) {
		plan->write = params_write_64;
		plan->entry += ENTRY_64;
	}
	return 0;
}

int
bzimage_plan(const struct boot_file *file, uint64_t size, const uint8_t *head,
    struct boot_plan *plan, struct error *err)
{
	struct setup_header *h = &plan->header;
	uint64_t setup, length;

	get_header(head, h);
	if (check_header(file, h, err) == -1)
		return -1;
	setup = ((h->setup_sects != 0 ? h->setup_sects : SETUP_SECTS_0) + 1U) *
	    SECTOR;
	length = (uint64_t)h->syssize * PARAGRAPH;
	if (length <= ENTRY_64)
		return error_set(err,
		    "%s has no kernel behind its header; is it damaged?",
		    file->path);
	/* It is counted in paragraphs; memtest86+ does not fill up its last. */
	if (size > setup && size - setup < length &&
	    length - (size - setup) < PARAGRAPH)
		length = size - setup;
	if (size < setup || size - setup < length)
		return error_set(err,
		    "%s is truncated: it has %" PRIu64 " of %" PRIu64
		    " bytes; copy it again",
		    file->path, size, setup + length);
	plan->segment[0].offset = setup;
	plan->cmdline_max = CMDLINE_OLD;
	if (h->version >= VERSION_LINE)
		plan->cmdline_max = h->cmdline_size;
	if (plan->cmdline_max >= BOOT_CMDLINE_MAX)
		plan->cmdline_max = BOOT_CMDLINE_MAX - 1;
	return place(file, plan, length, err);
}
