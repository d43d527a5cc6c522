#include <stdio.h>
#include <string.h>

#include "backend/guest/build.h"
#include "config/log.h"

#define COM1          0x3f8
#define COM1_IRQ      4
#define COM2          0x2f8
#define COM2_IRQ      3
#define BOOTORDER_MAX 1024 /* bytes: a path of 30 a disk */
#define RING_SIZE     128 /* requests in flight to the host, a disk */

const char *const console_names[CONSOLES] = {"ttyS0", "ttyS1", "hvc0"};

static size_t
type_serial(void *port, const uint8_t *data, size_t len)
{
	return serial_input(port, data, len);
}

static void
kick_serial(void *port)
{
	serial_kick(port);
}

static size_t
type_hvc(void *port, const uint8_t *data, size_t len)
{
	return virtio_console_input(port, data, len);
}

static void
kick_hvc(void *port)
{
	virtio_console_kick(port);
}

static const struct serial_ops serial_ops = {
    .output = console_output,
    .input_ready = console_input_ready,
};

static const struct virtio_console_ops hvc_ops = {
    .output = console_output,
    .input_ready = console_input_ready,
};

static const struct console_port serial_port = {type_serial, kick_serial};
static const struct console_port hvc_port = {type_hvc, kick_hvc};

static int
take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* What block_open() had opened in the backend; the spec keeps the names. */
static int
take_files(struct spec_disk *disk, struct block_files *files, struct error *err)
{
	unsigned i;

	block_files_init(files);
	files->cache = (enum block_cache)disk->cache;
	for (i = 0; i < disk->files && i < BLOCK_FILES_MAX; i++) {
		files->file[i] = (struct block_file){
		    .path = strdup(disk->file[i].path),
		    .fd = take(&disk->file[i].fd),
		    .format = (enum block_format)disk->file[i].format,
		    .role = (enum block_role)disk->file[i].role,
		    .readonly = disk->file[i].readonly,
		};
		files->n = i + 1;
		if (files->file[i].path == NULL)
			return error_set(
			    err, "%s: out of memory", disk->file[0].path);
	}
	return 0;
}

/* A drive, and what is in it. */
static int
add_cdrom(struct hardware *hw, struct pci_bus *bus, struct event_base *base,
    struct spec_disk *cdrom, const struct build_ops *ops, void *arg,
    struct error *err)
{
	struct block *drive;

	if (block_drive(RING_SIZE, &drive, err) == -1)
		return -1;
	if (cdrom->files > 0 &&
	    block_exchange(drive, take(&cdrom->file[0].fd), cdrom->file[0].path,
		err) == -1) {
		block_close(drive);
		return -1;
	}
	return virtio_scsi_create(
	    bus, base, drive, ops->cdrom_changed, arg, &hw->cdrom, err);
}

static int
open_disk(struct hardware *hw, struct spec_disk *disk, unsigned n,
    struct block **block, struct error *err)
{
	struct block_files files;
	int rc;

	rc = take_files(disk, &files, err);
	if (rc == 0)
		rc = block_attach(&files, RING_SIZE, block, err);
	block_files_clear(&files);
	if (rc == 0 && n == 0)
		hw->origin.has_duid = disklabel_duid(*block, hw->origin.duid);
	return rc;
}

/* "vda", "vdb": what the guest will call it, if it is Linux. */
static int
add_disk(struct hardware *hw, struct pci_bus *bus, struct spec_disk *disk,
    unsigned n, unsigned cpus, const struct virtio_blk_ops *ops, void *arg,
    struct error *err)
{
	struct block *block;
	char name[8];

	snprintf(name, sizeof name, "vd%c", (int)('a' + n));
	if (open_disk(hw, disk, n, &block, err) == -1)
		return -1;
	return virtio_blk_create(
	    bus, block, name, name, cpus, ops, arg, &hw->disk[n], err);
}

