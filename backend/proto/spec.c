#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/conn.h"
#include "backend/proto/spec.h"
#include "backend/proto/text.h"

static void
init_disk(struct spec_disk *disk)
{
	unsigned i;

	for (i = 0; i < SPEC_MAX_FILES; i++)
		disk->file[i].fd = -1;
}

void
spec_init(struct guest_spec *spec)
{
	unsigned i;

	memset(spec, 0, sizeof *spec);
	spec->kvm_fd = spec->listen_fd = -1;
	spec->kernel_fd = spec->initrd_fd = spec->stream_fd = -1;
	spec->firmware_fd = spec->netrom_fd = -1;
	rights_init(&spec->rights);
	init_disk(&spec->cdrom);
	for (i = 0; i < SPEC_MAX_DISKS; i++)
		init_disk(&spec->disk[i]);
}

static void
close_fd(int fd)
{
	if (fd != -1)
		close(fd);
}

static void
clear_disk(struct spec_disk *disk)
{
	unsigned i;

	for (i = 0; i < SPEC_MAX_FILES; i++) {
		close_fd(disk->file[i].fd);
		free(disk->file[i].path);
	}
}

void
spec_clear(struct guest_spec *spec)
{
	unsigned i, n;

	close_fd(spec->kvm_fd);
	close_fd(spec->listen_fd);
	close_fd(spec->kernel_fd);
	close_fd(spec->initrd_fd);
	close_fd(spec->firmware_fd);
	close_fd(spec->stream_fd);
	close_fd(spec->netrom_fd);
	free(spec->firmware);
	free(spec->kernel);
	free(spec->initrd);
	free(spec->cmdline);
	clear_disk(&spec->cdrom);
	for (i = 0; i < SPEC_MAX_DISKS; i++)
		clear_disk(&spec->disk[i]);
	for (i = 0; i < SPEC_MAX_NICS; i++) {
		for (n = 0; n < spec->nic[i].taps; n++)
			close_fd(spec->nic[i].tap_fd[n]);
		for (n = 0; n < spec->nic[i].vhosts; n++)
			close_fd(spec->nic[i].vhost_fd[n]);
		free(spec->nic[i].no_vhost);
		free(spec->nic[i].ifname);
		free(spec->nic[i].bridge);
	}
	spec_init(spec);
}

/*
 * A descriptor in JSON is its place in the message's row of descriptors, -1
 * for none.
 */
static json_int_t
put_fd(int have, int *fd, unsigned *fds)
{
	if (have == -1 || *fds == CONN_MAX_FDS)
		return -1;
	fd[*fds] = have;
	return (json_int_t)(*fds)++;
}

static json_t *
encode_file(const struct spec_file *f, int *fd, unsigned *fds)
{
	return json_pack("{s:o, s:I, s:i, s:i, s:b}", "path",
	    text_json(f->path), "fd", put_fd(f->fd, fd, fds), "format",
	    (int)f->format, "role", (int)f->role, "readonly", f->readonly);
}

/* The image's own name and whether it is only read stand for themselves. */
static json_t *
encode_disk(const struct spec_disk *disk, int *fd, unsigned *fds)
{
	json_t *files = json_array();
	unsigned i;

	if (files == NULL)
		return NULL;
	for (i = 0; i < disk->files; i++)
		if (*fds == CONN_MAX_FDS ||
		    json_array_append_new(
			files, encode_file(&disk->file[i], fd, fds)) == -1) {
			json_decref(files);
			return NULL;
		}
	return json_pack("{s:o, s:b, s:s, s:i, s:o}", "path",
	    text_json(disk->file[0].path), "readonly", disk->file[0].readonly,
	    "bus", disk->scsi ? "scsi" : "virtio", "cache", (int)disk->cache,
	    "files", files);
}

static json_t *
encode_nic(const struct spec_nic *nic, int *fd, unsigned *fds)
{
	json_t *taps = json_array(), *vhosts = json_array();
	char mac[18];
	unsigned i;

	for (i = 0; i < nic->taps; i++)
		json_array_append_new(
		    taps, json_integer(put_fd(nic->tap_fd[i], fd, fds)));
	for (i = 0; i < nic->vhosts; i++)
		json_array_append_new(
		    vhosts, json_integer(put_fd(nic->vhost_fd[i], fd, fds)));
	snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", nic->mac[0],
	    nic->mac[1], nic->mac[2], nic->mac[3], nic->mac[4], nic->mac[5]);
	return json_pack("{s:o, s:o, s:s, s:i, s:b, s:o, s:b, s:o, s:o, s:I, "
			 "s:I}",
	    "tap", text_json(nic->ifname), "switch", text_json(nic->bridge),
	    "lladdr", mac, "mtu", (int)nic->mtu, "up", true, "fds", taps,
	    "vhost", nic->vhosts > 0, "vhost_fds", vhosts, "no_vhost",
	    text_json(nic->no_vhost), "received", (json_int_t)nic->received,
	    "sent", (json_int_t)nic->sent);
}

