#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/boot/firmware.h"
#include "backend/boot/unpack.h"
#include "backend/proto/conn.h"
#include "backend/proto/paths.h"
#include "backend/supervisor/bootfile.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/disc.h"
#include "backend/supervisor/network.h"
#include "backend/supervisor/prepare.h"
#include "backend/supervisor/spawn.h"
#include "backend/vmm/host.h"
#include "config/size.h"

#define GUEST_BACKLOG 16
/* Of all disks: the message that starts a guest carries no more. */
#define FILES_MOST (CONN_MAX_FDS - 5 - 2 * SPEC_MAX_NICS * SPEC_MAX_TAPS)

static int
later(const struct config_vm *vm, const char *what, struct error *err)
{
	return error_set(err,
	    "%s: %s comes with a later version: leave it out for now", vm->name,
	    what);
}

static int
check_interface_known(const struct config_vm *vm,
    const struct config_interface *in, struct error *err)
{
	if (in->net == CONFIG_NET_USER)
		return later(vm, "interface = user", err);
	if (in->net == CONFIG_NET_LOCAL)
		return later(vm, "interface = local", err);
	if (in->locked && in->switch_name == NULL)
		return error_set(err,
		    "%s: an interface that is locked has to be in a switch, "
		    "whose bridge drops what it may not send: write "
		    "switch=NAME (a [switch] may be a bridge of yours, "
		    "interface = NAME), or take out locked",
		    vm->name);
	return 0;
}

/* The configuration knows more than this version does. */
static int
check_known(const struct config_vm *vm, struct error *err)
{
	size_t i;

	for (i = 0; i < vm->ninterfaces; i++)
		if (check_interface_known(vm, &vm->interfaces[i], err) == -1)
			return -1;
	return 0;
}

static int
check_memory(const struct config_vm *vm, struct error *err)
{
	uint64_t host = figures_host_memory();
	char want[8], have[8];

	if (host == 0 || vm->memory <= host)
		return 0;
	return error_set(err,
	    "%s wants %s of memory and this host has %s: give it less with "
	    "memory =",
	    vm->name, size_short(vm->memory, want, sizeof want),
	    size_short(host, have, sizeof have));
}

static int
check_hugepages(const struct config_vm *vm, struct error *err)
{
	uint64_t idle, pages = (vm->memory + (1 << 21) - 1) >> 21;
	char want[8], have[8];

	if (!vm->hugepages || figures_host_hugepages(&idle) == -1 ||
	    idle >> 21 >= pages)
		return 0;
	return error_set(err,
	    "%s wants %s of huge pages and this host has %s of them to give: "
	    "have %" PRIu64 " more made (/proc/sys/vm/nr_hugepages), or write "
	    "hugepages = no",
	    vm->name, size_short(vm->memory, want, sizeof want),
	    size_short(idle, have, sizeof have), pages - (idle >> 21));
}

static int
open_kvm(const struct config_vm *vm, struct guest_spec *spec, struct error *err)
{
	unsigned max;

	if ((spec->kvm_fd = host_open_kvm(err)) == -1)
		return error_prefix(err, "%s cannot run: ", vm->name);
	max = host_max_cpus(spec->kvm_fd);
	if (vm->cpus > max)
		return error_set(err,
		    "%s wants %u CPUs and KVM on this host gives a guest at "
		    "most %u: write cpus = %u or less",
		    vm->name, vm->cpus, max, max);
	return 0;
}

/* Whether the host has the CPUs that the guest is pinned to. */
static int
take_pins(
    const struct config_vm *vm, struct guest_spec *spec, struct error *err)
{
	cpu_set_t set;
	unsigned i;

	spec->pins.n = 0;
	if (vm->pin == NULL)
		return 0;
	if (config_pins_parse(vm->pin, &spec->pins, err) == -1)
		return -1;
	/* On a host of more CPUs than fit its start finds out. */
	if (sched_getaffinity(0, sizeof set, &set) == -1)
		return 0;
	for (i = 0; i < spec->pins.n; i++)
		if (!CPU_ISSET(spec->pins.cpu[i], &set))
			return error_set(err,
			    "%s is pinned to CPU %u and this host has none of "
			    "that number to give: it has %d, numbered from 0; "
			    "change pin =",
			    vm->name, spec->pins.cpu[i], CPU_COUNT(&set));
	return 0;
}

