#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/net/net.h"
#include "backend/net/vhost.h"
#include "backend/supervisor/network.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/rules.h"
#include "config/log.h"

struct rtnl *
network_handle(struct backend *b, struct error *err)
{
	if (b->rt == NULL)
		b->rt = rtnl_open(err);
	return b->rt;
}

/* Unplugs those of add = whose bit is set, and the bridge if it is ours. */
static void
switch_down(struct backend *b, const struct config_switch *sw, uint64_t added,
    bool unmake)
{
	struct error err;
	size_t i;

	for (i = 0; i < sw->nadds && i < 64; i++)
		if (added >> i & 1 &&
		    bridge_remove(
			b->rt, sw->interface, sw->adds[i].name, &err) == -1)
			log_warn("%s", err.text);
	if (unmake && bridge_delete(b->rt, sw->interface, &err) == -1)
		log_warn("%s", err.text);
}

void
network_undo(struct backend *b, struct plugged *plugged, bool switches)
{
	const struct config_switch *sw;
	struct error err;
	unsigned i;

	for (i = 0; i < plugged->taps; i++) {
		sw = config_find_switch(b->config, plugged->tap[i].sw);
		if (sw != NULL &&
		    bridge_remove(
			b->rt, sw->interface, plugged->tap[i].tap, &err) == -1)
			log_warn("%s", err.text);
	}
	for (i = switches ? plugged->switches : 0; i-- > 0;) {
		sw = config_find_switch(b->config, plugged->sw[i].name);
		if (sw != NULL)
			switch_down(b, sw, plugged->sw[i].added,
			    plugged->sw[i].created);
	}
	plugged->taps = plugged->switches = 0;
}

/* What a switch may say that this version does not do. */
static int
switch_check(
    struct backend *b, const struct config_switch *sw, struct error *err)
{
	const char *what = NULL;

	if (!sw->enable)
		return error_set(err,
		    "switch %s is turned off: write enable = yes in [switch "
		    "%s] of %s",
		    sw->name, sw->name, b->config->path);
	if (sw->address.s_addr != 0)
		what = "address =";
	else if (sw->nat)
		what = "nat = yes";
	if (what == NULL)
		return 0;
	return error_set(err,
	    "switch %s: %s comes with a later version: leave it out for now",
	    sw->name, what);
}

/*
 * Whether add = names a tap that is not there: tap0, tap1, … are for guests to
 * have, who are plugged in with the next free one, as vmd does it.
 */
static bool
is_free_tap(struct backend *b, const char *name)
{
	struct net_link link;
	struct error err;

	return strncmp(name, "tap", 3) == 0 && name[3] != '\0' &&
	    name[strspn(name + 3, "0123456789") + 3] == '\0' &&
	    net_link_get(b->rt, name, &link, &err) == 0;
}

static const char *
free_tap(struct backend *b, const struct config_switch *sw)
{
	size_t i;

	for (i = 0; sw != NULL && i < sw->nadds; i++)
		if (is_free_tap(b, sw->adds[i].name))
			return sw->adds[i].name;
	return NULL;
}

/* Sees to it that the switch is there; what that changed goes to plugged. */
static int
switch_up(struct backend *b, const struct config_switch *sw,
    struct plugged *plugged, struct error *err)
{
	unsigned n = plugged->switches;
	size_t i;
	int rc;

	if (switch_check(b, sw, err) == -1)
		return -1;
	snprintf(
	    plugged->sw[n].name, sizeof plugged->sw[n].name, "%s", sw->name);
	plugged->sw[n].created = false;
	plugged->sw[n].added = 0;
	if (bridge_ensure(b->rt, sw->interface, &plugged->sw[n].created, err) ==
	    -1)
		return error_prefix(err, "switch %s: ", sw->name);
	plugged->switches++;
	for (i = 0; i < sw->nadds; i++) {
		if (is_free_tap(b, sw->adds[i].name))
			continue;
		rc = bridge_add(b->rt, sw->interface, sw->adds[i].name, err);
		if (rc == -1)
			return error_prefix(err,
			    "%s:%d: switch %s: ", b->config->path,
			    sw->adds[i].line, sw->name);
		if (rc == 1 && i < 64)
			plugged->sw[n].added |= UINT64_C(1) << i;
	}
	return 0;
}

