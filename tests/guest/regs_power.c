/*
 * regs_power.c: ACPI's fixed hardware (ACPI 6.4, 4.8) and the SMI command
 * port; then where nobody is at all.
 */
#include "boot.h"
#include "cpu.h"
#include "irq.h"
#include "regs.h"

#define PM    0x600
#define STS   0
#define EN    2
#define CNT   4
#define TIMER 8
#define GPE   0x620
#define SMI   0xb2

static const struct reg_step fixed[] = {
    /* Status bits are cleared by ones; nothing sets them. */
    OUT(2, STS, 0xffff),
    IN_BITS(2, STS, 0x0000, 0xfffe),
    OUT(2, STS, 0x0000),
    IN_BITS(2, STS, 0x0000, 0xfffe),
    /* What is enabled, at each width. */
    OUT(2, EN, 0xffff),
    IN(2, EN, 0x0721),
    OUT(1, EN, 0x00),
    IN(2, EN, 0x0700),
    OUT(1, EN + 1, 0x01),
    IN(1, EN + 1, 0x01),
    OUT(4, STS, 0x0720ffff),
    IN_BITS(4, STS, 0x07200000, 0xfffffffe),
    OUT(2, EN - 1, 0x21ff),
    IN(2, EN, 0x0721),
    OUTS(2, EN, 0x0100),
    INS(2, EN, 0x0100),
    INS(1, EN + 1, 0x01),
    /* Control: SCI_EN is the SMI command's, a sleep needs its own bit. */
    IN(2, CNT, 0x0001),
    OUT(2, CNT, 0xdfff),
    IN(2, CNT, 0x1c03),
    OUT(2, CNT, 0x0000),
    IN(2, CNT, 0x0001),
    OUT(1, CNT + 1, 0x14),
    IN(2, CNT, 0x1401),
    OUT(1, CNT + 1, 0x34), /* asleep as nobody said one could be */
    IN(2, CNT, 0x1401),
    OUT(4, CNT, 0xffff0400),
    IN(4, CNT, 0xffff0401),
    OUT(2, CNT, 0x0000),
    OUTS(2, CNT, 0x0000),
    INS(2, CNT, 0x0001),
    /* The timer is not written; 24 bits of it. */
    OUT(4, TIMER, 0xffffffff),
    OUT(1, TIMER, 0xff),
    IN_BITS(4, TIMER, 0, 0xff000000),
    IN(1, TIMER + 3, 0),
    IN_BITS(2, TIMER + 1, 0, 0),
    INS(1, TIMER + 3, 0),
    IN(4, TIMER + 4, 0xffffffff),
    OUT(4, TIMER + 4, 0),
    REGS_END,
};

static const struct reg_step events[] = {
    IN(4, 0, 0),
    OUT(2, 0, 0xffff),
    IN(2, 0, 0),
    OUT(2, 2, 0x5aa5),
    IN(2, 2, 0x5aa5),
    OUT(1, 3, 0x12),
    IN(4, 0, 0x12a50000),
    OUT(4, 0, 0x3456ffff),
    IN(4, 0, 0x34560000),
    OUT(2, 1, 0x78ff),
    IN(2, 2, 0x3478),
    IN(2, 1, 0x7800),
    INS(1, 3, 0x34),
    OUTS(2, 2, 0),
    IN(4, 0, 0),
    IN(4, 2, 0xffff0000),
    IN(1, 4, 0xff),
    REGS_END,
};

static const struct reg_step command[] = {
    OUT(1, 1, 0x5a),
    IN(1, 1, 0x5a),
    OUT(1, 0, 0x33),
    IN(1, 0, 0x33),
    IN(2, 0, 0x5a33),
    OUT(2, 0, 0xa544),
    IN(2, 0, 0xa544),
    INS(1, 1, 0xa5),
    OUTS(1, 1, 0x11),
    IN(4, 0, 0xffff1144),
    REGS_END,
};

static const struct reg_step off_and_on[] = {
    OUT(1, SMI, 0xf0),
    IN(2, PM + CNT, 0x0000),
    OUT(2, PM + CNT, 0x0001),
    IN(2, PM + CNT, 0x0000),
    OUT(1, SMI, 0xf1),
    IN(2, PM + CNT, 0x0001),
    REGS_END,
};

void
regs_power(void)
{
	uint16_t enabled = in16(PM + EN);
	uint32_t before = in32(PM + TIMER), now;
	uint64_t end = time_now() + 2000;

	while (time_now() < end)
		relax();
	now = in32(PM + TIMER);
	/* 2 ms are 7159 of its ticks; a busy host takes longer. */
	regs_check(
	    "that the timer runs", ((now - before) & 0xffffff) >= 7000, 1);
	regs_run("PM1", fixed, PM);
	regs_run("GPE0", events, GPE);
	regs_run("the SMI command port", command, SMI);
	regs_run("ACPI", off_and_on, 0);
	out16(PM + EN, enabled);
}

static const struct reg_step no_ports[] = {
    IN(1, 0x300, 0xff),
    IN(2, 0x300, 0xffff),
    IN(4, 0x300, 0xffffffff),
    IN(4, 0x301, 0xffffffff),
    INS(1, 0x300, 0xff),
    INS(2, 0x300, 0xffff),
    INS(4, 0x300, 0xffffffff),
    OUT(1, 0x300, 0xa5),
    OUT(2, 0x300, 0xa5a5),
    OUT(4, 0x303, 0xa5a5a5a5),
    OUTS(1, 0x300, 0xa5),
    OUTS(2, 0x300, 0xa5a5),
    OUTS(4, 0x300, 0xa5a5a5a5),
    IN(1, 0x80, 0xff),
    OUT(1, 0x80, 0x01),
    IN(1, 0xffff, 0xff),
    OUT(1, 0xffff, 0x01),
    IN(4, 0xfff0, 0xffffffff),
    /* The firmware's debug port, where there is no firmware. */
    IN(1, 0x402, 0xff),
    OUT(1, 0x402, 'x'),
    REGS_END,
};

static const struct reg_step no_memory[] = {
    RD(1, 0, 0xff),
    RD(2, 0, 0xffff),
    RD(4, 0, 0xffffffff),
    RD(8, 0, ~0ull),
    RD(2, 1, 0xffff),
    RD(8, 3, ~0ull),
    RD(8, 0xffc, ~0ull), /* over the end of a page */
    WR(1, 0, 0),
    WR(2, 1, 0),
    WR(4, 2, 0),
    WR(8, 0, 0),
    WR(8, 0xffb, 0),
    RD(8, 0, ~0ull),
    REGS_END,
};

/* Half in memory and half behind its end. */
static const struct reg_step edge[] = {
    WR(4, 0, 0x44332211),
    WR(8, 0, 0x8877665544332211),
    RD(8, 0, 0xffffffff44332211),
    RD(4, 2, 0xffff4433),
    RD(2, 3, 0xff44),
    REGS_END,
};

void
regs_nobody(void)
{
	static const uint64_t nowhere[] = {0xd0000000, 0xdfff0000, 0xfeb00000,
	    0xfed40000, 0xffff0000, 1ull << 32, 0x2000000000};
	uint64_t top = 0, end;
	unsigned i;

	regs_run("port", no_ports, 0);
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
		if (cpu_map(nowhere[i]) == 0)
			regs_run("no memory", no_memory, nowhere[i]);
	for (i = 0; i < boot.ranges; i++) {
		end = boot.map[i].start + boot.map[i].size;
		if (boot.map[i].type == 1 && end > top && end < 1ull << 32)
			top = end;
	}
	regs_run("the end of memory", edge, top - 4);
}
