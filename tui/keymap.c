#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tui/consoles_keys.h"
#include "tui/everywhere.h"
#include "tui/form.h"
#include "tui/keymap.h"
#include "tui/sheet.h"
#include "tui/view.h"

#define ACTIONS_MAX 320
#define TABLES_MAX  40
#define VIEWS_MAX   9
#define NAME_LEN    40
#define KEYS_TEXT   40

/* What has a name in [keys]: a binding, or a view. */
struct action {
	const struct keytable *table;
	const struct binding *binding;
	size_t key; /* in map.key */
};

static const struct keytable others[] = {
    {"behind the prefix, again", consoles_repeated, "pane", false, true},
    {"in a page of text", sheet_bindings, "page", false, true},
    {NULL, NULL},
};

/* Filled in once by keymap_begin(). */
static struct {
	const struct keytable *table[TABLES_MAX];
	size_t tables;
	struct action action[ACTIONS_MAX];
	size_t actions;
	/* A name each: what config_keys() gives, and the list of names. */
	struct config_key key[ACTIONS_MAX + 3];
	size_t keys;
	char name[ACTIONS_MAX][NAME_LEN];
	char fallback[ACTIONS_MAX][KEYS_TEXT];
	const char *names[ACTIONS_MAX + 3];
	/* Views as bindings, for the same questions. */
	struct binding view[VIEWS_MAX + 1];
	struct keytable view_table;
	char view_name[VIEWS_MAX][NAME_LEN];
	char shown[ACTIONS_MAX][KEYS_TEXT]; /* see keymap_key() */
} map;

/*
 * --- Names ---------------------------------------------------------------
 */

/* "guests-force-off" of a binding; false if it has no name. */
static bool
name_of(const struct keytable *t, const struct binding *b, char *buf)
{
	const char *own = b->name != NULL ? b->name : b->word;
	char *p;

	if (t->name == NULL || own == NULL || *own == '\0' ||
	    b->key.code == K_PREFIX)
		return false;
	snprintf(
	    buf, NAME_LEN, "%s%s%s", t->name, *t->name != '\0' ? "-" : "", own);
	for (p = buf; *p != '\0'; p++)
		if (*p == ' ')
			*p = '-';
	return true;
}

static size_t
find(const char *name)
{
	size_t i;

	for (i = 0; i < map.keys; i++)
		if (strcasecmp(map.key[i].name, name) == 0)
			break;
	return i;
}

static void
add_key(const char *name, const char *fallback, const char *help)
{
	struct config_key *k = &map.key[map.keys];

	k->name = map.names[map.keys] = name;
	k->kind = CONFIG_K_TEXT;
	k->value = "KEY [KEY]";
	k->fallback = fallback;
	k->help = help;
	map.keys++;
}

static void
add_binding(const struct keytable *t, const struct binding *b)
{
	char *name = map.name[map.keys], *text = map.fallback[map.keys];
	struct action *a = &map.action[map.actions];
	char one[32], two[32];

	if (map.actions == ACTIONS_MAX || !name_of(t, b, name))
		return;
	a->table = t;
	a->binding = b;
	a->key = find(name);
	map.actions++;
	if (a->key < map.keys)
		return;
	snprintf(text, KEYS_TEXT, "%s%s%s", key_spell(b->key, one, sizeof one),
	    b->also.code != 0 ? " " : "",
	    b->also.code != 0 ? key_spell(b->also, two, sizeof two) : "");
	add_key(name, text,
	    b->help != NULL       ? b->help
		: b->word != NULL ? b->word
				  : b->name);
}

static void
add_table(const struct keytable *t)
{
	const struct binding *b;
	size_t i;

	for (i = 0; i < map.tables; i++)
		if (map.table[i]->bindings == t->bindings)
			return;
	if (map.tables == TABLES_MAX)
		return;
	map.table[map.tables++] = t;
	for (b = t->bindings; b->run != NULL; b++)
		add_binding(t, b);
}

/* Stands in the place of what everywhere.c does itself. */
static void
turn(struct ui *ui)
{
}

static void
add_views(void)
{
	size_t i;

	for (i = 0; views[i] != NULL && i < VIEWS_MAX; i++) {
		snprintf(map.view_name[i], NAME_LEN, "view-%s", views[i]->name);
		map.view[i] =
		    (struct binding){.key = {(uint32_t)views[i]->key, 0},
			.help = "turn to that view",
			.name = map.view_name[i],
			.run = turn};
	}
	map.view_table = (struct keytable){"views", map.view, ""};
	add_table(&map.view_table);
}

