/*
 * From the rows of a form to the text of the file, with the fewest changes:
 * lines that stay keep their comments, also when their order changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/form.h"

#define VALUES_MAX FORM_ROWS

/* The values of one key: which of the rows, and where they are now. */
struct plan {
	struct edit *e;
	enum config_section_kind kind;
	const char *name; /* of the section, by now */
	const char *key;
	size_t row[VALUES_MAX]; /* rows with a text, in order */
	size_t rows;
	int place[VALUES_MAX]; /* origins, as they stand in the file now */
	size_t places;
};

static bool
is_kept(const struct form *f, const struct plan *p, int from)
{
	size_t i;

	for (i = 0; i < p->rows; i++)
		if (f->row[p->row[i]].from == from)
			return true;
	return false;
}

/* Takes those out that no row has any more. */
static int
drop_values(const struct form *f, struct plan *p, struct error *err)
{
	size_t i, n = edit_count(p->e, p->kind, p->name, p->key);

	for (i = n; i-- > 0;)
		if (!is_kept(f, p, (int)i) &&
		    edit_remove(p->e, p->kind, p->name, p->key, i, err) == -1)
			return -1;
	for (i = 0; i < n; i++)
		if (is_kept(f, p, (int)i))
			p->place[p->places++] = (int)i;
	return 0;
}

static int
move_value(struct plan *p, size_t from, size_t to, struct error *err)
{
	int origin = p->place[from];

	if (from == to)
		return 0;
	memmove(&p->place[from], &p->place[from + 1],
	    (p->places - from - 1) * sizeof *p->place);
	memmove(&p->place[to + 1], &p->place[to],
	    (p->places - 1 - to) * sizeof *p->place);
	p->place[to] = origin;
	return edit_move(p->e, p->kind, p->name, p->key, from, to, err);
}

/* The n'th row's value comes to the n'th place. */
static int
put_value(const struct form *f, struct plan *p, size_t n, struct error *err)
{
	const struct form_row *row = &f->row[p->row[n]];
	size_t at;

	for (at = 0; at < p->places; at++)
		if (row->from >= 0 && p->place[at] == row->from)
			break;
	if (at == p->places) {
		if (edit_set(p->e, p->kind, p->name, p->key, at, row->text,
			err) == -1)
			return -1;
		p->place[p->places++] = -1;
		return move_value(p, at, n, err);
	}
	return move_value(p, at, n, err) == -1 ||
		edit_set(p->e, p->kind, p->name, p->key, n, row->text, err) ==
		    -1
	    ? -1
	    : 0;
}

static int
apply_key(const struct form *f, struct edit *e, const char *name,
    const struct config_key *key, size_t *bad, struct error *err)
{
	struct plan p = {
	    .e = e, .kind = f->kind, .name = name, .key = key->name};
	size_t i;

	for (i = 0; i < f->rows; i++)
		if (f->row[i].key == key &&
		    f->row[i].text[strspn(f->row[i].text, " \t")] != '\0')
			p.row[p.rows++] = i;
	*bad = form_find_row(f, key, 0);
	if (drop_values(f, &p, err) == -1)
		return -1;
	for (i = 0; i < p.rows; i++) {
		*bad = p.row[i];
		if (put_value(f, &p, i, err) == -1)
			return -1;
	}
	return 0;
}

/* The section under the name that it shall have. */
static int
apply_name(const struct form *f, struct edit *e, struct error *err)
{
	const char *name = form_new_name(f);

	if (*name == '\0')
		return error_set(err, "the %s needs a name",
		    f->kind == CONFIG_VM ? "guest" : "switch");
	if (f->name[0] == '\0')
		return edit_section_add(e, f->kind, name, err);
	if (strcmp(f->name, name) == 0)
		return 0;
	return edit_section_rename(e, f->kind, f->name, name, err);
}

struct edit *
form_apply(const struct form *f, size_t *bad, struct error *err)
{
	struct edit *e = edit_copy(f->edit);
	const struct config_key *key;

	*bad = 0;
	if (apply_name(f, e, err) == -1)
		goto fail;
	for (key = config_keys(f->kind); key->name != NULL; key++)
		if (apply_key(f, e, form_new_name(f), key, bad, err) == -1)
			goto fail;
	*bad = f->rows;
	return e;
fail:
	edit_free(e);
	return NULL;
}

/*
 * --- Mistakes ---------------------------------------------------------
 */