static int
add_nic(struct hardware *hw, struct pci_bus *bus, struct event_base *base,
    struct spec_nic *nic, unsigned n, unsigned cpus, struct error *err)
{
	static const char *const names[SPEC_MAX_NICS] = {
	    "net0", "net1", "net2", "net3", "net4", "net5", "net6", "net7"};
	const struct virtio_net_config config = {
	    .name = names[n],
	    .tap_fd = nic->tap_fd,
	    .taps = nic->taps,
	    .cpus = cpus,
	    .mac = nic->mac,
	    .mtu = nic->mtu,
	    .vhost_fd = nic->vhost_fd,
	    .vhosts = nic->vhosts,
	};

	if (nic->no_vhost[0] != '\0')
		log_info("%s: the host's vhost-net is not used: %s", names[n],
		    nic->no_vhost);
	nic->taps = nic->vhosts = 0;
	return virtio_net_create(bus, base, &config, &hw->nic[n], err);
}

/* Those on the SCSI host: "sda", "sdb". */
static int
add_scsi_disks(struct hardware *hw, struct pci_bus *bus,
    struct guest_spec *spec, const struct virtio_blk_ops *ops, void *arg,
    struct error *err)
{
	struct virtio_scsi_disk disk[SPEC_MAX_DISKS];
	char name[SPEC_MAX_DISKS][8];
	unsigned i, n = 0;

	_Static_assert(SPEC_MAX_DISKS <= VIRTIO_SCSI_TARGETS, "targets");
	for (i = 0; i < spec->disks; i++) {
		if (!spec->disk[i].scsi)
			continue;
		snprintf(name[n], sizeof name[n], "sd%c", (int)('a' + n));
		disk[n].name = disk[n].serial = name[n];
		if (open_disk(hw, &spec->disk[i], i, &disk[n].block, err) ==
		    -1) {
			while (n > 0)
				block_close(disk[--n].block);
			return -1;
		}
		hw->target[i] = n++;
	}
	if (n == 0)
		return 0;
	return virtio_scsi_disks_create(bus, disk, n, ops, arg, &hw->scsi, err);
}

int
build_disk_full(const struct hardware *hw, unsigned n)
{
	return hw->disk[n] != NULL
	    ? virtio_blk_full(hw->disk[n])
	    : virtio_scsi_disk_full(hw->scsi, hw->target[n]);
}

const struct virtio_figures *
build_disk_figures(const struct hardware *hw, unsigned n)
{
	return hw->disk[n] != NULL
	    ? virtio_figures(hw->disk[n])
	    : virtio_scsi_disk_figures(hw->scsi, hw->target[n]);
}

int
build_disk_grow(const struct hardware *hw, unsigned n, uint64_t size, bool more,
    struct error *err)
{
	return hw->disk[n] != NULL
	    ? virtio_blk_grow(hw->disk[n], size, more, err)
	    : virtio_scsi_disk_grow(hw->scsi, hw->target[n], size, more, err);
}

int
build_disk_grown(
    const struct hardware *hw, unsigned n, uint64_t *size, struct error *err)
{
	return hw->disk[n] != NULL
	    ? virtio_blk_grown(hw->disk[n], size, err)
	    : virtio_scsi_disk_grown(hw->scsi, hw->target[n], size, err);
}

void
build_disks_retry(const struct hardware *hw)
{
	unsigned i;

	for (i = 0; i < SPEC_MAX_DISKS; i++)
		if (hw->disk[i] != NULL)
			virtio_blk_retry(hw->disk[i]);
	if (hw->scsi != NULL)
		virtio_scsi_disks_retry(hw->scsi);
}

static void
each_device(const struct hardware *hw, const struct guest_spec *spec,
    void (*what)(struct virtio_dev *dev))
{
	struct virtio_dev *const some[] = {
	    hw->scsi, hw->cdrom, hw->rng, hw->hvc, hw->balloon};
	unsigned i;

	for (i = 0; i < spec->disks; i++)
		if (hw->disk[i] != NULL)
			what(hw->disk[i]);
	for (i = 0; i < spec->nics; i++)
		what(hw->nic[i]);
	for (i = 0; i < sizeof some / sizeof *some; i++)
		if (some[i] != NULL)
			what(some[i]);
}