static json_t *
encode_uuid(const uint8_t *uuid)
{
	char text[2 * 16 + 1];
	unsigned i;

	for (i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", uuid[i]);
	return json_string(text);
}

static json_t *
encode_pins(const struct config_pins *pins)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < pins->n; i++)
		json_array_append_new(list, json_integer(pins->cpu[i]));
	return list;
}

/* What boots without a kernel. */
static json_t *
encode_firmware(const struct guest_spec *spec, int *fd, unsigned *fds)
{
	json_int_t bios = put_fd(spec->firmware_fd, fd, fds);
	json_int_t rom = put_fd(spec->netrom_fd, fd, fds);

	return json_pack("{s:o, s:I, s:I, s:b}", "path",
	    text_json(spec->firmware), "fd", bios, "netrom", rom, "log",
	    spec->firmware_log);
}

json_t *
spec_encode(const struct guest_spec *spec, int *fd, unsigned *fds)
{
	json_t *disks = json_array(), *nics = json_array();
	int failed = disks == NULL || nics == NULL;
	json_int_t kvm, sock, kernel, initrd, stream;
	unsigned i;

	*fds = 0;
	kvm = put_fd(spec->kvm_fd, fd, fds);
	sock = put_fd(spec->listen_fd, fd, fds);
	kernel = put_fd(spec->kernel_fd, fd, fds);
	initrd = put_fd(spec->initrd_fd, fd, fds);
	stream = put_fd(spec->stream_fd, fd, fds);
	for (i = 0; i < spec->disks && !failed; i++)
		failed = json_array_append_new(
		    disks, encode_disk(&spec->disk[i], fd, fds));
	for (i = 0; i < spec->nics && !failed; i++)
		failed = json_array_append_new(
		    nics, encode_nic(&spec->nic[i], fd, fds));
	if (failed) {
		json_decref(disks);
		json_decref(nics);
		return NULL;
	}
	return json_pack(
	    "{s:s, s:I, s:i, s:o, s:b, s:b, s:b, s:I, s:I, s:o, s:I, s:o, s:I, "
	    "s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:I}",
	    "name", spec->name, "memory", (json_int_t)spec->memory, "cpus",
	    (int)spec->cpus, "pin", encode_pins(&spec->pins), "hugepages",
	    spec->hugepages, "balloon", spec->balloon, "serial2", spec->serial2,
	    "kvm_fd", kvm, "listen_fd", sock, "kernel", text_json(spec->kernel),
	    "kernel_fd", kernel, "initrd", text_json(spec->initrd), "initrd_fd",
	    initrd, "cmdline", text_json(spec->cmdline), "boot",
	    (int)spec->boot, "firmware", encode_firmware(spec, fd, fds), "uuid",
	    encode_uuid(spec->uuid), "disks", disks, "cdrom",
	    spec->cdrom_drive ? encode_disk(&spec->cdrom, fd, fds)
			      : json_null(),
	    "nics", nics, "rights", rights_encode(&spec->rights), "stream_fd",
	    stream);
}

/* What is being decoded, and the row of descriptors it takes from. */
struct decoder {
	int *fd;
	unsigned fds;
	struct error *err;
};

static int
take_fd(struct decoder *d, json_int_t place, int *have)
{
	if (place == -1)
		return 0;
	if (place < 0 || place >= d->fds || d->fd[place] == -1)
		return error_set(
		    d->err, "a descriptor that the spec names did not come");
	*have = d->fd[place];
	d->fd[place] = -1;
	return 0;
}

static int
take_text(struct decoder *d, const char *value, char **have)
{
	if ((*have = strdup(value)) == NULL)
		return error_set(d->err, "no memory for the guest's spec");
	return 0;
}

static int
decode_file(struct decoder *d, json_t *json, struct spec_file *f)
{
	int readonly, format, role;
	json_int_t fd = -1;
	const char *path;
	json_error_t why;

	if (json_unpack_ex(json, &why, 0, "{s:s, s:I, s:i, s:i, s:b}", "path",
		&path, "fd", &fd, "format", &format, "role", &role, "readonly",
		&readonly) == -1)
		return error_set(d->err, "a disk in the spec: %s", why.text);
	f->readonly = readonly;
	f->format = (unsigned)format;
	f->role = (unsigned)role;
	if (take_text(d, path, &f->path) == -1)
		return -1;
	return take_fd(d, fd, &f->fd);
}

