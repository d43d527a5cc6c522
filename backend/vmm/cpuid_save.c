/*
 * cpuid_save.c: what a guest was told of its processor has to hold where it
 * goes on: it does not look a second time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"

#define VERSION     1
#define MAX_ENTRIES 256

/*
 * Feature bits, by leaf, subleaf and register (Intel SDM vol. 2, CPUID; AMD
 * APM vol. 3, appendix E), less those that say how the machine is at the
 * moment.
 */
static const struct {
	uint32_t leaf, sub;
	unsigned reg; /* EAX, EBX, ECX, EDX */
	uint32_t mask;
} words[] = {
    {1, 0, 2, ~(1u << 27)}, /* OSXSAVE is the guest's own */
    {1, 0, 3, ~0u},
    {7, 0, 1, ~0u},
    {7, 0, 2, ~(1u << 4)}, /* OSPKE likewise */
    {7, 0, 3, ~0u},
    {7, 1, 0, ~0u},
    {0xd, 0, 0, ~0u},
    {0xd, 1, 0, ~0u},
    {0x80000001, 0, 2, ~0u},
    {0x80000001, 0, 3, ~0u},
    {0x80000008, 0, 1, ~0u},
};

#define WORDS (sizeof words / sizeof *words)

static uint32_t
word_of(const struct kvm_cpuid2 *all, size_t i)
{
	const struct kvm_cpuid_entry2 *e;
	uint32_t n;

	for (n = 0; n < all->nent; n++) {
		e = &all->entries[n];
		if (e->function != words[i].leaf ||
		    ((e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0 &&
			e->index != words[i].sub))
			continue;
		return words[i].mask &
		    (words[i].reg == 0          ? e->eax
			    : words[i].reg == 1 ? e->ebx
			    : words[i].reg == 2 ? e->ecx
						: e->edx);
	}
	return 0;
}

static int
get_words(struct machine *m, uint32_t have[WORDS], struct error *err)
{
	struct kvm_cpuid2 *all;
	size_t i;
	int rc;

	all = calloc(
	    1, sizeof *all + MAX_ENTRIES * sizeof(struct kvm_cpuid_entry2));
	if (all == NULL)
		return error_set(err, "no memory for the cpu's description");
	all->nent = MAX_ENTRIES;
	rc = ioctl(m->vcpu[0].fd, KVM_GET_CPUID2, all);
	for (i = 0; rc == 0 && i < WORDS; i++)
		have[i] = word_of(all, i);
	if (rc == -1)
		error_set(err, "KVM does not tell what the cpu can: %s",
		    strerror(errno));
	free(all);
	return rc;
}

int
cpuid_save(struct machine *m, struct state_writer *w, struct error *err)
{
	uint32_t have[WORDS];
	size_t i;

	if (get_words(m, have, err) == -1)
		return -1;
	state_begin(w, "processor", VERSION);
	for (i = 0; i < WORDS; i++)
		state_put_u32(w, have[i]);
	state_end(w);
	return 0;
}

int
cpuid_load(struct machine *m, struct state_reader *r, struct error *err)
{
	uint32_t have[WORDS], want[WORDS];
	size_t i;

	if (state_open(r, "processor") != VERSION)
		r->bad = true;
	for (i = 0; i < WORDS; i++)
		want[i] = state_get_u32(r);
	if (state_close(r, "the processor", err) == -1 ||
	    get_words(m, have, err) == -1)
		return -1;
	for (i = 0; i < WORDS; i++)
		if ((want[i] & ~have[i]) != 0)
			return error_set(err,
			    "the processor of this host lacks what the "
			    "guest's had (CPUID leaf %x, bits %x): send it to "
			    "a host with one like that, or start it afresh",
			    words[i].leaf, want[i] & ~have[i]);
	return 0;
}
