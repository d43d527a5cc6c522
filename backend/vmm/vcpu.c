#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/vmm/kvm.h"
#include "config/log.h"
#include "config/thread.h"

/*
 * Leaving the guest:
 *
 *	machine_stop()                        vcpu thread
 *	 immediate_exit = 1                    KVM_RUN ... interrupted
 *	 signal ─────────────────────────────▶ EINTR: park
 *
 * With immediate_exit set KVM_RUN still finishes what the last exit began (a
 * read's value gets into its register), then returns EINTR. So the thread just
 * goes on calling it until it says EINTR, and a parked vcpu never has an
 * access half done. machine_run() clears immediate_exit while all are parked.
 */
#define KICK_SIGNAL SIGUSR1
#define STACK_SIZE  (256 << 10)

static void
on_kick(int sig)
{
	(void)sig; /* that it came has interrupted KVM_RUN */
}

int
vcpu_create(struct vcpu *v, struct error *err)
{
	void *run;

	v->fd = ioctl(v->m->vm_fd, KVM_CREATE_VCPU, (unsigned long)v->id);
	if (v->fd == -1)
		return error_set(err, "KVM cannot create cpu %u: %s", v->id,
		    strerror(errno));
	run = mmap(
	    NULL, v->m->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED)
		return error_set(err, "cannot map the state of cpu %u: %s",
		    v->id, strerror(errno));
	v->run = run;
	return 0;
}

void
vcpu_free(struct vcpu *v)
{
	if (v->run != NULL)
		munmap(v->run, v->m->run_size);
	if (v->fd != -1)
		close(v->fd);
	v->run = NULL;
	v->fd = -1;
}

void
vcpu_kick(struct vcpu *v)
{
	if (v->run != NULL)
		__atomic_store_n(&v->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (v->has_thread && !pthread_equal(v->thread, pthread_self()))
		pthread_kill(v->thread, KICK_SIGNAL);
}

/* Ends the guest with a phrase made for this vcpu. */
static void __attribute__((format(printf, 2, 3)))
crash(struct vcpu *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->why, sizeof v->why, fmt, ap);
	va_end(ap);
	machine_request(v->m, MACHINE_CRASH, v->why);
}

static void
log_registers(struct vcpu *v)
{
	struct kvm_regs r;
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_REGS, &r) == -1 ||
	    ioctl(v->fd, KVM_GET_SREGS, &s) == -1)
		return;
	log_warn("cpu %u: cs:rip %04x:%016llx flags %llx cr0 %llx cr2 %llx "
		 "cr3 %llx cr4 %llx efer %llx",
	    v->id, s.cs.selector, r.rip, r.rflags, s.cr0, s.cr2, s.cr3, s.cr4,
	    s.efer);
	log_warn("cpu %u: ax %llx bx %llx cx %llx dx %llx si %llx di %llx "
		 "bp %llx sp %llx r8 %llx r9 %llx r10 %llx r11 %llx r12 %llx "
		 "r13 %llx r14 %llx r15 %llx",
	    v->id, r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8,
	    r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15);
}

/* A string of count accesses, or one. */
static void
exit_io(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *p = (uint8_t *)run + run->io.data_offset;
	unsigned size = run->io.size;
	uint64_t value;
	uint32_t i;

	for (i = 0; i < run->io.count; i++, p += size) {
		if (run->io.direction == KVM_EXIT_IO_IN) {
			value =
			    htole64(iobus_read(v->m->pio, run->io.port, size));
			memcpy(p, &value, size);
		} else {
			value = 0;
			memcpy(&value, p, size);
			iobus_write(
			    v->m->pio, run->io.port, size, le64toh(value));
		}
	}
}

/* An access that crosses a page comes in pieces of any length up to 8. */
static void
exit_mmio(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	unsigned len = run->mmio.len, at, size;
	uint64_t value;

	if (len > sizeof run->mmio.data)
		len = sizeof run->mmio.data;
	for (at = 0; at < len; at += size) {
		for (size = 8; size > len - at; size /= 2)
			continue;
		if (run->mmio.is_write) {
			value = 0;
			memcpy(&value, run->mmio.data + at, size);
			iobus_write(v->m->mmio, run->mmio.phys_addr + at, size,
			    le64toh(value));
		} else {
			value = htole64(iobus_read(
			    v->m->mmio, run->mmio.phys_addr + at, size));
			memcpy(run->mmio.data + at, &value, size);
		}
	}
}

