/* What a field of a form may be, to choose from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/files.h"
#include "tui/text.h"
#include "tui/ui.h"

#define INTERFACES "/sys/class/net"

bool
form_choices(const struct form *f)
{
	const struct config_key *key = f->row[f->at].key;

	if (key == NULL)
		return false;
	switch (key->kind) {
	case CONFIG_K_BOOL:
	case CONFIG_K_CHOICE:
	case CONFIG_K_SIZE:
	case CONFIG_K_PATH:
	case CONFIG_K_DISK:
	case CONFIG_K_INTERFACE:
	case CONFIG_K_VM:
	case CONFIG_K_IFNAMES:
		return true;
	default:
		return false;
	}
}

/* As if it had been typed. */
static void
put(struct ui *ui, const char *text)
{
	struct form *f = &ui->form;

	if (f->step != FORM_EDITING)
		return;
	form_set_row(f, f->at, text);
	form_check(f);
	form_look(ui);
	ui_dirty(ui, DIRTY_ALL);
}

/*
 * --- Files ------------------------------------------------------------
 */

/* What stands behind the path in a disk's value: ", readonly". */
static const char *
options_of(const char *text)
{
	bool quoted = false;

	for (; *text != '\0' && (quoted || *text != ','); text++)
		if (*text == '"')
			quoted = !quoted;
	return text;
}

/* The path alone, without its quotes. */
void
form_row_path(const struct form_row *row, char *buf, size_t len)
{
	const char *text = row->text, *end;
	size_t n;

	end = row->key->kind == CONFIG_K_DISK ? options_of(text)
					      : text + strlen(text);
	n = (size_t)(end - text);
	while (n > 0 && text[n - 1] == ' ')
		n--;
	if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
		text++;
		n -= 2;
	}
	snprintf(buf, len, "%.*s", (int)n, text);
}

void
form_disk_path(const struct form *f, char *buf, size_t len)
{
	form_row_path(&f->row[f->at], buf, len);
}

static void file_chosen(struct ui *ui, const char *name);

/* Names were found: whether it is still the same row that they are for. */
static bool
still_there(const struct form *f)
{
	return f->open && f->step == FORM_EDITING && f->at == f->look_at &&
	    f->row[f->at].key == f->look_key;
}

static void
looked_for(struct form *f)
{
	f->look_at = f->at;
	f->look_key = f->row[f->at].key;
}

/*
 * What was typed of a name is its filter; the only one that begins so is
 * taken at once. One that is there is where the list begins.
 */
static void
complete(struct ui *ui)
{
	struct form *f = &ui->form;
	struct pick *p = &f->pick;
	size_t i, n = strlen(f->begun), matches = 0, match = 0;
	char name[PICK_TEXT + 1];

	for (i = 0; n > 0 && i < p->items; i++) {
		if (strcmp(p->item[i].name, f->begun) == 0) {
			p->at = i;
			f->begun[0] = '\0';
			return;
		}
		if (strncmp(p->item[i].name, f->begun, n) == 0) {
			match = i;
			matches++;
		}
	}
	if (matches > 1)
		snprintf(
		    p->filter, sizeof p->filter, "%.*s", PICK_TEXT, f->begun);
	f->begun[0] = '\0';
	if (matches != 1)
		return;
	snprintf(name, sizeof name, "%s", p->item[match].name);
	pick_close(p);
	file_chosen(ui, name);
}

/*
 * Words that a key takes in place of a path, as "(empty)": a file may have the
 * name.
 */
static void
offer_words(struct form *f)
{
	const char *const *word = f->row[f->at].key->choices;
	char text[64];

	for (; word != NULL && *word != NULL; word++) {
		snprintf(text, sizeof text, "(%s)", *word);
		pick_add(&f->pick, text, "no file");
	}
}

