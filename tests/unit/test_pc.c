/* backend/dev: clock, reset lines, power management, PCI. */
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "tests/unit/unit.h"
#include "tests/unit/machine.h"
#include "backend/dev/dev.h"

static struct event_base *base;

static unsigned
cmos(struct machine *m, unsigned reg)
{
	out(m, 0x70, 1, reg);
	return (unsigned)in(m, 0x71, 1);
}

static void
set_cmos(struct machine *m, unsigned reg, unsigned value)
{
	out(m, 0x70, 1, reg);
	out(m, 0x71, 1, value);
}

static unsigned
bcd(unsigned v)
{
	return v / 16 * 10 + v % 16;
}

/* The clock as a driver reads it; -1 if the second changed meanwhile. */
static time_t
read_clock(struct machine *m)
{
	struct tm tm = {0};
	unsigned sec = cmos(m, 0);

	tm.tm_sec = (int)bcd(sec);
	tm.tm_min = (int)bcd(cmos(m, 2));
	tm.tm_hour = (int)bcd(cmos(m, 4));
	tm.tm_mday = (int)bcd(cmos(m, 7));
	tm.tm_mon = (int)bcd(cmos(m, 8)) - 1;
	tm.tm_year = (int)(bcd(cmos(m, 0x32)) * 100 + bcd(cmos(m, 9))) - 1900;
	return cmos(m, 0) == sec ? timegm(&tm) : -1;
}

static void
test_rtc_shows_the_hosts_time_in_utc(void **state)
{
	time_t t;
	NEED_MACHINE(m, asked);

	assert_int_equal(rtc_create(m, base, NULL), 0);
	while ((t = read_clock(m)) == -1)
		;
	assert_true(t >= time(NULL) - 2 && t <= time(NULL));
	assert_int_equal(cmos(m, 0x0d), 0x80);
	machine_destroy(m);
}

static void
test_rtc_goes_on_from_what_the_guest_set(void **state)
{
	time_t t, want;
	struct tm tm = {.tm_year = 99, .tm_mon = 11, .tm_mday = 31};
	NEED_MACHINE(m, asked);

	assert_int_equal(rtc_create(m, base, NULL), 0);
	set_cmos(m, 0x0b, 0x82); /* SET, 24 hours, BCD */
	set_cmos(m, 0, 0x56);
	set_cmos(m, 2, 0x34);
	set_cmos(m, 4, 0x12);
	set_cmos(m, 7, 0x31);
	set_cmos(m, 8, 0x12);
	set_cmos(m, 9, 0x99);
	set_cmos(m, 0x32, 0x19);
	set_cmos(m, 0x0b, 0x02);
	tm.tm_hour = 12;
	tm.tm_min = 34;
	tm.tm_sec = 56;
	want = timegm(&tm);
	while ((t = read_clock(m)) == -1)
		;
	assert_true(t >= want && t <= want + 2);
	/* Twelve hours, binary. */
	set_cmos(m, 0x0b, 0x04);
	assert_int_equal(cmos(m, 4), 12 | 0x80);
	machine_destroy(m);
}

static void
test_rtc_survives_a_date_of_nonsense(void **state)
{
	unsigned i;
	NEED_MACHINE(m, asked);

	assert_int_equal(rtc_create(m, base, NULL), 0);
	set_cmos(m, 0x0b, 0x82);
	for (i = 0; i < 128; i++)
		if (i != 0x0b)
			set_cmos(m, i, 0xff);
	set_cmos(m, 0x0b, 0x06);
	for (i = 0; i < 128; i++)
		cmos(m, i);
	machine_destroy(m);
}

/* Reads register C until it has one of these flags. */
static unsigned
wait_c(struct machine *m, unsigned flags)
{
	time_t end = time(NULL) + 20;
	unsigned c;

	while (((c = cmos(m, 0x0c)) & flags) == 0)
		assert_true(time(NULL) < end);
	return c;
}