void
keymap_begin(void)
{
	const struct keytable *t;
	size_t i;

	if (map.keys > 0)
		return;
	add_table(&everywhere_help);
	add_views();
	for (i = 0; views[i] != NULL; i++)
		for (t = views[i]->help; t->title != NULL; t++)
			add_table(t);
	for (t = form_tables; t->title != NULL; t++)
		add_table(t);
	for (t = others; t->title != NULL; t++)
		add_table(t);
	add_key("prefix", "ctrl-]",
	    "The key that leaves a console or begins a command there; it has "
	    "ctrl or alt, or is a function key");
	add_key("mouse", "yes",
	    "Whether the screen has the mouse: no leaves it to the terminal");
}

const struct config_key *
keymap_keys(void)
{
	return map.key;
}

/*
 * --- Values --------------------------------------------------------------
 */

/* Two keys at most, or "none". */
static bool
parse(const char *text, struct keys *keys)
{
	char word[64];
	struct key *to = &keys->key;
	int n = 0, len;

	*keys = (struct keys){{0, 0}, {0, 0}};
	if (strcasecmp(text, "none") == 0)
		return true;
	while (sscanf(text, " %63s%n", word, &len) == 1) {
		if (n++ == 2 || !key_parse(word, to))
			return false;
		to = &keys->also;
		text += len;
	}
	return n > 0;
}

/* A key that is typed all the time would be lost for that. */
static bool
is_letter(struct key key)
{
	return key.code != 0 && key.code < K_NAMED &&
	    !(key.mods & (TERM_CTRL | TERM_ALT));
}

static bool
is_prefix(const char *text, struct key *key)
{
	return key_parse(text, key) &&
	    (key->mods & (TERM_CTRL | TERM_ALT) || key->code >= K_F(1));
}

/* What a configuration says of an action, or its own keys. */
static struct keys
said(const struct config *cfg, const struct action *a, int *line)
{
	struct keys keys;
	size_t i;

	*line = 0;
	for (i = 0; i < cfg->nkeys; i++)
		if (strcasecmp(cfg->keys[i].name, map.key[a->key].name) == 0 &&
		    parse(cfg->keys[i].value, &keys)) {
			*line = cfg->keys[i].line;
			return keys;
		}
	return (struct keys){a->binding->key, a->binding->also};
}

/*
 * --- Mistakes ------------------------------------------------------------
 */

struct judge {
	const struct config *cfg;
	void (*say)(void *arg, int line, const char *text);
	void *arg;
};

static void
judge_name(const struct judge *j, const struct config_pair *p)
{
	const char *near = config_nearest(p->name, map.names);
	char text[512];

	if (near != NULL)
		snprintf(text, sizeof text,
		    "[keys] has nothing called \"%.100s\" (did you mean "
		    "\"%s\"?)",
		    p->name, near);
	else
		snprintf(text, sizeof text,
		    "[keys] has nothing called \"%.100s\": names are such as "
		    "\"quit\" or \"guests-start\", vmtui.conf(5) has all",
		    p->name);
	j->say(j->arg, p->line, text);
}

static bool
types(const struct action *a, struct keys keys)
{
	return a->table->typing &&
	    (is_letter(keys.key) || is_letter(keys.also));
}

static void
judge_value(const struct judge *j, const struct config_pair *p, size_t at)
{
	char text[512];
	struct keys keys;
	size_t i;

	if (!parse(p->value, &keys)) {
		snprintf(text, sizeof text,
		    "%s: \"%.100s\" is no key: write one or two such as x, "
		    "ctrl-x, alt-x, F5, pgup or space, or none",
		    p->name, p->value);
		j->say(j->arg, p->line, text);
		return;
	}
	for (i = 0; i < map.actions; i++) {
		if (map.action[i].key != at || !types(&map.action[i], keys))
			continue;
		snprintf(text, sizeof text,
		    "%s: \"%.100s\" is what one types there: use a key with "
		    "ctrl or alt, or one like F5",
		    p->name, p->value);
		j->say(j->arg, p->line, text);
		return;
	}
}

/* Whether keys of both are looked for in the same place. */
static bool
meet(const struct keytable *a, const struct keytable *b)
{
	bool a_all = a->name[0] == '\0', b_all = b->name[0] == '\0';

	if (a->bindings == b->bindings || (a_all && b_all))
		return true;
	return (a_all && !b->alone) || (b_all && !a->alone);
}

static struct key
shared(struct keys a, struct keys b)
{
	if (a.key.code != 0 &&
	    (key_same(a.key, b.key) || key_same(a.key, b.also)))
		return a.key;
	if (a.also.code != 0 &&
	    (key_same(a.also, b.key) || key_same(a.also, b.also)))
		return a.also;
	return (struct key){0, 0};
}

