#include <stdio.h>
#include <string.h>

#include "backend/net/net.h"
#include "backend/supervisor/network.h"
#include "backend/supervisor/remember.h"
#include "backend/supervisor/rules.h"
#include "config/log.h"

static const char *
text_of(const json_t *plug, const char *key)
{
	const char *text = json_string_value(json_object_get(plug, key));

	return text != NULL ? text : "";
}

static bool
is_set(const json_t *plug, const char *key)
{
	return json_is_true(json_object_get(plug, key));
}

/* Locks or unlocks the port. Returns 0, -1 with err. */
static int
apply(struct backend *b, const json_t *plug, bool locked, struct error *err)
{
	uint8_t a[6];

	if (sscanf(text_of(plug, "lladdr"),
		"%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &a[0], &a[1], &a[2],
		&a[3], &a[4], &a[5]) != 6)
		return error_set(
		    err, "%s has no hardware address", text_of(plug, "tap"));
	if (network_handle(b, err) == NULL)
		return -1;
	return (locked ? port_lock(b->rt, text_of(plug, "tap"), a, err)
		       : port_unlock(b->rt, text_of(plug, "tap"), a, err)) == -1
	    ? -1
	    : 0;
}

void
rules_undo(struct backend *b, const json_t *plugs)
{
	struct error err;
	json_t *plug;
	size_t i;

	json_array_foreach (plugs, i, plug)
		if (is_set(plug, "locked") && apply(b, plug, false, &err) == -1)
			log_warn("%s", err.text);
}

int
rules_open(struct backend *b, const struct config_vm *vm,
    const struct guest_spec *spec, json_t **plugs, struct error *err)
{
	const struct config_interface *in;
	const struct config_switch *sw;
	const struct spec_nic *nic;
	json_t *list = json_array(), *plug;
	char mac[18];
	bool locked;
	unsigned i;

	for (i = 0; i < spec->nics; i++) {
		in = &vm->interfaces[i];
		nic = &spec->nic[i];
		sw = config_find_switch(b->config, nic->bridge);
		locked = in->locked || (sw != NULL && sw->locked);
		snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x",
		    nic->mac[0], nic->mac[1], nic->mac[2], nic->mac[3],
		    nic->mac[4], nic->mac[5]);
		plug = json_pack("{s:s, s:s, s:s, s:b, s:b}", "tap",
		    nic->ifname, "switch", nic->bridge, "lladdr", mac, "locked",
		    locked, "always", in->locked);
		if (json_array_append_new(list, plug) == -1) {
			error_set(err, "no memory");
			goto fail;
		}
		if (locked && apply(b, plug, true, err) == -1) {
			error_prefix(
			    err, "%s, interface %u: ", vm->name, i + 1);
			goto fail;
		}
	}
	*plugs = list;
	return 0;
fail:
	rules_undo(b, list);
	json_decref(list);
	return -1;
}

/*
 * Sees to it that the port is as it should be, also where nothing changes: a
 * backend may have been killed halfway.
 */
static int
change(struct guest *g, size_t i, bool locked, struct error *err)
{
	json_t *plug = json_array_get(g->plugs, i);

	if (!locked && !is_set(plug, "locked"))
		return 0;
	if (apply(g->b, plug, locked, err) == -1)
		return error_prefix(err, "%s, interface %zu: ", g->name, i + 1);
	json_object_set_new(plug, "locked", json_boolean(locked));
	remember_guest(g);
	return 0;
}

/* Whether the interface that runs is the one of the definition. */
static bool
is_same(const json_t *plug, const struct config_interface *in)
{
	char mac[18];

	snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x",
	    in->lladdr[0], in->lladdr[1], in->lladdr[2], in->lladdr[3],
	    in->lladdr[4], in->lladdr[5]);
	return strcmp(text_of(plug, "switch"),
		   in->switch_name != NULL ? in->switch_name : "") == 0 &&
	    (in->tap == NULL || strcmp(text_of(plug, "tap"), in->tap) == 0) &&
	    (!in->has_lladdr || strcmp(text_of(plug, "lladdr"), mac) == 0);
}

int
rules_follow(struct guest *g, const struct config_vm *vm, struct error *err)
{
	const struct config_interface *in;
	struct error other;
	json_t *plug;
	int rc = 0;
	size_t i;

	json_array_foreach (g->plugs, i, plug) {
		in = i < vm->ninterfaces ? &vm->interfaces[i] : NULL;
		if (in != NULL && is_same(plug, in)) {
			/* One that fails does not keep the others from it. */
			if (change(g, i, in->locked, rc == 0 ? err : &other) ==
			    -1)
				rc = -1;
		} else if (in != NULL && rc == 0 &&
		    in->locked != is_set(plug, "locked")) {
			rc = error_set(err,
			    "%s, interface %zu: it runs with another one than "
			    "is defined now, so that locked changes with its "
			    "next start",
			    g->name, i + 1);
		}
	}
	return rc;
}

int
rules_follow_switch(
    struct guest *g, const struct config_switch *sw, struct error *err)
{
	struct error other;
	json_t *plug;
	int rc = 0;
	size_t i;

	json_array_foreach (g->plugs, i, plug)
		if (strcmp(text_of(plug, "switch"), sw->name) == 0 &&
		    change(g, i, sw->locked || is_set(plug, "always"),
			rc == 0 ? err : &other) == -1)
			rc = -1;
	return rc;
}

void
rules_adopted(struct guest *g)
{
	const struct config *config = g->b->config;
	const struct config_vm *vm = config_find_vm(config, g->name);
	struct error err;
	size_t i;

	if (vm != NULL && rules_follow(g, vm, &err) == -1)
		log_warn("%s", err.text);
	for (i = 0; vm == NULL && i < config->nswitches; i++)
		if (rules_follow_switch(g, &config->switches[i], &err) == -1)
			log_warn("%s", err.text);
}

int
rules_again(struct guest *g, const char *tap, struct error *err)
{
	json_t *plug;
	size_t i;

	json_array_foreach (g->plugs, i, plug)
		if (strcmp(text_of(plug, "tap"), tap) == 0)
			return change(g, i, is_set(plug, "locked"), err);
	return 0;
}

bool
rules_locked(const struct guest *g, size_t n)
{
	return is_set(json_array_get(g->plugs, n), "locked");
}
