#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/kvm.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "backend/vmm/host.h"

#define DEVICE "/dev/kvm"

/* Says which group opens the device, and how to get into it. */
static int
no_permission(struct error *err)
{
	struct passwd *pw = getpwuid(geteuid());
	const char *user = pw != NULL ? pw->pw_name : "USER";
	struct group *gr;
	struct stat st;

	if (stat(DEVICE, &st) == -1 || (st.st_mode & S_IRGRP) == 0 ||
	    (st.st_mode & S_IWGRP) == 0 || st.st_gid == 0)
		return error_set(err,
		    "no permission for " DEVICE ": only root may use it, let a "
		    "group in (chgrp kvm " DEVICE "; chmod 660 " DEVICE
		    ") or run vmtui as root");
	gr = getgrgid(st.st_gid);
	if (gr == NULL)
		return error_set(err,
		    "no permission for " DEVICE ": it belongs to group %u, "
		    "which has no name here; as root: chgrp kvm " DEVICE,
		    (unsigned)st.st_gid);
	return error_set(err,
	    "no permission for " DEVICE ": add yourself to group %s (as root: "
	    "usermod -aG %s %s), then log in again",
	    gr->gr_name, gr->gr_name, user);
}

int
host_open_kvm(struct error *err)
{
	int fd;

	if ((fd = open(DEVICE, O_RDWR | O_CLOEXEC)) != -1)
		return fd;
	if (errno == EACCES || errno == EPERM)
		return no_permission(err);
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return error_set(err,
		    "there is no " DEVICE ": as root, load its module "
		    "(modprobe kvm-amd or modprobe kvm-intel); in a virtual "
		    "machine, enable nested virtualisation on its host; on "
		    "bare metal, enable virtualisation in the firmware");
	return error_set(err, "cannot open " DEVICE ": %s", strerror(errno));
}

unsigned
host_max_cpus(int kvm_fd)
{
	int n = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	return n > 0 ? (unsigned)n : 1;
}
