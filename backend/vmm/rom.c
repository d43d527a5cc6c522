#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "backend/vmm/kvm.h"

int
machine_add_rom(struct machine *m, uint64_t gpa, uint64_t size, uint8_t **hva,
    struct error *err)
{
	struct kvm_userspace_memory_region slot = {
	    .slot = m->mem.regions,
	    .flags = KVM_MEM_READONLY,
	    .guest_phys_addr = gpa,
	    .memory_size = size,
	};
	void *p;

	if (m->rom.hva != NULL)
		return error_set(err, "the machine has its firmware already");
	if (ioctl(m->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_READONLY_MEM) <= 0)
		return error_set(err,
		    "the host's KVM has no read-only memory for firmware; use "
		    "a newer kernel, or give the guest a kernel to boot");
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return error_set(err, "no memory for the firmware");
	slot.userspace_addr = (uintptr_t)p;
	if (ioctl(m->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) == -1) {
		error_set(
		    err, "KVM cannot take the firmware: %s", strerror(errno));
		munmap(p, size);
		return -1;
	}
	m->rom.hva = p;
	m->rom.gpa = gpa;
	m->rom.size = size;
	*hva = p;
	return 0;
}

const uint8_t *
machine_rom(const struct machine *m, uint64_t *size)
{
	*size = m->rom.size;
	return m->rom.hva;
}

void
rom_free(struct machine *m)
{
	if (m->rom.hva != NULL)
		munmap(m->rom.hva, m->rom.size);
	m->rom.hva = NULL;
}
