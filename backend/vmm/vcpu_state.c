#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"

#define MSR_MISC_ENABLE   0x1a0
#define MISC_FAST_STRINGS (1u << 0)
#define MISC_BTS_UNAVAIL  (1u << 11)
#define MISC_PEBS_UNAVAIL (1u << 12)
#define APIC_BASE_RESET   0xfee00800u
#define APIC_BASE_BSP     (1u << 8)
#define CR0_PE            (1u << 0)
#define CR0_ET            (1u << 4)
#define CR0_NE            (1u << 5)
#define CR0_RESET         0x60000010u
#define CR0_PG            (1u << 31)
#define CR4_PAE           (1u << 5)
#define EFER_LME_LMA      0x500u
#define MXCSR_RESET       0x1f80u
#define FCW_RESET         0x37fu
#define DR6_RESET         0xffff0ff0u
#define DR7_RESET         0x400u

static void
flat_segments(struct kvm_sregs *s, const struct boot_entry *entry)
{
	struct kvm_segment code = {.limit = 0xffffffff,
	    .selector = entry->code,
	    .type = 11,
	    .present = 1,
	    .s = 1,
	    .g = 1};
	struct kvm_segment data = {.limit = 0xffffffff,
	    .selector = entry->data,
	    .type = 3,
	    .present = 1,
	    .s = 1,
	    .db = 1,
	    .g = 1};

	code.l = entry->mode == BOOT_ENTRY_64;
	code.db = entry->mode == BOOT_ENTRY_32;
	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->gdt.base = entry->gdt;
	s->gdt.limit = entry->gdt != 0 ? entry->gdt_limit : 0;
	s->idt.base = 0;
	s->idt.limit = 0;
}

int
vcpu_set_entry(
    struct vcpu *v, const struct boot_entry *entry, struct error *err)
{
	struct kvm_sregs s;
	struct kvm_regs r = {.rip = entry->ip,
	    .rsp = entry->sp,
	    .rax = entry->ax,
	    .rbx = entry->bx,
	    .rsi = entry->si,
	    .rflags = 2};

	if (entry->mode == BOOT_ENTRY_REAL)
		return 0; /* as it is after creation and reset */
	if (vcpu_call(v, KVM_GET_SREGS, &s, "registers", err) == -1)
		return -1;
	flat_segments(&s, entry);
	s.cr0 = CR0_PE | CR0_ET | CR0_NE;
	s.cr4 = 0;
	s.efer = 0;
	if (entry->mode == BOOT_ENTRY_64) {
		s.cr3 = entry->cr3;
		s.cr4 = CR4_PAE;
		s.cr0 |= CR0_PG;
		s.efer = EFER_LME_LMA;
	}
	if (vcpu_call(v, KVM_SET_SREGS, &s, "entry segments", err) == -1)
		return -1;
	return vcpu_call(v, KVM_SET_REGS, &r, "entry registers", err);
}

/* x87, SSE and all extended state as after RESET (SDM vol. 3, 10.1.1). */
static int
fpu_reset(struct vcpu *v, struct error *err)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs = {{.value = 1}}};
	struct kvm_fpu fpu = {.fcw = FCW_RESET, .mxcsr = MXCSR_RESET};
	uint32_t *area;
	int rc;

	if (v->m->has_xcrs &&
	    vcpu_call(v, KVM_SET_XCRS, &xcrs, "XCR0", err) == -1)
		return -1;
	if (v->m->xsave_size == 0)
		return vcpu_call(v, KVM_SET_FPU, &fpu, "FPU", err);
	area = calloc(1, v->m->xsave_size);
	if (area == NULL)
		return error_set(err, "no memory for the FPU's state");
	/* FCW at byte 0, MXCSR at 24; XSTATE_BV at 512: x87 and SSE present */
	area[0] = FCW_RESET;
	area[6] = MXCSR_RESET;
	area[128] = 3;
	rc = vcpu_call(v, KVM_SET_XSAVE, area, "extended state", err);
	free(area);
	return rc;
}

static void
put_lapic(struct kvm_lapic_state *l, unsigned reg, uint32_t value)
{
	memcpy(l->regs + reg, &value, sizeof value);
}

/*
 * The local APIC after RESET (SDM vol. 3, 11.4.7.1), with the PC's wiring of
 * the first one: PICs on LINT0, NMI on LINT1.
 */