/*
 * One for each of the tap's queues, or none at all; why there are none is for
 * the guest's log.
 */
static int
vhost_open_all(struct spec_nic *nic)
{
	struct error why;
	int fd;

	while (nic->vhosts < nic->taps && (fd = vhost_open(&why)) != -1)
		nic->vhost_fd[nic->vhosts++] = fd;
	if (nic->vhosts == nic->taps)
		return 0;
	while (nic->vhosts > 0)
		close(nic->vhost_fd[--nic->vhosts]);
	nic->no_vhost = strdup(why.text);
	return nic->no_vhost == NULL ? -1 : 0;
}

static int
nic_open(struct backend *b, const struct config_vm *vm, unsigned i,
    struct spec_nic *nic, struct plugged *plugged, struct error *err)
{
	const struct config_interface *in = &vm->interfaces[i];
	char name[IFNAMSIZ], actual[IFNAMSIZ], host[128];
	const struct config_switch *sw = NULL;
	struct net_link link;
	const char *tap = in->tap;
	int rc;

	if (in->net == CONFIG_NET_SWITCH) {
		sw = config_find_switch(b->config, in->switch_name);
		if (sw == NULL)
			return error_set(err,
			    "switch %s is not defined: add [switch %s] to %s",
			    in->switch_name, in->switch_name, b->config->path);
		if (switch_up(b, sw, plugged, err) == -1)
			return -1;
	}
	if (in->has_lladdr)
		memcpy(nic->mac, in->lladdr, sizeof nic->mac);
	else
		config_vm_lladdr(
		    config_host_id(host, sizeof host), vm->name, i, nic->mac);
	if (tap == NULL && (tap = free_tap(b, sw)) == NULL)
		tap = tap_name(vm->name, i, name);
	rc = tap_open_queues(b->rt, tap,
	    vm->cpus < SPEC_MAX_TAPS ? vm->cpus : SPEC_MAX_TAPS, nic->tap_fd,
	    actual, err);
	if (rc == -1)
		return -1;
	nic->taps = (unsigned)rc;
	nic->ifname = strdup(actual);
	nic->bridge = strdup(sw != NULL ? sw->name : "");
	if (nic->ifname == NULL || nic->bridge == NULL ||
	    (in->vhost && vhost_open_all(nic) == -1))
		return error_set(err, "no memory");
	rc = tap_attach(b->rt, actual, sw != NULL ? sw->interface : NULL, err);
	if (rc == 1 && in->tap != NULL && sw != NULL) {
		memcpy(plugged->tap[plugged->taps].tap, actual, IFNAMSIZ);
		snprintf(plugged->tap[plugged->taps++].sw,
		    sizeof plugged->tap[0].sw, "%s", sw->name);
	}
	if (rc != -1 && net_link_get(b->rt, actual, &link, NULL) == 1) {
		nic->mtu = link.mtu;
		nic->received = link.tx_bytes;
		nic->sent = link.rx_bytes;
	}
	return rc == -1 ? -1 : 0;
}

/* Nothing that is plugged into the switch is missing; see switch_up(). */
static int
check_switch(
    struct backend *b, const struct config_switch *sw, struct error *err)
{
	struct net_link link;
	int there;
	size_t i;

	if (switch_check(b, sw, err) == -1)
		return -1;
	for (i = 0; i < sw->nadds; i++) {
		there = net_link_get(b->rt, sw->adds[i].name, &link, err);
		if (there == 0 && !is_free_tap(b, sw->adds[i].name))
			there = net_link_missing(b->rt, sw->adds[i].name, err);
		if (there == -1)
			return error_prefix(err,
			    "%s:%d: switch %s: ", b->config->path,
			    sw->adds[i].line, sw->name);
	}
	if (bridge_check(b->rt, sw->interface, err) == -1)
		return error_prefix(err, "switch %s: ", sw->name);
	return 0;
}

static int
check_running(
    struct backend *b, const char *name, const char *lladdr, struct error *err)
{
	const struct guest *g;
	const char *its;
	json_t *nic;
	size_t i;

