#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/item.h"
#include "config/mem.h"
#include "config/mistake.h"

/* One word of a list, taken apart. */
struct word {
	char *name; /* before the "=", or all of it */
	char *value; /* behind it; NULL: there is no "=" */
};

static char *
trimmed(const char *s, size_t len)
{
	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	/* "/a, b.img" in quotes is one word, comma and all. */
	if (len >= 2 && s[0] == '"' && s[len - 1] == '"') {
		s++;
		len -= 2;
	}
	return mem_dup_n(s, len);
}

/*
 * The word at *at, up to a comma outside of quotes; *at moves behind it, to
 * NULL at the end. For free().
 */
static char *
next_word(const char **at)
{
	const char *p, *start = *at;
	bool quoted = false;

	for (p = start; *p != '\0' && (quoted || *p != ','); p++)
		if (*p == '"')
			quoted = !quoted;
	*at = *p == ',' ? p + 1 : NULL;
	return trimmed(start, (size_t)(p - start));
}

/* Splits "name=value" into the two. */
static void
split_word(char *text, struct word *w)
{
	char *eq = strchr(text, '=');
	size_t n = eq == NULL ? strlen(text) : (size_t)(eq - text);

	w->name = trimmed(text, n);
	w->value = eq == NULL ? NULL : trimmed(eq + 1, strlen(eq + 1));
}

static int
unknown_option(
    const struct config_key *key, const struct word *w, struct error *err)
{
	const char *names[VALUE_NAMES];
	char hint[80];

	value_names(key->options, names);
	mistake_hint(w->name, names, hint, sizeof hint);
	/* "interface = lan" most likely means the switch of that name. */
	if (key->kind == CONFIG_K_INTERFACE && w->value == NULL &&
	    hint[0] == '\0' && config_name_check(w->name, NULL) == 0)
		return error_set(err,
		    "%s has no option \"%s\": for the switch of that name "
		    "write switch=%s",
		    key->name, w->name, w->name);
	if (key->kind == CONFIG_K_DISK && hint[0] == '\0')
		return error_set(err,
		    "%s has no option \"%s\": put a path with a comma in it "
		    "in quotes",
		    key->name, w->name);
	return error_set(
	    err, "%s has no option \"%s\"%s", key->name, w->name, hint);
}

static int
set_option(const struct config_key *key, const struct word *w, void *base,
    uint64_t *seen, const struct value_from *from, struct error *err)
{
	const struct config_key *o = config_key_find(key->options, w->name);
	const char *value = w->value;
	uint64_t bit;

	if (*w->name == '\0' && value == NULL)
		return error_set(err,
		    "%s has a comma too many: nothing stands behind it",
		    key->name);
	if (o == NULL)
		return unknown_option(key, w, err);
	bit = UINT64_C(1) << (o - key->options);
	if ((*seen & bit) != 0 && !o->repeats)
		return error_set(
		    err, "%s has %s twice: leave one out", key->name, o->name);
	*seen |= bit;
	if (value == NULL && o->kind == CONFIG_K_FLAG)
		value = "yes";
	if (value == NULL)
		return error_set(err, "%s: %s needs a value: write %s=%s",
		    key->name, o->name, o->name, o->value);
	if (*value == '\0' || value_set(o, base, value, from, err) == -1) {
		if (*value == '\0')
			error_set(err, "%s= needs a value: write %s=%s",
			    o->name, o->name, o->value);
		return error_prefix(err, "%s: ", key->name);
	}
	return 0;
}

/* Reads the words from rest on (NULL: none) into base. */
static int
set_options(const struct config_key *key, const char *rest, void *base,
    const struct value_from *from, struct error *err)
{
	uint64_t seen = 0;
	struct word w;
	char *text;
	int r = 0;

	while (rest != NULL && r == 0) {
		text = next_word(&rest);
		split_word(text, &w);
		r = set_option(key, &w, base, &seen, from, err);
		free(w.name);
		free(w.value);
		free(text);
	}
	return r;
}

