/*
 * regs_clock.c: the MC146818 with its memory (Motorola, 1984), at every index;
 * and the keyboard controller, port 0x92 and 0xCF9 as far as they do not end
 * the machine, which `reboot' tries.
 */
#include "cpu.h"
#include "regs.h"

#define INDEX 0
#define VALUE 1
#define CMOS  0x70

#define CENTURY 0x32
#define FREE    0x0e /* from here on it is memory */
#define SIZE    0x80

/* A register is named by its index, then read or written. */
#define REG_IS(reg, want) OUT(1, INDEX, reg), IN(1, VALUE, want)
#define REG_IS_BITS(reg, want, mask) \
	OUT(1, INDEX, reg), IN_BITS(1, VALUE, want, mask)
#define REG_SET(reg, value) OUT(1, INDEX, reg), OUT(1, VALUE, value)

static const struct reg_step control[] = {
    IN(1, INDEX, 0xff), /* it cannot be read */
    REG_IS_BITS(0x0a, 0x26, 0x7f),
    REG_IS(0x0b, 0x02),
    REG_IS(0x0d, 0x80),
    REG_IS_BITS(0x8d, 0x80, 0xff), /* bit 7 is the NMI's */
    REG_SET(0x0c, 0xff),
    REG_SET(0x0d, 0x00),
    REG_IS(0x0d, 0x80),
    /* Flags are there once, and ask for nothing by themselves. */
    REG_IS_BITS(0x0c, 0, 0),
    REG_IS_BITS(0x0c, 0x00, 0x8f),
    /* That an update goes on is not written. */
    REG_SET(0x0a, 0xa6),
    REG_IS_BITS(0x0a, 0x26, 0x7f),
    /* No rate, no flag. */
    REG_SET(0x0a, 0x20),
    REG_IS_BITS(0x0c, 0, 0),
    REG_IS_BITS(0x0c, 0x00, 0x40),
    REG_SET(0x0a, 0x26),
    /* Setting stops the clock, its updates and their interrupt. */
    REG_SET(0x0b, 0x12),
    REG_IS(0x0b, 0x12),
    REG_SET(0x0b, 0x92),
    REG_IS(0x0b, 0x82),
    REG_IS_BITS(0x0a, 0x00, 0x80),
    REG_IS_BITS(0x0c, 0, 0),
    REG_SET(0x00, 0x59),
    REG_SET(0x02, 0x58),
    REG_SET(0x04, 0x23),
    REG_IS(0x00, 0x59),
    REG_IS(0x02, 0x58),
    REG_IS(0x04, 0x23),
    /* Alarms take anything. */
    REG_SET(0x01, 0xff),
    REG_IS(0x01, 0xff),
    REG_SET(0x03, 0xc0),
    REG_IS(0x03, 0xc0),
    REG_SET(0x05, 0x00),
    REG_IS(0x05, 0x00),
    /* A word is the index and the value, a longer one runs into nobody. */
    OUT(2, INDEX, 0x1101),
    IN(1, VALUE, 0x11),
    IN(2, INDEX, 0x11ff),
    OUT(4, INDEX, 0xffff2203),
    IN(4, INDEX, 0xffff22ff),
    OUT(1, INDEX, 0x05),
    OUTS(1, VALUE, 0x33),
    INS(1, VALUE, 0x33),
    INS(2, INDEX, 0x33ff),
    INS(1, INDEX, 0xff),
    IN(2, VALUE, 0xff33),
    REGS_END,
};

/* Dates of nonsense, in each of the four formats; then as it was. */
static const struct reg_step dates[] = {
    REG_SET(0x0b, 0x86),
    REG_SET(0x04, 0xff),
    REG_SET(0x08, 0xff),
    REG_SET(0x32, 0xff),
    REG_SET(0x0b, 0x06),
    REG_IS_BITS(0x0d, 0x80, 0xff),
    REG_SET(0x0b, 0x80),
    REG_SET(0x04, 0x81),
    REG_SET(0x07, 0x00),
    REG_SET(0x08, 0xaa),
    REG_SET(0x0b, 0x00),
    REG_IS_BITS(0x04, 0x80, 0x80), /* 1 in the afternoon, or some later */
    REG_SET(0x0b, 0x84),
    REG_SET(0x0b, 0x04),
    REG_IS(0x0b, 0x04),
    REG_SET(0x06, 0x99),
    REG_SET(0x09, 0xff),
    REG_SET(0x0b, 0x02),
    REG_IS_BITS(0x0c, 0, 0),
    REGS_END,
};

static uint8_t
cmos_read(uint8_t reg)
{
	out8(CMOS, reg);
	return in8(CMOS + 1);
}

static void
cmos_write(uint8_t reg, uint8_t value)
{
	out8(CMOS, reg);
	out8(CMOS + 1, value);
}

/* The battery keeps every byte of the memory, and no other one changes. */
static void
memory(void)
{
	uint8_t old[SIZE];
	unsigned i;

	for (i = FREE; i < SIZE; i++)
		if (i != CENTURY) {
			old[i] = cmos_read((uint8_t)i);
			cmos_write((uint8_t)i, (uint8_t)(i * 7));
		}
	for (i = FREE; i < SIZE; i++)
		if (i != CENTURY) {
			regs_check("a byte of the clock's memory",
			    cmos_read((uint8_t)(i | 0x80)), (uint8_t)(i * 7));
			cmos_write((uint8_t)i, old[i]);
		}
}

