/*
 * serial.c: the 16550A: the first console of every guest.
 *
 *	guest ──OUT──▶ tx[] ──output()──▶ host      tx[] fills up only while
 *	guest ◀──IN─── rx[] ◀──serial_input()── host   the host side is full
 *
 * No baud rate is emulated: a byte is sent when the host takes it, and a byte
 * received below the FIFO's trigger level is reported at once, as if the
 * character time-out had passed (National Semiconductor PC16550D).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/dev/dev.h"

#define FIFO 16

/* Registers, by offset and, for the first two, by DLAB. */
#define R_DATA 0 /* RBR, THR, DLL */
#define R_IER  1 /* IER, DLM */
#define R_IIR  2 /* IIR, FCR */
#define R_LCR  3
#define R_MCR  4
#define R_LSR  5
#define R_MSR  6
#define R_SCR  7

#define IER_RDA  0x01
#define IER_THRE 0x02
#define IER_RLS  0x04
#define IER_MSR  0x08

#define IIR_NONE 0x01
#define IIR_MSR  0x00
#define IIR_THRE 0x02
#define IIR_RDA  0x04
#define IIR_RLS  0x06
#define IIR_CTI  0x0c
#define IIR_FIFO 0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02
#define FCR_CLEAR_TX 0x04

#define LCR_DLAB 0x80

#define MCR_DTR  0x01
#define MCR_RTS  0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08 /* lets the interrupt out to the PC's IRQ line */
#define MCR_LOOP 0x10

#define LSR_DR   0x01
#define LSR_OE   0x02
#define LSR_BI   0x10
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define LSR_FIFO 0x80 /* there is an error somewhere in the FIFO */

#define MSR_LINE 0xb0 /* CTS, DSR and DCD: the cable is plugged in */

/* How long a vcpu waits at a stretch before it looks whether to stop. */
#define WAIT_NS 10000000L

struct serial {
	struct machine *machine;
	struct device_ops device; /* which bears the port's name */
	unsigned irq;
	const struct serial_ops *ops;
	void *arg;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t room; /* tx[] got shorter */

	uint8_t ier, fcr, lcr, mcr, scr, msr_delta;
	uint16_t divisor;
	bool thre_pending;
	bool level; /* of the interrupt line */

	uint8_t rx[FIFO];
	uint16_t rx_break; /* bit n: rx[n] is a break */
	unsigned rx_first, rx_len;
	bool rx_overrun, rx_refused;

	/*
	 * At most FIFO bytes while the guest runs. A vcpu that is stopped in
	 * the middle of a string OUT leaves the rest of it here.
	 */
	uint8_t *tx;
	size_t tx_len, tx_cap;
};

static unsigned
rx_room(const struct serial *s)
{
	return ((s->fcr & FCR_ENABLE) != 0 ? FIFO : 1) - s->rx_len;
}

static unsigned
rx_trigger(const struct serial *s)
{
	static const uint8_t level[4] = {1, 4, 8, 14};

	return (s->fcr & FCR_ENABLE) != 0 ? level[s->fcr >> 6] : 1;
}

static bool
break_waits(const struct serial *s)
{
	unsigned i;

	for (i = 0; i < s->rx_len; i++)
		if ((s->rx_break & 1u << (s->rx_first + i) % FIFO) != 0)
			return true;
	return false;
}

static uint8_t
line_status(const struct serial *s)
{
	uint8_t lsr = 0;

	if ((s->fcr & FCR_ENABLE) != 0 && s->rx_break != 0 && break_waits(s))
		lsr |= LSR_FIFO;

	if (s->rx_len > 0) {
		lsr |= LSR_DR;
		if ((s->rx_break & 1u << s->rx_first) != 0)
			lsr |= LSR_BI;
	}
	if (s->rx_overrun)
		lsr |= LSR_OE;
	if (s->tx_len == 0)
		lsr |= LSR_THRE | LSR_TEMT;
	return lsr;
}

/* The highest pending interrupt that is enabled (PC16550D, table IV). */
static uint8_t
interrupt_id(const struct serial *s)
{
	if ((s->ier & IER_RLS) != 0 &&
	    (line_status(s) & (LSR_OE | LSR_BI)) != 0)
		return IIR_RLS;
	if ((s->ier & IER_RDA) != 0 && s->rx_len > 0)
		return s->rx_len >= rx_trigger(s) ? IIR_RDA : IIR_CTI;
	if ((s->ier & IER_THRE) != 0 && s->thre_pending)
		return IIR_THRE;
	if ((s->ier & IER_MSR) != 0 && s->msr_delta != 0)
		return IIR_MSR;
	return IIR_NONE;
}

