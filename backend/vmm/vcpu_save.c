#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"

/*
 * A vcpu's section is KVM's own structures, byte for byte, in the order in
 * which they can be put back: the APIC needs its base (SREGS), the deadline
 * timer (an MSR) needs the APIC, XSAVE needs XCR0, and events come last.
 *
 *	sregs | lapic | msr count 4, (index 4, value 8)... | xcrs |
 *	xsave length 4, bytes | regs | debugregs | mp_state | events
 *
 * KVM checks what it is given; this file only checks lengths.
 */
#define VERSION 1

int
vcpu_call(const struct vcpu *v, unsigned long request, void *arg,
    const char *what, struct error *err)
{
	if (ioctl(v->fd, request, arg) == -1)
		return error_set(
		    err, "KVM: %s of cpu %u: %s", what, v->id, strerror(errno));
	return 0;
}

static int
put(struct vcpu *v, struct state_writer *w, unsigned long request, void *buf,
    size_t len, const char *what, struct error *err)
{
	memset(buf, 0, len);
	if (vcpu_call(v, request, buf, what, err) == -1)
		return -1;
	state_put_bytes(w, buf, len);
	return 0;
}

static int
put_msrs(struct vcpu *v, struct state_writer *w, struct error *err)
{
	struct msr_list *list;
	unsigned i;

	list = malloc(sizeof *list);
	if (list == NULL)
		return error_set(err, "no memory for a cpu's registers");
	if (msrs_list(v->m->kvm_fd, list, err) == -1) {
		free(list);
		return -1;
	}
	msrs_get(v, list);
	state_put_u32(w, list->count);
	for (i = 0; i < list->count; i++) {
		state_put_u32(w, list->entry[i].index);
		state_put_u64(w, list->entry[i].data);
	}
	free(list);
	return 0;
}

static int
put_fpu(struct vcpu *v, struct state_writer *w, struct error *err)
{
	struct kvm_xcrs xcrs;
	struct kvm_fpu fpu;
	size_t len = v->m->xsave_size;
	unsigned long get;
	void *area;
	int rc;

	if (v->m->has_xcrs &&
	    put(v, w, KVM_GET_XCRS, &xcrs, sizeof xcrs, "XCR0", err) == -1)
		return -1;
	state_put_u32(w, (uint32_t)len);
	if (len == 0)
		return put(v, w, KVM_GET_FPU, &fpu, sizeof fpu, "FPU", err);
	area = malloc(len);
	if (area == NULL)
		return error_set(err, "no memory for the FPU's state");
	get = len > sizeof(struct kvm_xsave) ? KVM_GET_XSAVE2 : KVM_GET_XSAVE;
	rc = put(v, w, get, area, len, "extended state", err);
	free(area);
	return rc;
}

/* The structures are KVM's; the union is room for one at a time. */
union part {
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_regs regs;
	struct kvm_debugregs debug;
	struct kvm_vcpu_events events;
};

int
vcpu_save(struct vcpu *v, struct state_writer *w, struct error *err)
{
	struct kvm_mp_state mp;
	union part p;
	char name[16];

	/* First: it makes pending INITs and SIPIs take effect. */
	if (vcpu_call(v, KVM_GET_MP_STATE, &mp, "run state", err) == -1)
		return -1;
	snprintf(name, sizeof name, "cpu%u", v->id);
	state_begin(w, name, VERSION);
	if (put(v, w, KVM_GET_SREGS, &p, sizeof p.sregs, "segments", err) ==
		-1 ||
	    put(v, w, KVM_GET_LAPIC, &p, sizeof p.lapic, "APIC", err) == -1 ||
	    put_msrs(v, w, err) == -1 || put_fpu(v, w, err) == -1 ||
	    put(v, w, KVM_GET_REGS, &p, sizeof p.regs, "registers", err) ==
		-1 ||
	    put(v, w, KVM_GET_DEBUGREGS, &p, sizeof p.debug, "debug registers",
		err) == -1)
		return -1;
	state_put_bytes(w, &mp, sizeof mp);
	if (put(v, w, KVM_GET_VCPU_EVENTS, &p, sizeof p.events, "events",
		err) == -1)
		return -1;
	state_end(w);
	return 0;
}

static int
get(struct vcpu *v, struct state_reader *r, unsigned long request, void *buf,
    size_t len, const char *what, struct error *err)
{
	state_get_bytes(r, buf, len);
	if (r->bad)
		return 0; /* the section's end says so */
	return vcpu_call(v, request, buf, what, err);
}

static int
get_msrs(struct vcpu *v, struct state_reader *r, struct error *err)
{
	struct msr_list *list;
	unsigned i;

	list = calloc(1, sizeof *list);
	if (list == NULL)
		return error_set(err, "no memory for a cpu's registers");
	list->count = state_get_u32(r);
	if (list->count > MSRS_MAX) {
		r->bad = true;
		list->count = 0;
	}
	for (i = 0; i < list->count; i++) {
		list->entry[i].index = state_get_u32(r);
		list->entry[i].data = state_get_u64(r);
	}
	if (!r->bad)
		msrs_set(v, list);
	free(list);
	return 0;
}

static int
get_fpu(struct vcpu *v, struct state_reader *r, struct error *err)
{
	struct kvm_xcrs xcrs;
	struct kvm_fpu fpu;
	size_t len = v->m->xsave_size;
	void *area;
	int rc;

	if (v->m->has_xcrs &&
	    get(v, r, KVM_SET_XCRS, &xcrs, sizeof xcrs, "XCR0", err) == -1)
		return -1;
	if (state_get_u32(r) != len) {
		r->bad = true; /* another kind of processor */
		return 0;
	}
	if (len == 0)
		return get(v, r, KVM_SET_FPU, &fpu, sizeof fpu, "FPU", err);
	area = malloc(len);
	if (area == NULL)
		return error_set(err, "no memory for the FPU's state");
	rc = get(v, r, KVM_SET_XSAVE, area, len, "extended state", err);
	free(area);
	return rc;
}

int
vcpu_load(struct vcpu *v, struct state_reader *r, struct error *err)
{
	struct kvm_mp_state mp;
	union part p;
	char name[16];

	snprintf(name, sizeof name, "cpu%u", v->id);
	if (state_open(r, name) != VERSION)
		r->bad = true;
	if (get(v, r, KVM_SET_SREGS, &p, sizeof p.sregs, "segments", err) ==
		-1 ||
	    get(v, r, KVM_SET_LAPIC, &p, sizeof p.lapic, "APIC", err) == -1 ||
	    get_msrs(v, r, err) == -1 || get_fpu(v, r, err) == -1 ||
	    get(v, r, KVM_SET_REGS, &p, sizeof p.regs, "registers", err) ==
		-1 ||
	    get(v, r, KVM_SET_DEBUGREGS, &p, sizeof p.debug, "debug registers",
		err) == -1 ||
	    get(v, r, KVM_SET_MP_STATE, &mp, sizeof mp, "run state", err) ==
		-1 ||
	    get(v, r, KVM_SET_VCPU_EVENTS, &p, sizeof p.events, "events",
		err) == -1)
		return -1;
	return state_close(r, name, err);
}
