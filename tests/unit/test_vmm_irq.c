/* Interrupts into a guest of a few instructions, and doorbells out of it. */
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/vmm/kvm.h"
#include "tests/unit/vmm.h"

#define MEMORY     (16ULL << 20)
#define GDT        0x800
#define IDT        0x4000
#define HANDLERS   0x5000 /* 0x100 bytes for each */
#define PORT       0x500
#define DOORBELL   0x600
#define VECTOR_PIN 0x24
#define VECTOR_M   0x50
#define VECTOR_N   0x51

#define GUEST(name, code)                                                     \
	extern const uint8_t name[], name##_end[];                            \
	__asm__(".pushsection .rodata\n.code32\n" #name ":\n" code "\n" #name \
		"_end:\n.code64\n.popsection\n")

/* PICs at vectors 0x20 and 0x28 with only IRQ 4 open, local APIC on, wait. */
GUEST(listen,
    "lidt 0x1000 + idtr - listen\n"
    "mov $0x11, %al\n"
    "out %al, $0x20\n"
    "out %al, $0xa0\n"
    "mov $0x20, %al\n"
    "out %al, $0x21\n"
    "mov $0x28, %al\n"
    "out %al, $0xa1\n"
    "mov $4, %al\n"
    "out %al, $0x21\n"
    "mov $2, %al\n"
    "out %al, $0xa1\n"
    "mov $1, %al\n"
    "out %al, $0x21\n"
    "out %al, $0xa1\n"
    "mov $0xef, %al\n"
    "out %al, $0x21\n"
    "mov $0xff, %al\n"
    "out %al, $0xa1\n"
    "movl $0x1ff, 0xfee000f0\n"
    "mov $0x500, %dx\n"
    "mov $'R', %al\n"
    "out %al, %dx\n"
    "sti\n"
    "0: hlt\n"
    "jmp 0b\n"
    "idtr: .word 0x7ff\n.long 0x4000");
/* KVM's emulator has no IRET here: a handler drops its frame and waits on. */
#define WAIT              \
	"add $12, %esp\n" \
	"sti\n"           \
	"0: hlt\n"        \
	"jmp 0b"
GUEST(on_pin,
    "mov $'4', %al\n"
    "out %al, %dx\n"
    "mov $0x20, %al\n"
    "out %al, $0x20\n" WAIT);
GUEST(on_m,
    "mov $'M', %al\n"
    "out %al, %dx\n"
    "movl $0, 0xfee000b0\n" WAIT);
GUEST(on_n,
    "mov $'N', %al\n"
    "out %al, %dx\n"
    "movl $0, 0xfee000b0\n" WAIT);
/* Rings twice, with 7 and with 9, then says so. */
GUEST(ring,
    "mov $0x600, %dx\n"
    "mov $7, %ax\n"
    "out %ax, %dx\n"
    "mov $9, %ax\n"
    "out %ax, %dx\n"
    "mov $0x500, %dx\n"
    "out %al, %dx\n"
    "0: hlt\n"
    "jmp 0b");

struct seen {
	char text[64];
	_Atomic unsigned count;
};

static void
seen_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct seen *s = arg;

	if (atomic_load(&s->count) < sizeof s->text)
		s->text[atomic_load(&s->count)] = (char)value;
	atomic_fetch_add(&s->count, 1);
}

static const struct io_ops seen_ops = {.write = seen_write};

static bool
seen_wait(struct seen *s, unsigned n)
{
	int64_t until = now_us() + 5000000;

	while (atomic_load(&s->count) < n && now_us() < until)
		usleep(200);
	return atomic_load(&s->count) >= n;
}

static void
gate(struct machine *m, unsigned vector, unsigned n, const uint8_t *code,
    const uint8_t *end)
{
	uint64_t handler = HANDLERS + n * 0x100;
	uint64_t entry = (handler & 0xffff) | 0x10 << 16 | 0x8eULL << 40;

	guestmem_write(machine_mem(m), IDT + vector * 8, &entry, 8);
	guestmem_write(machine_mem(m), handler, code, (size_t)(end - code));
}

static void
start(struct machine *m, const uint8_t *code, const uint8_t *end)
{
	static const uint64_t gdt[] = {
	    0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff};
	struct boot_entry entry = {.mode = BOOT_ENTRY_32,
	    .ip = VMM_CODE,
	    .sp = 0x8000,
	    .gdt = GDT,
	    .gdt_limit = sizeof gdt - 1,
	    .code = 0x10,
	    .data = 0x18};
	struct error err;

	guestmem_write(machine_mem(m), GDT, gdt, sizeof gdt);
	guestmem_write(machine_mem(m), VMM_CODE, code, (size_t)(end - code));
	if (machine_reset(m, &err) == -1)
		fail_msg("%s", err.text);
	machine_set_entry(m, &entry);
	machine_run(m);
}