static void
test_rtc_flags_come_with_their_interrupts(void **state)
{
	NEED_MACHINE(m, asked);

	assert_int_equal(rtc_create(m, base, NULL), 0);
	/* Nobody wants them: the flags come, and no interrupt. */
	assert_int_equal(wait_c(m, 0x10) & 0x80, 0);
	assert_int_equal(wait_c(m, 0x40) & 0x80, 0);
	set_cmos(m, 0x0b, 0x12); /* UIE */
	assert_int_equal(wait_c(m, 0x10) & 0x90, 0x90);
	assert_int_equal(cmos(m, 0x0c) & 0x10, 0);
	set_cmos(m, 0x0a, 0x2f); /* 2 Hz */
	cmos(m, 0x0c);
	set_cmos(m, 0x0b, 0x42); /* PIE */
	assert_int_equal(wait_c(m, 0x40) & 0xc0, 0xc0);
	set_cmos(m, 0x0a, 0x20);
	cmos(m, 0x0c);
	wait_c(m, 0x10);
	assert_int_equal(cmos(m, 0x0c) & 0x40, 0);
	machine_destroy(m);
}

/* Sets the clock to hours:minutes:seconds of some day, in BCD. */
static void
set_clock(struct machine *m, unsigned h, unsigned min, unsigned s)
{
	set_cmos(m, 0x0b, 0x82);
	set_cmos(m, 4, h);
	set_cmos(m, 2, min);
	set_cmos(m, 0, s);
	set_cmos(m, 0x0b, 0x22);
	cmos(m, 0x0c);
}

static void
set_alarm(struct machine *m, unsigned h, unsigned min, unsigned s)
{
	set_cmos(m, 5, h);
	set_cmos(m, 3, min);
	set_cmos(m, 1, s);
	cmos(m, 0x0c);
}

static void
test_rtc_alarm_comes_at_its_time(void **state)
{
	static const struct {
		unsigned h, min, s; /* of the alarm */
		bool comes; /* soon after 23:59:58 */
	} alarms[] = {{0x23, 0x59, 0x59, true}, {0, 0, 0, true},
	    {0xff, 0xff, 0x59, true}, {0xc0, 0, 0xff, true},
	    {0x23, 0x58, 0xff, false}, {0x12, 0xff, 0xff, false},
	    {0x99, 0x99, 0x99, false}};
	unsigned i, c = 0;
	time_t end;
	NEED_MACHINE(m, asked);

	assert_int_equal(rtc_create(m, base, NULL), 0);
	for (i = 0; i < sizeof alarms / sizeof *alarms; i++) {
		set_clock(m, 0x23, 0x59, 0x58);
		set_alarm(m, alarms[i].h, alarms[i].min, alarms[i].s);
		end = time(NULL) + (alarms[i].comes ? 20 : 3);
		do
			c = cmos(m, 0x0c);
		while ((c & 0x20) == 0 && time(NULL) < end);
		assert_int_equal(c & 0xa0, alarms[i].comes ? 0xa0 : 0);
		assert_true(cmos(m, 0) < 0x60);
	}
	machine_destroy(m);
}

static void
test_rtc_timer_sleeps_until_there_is_something(void **state)
{
	const struct timeval most = {10, 0};
	NEED_MACHINE(m, asked);

	assert_int_equal(rtc_create(m, base, NULL), 0);
	set_cmos(m, 0x0a, 0x26);
	set_cmos(m, 0x0b, 0x72);
	/* The first tick makes the interrupt; then it waits for the driver. */
	event_base_loopexit(base, &most);
	event_base_loop(base, EVLOOP_ONCE);
	usleep(50000);
	assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(cmos(m, 0x0c) & 0xc0, 0xc0);
	set_cmos(m, 0x0b, 0x02);
	machine_destroy(m);
}

