/*
 * rtc.c: the MC146818 clock with CMOS memory behind ports 0x70 and 0x71.
 *
 * The clock is the host's, in UTC, plus an offset when the guest set it. The
 * periodic, alarm and update flags of register C are worked out when it is
 * read, which is what drivers that poll need; IRQ 8 is not raised.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/dev/dev.h"

#define RTC_PORT 0x70

#define REG_A       0x0a
#define REG_B       0x0b
#define REG_C       0x0c
#define REG_D       0x0d
#define REG_CENTURY 0x32

#define A_UIP    0x80
#define B_24H    0x02
#define B_BINARY 0x04
#define B_SET    0x80
#define C_UF     0x10
#define C_AF     0x20
#define C_IRQF   0x80
#define D_VALID  0x80

/* The date registers freeze this long before a second ends (UIP). */
#define UIP_NS (1000000000L - 244000L)

struct rtc {
	struct machine *machine;
	pthread_mutex_t lock; /* guards all below */
	uint8_t index;
	uint8_t cmos[128];
	int64_t offset; /* seconds, guest's clock less the host's */
	int64_t c_seen; /* guest's second when register C was last read */
};

static const uint8_t date_regs[] = {0, 2, 4, 6, 7, 8, 9, REG_CENTURY};

static bool
is_date(unsigned reg)
{
	return memchr(date_regs, (int)reg, sizeof date_regs) != NULL;
}

static int64_t
host_seconds(long *ns)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (ns != NULL)
		*ns = ts.tv_nsec;
	return ts.tv_sec;
}

static uint8_t
encode(const struct rtc *rtc, int value)
{
	if ((rtc->cmos[REG_B] & B_BINARY) != 0)
		return (uint8_t)value;
	return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static int
decode(const struct rtc *rtc, uint8_t value)
{
	if ((rtc->cmos[REG_B] & B_BINARY) != 0)
		return value;
	return (value >> 4) * 10 + (value & 15);
}

static uint8_t
encode_hour(const struct rtc *rtc, int hour)
{
	if ((rtc->cmos[REG_B] & B_24H) != 0)
		return encode(rtc, hour);
	return encode(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? 0x80 : 0);
}

static int
decode_hour(const struct rtc *rtc, uint8_t value)
{
	if ((rtc->cmos[REG_B] & B_24H) != 0)
		return decode(rtc, value);
	return decode(rtc, value & 0x7f) % 12 + ((value & 0x80) != 0 ? 12 : 0);
}

/* Fills the date registers from the clock. */
static void
clock_to_regs(struct rtc *rtc, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		return;
	rtc->cmos[0] = encode(rtc, tm.tm_sec);
	rtc->cmos[2] = encode(rtc, tm.tm_min);
	rtc->cmos[4] = encode_hour(rtc, tm.tm_hour);
	rtc->cmos[6] = encode(rtc, tm.tm_wday + 1);
	rtc->cmos[7] = encode(rtc, tm.tm_mday);
	rtc->cmos[8] = encode(rtc, tm.tm_mon + 1);
	rtc->cmos[9] = encode(rtc, tm.tm_year % 100);
	rtc->cmos[REG_CENTURY] = encode(rtc, (tm.tm_year + 1900) / 100);
}

/* Sets the offset so that the clock goes on from the date registers. */
static void
regs_to_clock(struct rtc *rtc)
{
	struct tm tm = {
	    .tm_sec = decode(rtc, rtc->cmos[0]),
	    .tm_min = decode(rtc, rtc->cmos[2]),
	    .tm_hour = decode_hour(rtc, rtc->cmos[4]),
	    .tm_mday = decode(rtc, rtc->cmos[7]),
	    .tm_mon = decode(rtc, rtc->cmos[8]) - 1,
	    .tm_year = decode(rtc, rtc->cmos[REG_CENTURY]) * 100 +
		decode(rtc, rtc->cmos[9]) - 1900,
	};
	time_t t = timegm(&tm);

	rtc->offset = (int64_t)t - host_seconds(NULL);
}

/* Alarm registers 1, 3, 5 match the clock's 0, 2, 4, or do not care (0xC0+). */
static bool
alarm_matches(struct rtc *rtc, int64_t seconds)
{
	unsigned i;

	clock_to_regs(rtc, seconds);
	for (i = 0; i <= 4; i += 2)
		if (rtc->cmos[i + 1] < 0xc0 && rtc->cmos[i + 1] != rtc->cmos[i])
			return false;
	return true;
}

/* What register C says: the updates and alarms since it was last read. */
static uint8_t
read_c(struct rtc *rtc)
{
	int64_t now = host_seconds(NULL) + rtc->offset, t;
	uint8_t c = 0;

	if (now != rtc->c_seen)
		c |= C_UF;
	/* An alarm comes round within a day. */
	t = now - rtc->c_seen > 86400 ? now - 86400 : rtc->c_seen;
	for (t++; t <= now && (c & C_AF) == 0; t++)
		if (alarm_matches(rtc, t))
			c |= C_AF;
	rtc->c_seen = now;
	if ((c & rtc->cmos[REG_B] & (C_UF | C_AF)) != 0)
		c |= C_IRQF;
	return c;
}

static uint8_t
read_register(struct rtc *rtc, unsigned reg)
{
	long ns;
	int64_t now;

	if (reg == REG_C)
		return read_c(rtc);
	if (reg == REG_D)
		return D_VALID;
	now = host_seconds(&ns) + rtc->offset;
	if (reg == REG_A)
		return (uint8_t)(rtc->cmos[REG_A] | (ns >= UIP_NS ? A_UIP : 0));
	if (is_date(reg) && (rtc->cmos[REG_B] & B_SET) == 0)
		clock_to_regs(rtc, now);
	return rtc->cmos[reg];
}

static void
write_register(struct rtc *rtc, unsigned reg, uint8_t value)
{
	uint8_t before = rtc->cmos[REG_B];

	switch (reg) {
	case REG_A:
		rtc->cmos[REG_A] = value & 0x7f;
		return;
	case REG_B:
		/* Setting starts from the registers as they are then. */
		if ((value & B_SET) != 0 && (before & B_SET) == 0)
			clock_to_regs(rtc, host_seconds(NULL) + rtc->offset);
		if ((value & B_SET) == 0 && (before & B_SET) != 0)
			regs_to_clock(rtc);
		rtc->cmos[REG_B] = value;
		return;
	case REG_C:
	case REG_D:
		return;
	}
	if (is_date(reg) && (before & B_SET) == 0) {
		clock_to_regs(rtc, host_seconds(NULL) + rtc->offset);
		rtc->cmos[reg] = value;
		regs_to_clock(rtc);
		return;
	}
	rtc->cmos[reg] = value;
}

static uint64_t
rtc_read(void *arg, uint64_t offset, unsigned size)
{
	struct rtc *rtc = arg;
	uint8_t v;

	if (offset == 0)
		return 0xff; /* the index is write-only */
	pthread_mutex_lock(&rtc->lock);
	v = read_register(rtc, rtc->index);
	pthread_mutex_unlock(&rtc->lock);
	return v;
}

static void
rtc_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct rtc *rtc = arg;

	pthread_mutex_lock(&rtc->lock);
	if (offset == 0)
		rtc->index = value & 0x7f; /* bit 7 masks NMIs */
	else
		write_register(rtc, rtc->index, (uint8_t)value);
	pthread_mutex_unlock(&rtc->lock);
}