static void
update_irq(struct serial *s)
{
	bool level = interrupt_id(s) != IIR_NONE && (s->mcr & MCR_OUT2) != 0 &&
	    (s->mcr & MCR_LOOP) == 0;

	if (level != s->level) {
		s->level = level;
		irq_set_line(s->machine, s->irq, level);
	}
}

/* Gives the host what it takes. */
static void
send(struct serial *s)
{
	size_t n;

	if (s->tx_len == 0)
		return;
	n = s->ops->output(s->tx, s->tx_len, s->arg);
	if (n == 0)
		return;
	memmove(s->tx, s->tx + n, s->tx_len - n);
	s->tx_len -= n;
	if (s->tx_len == 0) {
		s->thre_pending = true;
		pthread_cond_broadcast(&s->room);
	}
}

static bool
tx_reserve(struct serial *s)
{
	size_t cap = s->tx_cap * 2;
	uint8_t *tx;

	if (s->tx_len < s->tx_cap)
		return true;
	tx = realloc(s->tx, cap);
	if (tx == NULL)
		return false;
	s->tx = tx;
	s->tx_cap = cap;
	return true;
}

/*
 * A byte from the guest. With the FIFO full the vcpu waits here, which is what
 * slows a guest that writes faster than its console is read; when the machine
 * is being stopped the byte is kept beyond the FIFO's size instead.
 */
static void
transmit(struct serial *s, uint8_t byte)
{
	struct timespec until;

	send(s);
	while (s->tx_len >= FIFO && !machine_stopping(s->machine)) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WAIT_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		pthread_cond_timedwait(&s->room, &s->lock, &until);
		send(s);
	}
	if (tx_reserve(s))
		s->tx[s->tx_len++] = byte;
	s->thre_pending = false;
	send(s);
}

static bool
receive(struct serial *s, uint8_t byte, bool brk)
{
	unsigned at = (s->rx_first + s->rx_len) % FIFO;

	if (rx_room(s) == 0)
		return false;
	s->rx[at] = byte;
	s->rx_break =
	    (uint16_t)((s->rx_break & ~(1u << at)) | (brk ? 1u << at : 0));
	s->rx_len++;
	return true;
}

static uint8_t
read_data(struct serial *s)
{
	uint8_t byte;

	if (s->rx_len == 0)
		return 0;
	byte = s->rx[s->rx_first];
	s->rx_first = (s->rx_first + 1) % FIFO;
	s->rx_len--;
	return byte;
}

static uint8_t
modem_status(const struct serial *s)
{
	uint8_t msr = MSR_LINE;

	if ((s->mcr & MCR_LOOP) != 0) {
		/* The four outputs come back as the four inputs. */
		msr = (s->mcr & MCR_RTS) != 0 ? 0x10 : 0;
		msr |= (s->mcr & MCR_DTR) != 0 ? 0x20 : 0;
		msr |= (s->mcr & MCR_OUT1) != 0 ? 0x40 : 0;
		msr |= (s->mcr & MCR_OUT2) != 0 ? 0x80 : 0;
	}
	return msr | s->msr_delta;
}

static uint8_t
read_iir(struct serial *s)
{
	uint8_t id = interrupt_id(s);

	if (id == IIR_THRE)
		s->thre_pending = false;
	return id | ((s->fcr & FCR_ENABLE) != 0 ? IIR_FIFO : 0);
}

static uint8_t
read_lsr(struct serial *s)
{
	uint8_t lsr = line_status(s);

	s->rx_overrun = false;
	if (s->rx_len > 0)
		s->rx_break &= (uint16_t) ~(1u << s->rx_first);
	return lsr;
}

static uint8_t
read_register(struct serial *s, unsigned offset)
{
	uint8_t value;

	switch (offset) {
	case R_DATA:
		if ((s->lcr & LCR_DLAB) != 0)
			return (uint8_t)s->divisor;
		return read_data(s);
	case R_IER:
		if ((s->lcr & LCR_DLAB) != 0)
			return (uint8_t)(s->divisor >> 8);
		return s->ier;
	case R_IIR:
		return read_iir(s);
	case R_LCR:
		return s->lcr;
	case R_MCR:
		return s->mcr;
	case R_LSR:
		return read_lsr(s);
	case R_MSR:
		value = modem_status(s);
		s->msr_delta = 0;
		return value;
	default:
		return s->scr;
	}
}

