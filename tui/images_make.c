/*
 * Images that keys make: empty ones, ones based on others, copies. And what
 * all keys of the view share: the question, its paths, the command.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/size.h"
#include "tui/complete.h"
#include "tui/images_own.h"
#include "tui/ui.h"

#define WORDS 16 /* of a command, at most */

/* The image that a question is about. */
struct image_question *
image_about(struct ui *ui)
{
	return &ui->images_view.about;
}

const char *
image_short(const struct ui *ui, const char *path, char *buf, size_t len)
{
	return images_short(&ui->images, path, buf, len);
}

/* Remembers the selected one, for the answer to come. */
const struct image_row *
image_ask(struct ui *ui)
{
	const struct image_row *row = images_here(ui);

	memset(image_about(ui), 0, sizeof *image_about(ui));
	if (row == NULL)
		return NULL;
	snprintf(image_about(ui)->path, sizeof image_about(ui)->path, "%s",
	    row->path);
	snprintf(image_about(ui)->format, sizeof image_about(ui)->format, "%s",
	    row->format);
	image_about(ui)->size = row->size;
	return row;
}

/* Words up to NULL. */
struct task *
image_run(
    struct ui *ui, const char *doing, const char *path, task_ended *ended, ...)
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
bool
image_path(struct ui *ui, const char *text, char *path, size_t len)
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
path_key(struct ui *ui, struct key key)
{
	if (!key_is(key, K_TAB, 0))
		return false;
	complete_path(ui, ui->images.home);
	return true;
}

void
image_read_path(struct ui *ui, const char *label, const char *text,
    void (*done)(struct ui *ui, const char *text))
{
	prompt_read(ui, label, text, done);
	prompt_keys(ui, path_key);
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
	if (!image_path(ui, text, full, sizeof full))
		return false;
	snprintf(image_about(ui)->target, sizeof image_about(ui)->target,
	    "%.1000s%s", full, has_ending(full) ? "" : ".qcow2");
	return true;
}

static const char *
format_of_target(struct ui *ui)
{
	size_t n = strlen(image_about(ui)->target);

	return n > 6 && strcmp(image_about(ui)->target + n - 6, ".qcow2") == 0
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
	text = image_short(ui, row->path, name, sizeof name);
	if ((slash = strrchr(text, '/')) != NULL)
		snprintf(buf, len, "%.*s", (int)(slash - text) + 1, text);
	return buf;
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
		image_run(ui, "making", image_about(ui)->target, made, "create",
		    "-f", format_of_target(ui), "-s", text, "--",
		    image_about(ui)->target, (char *)NULL);
}

static void
named(struct ui *ui, const char *text)
{
	char label[256], name[1024];

	if (!take_target(ui, text))
		return;
	snprintf(label, sizeof label, "size of %.160s (%s): ",
	    image_short(ui, image_about(ui)->target, name, sizeof name),
	    format_of_target(ui));
	prompt_read(ui, label, "16G", sized);
}

/* The one that is missing, where it is, or another beside the selected. */
void
image_new(struct ui *ui)
{
	const struct image_row *row = image_ask(ui);
	char text[1024];
	bool missing = row != NULL && row->format[0] == '\0' &&
	    row->error != NULL && strstr(row->error, "is missing") != NULL;

	image_read_path(ui, "new image: ",
	    missing ? image_short(ui, row->path, text, sizeof text)
		    : folder_here(ui, text, sizeof text),
	    named);
}

static void
based(struct ui *ui, const char *text)
{
	if (take_target(ui, text))
		image_run(ui, "making", image_about(ui)->target, made, "create",
		    "-f", "qcow2", "-F", image_about(ui)->format, "-b",
		    image_about(ui)->path, "--", image_about(ui)->target,
		    (char *)NULL);
}

void
image_new_based(struct ui *ui)
{
	char label[256], name[1024], folder[1024];

	if (image_ask(ui) == NULL)
		return;
	snprintf(label, sizeof label, "new image based on %.160s: ",
	    image_short(ui, image_about(ui)->path, name, sizeof name));
	image_read_path(
	    ui, label, folder_here(ui, folder, sizeof folder), based);
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
		image_run(ui, "copying", image_about(ui)->path, copied, "image",
		    "convert", "-f", image_about(ui)->format, "-O",
		    format_of_target(ui), "--", image_about(ui)->path,
		    image_about(ui)->target, (char *)NULL);
}

void
image_convert(struct ui *ui)
{
	char label[256], name[1024], to[1100];
	const char *text, *dot, *slash;

	if (image_ask(ui) == NULL)
		return;
	text = image_short(ui, image_about(ui)->path, name, sizeof name);
	slash = strrchr(text, '/');
	dot = strrchr(slash != NULL ? slash : text, '.');
	snprintf(
	    label, sizeof label, "copy %.160s to (.qcow2 or .raw): ", text);
	snprintf(to, sizeof to, "%.*s%s",
	    (int)(dot != NULL ? dot - text : (long)strlen(text)), text,
	    strcmp(image_about(ui)->format, "raw") == 0 ? ".qcow2" : ".raw");
	image_read_path(ui, label, to, copy_to);
}
