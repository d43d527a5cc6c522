/*
 * regs_serial.c: a 16550A, the second port (National PC16550D, 8.0): every
 * register, the loop that ties its outputs to its inputs, each interrupt.
 */
#include "acpi.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "regs.h"

#define COM2 0x2f8

#define DATA 0
#define IER  1
#define IIR  2
#define FCR  2
#define LCR  3
#define MCR  4
#define LSR  5
#define MSR  6
#define SCR  7

#define LOOP 0x10

static const struct reg_step plain[] = {
    /* A known state: no FIFO, no interrupts, the cable's other end is there. */
    OUT(1, LCR, 0),
    OUT(1, IER, 0),
    OUT(1, FCR, 1),
    OUT(1, FCR, 0),
    OUT(1, MCR, 0),
    IN_BITS(1, MSR, 0, 0),
    IN_BITS(1, IIR, 0, 0),
    IN(1, LSR, 0x60),
    IN(1, IIR, 0x01),
    IN(1, MSR, 0xb0),
    /* What is only stored. */
    OUT(1, SCR, 0xff),
    IN(1, SCR, 0xff),
    OUT(1, SCR, 0xa5),
    IN(1, SCR, 0xa5),
    OUT(1, IER, 0xf0),
    IN(1, IER, 0),
    OUT(1, LCR, 0x7f),
    IN(1, LCR, 0x7f),
    OUT(1, MCR, 0xef),
    IN(1, MCR, 0x0f),
    OUT(1, MCR, 0),
    /* The divisor is behind DLAB, and only two registers are. */
    OUT(1, LCR, 0xff),
    IN(1, LCR, 0xff),
    OUT(1, DATA, 0x34),
    OUT(1, IER, 0x12),
    IN(1, DATA, 0x34),
    IN(1, IER, 0x12),
    OUT(2, DATA, 0x0001),
    IN(2, DATA, 0x0001),
    IN(1, IIR, 0x01),
    IN(1, MCR, 0),
    OUT(1, LCR, 0x03),
    IN(1, IER, 0),
    /* Status is not written; there is nothing to receive. */
    OUT(1, LSR, 0xff),
    OUT(1, MSR, 0x0f),
    IN(1, LSR, 0x60),
    IN(1, MSR, 0xb0),
    IN(1, DATA, 0),
    INS(1, DATA, 0),
    /* Wide accesses are as many of a byte, over the end too. */
    OUT(2, LCR, 0x0207),
    IN(2, LCR, 0x0207),
    OUT(4, LCR, 0xff001103),
    IN(1, LCR, 0x03),
    IN(1, MCR, 0x11),
    OUT(1, MCR, 0),
    IN_BITS(1, MSR, 0, 0),
    IN(4, MCR, 0xa5b06000),
    IN(2, SCR, 0xffa5),
    OUT(2, SCR, 0x0077),
    INS(1, SCR, 0x77),
    OUTS(1, SCR, 0x42),
    INS(2, SCR, 0xff42),
    OUTS(2, LCR, 0x0003),
    INS(4, MCR, 0x42b06000),
    REGS_END,
};

static const struct reg_step lines[] = {
    /* In the loop the four outputs are the inputs, with what changed. */
    OUT(1, MCR, LOOP),
    IN(1, MSR, 0x0b),
    IN(1, MSR, 0x00),
    OUT(1, MCR, LOOP | 2),
    IN(1, MSR, 0x11),
    OUT(1, MCR, LOOP | 1),
    IN(1, MSR, 0x23),
    OUT(1, MCR, LOOP | 4),
    IN(1, MSR, 0x42), /* a ring that begins is no change */
    OUT(1, MCR, LOOP),
    IN(1, MSR, 0x04),
    OUT(1, MCR, LOOP | 8),
    IN(1, MSR, 0x88),
    OUT(1, MCR, 0xff),
    IN(1, MCR, 0x1f),
    IN(1, MSR, 0xf3),
    /* One byte without the FIFO; the next one takes its place. */
    OUT(1, MCR, LOOP),
    IN_BITS(1, MSR, 0, 0),
    OUT(1, DATA, 0x41),
    IN(1, LSR, 0x61),
    IN(1, DATA, 0x41),
    IN(1, LSR, 0x60),
    OUT(1, DATA, 0x42),
    OUT(1, DATA, 0x43),
    IN(1, LSR, 0x63),
    IN(1, LSR, 0x61),
    IN(1, DATA, 0x43),
    IN(1, LSR, 0x60),
    /* Turning the FIFO on empties it; a bit beside that one turns nothing. */
    OUT(1, DATA, 0x44),
    OUT(1, FCR, 0xc0),
    IN(1, IIR, 0x01),
    IN(1, LSR, 0x61),
    OUT(1, FCR, 0x01),
    IN(1, IIR, 0xc1),
    IN(1, LSR, 0x60),
    /* Sixteen, and one too many, which is lost. */
    OUTS(1, DATA, 0x10),
    OUTS(1, DATA, 0x11),
    OUTS(1, DATA, 0x12),
    OUTS(1, DATA, 0x13),
    OUTS(1, DATA, 0x14),
    OUTS(1, DATA, 0x15),
    OUTS(1, DATA, 0x16),
    OUTS(1, DATA, 0x17),
    IN(1, LSR, 0x61),
    OUT(1, DATA, 0x18),
    IN(1, LSR, 0x63),
    INS(1, DATA, 0x10),
    INS(1, DATA, 0x11),
    OUT(1, FCR, 0x05), /* the transmitter's, empty as it is */
    INS(1, DATA, 0x12),
    OUT(1, FCR, 0x03),
    IN(1, LSR, 0x60),
    IN(1, DATA, 0),
    REGS_END,
};

