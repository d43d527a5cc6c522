#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backend/vmm/kvm.h"
#include "config/log.h"

#define VERSION 1

static int
no_vm(struct error *err)
{
	if (errno == ENOMEM)
		return error_set(err,
		    "the host has no memory left for another guest; stop one "
		    "or give it less");
	if (errno == EBUSY)
		return error_set(err,
		    "another program holds the processor's virtualisation "
		    "(VMware or VirtualBox, it may be); end it and try again");
	return error_set(err, "KVM cannot make a guest: %s", strerror(errno));
}

/* Gives KVM the RAM. Before there are vcpus: it is quick then. */
static int
add_memory(struct machine *m, struct error *err)
{
	struct kvm_userspace_memory_region slot;
	const struct guestmem_region *r;
	unsigned i;

	for (i = 0; i < m->mem.regions; i++) {
		r = &m->mem.region[i];
		memset(&slot, 0, sizeof slot);
		slot.slot = i;
		slot.guest_phys_addr = r->gpa;
		slot.memory_size = r->size;
		slot.userspace_addr = (uintptr_t)r->hva;
		if (ioctl(m->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) == -1)
			return error_set(err,
			    "KVM cannot take the guest's memory: %s",
			    strerror(errno));
	}
	return 0;
}

static int
create_vm(struct machine *m, struct error *err)
{
	uint64_t identity = KVM_IDENTITY_ADDR;
	int size;

	do
		m->vm_fd = ioctl(m->kvm_fd, KVM_CREATE_VM, 0UL);
	while (m->vm_fd == -1 && errno == EINTR);
	if (m->vm_fd == -1)
		return no_vm(err);
	if (ioctl(m->vm_fd, KVM_SET_TSS_ADDR, KVM_TSS_ADDR) == -1 ||
	    ioctl(m->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) == -1)
		return error_set(err,
		    "KVM does not accept the machine's layout: %s",
		    strerror(errno));
	if (add_memory(m, err) == -1 || chips_create(m, err) == -1 ||
	    irq_create(m, err) == -1)
		return -1;
	size = ioctl(m->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return error_set(err, "KVM does not say how large a cpu is");
	m->run_size = (size_t)size;
	return 0;
}

/* The first one's thread is the caller. */
static int
create_vcpus(
    struct machine *m, const struct kvm_cpuid2 *host, struct error *err)
{
	unsigned i;

	for (i = 0; i < m->cpus; i++)
		if (vcpu_create(&m->vcpu[i], err) == -1 ||
		    cpuid_set(&m->vcpu[i], host, err) == -1)
			return -1;
	if (vcpu_state_init(m, err) == -1)
		return -1;
	for (i = 1; i < m->cpus; i++)
		if (vcpu_start_thread(&m->vcpu[i], err) == -1)
			return -1;
	return 0;
}

/* Tells the first vcpu's thread that there is a VM to make vcpus in. */
static void
offer_vm(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->vm_made = true;
	pthread_cond_broadcast(&m->go);
	pthread_mutex_unlock(&m->lock);
}

static bool
wait_for_vm(struct machine *m)
{
	bool made;

	pthread_mutex_lock(&m->lock);
	while (!m->vm_made && !m->ending)
		pthread_cond_wait(&m->go, &m->lock);
	made = !m->ending;
	pthread_mutex_unlock(&m->lock);
	return made;
}

void
machine_make_vcpus(struct machine *m)
{
	struct error err = {""};
	struct kvm_cpuid2 *host = cpuid_host(m->kvm_fd, &err);
	bool made =
	    host != NULL && wait_for_vm(m) && create_vcpus(m, host, &err) == 0;

	free(host);
	pthread_mutex_lock(&m->lock);
	m->vcpus_made = made ? 1 : -1;
	m->vcpus_error = err;
	pthread_cond_signal(&m->idle);
	pthread_mutex_unlock(&m->lock);
}

int
machine_finish(struct machine *m, struct error *err)
{
	int made;

	pthread_mutex_lock(&m->lock);
	while (m->vcpus_made == 0)
		pthread_cond_wait(&m->idle, &m->lock);
	made = m->vcpus_made;
	*err = m->vcpus_error;
	pthread_mutex_unlock(&m->lock);
	return made == 1 ? 0 : -1;
}

static struct machine *
machine_new(const struct machine_config *config)
{
	struct machine *m = calloc(1, sizeof *m);
	unsigned i;

	if (m == NULL)
		return NULL;
	m->kvm_fd = config->kvm_fd;
	m->vm_fd = -1;
	m->mem.fd = -1;
	m->ops = config->ops;
	m->arg = config->arg;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->go, NULL);
	pthread_cond_init(&m->idle, NULL);
	if (config->cpus >= 1 && config->cpus <= MACHINE_MAX_CPUS) {
		m->vcpu = calloc(config->cpus, sizeof *m->vcpu);
		m->cpus = m->vcpu != NULL ? config->cpus : 0;
	}
	for (i = 0; i < config->pins && i < MACHINE_MAX_CPUS; i++)
		m->pin[i] = config->pin[i];
	m->pins = i;
	for (i = 0; i < m->cpus; i++) {
		m->vcpu[i].m = m;
		m->vcpu[i].id = i;
		m->vcpu[i].fd = -1;
	}
	m->pio = iobus_new("port");
	m->mmio = iobus_new("memory");
	return m;
}

