#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/vmm/kvm.h"

/*
 * KVM takes the routing table as a whole, and changing it waits for all vcpus
 * (SRCU), so it is written only when a message that is on, or comes on, has a
 * route that KVM does not know yet:
 *
 *	the PICs' and IO-APIC's pins, fixed | one entry a message with a route
 *
 * Message n is GSI IRQ_PINS + n.
 */
#define MAX_MSIS 2048
#define MAX_PINS (16 + IRQ_PINS)

struct irq_msi {
	struct machine *m;
	unsigned gsi;
	int fd;
	uint64_t addr;
	uint32_t data;
	bool routed; /* addr and data were set */
	bool written; /* and KVM's table has them */
	bool on;
};

struct irq_table {
	pthread_mutex_t lock; /* guards all below and every message's route */
	struct irq_msi *msi[MAX_MSIS];
	unsigned pins;
	struct kvm_irq_routing_entry pin[MAX_PINS];
};

static void
add_pin(struct irq_table *t, unsigned gsi, unsigned chip, unsigned pin)
{
	struct kvm_irq_routing_entry *e = &t->pin[t->pins++];

	e->gsi = gsi;
	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.irqchip = chip;
	e->u.irqchip.pin = pin;
}

/*
 * The pins as KVM wires them from the start: GSI n is pin n of the IO-APIC and,
 * below 16, IRQ n of the PICs. The timer is on pin 0, not 2 as on most PCs, and
 * the MADT has no override that says otherwise: so nothing needs to be written
 * before the first message joins the pins. Each write waits for an RCU grace
 * period, 1.4 ms of the start-up and far more on a busy host.
 */
static void
add_pins(struct irq_table *t)
{
	unsigned gsi;

	for (gsi = 0; gsi < IRQ_PINS; gsi++) {
		if (gsi < 8)
			add_pin(t, gsi, KVM_IRQCHIP_PIC_MASTER, gsi);
		else if (gsi < 16)
			add_pin(t, gsi, KVM_IRQCHIP_PIC_SLAVE, gsi - 8);
		add_pin(t, gsi, KVM_IRQCHIP_IOAPIC, gsi);
	}
}

/* Writes the whole table. The lock is held. */
static int
write_routes(struct machine *m, struct error *err)
{
	struct irq_table *t = m->irq;
	struct kvm_irq_routing *routing;
	struct kvm_irq_routing_entry *e;
	struct irq_msi *msi;
	unsigned i;
	int rc;

	routing = calloc(1, sizeof *routing + (t->pins + MAX_MSIS) * sizeof *e);
	if (routing == NULL)
		return error_set(err, "no memory for the interrupt routes");
	memcpy(routing->entries, t->pin, t->pins * sizeof *e);
	routing->nr = t->pins;
	for (i = 0; i < MAX_MSIS; i++) {
		msi = t->msi[i];
		if (msi == NULL || !msi->routed)
			continue;
		e = &routing->entries[routing->nr++];
		e->gsi = msi->gsi;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = (uint32_t)msi->addr;
		e->u.msi.address_hi = (uint32_t)(msi->addr >> 32);
		e->u.msi.data = msi->data;
	}
	rc = ioctl(m->vm_fd, KVM_SET_GSI_ROUTING, routing);
	if (rc == -1)
		error_set(err, "KVM refuses an interrupt's route: %s",
		    strerror(errno));
	for (i = 0; i < MAX_MSIS && rc == 0; i++)
		if (t->msi[i] != NULL)
			t->msi[i]->written = true;
	free(routing);
	return rc;
}

int
irq_create(struct machine *m, struct error *err)
{
	m->irq = calloc(1, sizeof *m->irq);
	if (m->irq == NULL)
		return error_set(err, "no memory for the interrupt routes");
	pthread_mutex_init(&m->irq->lock, NULL);
	add_pins(m->irq);
	return 0;
}

void
irq_destroy(struct machine *m)
{
	if (m->irq == NULL)
		return;
	pthread_mutex_destroy(&m->irq->lock);
	free(m->irq);
	m->irq = NULL;
}

void
irq_set_line(struct machine *m, unsigned gsi, bool level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	if (gsi < IRQ_PINS)
		ioctl(m->vm_fd, KVM_IRQ_LINE, &line);
}