/* " 0f 0b", as far as KVM says what it could not emulate. */
static void
instruction_bytes(const struct kvm_run *run, char *buf, size_t len)
{
	unsigned i, n = run->emulation_failure.insn_size;

	buf[0] = '\0';
	if (run->internal.ndata < 1 ||
	    (run->emulation_failure.flags &
		KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) == 0)
		return;
	for (i = 0; i < n && i < 15; i++)
		snprintf(buf + 3 * (size_t)i, len - 3 * (size_t)i, " %02x",
		    run->emulation_failure.insn_bytes[i]);
}

static void
exit_internal_error(struct vcpu *v)
{
	char bytes[3 * 15 + 1];

	log_registers(v);
	if (v->run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION) {
		crash(v, "KVM internal error %u (its log has the registers)",
		    v->run->internal.suberror);
		return;
	}
	instruction_bytes(v->run, bytes, sizeof bytes);
	crash(v,
	    "KVM internal error: it cannot emulate the guest's instruction%s "
	    "(its log has the registers)",
	    bytes);
}

static void
exit_system_event(struct vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		machine_request(v->m, MACHINE_POWEROFF, "power-off by KVM");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		machine_request(v->m, MACHINE_RESET, "reset by KVM");
		break;
	default:
		crash(v, "KVM system event %u", v->run->system_event.type);
	}
}

static void
handle_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_IO:
		exit_io(v);
		break;
	case KVM_EXIT_MMIO:
		exit_mmio(v);
		break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVM_EXIT_SHUTDOWN:
		log_registers(v);
		crash(v, "triple fault");
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		exit_system_event(v);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		exit_internal_error(v);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		log_registers(v);
		crash(v, "the processor refused the guest's state (0x%llx)",
		    v->run->fail_entry.hardware_entry_failure_reason);
		break;
	default:
		log_registers(v);
		crash(v, "KVM exit %u, which this machine does not know",
		    v->run->exit_reason);
	}
}

static void
run_failed(struct vcpu *v, int error)
{
	log_warn("cpu %u: KVM_RUN: %s", v->id, strerror(error));
	log_registers(v);
	/* A page of the guest's RAM that the host could not provide. */
	if (error == EFAULT || error == ENOMEM)
		crash(v, "the host has no memory left for the guest");
	else
		crash(v, "KVM cannot run the guest: %s", strerror(error));
}

/* Runs the guest until the machine is stopped. */
static void
execute(struct vcpu *v)
{
	for (;;) {
		if (ioctl(v->fd, KVM_RUN, 0) == 0) {
			atomic_fetch_add_explicit(
			    &v->exits, 1, memory_order_relaxed);
			handle_exit(v);
			continue;
		}
		if (errno == EINTR && machine_stopping(v->m))
			return;
		if (errno == EINTR || errno == EAGAIN)
			continue;
		run_failed(v, errno);
		return;
	}
}

static void *
vcpu_main(void *arg)
{
	struct vcpu *v = arg;
	char name[16];

	snprintf(name, sizeof name, "vcpu%u", v->id);
	if (v->id == 0)
		machine_make_vcpus(v->m);
	thread_begin(THREAD_VCPU, name);
	while (machine_park(v->m))
		execute(v);
	return NULL;
}

/* The thread begins on the host's CPU that the vcpu is pinned to, if any. */
static int
pin(const struct vcpu *v, pthread_attr_t *attr)
{
	const struct machine *m = v->m;
	cpu_set_t set;

	if (m->pins == 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(m->pin[v->id % m->pins], &set);
	return pthread_attr_setaffinity_np(attr, sizeof set, &set);
}

/* A vcpu thread takes its kick and leaves every other signal to main. */
static int
start_masked(struct vcpu *v)
{
	struct sigaction sa = {.sa_handler = on_kick, .sa_flags = SA_RESTART};
	sigset_t mask, old;
	pthread_attr_t attr;
	int rc;

	sigaction(KICK_SIGNAL, &sa, NULL);
	sigfillset(&mask);
	sigdelset(&mask, KICK_SIGNAL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &mask, &old);
	rc = pin(v, &attr);
	if (rc == 0)
		rc = pthread_create(&v->thread, &attr, vcpu_main, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return rc;
}

int
vcpu_start_thread(struct vcpu *v, struct error *err)
{
	int rc = start_masked(v);

	if (rc != 0)
		return error_set(err, "cannot start a thread for cpu %u: %s",
		    v->id, strerror(rc));
	v->has_thread = true;
	return 0;
}