/* Whether what should be a path is an option: "disk = format=raw, a.img". */
static bool
is_option(const struct config_key *key, char *text)
{
	struct word w;
	bool known;

	split_word(text, &w);
	known =
	    w.value != NULL && config_key_find(key->options, w.name) != NULL;
	free(w.name);
	free(w.value);
	return known;
}

static int
read_disk(struct config_disk *disk, const struct config_key *key,
    const char *text, const struct value_from *from, struct error *err)
{
	char *path = next_word(&text);
	int r = 0;

	if (*path == '\0' || is_option(key, path))
		r = error_set(err,
		    "%s begins with the path of the image: write %s = %s",
		    key->name, key->name, key->value);
	else if ((disk->path = config_path_expand(path, from->folder, err)) ==
	    NULL)
		r = error_prefix(err, "%s = %s: ", key->name, path);
	else
		r = set_options(key, text, disk, from, err);
	free(path);
	return r;
}

int
item_disk_add(struct config_vm *vm, const struct config_key *key,
    const char *text, const struct value_from *from, struct error *err)
{
	struct config_disk disk = {.line = from->line};
	size_t i;

	if (vm->ndisks == CONFIG_DISKS_MAX)
		return error_set(err, "%s: a guest has at most %d disks",
		    key->name, CONFIG_DISKS_MAX);
	values_fallback(key->options, &disk);
	if (read_disk(&disk, key, text, from, err) == -1)
		goto fail;
	for (i = 0; i < vm->ndisks; i++) {
		if (strcmp(vm->disks[i].path, disk.path) == 0) {
			error_set(err,
			    "%s = %s: the guest has that disk already; leave "
			    "one out",
			    key->name, disk.path);
			goto fail;
		}
	}
	vm->disks = mem_grow(vm->disks, vm->ndisks, sizeof *vm->disks);
	vm->disks[vm->ndisks++] = disk;
	return 0;
fail:
	free(disk.path);
	return -1;
}

static void
nic_free(struct config_interface *nic)
{
	free(nic->switch_name);
	free(nic->tap);
	free(nic->forwards);
}

/* Which options go together. */
static int
judge_nic(const struct config_key *key, struct item_words *w, struct error *err)
{
	struct config_interface *nic = &w->nic;

	if ((nic->switch_name != NULL) + w->local + w->user > 1)
		return error_set(err,
		    "%s has more than one of switch=, local and user: an "
		    "interface is in one network, give a second interface for "
		    "another",
		    key->name);
	if (w->user && nic->tap != NULL)
		return error_set(err,
		    "%s: user-mode networking has no tap, leave out user or "
		    "tap=%s",
		    key->name, nic->tap);
	if (w->user && nic->locked)
		return error_set(err,
		    "%s: locked is for interfaces on a tap, leave out user or "
		    "locked",
		    key->name);
	if (w->user && !nic->vhost)
		return error_set(err,
		    "%s: vhost= is for interfaces on a tap, leave out user or "
		    "vhost=no",
		    key->name);
	if (!w->user && nic->nforwards > 0)
		return error_set(err,
		    "%s: forward= is for user-mode networking: write user, "
		    "forward=...",
		    key->name);
	if (nic->switch_name != NULL)
		nic->net = CONFIG_NET_SWITCH;
	else if (w->local)
		nic->net = CONFIG_NET_LOCAL;
	else if (w->user)
		nic->net = CONFIG_NET_USER;
	return 0;
}

int
item_interface_add(struct config_vm *vm, const struct config_key *key,
    const char *text, const struct value_from *from, struct error *err)
{
	struct item_words w = {.nic.line = from->line};

	if (vm->ninterfaces == CONFIG_NICS_MAX)
		return error_set(err, "%s: a guest has at most %d interfaces",
		    key->name, CONFIG_NICS_MAX);
	values_fallback(key->options, &w);
	if (set_options(key, text, &w, from, err) == -1 ||
	    judge_nic(key, &w, err) == -1) {
		nic_free(&w.nic);
		return -1;
	}
	vm->interfaces =
	    mem_grow(vm->interfaces, vm->ninterfaces, sizeof *vm->interfaces);
	vm->interfaces[vm->ninterfaces++] = w.nic;
	return 0;
}

