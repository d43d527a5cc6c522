#include <asm/kvm_para.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"

/*
 * The guest's processor is the host's as far as KVM can pass it on, less what
 * this machine does not have (thermal sensors, performance counters, monitors,
 * nested virtualisation), with the topology of one package of single-thread
 * cores. Leaves and bits: Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E.
 */
#define MAX_ENTRIES  256
#define KVM_LEAF     0x40000000u
#define KVM_FEATURES 0x40000001u

struct shape {
	unsigned id; /* this processor's APIC id */
	unsigned cpus;
	unsigned bits; /* of APIC ids in the package */
};

struct kvm_cpuid2 *
cpuid_host(int kvm_fd, struct error *err)
{
	struct kvm_cpuid2 *host;

	host = calloc(
	    1, sizeof *host + MAX_ENTRIES * sizeof(struct kvm_cpuid_entry2));
	if (host == NULL) {
		error_set(err, "no memory for the cpu's description");
		return NULL;
	}
	host->nent = MAX_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, host) == -1) {
		error_set(err, "KVM does not tell which CPUID it supports: %s",
		    strerror(errno));
		free(host);
		return NULL;
	}
	return host;
}

/* Leaves that the guest is better off without; topology is added anew. */
static bool
is_hidden(uint32_t leaf)
{
	switch (leaf) {
	case 0x05: /* MONITOR/MWAIT */
	case 0x0a: /* performance counters */
	case 0x0b: /* topology */
	case 0x12: /* SGX */
	case 0x14: /* processor trace */
	case 0x1d: /* AMX, which needs a permission of the process */
	case 0x1e:
	case 0x1f: /* topology */
	case 0x8000000a: /* SVM */
	case 0x8000001b: /* instruction based sampling */
	case 0x8000001c: /* lightweight profiling */
	case 0x8000001f: /* encrypted memory */
	case 0x80000022: /* performance counters */
		return true;
	default:
		return false;
	}
}

static void
leaf_1(struct kvm_cpuid_entry2 *e, const struct shape *s)
{
	/* DTES64 MONITOR DS-CPL VMX SMX EIST TM2 CNXT-ID SDBG xTPR PDCM */
	e->ecx &= ~((1u << 2) | (1u << 3) | (1u << 4) | (1u << 5) | (1u << 6) |
	    (1u << 7) | (1u << 8) | (1u << 10) | (1u << 11) | (1u << 14) |
	    (1u << 15));
	/* The in-kernel APIC has x2APIC and the deadline timer everywhere. */
	e->ecx |= (1u << 21) | (1u << 31);
	/* DS ACPI TM PBE */
	e->edx &= ~((1u << 21) | (1u << 22) | (1u << 29) | (1u << 31));
	e->ebx = (e->ebx & 0xffff) | s->id << 24 | (1u << s->bits) << 16;
	e->edx &= ~(1u << 28);
	if (s->cpus > 1)
		e->edx |= 1u << 28; /* the count in EBX is valid */
}

/* Caches: the last level is everybody's, the others a core's own. */
static void
leaf_cache(struct kvm_cpuid_entry2 *e, const struct shape *s, bool cores_too)
{
	unsigned level = e->eax >> 5 & 7;

	if ((e->eax & 0x1f) == 0)
		return;
	e->eax &= 0x3fff;
	if (level >= 3)
		e->eax |= ((1u << s->bits) - 1) << 14;
	if (cores_too)
		e->eax |= ((1u << s->bits) - 1) << 26;
}

static void
leaf_7(struct kvm_cpuid_entry2 *e)
{
	if (e->index == 0) {
		e->ebx &= ~((1u << 2) | (1u << 25)); /* SGX, trace */
		e->ecx &= ~((1u << 5) | (1u << 30)); /* WAITPKG, SGX_LC */
		e->edx &= ~((1u << 22) | (1u << 24) | (1u << 25)); /* AMX */
	} else if (e->index == 1) {
		e->eax &= ~(1u << 21); /* AMX */
	}
}