static const struct reg_step interrupts[] = {
    OUT(1, MCR, LOOP),
    IN_BITS(1, MSR, 0, 0),
    /* An empty transmitter tells so when asked, until it is seen. */
    OUT(1, IER, 0x02),
    IN(1, IIR, 0xc2),
    IN(1, IIR, 0xc1),
    OUT(1, IER, 0x00),
    OUT(1, IER, 0x02),
    IN(1, IIR, 0xc2),
    /* and again after each byte */
    OUT(1, DATA, 0x55),
    IN(1, IIR, 0xc2),
    IN(1, IIR, 0xc1),
    /* Trigger levels: below one the time-out, at it the data. */
    OUT(1, IER, 0x01),
    IN(1, IIR, 0xc4),
    OUT(1, FCR, 0x41),
    IN(1, IIR, 0xcc),
    OUTS(1, DATA, 0x56),
    IN(1, IIR, 0xcc),
    OUT(1, DATA, 0x57),
    IN(1, IIR, 0xc4),
    OUT(1, FCR, 0x81),
    IN(1, IIR, 0xcc),
    OUT(4, DATA, 0x07000158), /* data, IER, FCR without its FIFO, LCR */
    IN(1, IIR, 0x01),
    OUT(1, LCR, 0x03),
    OUT(1, FCR, 0xc7),
    IN(1, IIR, 0xc1),
    /* All four at once, the most urgent first. */
    OUT(1, IER, 0x00),
    OUT(1, FCR, 0x00),
    OUTS(1, DATA, 0x59),
    OUT(1, MCR, LOOP | 2),
    OUT(1, IER, 0x0f),
    IN(1, IIR, 0x06),
    IN(1, LSR, 0x63),
    IN(1, IIR, 0x04),
    IN(1, DATA, 0x59),
    IN(1, IIR, 0x02),
    IN(1, IIR, 0x00),
    IN(1, MSR, 0x11),
    IN(1, IIR, 0x01),
    /* Nothing of it is left. */
    OUT(1, IER, 0x00),
    OUT(1, MCR, 0x00),
    IN_BITS(1, MSR, 0, 0),
    IN(1, IIR, 0x01),
    IN(1, LSR, 0x60),
    REGS_END,
};

static volatile unsigned came;

/* What the port asks for goes in the same order as its interrupts. */
static void
on_interrupt(unsigned vector)
{
	came++;
	in8(COM2 + IIR);
}

/* The line to the IO-APIC is open with OUT2, and shut in the loop. */
static void
line(void)
{
	int level = 0, low = 0;
	unsigned gsi = acpi_isa_irq(3, &level, &low), wanted;
	uint64_t end = time_now() + 30000000;

	irq_handler(IRQ_RTC, on_interrupt);
	regs_check("a line of COM2", irq_route(gsi, IRQ_RTC, level, low), 0);
	came = 0;
	for (wanted = 0; wanted < 3; wanted++) {
		out8(COM2 + MCR, wanted == 0 ? 0 : wanted == 1 ? 8 : LOOP | 8);
		out8(COM2 + IER, 0x02);
		while (wanted == 1 && came == 0 && irq_wait(end))
			continue;
		irq_poll();
		regs_check("interrupts of COM2", came, wanted > 0);
		out8(COM2 + IER, 0x00);
		in8(COM2 + IIR);
	}
	irq_mask(gsi);
	out8(COM2 + MCR, 0);
	in8(COM2 + MSR);
}

void
regs_serial(void)
{
	if (in8(COM2 + LSR) == 0xff) {
		regs_wrong++;
		print("there is no second serial port: serial2 = yes\n");
		return;
	}
	regs_run("a plain port", plain, COM2);
	regs_run("the loop", lines, COM2);
	regs_run("interrupts", interrupts, COM2);
	line();
}