static int
decode_disk(struct decoder *d, json_t *json, struct spec_disk *disk)
{
	json_t *files = json_object_get(json, "files");
	size_t i, n = json_array_size(files);
	const char *bus;

	if (n == 0 || n > SPEC_MAX_FILES)
		return error_set(d->err,
		    "a disk in the spec has no files, or more than it may");
	for (i = 0; i < n; i++)
		if (decode_file(d, json_array_get(files, i), &disk->file[i]) ==
		    -1)
			return -1;
	disk->files = (unsigned)n;
	/* A guest of an older version that goes on here says neither. */
	bus = json_string_value(json_object_get(json, "bus"));
	disk->scsi = bus != NULL && strcmp(bus, "scsi") == 0;
	disk->cache =
	    (unsigned)json_integer_value(json_object_get(json, "cache"));
	return 0;
}

static int
decode_mac(struct decoder *d, const char *value, uint8_t mac[6])
{
	char rest;

	if (sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%c", &mac[0],
		&mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &rest) != 6)
		return error_set(
		    d->err, "%.40s in the spec is no hardware address", value);
	return 0;
}

/* A row of descriptors of an interface. */
static int
decode_fds(
    struct decoder *d, const json_t *list, int fd[SPEC_MAX_TAPS], unsigned *n)
{
	size_t i, most = json_array_size(list);

	if (most > SPEC_MAX_TAPS)
		return error_set(d->err,
		    "an interface in the spec has more than %u taps",
		    SPEC_MAX_TAPS);
	for (i = 0; i < most; i++) {
		fd[i] = -1;
		if (take_fd(d, json_integer_value(json_array_get(list, i)),
			&fd[i]) == -1)
			return -1;
		(*n)++;
	}
	return 0;
}

static int
decode_nic(struct decoder *d, json_t *json, struct spec_nic *nic)
{
	const char *tap, *sw, *mac, *no_vhost;
	json_error_t why;
	json_t *fds;

	if (json_unpack_ex(json, &why, 0, "{s:s, s:s, s:s, s:o}", "tap", &tap,
		"switch", &sw, "lladdr", &mac, "fds", &fds) == -1)
		return error_set(
		    d->err, "an interface in the spec: %s", why.text);
	if (take_text(d, tap, &nic->ifname) == -1 ||
	    take_text(d, sw, &nic->bridge) == -1 ||
	    decode_mac(d, mac, nic->mac) == -1)
		return -1;
	nic->mtu = (unsigned)json_integer_value(json_object_get(json, "mtu"));
	nic->received =
	    (uint64_t)json_integer_value(json_object_get(json, "received"));
	nic->sent = (uint64_t)json_integer_value(json_object_get(json, "sent"));
	/* What a backend of an earlier version does not say. */
	no_vhost = json_string_value(json_object_get(json, "no_vhost"));
	if (take_text(d, no_vhost != NULL ? no_vhost : "", &nic->no_vhost) ==
		-1 ||
	    decode_fds(d, fds, nic->tap_fd, &nic->taps) == -1)
		return -1;
	return decode_fds(
	    d, json_object_get(json, "vhost_fds"), nic->vhost_fd, &nic->vhosts);
}

static int
decode_lists(
    struct decoder *d, json_t *disks, json_t *nics, struct guest_spec *spec)
{
	unsigned i;

	if (json_array_size(disks) > SPEC_MAX_DISKS ||
	    json_array_size(nics) > SPEC_MAX_NICS)
		return error_set(d->err,
		    "the spec has more disks or interfaces than a guest may "
		    "have");
	spec->disks = (unsigned)json_array_size(disks);
	spec->nics = (unsigned)json_array_size(nics);
	for (i = 0; i < spec->disks; i++)
		if (decode_disk(d, json_array_get(disks, i), &spec->disk[i]) ==
		    -1)
			return -1;
	for (i = 0; i < spec->nics; i++)
		if (decode_nic(d, json_array_get(nics, i), &spec->nic[i]) == -1)
			return -1;
	return 0;
}

static int
decode_uuid(struct decoder *d, const char *text, uint8_t *uuid)
{
	unsigned i;

	if (strlen(text) != 32 || strspn(text, "0123456789abcdef") != 32)
		return error_set(d->err, "%.40s in the spec is no UUID", text);
	for (i = 0; i < 16; i++)
		sscanf(text + 2 * i, "%2hhx", &uuid[i]);
	return 0;
}

