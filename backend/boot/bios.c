#include <endian.h>

#include "backend/boot/load.h"

#define VECTORS 256
#define STUBS   0x600u /* behind the GDT, below boot_params */
#define FAIL    0x00u
#define IGNORE  0x10u

/* BIOS data area: where the EBDA is (a segment), how many KiB are below it */
#define BDA_EBDA   0x40eULL
#define BDA_MEMORY 0x413ULL

/* Faults, the PICs' interrupts where a PC has them, or else a BIOS call. */
static bool
is_call(unsigned vector)
{
	return vector >= 0x10 && (vector < 0x70 || vector >= 0x78);
}

int
boot_put_bios(struct guestmem *mem)
{
	static const uint16_t ebda = BOOT_EBDA >> 4, kib = BOOT_EBDA >> 10;
	static const uint8_t fail[] = {
	    0x55, /* push bp */
	    0x89, 0xe5, /* mov bp, sp */
	    0x80, 0x4e, 0x06, 0x01, /* or byte [bp + 6], 1: the caller's CF */
	    0x5d, /* pop bp */
	    0xb4, 0x86, /* mov ah, 0x86: there is no such function */
	    0xcf, /* iret */
	};
	static const uint8_t ignore[] = {0xcf};
	uint32_t table[VECTORS];
	unsigned i;

	for (i = 0; i < VECTORS; i++)
		table[i] = htole32(STUBS + (is_call(i) ? FAIL : IGNORE));
	if (guestmem_write(mem, 0, table, sizeof table) == -1 ||
	    guestmem_write(mem, STUBS + FAIL, fail, sizeof fail) == -1 ||
	    guestmem_write(mem, STUBS + IGNORE, ignore, sizeof ignore) == -1 ||
	    guestmem_write(mem, BDA_EBDA, &ebda, sizeof ebda) == -1 ||
	    guestmem_write(mem, BDA_MEMORY, &kib, sizeof kib) == -1)
		return -1;
	return 0;
}
