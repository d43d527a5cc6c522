/*
 * What keys do to disk images. Each is a command of the command line
 * (tasks.h): what it refuses it says itself, in a sentence. Questions are of
 * the image that was selected when they were asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/size.h"
#include "tui/images_own.h"
#include "tui/job.h"
#include "tui/keymap.h"
#include "tui/text.h"
#include "tui/ui.h"

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
	snprintf(why, sizeof why, "vmtui is %s it; %s stops that.", t->doing,
	    keymap_key("images-stop"));
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
 * --- Changes --------------------------------------------------------------
 */

static void
shrink_sure(struct ui *ui, const char *name)
{
	image_run(ui, "resizing", image_about(ui)->path, NULL, "image",
	    "resize", "-f", image_about(ui)->format, "--shrink", "--",
	    image_about(ui)->path, image_about(ui)->target, (char *)NULL);
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
	snprintf(image_about(ui)->target, sizeof image_about(ui)->target, "%s",
	    text);
	if (bytes < image_about(ui)->size)
		prompt_ask(ui, "", shrink_sure,
		    "make it smaller? its guest has to do without the end of "
		    "the disk; where that holds data it is refused");
	else
		image_run(ui, "resizing", image_about(ui)->path, NULL, "image",
		    "resize", "-f", image_about(ui)->format, "--",
		    image_about(ui)->path, image_about(ui)->target,
		    (char *)NULL);
}

static void
resize(struct ui *ui)
{
	char label[256], name[1024], size[32];

	if (image_ask(ui) == NULL)
		return;
	size_exact(image_about(ui)->size, size, sizeof size);
	snprintf(label, sizeof label, "size of %.160s, now %s: ",
	    image_short(ui, image_about(ui)->path, name, sizeof name), size);
	prompt_read(ui, label, size, resized);
}

static void
commit_sure(struct ui *ui, const char *name)
{
	image_run(ui, "committing", image_about(ui)->path, NULL, "image",
	    "commit", "-f", image_about(ui)->format, "--",
	    image_about(ui)->path, (char *)NULL);
}

static void
commit(struct ui *ui)
{
	const struct image_row *row = image_ask(ui), *base;
	char name[1024];

	if (row == NULL || row->base == NULL)
		return;
	base = images_find(&ui->images, row->base);
	prompt_ask(ui, "", commit_sure,
	    "write all that it holds into %s, and empty it?%s",
	    image_short(ui, row->base, name, sizeof name),
	    base != NULL && base->children > 1
		? " what else is based on that is worth nothing then"
		: "");
}

static void
rebased(struct ui *ui, const char *text)
{
	char base[1100] = "";

	if (*text != '\0' && !image_path(ui, text, base, sizeof base))
		return;
	image_run(ui, "rebasing", image_about(ui)->path, NULL, "image",
	    "rebase", "-f", image_about(ui)->format, "-b", base, "--",
	    image_about(ui)->path, (char *)NULL);
}

static void
rebase(struct ui *ui)
{
	const struct image_row *row = image_ask(ui);
	char name[1024];

	if (row != NULL)
		image_read_path(ui, "base it on (nothing: on none): ",
		    row->base != NULL
			? image_short(ui, row->base, name, sizeof name)
			: "",
		    rebased);
}

static void
delete_sure(struct ui *ui, const char *name)
{
	image_run(ui, "deleting", image_about(ui)->path, NULL, "image",
	    "delete", "--", image_about(ui)->path, (char *)NULL);
}

static void
delete_image(struct ui *ui)
{
	const struct image_row *row = image_ask(ui);
	char name[1024], used[8];

	if (row != NULL)
		prompt_ask(ui, "", delete_sure, "delete %s? its %s go for good",
		    image_short(ui, row->path, name, sizeof name),
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
	image_run(ui, "repairing", image_about(ui)->path, NULL, "image",
	    "check", "-r", "-f", "qcow2", "--", image_about(ui)->path,
	    (char *)NULL);
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

	snprintf(
	    image_about(ui)->path, sizeof image_about(ui)->path, "%s", t->path);
	if (found == NULL)
		task_say(ui, t, status);
	else if (count(found, "damaged") > 0)
		show_damage(ui, found, t);
	else if (ui->prompt.kind == PROMPT_NONE && leaks + wrong > 0)
		prompt_ask(ui, "", repair_sure,
		    "%s has %lld wrong counts and %lld leaked clusters; repair "
		    "it?",
		    image_short(ui, t->path, name, sizeof name),
		    (long long)wrong, (long long)leaks);
	else if (leaks + wrong > 0)
		ui_say(ui, "%s can be repaired: check it again.",
		    image_short(ui, t->path, name, sizeof name));
	else
		ui_say(ui, "%s has no mistakes.",
		    image_short(ui, t->path, name, sizeof name));
	json_decref(found);
}

static void
check(struct ui *ui)
{
	if (image_ask(ui) != NULL)
		image_run(ui, "checking", image_about(ui)->path, checked,
		    "image", "check", "--json", "-f", "qcow2", "--",
		    image_about(ui)->path, (char *)NULL);
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
	const struct image_row *row = image_ask(ui);

	if (row == NULL)
		return;
	if (row->format[0] == '\0')
		ui_say(ui, "%s", row->error != NULL ? row->error : "");
	else
		image_run(ui, "looking at", image_about(ui)->path, looked,
		    "image", "info", "-f", image_about(ui)->format, "--",
		    image_about(ui)->path, (char *)NULL);
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
    {{'n', 0}, {0, 0}, "new", "make an empty image", NULL, image_new},
    {{'b', 0}, {0, 0}, "based", "make an image that is based on it",
	good_refuse, image_new_based},
    {{'r', 0}, {0, 0}, "resize", "give it another size", alone_refuse, resize},
    {{'v', 0}, {0, 0}, "convert", "copy it, in another format too",
	alone_refuse, image_convert},
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
    {{'j', 0}, {K_DOWN, 0}, NULL, "the next row", NULL, down, "down"},
    {{'k', 0}, {K_UP, 0}, NULL, "the one before", NULL, up, "up"},
    {{'g', 0}, {K_HOME, 0}, NULL, "the first", NULL, first, "first"},
    {{'G', 0}, {K_END, 0}, NULL, "the last", NULL, last, "last"},
    {{K_PAGE_DOWN, 0}, {'f', TERM_CTRL}, NULL, "a page down", NULL, page_down,
	"page-down"},
    {{K_PAGE_UP, 0}, {'b', TERM_CTRL}, NULL, "a page up", NULL, page_up,
	"page-up"},
    {{0, 0}, {0, 0}, NULL, NULL, NULL, NULL},
};
