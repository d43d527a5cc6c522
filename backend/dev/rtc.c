/*
 * rtc.c: the MC146818 clock with CMOS memory behind ports 0x70 and 0x71.
 *
 * The clock is the host's, in UTC, plus an offset when the guest set it. The
 * periodic, alarm and update flags of register C are worked out when somebody
 * looks: the driver that polls, or the main loop, where a timer runs while the
 * driver wants interrupts, until the next moment at which there may be one.
 * IRQ 8 is up from then until register C is read.
 *
 *	register B: PIE AIE UIE ──▶ schedule() ──▶ timerfd ──▶ on_timer()
 *	register C: read ──▶ IRQ 8 down               update_c() ──▶ IRQ 8 up
 */
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "backend/dev/dev.h"
#include "backend/vmm/irq.h"

#define RTC_PORT 0x70
#define IRQ      8

#define REG_A       0x0a
#define REG_B       0x0b
#define REG_C       0x0c
#define REG_D       0x0d
#define REG_CENTURY 0x32

#define A_UIP    0x80
#define B_24H    0x02
#define B_BINARY 0x04
#define B_SET    0x80
#define B_UIE    0x10 /* the three, as in register C */
#define B_AIE    0x20
#define B_PIE    0x40
#define C_UF     0x10
#define C_AF     0x20
#define C_PF     0x40
#define C_FLAGS  (C_UF | C_AF | C_PF)
#define C_IRQF   0x80
#define D_VALID  0x80
#define A_RATE   0x0f

#define SECOND  1000000000LL
#define CRYSTAL 32768 /* Hz */
#define DAY     86400
/*
 * An interrupt more often than this is no use to a guest that shares its host,
 * and a load on it; the flag has the rate that was asked for all the same.
 */
#define PERIOD_LEAST (SECOND / 1024)

/* The date registers freeze this long before a second ends (UIP). */
#define UIP_NS (1000000000L - 244000L)

/* By the guest's clock. */
struct moment {
	int64_t s, ns;
};