/* A port, and what must stand behind it; -1 or the place behind that. */
static int
read_port(const char **at, char end, uint16_t *port)
{
	const char *p = *at;
	unsigned n = 0;

	for (; *p >= '0' && *p <= '9' && n <= UINT16_MAX; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (*p != end || n == 0 || n > UINT16_MAX)
		return -1;
	*port = (uint16_t)n;
	*at = p + 1;
	return 0;
}

int
item_forward_add(
    struct config_interface *nic, const char *text, struct error *err)
{
	struct config_forward f = {.proto = CONFIG_PROTO_TCP};
	const char *p = text;
	size_t i;

	if (strncmp(p, "udp:", 4) == 0)
		f.proto = CONFIG_PROTO_UDP;
	else if (strncmp(p, "tcp:", 4) != 0)
		return error_set(err,
		    "forward=%s: write tcp or udp, the host's port and the "
		    "guest's, such as tcp:2222:22",
		    text);
	p += 4;
	if (read_port(&p, ':', &f.host_port) == -1 ||
	    read_port(&p, '\0', &f.guest_port) == -1)
		return error_set(err,
		    "forward=%s: behind %.3s stand two ports from 1 to 65535, "
		    "the host's and the guest's, such as tcp:2222:22",
		    text, text);
	for (i = 0; i < nic->nforwards; i++)
		if (nic->forwards[i].proto == f.proto &&
		    nic->forwards[i].host_port == f.host_port)
			return error_set(err,
			    "forward=%s: port %u of the host is forwarded "
			    "already",
			    text, f.host_port);
	nic->forwards =
	    mem_grow(nic->forwards, nic->nforwards, sizeof *nic->forwards);
	nic->forwards[nic->nforwards++] = f;
	return 0;
}

void
item_disks_copy(struct config_vm *vm, const struct config_vm *from)
{
	size_t i;

	for (i = 0; i < from->ndisks; i++) {
		vm->disks = mem_grow(vm->disks, i, sizeof *vm->disks);
		vm->disks[i] = from->disks[i];
		vm->disks[i].path = mem_dup(from->disks[i].path);
		vm->ndisks++;
	}
}

void
item_interfaces_copy(struct config_vm *vm, const struct config_vm *from)
{
	struct config_interface *nic;
	const struct config_interface *old;
	size_t i, j;

	for (i = 0; i < from->ninterfaces; i++) {
		vm->interfaces =
		    mem_grow(vm->interfaces, i, sizeof *vm->interfaces);
		old = &from->interfaces[i];
		nic = &vm->interfaces[i];
		*nic = *old;
		nic->switch_name = mem_dup(old->switch_name);
		nic->tap = mem_dup(old->tap);
		nic->forwards = NULL;
		for (j = 0; j < old->nforwards; j++) {
			nic->forwards =
			    mem_grow(nic->forwards, j, sizeof *nic->forwards);
			nic->forwards[j] = old->forwards[j];
		}
		vm->ninterfaces++;
	}
}

void
item_disks_free(struct config_vm *vm)
{
	size_t i;

	for (i = 0; i < vm->ndisks; i++)
		free(vm->disks[i].path);
	free(vm->disks);
	vm->disks = NULL;
	vm->ndisks = 0;
}

void
item_interfaces_free(struct config_vm *vm)
{
	size_t i;

	for (i = 0; i < vm->ninterfaces; i++)
		nic_free(&vm->interfaces[i]);
	free(vm->interfaces);
	vm->interfaces = NULL;
	vm->ninterfaces = 0;
}