void
regs_clock(void)
{
	static const uint8_t kept[] = {0, 2, 4, 7, 8, 9, CENTURY};
	uint8_t date[sizeof(kept)];
	unsigned i;

	/* Seconds go on meanwhile: it loses no more than this takes. */
	cmos_write(0x0b, 0x82);
	for (i = 0; i < sizeof(kept); i++)
		date[i] = cmos_read(kept[i]);
	cmos_write(0x0b, 0x02);
	regs_run("the clock", control, CMOS);
	regs_run("dates", dates, CMOS);
	memory();
	cmos_write(0x0b, 0x82);
	for (i = 0; i < sizeof(kept); i++)
		cmos_write(kept[i], date[i]);
	cmos_write(0x0b, 0x02);
}

/* The keyboard controller: data at 0x60, status and commands at 0x64. */
#define DATA   0
#define STATUS 4

#define ANSWER(command, want)                                    \
	OUT(1, STATUS, command), IN_BITS(1, STATUS, 0x01, 0x21), \
	    IN(1, DATA, want), IN_BITS(1, STATUS, 0x00, 0x21)

static const struct reg_step controller[] = {
    IN_BITS(1, DATA, 0, 0),
    IN_BITS(1, STATUS, 0x14, 0x37),
    ANSWER(0xaa, 0x55),
    ANSWER(0xab, 0x00),
    ANSWER(0xa9, 0x01),
    ANSWER(0xc0, 0x80),
    ANSWER(0xd0, 0x03),
    /* Its memory, of which byte 0 is what it is told to do. */
    ANSWER(0x20, 0x24),
    OUT(1, STATUS, 0x60),
    OUT(1, DATA, 0x00),
    ANSWER(0x20, 0x00),
    OUT(1, STATUS, 0xad),
    OUT(1, STATUS, 0xa7),
    ANSWER(0x20, 0x30),
    OUT(1, STATUS, 0xae),
    OUT(1, STATUS, 0xa8),
    ANSWER(0x20, 0x00),
    OUT(1, STATUS, 0x7f),
    OUT(1, DATA, 0x5a),
    ANSWER(0x3f, 0x5a),
    OUT(1, STATUS, 0x61),
    OUT(1, DATA, 0xff),
    ANSWER(0x21, 0xff),
    /* Bytes to who is not there, and as if they came from there. */
    OUT(1, DATA, 0xff),
    IN_BITS(1, STATUS, 0x41, 0x61),
    IN(1, DATA, 0xfe),
    OUT(1, STATUS, 0xd4),
    OUT(1, DATA, 0xff),
    IN_BITS(1, STATUS, 0x61, 0x61),
    IN(1, DATA, 0xfe),
    OUT(1, STATUS, 0xd2),
    OUT(1, DATA, 0x77),
    IN_BITS(1, STATUS, 0x01, 0x61),
    IN(1, DATA, 0x77),
    OUT(1, STATUS, 0xd3),
    OUT(1, DATA, 0x78),
    IN(1, DATA, 0x87),
    /* The line that resets stays up; commands that there are not. */
    OUT(1, STATUS, 0xd1),
    OUT(1, DATA, 0x03),
    OUT(1, STATUS, 0xff),
    OUT(1, STATUS, 0xf1),
    OUT(1, STATUS, 0x00),
    OUT(1, STATUS, 0x9f),
    OUT(1, STATUS, 0xe0),
    IN_BITS(1, STATUS, 0x14, 0x37),
    /* Strings, and words, whose second half is somebody else's. */
    OUTS(1, STATUS, 0xaa),
    INS(1, DATA, 0x55),
    IN(2, STATUS, 0xff1c),
    OUT(2, STATUS, 0xffaa),
    IN_BITS(1, DATA, 0x55, 0xff),
    INS(2, STATUS, 0xff1c),
    /* As it was. */
    OUT(1, STATUS, 0x60),
    OUT(1, DATA, 0x24),
    ANSWER(0x20, 0x24),
    REGS_END,
};

static const struct reg_step fast[] = {
    OUT(1, 0x92, 0x00),
    IN(1, 0x92, 0x00),
    OUT(1, 0x92, 0xfe),
    IN(1, 0x92, 0x02),
    OUT(2, 0x92, 0x0002),
    IN(2, 0x92, 0xff02),
    IN(4, 0x92, 0xffffff02),
    INS(1, 0x92, 0x02),
    OUTS(1, 0x92, 0x02),
    /* 0xCF9 is a byte; beside it is what PCI has. */
    OUT(1, 0xcf9, 0x02),
    IN(1, 0xcf9, 0x02),
    OUT(1, 0xcf9, 0xf9),
    IN(1, 0xcf9, 0x00),
    OUT(2, 0xcf8, 0x06ff),
    IN(1, 0xcf9, 0x00),
    INS(1, 0xcf9, 0x00),
    OUTS(1, 0xcf9, 0x00),
    REGS_END,
};

void
regs_keyboard(void)
{
	regs_run("the keyboard's controller", controller, 0x60);
	regs_run("port", fast, 0);
}