static void
test_each_reset_line_asks_for_a_reset(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t harmless, value;
	} lines[] = {
	    {0x64, 0xff, 0xfe}, {0x92, 0x02, 0x03}, {0xcf9, 0x02, 0x06}};
	struct pci_bus *bus;
	size_t i;

	for (i = 0; i < sizeof lines / sizeof *lines; i++) {
		NEED_MACHINE(m, asked);
		assert_int_equal(reset_create(m, NULL), 0);
		assert_int_equal(pci_bus_create(m, &bus, NULL), 0);
		out(m, lines[i].port, 1, lines[i].harmless);
		assert_int_equal(asked.count, 0);
		out(m, lines[i].port, 1, lines[i].value);
		assert_int_equal(asked.count, 1);
		assert_int_equal(asked.what, MACHINE_RESET);
		machine_destroy(m);
	}
}

static void
test_i8042_answers_as_one_without_keyboard(void **state)
{
	NEED_MACHINE(m, asked);

	assert_int_equal(reset_create(m, NULL), 0);
	assert_int_equal(in(m, 0x64, 1) & 1, 0);
	out(m, 0x64, 1, 0xaa);
	assert_int_equal(in(m, 0x64, 1) & 1, 1);
	assert_int_equal(in(m, 0x60, 1), 0x55);
	out(m, 0x60, 1, 0xf2); /* identify: nobody there */
	assert_int_equal(in(m, 0x64, 1) & 0x41, 0x41);
	assert_int_equal(in(m, 0x60, 1), 0xfe);
	assert_int_equal(in(m, 0x64, 1) & 0x41, 0);
	out(m, 0x64, 1, 0x60);
	out(m, 0x60, 1, 0x65);
	out(m, 0x64, 1, 0x20);
	assert_int_equal(in(m, 0x60, 1), 0x65);
	machine_destroy(m);
}

static void
test_pm_powers_off_in_s5_only(void **state)
{
	struct pci_bus *bus;
	struct pm *pm;
	NEED_MACHINE(m, asked);

	assert_int_equal(pci_bus_create(m, &bus, NULL), 0);
	assert_int_equal(pm_create(bus, &pm, NULL), 0);
	assert_int_equal(in(m, PM_BASE + 4, 2) & 1, 1);
	out(m, PM_BASE + 4, 2, 0x2000 | (PM_S5_TYPE + 1) << 10);
	assert_int_equal(asked.count, 0);
	out(m, PM_BASE + 4, 2, 0x2000 | PM_S5_TYPE << 10);
	assert_int_equal(asked.count, 1);
	assert_int_equal(asked.what, MACHINE_POWEROFF);
	machine_destroy(m);
}

static void
test_pm_power_button_is_seen_and_cleared(void **state)
{
	struct pci_bus *bus;
	struct pm *pm;
	NEED_MACHINE(m, asked);

	assert_int_equal(pci_bus_create(m, &bus, NULL), 0);
	assert_int_equal(pm_create(bus, &pm, NULL), 0);
	out(m, PM_BASE + 2, 2, 0x0100);
	assert_int_equal(in(m, PM_BASE + 2, 2), 0x0100);
	pm_power_button(pm);
	assert_int_equal(in(m, PM_BASE, 2) & 0x0100, 0x0100);
	out(m, PM_BASE, 2, 0x0001);
	assert_int_equal(in(m, PM_BASE, 2) & 0x0100, 0x0100);
	out(m, PM_BASE, 2, 0x0100);
	assert_int_equal(in(m, PM_BASE, 2) & 0x0100, 0);
	machine_destroy(m);
}

