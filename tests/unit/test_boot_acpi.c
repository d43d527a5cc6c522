/* The ACPI tables as an operating system walks them, and the AML writer. */
#include <stdlib.h>
#include <string.h>

#include "backend/boot/acpi.h"
#include "backend/boot/aml.h"
#include "backend/dev/dev.h"
#include "tests/unit/unit.h"

#define MEMORY (2 << 20)
#define RSDP   0xe0000
#define ROOM   0x20000

static struct guestmem mem;

static int
setup(void **state)
{
	struct acpi_tables t;
	struct error err;
	int rc;

	if (guestmem_create(&mem, MEMORY, false, &err) == -1 ||
	    acpi_build(3, false, &t, &err) == -1)
		return -1;
	rc = acpi_place(&t, &mem, RSDP, ROOM, &err);
	acpi_free(&t);
	return rc;
}

/* How often the AML of a machine says "COM1" and "COM2". */
static void
count_ports(bool serial2, unsigned found[2])
{
	struct acpi_tables t;
	struct error err;
	size_t i;

	assert_int_equal(acpi_build(1, serial2, &t, &err), 0);
	found[0] = found[1] = 0;
	for (i = 0; i + 4 <= t.len; i++) {
		found[0] += memcmp(t.data + i, "COM1", 4) == 0;
		found[1] += memcmp(t.data + i, "COM2", 4) == 0;
	}
	acpi_free(&t);
}

static void
test_acpi_names_the_serial_ports_that_are_there(void **state)
{
	unsigned found[2];

	count_ports(false, found);
	assert_int_equal(found[0], 1);
	assert_int_equal(found[1], 0);
	count_ports(true, found);
	assert_int_equal(found[0], 1);
	assert_int_equal(found[1], 1);
}

static int
teardown(void **state)
{
	guestmem_destroy(&mem);
	return 0;
}

static uint64_t
get(uint64_t gpa, unsigned size)
{
	uint64_t v = 0;

	assert_int_equal(guestmem_read(&mem, gpa, &v, size), 0);
	return v;
}

static uint8_t
sum(uint64_t gpa, uint64_t len)
{
	const uint8_t *p = guestmem_at(&mem, gpa, len);
	uint8_t s = 0;

	assert_non_null(p);
	while (len-- > 0)
		s = (uint8_t)(s + *p++);
	return s;
}

/* The table behind the root's pointers that has this signature. */
static uint64_t
find(const char *signature)
{
	uint64_t xsdt = get(RSDP + 24, 8), n, i, table;

	n = (get(xsdt + 4, 4) - 36) / 8;
	for (i = 0; i < n; i++) {
		table = get(xsdt + 36 + i * 8, 8);
		if (memcmp(guestmem_at(&mem, table, 4), signature, 4) == 0)
			return table;
	}
	fail_msg("no %s", signature);
	return 0;
}

static void
test_acpi_rsdp_leads_to_both_roots(void **state)
{
	uint64_t rsdt = get(RSDP + 16, 4), xsdt = get(RSDP + 24, 8), i;

	assert_memory_equal(guestmem_at(&mem, RSDP, 8), "RSD PTR ", 8);
	assert_int_equal(sum(RSDP, 20), 0);
	assert_int_equal(sum(RSDP, 36), 0);
	assert_memory_equal(guestmem_at(&mem, rsdt, 4), "RSDT", 4);
	assert_memory_equal(guestmem_at(&mem, xsdt, 4), "XSDT", 4);
	assert_int_equal(sum(rsdt, get(rsdt + 4, 4)), 0);
	assert_int_equal(sum(xsdt, get(xsdt + 4, 4)), 0);
	for (i = 0; i < 2; i++)
		assert_true(
		    get(rsdt + 36 + 4 * i, 4) == get(xsdt + 36 + 8 * i, 8));
}

static void
test_acpi_fadt_names_the_ports_of_the_devices(void **state)
{
	uint64_t fadt = find("FACP"), dsdt, facs;

	assert_int_equal(get(fadt + 4, 4), 244);
	assert_int_equal(sum(fadt, 244), 0);
	facs = get(fadt + 36, 4);
	assert_memory_equal(guestmem_at(&mem, facs, 4), "FACS", 4);
	assert_int_equal(facs % 64, 0);
	dsdt = get(fadt + 40, 4);
	assert_true(dsdt == get(fadt + 140, 8));
	assert_memory_equal(guestmem_at(&mem, dsdt, 4), "DSDT", 4);
	assert_int_equal(sum(dsdt, get(dsdt + 4, 4)), 0);
	assert_int_equal(get(fadt + 46, 2), PM_SCI_IRQ);
	assert_int_equal(get(fadt + 48, 4), PM_SMI_CMD);
	assert_int_equal(get(fadt + 56, 4), PM_BASE);
	assert_int_equal(get(fadt + 64, 4), PM_BASE + 4);
	assert_int_equal(get(fadt + 76, 4), PM_BASE + 8);
	assert_int_equal(get(fadt + 80, 4), PM_GPE0_BASE);
	/* Reset register; the power button is fixed hardware. */
	assert_int_equal(get(fadt + 120, 8), PM_RESET_REG);
	assert_int_equal(get(fadt + 128, 1), PM_RESET_VAL);
	assert_true((get(fadt + 112, 4) & 1 << 10) != 0);
	assert_true((get(fadt + 112, 4) & 1 << 4) == 0);
	/* The 64-bit blocks say the same. */
	assert_int_equal(get(fadt + 152, 8), PM_BASE);
	assert_int_equal(get(fadt + 149, 1), 32);
	assert_int_equal(get(fadt + 176, 8), PM_BASE + 4);
	assert_int_equal(get(fadt + 212, 8), PM_BASE + 8);
	assert_int_equal(get(fadt + 224, 8), PM_GPE0_BASE);
}

