#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/check.h"
#include "config/mem.h"
#include "config/mistake.h"
#include "config/path.h"
#include "config/source.h"
#include "config/value.h"

/* A section on its way into the model. */
struct build {
	struct config *cfg;
	struct config_mistakes *ms;
	const struct config_section *sec;
	void *base; /* the struct that its keys fill */
	int *lines; /* and which lines they came from */
};

/* The section whose key it is, other than this one; NULL if none's. */
static const char *
whose_key(const char *name)
{
	int i;

	for (i = 0; i < CONFIG_SECTIONS; i++)
		if (config_key_find(config_keys(i), name) != NULL)
			return i == CONFIG_VM    ? "vm NAME"
			    : i == CONFIG_SWITCH ? "switch NAME"
						 : config_section_word(i);
	return NULL;
}

/* "memory, cpus, ...". Returns buf. */
static const char *
all_keys(enum config_section_kind kind, char *buf, size_t len)
{
	const struct config_key *key;
	size_t n = 0;

	buf[0] = '\0';
	for (key = config_keys(kind); key->name != NULL && n < len; key++)
		n += (size_t)snprintf(
		    buf + n, len - n, "%s%s", n == 0 ? "" : ", ", key->name);
	return buf;
}

static void
unknown_key(struct build *b, const struct config_entry *e)
{
	const char *word = config_section_word(b->sec->kind), *other, *near;
	char all[512];

	if (!mistake_room(b->ms)) {
		mistake_add(b->ms, e->line, "unknown key");
		return;
	}
	other = whose_key(e->key);
	near = mistake_key_meant(b->sec->kind, e->key);
	if (near != NULL)
		mistake_add(b->ms, e->line,
		    "[%s] has no key \"%s\" (did you mean \"%s\"?)", word,
		    e->key, near);
	else if (other != NULL)
		mistake_add(b->ms, e->line,
		    "[%s] has no key \"%s\": it belongs under [%s]", word,
		    e->key, other);
	else
		mistake_add(b->ms, e->line,
		    "[%s] has no key \"%s\": it may have %s", word, e->key,
		    all_keys(b->sec->kind, all, sizeof all));
}

static void
build_entry(struct build *b, const struct config_entry *e)
{
	const struct config_key *keys = config_keys(b->sec->kind), *key;
	const struct value_from from = {
	    .folder = b->cfg->folder, .line = e->line};
	struct error err;
	int *line;

	key = config_key_find(keys, e->key);
	if (key == NULL) {
		unknown_key(b, e);
		return;
	}
	line = &b->lines[key - keys];
	if (*line != 0 && !key->repeats) {
		mistake_add(b->ms, e->line,
		    "%s is given twice, first in line %d: leave one out",
		    key->name, *line);
		return;
	}
	if (*line == 0)
		*line = e->line;
	if (value_set(key, b->base, e->value, &from, &err) == -1)
		mistake_add(b->ms, e->line, "%s", err.text);
}

/* [keys] and [theme], whose names the screen knows. */
static void
build_pairs(struct build *b, struct config_pair **list, size_t *count)
{
	const struct config_entry *e;
	struct config_pair *p;
	size_t i, j;

	for (i = 0; i < b->sec->nentries; i++) {
		e = &b->sec->entries[i];
		if (*e->value == '\0') {
			mistake_add(b->ms, e->line,
			    "%s has no value: give it one or leave it out",
			    e->key);
			continue;
		}
		for (j = 0; j < *count; j++)
			if (strcmp((*list)[j].name, e->key) == 0)
				break;
		if (j < *count) {
			mistake_add(b->ms, e->line,
			    "%s is given twice, first in line %d: leave one out",
			    e->key, (*list)[j].line);
			continue;
		}
		*list = mem_grow(*list, *count, sizeof **list);
		p = &(*list)[(*count)++];
		p->line = e->line;
		p->name = mem_dup(e->key);
		p->value = mem_dup(e->value);
	}
}

static void
build_keyed(struct build *b, void *base, int *lines)
{
	size_t i;

	b->base = base;
	b->lines = lines;
	for (i = 0; i < b->sec->nentries; i++)
		build_entry(b, &b->sec->entries[i]);
}

static void
build_vm(struct build *b)
{
	struct config *cfg = b->cfg;
	struct config_vm *vm;

	cfg->vms = mem_grow(cfg->vms, cfg->nvms, sizeof *cfg->vms);
	vm = &cfg->vms[cfg->nvms++];
	vm->name = mem_dup(b->sec->name);
	vm->line = b->sec->line;
	values_fallback(config_keys(CONFIG_VM), vm);
	build_keyed(b, vm, vm->lines);
}

static void
build_switch(struct build *b)
{
	struct config *cfg = b->cfg;
	struct config_switch *sw;

	cfg->switches =
	    mem_grow(cfg->switches, cfg->nswitches, sizeof *cfg->switches);
	sw = &cfg->switches[cfg->nswitches++];
	sw->name = mem_dup(b->sec->name);
	sw->line = b->sec->line;
	values_fallback(config_keys(CONFIG_SWITCH), sw);
	build_keyed(b, sw, sw->lines);
}

static void
build_section(struct build *b)
{
	struct config *cfg = b->cfg;

	switch (b->sec->kind) {
	case CONFIG_VMTUI:
		cfg->global.line = b->sec->line;
		build_keyed(b, &cfg->global, cfg->global.lines);
		break;
	case CONFIG_SWITCH:
		build_switch(b);
		break;
	case CONFIG_VM:
		build_vm(b);
		break;
	case CONFIG_KEYS:
		build_pairs(b, &cfg->keys, &cfg->nkeys);
		break;
	case CONFIG_THEME:
		build_pairs(b, &cfg->theme, &cfg->ntheme);
		break;
	case CONFIG_SECTIONS:
		break;
	}
}

