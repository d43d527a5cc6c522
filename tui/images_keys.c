/*
 * What keys do to disk images. Each is a command of the command line
 * (tasks.h): what it refuses it says itself, in a sentence. Questions are of
 * the image that was selected when they were asked.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/size.h"
#include "tui/complete.h"
#include "tui/job.h"
#include "tui/text.h"
#include "tui/ui.h"

#define WORDS 16 /* of a command, at most */

/* The image that a question is about(ui)-> */
static struct image_question *
about(struct ui *ui)
{
	return &ui->images_view.about;
}

static const char *
short_name(const struct ui *ui, const char *path, char *buf, size_t len)
{
	return images_short(&ui->images, path, buf, len);
}

/* Remembers the selected one, for the answer to come. */
static const struct image_row *
ask_about_here(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	memset(about(ui), 0, sizeof *about(ui));
	if (row == NULL)
		return NULL;
	snprintf(about(ui)->path, sizeof about(ui)->path, "%s", row->path);
	snprintf(
	    about(ui)->format, sizeof about(ui)->format, "%s", row->format);
	about(ui)->size = row->size;
	return row;
}

/* Words up to NULL. */
static struct task *
run(struct ui *ui, const char *doing, const char *path, task_ended *ended, ...)
{
	char *words[WORDS + 1];
	va_list ap;
	int n = 0;

	va_start(ap, ended);
	while (n < WORDS && (words[n] = va_arg(ap, char *)) != NULL)
		n++;
	va_end(ap);
	words[n] = NULL;
	return task_start(ui, doing, path, words, ended);
}

/* A path as it was typed, made absolute as the configuration's are. */
static bool
expand(struct ui *ui, const char *text, char *path, size_t len)
{
	const char *home = ui->images.home;
	struct error err;
	char *full;

	full = config_path_expand(text, home != NULL ? home : "/", &err);
	if (full == NULL) {
		ui_error(ui, "%s", err.text);
		return false;
	}
	snprintf(path, len, "%s", full);
	free(full);
	return true;
}

static bool
has_ending(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash != NULL ? slash : path, '.');

	return dot != NULL && dot[1] != '\0';
}

/* The name that a new image shall have; "": none was given. */
static bool
take_target(struct ui *ui, const char *text)
{
	size_t n = strlen(text);
	char full[1100];

	if (n == 0 || text[n - 1] == '/') {
		if (n > 0)
			ui_say(ui, "It needs a name behind its folder.");
		return false;
	}
	if (!expand(ui, text, full, sizeof full))
		return false;
	snprintf(about(ui)->target, sizeof about(ui)->target, "%.1000s%s", full,
	    has_ending(full) ? "" : ".qcow2");
	return true;
}

static const char *
format_of_target(struct ui *ui)
{
	size_t n = strlen(about(ui)->target);

	return n > 6 && strcmp(about(ui)->target + n - 6, ".qcow2") == 0
	    ? "qcow2"
	    : "raw";
}

/* The folder of the selected image, to begin a name with. */
static const char *
folder_here(const struct ui *ui, char *buf, size_t len)
{
	const struct image_row *row = images_here(ui);
	char name[1024];
	const char *text, *slash;

	buf[0] = '\0';
	if (row == NULL)
		return buf;
	text = short_name(ui, row->path, name, sizeof name);
	if ((slash = strrchr(text, '/')) != NULL)
		snprintf(buf, len, "%.*s", (int)(slash - text) + 1, text);
	return buf;
}

static bool
path_key(struct ui *ui, struct key key)
{
	if (!key_is(key, K_TAB, 0))
		return false;
	complete_path(ui, ui->images.home);
	return true;
}

static void
read_path(struct ui *ui, const char *label, const char *text,
    void (*done)(struct ui *ui, const char *text))
{
	prompt_read(ui, label, text, done);
	prompt_keys(ui, path_key);
}

/*
 * --- What cannot be done now -------------------------------------------
 */

