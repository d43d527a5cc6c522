/* Values of a whole table: fallbacks, copies, and taking them apart. */
#include <stdlib.h>
#include <string.h>

#include "config/item.h"
#include "config/mem.h"

static bool
is_string(const struct config_key *key)
{
	return key->kind == CONFIG_K_TEXT || key->kind == CONFIG_K_PATH ||
	    key->kind == CONFIG_K_NAME || key->kind == CONFIG_K_VM ||
	    key->kind == CONFIG_K_SWITCH || key->kind == CONFIG_K_IFNAME ||
	    key->kind == CONFIG_K_CPUS;
}

/* The bytes of values that own nothing; 0 for all others. */
static size_t
plain_size(const struct config_key *key)
{
	switch (key->kind) {
	case CONFIG_K_SIZE:
		return sizeof(uint64_t);
	case CONFIG_K_NUMBER:
	case CONFIG_K_WORDS:
		return sizeof(unsigned);
	case CONFIG_K_BOOL:
	case CONFIG_K_FLAG:
		return sizeof(bool);
	case CONFIG_K_CHOICE:
		return sizeof(int);
	default:
		return 0;
	}
}

static void
copy_owner(struct config_vm *to, const struct config_vm *from)
{
	to->owner_user = mem_dup(from->owner_user);
	to->owner_group = mem_dup(from->owner_group);
}

void
value_copy(const struct config_key *key, void *to, const void *from)
{
	size_t plain = plain_size(key);
	char *dst = (char *)to + key->offset;
	const char *src = (const char *)from + key->offset;

	if (is_string(key))
		*(char **)dst = mem_dup(*(char *const *)src);
	else if (plain > 0)
		memcpy(dst, src, plain);
	else if (key->kind == CONFIG_K_OWNER)
		copy_owner(to, from);
	else if (key->kind == CONFIG_K_DISK)
		item_disks_copy(to, from);
	else if (key->kind == CONFIG_K_INTERFACE)
		item_interfaces_copy(to, from);
}

static void
free_adds(struct config_switch *sw)
{
	size_t i;

	for (i = 0; i < sw->nadds; i++)
		free(sw->adds[i].name);
	free(sw->adds);
	sw->adds = NULL;
	sw->nadds = 0;
}

void
value_free(const struct config_key *key, void *base)
{
	char **at = (char **)(void *)((char *)base + key->offset);
	struct config_vm *vm;

	if (is_string(key)) {
		free(*at);
		*at = NULL;
		return;
	}
	switch (key->kind) {
	case CONFIG_K_OWNER:
		vm = base;
		free(vm->owner_user);
		free(vm->owner_group);
		vm->owner_user = vm->owner_group = NULL;
		break;
	case CONFIG_K_DISK:
		item_disks_free(base);
		break;
	case CONFIG_K_INTERFACE:
		item_interfaces_free(base);
		break;
	case CONFIG_K_IFNAMES:
		free_adds(base);
		break;
	default:
		break;
	}
}

void
values_fallback(const struct config_key *table, void *base)
{
	static const struct value_from nowhere = {.folder = "/", .line = 0};

	for (; table->name != NULL; table++)
		if (table->fallback != NULL)
			value_set(table, base, table->fallback, &nowhere, NULL);
}

void
values_free(const struct config_key *table, void *base)
{
	for (; table->name != NULL; table++)
		value_free(table, base);
}

void
value_names(const struct config_key *table, const char *list[VALUE_NAMES])
{
	size_t i;

	for (i = 0; table[i].name != NULL; i++)
		list[i] = table[i].name;
	list[i] = NULL;
}
