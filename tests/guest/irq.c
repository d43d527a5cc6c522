/*
 * irq.c: local APIC, IO-APIC, and the time stamp counter measured against the
 * PIT (Intel SDM volume 3, chapter 11; 82093AA IO-APIC; 8254).
 */
#include "acpi.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"

#define LAPIC          0xfee00000u
#define LAPIC_ID       0x20
#define LAPIC_PRIORITY 0x80
#define LAPIC_EOI      0xb0
#define LAPIC_SPURIOUS 0xf0
#define LAPIC_TIMER    0x320
#define LAPIC_LVT0     0x350
#define LAPIC_INITIAL  0x380
#define LAPIC_CURRENT  0x390
#define LAPIC_DIVIDE   0x3e0
#define LAPIC_MASKED   0x10000u

#define IOAPIC_VERSION 1
#define IOAPIC_PIN     0x10
#define PIN_ACTIVE_LOW (1u << 13)
#define PIN_LEVEL      (1u << 15)
#define PIN_MASKED     (1u << 16)

#define PIT_HZ 1193182u

/* start.S */
extern volatile uint8_t irq_pending;

static void (*handlers[16])(unsigned);
static uint64_t ioapic;
static unsigned ioapic_base, ioapic_pins;
static uint64_t tsc_per_ms, timer_per_ms; /* 0: not measured yet */
static uint64_t timer_deadline; /* 0: not running */

static uint32_t
lapic_read(unsigned reg)
{
	return mmio_r32(LAPIC + reg);
}

static void
lapic_write(unsigned reg, uint32_t value)
{
	mmio_w32(LAPIC + reg, value);
}

static uint32_t
ioapic_read(unsigned reg)
{
	mmio_w32(ioapic, reg);
	return mmio_r32(ioapic + 0x10);
}

static void
ioapic_write(unsigned reg, uint32_t value)
{
	mmio_w32(ioapic, reg);
	mmio_w32(ioapic + 0x10, value);
}

static void
timer_handler(unsigned vector)
{
	timer_deadline = 0;
}

void
irq_init(void)
{
	ioapic = acpi_ioapic(&ioapic_base);
	ioapic_pins = (ioapic_read(IOAPIC_VERSION) >> 16 & 0xff) + 1;
	lapic_write(LAPIC_PRIORITY, 0);
	lapic_write(LAPIC_SPURIOUS, 0x1ff);
	lapic_write(LAPIC_LVT0, LAPIC_MASKED);
	lapic_write(LAPIC_TIMER, IRQ_TIMER);
	lapic_write(LAPIC_DIVIDE, 0xb); /* by one */
	irq_handler(IRQ_TIMER, timer_handler);
}

void
irq_handler(unsigned vector, void (*handler)(unsigned))
{
	handlers[vector & 15] = handler;
}

int
irq_route(unsigned gsi, unsigned vector, int level, int active_low)
{
	unsigned pin = gsi - ioapic_base;

	if (gsi < ioapic_base || pin >= ioapic_pins)
		return -1;
	ioapic_write(IOAPIC_PIN + pin * 2 + 1, lapic_read(LAPIC_ID));
	ioapic_write(IOAPIC_PIN + pin * 2,
	    vector | (level ? PIN_LEVEL : 0) |
		(active_low ? PIN_ACTIVE_LOW : 0));
	return 0;
}

void
irq_mask(unsigned gsi)
{
	unsigned pin = gsi - ioapic_base;

	if (gsi >= ioapic_base && pin < ioapic_pins)
		ioapic_write(IOAPIC_PIN + pin * 2, PIN_MASKED);
}

uint64_t
irq_msi_address(void)
{
	return LAPIC | (lapic_read(LAPIC_ID) >> 24) << 12;
}

uint32_t
irq_msi_data(unsigned vector)
{
	return vector;
}

static void
irq_end(void)
{
	lapic_write(LAPIC_EOI, 0);
	lapic_write(LAPIC_PRIORITY, 0);
}

void
irq_recover(void)
{
	if (irq_pending == 0)
		irq_end();
}

int
irq_poll(void)
{
	unsigned vector = irq_pending;

	if (vector == 0)
		return 0;
	/* Nothing else comes before the priority is low again (start.S). */
	irq_pending = 0;
	if (handlers[vector & 15] != NULL)
		handlers[vector & 15](vector);
	irq_end();
	return 1;
}

/*
 * Counts both clocks while the PIT's channel 2 runs down 10 ms. A machine
 * without one is taken to have clocks of 1 GHz.
 */
static void
time_measure(void)
{
	const uint32_t count = PIT_HZ / 100;
	uint64_t tsc;
	uint32_t ticks;
	unsigned tries = 0;
	uint8_t port61 = in8(0x61) & 0xfc;

	lapic_write(LAPIC_TIMER, IRQ_TIMER | LAPIC_MASKED);
	out8(0x61, port61 | 1); /* gate on, speaker off */
	out8(0x43, 0xb0); /* channel 2, both bytes, mode 0 */
	out8(0x42, count & 0xff);
	out8(0x42, count >> 8);
	lapic_write(LAPIC_INITIAL, UINT32_MAX);
	tsc = rdtsc();
	while (!(in8(0x61) & 0x20) && ++tries < 1000000)
		relax();
	tsc = rdtsc() - tsc;
	ticks = UINT32_MAX - lapic_read(LAPIC_CURRENT);
	lapic_write(LAPIC_INITIAL, 0);
	lapic_write(LAPIC_TIMER, IRQ_TIMER);
	out8(0x61, port61);
	tsc_per_ms = tsc / 10;
	timer_per_ms = ticks / 10;
	if (tries == 0 || tsc_per_ms < 1000 || timer_per_ms < 1000)
		tsc_per_ms = timer_per_ms = 1000000;
}

uint64_t
time_now(void)
{
	uint64_t tsc;

	if (tsc_per_ms == 0)
		time_measure();
	tsc = rdtsc();
	return tsc / tsc_per_ms * 1000 + tsc % tsc_per_ms * 1000 / tsc_per_ms;
}

/*
 * Starts the timer, unless it runs already and will fire early enough: it is
 * three accesses to the APIC, and a waiter looks at the clock anyway.
 */
static void
timer_start(uint64_t now, uint64_t deadline)
{
	uint64_t ticks;

	if (timer_deadline != 0 && timer_deadline <= deadline)
		return;
	ticks = (deadline - now) * timer_per_ms / 1000 + 1;
	if (ticks > UINT32_MAX)
		ticks = UINT32_MAX;
	timer_deadline = deadline;
	lapic_write(LAPIC_INITIAL, (uint32_t)ticks);
}

int
irq_wait(uint64_t deadline)
{
	uint64_t now;

	if (irq_poll())
		return 1;
	if (deadline != 0) {
		now = time_now();
		if (now >= deadline)
			return 0;
		timer_start(now, deadline);
	}
	gate(GATE_WAIT);
	irq_poll();
	return 1;
}