static const char *
busy_refuse(struct ui *ui)
{
	static char why[128];
	const struct image_row *row = images_here(ui);
	const struct task *t;

	if (row == NULL)
		return "There is no image.";
	if ((t = task_find(ui, row->path)) == NULL)
		return NULL;
	snprintf(why, sizeof why, "vmtui is %s it; esc stops that.", t->doing);
	return why;
}

static const char *
good_refuse(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	return row != NULL && row->format[0] == '\0' ? row->error
						     : busy_refuse(ui);
}

/* What writes it, or wants it to hold still. */
static const char *
alone_refuse(struct ui *ui)
{
	static char why[128];
	const struct image_row *row = images_here(ui);
	const struct guest *g = row != NULL ? images_runs(ui, row) : NULL;

	if (g == NULL)
		return good_refuse(ui);
	snprintf(why, sizeof why, "%s runs with it: stop it first.", g->name);
	return why;
}

static const char *
qcow2_refuse(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	return row != NULL && strcmp(row->format, "raw") == 0
	    ? "A raw image has nothing to check."
	    : alone_refuse(ui);
}

static const char *
commit_refuse(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	return row != NULL && row->error == NULL && row->base == NULL
	    ? "It is based on nothing."
	    : alone_refuse(ui);
}

static const char *
rebase_refuse(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	return row != NULL && strcmp(row->format, "raw") == 0
	    ? "A raw image is based on nothing."
	    : alone_refuse(ui);
}

static const char *
delete_refuse(struct ui *ui)
{
	static char why[128];
	const struct image_row *row = images_here(ui);

	if (row != NULL && row->users > 0) {
		snprintf(why, sizeof why, "The definition of %s names it.",
		    row->user[0].guest);
		return why;
	}
	if (row != NULL && row->children > 0)
		return "Another image is based on it.";
	return busy_refuse(ui);
}

static const char *
stop_refuse(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	return row == NULL || task_find(ui, row->path) == NULL
	    ? "Nothing is being done to it."
	    : NULL;
}

static const char *
guest_refuse(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	return row == NULL || row->users == 0 ? "No guest uses it." : NULL;
}

/*
 * --- New ones -----------------------------------------------------------
 */

/* The new one is selected when it is seen. */
static void
made(struct ui *ui, struct task *t, int status)
{
	struct images_view *v = &ui->images_view;

	if (status == 0) {
		images_folder_of(ui, t->path);
		free(v->selected);
		v->selected = strdup(t->path);
		v->filter[0] = '\0';
	}
	task_say(ui, t, status);
}

static void
sized(struct ui *ui, const char *text)
{
	uint64_t bytes;

	if (size_parse(text, &bytes) == -1 || bytes == 0)
		ui_error(
		    ui, "\"%s\" is not a size: write one such as 16G", text);
	else
		run(ui, "making", about(ui)->target, made, "create", "-f",
		    format_of_target(ui), "-s", text, "--", about(ui)->target,
		    (char *)NULL);
}

static void
named(struct ui *ui, const char *text)
{
	char label[256], name[1024];

	if (!take_target(ui, text))
		return;
	snprintf(label, sizeof label, "size of %.160s (%s): ",
	    short_name(ui, about(ui)->target, name, sizeof name),
	    format_of_target(ui));
	prompt_read(ui, label, "16G", sized);
}

static void
new_image(struct ui *ui)
{
	char folder[1024];

	ask_about_here(ui);
	read_path(
	    ui, "new image: ", folder_here(ui, folder, sizeof folder), named);
}

static void
based(struct ui *ui, const char *text)
{
	if (take_target(ui, text))
		run(ui, "making", about(ui)->target, made, "create", "-f",
		    "qcow2", "-F", about(ui)->format, "-b", about(ui)->path,
		    "--", about(ui)->target, (char *)NULL);
}

static void
new_based(struct ui *ui)
{
	char label[256], name[1024], folder[1024];

	if (ask_about_here(ui) == NULL)
		return;
	snprintf(label, sizeof label, "new image based on %.160s: ",
	    short_name(ui, about(ui)->path, name, sizeof name));
	read_path(ui, label, folder_here(ui, folder, sizeof folder), based);
}