static int
copy_text(
    struct guest_spec *spec, const struct config_vm *vm, struct error *err)
{
	char host[64];

	snprintf(spec->name, sizeof spec->name, "%s", vm->name);
	spec->memory = vm->memory;
	spec->cpus = vm->cpus;
	spec->hugepages = vm->hugepages;
	spec->balloon = vm->balloon;
	spec->serial2 = vm->serial2;
	config_vm_uuid(config_host_id(host, sizeof host), vm->name, spec->uuid);
	spec->boot = vm->boot;
	spec->firmware_log = vm->firmware_log;
	spec->kernel = strdup(vm->kernel != NULL ? vm->kernel : "");
	spec->firmware = strdup("");
	spec->initrd = strdup(vm->initrd != NULL ? vm->initrd : "");
	spec->cmdline = strdup(vm->cmdline != NULL ? vm->cmdline : "");
	if (spec->kernel == NULL || spec->initrd == NULL ||
	    spec->cmdline == NULL || spec->firmware == NULL)
		return error_set(err, "no memory to start %s", vm->name);
	return 0;
}

/* Where Debian's package puts it, and where others do. */
static const char *
firmware_path(const struct config_vm *vm)
{
	static const char *const known[] = {"/usr/share/seabios/bios-256k.bin",
	    "/usr/share/qemu/bios-256k.bin", "/usr/share/seabios/bios.bin"};
	size_t i;

	if (vm->firmware != NULL)
		return vm->firmware;
	for (i = 0; i < sizeof known / sizeof known[0]; i++)
		if (access(known[i], R_OK) == 0)
			return known[i];
	return NULL;
}

/* iPXE for virtio-net, as Debian's package has it. */
static int
open_netrom(
    const struct config_vm *vm, struct guest_spec *spec, struct error *err)
{
	struct boot_file rom = {-1, "/usr/lib/ipxe/qemu/pxe-virtio.rom"};

	if (access(rom.path, F_OK) == -1)
		return error_set(err,
		    "%s boots from the network and needs iPXE, which is not "
		    "here: install the package ipxe-qemu, or give kernel = "
		    "PATH",
		    vm->name);
	spec->netrom_fd = rom.fd = bootfile_open("firmware", rom.path, err);
	if (rom.fd == -1 || firmware_check_rom(&rom, err) == -1)
		return error_prefix(err, "%s: ", vm->name);
	return 0;
}

static int
open_firmware(
    const struct config_vm *vm, struct guest_spec *spec, struct error *err)
{
	const char *path = firmware_path(vm);
	struct boot_file bios;

	if (path == NULL)
		return error_set(err,
		    "%s has no kernel and needs SeaBIOS, which is not here: "
		    "install the package seabios, or give firmware = PATH or "
		    "kernel = PATH",
		    vm->name);
	free(spec->firmware);
	if ((spec->firmware = strdup(path)) == NULL)
		return error_set(err, "no memory to start %s", vm->name);
	spec->firmware_fd = bootfile_open("firmware", path, err);
	bios = (struct boot_file){spec->firmware_fd, path};
	if (spec->firmware_fd == -1 || firmware_check(&bios, err) == -1)
		return error_prefix(err, "%s: ", vm->name);
	return vm->boot == CONFIG_BOOT_NET ? open_netrom(vm, spec, err) : 0;
}

/* The kernel, unpacked if it is packed. */
static int
open_kernel(
    const struct config_vm *vm, struct guest_spec *spec, struct error *err)
{
	struct boot_file kernel = {-1, vm->kernel};
	int unpacked;

	spec->kernel_fd = kernel.fd = bootfile_open("kernel", vm->kernel, err);
	if (kernel.fd == -1 ||
	    boot_unpack(&kernel, vm->memory, &unpacked, err) == -1)
		return -1;
	if (unpacked != -1) {
		close(spec->kernel_fd);
		spec->kernel_fd = unpacked;
	}
	return 0;
}

