#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/proto.h"
#include "backend/proto/stream.h"
#include "backend/supervisor/prepare.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/rules.h"
#include "backend/supervisor/start.h"

/* Whoever looks at the list later is told why a guest is not there. */
static void
keep_reason(struct backend *b, const char *name, const struct error *err)
{
	struct guest *g = registry_find(b, name);

	if (g != NULL)
		registry_state(g, PROTO_STOPPED, err->text);
}

/* Opened and with the stream in it, if there is one; that is then taken. */
static int
prepare(struct backend *b, const struct config_vm *vm, int *fd,
    const json_t *head, struct guest_spec *spec, struct plugged *plugged,
    json_t **plugs, struct error *err)
{
	spec_init(spec);
	if (prepare_guest(b, vm, spec, plugged, err) == -1)
		return -1;
	/* It brings its addresses along, which are what it is locked to. */
	if (head != NULL)
		stream_identity(head, spec);
	if (rules_open(b, vm, spec, plugs, err) == -1) {
		spec_clear(spec);
		prepare_undo(b, vm->name, plugged, true);
		return -1;
	}
	if (head == NULL)
		return 0;
	spec->stream_fd = *fd;
	*fd = -1;
	return 0;
}

static int
start(struct backend *b, const struct config_vm *vm, int *fd,
    const json_t *head, process_started *started, void *arg, struct error *err)
{
	struct guest_spec spec;
	struct guest *g;
	struct plugged plugged;
	json_t *plugs;

	if (b->ending != END_NOT)
		return error_set(err,
		    "the backend is ending: start %s again when a new one runs",
		    vm->name);
	g = registry_find(b, vm->name);
	if (g != NULL && registry_runs(g))
		return error_set(err, "%s is %s already", vm->name,
		    strcmp(g->state, PROTO_STARTING) == 0 ? "starting"
							  : "running");
	if (prepare(b, vm, fd, head, &spec, &plugged, &plugs, err) == -1) {
		keep_reason(b, vm->name, err);
		return -1;
	}
	if ((g = registry_get(b, vm->name)) == NULL) {
		error_set(err, "no memory to start %s", vm->name);
		goto fail;
	}
	g->plugged = plugged;
	json_decref(g->plugs);
	g->plugs = json_incref(plugs);
	if (process_start(g, &spec, started, arg, err) == 0) {
		if (!g->restart.trying)
			restart_begin(g);
		json_decref(plugs);
		return 0;
	}
	json_decref(g->plugs);
	g->plugs = NULL;
	keep_reason(b, vm->name, err);
fail:
	rules_undo(b, plugs);
	json_decref(plugs);
	spec_clear(&spec);
	prepare_undo(b, vm->name, &plugged, true);
	registry_sync(b, false);
	return -1;
}

int
start_guest(struct backend *b, const struct config_vm *vm,
    process_started *started, void *arg, struct error *err)
{
	int none = -1;

	return start(b, vm, &none, NULL, started, arg, err);
}

int
start_received(struct backend *b, const struct config_vm *vm, int fd,
    const json_t *head, process_started *started, void *arg, struct error *err)
{
	int rc = start(b, vm, &fd, head, started, arg, err);

	if (fd != -1)
		close(fd);
	return rc;
}