struct rtc {
	struct machine *machine;
	pthread_mutex_t lock; /* guards all below */
	uint8_t index;
	uint8_t cmos[128];
	int64_t offset; /* seconds, guest's clock less the host's */
	struct moment seen; /* when the flags were last updated */
	uint8_t c; /* the flags that register C has */
	bool irq; /* the level of IRQ 8 */
	int timer_fd;
	struct event *timer; /* the loop's */
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

static struct moment
clock_now(const struct rtc *rtc)
{
	struct moment now;
	long ns;

	now.s = host_seconds(&ns) + rtc->offset;
	now.ns = ns;
	return now;
}

/* Seconds since the last whole minute or hour, of years before 1970 too. */
static int64_t
into(int64_t seconds, int64_t unit)
{
	int64_t rest = seconds % unit;

	return rest < 0 ? rest + unit : rest;
}

/* Does an alarm register let its part of the time pass? 0xC0+: any. */
static bool
matches(const struct rtc *rtc, unsigned reg)
{
	return rtc->cmos[reg + 1] >= 0xc0 ||
	    rtc->cmos[reg + 1] == rtc->cmos[reg];
}

/* The second of the first alarm after seconds; at least a day on: none is. */
static int64_t
next_alarm(struct rtc *rtc, int64_t seconds)
{
	int64_t t = seconds + 1;

	while (t <= seconds + DAY) {
		clock_to_regs(rtc, t);
		if (!matches(rtc, 4))
			t += 3600 - into(t, 3600);
		else if (!matches(rtc, 2))
			t += 60 - into(t, 60);
		else if (!matches(rtc, 0))
			t++;
		else
			break;
	}
	return t;
}

/* Hertz of the periodic interrupt; 0: there is none. */
static int64_t
frequency(const struct rtc *rtc)
{
	unsigned rate = rtc->cmos[REG_A] & A_RATE;

	if (rate == 0)
		return 0;
	/* The two lowest are those of 8 and 9. */
	return CRYSTAL >> (rate <= 2 ? rate + 6 : rate - 1);
}

static void
set_irq(struct rtc *rtc, bool level)
{
	if (level == rtc->irq)
		return;
	rtc->irq = level;
	irq_set_line(rtc->machine, IRQ, level);
}

/* The flags since somebody last looked, and the level that follows. */
static void
update_c(struct rtc *rtc)
{
	struct moment now = clock_now(rtc), before = rtc->seen;
	int64_t hz = frequency(rtc);

	/* While the clock is being set it stands still. */
	if (now.s != before.s && (rtc->cmos[REG_B] & B_SET) == 0) {
		rtc->c |= C_UF;
		/* An alarm comes round within a day. */
		if (now.s - before.s > DAY)
			before.s = now.s - DAY;
		if (next_alarm(rtc, before.s) <= now.s)
			rtc->c |= C_AF;
	}
	if (hz > 0 &&
	    (now.s != rtc->seen.s ||
		now.ns * hz / SECOND != rtc->seen.ns * hz / SECOND))
		rtc->c |= C_PF;
	rtc->seen = now;
	set_irq(rtc, (rtc->c & rtc->cmos[REG_B] & C_FLAGS) != 0);
}

/*
 * Sets the timer to the next moment at which a flag may come that the driver
 * wants an interrupt for. While one is up there is nothing to wait for.
 */
static void
schedule(struct rtc *rtc)
{
	uint8_t b = rtc->irq ? 0 : rtc->cmos[REG_B];
	struct moment now = clock_now(rtc);
	int64_t hz = frequency(rtc), wait = 0, tick;
	struct itimerspec it = {0};

	if ((b & B_SET) == 0 && (b & B_UIE) != 0)
		wait = SECOND - now.ns;
	else if ((b & B_SET) == 0 && (b & B_AIE) != 0)
		wait = (next_alarm(rtc, now.s) - now.s) * SECOND - now.ns;
	if ((b & B_PIE) != 0 && hz > 0) {
		tick = ((now.ns * hz / SECOND + 1) * SECOND + hz - 1) / hz -
		    now.ns;
		if (tick < PERIOD_LEAST && hz > SECOND / PERIOD_LEAST)
			tick = PERIOD_LEAST;
		if (wait == 0 || tick < wait)
			wait = tick;
	}
	it.it_value.tv_sec = wait / SECOND;
	it.it_value.tv_nsec = wait % SECOND;
	timerfd_settime(rtc->timer_fd, 0, &it, NULL);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct rtc *rtc = arg;
	uint64_t n;

	if (read(fd, &n, sizeof n) == -1)
		return;
	pthread_mutex_lock(&rtc->lock);
	update_c(rtc);
	schedule(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

/* Reading takes the flags and the interrupt back. */
static uint8_t
read_c(struct rtc *rtc)
{
	bool was;
	uint8_t c;

	update_c(rtc);
	was = rtc->irq;
	c = rtc->c | (was ? C_IRQF : 0);
	rtc->c = 0;
	set_irq(rtc, false);
	if (was)
		schedule(rtc);
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
		return (uint8_t)(rtc->cmos[REG_A] |
		    (ns >= UIP_NS && (rtc->cmos[REG_B] & B_SET) == 0 ? A_UIP
								     : 0));
	if (is_date(reg) && (rtc->cmos[REG_B] & B_SET) == 0)
		clock_to_regs(rtc, now);
	return rtc->cmos[reg];
}

static void
store(struct rtc *rtc, unsigned reg, uint8_t value)
{
	uint8_t before = rtc->cmos[REG_B];

	switch (reg) {
	case REG_A:
		rtc->cmos[REG_A] = value & 0x7f;
		return;
	case REG_B:
		/*
		 * Setting starts from the registers as they are then, and ends
		 * the interrupts at updates.
		 */
		if ((value & B_SET) != 0 && (before & B_SET) == 0) {
			clock_to_regs(rtc, host_seconds(NULL) + rtc->offset);
			value &= (uint8_t)~B_UIE;
		}
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

static void
write_register(struct rtc *rtc, unsigned reg, uint8_t value)
{
	int64_t before = rtc->offset;

	/* What happened until now did so under the old settings. */
	update_c(rtc);
	store(rtc, reg, value);
	/* A clock that was set has not gone through the time between. */
	rtc->seen.s += rtc->offset - before;
	update_c(rtc);
	if (reg <= REG_B)
		schedule(rtc);
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

static const struct io_ops rtc_io = {
    .read = rtc_read, .write = rtc_write, .bytewise = true};

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
	if ((rtc->cmos[REG_B] & B_SET) != 0)
		store(rtc, REG_B, rtc->cmos[REG_B] & (uint8_t)~B_SET);
	rtc->cmos[REG_B] &= (uint8_t) ~(0x78); /* PIE AIE UIE SQWE */
	read_c(rtc);
	schedule(rtc);
	describe_machine(rtc);
}

static void
rtc_save(void *dev, struct state_writer *w)
{
	struct rtc *rtc = dev;

	state_put_u8(w, rtc->index);
	state_put_bytes(w, rtc->cmos, sizeof rtc->cmos);
	state_put_u64(w, (uint64_t)rtc->offset);
	state_put_u8(w, rtc->c);
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
	rtc->seen = clock_now(rtc);
	rtc->c = state_get_u8(r) & C_FLAGS;
	rtc->irq = false;
	update_c(rtc);
	schedule(rtc);
	return 0;
}

static void
rtc_destroy(void *dev)
{
	struct rtc *rtc = dev;

	if (rtc->timer != NULL)
		event_free(rtc->timer);
	if (rtc->timer_fd != -1)
		close(rtc->timer_fd);
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
rtc_create(struct machine *m, struct event_base *base, struct error *err)
{
	struct rtc *rtc;

	rtc = calloc(1, sizeof *rtc);
	if (rtc == NULL)
		return error_set(err, "clock: out of memory");
	rtc->machine = m;
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->cmos[REG_A] = 0x26; /* 32768 Hz, 1024 Hz */
	rtc->cmos[REG_B] = B_24H;
	rtc->seen = clock_now(rtc);
	rtc->timer_fd =
	    timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	rtc->timer =
	    event_new(base, rtc->timer_fd, EV_READ | EV_PERSIST, on_timer, rtc);
	describe_machine(rtc);
	if (machine_add_device(m, &rtc_device, rtc, err) == -1)
		return -1;
	if (rtc->timer_fd == -1)
		return error_set(err, "clock: no timer: %s", strerror(errno));
	if (rtc->timer == NULL || event_add(rtc->timer, NULL) == -1)
		return error_set(err, "clock: out of memory");
	return iobus_add(machine_pio(m), "rtc", RTC_PORT, 2, &rtc_io, rtc, err);
}