/* A guest that answers interrupts with letters, ready to. */
static void
listener(struct machine *m, struct seen *s)
{
	struct error err;

	if (iobus_add(machine_pio(m), "seen", PORT, 1, &seen_ops, s, &err) ==
	    -1)
		fail_msg("%s", err.text);
	gate(m, VECTOR_PIN, 0, on_pin, on_pin_end);
	gate(m, VECTOR_M, 1, on_m, on_m_end);
	gate(m, VECTOR_N, 2, on_n, on_n_end);
	start(m, listen, listen_end);
	assert_true(seen_wait(s, 1));
}

static void
test_irq_pin_reaches_the_guest(void **state)
{
	struct seen s = {.count = 0};
	struct machine *m;
	struct asked a;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	listener(m, &s);
	irq_set_line(m, 4, true);
	assert_true(seen_wait(&s, 2));
	irq_set_line(m, 4, false);
	irq_set_line(m, 4, true);
	assert_true(seen_wait(&s, 3));
	irq_set_line(m, IRQ_PINS, true); /* there is no such pin */
	machine_stop(m);
	assert_memory_equal(s.text, "R44", 3);
	machine_destroy(m);
}

static void
test_irq_message_waits_while_it_is_off(void **state)
{
	struct seen s = {.count = 0};
	struct irq_msi *msi;
	struct machine *m;
	struct asked a;
	struct error err;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	listener(m, &s);
	assert_int_equal(irq_msi_new(m, &msi, &err), 0);
	assert_int_equal(irq_msi_route(msi, 0xfee00000, VECTOR_M, &err), 0);
	assert_false(irq_msi_pending(msi));
	irq_msi_send(msi);
	usleep(20000);
	assert_int_equal(atomic_load(&s.count), 1);
	assert_true(irq_msi_pending(msi));
	/* Looking took nothing away. */
	assert_int_equal(irq_msi_enable(msi, true, &err), 0);
	assert_true(seen_wait(&s, 2));
	assert_false(irq_msi_pending(msi));
	irq_msi_send(msi);
	assert_true(seen_wait(&s, 3));
	/* Another vector, while it is on. */
	assert_int_equal(irq_msi_route(msi, 0xfee00000, VECTOR_N, &err), 0);
	irq_msi_send(msi);
	assert_true(seen_wait(&s, 4));
	/* Off again: sent, then forgotten. */
	assert_int_equal(irq_msi_enable(msi, false, &err), 0);
	irq_msi_send(msi);
	assert_true(irq_msi_pending(msi));
	irq_msi_clear(msi);
	assert_false(irq_msi_pending(msi));
	assert_int_equal(irq_msi_enable(msi, true, &err), 0);
	usleep(20000);
	machine_stop(m);
	assert_int_equal(atomic_load(&s.count), 4);
	assert_memory_equal(s.text, "RMMN", 4);
	irq_msi_free(msi);
	machine_destroy(m);
}

static void
test_irq_message_descriptor_is_enough_to_send(void **state)
{
	struct seen s = {.count = 0};
	struct irq_msi *msi, *other;
	struct machine *m;
	struct asked a;
	struct error err;
	uint64_t one = 1;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	listener(m, &s);
	assert_int_equal(irq_msi_new(m, &other, &err), 0);
	assert_int_equal(irq_msi_new(m, &msi, &err), 0);
	assert_int_equal(irq_msi_route(other, 0xfee00000, VECTOR_N, &err), 0);
	assert_int_equal(irq_msi_route(msi, 0xfee00000, VECTOR_M, &err), 0);
	assert_int_equal(irq_msi_enable(other, true, &err), 0);
	assert_int_equal(irq_msi_enable(msi, true, &err), 0);
	assert_int_equal(write(irq_msi_fd(msi), &one, sizeof one), 8);
	assert_true(seen_wait(&s, 2));
	assert_int_equal(s.text[1], 'M');
	/* One goes, the other stays. */
	irq_msi_free(msi);
	irq_msi_send(other);
	assert_true(seen_wait(&s, 3));
	assert_int_equal(s.text[2], 'N');
	irq_msi_free(other);
	machine_destroy(m);
}

