#include <string.h>

#include "backend/supervisor/adhoc.h"

/* An interface that is plugged into nothing; a file has no words for it. */
static int
add_bare_interface(struct config_vm *vm, const char *folder, struct error *err)
{
	if (config_vm_set(vm, "interface", "local", folder, err) == -1)
		return -1;
	vm->interfaces[vm->ninterfaces - 1].net = CONFIG_NET_TAP;
	return 0;
}

static int
set_one(struct config_vm *vm, const char *key, json_t *value,
    const char *folder, struct error *err)
{
	const char *text = json_string_value(value);

	if (text == NULL)
		return error_set(
		    err, "%s: the value of %.40s is no text", vm->name, key);
	if (strcmp(key, "interface") == 0 && text[0] == '\0')
		return add_bare_interface(vm, folder, err);
	if (config_vm_set(vm, key, text, folder, err) == -1)
		return error_prefix(err, "%s: ", vm->name);
	return 0;
}

static int
set_all(struct config_vm *vm, json_t *definition, const char *folder,
    struct error *err)
{
	json_t *value, *one;
	const char *key;
	size_t i;

	json_object_foreach (definition, key, value) {
		if (strcmp(key, "name") == 0)
			continue;
		if (!json_is_array(value)) {
			if (set_one(vm, key, value, folder, err) == -1)
				return -1;
			continue;
		}
		json_array_foreach (value, i, one)
			if (set_one(vm, key, one, folder, err) == -1)
				return -1;
	}
	return 0;
}

static int
inherit(const struct backend *b, struct config_vm *vm, struct error *err)
{
	const struct config_vm *template;

	if (vm->instance_of == NULL)
		return 0;
	template = config_find_vm(b->config, vm->instance_of);
	if (template == NULL) {
		config_no_vm(b->config, vm->instance_of, err);
		return error_prefix(err, "%s: ", vm->name);
	}
	config_vm_inherit(vm, template);
	return 0;
}

struct config_vm *
adhoc_definition(const struct backend *b, json_t *definition,
    const char *folder, struct error *err)
{
	const char *name;
	struct config_vm *vm;

	name = json_string_value(json_object_get(definition, "name"));
	if (name == NULL) {
		error_set(err, "a definition needs a \"name\"");
		return NULL;
	}
	if (config_find_vm(b->config, name) != NULL) {
		error_set(err,
		    "%s is defined in %s: start it without options, or choose "
		    "another name",
		    name, b->config_path);
		return NULL;
	}
	if (folder == NULL || folder[0] != '/')
		folder = "/";
	if ((vm = config_vm_new(name, err)) == NULL)
		return NULL;
	if (set_all(vm, definition, folder, err) == -1 ||
	    inherit(b, vm, err) == -1) {
		config_vm_free(vm);
		return NULL;
	}
	return vm;
}