/* [keys] and [theme] alone; see CONFIG_SCREEN. */
static void
build_screen(struct config *cfg, struct config_mistakes *ms)
{
	struct config_mistakes others = {0};
	struct build b = {.cfg = cfg, .ms = &others};
	size_t i;

	for (i = 0; i < cfg->nsections; i++) {
		b.sec = &cfg->sections[i];
		if (b.sec->kind == CONFIG_KEYS || b.sec->kind == CONFIG_THEME)
			build_section(&b);
	}
	config_mistakes_clear(&others);
	check_screen(cfg, ms);
	mistake_sort(ms);
}

/* A model with nothing in it, for path. */
static struct config *
new_config(const char *path)
{
	struct config *cfg = mem_zeroed(sizeof *cfg);

	cfg->path = mem_dup(path);
	cfg->folder = path_folder(path);
	values_fallback(config_keys(CONFIG_VMTUI), &cfg->global);
	return cfg;
}

static void
name_file(struct config_mistakes *ms, const char *path)
{
	free(ms->path);
	ms->path = mem_dup(path);
}

int
config_load_string(const char *text, size_t len, const char *path,
    struct config **out, struct config_mistakes *ms)
{
	struct config *cfg = new_config(path);
	struct build b = {.cfg = cfg, .ms = ms};
	size_t i;

	*out = NULL;
	name_file(ms, path);
	if (len > CONFIG_FILE_MAX)
		mistake_add(ms, 0,
		    "the configuration is larger than %d megabytes: is this "
		    "the right file?",
		    CONFIG_FILE_MAX >> 20);
	else
		source_read(text, len, cfg, ms);
	for (i = 0; i < cfg->nsections; i++) {
		b.sec = &cfg->sections[i];
		build_section(&b);
	}
	check_model(cfg, ms);
	if (ms->count > 0) {
		mistake_sort(ms);
		config_free(cfg);
		return -1;
	}
	*out = cfg;
	return 0;
}

static int
load_screen(const char *text, size_t len, const char *path, struct config **out,
    struct config_mistakes *ms)
{
	struct config_mistakes others = {0};

	*out = new_config(path);
	if (len <= CONFIG_FILE_MAX)
		source_read(text, len, *out, &others);
	config_mistakes_clear(&others);
	build_screen(*out, ms);
	return 0;
}

static int
cannot_read(struct config_mistakes *ms, const char *reason)
{
	mistake_add(ms, 0, "cannot be read: %s", reason);
	return -1;
}

/* All of an open file, at most one byte over what is allowed; for free(). */
static char *
read_all(int fd, size_t *len, struct config_mistakes *ms)
{
	char *text = mem_zeroed(CONFIG_FILE_MAX + 1);
	ssize_t n;

	*len = 0;
	while (*len <= CONFIG_FILE_MAX) {
		n = read(fd, text + *len, CONFIG_FILE_MAX + 1 - *len);
		if (n == 0)
			break;
		if (n > 0) {
			*len += (size_t)n;
		} else if (errno != EINTR) {
			cannot_read(ms, strerror(errno));
			free(text);
			return NULL;
		}
	}
	return text;
}

int
config_load(const char *path, int flags, struct config **out,
    struct config_mistakes *ms)
{
	struct stat st;
	char *text;
	size_t len;
	int fd, r;

	*out = NULL;
	name_file(ms, path);
	/* O_NONBLOCK: a pipe without a writer must not hang the backend. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd == -1 && errno == ENOENT && (flags & CONFIG_MISSING_OK)) {
		*out = new_config(path);
		return 0;
	}
	if (fd == -1)
		return cannot_read(ms,
		    errno == ENOENT ? "there is no such file, write it or name "
				      "another one with -f"
				    : strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return cannot_read(ms,
		    S_ISDIR(st.st_mode) ? "it is a folder, name the file in it"
					: "it is not a regular file");
	}
	text = read_all(fd, &len, ms);
	close(fd);
	if (text == NULL)
		return -1;
	if (flags & CONFIG_SCREEN)
		r = load_screen(text, len, path, out, ms);
	else
		r = config_load_string(text, len, path, out, ms);
	free(text);
	return r;
}

static void
free_pairs(struct config_pair *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].value);
	}
	free(list);
}

void
config_free(struct config *cfg)
{
	size_t i;

	if (cfg == NULL)
		return;
	for (i = 0; i < cfg->nvms; i++) {
		values_free(config_keys(CONFIG_VM), &cfg->vms[i]);
		free(cfg->vms[i].name);
	}
	for (i = 0; i < cfg->nswitches; i++) {
		values_free(config_keys(CONFIG_SWITCH), &cfg->switches[i]);
		free(cfg->switches[i].name);
	}
	values_free(config_keys(CONFIG_VMTUI), &cfg->global);
	free_pairs(cfg->keys, cfg->nkeys);
	free_pairs(cfg->theme, cfg->ntheme);
	source_free(cfg);
	free(cfg->vms);
	free(cfg->switches);
	free(cfg->path);
	free(cfg->folder);
	free(cfg);
}

struct config_vm *
config_find_vm(const struct config *cfg, const char *name)
{
	size_t i;

	for (i = 0; i < cfg->nvms; i++)
		if (strcmp(cfg->vms[i].name, name) == 0)
			return &cfg->vms[i];
	return NULL;
}

struct config_switch *
config_find_switch(const struct config *cfg, const char *name)
{
	size_t i;

	for (i = 0; i < cfg->nswitches; i++)
		if (strcmp(cfg->switches[i].name, name) == 0)
			return &cfg->switches[i];
	return NULL;
}