static void
blame(struct form *f, size_t i, const char *text)
{
	if (i >= f->rows) {
		if (f->mistake[0] == '\0')
			snprintf(f->mistake, sizeof f->mistake, "%s", text);
	} else if (f->row[i].mistake == NULL)
		f->row[i].mistake = strdup(text);
}

/* The row whose value stands in that line, or f->rows. */
static size_t
row_of_line(const struct form *f, const struct edit *e, int line)
{
	const struct config_key *key = NULL;
	size_t i, nth = 0;

	for (i = 1; i < f->rows; i++) {
		if (f->row[i].key != key)
			nth = 0;
		key = f->row[i].key;
		if (f->row[i].text[strspn(f->row[i].text, " \t")] == '\0')
			continue;
		if (edit_line(e, f->kind, form_new_name(f), key->name, nth) ==
		    line)
			return i;
		nth++;
	}
	return f->rows;
}

/* The other guest that writes to the disk, or NULL. */
static const struct config_vm *
shares_disk(const struct config *cfg, const struct config_vm *vm,
    const struct config_disk *disk)
{
	const struct config_vm *other;
	size_t i, j;

	for (i = 0; i < cfg->nvms && !disk->readonly; i++) {
		other = &cfg->vms[i];
		for (j = 0; other != vm && j < other->ndisks; j++)
			if (strcmp(other->disks[j].path, disk->path) == 0 &&
			    !other->disks[j].readonly)
				return other;
	}
	return NULL;
}

/* Disks that another guest has too, as a copy's at first. */
static void
warn_of_disks(struct form *f, const struct config *cfg)
{
	const struct config_vm *vm = config_find_vm(cfg, form_new_name(f));
	const struct config_vm *other;
	char text[256];
	size_t i, row = 0;

	for (i = 0; vm != NULL && i < vm->ndisks; i++) {
		row++;
		while (row < f->rows &&
		    (f->row[row].key->kind != CONFIG_K_DISK ||
			f->row[row].text[0] == '\0'))
			row++;
		other = shares_disk(cfg, vm, &vm->disks[i]);
		if (row >= f->rows || other == NULL ||
		    f->row[row].mistake != NULL)
			continue;
		snprintf(text, sizeof text,
		    "%s has this disk too: only one of them can run at a "
		    "time. Choose another, or take it out with ctrl-x.",
		    other->name);
		blame(f, row, text);
		f->row[row].mild = true;
	}
}

/* What the file as a whole has against the rows. */
static bool
check_whole(struct form *f, const struct edit *e)
{
	struct config_mistakes ms = {0};
	struct config *cfg;
	char text[900];
	size_t i, row;
	bool good;

	good = edit_check(e, &cfg, &ms) == 0;
	for (i = 0; i < ms.count; i++) {
		row = row_of_line(f, e, ms.list[i].line);
		if (row < f->rows)
			blame(f, row, ms.list[i].text);
		else
			blame(f, row,
			    config_mistake_format(&ms, i, text, sizeof text));
	}
	if (good && f->kind == CONFIG_VM)
		warn_of_disks(f, cfg);
	config_free(cfg);
	config_mistakes_clear(&ms);
	return good;
}

/* Each value alone. */
static bool
check_rows(struct form *f)
{
	char folder[1024];
	struct error err;
	bool good = true;
	size_t i;

	form_base(f, folder, sizeof folder);
	for (i = 1; i < f->rows; i++) {
		if (f->row[i].text[strspn(f->row[i].text, " \t")] == '\0' ||
		    edit_value_check(f->kind, f->row[i].key->name,
			f->row[i].text, folder, &err) == 0)
			continue;
		blame(f, i, err.text);
		good = false;
	}
	return good;
}

bool
form_check(struct form *f)
{
	struct error err;
	struct edit *e;
	bool good;
	size_t i;

	for (i = 0; i < f->rows; i++) {
		free(f->row[i].mistake);
		f->row[i].mistake = NULL;
		f->row[i].mild = false;
	}
	f->mistake[0] = '\0';
	good = check_rows(f);
	e = form_apply(f, &i, &err);
	if (e == NULL) {
		/* A new one without its name is not a mistake yet. */
		if (form_new_name(f)[0] != '\0')
			blame(f, i, err.text);
		return false;
	}
	good = check_whole(f, e) && good;
	edit_free(e);
	return good;
}