static int
lapic_reset(struct vcpu *v, struct error *err)
{
	struct kvm_lapic_state l;
	uint32_t version;
	unsigned reg;

	if (vcpu_call(v, KVM_GET_LAPIC, &l, "local APIC", err) == -1)
		return -1;
	memcpy(&version, l.regs + 0x30, sizeof version);
	memset(&l, 0, sizeof l);
	put_lapic(&l, 0x20, v->id << 24);
	put_lapic(&l, 0x30, version);
	put_lapic(&l, 0xe0, 0xffffffff); /* destination format */
	put_lapic(&l, 0xf0, 0xff); /* spurious vector, disabled */
	for (reg = 0x2f0; reg <= 0x370; reg += 0x10)
		if (reg != 0x300 && reg != 0x310)
			put_lapic(&l, reg, 1u << 16);
	if (v->id == 0) {
		put_lapic(&l, 0x350, 0x700);
		put_lapic(&l, 0x360, 0x400);
	}
	return vcpu_call(v, KVM_SET_LAPIC, &l, "local APIC", err);
}

int
vcpu_state_init(struct machine *m, struct error *err)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} misc = {.head.nmsrs = 1,
	    .entry = {.index = MSR_MISC_ENABLE,
		.data =
		    MISC_FAST_STRINGS | MISC_BTS_UNAVAIL | MISC_PEBS_UNAVAIL}};
	unsigned i;
	int size;

	m->has_xcrs = ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XCRS) > 0;
	if (ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE) > 0) {
		size = ioctl(m->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
		m->xsave_size = sizeof(struct kvm_xsave);
		if (size > (int)m->xsave_size)
			m->xsave_size = (size_t)size;
	}
	/* A processor without this register (not Intel's) refuses it. */
	for (i = 0; i < m->cpus; i++)
		if (ioctl(m->vcpu[i].fd, KVM_SET_MSRS, &misc) == -1)
			return error_set(err, "KVM: MISC_ENABLE of cpu %u: %s",
			    i, strerror(errno));
	m->power_on = calloc(1, sizeof *m->power_on);
	if (m->power_on == NULL)
		return error_set(err, "no memory for the cpus' registers");
	if (msrs_list(m->kvm_fd, m->power_on, err) == -1)
		return -1;
	msrs_get(&m->vcpu[0], m->power_on);
	/* KVM makes them all as RESET does, but for the first one's wiring. */
	return lapic_reset(&m->vcpu[0], err);
}

static void
real_segment(struct kvm_segment *s, uint8_t type)
{
	memset(s, 0, sizeof *s);
	s->limit = 0xffff;
	s->type = type;
	s->present = 1;
	s->s = 1;
}

/* SDM vol. 3, table 10-1. */
static int
registers_reset(struct vcpu *v, struct error *err)
{
	struct kvm_sregs s;
	struct kvm_regs r = {.rip = 0xfff0, .rflags = 2};
	struct kvm_debugregs d = {.dr6 = DR6_RESET, .dr7 = DR7_RESET};

	memset(&s, 0, sizeof s);
	real_segment(&s.cs, 11);
	s.cs.selector = 0xf000;
	s.cs.base = 0xffff0000;
	real_segment(&s.ds, 3);
	s.es = s.fs = s.gs = s.ss = s.ds;
	real_segment(&s.ldt, 2);
	s.ldt.s = 0;
	real_segment(&s.tr, 11);
	s.tr.s = 0;
	s.gdt.limit = s.idt.limit = 0xffff;
	s.cr0 = CR0_RESET;
	s.apic_base = APIC_BASE_RESET | (v->id == 0 ? APIC_BASE_BSP : 0);
	if (vcpu_call(v, KVM_SET_SREGS, &s, "segments", err) == -1 ||
	    vcpu_call(v, KVM_SET_REGS, &r, "registers", err) == -1)
		return -1;
	return vcpu_call(v, KVM_SET_DEBUGREGS, &d, "debug registers", err);
}

int
vcpu_reset(struct vcpu *v, struct error *err)
{
	struct kvm_vcpu_events events = {
	    .flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
		KVM_VCPUEVENT_VALID_SIPI_VECTOR | KVM_VCPUEVENT_VALID_SHADOW};
	struct kvm_mp_state mp = {.mp_state = v->id == 0
		? KVM_MP_STATE_RUNNABLE
		: KVM_MP_STATE_UNINITIALIZED};

	if (registers_reset(v, err) == -1 || lapic_reset(v, err) == -1)
		return -1;
	msrs_set(v, v->m->power_on);
	if (fpu_reset(v, err) == -1 ||
	    vcpu_call(v, KVM_SET_VCPU_EVENTS, &events, "events", err) == -1)
		return -1;
	return vcpu_call(v, KVM_SET_MP_STATE, &mp, "run state", err);
}