/* Whether it is one of those; then it is put. */
static bool
word_taken(struct ui *ui, const char *name)
{
	const struct form *f = &ui->form;
	const char *const *word = f->row[f->at].key->choices;
	char text[64];

	for (; word != NULL && *word != NULL; word++) {
		snprintf(text, sizeof text, "(%s)", *word);
		if (strcmp(name, text) == 0) {
			put(ui, *word);
			return true;
		}
	}
	return false;
}

static void
found(const struct files *files, void *arg)
{
	struct ui *ui = arg;
	struct form *f = &ui->form;
	const char *folder = f->folder[0] == '\0' ? "./" : f->folder;
	int width = text_width(folder);
	size_t i;

	/* Or another folder meanwhile. */
	if (!still_there(f) || strcmp(files->folder, f->folder) != 0)
		return;
	if (files->error != 0) {
		ui_error(ui, "%s cannot be looked into: %s", folder,
		    strerror(files->error));
		return;
	}
	pick_open(&f->pick, width < 30 ? folder : folder + width - 30,
	    file_chosen, NULL);
	offer_words(f);
	if (strcmp(folder, "/") != 0)
		pick_add(&f->pick, "../", "");
	for (i = 0; i < files->count; i++)
		if (files->name[i][0] != '.' &&
		    strlen(files->name[i]) <= PICK_TEXT)
			pick_add(&f->pick, files->name[i], "");
	complete(ui);
	ui_dirty(ui, DIRTY_ALL);
}

static void
look(struct ui *ui)
{
	struct form *f = &ui->form;
	char base[1024];

	looked_for(f);
	files_look(
	    ui->works, f->folder, form_base(f, base, sizeof base), found, ui);
}

/* The folder above; a relative one becomes absolute for that. */
static void
go_up(struct form *f)
{
	char base[1024], full[2100];
	char *end;

	if (f->folder[0] == '/' || f->folder[0] == '~')
		snprintf(full, sizeof full, "%s", f->folder);
	else
		snprintf(full, sizeof full, "%s/%s",
		    form_base(f, base, sizeof base), f->folder);
	end = full + strlen(full);
	while (end > full + 1 && end[-1] == '/')
		*--end = '\0';
	end = strrchr(full, '/');
	if (end != NULL)
		end[1] = '\0';
	snprintf(f->folder, sizeof f->folder, "%.1000s", full);
}

void
form_disk_put(struct ui *ui, const char *path)
{
	const struct form_row *row = &ui->form.row[ui->form.at];
	char text[FIELD_MAX];
	struct error err;
	char *quoted;

	if ((quoted = edit_quote(path, &err)) == NULL) {
		ui_error(ui, "%s", err.text);
		return;
	}
	snprintf(text, sizeof text, "%s%s", quoted,
	    row->key->kind == CONFIG_K_DISK ? options_of(row->text) : "");
	free(quoted);
	put(ui, text);
}

static void
file_chosen(struct ui *ui, const char *name)
{
	struct form *f = &ui->form;
	char path[1400];

	if (word_taken(ui, name))
		return;
	if (strcmp(name, "../") == 0) {
		go_up(f);
		look(ui);
		return;
	}
	/* A file that is called as a word is. */
	snprintf(path, sizeof path, "%s%s%s",
	    f->folder[0] == '\0' && f->row[f->at].key->choices != NULL ? "./"
								       : "",
	    f->folder, name);
	if (name[strlen(name) - 1] == '/') {
		snprintf(f->folder, sizeof f->folder, "%.1000s", path);
		look(ui);
		return;
	}
	form_disk_put(ui, path);
}

static void
browse(struct ui *ui)
{
	struct form *f = &ui->form;
	char path[FIELD_MAX], *slash;

	form_disk_path(f, path, sizeof path);
	slash = strrchr(path, '/');
	if (slash == NULL)
		f->folder[0] = '\0';
	else
		snprintf(f->folder, sizeof f->folder, "%.*s",
		    (int)(slash - path) + 1, path);
	snprintf(
	    f->begun, sizeof f->begun, "%s", slash == NULL ? path : slash + 1);
	look(ui);
}

