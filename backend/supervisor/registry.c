#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/proto/proto.h"
#include "backend/proto/text.h"
#include "backend/supervisor/clients.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/disc.h"
#include "backend/supervisor/memory.h"
#include "backend/supervisor/numbers.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/rates.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/remember.h"
#include "backend/supervisor/rules.h"
#include "backend/supervisor/sizes.h"
#include "config/log.h"

struct guest *
registry_find(const struct backend *b, const char *name)
{
	struct guest *g;

	TAILQ_FOREACH (g, &b->guests, entry)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

struct guest *
registry_find_any(const struct backend *b, const char *name)
{
	struct guest *g;
	char *end;
	unsigned long id;

	if (name[0] < '0' || name[0] > '9')
		return registry_find(b, name);
	id = strtoul(name, &end, 10);
	TAILQ_FOREACH (g, &b->guests, entry)
		if (*end == '\0' && g->id == id)
			return g;
	return NULL;
}

struct guest *
registry_get(struct backend *b, const char *name)
{
	struct guest *g, *next;

	if ((g = registry_find(b, name)) != NULL)
		return g;
	if (strlen(name) > SPEC_NAME_MAX || (g = calloc(1, sizeof *g)) == NULL)
		return NULL;
	g->b = b;
	snprintf(g->name, sizeof g->name, "%s", name);
	g->id = numbers_of(b, g->name);
	g->state = PROTO_STOPPED;
	g->since = time(NULL);
	g->cpu.percent = -1;
	TAILQ_INIT(&g->waiting);
	TAILQ_INIT(&g->sizes);
	TAILQ_FOREACH (next, &b->guests, entry)
		if (strcmp(next->name, name) > 0)
			break;
	if (next != NULL)
		TAILQ_INSERT_BEFORE(next, g, entry);
	else
		TAILQ_INSERT_TAIL(&b->guests, g, entry);
	return g;
}

static void
drop(struct guest *g)
{
	TAILQ_REMOVE(&g->b->guests, g, entry);
	restart_free(&g->restart);
	sizes_forget(g);
	rates_forget(g);
	json_decref(g->spec);
	json_decref(g->balloon);
	json_decref(g->plugs);
	free(g);
}

/* Whether there is a reason to keep it in the list. */
static bool
wanted(const struct guest *g, bool forget)
{
	return g->process != NULL || !TAILQ_EMPTY(&g->waiting) ||
	    config_find_vm(g->b->config, g->name) != NULL ||
	    (strcmp(g->state, PROTO_CRASHED) == 0 && !forget);
}

void
registry_sync(struct backend *b, bool forget)
{
	struct guest *g, *next;
	size_t i;

	for (i = 0; i < b->config->nvms; i++)
		registry_get(b, b->config->vms[i].name);
	for (g = TAILQ_FIRST(&b->guests); g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		if (!wanted(g, forget)) {
			remember_forget(g);
			drop(g);
		}
	}
	numbers_save(b);
}

void
registry_free(struct backend *b)
{
	struct guest *g;

	while ((g = TAILQ_FIRST(&b->guests)) != NULL) {
		if (g->process != NULL)
			process_release(g);
		drop(g);
	}
}

void
registry_state(struct guest *g, const char *state, const char *reason)
{
	if (reason == NULL)
		reason = "";
	if (strcmp(g->state, state) == 0 && strcmp(g->reason, reason) == 0)
		return;
	if (strcmp(g->state, state) != 0) {
		g->since = time(NULL);
		log_info("%s is %s%s%s", g->name, state,
		    reason[0] != '\0' ? ": " : "", reason);
	}
	g->state = state;
	snprintf(g->reason, sizeof g->reason, "%s", reason);
	remember_guest(g);
	numbers_save(g->b);
	clients_event(g->b, "GUEST_STATE", registry_guest_json(g));
}

void
registry_ended(struct guest *g, const char *state, const char *why)
{
	bool launched = g->started != 0;
	struct backend *b = g->b;
	char reason[sizeof g->reason];
	struct request *rq;
	json_t *json;

	g->process = NULL;
	snprintf(reason, sizeof reason, "%s", why);
	restart_ended(g, strcmp(state, PROTO_CRASHED) == 0, launched, reason,
	    sizeof reason);
	g->started = 0;
	sizes_forget(g);
	rates_forget(g);
	g->cpu = (struct cpu_sample){.percent = -1};
	registry_state(g, state, reason);
	json = registry_guest_json(g);
	while ((rq = TAILQ_FIRST(&g->waiting)) != NULL)
		request_return(
		    rq, rq->wants_guest ? json_incref(json) : NULL, -1);
	json_decref(json);
	json_decref(g->spec);
	json_decref(g->plugs);
	g->spec = g->plugs = NULL;
	memory_told(g, NULL);
	if (!wanted(g, false)) {
		remember_forget(g);
		drop(g);
	}
	figures_update(b);
	if (b->ending != END_NOT && registry_running(b) == 0)
		event_base_loopbreak(b->base);
}

bool
registry_runs(const struct guest *g)
{
	return g->process != NULL;
}

unsigned
registry_running(const struct backend *b)
{
	const struct guest *g;
	unsigned n = 0;

	TAILQ_FOREACH (g, &b->guests, entry)
		n += g->process != NULL;
	return n;
}

/* What is told of a guest's parts is the same whether it runs or not. */
static json_t *
defined_disks(const struct config_vm *vm)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < vm->ndisks; i++)
		json_array_append_new(list,
		    json_pack("{s:o, s:b, s:s}", "path",
			text_json(vm->disks[i].path), "readonly",
			vm->disks[i].readonly, "bus",
			vm->disks[i].bus == CONFIG_BUS_SCSI ? "scsi"
							    : "virtio"));
	return list;
}