	TAILQ_FOREACH (g, &b->guests, entry) {
		if (!registry_runs(g) || strcmp(g->name, name) == 0)
			continue;
		json_array_foreach (json_object_get(g->spec, "nics"), i, nic) {
			its = json_string_value(json_object_get(nic, "lladdr"));
			if (its != NULL && strcmp(its, lladdr) == 0)
				return error_set(err,
				    "the hardware address %s is that of %s, "
				    "which runs: choose another one, or leave "
				    "lladdr= out to have one made up",
				    lladdr, g->name);
		}
	}
	return 0;
}

/* A file is checked when it is read; a guest made up on the spot is not. */
static int
check_lladdr(
    struct backend *b, const struct config_vm *vm, size_t n, struct error *err)
{
	const struct config_interface *in = &vm->interfaces[n];
	const uint8_t *a = in->lladdr;
	char text[18];
	size_t i;

	if (!in->has_lladdr)
		return 0;
	snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1],
	    a[2], a[3], a[4], a[5]);
	for (i = 0; i < n; i++)
		if (vm->interfaces[i].has_lladdr &&
		    memcmp(vm->interfaces[i].lladdr, a, 6) == 0)
			return error_set(err,
			    "the hardware address %s is that of interface %zu "
			    "already: choose another one",
			    text, i + 1);
	return check_running(b, vm->name, text, err);
}

int
network_check(struct backend *b, const struct config_vm *vm, struct error *err)
{
	const struct config_interface *in;
	const struct config_switch *sw;
	size_t i;

	for (i = 0; i < vm->ninterfaces; i++) {
		in = &vm->interfaces[i];
		sw = in->switch_name == NULL
		    ? NULL
		    : config_find_switch(b->config, in->switch_name);
		if (network_handle(b, err) == NULL)
			return -1;
		if (check_lladdr(b, vm, i, err) == -1 ||
		    (sw != NULL && check_switch(b, sw, err) == -1))
			return error_prefix(
			    err, "%s, interface %zu: ", vm->name, i + 1);
	}
	return 0;
}

int
network_open(struct backend *b, const struct config_vm *vm,
    struct guest_spec *spec, struct plugged *plugged, struct error *err)
{
	unsigned i;

	if (vm->ninterfaces == 0)
		return 0;
	if (network_handle(b, err) == NULL)
		return -1;
	for (i = 0; i < vm->ninterfaces && i < SPEC_MAX_NICS; i++) {
		spec->nics = i + 1;
		if (nic_open(b, vm, i, &spec->nic[i], plugged, err) == -1)
			return error_prefix(
			    err, "%s, interface %u: ", vm->name, i + 1);
	}
	return 0;
}

/* What a tap has counted beyond what it had when the guest came to it. */
static uint64_t
since(uint64_t count, const json_t *nic, const char *before)
{
	uint64_t had =
	    (uint64_t)json_integer_value(json_object_get(nic, before));

	return count > had ? count - had : 0;
}

void
network_count(const struct guest *g, uint64_t *received, uint64_t *sent)
{
	const char *tap;
	struct net_link link;
	struct error quiet;
	json_t *nic;
	size_t i;

	json_array_foreach (json_object_get(g->spec, "nics"), i, nic) {
		tap = json_string_value(json_object_get(nic, "tap"));
		if (tap == NULL ||
		    !json_is_true(json_object_get(nic, "vhost")) ||
		    network_handle(g->b, &quiet) == NULL ||
		    net_link_get(g->b->rt, tap, &link, &quiet) != 1)
			continue;
		/* As the host sees it: what it received the guest has sent. */
		*received += since(link.tx_bytes, nic, "received");
		*sent += since(link.rx_bytes, nic, "sent");
	}
}

/* Whether a guest is plugged into the switch. */
static bool
in_use(const struct backend *b, const char *name)
{
	const struct guest *g;
	json_t *nic;
	size_t i;

	TAILQ_FOREACH (g, &b->guests, entry) {
		if (!registry_runs(g))
			continue;
		json_array_foreach (json_object_get(g->spec, "nics"), i, nic)
			if (strcmp(name,
				json_string_value(
				    json_object_get(nic, "switch"))) == 0)
				return true;
	}
	return false;
}

