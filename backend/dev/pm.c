/*
 * pm.c: the PIIX4's power function: ACPI's fixed hardware (ACPI 6.4, 4.8).
 *
 *	PM_BASE +0  PM1_STS  +2 PM1_EN  +4 PM1_CNT   +8 PM_TMR (24 bits)
 *	GPE0    +0  status   +2 enable
 *	0xB2    SMI command: PM_ACPI_ON, PM_ACPI_OFF; 0xB3 its status byte
 *
 * No GPE source exists yet; the block is there because the FADT names it. The
 * timer's carry bit in PM1_STS is kept, but raises no SCI: operating systems
 * read the timer and widen it themselves.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "backend/dev/dev.h"
#include "backend/dev/pci_internal.h"

#define STS_TMR     0x0001
#define STS_PWRBTN  0x0100
#define STS_WAK     0x8000
#define STS_BITS    (STS_TMR | 0x0030 | STS_PWRBTN | 0x0600 | STS_WAK)
#define EN_BITS     0x0721
#define SCI_SOURCES 0x0720 /* PM1 bits that raise an SCI when enabled */
#define CNT_SCI_EN  0x0001
#define CNT_BITS    0x1c03 /* GBL_RLS and SLP_EN read as zero */
#define CNT_SLP_EN  0x2000
#define CNT_SLP(v)  ((v) >> 10 & 7)

#define TMR_HZ   3579545ULL
#define TMR_BITS 0xffffff

struct pm {
	struct machine *machine;
	struct pci_fn *fn;
	pthread_mutex_t lock; /* guards all below */
	uint16_t sts, en, cnt;
	uint16_t gpe_sts, gpe_en;
	uint8_t smi_cmd, smi_sts;
	uint32_t tmr_seen; /* the timer when STS_TMR was last looked at */
	uint64_t tmr_base; /* ns, CLOCK_MONOTONIC, when it was zero */
	bool level; /* of the SCI */
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint32_t
timer(const struct pm *pm)
{
	uint64_t ns = now_ns() - pm->tmr_base;

	/* Seconds and the rest apart, so that nothing overflows. */
	return (uint32_t)(ns / 1000000000u * TMR_HZ +
		   ns % 1000000000u * TMR_HZ / 1000000000u) &
	    TMR_BITS;
}

/* TMR_STS is set when the timer's highest bit changes (4.8.3.1). */
static void
update_timer_status(struct pm *pm)
{
	uint32_t now = timer(pm);

	if (((now ^ pm->tmr_seen) & (TMR_BITS / 2 + 1)) != 0)
		pm->sts |= STS_TMR;
	pm->tmr_seen = now;
}

static void
update_sci(struct pm *pm)
{
	bool level = (pm->cnt & CNT_SCI_EN) != 0 &&
	    ((pm->sts & pm->en & SCI_SOURCES) != 0 ||
		(pm->gpe_sts & pm->gpe_en) != 0);

	if (level != pm->level) {
		pm->level = level;
		irq_set_line(pm->machine, PM_SCI_IRQ, level);
	}
}

void
pm_power_button(struct pm *pm)
{
	pthread_mutex_lock(&pm->lock);
	pm->sts |= STS_PWRBTN;
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

static uint64_t
pm1_read(void *arg, uint64_t offset, unsigned size)
{
	struct pm *pm = arg;
	uint64_t v;

	pthread_mutex_lock(&pm->lock);
	update_timer_status(pm);
	v = pm->sts | (uint32_t)pm->en << 16 | (uint64_t)pm->cnt << 32;
	pthread_mutex_unlock(&pm->lock);
	return v >> (8 * offset);
}

static uint64_t
tmr_read(void *arg, uint64_t offset, unsigned size)
{
	struct pm *pm = arg;
	uint32_t v;

	pthread_mutex_lock(&pm->lock);
	update_timer_status(pm);
	v = pm->tmr_seen;
	pthread_mutex_unlock(&pm->lock);
	return v >> (8 * offset);
}

/* It is not written. */
static void
tmr_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
}

/* Puts a byte of value into a 16-bit register, high or low. */
static uint16_t
merge(uint16_t reg, bool high, uint64_t value)
{
	return high ? (uint16_t)((reg & 0x00ff) | (value & 0xff) << 8)
		    : (uint16_t)((reg & 0xff00) | (value & 0xff));
}

static void
pm1_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct pm *pm = arg;
	bool off = false;
	uint16_t cnt;
	bool high = (offset & 1) != 0;

	pthread_mutex_lock(&pm->lock);
	update_timer_status(pm);
	switch (offset & ~1ULL) {
	case 0:
		pm->sts &= (uint16_t)~merge(0, high, value);
		break;
	case 2:
		pm->en = merge(pm->en, high, value) & EN_BITS;
		break;
	case 4:
		cnt = merge(pm->cnt, high, value);
		off = (cnt & CNT_SLP_EN) != 0 && CNT_SLP(cnt) == PM_S5_TYPE;
		/* Who answers to events is the SMI command's to say. */
		pm->cnt = (uint16_t)((cnt & CNT_BITS & ~CNT_SCI_EN) |
		    (pm->cnt & CNT_SCI_EN));
		break;
	}
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
	if (off)
		machine_request(pm->machine, MACHINE_POWEROFF, "ACPI");
}

static uint64_t
gpe_read(void *arg, uint64_t offset, unsigned size)
{
	struct pm *pm = arg;
	uint32_t v;

	pthread_mutex_lock(&pm->lock);
	v = pm->gpe_sts | (uint32_t)pm->gpe_en << 16;
	pthread_mutex_unlock(&pm->lock);
	return v >> (8 * offset);
}