static void
test_pm_timer_runs_at_its_rate(void **state)
{
	struct timespec a, b, nap = {0, 20000000};
	struct pci_bus *bus;
	struct pm *pm;
	uint64_t t0, t1;
	double ticks, s;
	NEED_MACHINE(m, asked);

	assert_int_equal(pci_bus_create(m, &bus, NULL), 0);
	assert_int_equal(pm_create(bus, &pm, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	t0 = in(m, PM_BASE + 8, 4);
	nanosleep(&nap, NULL);
	t1 = in(m, PM_BASE + 8, 4);
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(t1 < 1 << 24);
	ticks = (double)((t1 - t0) & 0xffffff);
	s = (double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	/* At least the nap, at most all the time between the two readings. */
	assert_true(ticks >= 3579545 * 0.0199);
	assert_true(ticks <= 3579545 * s + 1);
	machine_destroy(m);
}

/* A function with one BAR of each kind. */
struct card {
	uint32_t reg;
	struct pci_fn *fn;
};

static uint64_t
card_read(void *arg, uint64_t offset, unsigned size)
{
	struct card *c = arg;

	return offset == 0 ? c->reg : 0;
}

static void
card_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct card *c = arg;

	if (offset == 0)
		c->reg = (uint32_t)value;
}

static const struct io_ops card_io = {.read = card_read, .write = card_write};

static const struct pci_fn_ops card_ops = {
    .name = "test card",
    .vendor = 0x1af4,
    .device = 0x10ff,
    .class_code = 0xff0000,
    .intx = true,
    .bar = {{PCI_BAR_PIO, 32, &card_io}, {PCI_BAR_MEM32, 4096, &card_io}},
};

static uint32_t
config(struct machine *m, unsigned slot, unsigned fn, unsigned at)
{
	out(m, 0xcf8, 4, 0x80000000u | slot << 11 | fn << 8 | at);
	return (uint32_t)in(m, 0xcfc, 4);
}

static void
set_config(struct machine *m, unsigned slot, unsigned at, uint32_t value)
{
	out(m, 0xcf8, 4, 0x80000000u | slot << 11 | at);
	out(m, 0xcfc, 4, value);
}

static void
add_card(struct machine *m, struct card *card)
{
	struct pci_bus *bus;

	assert_int_equal(pci_bus_create(m, &bus, NULL), 0);
	assert_int_equal(pci_add(bus, -1, &card_ops, card, &card->fn, NULL), 0);
	assert_int_equal(pci_slot(card->fn), PCI_FIRST_SLOT);
}

static void
test_pci_has_the_bridges_that_firmware_expects(void **state)
{
	struct pci_bus *bus;
	struct pm *pm;
	NEED_MACHINE(m, asked);

	assert_int_equal(pci_bus_create(m, &bus, NULL), 0);
	assert_int_equal(pm_create(bus, &pm, NULL), 0);
	assert_int_equal(config(m, 0, 0, 0), 0x12378086);
	assert_int_equal(config(m, 1, 0, 0), 0x70008086);
	assert_int_equal(config(m, 1, 3, 0), 0x71138086);
	assert_int_equal(config(m, 1, 0, 0x0c) >> 16 & 0xff, 0x80);
	assert_int_equal(config(m, 3, 0, 0), 0xffffffff);
	/* Another bus, and no enable bit: nobody there. */
	out(m, 0xcf8, 4, 0x80010000u);
	assert_int_equal(in(m, 0xcfc, 4), 0xffffffff);
	out(m, 0xcf8, 4, 0);
	assert_int_equal(in(m, 0xcfc, 4), 0xffffffff);
	machine_destroy(m);
}

static void
test_pci_bar_is_sized_and_moved(void **state)
{
	struct card card = {.reg = 0x12345678};
	uint32_t pio, mem;
	NEED_MACHINE(m, asked);

	add_card(m, &card);
	pio = config(m, 2, 0, 0x10);
	mem = config(m, 2, 0, 0x14);
	assert_int_equal(pio & 1, 1);
	assert_int_equal(in(m, (uint16_t)(pio & ~3u), 4), 0x12345678);
	assert_int_equal(iobus_read(machine_mmio(m), mem, 4), 0x12345678);

	set_config(m, 2, 0x04, 0); /* decoding off, as drivers size */
	assert_int_equal(in(m, (uint16_t)(pio & ~3u), 4), 0xffffffff);
	set_config(m, 2, 0x10, 0xffffffff);
	assert_int_equal(config(m, 2, 0, 0x10), 0xffffffe1);
	set_config(m, 2, 0x14, 0xffffffff);
	assert_int_equal(config(m, 2, 0, 0x14), 0xfffff000);
	set_config(m, 2, 0x18, 0xffffffff);
	assert_int_equal(config(m, 2, 0, 0x18), 0);

	set_config(m, 2, 0x10, 0xd001);
	set_config(m, 2, 0x14, 0xf0000000);
	set_config(m, 2, 0x04, 3);
	assert_int_equal(in(m, 0xd000, 4), 0x12345678);
	assert_int_equal(
	    iobus_read(machine_mmio(m), 0xf0000000, 4), 0x12345678);
	/* On top of another device: the card stays silent, no harm done. */
	set_config(m, 2, 0x10, 0xce1);
	assert_int_equal(in(m, 0xcf8, 4), 0x80001010);
	machine_destroy(m);
}

static void
test_pci_bars_change_places_one_after_the_other(void **state)
{
	struct card a = {.reg = 1}, b = {.reg = 2};
	struct iobus *mmio;
	struct pci_bus *bus;
	uint32_t mem[2], pio[2];
	unsigned i;
	NEED_MACHINE(m, asked);

	assert_int_equal(pci_bus_create(m, &bus, NULL), 0);
	assert_int_equal(pci_add(bus, 2, &card_ops, &a, &a.fn, NULL), 0);
	assert_int_equal(pci_add(bus, 3, &card_ops, &b, &b.fn, NULL), 0);
	mmio = machine_mmio(m);
	for (i = 0; i < 2; i++) {
		pio[i] = config(m, 2 + i, 0, 0x10);
		mem[i] = config(m, 2 + i, 0, 0x14);
	}
	set_config(m, 2, 0x10, pio[1]);
	set_config(m, 2, 0x14, mem[1]);
	assert_int_equal(iobus_read(mmio, mem[1], 4), 2);
	assert_int_equal(iobus_read(mmio, mem[0], 4), 0xffffffff);
	set_config(m, 3, 0x10, pio[0]);
	set_config(m, 3, 0x04, 1); /* its memory leaves by the command */
	assert_int_equal(iobus_read(mmio, mem[1], 4), 1);
	set_config(m, 3, 0x14, mem[0]);
	set_config(m, 3, 0x04, 3);
	assert_int_equal(iobus_read(mmio, mem[0], 4), 2);
	assert_int_equal(in(m, (uint16_t)(pio[0] & ~3u), 4), 2);
	assert_int_equal(in(m, (uint16_t)(pio[1] & ~3u), 4), 1);
	machine_destroy(m);
}

static void
test_pci_header_is_read_only(void **state)
{
	struct card card = {0};
	unsigned at;
	uint32_t before[64];
	NEED_MACHINE(m, asked);

	add_card(m, &card);
	for (at = 0; at < 256; at += 4)
		before[at / 4] = config(m, 2, 0, at);
	for (at = 0; at < 256; at += 4)
		if (at != 4 && (at < 0x10 || at > 0x24) && at != 0x3c) {
			set_config(m, 2, at, ~before[at / 4]);
			assert_int_equal(config(m, 2, 0, at), before[at / 4]);
		}
	set_config(m, 2, 0x3c, 0xffffff05);
	assert_int_equal(config(m, 2, 0, 0x3c), (before[15] & ~0xffu) | 5);
	machine_destroy(m);
}

static void
test_pci_msix_keeps_a_masked_vector_pending(void **state)
{
	struct card card = {0};
	struct error err;
	struct iobus *mmio;
	uint32_t mem, cap;
	NEED_MACHINE(m, asked);

	add_card(m, &card);
	mmio = machine_mmio(m);
	mem = config(m, 2, 0, 0x14);
	assert_int_equal(pci_add_msix(card.fn, 1, 0x800, 3, &err), 0);
	cap = config(m, 2, 0, 0x34) & 0xff;
	assert_int_equal(config(m, 2, 0, cap) & 0xff, 0x11);
	assert_int_equal(config(m, 2, 0, cap) >> 16, 2);
	assert_false(pci_msix_enabled(card.fn));
	set_config(m, 2, cap, 0x80000000u);
	assert_true(pci_msix_enabled(card.fn));

	iobus_write(mmio, mem + 0x810, 4, 0xfee00000);
	iobus_write(mmio, mem + 0x818, 4, 0x0041);
	assert_int_equal(iobus_read(mmio, mem + 0x810, 8), 0xfee00000);
	assert_int_equal(iobus_read(mmio, mem + 0x81c, 4), 1);
	pci_msix_send(card.fn, 1);
	pci_msix_send(card.fn, 77); /* beyond the table: nothing */
	assert_int_equal(iobus_read(mmio, mem + 0x830, 4), 2);
	iobus_write(mmio, mem + 0x81c, 4, 0);
	assert_int_equal(iobus_read(mmio, mem + 0x830, 4), 0);
	/* The rest of the BAR is still the card's. */
	iobus_write(mmio, mem, 4, 99);
	assert_int_equal(card.reg, 99);
	machine_destroy(m);
}

static void
test_pci_is_the_same_after_save_and_load(void **state)
{
	struct card a = {.reg = 1}, b = {.reg = 2};
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;
	size_t cut;
	NEED_MACHINE(m, asked);
	struct machine *m2 = new_machine(&asked);

	add_card(m, &a);
	add_card(m2, &b);
	assert_int_equal(pci_add_msix(a.fn, 1, 0x800, 2, &err), 0);
	assert_int_equal(pci_add_msix(b.fn, 1, 0x800, 2, &err), 0);
	set_config(m, 2, 0x10, 0xd001);
	iobus_write(machine_mmio(m), config(m, 2, 0, 0x14) + 0x800, 4, 0x1234);
	assert_int_equal(machine_save(m, &w, &err), 0);
	for (cut = 1; cut < w.len; cut += 13) {
		r = (struct state_reader){.data = w.data, .len = w.len - cut};
		assert_int_equal(machine_load(m2, &r, &err), -1);
	}
	r = (struct state_reader){.data = w.data, .len = w.len};
	assert_int_equal(machine_load(m2, &r, &err), 0);
	assert_int_equal(in(m2, 0xd000, 4), 2);
	assert_int_equal(
	    iobus_read(machine_mmio(m2), config(m2, 2, 0, 0x14) + 0x800, 4),
	    0x1234);
	state_writer_free(&w);
	machine_destroy(m);
	machine_destroy(m2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rtc_shows_the_hosts_time_in_utc),
	    cmocka_unit_test(test_rtc_goes_on_from_what_the_guest_set),
	    cmocka_unit_test(test_rtc_survives_a_date_of_nonsense),
	    cmocka_unit_test(test_rtc_flags_come_with_their_interrupts),
	    cmocka_unit_test(test_rtc_alarm_comes_at_its_time),
	    cmocka_unit_test(test_rtc_timer_sleeps_until_there_is_something),
	    cmocka_unit_test(test_each_reset_line_asks_for_a_reset),
	    cmocka_unit_test(test_i8042_answers_as_one_without_keyboard),
	    cmocka_unit_test(test_pm_powers_off_in_s5_only),
	    cmocka_unit_test(test_pm_power_button_is_seen_and_cleared),
	    cmocka_unit_test(test_pm_timer_runs_at_its_rate),
	    cmocka_unit_test(test_pci_has_the_bridges_that_firmware_expects),
	    cmocka_unit_test(test_pci_bar_is_sized_and_moved),
	    cmocka_unit_test(test_pci_bars_change_places_one_after_the_other),
	    cmocka_unit_test(test_pci_header_is_read_only),
	    cmocka_unit_test(test_pci_msix_keeps_a_masked_vector_pending),
	    cmocka_unit_test(test_pci_is_the_same_after_save_and_load),
	};

	int failed;

	base = event_base_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	event_base_free(base);
	return failed;
}
