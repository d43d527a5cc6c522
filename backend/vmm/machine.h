/*
 * machine.h: one guest's machine on KVM: memory, vcpus, buses, devices.
 *
 * Only this folder knows KVM's ioctls. A guest process has one machine. The
 * main thread creates it, adds devices, sets the boot entry and runs it; vcpu
 * threads execute the guest and call the devices' handlers.
 *
 *	            machine_run()                machine_stop()
 *	 created ────────────────▶ running ◀───────────────────▶ stopped
 *	                              │ a device or a vcpu asks (machine_request)
 *	                              ▼
 *	            every vcpu parks itself; request() is called once, on the
 *	            thread that asked; the main thread then resets or ends it
 *
 * Lock order in a guest process, outermost first: a device's own lock, the
 * PCI bus's, the iobus's, the irq routing table's, the machine's.
 */
#ifndef BACKEND_VMM_MACHINE_H
#define BACKEND_VMM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/vmm/guestmem.h"
#include "backend/vmm/iobus.h"
#include "backend/vmm/state.h"
#include "config/error.h"

#define MACHINE_MAX_CPUS 64

enum machine_request {
	MACHINE_RESET, /* i8042, port 0x92, 0xCF9, ACPI reset register */
	MACHINE_POWEROFF, /* ACPI S5 */
	MACHINE_CRASH, /* triple fault, KVM internal error, … */
};

struct machine_ops {
	/*
	 * The guest asked to be reset or ended; why is a short phrase
	 * ("triple fault"). Called on the thread that asked, at most once
	 * until the next machine_run(), with no lock held. It may only pass
	 * the word on to the main thread.
	 */
	void (*request)(enum machine_request what, const char *why, void *arg);
};

struct machine_config {
	uint64_t memory; /* bytes */
	unsigned cpus; /* 1 to MACHINE_MAX_CPUS */
	/*
	 * vcpu n runs on the host's CPU pin[n % pins] only; with 0 pins
	 * anywhere. Not used after machine_create().
	 */
	const uint16_t *pin;
	unsigned pins; /* at most MACHINE_MAX_CPUS */
	bool hugepages;
	int kvm_fd; /* an open /dev/kvm; the machine takes it over */
	const struct machine_ops *ops;
	void *arg;
};

/*
 * Where the first vcpu starts. The others wait for INIT and SIPI. Boot loaders
 * fill it; machine_run() after a creation or a reset applies it.
 */
struct boot_entry {
	enum {
		BOOT_ENTRY_REAL, /* cs:ip at reset, as a PC wakes */
		BOOT_ENTRY_32, /* flat 32-bit protected mode, no paging */
		BOOT_ENTRY_64, /* long mode, paging on */
	} mode;
	uint64_t ip, sp;
	uint64_t ax, bx, si; /* registers that boot protocols use */
	uint64_t cr3; /* BOOT_ENTRY_64 */
	uint64_t gdt; /* gpa of a table, 0 for none */
	uint16_t gdt_limit;
	uint16_t code, data; /* selectors in it */
};

/*
 * What a device that is not on PCI, or a whole bus, does for its machine. Save
 * and load are called inside the device's section, which the machine opens and
 * closes; load returns -1 for values that the device does not allow.
 */
struct device_ops {
	const char *name; /* also the name of its section in a saved state */
	void (*reset)(void *dev);
	void (*save)(void *dev, struct state_writer *w);
	int (*load)(void *dev, struct state_reader *r, struct error *err);
	void (*destroy)(void *dev);
};

struct machine;

/*
 * Makes the VM with its RAM, in-kernel APICs, PIC and PIT. Its vcpus and their
 * threads are made meanwhile, and may not be there when it returns: until
 * machine_finish() only devices may be added, memory loaded and the entry set.
 * Fails with a sentence that names what is missing and what to do. Main thread.
 */
int machine_create(
    struct machine **m, const struct machine_config *config, struct error *err);
/*
 * Waits until all vcpus are there, parked. Before the first run or load. After
 * a failure the machine can only be destroyed. Main thread.
 */
int machine_finish(struct machine *m, struct error *err);
/* Ends the vcpu threads, destroys the devices in reverse order, frees all. */
void machine_destroy(struct machine *m);

struct guestmem *machine_mem(struct machine *m);
struct iobus *machine_pio(struct machine *m);
struct iobus *machine_mmio(struct machine *m);
unsigned machine_cpus(const struct machine *m);

/*
 * Memory that the guest can only read, for firmware: size bytes at gpa, both
 * multiples of a page, outside RAM; one a machine. *hva is where the caller
 * fills it in; the machine's. Main thread, before the machine runs.
 */
int machine_add_rom(struct machine *m, uint64_t gpa, uint64_t size,
    uint8_t **hva, struct error *err);
/* The same memory, or NULL if there is none. */
const uint8_t *machine_rom(const struct machine *m, uint64_t *size);

/* The machine owns dev from here on, also when this fails (no memory). */
int machine_add_device(struct machine *m, const struct device_ops *ops,
    void *dev, struct error *err);

void machine_set_entry(struct machine *m, const struct boot_entry *entry);

/* Main thread: starts or continues all vcpus. */
void machine_run(struct machine *m);
/*
 * Main thread: returns when every vcpu has left the guest and is parked. No
 * handler runs then.
 */
void machine_stop(struct machine *m);
/*
 * Main thread, stopped: power-on state of vcpus, interrupt controllers, timer
 * and all devices. RAM keeps its contents; the caller loads the boot image
 * again, sets the entry and runs.
 */
int machine_reset(struct machine *m, struct error *err);

/* Any thread, also from within a handler: see struct machine_ops. */
void machine_request(
    struct machine *m, enum machine_request what, const char *why);

/*
 * Main thread, stopped: with freeze, no device touches RAM any more from here
 * on (those that work on their own ask machine_frozen(), with their lock held,
 * before they look for work), until it is taken back.
 */
void machine_freeze(struct machine *m, bool freeze);
/* Any thread. NULL: a device without a machine, which is not. */
bool machine_frozen(const struct machine *m);

/*
 * Stopped: writes vcpus, interrupt controllers, timer, clock and every device
 * (RAM is the caller's) / puts them back into a machine of the same shape.
 */
int machine_save(struct machine *m, struct state_writer *w, struct error *err);
int machine_load(struct machine *m, struct state_reader *r, struct error *err);

/* Exits to user space since creation, all vcpus. Any thread. */
uint64_t machine_exits(const struct machine *m);

/*
 * Vcpu threads that wait for the host (a full console) do it here: returns
 * true when fd-less waiting should end because the machine is being stopped.
 * See serial.c for the pattern.
 */
bool machine_stopping(const struct machine *m);

#endif
