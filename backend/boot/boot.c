#include <errno.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/boot/acpi.h"
#include "backend/boot/load.h"
#include "backend/boot/mptable.h"
#include "backend/boot/smbios.h"
#include "config/size.h"

int
boot_read(const struct boot_file *file, void *buf, uint64_t len,
    uint64_t offset, struct error *err)
{
	uint8_t *p = buf;
	ssize_t n;

	while (len > 0) {
		n = pread(file->fd, p, len, (off_t)offset);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return error_set(err, "%s cannot be read: %s",
			    file->path, strerror(errno));
		if (n == 0)
			return error_set(err,
			    "%s became shorter while it was read; is it being "
			    "written?",
			    file->path);
		p += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int
boot_size(const struct boot_file *file, uint64_t *size, struct error *err)
{
	struct stat st;

	if (fstat(file->fd, &st) == -1)
		return error_set(err, "%s: %s", file->path, strerror(errno));
	if (S_ISBLK(st.st_mode)) {
		if (ioctl(file->fd, BLKGETSIZE64, size) == -1)
			return error_set(
			    err, "%s: %s", file->path, strerror(errno));
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return error_set(
		    err, "%s is a folder; name a file in it", file->path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, "%s is no regular file", file->path);
	*size = (uint64_t)st.st_size;
	return 0;
}

bool
boot_in_segment(const struct boot_plan *plan, uint64_t gpa)
{
	unsigned i;

	for (i = 0; i < plan->segments; i++)
		if (gpa >= plan->segment[i].gpa &&
		    gpa - plan->segment[i].gpa < plan->segment[i].size)
			return true;
	return false;
}

static int
plan_kernel(
    const struct boot_file *file, struct boot_plan *plan, struct error *err)
{
	struct multiboot_header multiboot;
	uint8_t head[BOOT_HEAD] = {0};
	uint64_t size;

	if (boot_size(file, &size, err) == -1)
		return -1;
	if (size == 0)
		return error_set(err, "%s is empty; give a kernel", file->path);
	if (boot_read(file, head, size < sizeof head ? size : sizeof head, 0,
		err) == -1)
		return -1;
	if (bzimage_probe(head))
		return bzimage_plan(file, size, head, plan, err);
	if (elf_probe(head))
		return elf_plan(file, size, head, plan, err);
	if (multiboot_find(file, size, &multiboot))
		return multiboot_plan(file, size, &multiboot, plan, err);
	return error_set(err,
	    "%s is no kernel that can be booted here: %s; give a Linux bzImage "
	    "or vmlinux",
	    file->path, boot_kind(file, head));
}

/* As high as possible, so that the kernel has room to unpack itself. */
static int
plan_initrd(
    const struct boot_file *file, struct boot_plan *plan, struct error *err)
{
	uint64_t top = (uint64_t)plan->header.initrd_addr_max + 1;
	uint64_t size;
	char have[24], want[24];

	if (file->fd == -1)
		return 0;
	if (boot_size(file, &size, err) == -1)
		return -1;
	if (size == 0)
		return error_set(err,
		    "%s is empty; give an initramfs or leave initrd away",
		    file->path);
	if (top > plan->low)
		top = plan->low;
	if (size > top || ((top - size) & ~(BOOT_PAGE - 1)) < plan->end)
		return error_set(err,
		    "%s of %s does not fit into the guest's memory of %s "
		    "beside the kernel; give the guest more memory",
		    file->path, size_short(size, want, sizeof want),
		    size_short(plan->low, have, sizeof have));
	plan->initrd = (top - size) & ~(BOOT_PAGE - 1);
	plan->initrd_size = size;
	return 0;
}

static int
plan_make(const struct boot_config *config, uint64_t memory,
    struct boot_plan *plan, struct error *err)
{
	memset(plan, 0, sizeof *plan);
	plan->low = memory & ~(BOOT_PAGE - 1);
	if (plan->low > GUESTMEM_HOLE_START)
		plan->low = GUESTMEM_HOLE_START;
	if (plan_kernel(&config->kernel, plan, err) == -1)
		return -1;
	if (plan->write == openbsd_write)
		return openbsd_check(config, err);
	if (plan_initrd(&config->initrd, plan, err) == -1)
		return -1;
	if (strlen(config->cmdline) > plan->cmdline_max)
		return error_set(err,
		    "the command line has %zu bytes, %s takes %zu; shorten "
		    "cmdline",
		    strlen(config->cmdline), config->kernel.path,
		    plan->cmdline_max);
	return 0;
}

int
boot_check(const struct boot_config *config, uint64_t memory, struct error *err)
{
	struct boot_plan plan;

	if (plan_make(config, memory, &plan, err) == -1)
		return -1;
	if (plan.initrd_size == 0)
		return 0;
	return initrd_check(&config->initrd, plan.initrd_size, err);
}

/* One segment or the initrd, with the zeroes behind it. */
static int
load_piece(struct guestmem *mem, const struct boot_file *file,
    const struct boot_segment *s, struct error *err)
{
	uint8_t *p;

	if (s->size == 0)
		return 0;
	p = guestmem_at(mem, s->gpa, s->size);
	if (p == NULL || s->length > s->size)
		return error_set(err,
		    "%s does not fit the guest's memory at 0x%" PRIx64,
		    file->path, s->gpa);
	if (boot_read(file, p, s->length, s->offset, err) == -1)
		return -1;
	memset(p + s->length, 0, s->size - s->length);
	return 0;
}

/* What firmware would tell the system about the machine. */
static int
load_tables(struct machine *m, const struct boot_config *config, uint64_t *rsdp,
    struct error *err)
{
	static const uint8_t none[SMBIOS_UUID_LEN];
	const uint8_t *uuid = config->uuid != NULL ? config->uuid : none;
	struct guestmem *mem = machine_mem(m);
	unsigned cpus = machine_cpus(m);
	struct acpi_tables tables;
	struct smbios smbios;
	int rc;

	if (acpi_build(cpus, config->serial2, &tables, err) == -1)
		return -1;
	*rsdp = BOOT_ACPI;
	rc = acpi_place(&tables, mem, BOOT_ACPI, BOOT_SMBIOS - BOOT_ACPI, err);
	acpi_free(&tables);
	if (rc == -1 || smbios_build(mem, cpus, uuid, &smbios, err) == -1)
		return -1;
	rc = smbios_place(
	    &smbios, mem, BOOT_SMBIOS, BOOT_MPTABLE - BOOT_SMBIOS, err);
	smbios_free(&smbios);
	if (rc == 0)
		rc = mptable_place(mem, cpus, BOOT_MPTABLE,
		    BOOT_KERNEL_MIN - BOOT_MPTABLE, err);
	return rc;
}

int
boot_load(struct machine *m, const struct boot_config *config,
    struct boot_entry *entry, struct error *err)
{
	struct guestmem *mem = machine_mem(m);
	struct boot_plan plan;
	struct boot_segment initrd = {0};
	uint64_t rsdp;
	unsigned i;

	if (plan_make(config, mem->size, &plan, err) == -1)
		return -1;
	for (i = 0; i < plan.segments; i++)
		if (load_piece(mem, &config->kernel, &plan.segment[i], err) ==
		    -1)
			return -1;
	initrd.gpa = plan.initrd;
	initrd.size = initrd.length = plan.initrd_size;
	if (load_piece(mem, &config->initrd, &initrd, err) == -1 ||
	    load_tables(m, config, &rsdp, err) == -1)
		return -1;
	memset(entry, 0, sizeof *entry);
	return plan.write(mem, &plan, config, rsdp, entry, err);
}