int
irq_msi_new(struct machine *m, struct irq_msi **msip, struct error *err)
{
	struct irq_table *t = m->irq;
	struct irq_msi *msi;
	unsigned i;

	*msip = NULL;
	msi = calloc(1, sizeof *msi);
	if (msi == NULL)
		return error_set(err, "no memory for an interrupt message");
	msi->m = m;
	msi->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (msi->fd == -1) {
		error_set(err, "cannot make an eventfd for an interrupt: %s",
		    strerror(errno));
		free(msi);
		return -1;
	}
	pthread_mutex_lock(&t->lock);
	for (i = 0; i < MAX_MSIS && t->msi[i] != NULL; i++)
		continue;
	if (i < MAX_MSIS) {
		t->msi[i] = msi;
		msi->gsi = IRQ_PINS + i;
	}
	pthread_mutex_unlock(&t->lock);
	if (i == MAX_MSIS) {
		close(msi->fd);
		free(msi);
		return error_set(err,
		    "the machine has no more than %d interrupt messages; give "
		    "the guest fewer devices",
		    MAX_MSIS);
	}
	*msip = msi;
	return 0;
}

/* Joins or parts the eventfd and the guest. The lock is held. */
static int
connect_fd(struct irq_msi *msi, bool on, struct error *err)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)msi->fd,
	    .gsi = msi->gsi,
	    .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN};

	if (ioctl(msi->m->vm_fd, KVM_IRQFD, &irqfd) == -1)
		return error_set(err, "KVM cannot %s an interrupt: %s",
		    on ? "connect" : "disconnect", strerror(errno));
	/*
	 * What was pending is on its way to the guest now, but still counted;
	 * KVM only takes off what is sent from here on.
	 */
	if (on)
		irq_msi_clear(msi);
	return 0;
}

void
irq_msi_free(struct irq_msi *msi)
{
	struct irq_table *t;

	if (msi == NULL)
		return;
	t = msi->m->irq;
	pthread_mutex_lock(&t->lock);
	if (msi->on)
		connect_fd(msi, false, NULL);
	t->msi[msi->gsi - IRQ_PINS] = NULL;
	pthread_mutex_unlock(&t->lock);
	close(msi->fd);
	free(msi);
}

int
irq_msi_route(
    struct irq_msi *msi, uint64_t addr, uint32_t data, struct error *err)
{
	struct irq_table *t = msi->m->irq;
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	if (!msi->routed || msi->addr != addr || msi->data != data) {
		msi->addr = addr;
		msi->data = data;
		msi->routed = true;
		msi->written = false;
		if (msi->on)
			rc = write_routes(msi->m, err);
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

int
irq_msi_enable(struct irq_msi *msi, bool on, struct error *err)
{
	struct irq_table *t = msi->m->irq;
	int rc = 0;

	pthread_mutex_lock(&t->lock);
	if (on && !msi->on) {
		if (!msi->written)
			rc = write_routes(msi->m, err);
		if (rc == 0)
			rc = connect_fd(msi, true, err);
		msi->on = rc == 0;
	} else if (!on && msi->on) {
		rc = connect_fd(msi, false, err);
		msi->on = false;
	}
	pthread_mutex_unlock(&t->lock);
	return rc;
}

void
irq_msi_send(struct irq_msi *msi)
{
	uint64_t one = 1;

	/* It only fails when 2^64 - 1 are pending already. */
	if (write(msi->fd, &one, sizeof one) == -1)
		return;
}

int
irq_msi_fd(const struct irq_msi *msi)
{
	return msi->fd;
}

bool
irq_msi_pending(const struct irq_msi *msi)
{
	struct pollfd p = {.fd = msi->fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

void
irq_msi_clear(struct irq_msi *msi)
{
	uint64_t count;

	if (read(msi->fd, &count, sizeof count) == -1)
		return; /* nothing was pending */
}

static int
ioeventfd_call(struct machine *m, const struct ioeventfd *io, uint32_t flags)
{
	struct kvm_ioeventfd k = {.addr = io->addr,
	    .len = io->size,
	    .fd = io->fd,
	    .datamatch = io->value,
	    .flags = flags};

	if (io->pio)
		k.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (io->match)
		k.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	return ioctl(m->vm_fd, KVM_IOEVENTFD, &k);
}

int
ioeventfd_add(struct machine *m, const struct ioeventfd *io, struct error *err)
{
	if (ioeventfd_call(m, io, 0) == -1)
		return error_set(err, "KVM cannot watch %s 0x%llx: %s",
		    io->pio ? "port" : "address", (unsigned long long)io->addr,
		    strerror(errno));
	return 0;
}

void
ioeventfd_remove(struct machine *m, const struct ioeventfd *io)
{
	ioeventfd_call(m, io, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
