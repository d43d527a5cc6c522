#include <string.h>

#include "backend/proto/text.h"
#include "backend/supervisor/changes.h"
#include "backend/supervisor/disc.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/rules.h"
#include "config/diff.h"
#include "config/log.h"

/* Whether the guest runs with an interface in the switch. */
static bool
plugged_into(const struct guest *g, const char *sw)
{
	const char *name;
	json_t *nic;
	size_t i;

	json_array_foreach (json_object_get(g->spec, "nics"), i, nic) {
		name = json_string_value(json_object_get(nic, "switch"));
		if (name != NULL && strcmp(name, sw) == 0)
			return true;
	}
	return false;
}

/* The guests that see nothing of the change before they are started anew. */
static json_t *
who_must_restart(struct backend *b, const struct config_change *c)
{
	bool waits = c->what == CONFIG_REMOVED;
	json_t *list = json_array();
	struct guest *g;
	size_t i;

	for (i = 0; i < c->nkeys; i++)
		waits = waits || !config_change_at_once(c, i);
	if (!waits)
		return list;
	TAILQ_FOREACH (g, &b->guests, entry) {
		if (!registry_runs(g))
			continue;
		if (c->kind == CONFIG_VM
			? strcmp(g->name, c->name) == 0
			: c->kind == CONFIG_SWITCH && plugged_into(g, c->name))
			json_array_append_new(list, json_string(g->name));
	}
	return list;
}

static void
add_trouble(json_t *troubles, const struct error *err)
{
	log_warn("%s", err->text);
	json_array_append_new(troubles, text_json(err->text));
}

/* Who is defined follows with a change of its own. */
static void
follow_switch(
    struct backend *b, const struct config_switch *sw, json_t *troubles)
{
	struct error err;
	struct guest *g;

	TAILQ_FOREACH (g, &b->guests, entry)
		if (registry_runs(g) &&
		    config_find_vm(b->config, g->name) == NULL &&
		    rules_follow_switch(g, sw, &err) == -1)
			add_trouble(troubles, &err);
}

/*
 * What of it a running guest sees at once and has to be done. Returns what went
 * wrong with that, as sentences.
 */
static json_t *
carry_out(struct backend *b, const struct config *after,
    const struct config_change *c)
{
	json_t *troubles = json_array();
	const char *key;
	struct guest *g;
	struct error err;
	size_t i;

	g = c->after != NULL ? registry_find(b, c->name) : NULL;
	if (g != NULL && !registry_runs(g))
		g = NULL;
	for (i = 0; i < c->nkeys; i++) {
		key = c->keys[i]->name;
		if (g != NULL && strcmp(key, "cdrom") == 0 &&
		    disc_follow(g, c->after, &err) == -1)
			add_trouble(troubles, &err);
		if (g != NULL && strcmp(key, "interface") == 0 &&
		    config_change_at_once(c, i) &&
		    rules_follow(g, c->after, &err) == -1)
			add_trouble(troubles, &err);
		if (c->kind == CONFIG_SWITCH && strcmp(key, "locked") == 0)
			follow_switch(
			    b, config_find_switch(after, c->name), troubles);
	}
	return troubles;
}

struct noting {
	struct backend *b;
	const struct config *after;
};

static void
note(const struct config_change *c, void *arg)
{
	static const char *const what[] = {"added", "removed", "changed"};
	const struct noting *noting = arg;
	struct backend *b = noting->b;
	json_t *keys = json_array();
	size_t i;

	for (i = 0; i < c->nkeys; i++)
		json_array_append_new(keys, json_string(c->keys[i]->name));
	if (json_array_size(b->changes) >= CHANGES_MAX)
		json_array_remove(b->changes, 0);
	json_array_append_new(b->changes,
	    json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "kind",
		config_section_word(c->kind), "name", c->name, "change",
		what[c->what], "keys", keys, "restart", who_must_restart(b, c),
		"troubles", carry_out(b, noting->after, c)));
}

void
changes_note(struct backend *b, const struct config *after)
{
	struct noting noting = {b, after};

	config_diff(b->config, after, note, &noting);
}
