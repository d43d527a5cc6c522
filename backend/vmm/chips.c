#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"

#define VERSION          1
#define CHIPS            3
#define IOAPIC_MASKED    (1ULL << 16)
#define IOAPIC_BASE      0xfec00000u
#define PIT_MODE_NONE    0xff /* KVM's own reset value: not programmed */
#define PIT_SPEAKER_GATE 2

static const char *const chip_name[CHIPS] = {"PIC 1", "PIC 2", "IO-APIC"};

static int
failed(const char *what, struct error *err)
{
	return error_set(err, "KVM: %s: %s", what, strerror(errno));
}

static int
chip_call(struct machine *m, unsigned long request, struct kvm_irqchip *chip,
    unsigned id, struct error *err)
{
	chip->chip_id = id;
	return ioctl(m->vm_fd, request, chip) == -1 ? failed(chip_name[id], err)
						    : 0;
}

int
chips_create(struct machine *m, struct error *err)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};

	if (ioctl(m->vm_fd, KVM_CREATE_IRQCHIP, 0) == -1)
		return failed("interrupt controllers", err);
	if (ioctl(m->vm_fd, KVM_CREATE_PIT2, &pit) == -1)
		return failed("interval timer", err);
	return 0;
}

/* A PIC forgets all but which of its pins can be level-triggered at all. */
static int
pic_reset(struct machine *m, unsigned id, struct error *err)
{
	struct kvm_irqchip chip;
	uint8_t mask;

	memset(&chip, 0, sizeof chip);
	if (chip_call(m, KVM_GET_IRQCHIP, &chip, id, err) == -1)
		return -1;
	mask = chip.chip.pic.elcr_mask;
	memset(&chip.chip, 0, sizeof chip.chip);
	chip.chip.pic.elcr_mask = mask;
	return chip_call(m, KVM_SET_IRQCHIP, &chip, id, err);
}

/* 82093AA, 3.2: all entries masked. */
static int
ioapic_reset(struct machine *m, struct error *err)
{
	struct kvm_irqchip chip;
	unsigned i;

	memset(&chip, 0, sizeof chip);
	chip.chip.ioapic.base_address = IOAPIC_BASE;
	for (i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		chip.chip.ioapic.redirtbl[i].bits = IOAPIC_MASKED;
	return chip_call(m, KVM_SET_IRQCHIP, &chip, KVM_IRQCHIP_IOAPIC, err);
}

static int
pit_reset(struct machine *m, struct error *err)
{
	struct kvm_pit_state2 pit;
	unsigned i;

	memset(&pit, 0, sizeof pit);
	for (i = 0; i < 3; i++) {
		pit.channels[i].mode = PIT_MODE_NONE;
		pit.channels[i].gate = i != PIT_SPEAKER_GATE;
	}
	if (ioctl(m->vm_fd, KVM_SET_PIT2, &pit) == -1)
		return failed("interval timer", err);
	return 0;
}

int
chips_reset(struct machine *m, struct error *err)
{
	unsigned pin;

	/* Devices raise theirs again if they have reason to after a reset. */
	for (pin = 0; pin < IRQ_PINS; pin++)
		irq_set_line(m, pin, false);
	if (pic_reset(m, KVM_IRQCHIP_PIC_MASTER, err) == -1 ||
	    pic_reset(m, KVM_IRQCHIP_PIC_SLAVE, err) == -1 ||
	    ioapic_reset(m, err) == -1)
		return -1;
	return pit_reset(m, err);
}

int
irq_set_elcr(struct machine *m, uint16_t mask, struct error *err)
{
	struct kvm_irqchip chip;
	unsigned id;
	uint8_t pins;

	for (id = KVM_IRQCHIP_PIC_MASTER; id <= KVM_IRQCHIP_PIC_SLAVE; id++) {
		memset(&chip, 0, sizeof chip);
		pins = (uint8_t)(mask >> (id * 8));
		if (pins == 0)
			continue;
		if (chip_call(m, KVM_GET_IRQCHIP, &chip, id, err) == -1)
			return -1;
		chip.chip.pic.elcr |= pins & chip.chip.pic.elcr_mask;
		if (chip_call(m, KVM_SET_IRQCHIP, &chip, id, err) == -1)
			return -1;
	}
	return 0;
}

int
chips_save(struct machine *m, struct state_writer *w, struct error *err)
{
	struct kvm_irqchip chip;
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
	unsigned id;

	memset(&clock, 0, sizeof clock);
	if (ioctl(m->vm_fd, KVM_GET_CLOCK, &clock) == -1)
		return failed("clock", err);
	state_begin(w, "chips", VERSION);
	state_put_u64(w, clock.clock);
	for (id = 0; id < CHIPS; id++) {
		memset(&chip, 0, sizeof chip);
		if (chip_call(m, KVM_GET_IRQCHIP, &chip, id, err) == -1)
			return -1;
		state_put_bytes(w, &chip.chip, sizeof chip.chip);
	}
	memset(&pit, 0, sizeof pit);
	if (ioctl(m->vm_fd, KVM_GET_PIT2, &pit) == -1)
		return failed("interval timer", err);
	state_put_bytes(w, &pit, sizeof pit);
	state_end(w);
	return 0;
}

int
chips_load(struct machine *m, struct state_reader *r, struct error *err)
{
	struct kvm_irqchip chip[CHIPS];
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
	unsigned id;

	memset(chip, 0, sizeof chip);
	memset(&clock, 0, sizeof clock);
	if (state_open(r, "chips") != VERSION)
		r->bad = true;
	clock.clock = state_get_u64(r);
	for (id = 0; id < CHIPS; id++)
		state_get_bytes(r, &chip[id].chip, sizeof chip[id].chip);
	state_get_bytes(r, &pit, sizeof pit);
	if (state_close(r, "the interrupt controllers", err) == -1)
		return -1;
	if (ioctl(m->vm_fd, KVM_SET_CLOCK, &clock) == -1)
		return failed("clock", err);
	for (id = 0; id < CHIPS; id++)
		if (chip_call(m, KVM_SET_IRQCHIP, &chip[id], id, err) == -1)
			return -1;
	if (ioctl(m->vm_fd, KVM_SET_PIT2, &pit) == -1)
		return failed("interval timer", err);
	return 0;
}