static void
test_acpi_madt_lists_processors_and_overrides(void **state)
{
	uint64_t madt = find("APIC"), at, end;
	unsigned cpus = 0, ioapics = 0, overrides = 0, level = 0;

	end = madt + get(madt + 4, 4);
	assert_int_equal(sum(madt, end - madt), 0);
	for (at = madt + 44; at < end; at += get(at + 1, 1)) {
		assert_true(get(at + 1, 1) >= 2);
		switch (get(at, 1)) {
		case 0:
			assert_int_equal(get(at + 3, 1), cpus);
			cpus++;
			break;
		case 1:
			ioapics++;
			break;
		case 2:
			overrides++;
			assert_true(get(at + 3, 1) == get(at + 4, 4));
			if (get(at + 8, 2) == 0xd)
				level |= 1u << get(at + 3, 1);
			break;
		}
	}
	assert_true(at == end);
	assert_int_equal(cpus, 3);
	assert_int_equal(ioapics, 1);
	assert_int_equal(overrides, 3);
	assert_int_equal(level, 1 << 9 | 1 << 10 | 1 << 11);
}

/* Looks for the bytes of a _PRT entry: slot, pin, source 0, interrupt. */
static void
assert_routed(unsigned slot, unsigned pin, unsigned irq)
{
	uint64_t fadt = find("FACP"), dsdt = get(fadt + 40, 4);
	uint64_t len = get(dsdt + 4, 4), i;
	const uint8_t *p = guestmem_at(&mem, dsdt, len);
	uint8_t want[16], n = 0;

	want[n++] = 4;
	if (slot == 0) {
		want[n++] = 0x0b;
		want[n++] = 0xff;
		want[n++] = 0xff;
	} else {
		want[n++] = 0x0c;
		want[n++] = 0xff;
		want[n++] = 0xff;
		want[n++] = (uint8_t)slot;
		want[n++] = 0;
	}
	if (pin > 1)
		want[n++] = 0x0a;
	want[n++] = (uint8_t)pin;
	want[n++] = 0;
	want[n++] = 0x0a;
	want[n++] = (uint8_t)irq;
	for (i = 0; i + n <= len; i++)
		if (memcmp(p + i, want, n) == 0)
			return;
	fail_msg("slot %u pin %u does not lead to IRQ %u", slot, pin, irq);
}

static void
test_acpi_prt_says_what_pci_h_says(void **state)
{
	static const unsigned irq[] = {10, 10, 11, 11};
	unsigned slot, pin;

	for (slot = 1; slot < PCI_SLOTS; slot++)
		for (pin = 0; pin < 4; pin++)
			assert_routed(slot, pin, irq[(slot - 1 + pin) & 3]);
}

static void
test_acpi_place_keeps_to_its_room(void **state)
{
	struct acpi_tables t;
	struct error err;

	assert_int_equal(acpi_build(64, false, &t, &err), 0);
	assert_int_equal(acpi_place(&t, &mem, RSDP, t.len + 64, &err), 0);
	assert_int_equal(acpi_place(&t, &mem, RSDP, t.len + 63, &err), -1);
	assert_int_equal(acpi_place(&t, &mem, MEMORY, ROOM, &err), -1);
	acpi_free(&t);
}

/* PkgLength as the specification's own words encode it (20.2.4). */
static void
assert_length(size_t body, const uint8_t *want, size_t n)
{
	struct aml a = {0};
	size_t start = aml_package(&a, 0);

	aml_zeroes(&a, body - 1);
	aml_close(&a, start);
	assert_int_equal(a.len, 1 + n + body);
	assert_memory_equal(a.data + 1, want, n);
	free(a.data);
}

static void
test_aml_lengths_take_as_many_bytes_as_needed(void **state)
{
	static const uint8_t one[] = {0x3f}, two[] = {0x41, 0x04},
			     two_max[] = {0x4f, 0xff},
			     three[] = {0x82, 0x00, 0x01},
			     four[] = {0xc3, 0x00, 0x00, 0x01};

	assert_length(0x3e, one, 1);
	assert_length(0x3f, two, 2);
	assert_length(0xffd, two_max, 2);
	assert_length(0xfff, three, 3);
	assert_length(0xfffff, four, 4);
}

static void
test_aml_eisa_id_is_compressed(void **state)
{
	static const uint8_t want[] = {0x0c, 0x41, 0xd0, 0x0a, 0x03};
	struct aml a = {0};

	aml_eisa_id(&a, "PNP0A03");
	assert_int_equal(a.len, sizeof want);
	assert_memory_equal(a.data, want, sizeof want);
	free(a.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_acpi_names_the_serial_ports_that_are_there),
	    cmocka_unit_test(test_acpi_rsdp_leads_to_both_roots),
	    cmocka_unit_test(test_acpi_fadt_names_the_ports_of_the_devices),
	    cmocka_unit_test(test_acpi_madt_lists_processors_and_overrides),
	    cmocka_unit_test(test_acpi_prt_says_what_pci_h_says),
	    cmocka_unit_test(test_acpi_place_keeps_to_its_room),
	    cmocka_unit_test(test_aml_lengths_take_as_many_bytes_as_needed),
	    cmocka_unit_test(test_aml_eisa_id_is_compressed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