void
network_close(struct backend *b)
{
	const struct config_switch *sw;
	struct net_link link;
	struct error err;
	size_t i;

	/* Without a handle this backend made and adopted nothing. */
	for (i = 0; b->rt != NULL && i < b->config->nswitches; i++) {
		sw = &b->config->switches[i];
		if (in_use(b, sw->name) ||
		    net_link_get(b->rt, sw->interface, &link, &err) != 1)
			continue;
		if (link.ours)
			switch_down(b, sw, UINT64_MAX, true);
	}
	rtnl_close(b->rt);
	b->rt = NULL;
}

/* Puts the taps of running guests back into the switch. */
static int
replug(struct backend *b, const struct config_switch *sw, struct error *err)
{
	const char *name, *tap;
	struct guest *g;
	json_t *nic;
	size_t i;

	TAILQ_FOREACH (g, &b->guests, entry) {
		if (!registry_runs(g))
			continue;
		json_array_foreach (json_object_get(g->spec, "nics"), i, nic) {
			name =
			    json_string_value(json_object_get(nic, "switch"));
			tap = json_string_value(json_object_get(nic, "tap"));
			if (name != NULL && tap != NULL &&
			    strcmp(name, sw->name) == 0 &&
			    (bridge_add(b->rt, sw->interface, tap, err) == -1 ||
				rules_again(g, tap, err) == -1))
				return error_prefix(
				    err, "switch %s: ", sw->name);
		}
	}
	return 0;
}

int
network_reset(struct backend *b, struct error *err)
{
	const struct config_switch *sw;
	struct plugged plugged;
	struct net_link link;
	struct error other;
	int rc = 0, there;
	size_t i;

	if (network_handle(b, err) == NULL)
		return -1;
	for (i = 0; i < b->config->nswitches; i++) {
		sw = &b->config->switches[i];
		there = net_link_get(b->rt, sw->interface, &link, &other);
		if (!sw->enable || (there != 1 && !in_use(b, sw->name)))
			continue;
		memset(&plugged, 0, sizeof plugged);
		/* One that fails does not keep the others from it. */
		if (switch_up(b, sw, &plugged, rc == 0 ? err : &other) == -1 ||
		    replug(b, sw, rc == 0 ? err : &other) == -1)
			rc = -1;
	}
	return rc;
}

static const char *
name_of(int index, const struct net_link *links, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (links[i].index == index)
			return links[i].name;
	return "";
}

/* Who is heard on the bridge; nobody, where the host does not tell. */
static json_t *
stations_json(
    struct backend *b, int bridge, const struct net_link *links, int n)
{
	json_t *list = json_array();
	struct net_station *station;
	struct error err;
	char lladdr[18];
	int i, count;

	count = net_stations(b->rt, bridge, &station, &err);
	for (i = 0; i < count; i++) {
		snprintf(lladdr, sizeof lladdr, "%02x:%02x:%02x:%02x:%02x:%02x",
		    station[i].lladdr[0], station[i].lladdr[1],
		    station[i].lladdr[2], station[i].lladdr[3],
		    station[i].lladdr[4], station[i].lladdr[5]);
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s}", "member",
			name_of(station[i].port, links, n), "lladdr", lladdr,
			"address", station[i].address));
	}
	if (count >= 0)
		free(station);
	return list;
}

static json_t *
switch_json(struct backend *b, const struct config_switch *sw,
    const struct net_link *links, int n)
{
	const char *state = "absent";
	json_t *members = json_array();
	int i, index = 0;

	for (i = 0; i < n; i++) {
		if (strcmp(links[i].name, sw->interface) != 0)
			continue;
		index = links[i].index;
		state = links[i].up ? "up" : "down";
	}
	for (i = 0; i < n && index != 0; i++)
		if (links[i].master == index)
			json_array_append_new(
			    members, json_string(links[i].name));
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", sw->name,
	    "interface", sw->interface, "state", state, "members", members,
	    "stations",
	    index != 0 ? stations_json(b, index, links, n) : json_array());
}

json_t *
network_switches(struct backend *b, struct error *err)
{
	struct net_link *links = NULL;
	json_t *list;
	size_t i;
	int n;

	if (network_handle(b, err) == NULL ||
	    (n = net_links(b->rt, &links, err)) == -1)
		return NULL;
	list = json_array();
	for (i = 0; i < b->config->nswitches; i++)
		json_array_append_new(
		    list, switch_json(b, &b->config->switches[i], links, n));
	free(links);
	return json_pack("{s:o}", "switches", list);
}
