/*
 * rtc.c: see rtc.h.
 */
#include "acpi.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "rtc.h"

#define RTC_SECONDS 0x00
#define RTC_MINUTES 0x02
#define RTC_HOURS   0x04
#define RTC_DAY     0x07
#define RTC_MONTH   0x08
#define RTC_YEAR    0x09
#define RTC_A       0x0a
#define RTC_B       0x0b
#define RTC_C       0x0c
#define RTC_CENTURY 0x32

#define ISA_IRQ     8
#define B_INTERRUPT 0x70

#define A_UPDATING 0x80
#define B_BINARY   0x04
#define B_24_HOURS 0x02
#define HOUR_PM    0x80

static uint8_t
cmos(uint8_t reg)
{
	out8(0x70, reg);
	return in8(0x71);
}

static unsigned
number(uint8_t value, int binary)
{
	return binary ? value : (value >> 4) * 10u + (value & 15);
}

void
rtc_print(void)
{
	unsigned tries = 0, hour, second, century;
	uint8_t b, h;
	int binary;

	while ((cmos(RTC_A) & A_UPDATING) && ++tries < 2000)
		relax();
	b = cmos(RTC_B);
	if (tries == 2000 || b == 0xff) {
		print("it does not answer\n");
		return;
	}
	binary = b & B_BINARY;
	second = number(cmos(RTC_SECONDS), binary);
	h = cmos(RTC_HOURS);
	hour = number(b & B_24_HOURS ? h : h & ~HOUR_PM, binary);
	if (!(b & B_24_HOURS))
		hour = hour % 12 + (h & HOUR_PM ? 12 : 0);
	century = number(cmos(RTC_CENTURY), binary);
	if (century < 19 || century > 30)
		century = 20;
	print("%02u%02u-%02u-%02u %02u:%02u:%02u\n", century,
	    number(cmos(RTC_YEAR), binary), number(cmos(RTC_MONTH), binary),
	    number(cmos(RTC_DAY), binary), hour,
	    number(cmos(RTC_MINUTES), binary), second);
}

static unsigned came, flags;

static void
on_interrupt(unsigned vector)
{
	came++;
	flags |= cmos(RTC_C);
}

static void
cmos_set(uint8_t reg, uint8_t value)
{
	out8(0x70, reg);
	out8(0x71, value);
}

/* Two seconds from now, in any minute; the registers are BCD from the start. */
static void
alarm_set(void)
{
	unsigned second = (number(cmos(RTC_SECONDS), 0) + 2) % 60;

	cmos_set(RTC_SECONDS + 1, (uint8_t)(second / 10 << 4 | second % 10));
	cmos_set(RTC_MINUTES + 1, 0xff);
	cmos_set(RTC_HOURS + 1, 0xff);
}

void
rtc_interrupts(unsigned bits, unsigned rate, unsigned ms)
{
	int level = 0, low = 0;
	uint64_t end;
	unsigned gsi;
	uint8_t b = cmos(RTC_B);

	gsi = acpi_isa_irq(ISA_IRQ, &level, &low);
	irq_handler(IRQ_RTC, on_interrupt);
	if (irq_route(gsi, IRQ_RTC, level, low) != 0) {
		print("IRQ 8 cannot be routed\n");
		return;
	}
	came = flags = 0;
	if (bits & 0x20)
		alarm_set();
	cmos_set(RTC_A, (uint8_t)(0x20 | (rate & 15)));
	cmos(RTC_C);
	end = time_now() + ms * 1000u;
	cmos_set(RTC_B, (uint8_t)(b | (bits & B_INTERRUPT)));
	while (time_now() < end)
		irq_wait(end);
	cmos_set(RTC_B, b);
	cmos_set(RTC_A, 0x26);
	cmos(RTC_C);
	irq_mask(gsi);
	print("%u interrupts, flags %02x\n", came, flags);
}