/* GSI n is pin n of both kinds of controller. */
static void
assert_pins_0_and_5(struct machine *m)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	irq_set_line(m, 0, true);
	irq_set_line(m, 5, true);
	assert_int_equal(ioctl(m->vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	assert_int_equal(chip.chip.ioapic.irr, 1 << 0 | 1 << 5);
	chip.chip_id = KVM_IRQCHIP_PIC_MASTER;
	assert_int_equal(ioctl(m->vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	assert_int_equal(chip.chip.pic.last_irr, 1 << 0 | 1 << 5);
}

static void
test_irq_timer_is_on_pin_0_before_and_after_a_route(void **state)
{
	struct machine *m;
	struct irq_msi *msi;
	struct asked a;
	struct error err;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	assert_pins_0_and_5(m);
	/* From here on the table is ours, and says the same. */
	assert_int_equal(irq_msi_new(m, &msi, &err), 0);
	assert_int_equal(irq_msi_route(msi, 0xfee00000, VECTOR_M, &err), 0);
	assert_int_equal(irq_msi_enable(msi, true, &err), 0);
	assert_int_equal(machine_reset(m, &err), 0);
	assert_pins_0_and_5(m);
	irq_msi_free(msi);
	machine_destroy(m);
}

static void
test_irq_elcr_takes_what_can_be_level_triggered(void **state)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_SLAVE};
	struct machine *m;
	struct asked a;
	struct error err;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	/* 9, 10 and 11; not the clock's 8. */
	assert_int_equal(irq_set_elcr(m, 0x0f00, &err), 0);
	assert_int_equal(ioctl(m->vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	assert_int_equal(chip.chip.pic.elcr, 0x0e);
	assert_int_equal(machine_reset(m, &err), 0);
	assert_int_equal(ioctl(m->vm_fd, KVM_GET_IRQCHIP, &chip), 0);
	assert_int_equal(chip.chip.pic.elcr, 0);
	machine_destroy(m);
}

static uint64_t
rung(int fd)
{
	uint64_t n = 0;

	if (read(fd, &n, sizeof n) != sizeof n)
		return 0;
	return n;
}

static void
test_ioeventfd_takes_its_value_and_leaves_others(void **state)
{
	struct ioeventfd io = {.pio = true,
	    .addr = DOORBELL,
	    .size = 2,
	    .match = true,
	    .value = 7};
	struct seen s = {.count = 0}, bell = {.count = 0};
	struct machine *m;
	struct asked a;
	struct error err;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	io.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	iobus_add(machine_pio(m), "seen", PORT, 1, &seen_ops, &s, &err);
	iobus_add(machine_pio(m), "bell", DOORBELL, 2, &seen_ops, &bell, &err);
	assert_int_equal(ioeventfd_add(m, &io, &err), 0);
	start(m, ring, ring_end);
	assert_true(seen_wait(&s, 1));
	machine_stop(m);
	assert_int_equal(rung(io.fd), 1);
	assert_int_equal(atomic_load(&bell.count), 1);
	assert_int_equal(bell.text[0], 9);
	/* Any value of any width. */
	ioeventfd_remove(m, &io);
	io.match = false;
	io.size = 0;
	assert_int_equal(ioeventfd_add(m, &io, &err), 0);
	start(m, ring, ring_end);
	assert_true(seen_wait(&s, 2));
	machine_stop(m);
	assert_int_equal(rung(io.fd), 2);
	assert_int_equal(atomic_load(&bell.count), 1);
	/* Gone: both come to the device. */
	ioeventfd_remove(m, &io);
	start(m, ring, ring_end);
	assert_true(seen_wait(&s, 3));
	machine_stop(m);
	assert_int_equal(rung(io.fd), 0);
	assert_int_equal(atomic_load(&bell.count), 3);
	close(io.fd);
	machine_destroy(m);
}

static void
test_ioeventfd_twice_is_an_error(void **state)
{
	struct ioeventfd io = {.pio = true, .addr = DOORBELL, .size = 2};
	struct machine *m;
	struct asked a;
	struct error err;

	MACHINE_OR_SKIP(m, &a, MEMORY, 1);
	io.fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(ioeventfd_add(m, &io, &err), 0);
	assert_int_equal(ioeventfd_add(m, &io, &err), -1);
	assert_non_null(strstr(err.text, "port 0x600"));
	ioeventfd_remove(m, &io);
	close(io.fd);
	machine_destroy(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_irq_pin_reaches_the_guest),
	    cmocka_unit_test(test_irq_message_waits_while_it_is_off),
	    cmocka_unit_test(test_irq_message_descriptor_is_enough_to_send),
	    cmocka_unit_test(
		test_irq_timer_is_on_pin_0_before_and_after_a_route),
	    cmocka_unit_test(test_irq_elcr_takes_what_can_be_level_triggered),
	    cmocka_unit_test(test_ioeventfd_takes_its_value_and_leaves_others),
	    cmocka_unit_test(test_ioeventfd_twice_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