void
build_still(const struct hardware *hw, const struct guest_spec *spec)
{
	each_device(hw, spec, virtio_still);
}

void
build_thaw(const struct hardware *hw, const struct guest_spec *spec)
{
	each_device(hw, spec, virtio_thaw);
}

/* Where the firmware finds the nth disk. */
static size_t
put_disk(const struct hardware *hw, unsigned n, char *order, size_t len)
{
	if (hw->disk[n] != NULL)
		return (size_t)snprintf(order, len,
		    "/pci@i0cf8/scsi@%x/disk@0,0\n", virtio_slot(hw->disk[n]));
	return (size_t)snprintf(order, len,
	    "/pci@i0cf8/scsi@%x/channel@0/disk@%x,0\n", virtio_slot(hw->scsi),
	    hw->target[n]);
}

/* What the firmware tries: first what boot says. */
static void
put_order(const struct hardware *hw, const struct guest_spec *spec, char *order)
{
	char cdrom[48] = "";
	size_t len = 0;
	unsigned i;

	if (hw->cdrom != NULL)
		snprintf(cdrom, sizeof cdrom,
		    "/pci@i0cf8/scsi@%x/channel@0/disk@0,0\n",
		    virtio_slot(hw->cdrom));
	if (spec->boot == CONFIG_BOOT_CDROM)
		len = (size_t)snprintf(order, BOOTORDER_MAX, "%s", cdrom);
	for (i = 0; spec->boot == CONFIG_BOOT_NET && i < spec->nics; i++)
		len += (size_t)snprintf(order + len, BOOTORDER_MAX - len,
		    "/pci@i0cf8/ethernet@%x\n", virtio_slot(hw->nic[i]));
	for (i = 0; i < spec->disks; i++)
		len += put_disk(hw, i, order + len, BOOTORDER_MAX - len);
	if (spec->boot != CONFIG_BOOT_CDROM)
		snprintf(order + len, BOOTORDER_MAX - len, "%s", cdrom);
}

static int
add_firmware(
    struct hardware *hw, const struct guest_spec *spec, struct error *err)
{
	char order[BOOTORDER_MAX] = "";
	struct firmware_config config = {
	    .bios = {spec->firmware_fd, spec->firmware},
	    .netrom = {spec->netrom_fd, "the network card's ROM"},
	    .bootorder = order,
	    .console = COM1,
	    .serial2 = spec->serial2,
	    .uuid = spec->uuid,
	};

	put_order(hw, spec, order);
	if (spec->firmware_log && debugport_create(hw->machine, err) == -1)
		return -1;
	return firmware_create(hw->machine, hw->fw_cfg, &config, err);
}

/* The ports that there is a console for. */
static int
add_serial(
    struct hardware *hw, struct console *console[CONSOLES], struct error *err)
{
	if (serial_create(hw->machine, "serial", COM1, COM1_IRQ, &serial_ops,
		console[CONSOLE_TTYS0], &hw->serial, err) == -1)
		return -1;
	if (console[CONSOLE_TTYS1] == NULL)
		return 0;
	return serial_create(hw->machine, "serial2", COM2, COM2_IRQ,
	    &serial_ops, console[CONSOLE_TTYS1], &hw->serial2, err);
}

