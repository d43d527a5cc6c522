#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"
#include "backend/proto/proto.h"
#include "backend/proto/text.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/remember.h"
#include "backend/supervisor/rules.h"
#include "backend/supervisor/spawn.h"
#include "config/log.h"

/* RUNDIR/states, made if missing. */
static int
states_folder(char *buf, size_t len)
{
	struct error err;
	size_t n;

	if (paths_rundir(buf, len, &err) == -1)
		return -1;
	n = strlen(buf);
	if ((size_t)snprintf(buf + n, len - n, "/states") >= len - n)
		return -1;
	return mkdir(buf, 0700) == 0 || errno == EEXIST ? 0 : -1;
}

static int
state_path(const char *name, char *buf, size_t len)
{
	size_t n;

	if (states_folder(buf, len) == -1)
		return -1;
	n = strlen(buf);
	return (size_t)snprintf(buf + n, len - n, "/%s.json", name) < len - n
	    ? 0
	    : -1;
}

void
remember_forget(const struct guest *g)
{
	char path[PATH_MAX];

	if (state_path(g->name, path, sizeof path) == 0)
		unlink(path);
}

void
remember_guest(const struct guest *g)
{
	char path[PATH_MAX], fresh[PATH_MAX + sizeof ".new"];
	json_t *json;

	/* Not before what stands there has been read. */
	if (!g->b->remembering)
		return;

	if (strcmp(g->state, PROTO_STOPPED) == 0 && g->restart.ends == 0 &&
	    !g->restart.unwanted) {
		remember_forget(g);
		return;
	}
	if (state_path(g->name, path, sizeof path) == -1)
		return;
	snprintf(fresh, sizeof fresh, "%s.new", path);
	json = json_pack("{s:s, s:o, s:I, s:I, s:o, s:O*}", "state", g->state,
	    "reason", text_json(g->reason), "since", (json_int_t)g->since,
	    "started", (json_int_t)g->started, "restarts", restart_json(g),
	    "plugs", g->plugs);
	if (json == NULL || json_dump_file(json, fresh, JSON_COMPACT) == -1 ||
	    rename(fresh, path) == -1)
		log_warn("the state of %s cannot be written to %s: a backend "
			 "after this one will not know it",
		    g->name, path);
	json_decref(json);
}

static bool
ended(const char *state)
{
	return strcmp(state, PROTO_STOPPED) == 0 ||
	    strcmp(state, PROTO_CRASHED) == 0;
}

/* It ran when the last backend was killed, and does not now. */
static void
ended_alone(struct guest *g)
{
	static const char *const states[] = {PROTO_STOPPED, PROTO_CRASHED};
	char reason[sizeof g->reason], line[300], start[SPEC_NAME_MAX + 16];
	const char *text = line + 1; /* behind the quotation mark */
	size_t i, n;

	spawn_last_words(g->name, 0, line, sizeof line);
	for (i = 0; i < 2; i++) {
		n = (size_t)snprintf(
		    start, sizeof start, "%s: %s", g->name, states[i]);
		if (strncmp(text, start, n) == 0)
			break;
	}
	if (i == 2)
		snprintf(reason, sizeof reason,
		    "its process ended while no backend ran: %s", line);
	else
		snprintf(reason, sizeof reason,
		    "ended while no backend ran: %s", line);
	rules_undo(g->b, g->plugs);
	registry_ended(g, i == 0 ? PROTO_STOPPED : PROTO_CRASHED, reason);
}

static void
restore(struct guest *g, const json_t *json)
{
	const char *state, *reason;

	restart_load(g, json_object_get(json, "restarts"));
	json_decref(g->plugs);
	g->plugs = json_incref(json_object_get(json, "plugs"));
	state = json_string_value(json_object_get(json, "state"));
	reason = json_string_value(json_object_get(json, "reason"));
	g->started =
	    (time_t)json_integer_value(json_object_get(json, "started"));
	if (registry_runs(g) || state == NULL)
		return;
	if (strcmp(state, PROTO_STARTING) == 0) {
		g->started = 0;
		registry_state(g, PROTO_STOPPED, PROCESS_CUT_SHORT);
		return;
	}
	if (!ended(state)) {
		ended_alone(g);
		return;
	}
	g->started = 0;
	g->state =
	    strcmp(state, PROTO_CRASHED) == 0 ? PROTO_CRASHED : PROTO_STOPPED;
	snprintf(
	    g->reason, sizeof g->reason, "%s", reason != NULL ? reason : "");
	g->since = (time_t)json_integer_value(json_object_get(json, "since"));
	restart_resume(g);
}

/* Where the folder outlived a boot of the host, what it says did not. */
static bool
of_this_boot(const char *path)
{
	struct timespec now, up;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return stat(path, &st) == 0 &&
	    st.st_ctim.tv_sec >= now.tv_sec - up.tv_sec;
}

void
remember_restore(struct backend *b)
{
	char folder[PATH_MAX], path[PATH_MAX], name[NAME_MAX + 1];
	struct dirent *ent;
	struct guest *g;
	json_t *json;
	size_t n;
	DIR *dir;

	b->remembering = true;
	if (states_folder(folder, sizeof folder) == -1 ||
	    (dir = opendir(folder)) == NULL)
		return;
	while ((ent = readdir(dir)) != NULL) {
		n = strlen(ent->d_name);
		if (n < 6 || strcmp(ent->d_name + n - 5, ".json") != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)n - 5, ent->d_name);
		if (config_name_check(name, NULL) == -1 ||
		    state_path(name, path, sizeof path) == -1)
			continue;
		json =
		    of_this_boot(path) ? json_load_file(path, 0, NULL) : NULL;
		if (json == NULL)
			unlink(path);
		else if ((g = registry_get(b, name)) != NULL)
			restore(g, json);
		json_decref(json);
	}
	closedir(dir);
	registry_sync(b, false);
}