int
machine_create(
    struct machine **mp, const struct machine_config *config, struct error *err)
{
	struct machine *m = machine_new(config);

	*mp = NULL;
	if (m == NULL) {
		close(config->kvm_fd);
		return error_set(err, "no memory for the machine");
	}
	if (kvm_check(config->kvm_fd, config->cpus, err) == -1)
		goto fail;
	if (m->vcpu == NULL || m->pio == NULL || m->mmio == NULL) {
		error_set(err, "no memory for the machine");
		goto fail;
	}
	if (vcpu_start_thread(&m->vcpu[0], err) == -1 ||
	    guestmem_create(&m->mem, config->memory, config->hugepages, err) ==
		-1 ||
	    create_vm(m, err) == -1)
		goto fail;
	offer_vm(m);
	*mp = m;
	return 0;
fail:
	machine_destroy(m);
	return -1;
}

/* Ends the vcpu threads. */
static void
join_vcpus(struct machine *m)
{
	struct error err;
	unsigned i;

	if (m->cpus == 0 || !m->vcpu[0].has_thread)
		return;
	pthread_mutex_lock(&m->lock);
	m->ending = true;
	pthread_cond_broadcast(&m->go);
	pthread_mutex_unlock(&m->lock);
	machine_finish(m, &err);
	pthread_mutex_lock(&m->lock);
	atomic_store(&m->running, false);
	for (i = 0; i < m->cpus; i++)
		if (m->vcpu[i].has_thread)
			vcpu_kick(&m->vcpu[i]);
	pthread_mutex_unlock(&m->lock);
	for (i = 0; i < m->cpus; i++)
		if (m->vcpu[i].has_thread)
			pthread_join(m->vcpu[i].thread, NULL);
}

void
machine_destroy(struct machine *m)
{
	unsigned i;

	if (m == NULL)
		return;
	join_vcpus(m);
	while (m->devices > 0) {
		m->devices--;
		m->device[m->devices].ops->destroy(m->device[m->devices].dev);
	}
	for (i = 0; i < m->cpus; i++)
		vcpu_free(&m->vcpu[i]);
	irq_destroy(m);
	if (m->vm_fd != -1)
		close(m->vm_fd);
	close(m->kvm_fd);
	guestmem_destroy(&m->mem);
	rom_free(m);
	iobus_free(m->pio);
	iobus_free(m->mmio);
	pthread_cond_destroy(&m->idle);
	pthread_cond_destroy(&m->go);
	pthread_mutex_destroy(&m->lock);
	free(m->device);
	free(m->power_on);
	free(m->vcpu);
	free(m);
}

struct guestmem *
machine_mem(struct machine *m)
{
	return &m->mem;
}

struct iobus *
machine_pio(struct machine *m)
{
	return m->pio;
}

struct iobus *
machine_mmio(struct machine *m)
{
	return m->mmio;
}

unsigned
machine_cpus(const struct machine *m)
{
	return m->cpus;
}

int
machine_add_device(struct machine *m, const struct device_ops *ops, void *dev,
    struct error *err)
{
	const char *name = ops->name; /* which may go with the device */
	struct device *device;

	device = realloc(m->device, (m->devices + 1) * sizeof *device);
	if (device == NULL) {
		ops->destroy(dev);
		return error_set(err, "no memory for %s", name);
	}
	m->device = device;
	m->device[m->devices].ops = ops;
	m->device[m->devices].dev = dev;
	m->devices++;
	return 0;
}

void
machine_set_entry(struct machine *m, const struct boot_entry *entry)
{
	m->entry = *entry;
	m->entry_set = true;
}

bool
machine_park(struct machine *m)
{
	bool run;

	pthread_mutex_lock(&m->lock);
	if (++m->parked == m->cpus)
		pthread_cond_signal(&m->idle);
	while (!atomic_load(&m->running) && !m->ending)
		pthread_cond_wait(&m->go, &m->lock);
	m->parked--;
	run = !m->ending;
	pthread_mutex_unlock(&m->lock);
	return run;
}