static const struct io_ops rtc_io = {rtc_read, rtc_write};

static void
put16(struct rtc *rtc, unsigned at, uint64_t v)
{
	rtc->cmos[at] = (uint8_t)v;
	rtc->cmos[at + 1] = (uint8_t)(v >> 8);
}

/* Where firmware looks for the sizes of memory and the number of CPUs. */
static void
describe_machine(struct rtc *rtc)
{
	const struct guestmem *mem = machine_mem(rtc->machine);
	uint64_t low = mem->region[0].size;
	uint64_t high = mem->regions > 1 ? mem->region[1].size : 0;
	uint64_t ext = low > 1 << 20 ? (low >> 10) - 1024 : 0;
	uint64_t over16 = low > 16 << 20 ? (low - (16 << 20)) >> 16 : 0;

	put16(rtc, 0x15, 640);
	put16(rtc, 0x17, ext > 65535 ? 65535 : ext);
	put16(rtc, 0x30, ext > 65535 ? 65535 : ext);
	put16(rtc, 0x34, over16 > 65535 ? 65535 : over16);
	put16(rtc, 0x5b, high >> 16);
	rtc->cmos[0x5d] = (uint8_t)(high >> 32);
	rtc->cmos[0x5f] = (uint8_t)(machine_cpus(rtc->machine) - 1);
}

static void
rtc_reset(void *dev)
{
	struct rtc *rtc = dev;

	/* The battery keeps the rest. */
	rtc->index = 0;
	rtc->cmos[REG_B] &= (uint8_t) ~(0x78); /* PIE AIE UIE SQWE */
	if ((rtc->cmos[REG_B] & B_SET) != 0)
		write_register(rtc, REG_B, rtc->cmos[REG_B] & (uint8_t)~B_SET);
	describe_machine(rtc);
}

static void
rtc_save(void *dev, struct state_writer *w)
{
	struct rtc *rtc = dev;

	state_put_u8(w, rtc->index);
	state_put_bytes(w, rtc->cmos, sizeof rtc->cmos);
	state_put_u64(w, (uint64_t)rtc->offset);
}

static int
rtc_load(void *dev, struct state_reader *r, struct error *err)
{
	struct rtc *rtc = dev;

	rtc->index = state_get_u8(r) & 0x7f;
	state_get_bytes(r, rtc->cmos, sizeof rtc->cmos);
	rtc->offset = (int64_t)state_get_u64(r);
	/* A clock is set to a date of four digits, so no sum can overflow. */
	if (rtc->offset > 1000000000000LL || rtc->offset < -1000000000000LL)
		return error_set(err, "the saved clock is out of range");
	rtc->c_seen = host_seconds(NULL) + rtc->offset;
	return 0;
}

static void
rtc_destroy(void *dev)
{
	struct rtc *rtc = dev;

	pthread_mutex_destroy(&rtc->lock);
	free(rtc);
}

static const struct device_ops rtc_device = {
    .name = "rtc",
    .reset = rtc_reset,
    .save = rtc_save,
    .load = rtc_load,
    .destroy = rtc_destroy,
};

int
rtc_create(struct machine *m, struct error *err)
{
	struct rtc *rtc;

	rtc = calloc(1, sizeof *rtc);
	if (rtc == NULL)
		return error_set(err, "clock: out of memory");
	rtc->machine = m;
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->cmos[REG_A] = 0x26; /* 32768 Hz, 1024 Hz */
	rtc->cmos[REG_B] = B_24H;
	rtc->c_seen = host_seconds(NULL);
	describe_machine(rtc);
	if (machine_add_device(m, &rtc_device, rtc, err) == -1)
		return -1;
	return iobus_add(machine_pio(m), "rtc", RTC_PORT, 2, &rtc_io, rtc, err);
}
