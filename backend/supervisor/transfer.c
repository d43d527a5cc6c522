#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/proto/proto.h"
#include "backend/proto/stream.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/start.h"
#include "backend/supervisor/transfer.h"
#include "config/size.h"

static void
on_sent(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	struct request *rq = arg;
	struct error err;

	if (why != NULL) {
		error_set(&err, "%s: %s", g->name, why);
		request_error(rq, PROTO_E_GENERIC, err.text);
	} else {
		request_wait(rq, g, false);
	}
}

void
transfer_send(struct request *rq, struct guest *g)
{
	int fd = rq->fd;

	if (fd == -1) {
		request_error(rq, PROTO_E_GENERIC,
		    "send comes with one descriptor to write to");
		return;
	}
	if (strcmp(g->state, PROTO_STARTING) == 0) {
		request_error(rq, PROTO_E_STATE,
		    "it is still starting: try again in a second");
		return;
	}
	/* Whoever reads the other end waits for the last copy to go. */
	rq->fd = -1;
	process_give(g, "send", NULL, fd, 0, on_sent, rq);
	close(fd);
}

void
transfer_told(struct guest *g, json_t *data)
{
	clients_event(g->b, "SENDING",
	    json_pack("{s:s, s:O, s:O}", "name", g->name, "done",
		json_object_get(data, "done"), "total",
		json_object_get(data, "total")));
}

static const char *
text_of(const json_t *head, const char *key)
{
	return json_string_value(json_object_get(head, key));
}

static enum config_bus
bus_of(const json_t *disk)
{
	const char *bus = text_of(disk, "bus");

	return bus != NULL && strcmp(bus, "scsi") == 0 ? CONFIG_BUS_SCSI
						       : CONFIG_BUS_VIRTIO;
}

static bool
same_count(size_t have, const json_t *head, const char *key, const char *what,
    const char *name, struct error *err)
{
	size_t want = json_array_size(json_object_get(head, key));

	if (have == want)
		return true;
	error_set(err,
	    "%s is defined with %zu %s and the guest in the stream has %zu: "
	    "define it as it was, or receive it under a name that is not "
	    "defined",
	    name, have, what, want);
	return false;
}

/* Whether the definition makes the machine that was sent. */
static int
check_same(const struct config_vm *vm, const json_t *head, struct error *err)
{
	json_int_t memory = json_integer_value(json_object_get(head, "memory"));
	json_int_t cpus = json_integer_value(json_object_get(head, "cpus"));
	char want[24], have[24];
	size_t i;

	if ((uint64_t)memory != vm->memory)
		return error_set(err,
		    "%s is defined with %s of memory and the guest in the "
		    "stream has %s: define it as it was, or receive it under a "
		    "name that is not defined",
		    vm->name, size_exact(vm->memory, have, sizeof have),
		    size_exact((uint64_t)memory, want, sizeof want));
	if (cpus != vm->cpus)
		return error_set(err,
		    "%s is defined with %u CPUs and the guest in the stream "
		    "has %lld: define it as it was, or receive it under a name "
		    "that is not defined",
		    vm->name, vm->cpus, (long long)cpus);
	if (!same_count(vm->ndisks, head, "disks", "disks", vm->name, err) ||
	    !same_count(
		vm->ninterfaces, head, "nics", "interfaces", vm->name, err))
		return -1;
	for (i = 0; i < vm->ndisks; i++)
		if (vm->disks[i].bus !=
		    bus_of(json_array_get(json_object_get(head, "disks"), i)))
			return error_set(err,
			    "%s is defined with %s on another bus than the "
			    "guest in the stream has it: define it as it was, "
			    "or receive it under a name that is not defined",
			    vm->name, vm->disks[i].path);
	if ((vm->cdrom != NULL) != (text_of(head, "cdrom")[0] != '\0') ||
	    vm->balloon != json_is_true(json_object_get(head, "balloon")) ||
	    vm->serial2 != json_is_true(json_object_get(head, "serial2")) ||
	    (vm->kernel != NULL) != (text_of(head, "kernel")[0] != '\0') ||
	    (vm->kernel == NULL &&
		vm->firmware_log !=
		    json_is_true(json_object_get(head, "firmware-log"))))
		return error_set(err,
		    "%s is defined with another cdrom, balloon, serial2, "
		    "kernel or firmware-log than the guest in the stream has: define it as it was, or "
		    "receive it under a name that is not defined",
		    vm->name);
	return 0;
}

/* A path or text of the stream, as it is: no file's rules to quote it by. */
static int
copy_text(char **to, const json_t *head, const char *key, struct error *err)
{
	const char *text = text_of(head, key);

	if (text[0] == '\0')
		return 0;
	if (strcmp(key, "cmdline") != 0 && text[0] != '/' &&
	    (strcmp(key, "cdrom") != 0 || strcmp(text, CONFIG_EMPTY) != 0))
		return error_set(
		    err, "the stream has a %s without a whole path", key);
	free(*to);
	if ((*to = strdup(text)) == NULL)
		return error_set(err, "no memory for the guest");
	return 0;
}

