#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "backend/vmm/kvm.h"

/* What no part of this program can do without. */
static const struct {
	int cap;
	const char *what;
} needed[] = {
    {KVM_CAP_USER_MEMORY, "guest memory from user space"},
    {KVM_CAP_SET_TSS_ADDR, "a movable task segment"},
    {KVM_CAP_SET_IDENTITY_MAP_ADDR, "a movable identity map"},
    {KVM_CAP_IRQCHIP, "interrupt controllers"},
    {KVM_CAP_PIT2, "an interval timer"},
    {KVM_CAP_IRQ_ROUTING, "interrupt routing"},
    {KVM_CAP_IRQFD, "interrupts by eventfd (irqfd)"},
    {KVM_CAP_IOEVENTFD, "doorbells by eventfd (ioeventfd)"},
    {KVM_CAP_IOEVENTFD_ANY_LENGTH, "doorbells of any width"},
    {KVM_CAP_EXT_CPUID, "a chosen CPUID"},
    {KVM_CAP_MP_STATE, "several processors"},
    {KVM_CAP_VCPU_EVENTS, "saved processor events"},
    {KVM_CAP_DEBUGREGS, "saved debug registers"},
    {KVM_CAP_ADJUST_CLOCK, "a saved clock"},
    {KVM_CAP_IMMEDIATE_EXIT, "stopping a processor at once"},
};

int
kvm_check(int kvm_fd, unsigned cpus, struct error *err)
{
	int version, max;
	size_t i;

	version = ioctl(kvm_fd, KVM_GET_API_VERSION, 0);
	if (version == -1)
		return error_set(err,
		    "/dev/kvm does not answer as KVM does (%s); is another "
		    "driver behind it?",
		    strerror(errno));
	if (version != KVM_API_VERSION)
		return error_set(err,
		    "the host's KVM speaks version %d of its interface, this "
		    "program version %d; use a newer kernel",
		    version, KVM_API_VERSION);
	for (i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (ioctl(kvm_fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return error_set(err,
			    "the host's KVM lacks %s (capability %d); use a "
			    "newer kernel",
			    needed[i].what, needed[i].cap);
	if (cpus < 1 || cpus > MACHINE_MAX_CPUS)
		return error_set(err,
		    "a guest has 1 to %d cpus, not %u; change cpus",
		    MACHINE_MAX_CPUS, cpus);
	max = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	if (max <= 0)
		max = 4; /* what KVM's documentation says to assume */
	if (cpus > (unsigned)max)
		return error_set(err,
		    "the host's KVM allows a guest %d cpus, not %u; lower cpus",
		    max, cpus);
	return 0;
}