static int
open_boot(
    const struct config_vm *vm, struct guest_spec *spec, struct error *err)
{
	struct boot_config boot = {
	    .kernel = {-1, vm->kernel},
	    .initrd = {-1, vm->initrd},
	    .cmdline = "",
	};

	if (vm->kernel == NULL)
		return open_firmware(vm, spec, err);
	if (open_kernel(vm, spec, err) == -1)
		return error_prefix(err, "%s: ", vm->name);
	if (vm->initrd != NULL) {
		spec->initrd_fd = bootfile_open("initrd", vm->initrd, err);
		if (spec->initrd_fd == -1)
			return error_prefix(err, "%s: ", vm->name);
	}
	boot.kernel.fd = spec->kernel_fd;
	boot.initrd.fd = spec->initrd_fd;
	if (vm->cmdline != NULL)
		boot.cmdline = vm->cmdline;
	if (boot_check(&boot, vm->memory, err) == -1)
		return error_prefix(err, "%s: ", vm->name);
	return 0;
}

/* Gives the opened files to the spec. */
static void
hand_over(struct block_files *from, struct spec_disk *to)
{
	unsigned i;

	_Static_assert(SPEC_MAX_FILES >= BLOCK_FILES_MAX, "files of a disk");
	for (i = 0; i < from->n; i++)
		to->file[i] = (struct spec_file){
		    .path = from->file[i].path,
		    .fd = from->file[i].fd,
		    .format = from->file[i].format,
		    .role = from->file[i].role,
		    .readonly = from->file[i].readonly,
		};
	to->files = from->n;
	to->cache = from->cache;
	from->n = 0;
}

/*
 * Two of a guest's disks, one of which is written, in one file: by its other
 * names too. Says so before the lock does, which takes us for another guest.
 */
static int
check_twice(const struct guest_spec *spec, const char *path, bool readonly,
    struct error *err)
{
	const struct spec_disk *disk;
	struct stat st, other;
	unsigned i;

	if (stat(path, &st) == -1)
		return 0;
	for (i = 0; i <= spec->disks; i++) {
		disk = i < spec->disks ? &spec->disk[i] : &spec->cdrom;
		if (disk->files == 0 || (readonly && disk->file[0].readonly) ||
		    fstat(disk->file[0].fd, &other) == -1 ||
		    st.st_dev != other.st_dev || st.st_ino != other.st_ino)
			continue;
		return error_set(err,
		    "%s and %s are the same file, which cannot be written as "
		    "two disks: leave one out, or make both readonly",
		    disk->file[0].path, path);
	}
	return 0;
}

static int
open_disk(
    const struct config_disk *d, struct block_files *files, struct error *err)
{
	static const enum block_format formats[] = {
	    [CONFIG_FORMAT_AUTO] = BLOCK_FORMAT_ANY,
	    [CONFIG_FORMAT_RAW] = BLOCK_FORMAT_RAW,
	    [CONFIG_FORMAT_QCOW2] = BLOCK_FORMAT_QCOW2,
	};
	static const enum block_cache caches[] = {
	    [CONFIG_CACHE_WRITEBACK] = BLOCK_CACHE_WRITEBACK,
	    [CONFIG_CACHE_NONE] = BLOCK_CACHE_NONE,
	    [CONFIG_CACHE_UNSAFE] = BLOCK_CACHE_UNSAFE,
	};

	block_files_init(files);
	if (block_open(d->path, formats[d->format], d->readonly, files, err) ==
	    -1)
		return -1;
	files->cache = caches[d->cache];
	if (block_check_sound(files, err) == 0 &&
	    (d->cache != CONFIG_CACHE_NONE ||
		block_check_direct(files, err) == 0))
		return 0;
	block_files_clear(files);
	return -1;
}

