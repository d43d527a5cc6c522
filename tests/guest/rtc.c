/*
 * rtc.c: see rtc.h.
 */
#include "console.h"
#include "cpu.h"
#include "rtc.h"

#define RTC_SECONDS 0x00
#define RTC_MINUTES 0x02
#define RTC_HOURS   0x04
#define RTC_DAY     0x07
#define RTC_MONTH   0x08
#define RTC_YEAR    0x09
#define RTC_A       0x0a
#define RTC_B       0x0b
#define RTC_CENTURY 0x32

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
