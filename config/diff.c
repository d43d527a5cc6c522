#include <string.h>

#include "config/diff.h"

typedef void change_fn(const struct config_change *, void *);

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_disks(const struct config_vm *a, const struct config_vm *b)
{
	const struct config_disk *x, *y;
	size_t i;

	for (i = 0; i < a->ndisks && i < b->ndisks; i++) {
		x = &a->disks[i];
		y = &b->disks[i];
		if (!same_text(x->path, y->path) || x->format != y->format ||
		    x->cache != y->cache || x->bus != y->bus ||
		    x->readonly != y->readonly)
			return false;
	}
	return a->ndisks == b->ndisks;
}

static bool
same_forwards(
    const struct config_interface *a, const struct config_interface *b)
{
	size_t i;

	for (i = 0; i < a->nforwards && i < b->nforwards; i++)
		if (a->forwards[i].proto != b->forwards[i].proto ||
		    a->forwards[i].host_port != b->forwards[i].host_port ||
		    a->forwards[i].guest_port != b->forwards[i].guest_port)
			return false;
	return a->nforwards == b->nforwards;
}

/* but_rules: what they may send does not count. */
static bool
same_interfaces(
    const struct config_vm *a, const struct config_vm *b, bool but_rules)
{
	const struct config_interface *x, *y;
	size_t i;

	for (i = 0; i < a->ninterfaces && i < b->ninterfaces; i++) {
		x = &a->interfaces[i];
		y = &b->interfaces[i];
		if (x->net != y->net || x->has_lladdr != y->has_lladdr ||
		    memcmp(x->lladdr, y->lladdr, sizeof x->lladdr) != 0 ||
		    x->vhost != y->vhost ||
		    (!but_rules && x->locked != y->locked) ||
		    !same_forwards(x, y) ||
		    !same_text(x->switch_name, y->switch_name) ||
		    !same_text(x->tap, y->tap))
			return false;
	}
	return a->ninterfaces == b->ninterfaces;
}

static bool
same_adds(const struct config_switch *a, const struct config_switch *b)
{
	size_t i;

	for (i = 0; i < a->nadds && i < b->nadds; i++)
		if (strcmp(a->adds[i].name, b->adds[i].name) != 0)
			return false;
	return a->nadds == b->nadds;
}

/* Whether the key has the same value in both structs. */
static bool
same_value(const struct config_key *key, const void *a, const void *b)
{
	const char *x = (const char *)a + key->offset;
	const char *y = (const char *)b + key->offset;
	const struct config_vm *v = a, *w = b;
	const struct config_switch *s = a, *t = b;

	switch (key->kind) {
	case CONFIG_K_SIZE:
		return memcmp(x, y, sizeof(uint64_t)) == 0;
	case CONFIG_K_NUMBER:
	case CONFIG_K_WORDS:
		return memcmp(x, y, sizeof(unsigned)) == 0;
	case CONFIG_K_BOOL:
	case CONFIG_K_FLAG:
		return memcmp(x, y, sizeof(bool)) == 0;
	case CONFIG_K_CHOICE:
		return memcmp(x, y, sizeof(int)) == 0;
	case CONFIG_K_OWNER:
		return same_text(v->owner_user, w->owner_user) &&
		    same_text(v->owner_group, w->owner_group);
	case CONFIG_K_DISK:
		return same_disks(v, w);
	case CONFIG_K_INTERFACE:
		return same_interfaces(v, w, false);
	case CONFIG_K_IFNAMES:
		return same_adds(s, t);
	case CONFIG_K_ADDRESS:
		return s->address.s_addr == t->address.s_addr &&
		    s->prefix == t->prefix;
	default:
		return same_text(*(char *const *)(const void *)x,
		    *(char *const *)(const void *)y);
	}
}

static void
compare(enum config_section_kind kind, const char *name, const void *a,
    const void *b, change_fn *each, void *arg)
{
	struct config_change change = {
	    .kind = kind, .name = name, .what = CONFIG_CHANGED};
	const struct config_key *key;

	if (kind == CONFIG_VM) {
		change.before = a;
		change.after = b;
	}
	for (key = config_keys(kind); key->name != NULL; key++)
		if (!same_value(key, a, b))
			change.keys[change.nkeys++] = key;
	if (change.nkeys > 0)
		each(&change, arg);
}

static void
whole(enum config_section_kind kind, const char *name, bool added,
    change_fn *each, void *arg)
{
	struct config_change change = {.kind = kind,
	    .name = name,
	    .what = added ? CONFIG_ADDED : CONFIG_REMOVED};

	each(&change, arg);
}

bool
config_change_at_once(const struct config_change *c, size_t n)
{
	const struct config_key *key = c->keys[n];

	/* A disc can be changed at any time; a drive cannot come or go. */
	if (c->before != NULL &&
	    key->offset == offsetof(struct config_vm, cdrom) &&
	    (c->before->cdrom == NULL) != (c->after->cdrom == NULL))
		return false;
	/* The host changes what is let through; the guest has no part in it. */
	if (c->before != NULL && key->kind == CONFIG_K_INTERFACE)
		return same_interfaces(c->before, c->after, true);
	return key->at_once;
}

void
config_diff(
    const struct config *a, const struct config *b, change_fn *each, void *arg)
{
	const struct config_switch *sw;
	const struct config_vm *vm;
	size_t i;

	compare(CONFIG_VMTUI, "", &a->global, &b->global, each, arg);
	for (i = 0; i < a->nswitches; i++)
		if (config_find_switch(b, a->switches[i].name) == NULL)
			whole(CONFIG_SWITCH, a->switches[i].name, false, each,
			    arg);
	for (i = 0; i < b->nswitches; i++) {
		sw = config_find_switch(a, b->switches[i].name);
		if (sw == NULL)
			whole(CONFIG_SWITCH, b->switches[i].name, true, each,
			    arg);
		else
			compare(CONFIG_SWITCH, sw->name, sw, &b->switches[i],
			    each, arg);
	}
	for (i = 0; i < a->nvms; i++)
		if (config_find_vm(b, a->vms[i].name) == NULL)
			whole(CONFIG_VM, a->vms[i].name, false, each, arg);
	for (i = 0; i < b->nvms; i++) {
		vm = config_find_vm(a, b->vms[i].name);
		if (vm == NULL)
			whole(CONFIG_VM, b->vms[i].name, true, each, arg);
		else
			compare(CONFIG_VM, vm->name, vm, &b->vms[i], each, arg);
	}
}