/* Extended state: no AMX tiles (17 and 18). Returns whether to keep it. */
static bool
leaf_xsave(struct kvm_cpuid_entry2 *e)
{
	if (e->index == 0)
		e->eax &= ~((1u << 17) | (1u << 18));
	return e->index != 17 && e->index != 18;
}

static void
leaf_amd_1(struct kvm_cpuid_entry2 *e, const struct shape *s)
{
	/* SVM IBS SKINIT WDT LWP, performance counters, MWAITX */
	e->ecx &=
	    ~((1u << 2) | (1u << 10) | (1u << 12) | (1u << 13) | (1u << 15) |
		(1u << 23) | (1u << 24) | (1u << 26) | (1u << 28) | (1u << 29));
	if (s->cpus > 1)
		e->ecx |= 1u << 1; /* cores, not threads */
	else
		e->ecx &= ~(1u << 1);
}

/* Returns whether the guest gets the leaf. */
static bool
filter(struct kvm_cpuid_entry2 *e, const struct shape *s)
{
	switch (e->function) {
	case 0x01:
		leaf_1(e, s);
		break;
	case 0x04:
		leaf_cache(e, s, true);
		break;
	case 0x06: /* thermal: only that the APIC timer always runs */
		e->eax &= 1u << 2;
		e->ebx = e->ecx = e->edx = 0;
		break;
	case 0x07:
		leaf_7(e);
		break;
	case 0x0d:
		return leaf_xsave(e);
	case KVM_LEAF:
		e->eax = KVM_FEATURES;
		break;
	case KVM_FEATURES:
		/* What needs a hand from this program: none of it is given. */
		e->eax &= ~((1u << KVM_FEATURE_MSI_EXT_DEST_ID) |
		    (1u << KVM_FEATURE_HC_MAP_GPA_RANGE) |
		    (1u << KVM_FEATURE_MIGRATION_CONTROL));
		break;
	case 0x80000001:
		leaf_amd_1(e, s);
		break;
	case 0x80000008:
		e->ecx = 0;
		if (s->cpus > 1)
			e->ecx = s->bits << 12 | (s->cpus - 1);
		break;
	case 0x8000001d:
		leaf_cache(e, s, false);
		break;
	case 0x8000001e:
		e->eax = s->id;
		e->ebx = s->id; /* core, one thread of it */
		e->ecx = 0; /* node 0 of one */
		break;
	default:
		return !is_hidden(e->function);
	}
	return true;
}

/* Leaf 0xB: level 0 is threads of a core, level 1 cores of the package. */
static unsigned
add_topology(struct kvm_cpuid_entry2 *e, const struct shape *s)
{
	unsigned i;

	memset(e, 0, 3 * sizeof *e);
	for (i = 0; i < 3; i++) {
		e[i].function = 0x0b;
		e[i].index = i;
		e[i].flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		e[i].ecx = i;
		e[i].edx = s->id;
	}
	e[0].ebx = 1;
	e[0].ecx |= 1 << 8;
	e[1].eax = s->bits;
	e[1].ebx = s->cpus;
	e[1].ecx |= 2 << 8;
	return 3;
}

int
cpuid_set(
    const struct vcpu *v, const struct kvm_cpuid2 *host, struct error *err)
{
	struct shape shape = {.id = v->id, .cpus = v->m->cpus};
	struct kvm_cpuid2 *guest;
	unsigned i, n = 0;
	int rc;

	while (1u << shape.bits < shape.cpus)
		shape.bits++;
	guest = calloc(1,
	    sizeof *guest + (host->nent + 3) * sizeof(struct kvm_cpuid_entry2));
	if (guest == NULL)
		return error_set(err, "no memory for the cpu's description");
	for (i = 0; i < host->nent; i++) {
		guest->entries[n] = host->entries[i];
		if (filter(&guest->entries[n], &shape))
			n++;
	}
	n += add_topology(guest->entries + n, &shape);
	guest->nent = n;
	rc = ioctl(v->fd, KVM_SET_CPUID2, guest);
	if (rc == -1)
		error_set(err, "KVM refuses the CPUID of cpu %u: %s", v->id,
		    strerror(errno));
	free(guest);
	return rc;
}
