/*
 * machine.h: a machine without a guest, for tests of devices: registers are
 * reached through the buses, as a vcpu would. Needs /dev/kvm.
 */
#ifndef TESTS_UNIT_MACHINE_H
#define TESTS_UNIT_MACHINE_H

#include <fcntl.h>
#include <unistd.h>

#include "backend/vmm/machine.h"

struct asked {
	int count;
	enum machine_request what;
};

static void
note_request(enum machine_request what, const char *why, void *arg)
{
	struct asked *asked = arg;

	asked->count++;
	asked->what = what;
}

/* NULL: this host cannot run guests. */
static inline struct machine *
new_machine(struct asked *asked)
{
	static const struct machine_ops ops = {.request = note_request};
	struct machine_config config = {
	    .memory = 64 << 20,
	    .cpus = 1,
	    .kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC),
	    .ops = &ops,
	    .arg = asked,
	};
	struct machine *m;
	struct error err;

	if (config.kvm_fd == -1 || machine_create(&m, &config, &err) == -1 ||
	    machine_finish(m, &err) == -1)
		return NULL;
	return m;
}

#define NEED_MACHINE(m, asked)                   \
	struct asked asked = {0};                \
	struct machine *m = new_machine(&asked); \
	if (m == NULL)                           \
	SKIP("no usable /dev/kvm here; the devices are driven in the rig")

static inline uint64_t
in(struct machine *m, uint16_t port, unsigned size)
{
	return iobus_read(machine_pio(m), port, size);
}

static inline void
out(struct machine *m, uint16_t port, unsigned size, uint64_t value)
{
	iobus_write(machine_pio(m), port, size, value);
}

#endif
