/*
 * rtc.h: the battery-backed clock (MC146818) through ports 0x70 and 0x71.
 */
#ifndef GUEST_RTC_H
#define GUEST_RTC_H

/* Prints "2026-11-22 10:41:07", or that it does not answer. */
void rtc_print(void);

/*
 * Has the clock interrupt for ms milliseconds: bits are those of register B
 * (0x10 updates, 0x20 an alarm two seconds from now, 0x40 the periodic one, at
 * this rate of register A). Says how many came, and with which flags.
 */
void rtc_interrupts(unsigned bits, unsigned rate, unsigned ms);

#endif
