/*
 * serial.c: a 16550A at COM1, 115200 8N1 (National PC16550D). Receives by
 * interrupt, so that an idle prompt halts; sends up to a FIFO's worth at once
 * whenever the transmitter is empty.
 */
#include "acpi.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "serial.h"

#define COM1      0x3f8
#define COM1_IRQ  4
#define FIFO      16
#define LSR_DATA  0x01
#define LSR_EMPTY 0x20
#define CTRL_C    3

/* Bytes received, tail to head, not yet read. */
static uint8_t input[1024];
static unsigned input_head, input_tail;
static unsigned burst = 1;

void
console_init(void)
{
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 0x80); /* divisor latch: 1 is 115200 */
	out8(COM1 + 0, 1);
	out8(COM1 + 1, 0);
	out8(COM1 + 3, 0x03); /* 8N1 */
	out8(COM1 + 2, 0x07); /* FIFOs on and empty, interrupt at each byte */
	out8(COM1 + 4, 0x0b); /* DTR, RTS, and OUT2, which lets IRQ 4 out */
	if ((in8(COM1 + 2) & 0xc0) == 0xc0)
		burst = FIFO;
}

static void
receive(unsigned vector)
{
	uint8_t c;

	while (in8(COM1 + 5) & LSR_DATA) {
		c = in8(COM1);
		if (input_head - input_tail < sizeof(input))
			input[input_head++ % sizeof(input)] = c;
	}
}

void
console_listen(void)
{
	int level = 0, low = 0;
	unsigned gsi = acpi_isa_irq(COM1_IRQ, &level, &low);

	irq_handler(IRQ_SERIAL, receive);
	irq_route(gsi, IRQ_SERIAL, level, low);
	out8(COM1 + 1, 0x01);
	receive(IRQ_SERIAL);
}

void
serial_write(const char *data, size_t n)
{
	size_t some;

	while (n > 0) {
		while (!(in8(COM1 + 5) & LSR_EMPTY))
			relax();
		some = n < burst ? n : burst;
		for (n -= some; some > 0; some--)
			out8(COM1, (uint8_t)*data++);
	}
}

int
console_read(uint64_t deadline)
{
	console_flush();
	while (input_head == input_tail)
		if (!irq_wait(deadline))
			return -1;
	return input[input_tail++ % sizeof(input)];
}

int
console_interrupted(void)
{
	unsigned i;

	irq_poll();
	for (i = input_tail; i != input_head; i++) {
		if (input[i % sizeof(input)] != CTRL_C)
			continue;
		input_tail = i + 1;
		print("^C\n");
		return 1;
	}
	return 0;
}
