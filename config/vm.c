/* Guests made up on the spot, copied, filled in from a template. */
#include <stdlib.h>
#include <string.h>

#include "config/item.h"
#include "config/mem.h"
#include "config/mistake.h"

struct config_vm *
config_vm_new(const char *name, struct error *err)
{
	struct config_vm *vm;

	if (config_name_check(name, err) == -1) {
		error_prefix(err, "\"%s\": ", name);
		return NULL;
	}
	vm = mem_zeroed(sizeof *vm);
	vm->name = mem_dup(name);
	values_fallback(config_keys(CONFIG_VM), vm);
	return vm;
}

int
config_vm_set(struct config_vm *vm, const char *name, const char *value,
    const char *folder, struct error *err)
{
	const struct config_key *keys = config_keys(CONFIG_VM), *key;
	const struct value_from from = {.folder = folder, .line = 0};
	const char *names[VALUE_NAMES];
	char hint[80];

	key = config_key_find(keys, name);
	if (key == NULL) {
		value_names(keys, names);
		return error_set(err, "a guest has no key \"%s\"%s", name,
		    mistake_hint(name, names, hint, sizeof hint));
	}
	if (value_set(key, vm, value, &from, err) == -1)
		return -1;
	vm->lines[key - keys] = -1;
	return 0;
}

void
config_vm_inherit(struct config_vm *vm, const struct config_vm *template)
{
	const struct config_key *keys = config_keys(CONFIG_VM), *key;
	struct config_interface *nic;
	size_t i;

	for (key = keys; key->name != NULL; key++) {
		if (key->kind == CONFIG_K_VM || vm->lines[key - keys] != 0 ||
		    template->lines[key - keys] == 0)
			continue;
		value_free(key, vm);
		value_copy(key, vm, template);
		vm->lines[key - keys] = template->lines[key - keys];
		if (key->kind != CONFIG_K_INTERFACE)
			continue;
		/* Two guests must not be one on the network. */
		for (i = 0; i < vm->ninterfaces; i++) {
			nic = &vm->interfaces[i];
			nic->has_lladdr = false;
			memset(nic->lladdr, 0, sizeof nic->lladdr);
			free(nic->tap);
			nic->tap = NULL;
		}
	}
}

struct config_vm *
config_vm_copy(const struct config_vm *vm)
{
	struct config_vm *copy = mem_zeroed(sizeof *copy);
	const struct config_key *key;

	copy->name = mem_dup(vm->name);
	copy->line = vm->line;
	memcpy(copy->lines, vm->lines, sizeof copy->lines);
	for (key = config_keys(CONFIG_VM); key->name != NULL; key++)
		value_copy(key, copy, vm);
	return copy;
}

void
config_vm_free(struct config_vm *vm)
{
	if (vm == NULL)
		return;
	values_free(config_keys(CONFIG_VM), vm);
	free(vm->name);
	free(vm);
}

const char *
config_vm_disc(const struct config_vm *vm)
{
	if (vm->cdrom == NULL || strcmp(vm->cdrom, CONFIG_EMPTY) == 0)
		return NULL;
	return vm->cdrom;
}

int
config_vm_line(const struct config_vm *vm, const char *name)
{
	const struct config_key *keys = config_keys(CONFIG_VM), *key;
	int line;

	key = config_key_find(keys, name);
	line = key == NULL ? 0 : vm->lines[key - keys];
	return line > 0 ? line : vm->line;
}

int
config_vm_blame(const char *path, const struct config_vm *vm, const char *name,
    struct error *err)
{
	int line = config_vm_line(vm, name);

	if (path == NULL || line == 0)
		return -1;
	return error_prefix(err, "%s:%d: ", path, line);
}

/* Has what it boots from. */
static int
check_boot(const char *path, const struct config_vm *vm, struct error *err)
{
	const char *key = NULL;

	if (vm->boot == CONFIG_BOOT_NET && vm->ninterfaces == 0) {
		error_set(err,
		    "%s boots from the network and has no interface: add "
		    "interface = switch=NAME",
		    vm->name);
		return config_vm_blame(path, vm, "boot", err);
	}
	if (vm->kernel != NULL)
		return 0;
	if (vm->initrd != NULL)
		key = "initrd";
	else if (vm->cmdline != NULL)
		key = "cmdline";
	if (key != NULL) {
		error_set(err,
		    "%s has %s and no kernel to go with it: add kernel = PATH",
		    vm->name, key);
		return config_vm_blame(path, vm, key, err);
	}
	if (vm->boot == CONFIG_BOOT_CDROM &&
	    (vm->cdrom == NULL ||
		(config_vm_disc(vm) == NULL && vm->ndisks == 0))) {
		error_set(err,
		    "%s boots from its CD-ROM and has none: add cdrom = PATH",
		    vm->name);
		return config_vm_blame(path, vm, "boot", err);
	}
	if (vm->ndisks == 0 && config_vm_disc(vm) == NULL &&
	    vm->boot != CONFIG_BOOT_NET) {
		error_set(err,
		    "%s has nothing to boot: add kernel = PATH, disk = PATH or "
		    "cdrom = PATH",
		    vm->name);
		return config_vm_blame(path, vm, "kernel", err);
	}
	return 0;
}

int
config_vm_complete(
    const struct config *cfg, const struct config_vm *vm, struct error *err)
{
	const char *path = cfg == NULL ? NULL : cfg->path;
	const struct config_interface *nic;
	size_t i;

	if (check_boot(path, vm, err) == -1)
		return -1;
	for (i = 0; i < vm->ninterfaces; i++) {
		nic = &vm->interfaces[i];
		if (nic->net != CONFIG_NET_SWITCH ||
		    (cfg != NULL &&
			config_find_switch(cfg, nic->switch_name) != NULL))
			continue;
		error_set(err,
		    "%s is plugged into switch %s, which is not defined: add "
		    "[switch %s]",
		    vm->name, nic->switch_name, nic->switch_name);
		return config_vm_blame(path, vm, "interface", err);
	}
	return 0;
}