static uint64_t
serial_read(void *arg, uint64_t offset, unsigned size)
{
	struct serial *s = arg;
	bool ready = false;
	uint8_t value;

	pthread_mutex_lock(&s->lock);
	value = read_register(s, (unsigned)offset);
	if (s->rx_refused && rx_room(s) > 0) {
		s->rx_refused = false;
		ready = true;
	}
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
	if (ready)
		s->ops->input_ready(s->arg);
	return value;
}

/*
 * A byte that goes out and comes in again. One too many is lost in front of a
 * full FIFO; without a FIFO it takes the place of the one before it.
 */
static void
loop(struct serial *s, uint8_t value)
{
	s->thre_pending = true;
	if (receive(s, value, false))
		return;
	s->rx_overrun = true;
	if ((s->fcr & FCR_ENABLE) == 0)
		s->rx[s->rx_first] = value;
}

static void
write_data(struct serial *s, uint8_t value)
{
	if ((s->lcr & LCR_DLAB) != 0)
		s->divisor = (uint16_t)((s->divisor & 0xff00) | value);
	else if ((s->mcr & MCR_LOOP) == 0)
		transmit(s, value);
	else
		loop(s, value);
}

static void
write_ier(struct serial *s, uint8_t value)
{
	if ((s->lcr & LCR_DLAB) != 0) {
		s->divisor = (uint16_t)((s->divisor & 0xff) | value << 8);
		return;
	}
	/* Enabling it while the transmitter is empty interrupts at once. */
	if ((value & IER_THRE) != 0 && (s->ier & IER_THRE) == 0 &&
	    s->tx_len == 0)
		s->thre_pending = true;
	s->ier = value & 0x0f;
}

static void
write_fcr(struct serial *s, uint8_t value)
{
	/* Without the FIFO, and when it comes and goes, that is all there is. */
	if (((value ^ s->fcr) & FCR_ENABLE) != 0 ||
	    (value & (FCR_ENABLE | FCR_CLEAR_RX)) ==
		(FCR_ENABLE | FCR_CLEAR_RX))
		s->rx_len = 0;
	/* FCR_CLEAR_TX: what waits for the host was sent, for the guest. */
	s->fcr = value & (0xc0 | FCR_ENABLE);
}

static void
write_mcr(struct serial *s, uint8_t value)
{
	uint8_t before = modem_status(s) & 0xf0;
	uint8_t after, changed;

	s->mcr = value & 0x1f;
	after = modem_status(s) & 0xf0;
	changed = (before ^ after) >> 4;
	/* RI (bit 2 here) reports only its trailing edge. */
	if ((after & 0x40) != 0)
		changed &= 0x0b;
	s->msr_delta |= changed;
}

static void
serial_write(void *arg, uint64_t offset, unsigned size, uint64_t wide)
{
	struct serial *s = arg;
	uint8_t value = (uint8_t)wide;
	bool ready = false;

	pthread_mutex_lock(&s->lock);
	switch (offset) {
	case R_DATA:
		write_data(s, value);
		break;
	case R_IER:
		write_ier(s, value);
		break;
	case R_IIR:
		write_fcr(s, value);
		break;
	case R_LCR:
		s->lcr = value;
		break;
	case R_MCR:
		write_mcr(s, value);
		break;
	case R_SCR:
		s->scr = value;
		break;
	}
	if (s->rx_refused && rx_room(s) > 0) {
		s->rx_refused = false;
		ready = true;
	}
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
	if (ready)
		s->ops->input_ready(s->arg);
}

static const struct io_ops serial_io = {
    .read = serial_read, .write = serial_write, .bytewise = true};