/* The copy is another row, once it is there; how far it is this one tells. */
static void
copied(struct ui *ui, struct task *t, int status)
{
	char path[1024];

	/* "PATH: raw, 16G, copied in 1.0 s" */
	snprintf(
	    path, sizeof path, "%.*s", (int)strcspn(t->result, ":"), t->result);
	if (status == 0)
		images_folder_of(ui, path);
	task_say(ui, t, status);
}

static void
copy_to(struct ui *ui, const char *text)
{
	if (take_target(ui, text))
		run(ui, "copying", about(ui)->path, copied, "image", "convert",
		    "-f", about(ui)->format, "-O", format_of_target(ui), "--",
		    about(ui)->path, about(ui)->target, (char *)NULL);
}

static void
convert(struct ui *ui)
{
	char label[256], name[1024], to[1100];
	const char *text, *dot, *slash;

	if (ask_about_here(ui) == NULL)
		return;
	text = short_name(ui, about(ui)->path, name, sizeof name);
	slash = strrchr(text, '/');
	dot = strrchr(slash != NULL ? slash : text, '.');
	snprintf(
	    label, sizeof label, "copy %.160s to (.qcow2 or .raw): ", text);
	snprintf(to, sizeof to, "%.*s%s",
	    (int)(dot != NULL ? dot - text : (long)strlen(text)), text,
	    strcmp(about(ui)->format, "raw") == 0 ? ".qcow2" : ".raw");
	read_path(ui, label, to, copy_to);
}

/*
 * --- Changes --------------------------------------------------------------
 */

static void
shrink_sure(struct ui *ui, const char *name)
{
	run(ui, "resizing", about(ui)->path, NULL, "image", "resize", "-f",
	    about(ui)->format, "--shrink", "--", about(ui)->path,
	    about(ui)->target, (char *)NULL);
}

static void
resized(struct ui *ui, const char *text)
{
	uint64_t bytes;

	if (size_parse(text, &bytes) == -1 || bytes == 0) {
		ui_error(
		    ui, "\"%s\" is not a size: write one such as 16G", text);
		return;
	}
	snprintf(about(ui)->target, sizeof about(ui)->target, "%s", text);
	if (bytes < about(ui)->size)
		prompt_ask(ui, "", shrink_sure,
		    "make it smaller? its guest has to do without the end of "
		    "the disk; where that holds data it is refused");
	else
		run(ui, "resizing", about(ui)->path, NULL, "image", "resize",
		    "-f", about(ui)->format, "--", about(ui)->path,
		    about(ui)->target, (char *)NULL);
}

static void
resize(struct ui *ui)
{
	char label[256], name[1024], size[32];

	if (ask_about_here(ui) == NULL)
		return;
	size_exact(about(ui)->size, size, sizeof size);
	snprintf(label, sizeof label, "size of %.160s, now %s: ",
	    short_name(ui, about(ui)->path, name, sizeof name), size);
	prompt_read(ui, label, size, resized);
}

static void
commit_sure(struct ui *ui, const char *name)
{
	run(ui, "committing", about(ui)->path, NULL, "image", "commit", "-f",
	    about(ui)->format, "--", about(ui)->path, (char *)NULL);
}

static void
commit(struct ui *ui)
{
	const struct image_row *row = ask_about_here(ui), *base;
	char name[1024];

	if (row == NULL || row->base == NULL)
		return;
	base = images_find(&ui->images, row->base);
	prompt_ask(ui, "", commit_sure,
	    "write all that it holds into %s, and empty it?%s",
	    short_name(ui, row->base, name, sizeof name),
	    base != NULL && base->children > 1
		? " what else is based on that is worth nothing then"
		: "");
}

static void
rebased(struct ui *ui, const char *text)
{
	char base[1100] = "";

	if (*text != '\0' && !expand(ui, text, base, sizeof base))
		return;
	run(ui, "rebasing", about(ui)->path, NULL, "image", "rebase", "-f",
	    about(ui)->format, "-b", base, "--", about(ui)->path, (char *)NULL);
}