static json_t *
defined_nics(const struct config_vm *vm)
{
	const struct config_interface *nic;
	json_t *list = json_array();
	char host[128], mac[18];
	uint8_t a[6];
	size_t i;

	config_host_id(host, sizeof host);
	for (i = 0; i < vm->ninterfaces; i++) {
		nic = &vm->interfaces[i];
		if (nic->has_lladdr)
			memcpy(a, nic->lladdr, sizeof a);
		else
			config_vm_lladdr(host, vm->name, (unsigned)i, a);
		snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", a[0],
		    a[1], a[2], a[3], a[4], a[5]);
		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:b}", "tap",
			nic->tap != NULL ? nic->tap : "", "switch",
			nic->switch_name != NULL ? nic->switch_name : "",
			"lladdr", mac, "locked", nic->locked));
	}
	return list;
}

static json_t *
defined_cdrom(const struct config_vm *vm)
{
	const char *disc = config_vm_disc(vm);

	return json_pack("{s:o, s:b, s:b}", "path", text_json(disc), "open",
	    false, "locked", false);
}

/* The parts of a running guest, without what only its process has use for. */
static json_t *
running_parts(const json_t *spec, const char *which)
{
	static const char *const own[] = {
	    "fd", "fds", "vhost_fds", "no_vhost", "received", "sent"};
	json_t *list = json_deep_copy(json_object_get(spec, which)), *part;
	size_t i, j;

	if (!json_is_array(list)) {
		json_decref(list);
		return json_array();
	}
	json_array_foreach (list, i, part)
		for (j = 0; j < sizeof own / sizeof *own; j++)
			json_object_del(part, own[j]);
	return list;
}

static json_t *
running_nics(const struct guest *g)
{
	json_t *list = running_parts(g->spec, "nics"), *nic;
	size_t i;

	json_array_foreach (list, i, nic)
		json_object_set_new(
		    nic, "locked", json_boolean(rules_locked(g, i)));
	return list;
}

static void
add_parts(const struct guest *g, const struct config_vm *vm, json_t *obj)
{
	static const char *const same[] = {
	    "memory", "cpus", "kernel", "serial2", "pin", "confinement"};
	size_t i;

	if (g->spec != NULL) {
		for (i = 0; i < sizeof same / sizeof *same; i++)
			json_object_set(
			    obj, same[i], json_object_get(g->spec, same[i]));
		json_object_set_new(
		    obj, "disks", running_parts(g->spec, "disks"));
		json_object_set_new(obj, "nics", running_nics(g));
		json_object_set_new(obj, "cdrom", disc_json(g));
		return;
	}
	if (vm == NULL)
		return;
	json_object_set_new(
	    obj, "memory", json_integer((json_int_t)vm->memory));
	json_object_set_new(obj, "cpus", json_integer(vm->cpus));
	json_object_set_new(obj, "serial2", json_boolean(vm->serial2));
	json_object_set_new(obj, "kernel", text_json(vm->kernel));
	json_object_set_new(obj, "disks", defined_disks(vm));
	json_object_set_new(obj, "nics", defined_nics(vm));
	if (vm->cdrom != NULL)
		json_object_set_new(obj, "cdrom", defined_cdrom(vm));
}

/* What it may do to the terminal of who has its console. */
static json_t *
allowed(const struct config_vm *vm)
{
	const struct config_key *key =
	    config_key_find(config_keys(CONFIG_VM), "allow");
	json_t *list = json_array();
	unsigned i;

	for (i = 0; vm != NULL && key->choices[i] != NULL; i++)
		if ((vm->allow & 1u << i) != 0)
			json_array_append_new(
			    list, json_string(key->choices[i]));
	return list;
}

json_t *
registry_guest_json(struct guest *g)
{
	const struct config_vm *vm = config_find_vm(g->b->config, g->name);
	json_t *obj;

	obj = json_pack("{s:s, s:s, s:o, s:I, s:I, s:i, s:I, s:b, s:s, s:[], "
			"s:[]}",
	    "name", g->name, "state", g->state, "reason", text_json(g->reason),
	    "since", (json_int_t)g->since, "memory", (json_int_t)0, "cpus", 0,
	    "pid", (json_int_t)process_pid(g), "defined", vm != NULL, "kernel",
	    "", "disks", "nics");
	if (obj == NULL)
		return json_object();
	add_parts(g, vm, obj);
	json_object_set_new(obj, "id", json_integer(g->id));
	json_object_set_new(obj, "restarts", restart_json(g));
	json_object_set_new(obj, "allow", allowed(vm));
	json_object_set_new(obj, "rows", json_integer(g->rows));
	json_object_set_new(obj, "cols", json_integer(g->cols));
	figures_guest(g, obj);
	return obj;
}
