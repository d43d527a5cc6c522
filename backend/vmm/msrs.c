#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"

/* KVM stops at the first that fails and says how many it did. */
void
msrs_get(const struct vcpu *v, struct msr_list *list)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[MSRS_MAX];
	} * buf;
	unsigned from = 0, kept = 0;
	int n;

	buf = calloc(1, sizeof *buf);
	if (buf == NULL) {
		list->count = 0;
		return;
	}
	while (from < list->count) {
		buf->head.nmsrs = list->count - from;
		memcpy(buf->entry, list->entry + from,
		    buf->head.nmsrs * sizeof buf->entry[0]);
		n = ioctl(v->fd, KVM_GET_MSRS, buf);
		if (n < 0)
			break;
		memcpy(list->entry + kept, buf->entry,
		    (unsigned)n * sizeof buf->entry[0]);
		kept += (unsigned)n;
		from += (unsigned)n + 1;
	}
	list->count = kept;
	free(buf);
}

/* Writes them; what cannot be written is read-only and stays as it is. */
void
msrs_set(const struct vcpu *v, const struct msr_list *list)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry[MSRS_MAX];
	} * buf;
	unsigned from = 0;
	int n;

	buf = calloc(1, sizeof *buf);
	if (buf == NULL)
		return;
	while (from < list->count) {
		buf->head.nmsrs = list->count - from;
		memcpy(buf->entry, list->entry + from,
		    buf->head.nmsrs * sizeof buf->entry[0]);
		n = ioctl(v->fd, KVM_SET_MSRS, buf);
		if (n < 0)
			break;
		from += (unsigned)n + 1;
	}
	free(buf);
}

int
msrs_list(int kvm_fd, struct msr_list *list, struct error *err)
{
	struct {
		struct kvm_msr_list head;
		uint32_t index[MSRS_MAX];
	} found;
	unsigned i;

	found.head.nmsrs = sizeof found.index / sizeof found.index[0];
	if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, &found) == -1)
		return error_set(err,
		    "KVM does not list the registers to save: %s",
		    strerror(errno));
	memset(list, 0, sizeof *list);
	list->count = found.head.nmsrs;
	for (i = 0; i < list->count; i++)
		list->entry[i].index = found.index[i];
	return 0;
}