static void
rebase(struct ui *ui)
{
	const struct image_row *row = ask_about_here(ui);
	char name[1024];

	if (row != NULL)
		read_path(ui, "base it on (nothing: on none): ",
		    row->base != NULL
			? short_name(ui, row->base, name, sizeof name)
			: "",
		    rebased);
}

static void
delete_sure(struct ui *ui, const char *name)
{
	run(ui, "deleting", about(ui)->path, NULL, "image", "delete", "--",
	    about(ui)->path, (char *)NULL);
}

static void
delete_image(struct ui *ui)
{
	const struct image_row *row = ask_about_here(ui);
	char name[1024], used[8];

	if (row != NULL)
		prompt_ask(ui, "", delete_sure, "delete %s? its %s go for good",
		    short_name(ui, row->path, name, sizeof name),
		    row->format[0] != '\0'
			? size_short(row->used, used, sizeof used)
			: "bytes");
}

/*
 * --- Looking --------------------------------------------------------------
 */

static void
repair_sure(struct ui *ui, const char *name)
{
	run(ui, "repairing", about(ui)->path, NULL, "image", "check", "-r",
	    "-f", "qcow2", "--", about(ui)->path, (char *)NULL);
}

static void
show_lines(struct ui *ui, const char *title, const struct task *t)
{
	const char *p, *end;
	char text[JOB_LINE_MAX + 1];

	sheet_open(ui, title);
	for (p = t->out; p != NULL && *p != '\0'; p = end + 1) {
		if ((end = strchr(p, '\n')) == NULL)
			break;
		snprintf(text, sizeof text, "%.*s", (int)(end - p), p);
		sheet_add(ui, STYLE_PLAIN, NULL, text);
	}
}

static int64_t
count(const json_t *found, const char *what)
{
	return json_integer_value(json_object_get(found, what));
}

/* More than fits a line, and nothing that could be done about it here. */
static void
show_damage(struct ui *ui, const json_t *found, const struct task *t)
{
	const json_t *said = json_object_get(found, "messages"), *one;
	size_t i;

	sheet_open(ui, "check");
	sheet_add(ui, STYLE_ERROR, NULL, t->result);
	sheet_add(ui, STYLE_PLAIN, NULL, "");
	json_array_foreach (said, i, one)
		if (json_string_value(one) != NULL)
			sheet_add(
			    ui, STYLE_PLAIN, NULL, json_string_value(one));
}

static void
checked(struct ui *ui, struct task *t, int status)
{
	json_t *found = t->out != NULL ? json_loads(t->out, 0, NULL) : NULL;
	int64_t leaks = count(found, "leaks"),
		wrong =
		    count(found, "low_counts") + count(found, "wrong_flags");
	char name[1024];

	snprintf(about(ui)->path, sizeof about(ui)->path, "%s", t->path);
	if (found == NULL)
		task_say(ui, t, status);
	else if (count(found, "damaged") > 0)
		show_damage(ui, found, t);
	else if (ui->prompt.kind == PROMPT_NONE && leaks + wrong > 0)
		prompt_ask(ui, "", repair_sure,
		    "%s has %lld wrong counts and %lld leaked clusters; repair "
		    "it?",
		    short_name(ui, t->path, name, sizeof name),
		    (long long)wrong, (long long)leaks);
	else if (leaks + wrong > 0)
		ui_say(ui, "%s can be repaired: check it again.",
		    short_name(ui, t->path, name, sizeof name));
	else
		ui_say(ui, "%s has no mistakes.",
		    short_name(ui, t->path, name, sizeof name));
	json_decref(found);
}

static void
check(struct ui *ui)
{
	if (ask_about_here(ui) != NULL)
		run(ui, "checking", about(ui)->path, checked, "image", "check",
		    "--json", "-f", "qcow2", "--", about(ui)->path,
		    (char *)NULL);
}

static void
looked(struct ui *ui, struct task *t, int status)
{
	/* Turned to something else meanwhile: it is not wanted any more. */
	if (ui->view != &view_images || ui->form.open)
		return;
	if (status != 0 && t->out == NULL)
		task_say(ui, t, status);
	else
		show_lines(ui, "image", t);
}

