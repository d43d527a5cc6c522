/*
 * reset.c: the ways out of a PC that are not ACPI: the i8042's reset pulse and
 * port 0x92. The i8042 answers as one with neither keyboard nor mouse: its
 * self test passes, and a byte sent to a device comes back at once as "no
 * answer" (0xFE with the time-out flag), so that drivers end their probing
 * instead of waiting (IBM PS/2 keyboard and auxiliary device controller).
 */
#include <pthread.h>
#include <stdlib.h>

#include "backend/dev/dev.h"

#define KBD_DATA   0x60
#define KBD_STATUS 0x64
#define FAST_A20   0x92

#define ST_OUT      0x01 /* output buffer full */
#define ST_SYS      0x04 /* self test passed */
#define ST_CMD      0x08 /* last write went to the command port */
#define ST_UNLOCKED 0x10 /* the key in front is turned to "on" */
#define ST_AUX      0x20
#define ST_TIMEOUT  0x40

#define CTR_KBD_IRQ 0x01
#define CTR_SYS     0x04
#define CTR_NO_KBD  0x10
#define CTR_NO_AUX  0x20

#define OUT_PORT 0x03 /* not in reset, A20 open */
#define KBD_IRQ  1

struct reset {
	struct machine *machine;
	pthread_mutex_t lock; /* guards all below */
	uint8_t status, data, ctr, command, fast_a20;
	uint8_t ram[32];
};

/* Puts a byte into the output buffer, with more status bits if any. */
static void
answer(struct reset *k, uint8_t byte, uint8_t bits)
{
	k->data = byte;
	k->status =
	    (uint8_t)((k->status & ~(ST_AUX | ST_TIMEOUT)) | ST_OUT | bits);
	if ((k->ctr & CTR_KBD_IRQ) != 0 && (bits & ST_AUX) == 0) {
		irq_set_line(k->machine, KBD_IRQ, true);
		irq_set_line(k->machine, KBD_IRQ, false);
	}
}

/* A command byte at 0x64. Returns true if it resets the machine. */
static bool
command(struct reset *k, uint8_t c)
{
	k->command = 0;
	k->status |= ST_CMD;
	if (c >= 0x20 && c <= 0x3f) {
		answer(k, c == 0x20 ? k->ctr : k->ram[c & 0x1f], 0);
	} else if (c >= 0x60 && c <= 0x7f) {
		k->command = c;
	} else if (c >= 0xf0) {
		return (c & 1) == 0; /* bit 0 low pulses the reset line */
	} else {
		switch (c) {
		case 0xa7:
			k->ctr |= CTR_NO_AUX;
			break;
		case 0xa8:
			k->ctr &= (uint8_t)~CTR_NO_AUX;
			break;
		case 0xa9: /* auxiliary port: its clock line is stuck */
			answer(k, 0x01, 0);
			break;
		case 0xaa:
			k->status |= ST_SYS;
			answer(k, 0x55, 0);
			break;
		case 0xab:
			answer(k, 0x00, 0);
			break;
		case 0xad:
			k->ctr |= CTR_NO_KBD;
			break;
		case 0xae:
			k->ctr &= (uint8_t)~CTR_NO_KBD;
			break;
		case 0xc0:
			answer(k, 0x80, 0);
			break;
		case 0xd0:
			answer(k, OUT_PORT, 0);
			break;
		case 0xd1:
		case 0xd2:
		case 0xd3:
		case 0xd4:
			k->command = c;
			break;
		}
	}
	return false;
}

/* A byte at 0x60. Returns true if it resets the machine. */
static bool
data(struct reset *k, uint8_t v)
{
	uint8_t c = k->command;

	k->command = 0;
	k->status &= (uint8_t)~ST_CMD;
	if (c == 0x60)
		k->ctr = v;
	else if (c > 0x60 && c <= 0x7f)
		k->ram[c & 0x1f] = v;
	else if (c == 0xd1)
		return (v & 1) == 0;
	else if (c == 0xd2)
		answer(k, v, 0);
	else if (c == 0xd3) /* nothing comes back through the mouse's port */
		answer(k, (uint8_t)~v, 0);
	else
		answer(k, 0xfe, ST_TIMEOUT | (c == 0xd4 ? ST_AUX : 0));
	return false;
}

