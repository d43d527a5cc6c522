/*
 * rtc.h: the battery-backed clock (MC146818) through ports 0x70 and 0x71.
 */
#ifndef GUEST_RTC_H
#define GUEST_RTC_H

/* Prints "2026-11-22 10:41:07", or that it does not answer. */
void rtc_print(void);

#endif