/* None where there is no list. */
static int
decode_pins(struct decoder *d, const json_t *list, struct config_pins *pins)
{
	size_t i, n = json_array_size(list);
	json_int_t cpu;

	if (n > CONFIG_CPUS_MAX)
		return error_set(
		    d->err, "the spec pins the guest to more CPUs than it may");
	for (i = 0; i < n; i++) {
		cpu = json_integer_value(json_array_get(list, i));
		if (cpu < 0 || cpu >= CONFIG_PIN_MAX)
			return error_set(d->err,
			    "the spec pins the guest to a CPU that no host "
			    "has");
		pins->cpu[i] = (uint16_t)cpu;
	}
	pins->n = (unsigned)n;
	return 0;
}

static int
decode_firmware(struct decoder *d, json_t *json, struct guest_spec *spec)
{
	int log;
	json_int_t fd = -1, rom = -1;
	const char *path;
	json_error_t why;

	if (json_unpack_ex(json, &why, 0, "{s:s, s:I, s:I, s:b}", "path", &path,
		"fd", &fd, "netrom", &rom, "log", &log) == -1)
		return error_set(
		    d->err, "the firmware in the spec: %s", why.text);
	spec->firmware_log = log;
	if (take_text(d, path, &spec->firmware) == -1 ||
	    take_fd(d, fd, &spec->firmware_fd) == -1)
		return -1;
	return take_fd(d, rom, &spec->netrom_fd);
}

static int
decode(struct decoder *d, json_t *json, struct guest_spec *spec)
{
	json_int_t memory, kvm, sock, kernel_fd, initrd_fd, stream_fd = -1;
	const char *name, *kernel, *initrd, *cmdline, *uuid;
	json_t *disks, *nics, *firmware, *cdrom;
	int cpus, hugepages, boot;
	json_error_t why;

	if (json_unpack_ex(json, &why, 0,
		"{s:s, s:I, s:i, s:b, s:I, s:I, s:s, s:I, s:s, s:I, s:s, s:i, "
		"s:o, s:s, s:o, s:o, s:o, s?I}",
		"name", &name, "memory", &memory, "cpus", &cpus, "hugepages",
		&hugepages, "kvm_fd", &kvm, "listen_fd", &sock, "kernel",
		&kernel, "kernel_fd", &kernel_fd, "initrd", &initrd,
		"initrd_fd", &initrd_fd, "cmdline", &cmdline, "boot", &boot,
		"firmware", &firmware, "uuid", &uuid, "disks", &disks, "cdrom",
		&cdrom, "nics", &nics, "stream_fd", &stream_fd) == -1)
		return error_set(d->err, "the guest's spec: %s", why.text);
	if (strlen(name) > SPEC_NAME_MAX || memory <= 0 || cpus < 1 ||
	    boot < 0 || boot > CONFIG_BOOT_NET)
		return error_set(d->err,
		    "the guest's spec has a name, memory, cpus or boot device "
		    "that no guest can have");
	memcpy(spec->name, name, strlen(name) + 1);
	spec->memory = (uint64_t)memory;
	spec->cpus = (unsigned)cpus;
	spec->hugepages = hugepages;
	spec->balloon = json_is_true(json_object_get(json, "balloon"));
	spec->serial2 = json_is_true(json_object_get(json, "serial2"));
	spec->boot = (enum config_boot)boot;
	rights_decode(json_object_get(json, "rights"), &spec->rights);
	if (take_text(d, kernel, &spec->kernel) == -1 ||
	    take_text(d, initrd, &spec->initrd) == -1 ||
	    take_text(d, cmdline, &spec->cmdline) == -1 ||
	    take_fd(d, kvm, &spec->kvm_fd) == -1 ||
	    take_fd(d, sock, &spec->listen_fd) == -1 ||
	    take_fd(d, kernel_fd, &spec->kernel_fd) == -1 ||
	    take_fd(d, initrd_fd, &spec->initrd_fd) == -1 ||
	    take_fd(d, stream_fd, &spec->stream_fd) == -1 ||
	    decode_firmware(d, firmware, spec) == -1 ||
	    decode_uuid(d, uuid, spec->uuid) == -1 ||
	    decode_pins(d, json_object_get(json, "pin"), &spec->pins) == -1)
		return -1;
	spec->cdrom_drive = !json_is_null(cdrom);
	if (json_array_size(json_object_get(cdrom, "files")) > 0 &&
	    decode_disk(d, cdrom, &spec->cdrom) == -1)
		return -1;
	return decode_lists(d, disks, nics, spec);
}

int
spec_decode(const json_t *json, int *fd, unsigned fds, struct guest_spec *spec,
    struct error *err)
{
	struct decoder d = {fd, fds, err};

	spec_init(spec);
	/* json_unpack() takes no const, though it changes nothing. */
	if (decode(&d, (json_t *)(uintptr_t)json, spec) == 0)
		return 0;
	spec_clear(spec);
	return -1;
}