static void
info(struct ui *ui)
{
	const struct image_row *row = ask_about_here(ui);

	if (row == NULL)
		return;
	if (row->format[0] == '\0')
		ui_say(ui, "%s", row->error != NULL ? row->error : "");
	else
		run(ui, "looking at", about(ui)->path, looked, "image", "info",
		    "-f", about(ui)->format, "--", about(ui)->path,
		    (char *)NULL);
}

static void
stop(struct ui *ui)
{
	task_stop(task_find(ui, images_here(ui)->path));
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

static void
go_guest(struct ui *ui)
{
	char name[MODEL_NAME_MAX + 1];

	snprintf(name, sizeof name, "%s", images_here(ui)->user[0].guest);
	ui_turn(ui, &view_guests);
	guests_select(ui, name);
	ui_layout(ui);
}

static void
filtered(struct ui *ui, const char *text)
{
	struct images_view *v = &ui->images_view;

	snprintf(v->filter, sizeof v->filter, "%s", text);
	ui->view->update(ui);
	ui_dirty(ui, DIRTY_BODY);
}

static void
filter(struct ui *ui)
{
	prompt_text(ui, "/", ui->images_view.filter, filtered);
}

static const char *
filter_refuse(struct ui *ui)
{
	return ui->images_view.filter[0] == '\0' ? "All images are shown."
						 : NULL;
}

static void
show_all(struct ui *ui)
{
	filtered(ui, "");
}

static void
down(struct ui *ui)
{
	images_move(ui, 1);
}

static void
up(struct ui *ui)
{
	images_move(ui, -1);
}

static void
page_down(struct ui *ui)
{
	images_move(ui, images_list_rows(ui));
}

static void
page_up(struct ui *ui)
{
	images_move(ui, -(long)images_list_rows(ui));
}

static void
first(struct ui *ui)
{
	images_move(ui, -(long)ui->images_view.nshown);
}

static void
last(struct ui *ui)
{
	images_move(ui, (long)ui->images_view.nshown);
}

const struct binding images_bindings[] = {
    {{K_ESCAPE, 0}, {'c', TERM_CTRL}, "stop", "stop what is done to it",
	stop_refuse, stop},
    {{K_ENTER, 0}, {K_RIGHT, 0}, "info", "all there is to know of it",
	busy_refuse, info},
    {{'n', 0}, {0, 0}, "new", "make an empty image", NULL, new_image},
    {{'b', 0}, {0, 0}, "based", "make an image that is based on it",
	good_refuse, new_based},
    {{'r', 0}, {0, 0}, "resize", "give it another size", alone_refuse, resize},
    {{'v', 0}, {0, 0}, "convert", "copy it, in another format too",
	alone_refuse, convert},
    {{'c', 0}, {0, 0}, "check", "look for mistakes in it, and repair them",
	qcow2_refuse, check},
    {{'d', 0}, {0, 0}, "delete", "delete it, if nobody uses it", delete_refuse,
	delete_image},
    {{'C', 0}, {0, 0}, "commit", "write what it holds into its base",
	commit_refuse, commit},
    {{'B', 0}, {0, 0}, "rebase", "base it on another, or on none",
	rebase_refuse, rebase},
    {{'u', 0}, {0, 0}, "user", "turn to the guest that uses it", guest_refuse,
	go_guest},
    {{'/', 0}, {0, 0}, "filter", "show only images with this in their path",
	NULL, filter},
    {{K_ESCAPE, 0}, {0, 0}, "all", "show all images again", filter_refuse,
	show_all},
    {{'j', 0}, {K_DOWN, 0}, NULL, "the next row", NULL, down},
    {{'k', 0}, {K_UP, 0}, NULL, "the one before", NULL, up},
    {{'g', 0}, {K_HOME, 0}, NULL, "the first", NULL, first},
    {{'G', 0}, {K_END, 0}, NULL, "the last", NULL, last},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, NULL, "a page down", NULL, page_down},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, NULL, "a page up", NULL, page_up},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};
