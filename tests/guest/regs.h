/*
 * regs.h: registers driven by tables: what is done to each, at every width,
 * and what has to come back. One file a family of devices (regs_*.c);
 * cmd_regs.c runs them.
 */
#ifndef GUEST_REGS_H
#define GUEST_REGS_H

#include <stdint.h>

enum reg_op {
	REG_END,
	REG_IN, /* a port */
	REG_OUT,
	REG_INS, /* the same, by a string of two */
	REG_OUTS,
	REG_READ, /* memory */
	REG_WRITE,
	REG_CFG_READ, /* configuration space, where regs_pci says */
	REG_CFG_WRITE,
};

struct reg_step {
	uint8_t op, size; /* bytes: 1, 2, 4; of memory 8 too */
	uint16_t line; /* in the source, to find a step that failed */
	uint32_t at; /* beyond the table's base */
	uint64_t value, mask; /* mask: of a read, the bits that count */
};

#define STEP(op, size, at, value, mask)             \
	{                                           \
		op, size, __LINE__, at, value, mask \
	}
#define IN(size, at, want)             STEP(REG_IN, size, at, want, ~0ull)
#define IN_BITS(size, at, want, mask)  STEP(REG_IN, size, at, want, mask)
#define OUT(size, at, value)           STEP(REG_OUT, size, at, value, 0)
#define INS(size, at, want)            STEP(REG_INS, size, at, want, ~0ull)
#define OUTS(size, at, value)          STEP(REG_OUTS, size, at, value, 0)
#define RD(size, at, want)             STEP(REG_READ, size, at, want, ~0ull)
#define RD_BITS(size, at, want, mask)  STEP(REG_READ, size, at, want, mask)
#define WR(size, at, value)            STEP(REG_WRITE, size, at, value, 0)
#define CFG(size, at, want)            STEP(REG_CFG_READ, size, at, want, ~0ull)
#define CFG_BITS(size, at, want, mask) STEP(REG_CFG_READ, size, at, want, mask)
#define CFG_WR(size, at, value)        STEP(REG_CFG_WRITE, size, at, value, 0)
#define REGS_END                       \
	{                              \
		REG_END, 0, 0, 0, 0, 0 \
	}

/* The function that configuration steps are about (PCI_ADDR). */
extern unsigned regs_pci;

/* Steps and checks so far, and those of them that went wrong. */
extern unsigned regs_done, regs_wrong;

/* Runs a table with its offsets from base, and prints what went wrong. */
void regs_run(const char *table, const struct reg_step *steps, uint64_t base);

/* One check beside the tables. */
void regs_check(const char *what, uint64_t got, uint64_t want);

/* Two accesses by one rep ins or outs. The elements are one after another. */
void port_ins(uint16_t port, unsigned size, void *to);
void port_outs(uint16_t port, unsigned size, const void *from);

/* The families. */
void regs_serial(void);
void regs_clock(void);
void regs_keyboard(void);
void regs_power(void);
void regs_firmware(void);
void regs_nobody(void);
void regs_config(void);
void regs_bars(void);
void regs_messages(void);
void regs_modern(void);
void regs_legacy(void);
void regs_window(void);

#endif
