/*
 * kvm.h: what the files of this folder share; nobody else includes it.
 *
 *	machine.c	creation, run and stop, devices
 *	caps.c		what the host's KVM must be able to do
 *	vcpu.c		a vcpu's thread and its exits
 *	cpuid.c		which processor the guest sees
 *	vcpu_state.c	registers: entry, reset
 *	vcpu_save.c	registers: save, load
 *	msrs.c		the model-specific ones
 *	chips.c		PIC, IO-APIC, PIT, clock: reset, save, load
 *	rom.c		read-only memory
 *	irq.c		routes, irqfds, ioeventfds
 */
#ifndef BACKEND_VMM_KVM_H
#define BACKEND_VMM_KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#include "backend/vmm/irq.h"
#include "backend/vmm/machine.h"

/*
 * Four pages that Intel hosts need inside the guest's address space: above
 * the IO-APIC and local APIC, below any firmware at the top of 4 GiB.
 */
#define KVM_IDENTITY_ADDR 0xFEFFC000ULL
#define KVM_TSS_ADDR      0xFEFFD000ULL

#define MSRS_MAX 512

/* Model-specific registers with their values. */
struct msr_list {
	unsigned count;
	struct kvm_msr_entry entry[MSRS_MAX];
};

struct vcpu {
	struct machine *m;
	unsigned id; /* also its APIC id */
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool has_thread;
	_Atomic uint64_t exits;
	char why[96]; /* of its last request; read by whoever was told */
};

struct device {
	const struct device_ops *ops;
	void *dev;
};

struct irq_table;

struct machine {
	int kvm_fd, vm_fd;
	struct guestmem mem;
	struct {
		uint8_t *hva; /* NULL: none */
		uint64_t gpa, size;
	} rom;
	struct iobus *pio, *mmio;
	const struct machine_ops *ops;
	void *arg;
	unsigned cpus;
	struct vcpu *vcpu; /* cpus of them */
	uint16_t pin[MACHINE_MAX_CPUS]; /* as machine_config has them */
	unsigned pins;
	size_t run_size; /* of each vcpu's struct kvm_run */
	size_t xsave_size; /* 0: no XSAVE, only the x87 and SSE state */
	bool has_xcrs;
	struct msr_list *power_on; /* the first vcpu's, as it was created */
	struct irq_table *irq;
	struct device *device;
	unsigned devices;
	struct boot_entry entry;
	bool entry_set;

	pthread_mutex_t lock; /* guards all below; innermost of all locks */
	pthread_cond_t go; /* vcpus: running, ending or vm_made changed */
	pthread_cond_t idle; /* the main thread: all parked, or vcpus made */
	unsigned parked;
	_Atomic bool running;
	_Atomic bool frozen; /* machine_freeze() */
	bool ending;
	bool requested;
	bool vm_made;
	int vcpus_made; /* -1: failed, for the reason below */
	struct error vcpus_error;
};

/* caps.c */
int kvm_check(int kvm_fd, unsigned cpus, struct error *err);

/* cpuid.c: sets what vcpu id of cpus sees. host: see cpuid_host(). */
struct kvm_cpuid2 *cpuid_host(int kvm_fd, struct error *err);
/* What the guest was shown of its processor's abilities, to save and check. */
int cpuid_save(struct machine *m, struct state_writer *w, struct error *err);
int cpuid_load(struct machine *m, struct state_reader *r, struct error *err);
int cpuid_set(
    const struct vcpu *v, const struct kvm_cpuid2 *host, struct error *err);

/* vcpu.c; the thread is parked at first. vcpu_free() wants it ended. */
int vcpu_create(struct vcpu *v, struct error *err);
void vcpu_free(struct vcpu *v);
int vcpu_start_thread(struct vcpu *v, struct error *err);
/* Makes it leave the guest. The machine's lock is held. */
void vcpu_kick(struct vcpu *v);

/* machine.c: until the machine runs; false if the thread is to end. */
bool machine_park(struct machine *m);
/*
 * machine.c: makes all vcpus. On the first one's thread, before it takes its
 * confinement and parks, so that the main thread can make the VM and then the
 * devices meanwhile: half of what KVM needs until a guest runs is vcpus and
 * their CPUID.
 */
void machine_make_vcpus(struct machine *m);

/*
 * msrs.c: the registers that KVM says are worth saving, with no values yet;
 * reads those that can be read, the others drop out; writes them.
 */
int msrs_list(int kvm_fd, struct msr_list *list, struct error *err);
void msrs_get(const struct vcpu *v, struct msr_list *list);
void msrs_set(const struct vcpu *v, const struct msr_list *list);

/* vcpu_state.c and vcpu_save.c, on the main thread with vcpus parked. */
int vcpu_call(const struct vcpu *v, unsigned long request, void *arg,
    const char *what, struct error *err);
int vcpu_state_init(struct machine *m, struct error *err);
int vcpu_set_entry(
    struct vcpu *v, const struct boot_entry *entry, struct error *err);
int vcpu_reset(struct vcpu *v, struct error *err);
int vcpu_save(struct vcpu *v, struct state_writer *w, struct error *err);
int vcpu_load(struct vcpu *v, struct state_reader *r, struct error *err);

/* chips.c, likewise. */
int chips_create(struct machine *m, struct error *err);
int chips_reset(struct machine *m, struct error *err);
int chips_save(struct machine *m, struct state_writer *w, struct error *err);
int chips_load(struct machine *m, struct state_reader *r, struct error *err);

/* rom.c; after the VM is closed. */
void rom_free(struct machine *m);

/* irq.c: the default routes of the pins. */
int irq_create(struct machine *m, struct error *err);
void irq_destroy(struct machine *m);

#endif