static int
add_disk(struct config_vm *vm, const json_t *one, struct error *err)
{
	json_int_t format = json_integer_value(json_object_get(one, "format"));
	json_int_t cache = json_integer_value(json_object_get(one, "cache"));
	struct config_disk *d;

	if (config_vm_set(vm, "disk", "/", "/", err) == -1)
		return -1;
	d = &vm->disks[vm->ndisks - 1];
	d->format = format == BLOCK_FORMAT_QCOW2 ? CONFIG_FORMAT_QCOW2
						 : CONFIG_FORMAT_RAW;
	d->readonly = json_is_true(json_object_get(one, "readonly"));
	d->bus = bus_of(one);
	if (cache == BLOCK_CACHE_NONE)
		d->cache = CONFIG_CACHE_NONE;
	else if (cache == BLOCK_CACHE_UNSAFE)
		d->cache = CONFIG_CACHE_UNSAFE;
	return copy_text(&d->path, one, "path", err);
}

static int
add_interface(struct config_vm *vm, const json_t *one, struct error *err)
{
	const char *sw = text_of(one, "switch");
	struct config_interface *nic;

	if (config_vm_set(vm, "interface", "local", "/", err) == -1)
		return -1;
	nic = &vm->interfaces[vm->ninterfaces - 1];
	nic->net = sw[0] != '\0' ? CONFIG_NET_SWITCH : CONFIG_NET_TAP;
	if (sw[0] != '\0' && (nic->switch_name = strdup(sw)) == NULL)
		return error_set(err, "no memory for the guest");
	return 0;
}

static int
set_number(
    struct config_vm *vm, const char *key, json_int_t n, struct error *err)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)n);
	return config_vm_set(vm, key, text, "/", err);
}

static int
fill(struct config_vm *vm, const json_t *head, struct error *err)
{
	json_t *one;
	size_t i;

	if (set_number(vm, "memory",
		json_integer_value(json_object_get(head, "memory")),
		err) == -1 ||
	    set_number(vm, "cpus",
		json_integer_value(json_object_get(head, "cpus")), err) == -1 ||
	    copy_text(&vm->kernel, head, "kernel", err) == -1 ||
	    copy_text(&vm->initrd, head, "initrd", err) == -1 ||
	    copy_text(&vm->cmdline, head, "cmdline", err) == -1 ||
	    copy_text(&vm->firmware, head, "firmware", err) == -1 ||
	    copy_text(&vm->cdrom, head, "cdrom", err) == -1)
		return -1;
	json_array_foreach (json_object_get(head, "disks"), i, one)
		if (add_disk(vm, one, err) == -1)
			return -1;
	json_array_foreach (json_object_get(head, "nics"), i, one)
		if (add_interface(vm, one, err) == -1)
			return -1;
	vm->boot =
	    (enum config_boot)json_integer_value(json_object_get(head, "boot"));
	vm->hugepages = json_is_true(json_object_get(head, "hugepages"));
	vm->balloon = json_is_true(json_object_get(head, "balloon"));
	vm->serial2 = json_is_true(json_object_get(head, "serial2"));
	vm->firmware_log = json_is_true(json_object_get(head, "firmware-log"));
	return 0;
}

/* One that no file defines, as the stream has it. For config_vm_free(). */
static struct config_vm *
made_up(const char *name, const json_t *head, struct error *err)
{
	struct config_vm *vm = config_vm_new(name, err);

	if (vm != NULL && fill(vm, head, err) == -1) {
		error_prefix(err, "the guest in the stream: ");
		config_vm_free(vm);
		return NULL;
	}
	return vm;
}

/* The head; the file is then where it was. */
static json_t *
look(int fd, struct error *err)
{
	struct stream_reader in = {.fd = fd};
	off_t at = lseek(fd, 0, SEEK_CUR);
	struct stat st;
	json_t *head;
	int flags = fcntl(fd, F_GETFL);

	if (at == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    flags == -1 || (flags & O_ACCMODE) == O_WRONLY) {
		error_set(err,
		    "receive comes with one descriptor: a regular "
		    "file to read");
		return NULL;
	}
	head = stream_get_head(&in, err);
	lseek(fd, at, SEEK_SET);
	return head;
}

static int
receive(struct request *rq, const char *name, const json_t *head,
    process_started *started, struct error *err)
{
	const struct config_vm *vm = config_find_vm(rq->b->config, name);
	struct config_vm *own = NULL;
	int fd, rc;

	if (vm == NULL) {
		own = made_up(name, head, err);
	} else if (check_same(vm, head, err) == 0) {
		/* The disc that was in the drive is in it again. */
		own = config_vm_copy(vm);
		if (copy_text(&own->cdrom, head, "cdrom", err) == -1) {
			config_vm_free(own);
			own = NULL;
		}
	}
	if (own == NULL)
		return -1;
	fd = rq->fd;
	rq->fd = -1;
	rc = start_received(rq->b, own, fd, head, started, rq, err);
	config_vm_free(own);
	return rc;
}

void
transfer_receive(struct request *rq, const char *name, process_started *started)
{
	struct guest *g;
	struct error err;
	json_t *head;

	if (name == NULL || rq->fd == -1) {
		request_error(rq, PROTO_E_GENERIC,
		    "receive takes the \"name\" of a guest and comes with one "
		    "descriptor");
		return;
	}
	if ((g = registry_find_any(rq->b, name)) != NULL)
		name = g->name;
	if ((head = look(rq->fd, &err)) == NULL ||
	    receive(rq, name, head, started, &err) == -1)
		request_error(rq, PROTO_E_GENERIC, err.text);
	json_decref(head);
}