/* Only what the person chose can be a mistake, and each is told once. */
static void
judge_conflicts(const struct judge *j, const struct action *a)
{
	const struct action *b;
	struct keys mine, other;
	char text[512], name[32];
	int line, other_line;
	struct key key;
	size_t i;

	mine = said(j->cfg, a, &line);
	for (i = 0; line > 0 && i < map.actions; i++) {
		b = &map.action[i];
		if (b->key == a->key || !meet(a->table, b->table))
			continue;
		other = said(j->cfg, b, &other_line);
		key = shared(mine, other);
		if (key.code == 0 || other_line > line)
			continue;
		snprintf(text, sizeof text,
		    "%s: %s is the key of %s already: choose another one, or "
		    "give %s another one",
		    map.key[a->key].name, key_spell(key, name, sizeof name),
		    map.key[b->key].name, map.key[b->key].name);
		j->say(j->arg, line, text);
		return;
	}
}

static void
judge_prefix(const struct judge *j, const struct config_pair *p)
{
	char text[512];
	struct key key;

	if (is_prefix(p->value, &key))
		return;
	snprintf(text, sizeof text,
	    "\"%.100s\" cannot be the prefix; use one like ctrl-a, alt-x or "
	    "F12",
	    p->value);
	j->say(j->arg, p->line, text);
}

static void
judge_mouse(const struct judge *j, const struct config_pair *p)
{
	char text[256];

	if (strcasecmp(p->value, "yes") == 0 || strcasecmp(p->value, "no") == 0)
		return;
	snprintf(
	    text, sizeof text, "mouse is yes or no, not \"%.100s\"", p->value);
	j->say(j->arg, p->line, text);
}

void
keymap_judge(const struct config *cfg,
    void (*say)(void *arg, int line, const char *text), void *arg)
{
	const struct judge j = {cfg, say, arg};
	const struct config_pair *p;
	size_t i, at, a;

	for (i = 0; i < cfg->nkeys; i++) {
		p = &cfg->keys[i];
		at = find(p->name);
		if (strcasecmp(p->name, "prefix") == 0)
			judge_prefix(&j, p);
		else if (strcasecmp(p->name, "mouse") == 0)
			judge_mouse(&j, p);
		else if (at == map.keys)
			judge_name(&j, p);
		else
			judge_value(&j, p, at);
		for (a = 0; a < map.actions; a++)
			if (map.action[a].key == at) {
				judge_conflicts(&j, &map.action[a]);
				break;
			}
	}
}

/*
 * --- In force --------------------------------------------------------------
 */

void
keymap_use(const struct config *cfg)
{
	struct keys keys;
	struct key key;
	size_t i;
	int line;

	keys_forget();
	for (i = 0; i < cfg->nkeys; i++)
		if (strcasecmp(cfg->keys[i].name, "prefix") == 0 &&
		    is_prefix(cfg->keys[i].value, &key))
			keys_set_prefix(key);
	for (i = 0; i < map.actions && cfg->nkeys > 0; i++) {
		keys = said(cfg, &map.action[i], &line);
		if (line > 0 && keys_choose(map.action[i].binding, keys) == -1)
			return;
	}
}

static const struct binding *
of_view(const struct view *view)
{
	size_t i;

	for (i = 0; views[i] != NULL && views[i] != view; i++)
		continue;
	return &map.view[i];
}

bool
keymap_turns(struct key key, const struct view *view)
{
	struct keys k = keys_of(of_view(view));

	return key_same(k.key, key) || key_same(k.also, key);
}

const char *
keymap_turns_name(const struct view *view, char *buf, size_t len)
{
	struct keys k = keys_of(of_view(view));

	buf[0] = '\0';
	return k.key.code == 0 ? buf : key_name(k.key, buf, len);
}

static const struct action *
action_named(const char *name)
{
	size_t i, key = find(name);

	for (i = 0; i < map.actions; i++)
		if (map.action[i].key == key)
			return &map.action[i];
	return NULL;
}

const char *
keymap_key(const char *action)
{
	const struct action *a = action_named(action);
	struct keys k;

	if (a == NULL || (k = keys_of(a->binding)).key.code == 0)
		return "(no key)";
	return key_name(k.key, map.shown[a->key], KEYS_TEXT);
}

bool
keymap_is(const char *action, struct key key)
{
	const struct action *a = action_named(action);
	struct keys k;

	if (a == NULL)
		return false;
	k = keys_of(a->binding);
	return key_same(k.key, key) || key_same(k.also, key);
}