static uint64_t
kbd_read(void *arg, uint64_t offset, unsigned size)
{
	struct reset *k = arg;
	uint8_t v;

	pthread_mutex_lock(&k->lock);
	if (offset == KBD_STATUS - KBD_DATA) {
		v = k->status | ST_UNLOCKED;
	} else {
		v = k->data;
		k->status &= (uint8_t) ~(ST_OUT | ST_AUX | ST_TIMEOUT);
	}
	pthread_mutex_unlock(&k->lock);
	return v;
}

static void
kbd_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct reset *k = arg;
	bool reset;

	pthread_mutex_lock(&k->lock);
	if (offset == KBD_STATUS - KBD_DATA)
		reset = command(k, (uint8_t)value);
	else
		reset = data(k, (uint8_t)value);
	pthread_mutex_unlock(&k->lock);
	if (reset)
		machine_request(
		    k->machine, MACHINE_RESET, "keyboard controller");
}

static uint64_t
status_read(void *arg, uint64_t offset, unsigned size)
{
	return kbd_read(arg, KBD_STATUS - KBD_DATA, size);
}

static void
status_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	kbd_write(arg, KBD_STATUS - KBD_DATA, size, value);
}

static uint64_t
a20_read(void *arg, uint64_t offset, unsigned size)
{
	struct reset *k = arg;
	uint8_t v;

	pthread_mutex_lock(&k->lock);
	v = k->fast_a20;
	pthread_mutex_unlock(&k->lock);
	return v;
}

static void
a20_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct reset *k = arg;
	bool reset;

	pthread_mutex_lock(&k->lock);
	reset = (value & 1) != 0;
	k->fast_a20 = (uint8_t)value & 2;
	pthread_mutex_unlock(&k->lock);
	if (reset)
		machine_request(k->machine, MACHINE_RESET, "port 0x92");
}

static const struct io_ops data_io = {.read = kbd_read, .write = kbd_write};
static const struct io_ops status_io = {
    .read = status_read, .write = status_write};
static const struct io_ops a20_io = {.read = a20_read, .write = a20_write};

static void
reset_reset(void *dev)
{
	struct reset *k = dev;

	k->status = ST_SYS;
	k->data = 0;
	k->ctr = CTR_SYS | CTR_NO_AUX;
	k->command = 0;
	k->fast_a20 = 2;
}

static void
reset_save(void *dev, struct state_writer *w)
{
	struct reset *k = dev;

	state_put_u8(w, k->status);
	state_put_u8(w, k->data);
	state_put_u8(w, k->ctr);
	state_put_u8(w, k->command);
	state_put_u8(w, k->fast_a20);
	state_put_bytes(w, k->ram, sizeof k->ram);
}

static int
reset_load(void *dev, struct state_reader *r, struct error *err)
{
	struct reset *k = dev;

	k->status = state_get_u8(r);
	k->data = state_get_u8(r);
	k->ctr = state_get_u8(r);
	k->command = state_get_u8(r);
	k->fast_a20 = state_get_u8(r) & 2;
	state_get_bytes(r, k->ram, sizeof k->ram);
	return 0;
}

static void
reset_destroy(void *dev)
{
	struct reset *k = dev;

	pthread_mutex_destroy(&k->lock);
	free(k);
}

static const struct device_ops reset_device = {
    .name = "i8042",
    .reset = reset_reset,
    .save = reset_save,
    .load = reset_load,
    .destroy = reset_destroy,
};

int
reset_create(struct machine *m, struct error *err)
{
	struct reset *k;

	k = calloc(1, sizeof *k);
	if (k == NULL)
		return error_set(err, "i8042: out of memory");
	k->machine = m;
	pthread_mutex_init(&k->lock, NULL);
	reset_reset(k);
	if (machine_add_device(m, &reset_device, k, err) == -1)
		return -1;
	/* Port 0x61, between the two, is the PIT's speaker gate in KVM. */
	if (iobus_add(machine_pio(m), "i8042", KBD_DATA, 1, &data_io, k, err) ==
		-1 ||
	    iobus_add(machine_pio(m), "i8042", KBD_STATUS, 1, &status_io, k,
		err) == -1 ||
	    iobus_add(machine_pio(m), "port 0x92", FAST_A20, 1, &a20_io, k,
		err) == -1)
		return -1;
	return 0;
}