static int
open_disks(
    const struct config_vm *vm, struct guest_spec *spec, struct error *err)
{
	struct block_files files;
	unsigned all = 0;
	size_t i;

	spec->cdrom_drive = vm->cdrom != NULL;
	if (config_vm_disc(vm) != NULL) {
		block_files_init(&files);
		if (disc_open(config_vm_disc(vm), &files, err) == -1)
			return error_prefix(err, "%s: cdrom: ", vm->name);
		all += files.n;
		hand_over(&files, &spec->cdrom);
	}

	for (i = 0; i < vm->ndisks && i < SPEC_MAX_DISKS; i++) {
		if (check_twice(spec, vm->disks[i].path, vm->disks[i].readonly,
			err) == -1 ||
		    open_disk(&vm->disks[i], &files, err) == -1)
			return error_prefix(err, "%s: ", vm->name);
		all += files.n;
		hand_over(&files, &spec->disk[i]);
		spec->disk[i].scsi = vm->disks[i].bus == CONFIG_BUS_SCSI;
		spec->disks = (unsigned)i + 1;
		if (all > FILES_MOST)
			return error_set(err,
			    "%s: its disks are made of more than %u files; "
			    "shorten the chains of backing files",
			    vm->name, FILES_MOST);
	}
	return 0;
}

/* A socket that nobody listens on any more is in the way, and goes. */
static int
clear_socket(const char *name, const struct sockaddr_un *sun, struct error *err)
{
	int fd, rc;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = connect(fd, (const struct sockaddr *)sun, sizeof *sun);
	if (rc == -1 && errno == ECONNREFUSED)
		unlink(sun->sun_path);
	close(fd);
	if (rc == 0)
		return error_set(err,
		    "a process of %s that the backend does not know listens on "
		    "%s: end that one first",
		    name, sun->sun_path);
	return 0;
}

static int
open_socket(const struct backend *b, const char *name, struct guest_spec *spec,
    struct error *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (paths_guest_socket(sun.sun_path, sizeof sun.sun_path, name, err) ==
		-1 ||
	    clear_socket(name, &sun, err) == -1)
		return -1;
	spec->listen_fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (spec->listen_fd == -1)
		return error_set(err, "cannot make the socket %s: %s",
		    sun.sun_path, strerror(errno));
	if (bind(spec->listen_fd, (struct sockaddr *)&sun, sizeof sun) == -1) {
		error_set(err, "cannot make the socket %s: %s", sun.sun_path,
		    strerror(errno));
		close(spec->listen_fd);
		spec->listen_fd = -1;
		return -1;
	}
	if (chmod(sun.sun_path, 0600) == -1 ||
	    listen(spec->listen_fd, GUEST_BACKLOG) == -1)
		return error_set(err, "cannot listen on %s: %s", sun.sun_path,
		    strerror(errno));
	spec->rights = access_socket(b, name);
	return 0;
}

int
prepare_guest(struct backend *b, const struct config_vm *vm,
    struct guest_spec *spec, struct plugged *plugged, struct error *err)
{
	bool bound;

	memset(plugged, 0, sizeof *plugged);
	spec_init(spec);
	if (config_vm_complete(b->config, vm, err) == 0 &&
	    check_known(vm, err) == 0 && check_memory(vm, err) == 0 &&
	    check_hugepages(vm, err) == 0 && copy_text(spec, vm, err) == 0 &&
	    take_pins(vm, spec, err) == 0 && open_boot(vm, spec, err) == 0 &&
	    open_disks(vm, spec, err) == 0 && open_kvm(vm, spec, err) == 0 &&
	    network_check(b, vm, err) == 0 &&
	    open_socket(b, vm->name, spec, err) == 0 &&
	    network_open(b, vm, spec, plugged, err) == 0)
		return 0;
	bound = spec->listen_fd != -1;
	spec_clear(spec);
	if (bound)
		prepare_undo(b, vm->name, plugged, true);
	return -1;
}

void
prepare_undo(
    struct backend *b, const char *name, struct plugged *plugged, bool switches)
{
	char path[108];
	struct error err;

	if (paths_guest_socket(path, sizeof path, name, &err) == 0)
		unlink(path);
	spawn_forget(name);
	network_undo(b, plugged, switches);
}