void
machine_run(struct machine *m)
{
	struct error err;
	unsigned i;

	if (atomic_load(&m->running))
		return;
	if (m->entry_set &&
	    vcpu_set_entry(&m->vcpu[0], &m->entry, &err) == -1) {
		log_warn("%s", err.text);
		machine_request(
		    m, MACHINE_CRASH, "KVM refuses the kernel's entry");
		return;
	}
	m->entry_set = false;
	pthread_mutex_lock(&m->lock);
	for (i = 0; i < m->cpus; i++)
		__atomic_store_n(
		    &m->vcpu[i].run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	m->requested = false;
	atomic_store(&m->running, true);
	pthread_cond_broadcast(&m->go);
	pthread_mutex_unlock(&m->lock);
}

/* Tells every vcpu to park. The lock is held. */
static void
halt(struct machine *m)
{
	unsigned i;

	atomic_store(&m->running, false);
	for (i = 0; i < m->cpus; i++)
		vcpu_kick(&m->vcpu[i]);
}

void
machine_stop(struct machine *m)
{
	struct error err;

	if (machine_finish(m, &err) == -1)
		return; /* no vcpu to wait for */
	pthread_mutex_lock(&m->lock);
	halt(m);
	while (m->parked < m->cpus)
		pthread_cond_wait(&m->idle, &m->lock);
	pthread_mutex_unlock(&m->lock);
}

void
machine_request(struct machine *m, enum machine_request what, const char *why)
{
	bool first;

	pthread_mutex_lock(&m->lock);
	first = !m->requested;
	m->requested = true;
	if (first)
		halt(m);
	pthread_mutex_unlock(&m->lock);
	if (first && m->ops != NULL)
		m->ops->request(what, why, m->arg);
}

int
machine_reset(struct machine *m, struct error *err)
{
	unsigned i;

	for (i = 0; i < m->cpus; i++)
		if (vcpu_reset(&m->vcpu[i], err) == -1)
			return -1;
	if (chips_reset(m, err) == -1)
		return -1;
	for (i = 0; i < m->devices; i++)
		m->device[i].ops->reset(m->device[i].dev);
	m->entry_set = false;
	return 0;
}

int
machine_save(struct machine *m, struct state_writer *w, struct error *err)
{
	unsigned i;

	state_begin(w, "machine", VERSION);
	state_put_u32(w, m->cpus);
	state_put_u64(w, m->mem.size);
	state_end(w);
	if (cpuid_save(m, w, err) == -1)
		return -1;
	for (i = 0; i < m->cpus; i++)
		if (vcpu_save(&m->vcpu[i], w, err) == -1)
			return -1;
	if (chips_save(m, w, err) == -1)
		return -1;
	for (i = 0; i < m->devices; i++) {
		state_begin(w, m->device[i].ops->name, VERSION);
		m->device[i].ops->save(m->device[i].dev, w);
		state_end(w);
	}
	if (w->data == NULL)
		return error_set(err, "no memory for the machine's state");
	return 0;
}

static int
load_device(struct device *d, struct state_reader *r, struct error *err)
{
	if (state_open(r, d->ops->name) != VERSION)
		r->bad = true;
	if (d->ops->load(d->dev, r, err) == -1)
		return -1;
	return state_close(r, d->ops->name, err);
}

int
machine_load(struct machine *m, struct state_reader *r, struct error *err)
{
	uint64_t memory;
	uint32_t cpus;
	unsigned i;

	if (state_open(r, "machine") != VERSION)
		r->bad = true;
	cpus = state_get_u32(r);
	memory = state_get_u64(r);
	if (state_close(r, "the machine", err) == -1)
		return -1;
	if (cpus != m->cpus || memory != m->mem.size)
		return error_set(err,
		    "the saved guest had %u cpus and %llu bytes of memory, "
		    "this one has %u and %llu; define it as it was",
		    cpus, (unsigned long long)memory, m->cpus,
		    (unsigned long long)m->mem.size);
	if (cpuid_load(m, r, err) == -1)
		return -1;
	for (i = 0; i < m->cpus; i++)
		if (vcpu_load(&m->vcpu[i], r, err) == -1)
			return -1;
	if (chips_load(m, r, err) == -1)
		return -1;
	for (i = 0; i < m->devices; i++)
		if (load_device(&m->device[i], r, err) == -1)
			return -1;
	/* It goes on where it was, not where a kernel would begin. */
	m->entry_set = false;
	return 0;
}

void
machine_freeze(struct machine *m, bool freeze)
{
	atomic_store(&m->frozen, freeze);
}

bool
machine_frozen(const struct machine *m)
{
	return m != NULL && atomic_load(&m->frozen);
}

uint64_t
machine_exits(const struct machine *m)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < m->cpus; i++)
		sum += atomic_load_explicit(
		    &m->vcpu[i].exits, memory_order_relaxed);
	return sum;
}

bool
machine_stopping(const struct machine *m)
{
	return !atomic_load(&m->running);
}
