/*
 * debugport.c: the port at 0x402 to which firmware built for virtual machines
 * writes what it is doing, if a read there says 0xE9. It goes to the log line
 * by line, up to a bound until the next reset.
 */
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#include "backend/dev/dev.h"
#include "config/log.h"

#define PORT     0x402
#define PRESENT  0xe9
#define LINE_MAX 160
#define ROOM     (64 << 10) /* bytes that a boot may log */

struct debugport {
	pthread_mutex_t lock; /* guards all below */
	char line[LINE_MAX];
	unsigned len;
	unsigned said;
};

static void
end_line(struct debugport *d)
{
	if (d->len > 0 && d->said < ROOM)
		log_info("firmware: %.*s", (int)d->len, d->line);
	d->said += d->len + 1;
	if (d->said > ROOM)
		d->said = ROOM;
	d->len = 0;
}

static uint64_t
debug_read(void *arg, uint64_t offset, unsigned size)
{
	return PRESENT;
}

static void
debug_write(void *arg, uint64_t offset, unsigned size, uint64_t value)
{
	struct debugport *d = arg;
	uint8_t c = (uint8_t)value;

	pthread_mutex_lock(&d->lock);
	if (c == '\n' || d->len == sizeof d->line)
		end_line(d);
	if (isprint(c))
		d->line[d->len++] = (char)c;
	pthread_mutex_unlock(&d->lock);
}

static const struct io_ops debug_io = {
    .read = debug_read, .write = debug_write};

static void
debug_reset(void *dev)
{
	struct debugport *d = dev;

	d->len = d->said = 0;
}

static void
debug_save(void *dev, struct state_writer *w)
{
	struct debugport *d = dev;

	state_put_u32(w, d->said);
	state_put_u32(w, d->len);
	state_put_bytes(w, d->line, d->len);
}

static int
debug_load(void *dev, struct state_reader *r, struct error *err)
{
	struct debugport *d = dev;
	uint32_t len, i;

	d->said = state_get_u32(r);
	len = state_get_u32(r);
	if (r->bad || d->said > ROOM || len > sizeof d->line)
		return error_set(err, "the saved debug port is damaged");
	state_get_bytes(r, d->line, len);
	d->len = len;
	/* It goes to a log, to be looked at on a terminal. */
	for (i = 0; i < len; i++)
		if (!isprint((unsigned char)d->line[i]))
			d->line[i] = '?';
	return 0;
}

static void
debug_destroy(void *dev)
{
	struct debugport *d = dev;

	pthread_mutex_destroy(&d->lock);
	free(d);
}

static const struct device_ops debug_device = {
    .name = "debug port",
    .reset = debug_reset,
    .save = debug_save,
    .load = debug_load,
    .destroy = debug_destroy,
};

int
debugport_create(struct machine *m, struct error *err)
{
	struct debugport *d;

	d = calloc(1, sizeof *d);
	if (d == NULL)
		return error_set(err, "debug port: out of memory");
	pthread_mutex_init(&d->lock, NULL);
	if (machine_add_device(m, &debug_device, d, err) == -1)
		return -1;
	return iobus_add(
	    machine_pio(m), "debug port", PORT, 1, &debug_io, d, err);
}