void
serial_kick(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	send(s);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

size_t
serial_input(struct serial *s, const uint8_t *data, size_t len)
{
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	while (n < len && receive(s, data[n], false))
		n++;
	s->rx_refused = n < len;
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
	return n;
}

void
serial_break(struct serial *s)
{
	pthread_mutex_lock(&s->lock);
	receive(s, 0, true);
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
}

static void
power_on(struct serial *s)
{
	s->ier = s->fcr = s->lcr = s->mcr = s->scr = s->msr_delta = 0;
	s->divisor = 12; /* 9600 baud, as firmware leaves it */
	s->thre_pending = false;
	s->rx_len = s->rx_first = 0;
	s->rx_break = 0;
	s->rx_overrun = false;
	update_irq(s);
}

static void
serial_reset(void *dev)
{
	struct serial *s = dev;
	bool ready;

	pthread_mutex_lock(&s->lock);
	power_on(s);
	ready = s->rx_refused;
	s->rx_refused = false;
	pthread_mutex_unlock(&s->lock);
	if (ready)
		s->ops->input_ready(s->arg);
}

static void
serial_save(void *dev, struct state_writer *w)
{
	struct serial *s = dev;
	unsigned i;

	state_put_u8(w, s->ier);
	state_put_u8(w, s->fcr);
	state_put_u8(w, s->lcr);
	state_put_u8(w, s->mcr);
	state_put_u8(w, s->scr);
	state_put_u8(w, s->msr_delta);
	state_put_u16(w, s->divisor);
	state_put_u8(w, s->thre_pending);
	state_put_u8(w, s->rx_overrun);
	state_put_u8(w, (uint8_t)s->rx_len);
	for (i = 0; i < s->rx_len; i++) {
		state_put_u8(w, s->rx[(s->rx_first + i) % FIFO]);
		state_put_u8(
		    w, (s->rx_break & 1u << ((s->rx_first + i) % FIFO)) != 0);
	}
	state_put_u32(w, (uint32_t)s->tx_len);
	state_put_bytes(w, s->tx, s->tx_len);
}

static int
serial_load(void *dev, struct state_reader *r, struct error *err)
{
	struct serial *s = dev;
	uint8_t byte, len, brk;
	uint32_t waiting, i;

	s->ier = state_get_u8(r) & 0x0f;
	s->fcr = state_get_u8(r) & (0xc0 | FCR_ENABLE);
	s->lcr = state_get_u8(r);
	s->mcr = state_get_u8(r) & 0x1f;
	s->scr = state_get_u8(r);
	s->msr_delta = state_get_u8(r) & 0x0f;
	s->divisor = state_get_u16(r);
	s->thre_pending = state_get_u8(r) == 1;
	s->rx_overrun = state_get_u8(r) == 1;
	s->rx_len = s->rx_first = 0;
	len = state_get_u8(r);
	for (i = 0; i < len; i++) {
		byte = state_get_u8(r);
		brk = state_get_u8(r);
		receive(s, byte, brk == 1);
	}
	waiting = state_get_u32(r);
	if (r->bad || len > FIFO || waiting > r->end - r->pos)
		return error_set(err, "the saved serial port is damaged");
	s->tx_len = 0;
	for (i = 0; i < waiting; i++) {
		if (!tx_reserve(s))
			return error_set(err, "serial port: out of memory");
		s->tx[s->tx_len++] = state_get_u8(r);
	}
	update_irq(s);
	return 0;
}

static void
serial_destroy(void *dev)
{
	struct serial *s = dev;

	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->room);
	free(s->tx);
	free(s);
}

static const struct device_ops serial_device = {
    .reset = serial_reset,
    .save = serial_save,
    .load = serial_load,
    .destroy = serial_destroy,
};

int
serial_create(struct machine *m, const char *name, uint16_t base, unsigned irq,
    const struct serial_ops *ops, void *arg, struct serial **out,
    struct error *err)
{
	pthread_condattr_t attr;
	struct serial *s;

	s = calloc(1, sizeof *s);
	if (s == NULL || (s->tx = malloc(FIFO)) == NULL) {
		free(s);
		return error_set(err, "serial port: out of memory");
	}
	s->machine = m;
	s->device = serial_device;
	s->device.name = name;
	s->irq = irq;
	s->ops = ops;
	s->arg = arg;
	s->tx_cap = FIFO;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->room, &attr);
	pthread_condattr_destroy(&attr);
	power_on(s);
	if (machine_add_device(m, &s->device, s, err) == -1)
		return -1;
	if (iobus_add(machine_pio(m), name, base, 8, &serial_io, s, err) == -1)
		return -1;
	*out = s;
	return 0;
}