static int
add_devices(struct hardware *hw, struct guest_spec *spec,
    struct event_base *base, struct console *console[CONSOLES],
    const struct build_ops *ops, void *arg, struct error *err)
{
	struct machine *m = hw->machine;
	struct pci_bus *bus;
	unsigned i;

	if (add_serial(hw, console, err) == -1 ||
	    rtc_create(m, base, err) == -1 || reset_create(m, err) == -1 ||
	    fw_cfg_create(m, &hw->fw_cfg, err) == -1 ||
	    pci_bus_create(m, &bus, err) == -1 ||
	    pm_create(bus, &hw->pm, err) == -1)
		return -1;
	for (i = 0; i < spec->disks; i++)
		if (!spec->disk[i].scsi &&
		    add_disk(hw, bus, &spec->disk[i], i, spec->cpus, &ops->disk,
			arg, err) == -1)
			return -1;
	if (add_scsi_disks(hw, bus, spec, &ops->disk, arg, err) == -1)
		return -1;
	if (spec->cdrom_drive &&
	    add_cdrom(hw, bus, base, &spec->cdrom, ops, arg, err) == -1)
		return -1;
	for (i = 0; i < spec->nics; i++)
		if (add_nic(hw, bus, base, &spec->nic[i], i, spec->cpus, err) ==
		    -1)
			return -1;
	if (virtio_rng_create(bus, base, &hw->rng, err) == -1 ||
	    virtio_console_create(bus, base, &hvc_ops, console[CONSOLE_HVC0],
		&hw->hvc, err) == -1)
		return -1;
	if (virtio_vmmci_create(
		bus, base, ops->vmmci_over, arg, &hw->vmmci, err) == -1)
		return -1;
	if (spec->balloon &&
	    virtio_balloon_create(
		bus, base, ops->balloon_changed, arg, &hw->balloon, err) == -1)
		return -1;
	for (i = 0; i < CONSOLES; i++)
		if (console[i] != NULL &&
		    console_join(console[i], m, console_names[i], err) == -1)
			return -1;
	return spec->firmware_fd != -1 ? add_firmware(hw, spec, err) : 0;
}

/* All but the first disk's identifier. */
static void
fill_origin(struct boot_origin *origin, const struct guest_spec *spec)
{
	origin->from = spec->boot == CONFIG_BOOT_NET ? BOOT_FROM_NET
	    : spec->boot == CONFIG_BOOT_CDROM        ? BOOT_FROM_CDROM
						     : BOOT_FROM_DISK;
	origin->has_mac = spec->nics > 0;
	memcpy(origin->mac, spec->nic[0].mac, sizeof origin->mac);
}

int
build_machine(struct hardware *hw, struct guest_spec *spec,
    struct event_base *base, struct console *console[CONSOLES],
    const struct build_ops *ops, void *arg, struct error *err)
{
	struct machine_config config = {
	    .memory = spec->memory,
	    .cpus = spec->cpus,
	    .pin = spec->pins.cpu,
	    .pins = spec->pins.n,
	    .hugepages = spec->hugepages,
	    .kvm_fd = take(&spec->kvm_fd),
	    .ops = &ops->machine,
	    .arg = arg,
	};

	memset(hw, 0, sizeof *hw);
	fill_origin(&hw->origin, spec);
	if (machine_create(&hw->machine, &config, err) == -1)
		return -1;
	if (add_devices(hw, spec, base, console, ops, arg, err) == -1) {
		machine_destroy(hw->machine);
		memset(hw, 0, sizeof *hw);
		return -1;
	}
	console_connect(console[CONSOLE_TTYS0], &serial_port, hw->serial);
	if (hw->serial2 != NULL)
		console_connect(
		    console[CONSOLE_TTYS1], &serial_port, hw->serial2);
	console_connect(console[CONSOLE_HVC0], &hvc_port, hw->hvc);
	return 0;
}

int
build_load(
    struct hardware *hw, const struct guest_spec *spec, struct error *err)
{
	struct boot_config config = {
	    .kernel = {spec->kernel_fd, spec->kernel},
	    .initrd = {spec->initrd_fd, spec->initrd},
	    .cmdline = spec->cmdline,
	    .origin = hw->origin,
	    .serial2 = spec->serial2,
	    .uuid = spec->uuid,
	};
	struct boot_entry entry;

	memset(&entry, 0, sizeof entry);
	if (spec->firmware_fd != -1) {
		if (firmware_load(hw->machine, &entry, err) == -1)
			return -1;
	} else if (boot_load(hw->machine, &config, &entry, err) == -1) {
		return -1;
	}
	machine_set_entry(hw->machine, &entry);
	return 0;
}
