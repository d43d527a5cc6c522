/*
 * regs_firmware.c: fw_cfg (QEMU's docs/specs/fw_cfg): the selector, the data
 * port, and requests that are carried out in memory.
 */
#include "cpu.h"
#include "lib.h"
#include "regs.h"

#define SELECT 0
#define DATA   1
#define DMA    4

#define FW_CFG 0x510

#define C_ERROR  1u
#define C_READ   2u
#define C_SKIP   4u
#define C_SELECT 8u
#define C_WRITE  16u

static const struct reg_step ports[] = {
    OUT(2, SELECT, 0x0000),
    IN(1, DATA, 'Q'),
    IN(1, DATA, 'E'),
    IN(1, DATA, 'M'),
    IN(1, DATA, 'U'),
    INS(1, DATA, 0), /* behind the end */
    OUT(2, SELECT, 0x0001),
    IN(1, DATA, 0x03),
    INS(1, DATA, 0x00),
    /* Items that are none, and those of an architecture: nothing in them. */
    OUT(2, SELECT, 0x7fff),
    INS(1, DATA, 0),
    OUT(2, SELECT, 0x8000),
    INS(1, DATA, 0),
    OUT(2, SELECT, 0xffff),
    INS(1, DATA, 0),
    /* What is written selects only as a word, and data cannot be changed. */
    OUT(2, SELECT, 0x0000),
    OUT(1, SELECT, 0x01),
    OUT(4, SELECT, 0x00000001),
    IN(1, DATA, 'Q'),
    OUT(1, DATA, 0xff),
    OUTS(1, DATA, 0xff),
    IN(1, DATA, 'E'),
    IN(1, SELECT, 0xff),
    IN(2, SELECT, 0xffff),
    OUTS(2, SELECT, 0x0000),
    IN(1, DATA, 'Q'),
    OUT(2, SELECT + 1, 0x0001),
    IN(1, DATA, 'E'),
    /* The DMA register shows who is there, at every width. */
    IN(4, DMA, 0x554d4551),
    IN(4, DMA + 4, 0x47464320),
    IN(1, DMA, 'Q'),
    IN(2, DMA + 3, 0x2055),
    IN(4, DMA + 2, 0x4320554d),
    INS(4, DMA, 0x554d4551),
    IN(4, DMA + 6, 0xffff4746),
    /* Only its halves are written. */
    OUT(1, DMA, 0xff),
    OUT(2, DMA + 4, 0xffff),
    OUT(4, DMA + 2, 0xffffffff),
    OUT(1, DMA + 7, 0xff),
    OUT(4, DMA + 6, 0xffffffff),
    IN(1, DATA, 'M'),
    REGS_END,
};

static uint32_t
be32(uint32_t v)
{
	return __builtin_bswap32(v);
}

static volatile struct request {
	uint32_t control, length;
	uint64_t address;
} request __attribute__((aligned(16)));

/* Asks for that much; what the control word is afterwards. */
static uint32_t
ask(uint32_t control, uint32_t length, uint64_t address)
{
	request.control = be32(control);
	request.length = be32(length);
	request.address = __builtin_bswap64(address);
	out32(FW_CFG + DMA, be32(0));
	out32(FW_CFG + DMA + 4, be32((uint32_t)(uintptr_t)&request));
	return be32(request.control);
}

/* Where there is no memory for that many bytes, it says so. */
static void
bad_addresses(uint32_t all)
{
	static const struct {
		uint64_t address;
		uint32_t length;
	} bad[] = {{0xd0000000, 1}, {0xfffffffc, 8}, {0xfee00000, 4},
	    {1ull << 32, 1}, {UINT64_MAX, 1}, {UINT64_MAX - 3, 8},
	    {0x1000, 0xffffffff}, {0x1000, 0x80000000}, {1ull << 63, 16}};
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		regs_check("a read to where no memory is",
		    ask(all | C_READ, bad[i].length, bad[i].address), C_ERROR);
}

/* A request that is not in memory is not answered, and hurts nobody. */
static void
bad_requests(void)
{
	static const uint64_t at[] = {0xd0000000, 0xfffffff8, UINT64_MAX,
	    0xfffffffffffffff8u, 1ull << 32, 0xfee00000};
	unsigned i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		out32(FW_CFG + DMA, be32((uint32_t)(at[i] >> 32)));
		out32(FW_CFG + DMA + 4, be32((uint32_t)at[i]));
	}
}

static void
requests(void)
{
	static uint8_t to[64];
	uint64_t at = (uintptr_t)to;
	const uint32_t signature = 0u << 16 | C_SELECT;

	memset(to, 0xee, sizeof(to));
	regs_check("a read", ask(signature | C_READ, 6, at), 0);
	regs_check("what was read", get32(to), 0x554d4551);
	regs_check("what was read behind its end", get32(to + 4), 0xeeee0000);
	regs_check("no bytes", ask(signature | C_READ, 0, 0xd0000000), 0);
	regs_check("nothing to do", ask(0, 4, at), 0);
	regs_check("a selection alone", ask(signature, 4, at), 0);
	regs_check("skipping", ask(C_SKIP, 2, UINT64_MAX), 0);
	regs_check("a read after it", ask(C_READ, 1, at), 0);
	regs_check("what follows", to[0], 'M');
	regs_check("skipping all", ask(C_SKIP, 0xffffffff, 0), 0);
	regs_check("skipping more", ask(C_SKIP, 0xffffffff, 0), 0);
	regs_check("a read at the end", ask(C_READ, 1, at), 0);
	regs_check("what is at the end", to[0], 0);
	regs_check(
	    "a write", ask(signature | C_WRITE, 4, at) & C_ERROR, C_ERROR);
	regs_check("unknown bits", ask(0xffe0, 4, at), 0);
	regs_check("a read of no item",
	    ask(0xfffeu << 16 | C_SELECT | C_READ, 4, at), 0);
	regs_check("what no item has", get32(to), 0);
	bad_addresses(signature);
	bad_requests();
	/* It works as it did, in a page's last bytes too. */
	regs_check(
	    "a read to an odd address", ask(signature | C_READ, 4, at + 1), 0);
	regs_check("what came there", get32(to + 1), 0x554d4551);
}

void
regs_firmware(void)
{
	regs_run("fw_cfg", ports, FW_CFG);
	requests();
}