static void
gpe_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct pm *pm = arg;
	bool high = (offset & 1) != 0;

	pthread_mutex_lock(&pm->lock);
	if (offset < 2)
		pm->gpe_sts &= (uint16_t)~merge(0, high, value);
	else
		pm->gpe_en = merge(pm->gpe_en, high, value);
	update_sci(pm);
	pthread_mutex_unlock(&pm->lock);
}

static uint64_t
smi_read(void *arg, uint64_t offset, unsigned size)
{
	struct pm *pm = arg;

	return offset == 0 ? pm->smi_cmd : pm->smi_sts;
}

static void
smi_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct pm *pm = arg;

	pthread_mutex_lock(&pm->lock);
	if (offset == 1) {
		pm->smi_sts = (uint8_t)value;
	} else {
		pm->smi_cmd = (uint8_t)value;
		if (pm->smi_cmd == PM_ACPI_ON)
			pm->cnt |= CNT_SCI_EN;
		else if (pm->smi_cmd == PM_ACPI_OFF)
			pm->cnt &= (uint16_t)~CNT_SCI_EN;
		update_sci(pm);
	}
	pthread_mutex_unlock(&pm->lock);
}

/* The timer is read at once; of the rest any part may be. */
static const struct io_ops pm1_io = {
    .read = pm1_read, .write = pm1_write, .bytewise = true};
static const struct io_ops tmr_io = {.read = tmr_read, .write = tmr_write};
static const struct io_ops gpe_io = {
    .read = gpe_read, .write = gpe_write, .bytewise = true};
static const struct io_ops smi_io = {
    .read = smi_read, .write = smi_write, .bytewise = true};

static void
pm_reset(void *dev)
{
	struct pm *pm = dev;

	pm->sts = pm->en = pm->gpe_sts = pm->gpe_en = 0;
	/* As firmware that knows ACPI hands the machine over. */
	pm->cnt = CNT_SCI_EN;
	pm->smi_cmd = pm->smi_sts = 0;
	pm->tmr_base = now_ns();
	pm->tmr_seen = 0;
	update_sci(pm);
}

static void
pm_save(void *dev, struct state_writer *w)
{
	struct pm *pm = dev;

	state_put_u16(w, pm->sts);
	state_put_u16(w, pm->en);
	state_put_u16(w, pm->cnt);
	state_put_u16(w, pm->gpe_sts);
	state_put_u16(w, pm->gpe_en);
	state_put_u8(w, pm->smi_cmd);
	state_put_u8(w, pm->smi_sts);
	state_put_u64(w, now_ns() - pm->tmr_base);
}

static int
pm_load(void *dev, struct state_reader *r, struct error *err)
{
	struct pm *pm = dev;

	pm->sts = state_get_u16(r) & STS_BITS;
	pm->en = state_get_u16(r) & EN_BITS;
	pm->cnt = state_get_u16(r) & CNT_BITS;
	pm->gpe_sts = state_get_u16(r);
	pm->gpe_en = state_get_u16(r);
	pm->smi_cmd = state_get_u8(r);
	pm->smi_sts = state_get_u8(r);
	pm->tmr_base = now_ns() - state_get_u64(r);
	pm->tmr_seen = timer(pm);
	update_sci(pm);
	return 0;
}

static void
pm_destroy(void *dev)
{
	struct pm *pm = dev;

	pthread_mutex_destroy(&pm->lock);
	free(pm);
}

static const struct pci_fn_ops pm_ops = {
    .name = "PIIX4 power management",
    .vendor = 0x8086,
    .device = 0x7113,
    .subvendor = 0x1af4,
    .subdevice = 0x1100,
    .class_code = 0x068000,
    .revision = 3,
    .reset = pm_reset,
    .save = pm_save,
    .load = pm_load,
    .destroy = pm_destroy,
};

int
pm_create(struct pci_bus *bus, struct pm **out, struct error *err)
{
	struct iobus *pio = machine_pio(pci_bus_machine(bus));
	struct pm *pm;

	pm = calloc(1, sizeof *pm);
	if (pm == NULL)
		return error_set(err, "power management: out of memory");
	pm->machine = pci_bus_machine(bus);
	pthread_mutex_init(&pm->lock, NULL);
	pm_reset(pm);
	if (pci_add_function(bus, 1, 3, &pm_ops, pm, &pm->fn, err) == -1)
		return -1;
	/*
	 * PMBA (0x40), PMREGMISC (0x80), SMBBA (0x90) and SMBHSTCFG (0xD2) are
	 * storage for the firmware that sets them to the ports used here.
	 */
	pci_set32(pm->fn, 0x40, PM_BASE | 1);
	pm->fn->cfg[0x80] = 1;
	/* DEVACTB: SMIs are set up already, so firmware need not; no SMM. */
	pm->fn->cfg[0x5b] = 2;
	pci_writable(pm->fn, 0x40, 4, 0xff);
	pci_writable(pm->fn, 0x80, 1, 0xff);
	pci_writable(pm->fn, 0x90, 4, 0xff);
	pci_writable(pm->fn, 0xd2, 1, 0xff);
	pci_keep_home(pm->fn);
	if (iobus_add(pio, "pm1", PM_BASE, 6, &pm1_io, pm, err) == -1 ||
	    iobus_add(pio, "pm timer", PM_BASE + 8, 4, &tmr_io, pm, err) ==
		-1 ||
	    iobus_add(pio, "gpe0", PM_GPE0_BASE, 4, &gpe_io, pm, err) == -1 ||
	    iobus_add(pio, "smi", PM_SMI_CMD, 2, &smi_io, pm, err) == -1)
		return -1;
	*out = pm;
	return 0;
}