/*
 * --- Words ------------------------------------------------------------
 */

static void
word_chosen(struct ui *ui, const char *name)
{
	put(ui, name);
}

/* The network of an interface; what else it says stays. */
static void
network_chosen(struct ui *ui, const char *name)
{
	struct form *f = &ui->form;
	const char *old = f->row[f->at].text, *rest;
	char text[FIELD_MAX];

	/* Only the first word is the network's, as it is written here. */
	rest = old + strcspn(old, ",");
	if (strncmp(old, "switch=", 7) != 0 && strncmp(old, "user", 4) != 0 &&
	    strncmp(old, "local", 5) != 0)
		rest = old;
	snprintf(text, sizeof text, "%s%s%.800s", name,
	    rest == old && *old != '\0' ? ", " : "", rest);
	put(ui, text);
}

static void
pick_networks(struct ui *ui)
{
	struct form *f = &ui->form;
	char text[CONFIG_NAME_MAX + 16];
	const char *name;
	size_t i;

	pick_open(&f->pick, "interface on", network_chosen, NULL);
	for (i = 0; (name = edit_name(f->edit, CONFIG_SWITCH, i)) != NULL;
	     i++) {
		snprintf(text, sizeof text, "switch=%s", name);
		pick_add(&f->pick, text, "a switch");
	}
	pick_add(&f->pick, "user", "no privileges");
	pick_add(&f->pick, "local", "the host alone");
}

static void
pick_guests(struct ui *ui)
{
	struct form *f = &ui->form;
	const char *name;
	size_t i;

	pick_open(&f->pick, f->row[f->at].key->name, word_chosen, NULL);
	for (i = 0; (name = edit_name(f->edit, CONFIG_VM, i)) != NULL; i++)
		if (strcmp(name, f->name) != 0)
			pick_add(&f->pick, name, "guest");
}

static void
pick_words(struct ui *ui, const char *const *word)
{
	struct form *f = &ui->form;
	const char *fallback = f->row[f->at].key->fallback;

	pick_open(&f->pick, f->row[f->at].key->name, word_chosen, NULL);
	for (; *word != NULL; word++)
		pick_add(&f->pick, *word,
		    fallback != NULL && strcmp(*word, fallback) == 0
			? "if not said"
			: "");
}

static void
links_found(const struct files *files, void *arg)
{
	struct ui *ui = arg;
	struct form *f = &ui->form;
	char name[64];
	size_t i;

	if (!still_there(f))
		return;
	pick_open(&f->pick, "interfaces of the host", word_chosen, NULL);
	for (i = 0; i < files->count; i++) {
		snprintf(name, sizeof name, "%.*s",
		    (int)strcspn(files->name[i], "/"), files->name[i]);
		if (strcmp(name, "lo") != 0)
			pick_add(&f->pick, name, "");
	}
	ui_dirty(ui, DIRTY_ALL);
}

void
form_choose(struct ui *ui)
{
	static const char *const bools[] = {"yes", "no", NULL};
	static const char *const sizes[] = {
	    "256M", "512M", "1G", "2G", "4G", "8G", "16G", "32G", NULL};
	const struct config_key *key = ui->form.row[ui->form.at].key;

	switch (key->kind) {
	case CONFIG_K_BOOL:
		pick_words(ui, bools);
		break;
	case CONFIG_K_CHOICE:
		pick_words(ui, key->choices);
		break;
	case CONFIG_K_SIZE:
		pick_words(ui, sizes);
		break;
	case CONFIG_K_INTERFACE:
		pick_networks(ui);
		break;
	case CONFIG_K_VM:
		pick_guests(ui);
		break;
	case CONFIG_K_IFNAMES:
		looked_for(&ui->form);
		files_look(ui->works, INTERFACES, NULL, links_found, ui);
		break;
	default:
		browse(ui);
	}
	ui_dirty(ui, DIRTY_ALL);
}
