#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "config/clock.h"
#include "tui/job.h"
#include "tui/ui.h"

#define TEXT_MAX (16 << 20) /* bytes of an answer */
#define REST_MS  10000 /* at least, from one look to the next */
#define REST     20 /* times as long as the last one took */

static void
row_free(struct image_row *row)
{
	free(row->path);
	free(row->base);
	free(row->error);
	free(row->user);
}

static void
rows_free(struct image_row *row, size_t rows)
{
	while (rows > 0)
		row_free(&row[--rows]);
	free(row);
}

/*
 * --- Answers ------------------------------------------------------------
 */

static char *
dup_string(const json_t *from)
{
	const char *text = json_string_value(from);

	return text != NULL && *text != '\0' ? strdup(text) : NULL;
}

static uint64_t
number(const json_t *from)
{
	json_int_t n = json_integer_value(from);

	return n > 0 ? (uint64_t)n : 0;
}

static void
take_users(struct image_row *row, const json_t *users)
{
	const json_t *one;
	const char *name;
	size_t i;

	row->user = calloc(json_array_size(users) + 1, sizeof *row->user);
	if (row->user == NULL)
		return;
	json_array_foreach (users, i, one) {
		name = json_string_value(json_object_get(one, "guest"));
		if (name == NULL)
			continue;
		snprintf(row->user[row->users].guest, sizeof row->user->guest,
		    "%s", name);
		name = json_string_value(json_object_get(one, "as"));
		row->user[row->users++].cdrom =
		    name != NULL && strcmp(name, "cdrom") == 0;
	}
}

/* Returns whether there is a row. */
static bool
take_row(struct image_row *row, const json_t *one)
{
	const char *format = json_string_value(json_object_get(one, "format"));

	memset(row, 0, sizeof *row);
	row->path = dup_string(json_object_get(one, "path"));
	if (row->path == NULL)
		return false;
	row->base = dup_string(json_object_get(one, "base"));
	row->error = dup_string(json_object_get(one, "error"));
	snprintf(row->format, sizeof row->format, "%s", format ? format : "");
	row->size = number(json_object_get(one, "size"));
	row->used = number(json_object_get(one, "used"));
	row->snapshots = (unsigned)number(json_object_get(one, "snapshots"));
	row->dirty = json_is_true(json_object_get(one, "dirty"));
	row->damaged = json_is_true(json_object_get(one, "damaged"));
	take_users(row, json_object_get(one, "users"));
	return true;
}

static int
by_path(const void *a, const void *b)
{
	const struct image_row *x = a, *y = b;

	int c = model_compare(x->path, y->path);

	return c != 0 ? c : strcmp(x->path, y->path);
}

/* Rows, some of which have found their place among those that are shown. */
struct order {
	struct image_row *from; /* sorted; path NULL: it has its place */
	struct image_row *to;
	size_t n, placed;
	size_t *first, *next; /* of those based on each; n: none (more) */
};

static const struct image_row *
find_base(const struct order *o, const struct image_row *row)
{
	const struct image_row key = {.path = row->base};

	return row->base == NULL
	    ? NULL
	    : bsearch(&key, o->from, o->n, sizeof *o->from, by_path);
}

/* One, and below it what is based on it. */
static void
place(struct order *o, size_t i, unsigned depth)
{
	struct image_row *row = &o->to[o->placed++];
	size_t j;

	*row = o->from[i];
	row->depth = depth;
	o->from[i].path = NULL;
	for (j = o->first[i]; j < o->n; j = o->next[j]) {
		row->children++;
		if (depth < IMAGES_DEPTH && o->from[j].path != NULL)
			place(o, j, depth + 1);
	}
}

/* Who is based on whom; o->first[o->n]: those based on nothing known. */
static void
relate(struct order *o)
{
	const struct image_row *base;
	size_t i, of;

	for (i = 0; i <= o->n; i++)
		o->first[i] = o->n;
	/* Backwards, so that each list is in order. */
	for (i = o->n; i-- > 0;) {
		base = find_base(o, &o->from[i]);
		of = base != NULL ? (size_t)(base - o->from) : o->n;
		o->next[i] = o->first[of];
		o->first[of] = i;
	}
}

/* Bases first, and what is based on each below it. */
static struct image_row *
arrange(struct image_row *rows, size_t n)
{
	struct order o = {.from = rows, .n = n};
	size_t i;

	o.to = calloc(n + 1, sizeof *o.to);
	o.first = calloc(n + 1, sizeof *o.first);
	o.next = calloc(n + 1, sizeof *o.next);
	if (o.to != NULL && o.first != NULL && o.next != NULL) {
		qsort(rows, n, sizeof *rows, by_path);
		relate(&o);
		for (i = o.first[n]; i < n; i = o.next[i])
			place(&o, i, 0);
		/* Those that go round in a circle, or lie too deep. */
		for (i = 0; i < n; i++)
			if (rows[i].path != NULL)
				place(&o, i, 0);
	} else {
		free(o.to);
		o.to = NULL;
	}
	free(o.first);
	free(o.next);
	return o.to;
}

void
images_take(struct images *im, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "images"), *one;
	struct image_row *row, *arranged;
	size_t i, n = 0;

	row = calloc(json_array_size(list) + 1, sizeof *row);
	if (row == NULL)
		return;
	json_array_foreach (list, i, one)
		if (take_row(&row[n], one))
			n++;
	arranged = arrange(row, n);
	if (arranged == NULL) {
		rows_free(row, n);
		return;
	}
	free(row);
	rows_free(im->row, im->rows);
	im->row = arranged;
	im->rows = n;
	im->heard = true;
}

const struct image_row *
images_find(const struct images *im, const char *path)
{
	size_t i;

	for (i = 0; i < im->rows; i++)
		if (strcmp(im->row[i].path, path) == 0)
			return &im->row[i];
	return NULL;
}

const char *
images_short(const struct images *im, const char *path, char *buf, size_t len)
{
	size_t n = im->home != NULL ? strlen(im->home) : 0;
	const char *home = getenv("HOME");

	/* The root's own would take the mark of all that is absolute. */
	if (n > 1 && strncmp(path, im->home, n) == 0)
		return path + n;
	n = home != NULL ? strlen(home) : 0;
	if (n > 1 && strncmp(path, home, n) == 0 && path[n] == '/') {
		snprintf(buf, len, "~%s", path + n);
		return buf;
	}
	return path;
}

/*
 * --- Asking -------------------------------------------------------------
 */

static void
line(struct job *j, const char *text, int error, void *arg)
{
	struct ui *ui = arg;
	struct images *im = &ui->images;
	size_t n = strlen(text);
	char *more;

	if (error) {
		if (im->why[0] == '\0')
			snprintf(im->why, sizeof im->why, "%s",
			    strncmp(text, "vmtui: ", 7) == 0 ? text + 7 : text);
		return;
	}
	if (im->len + n > TEXT_MAX)
		return;
	if (im->len + n >= im->room) {
		/* Thousands of lines: not a copy of all for each. */
		more = realloc(im->text, 2 * (im->len + n) + 1);
		if (more == NULL)
			return;
		im->text = more;
		im->room = 2 * (im->len + n) + 1;
	}
	memcpy(im->text + im->len, text, n + 1);
	im->len += n;
}

static void
forget_answer(struct images *im)
{
	job_free(im->job);
	im->job = NULL;
	free(im->text);
	im->text = NULL;
	im->len = im->room = 0;
}

static void
rest(struct images *im)
{
	int64_t ms = (clock_ms() - im->began) * REST;
	struct timeval tv;

	if (ms < REST_MS)
		ms = REST_MS;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	evtimer_add(im->timer, &tv);
}

static void
ended(struct job *j, int status, void *arg)
{
	struct ui *ui = arg;
	struct images *im = &ui->images;
	json_t *answer;

	answer =
	    im->text != NULL ? json_loadb(im->text, im->len, 0, NULL) : NULL;
	if (answer != NULL)
		images_take(im, answer);
	else if (im->why[0] == '\0')
		snprintf(im->why, sizeof im->why,
		    "the images cannot be listed (status %d)", status);
	json_decref(answer);
	forget_answer(im);
	if (im->looking && im->again)
		images_ask(ui);
	else if (im->looking)
		rest(im);
	ui->view->update(ui);
	ui_dirty(ui, DIRTY_BODY | DIRTY_BOTTOM);
}

/* The folder of the configuration, which short names begin in. */
static void
find_home(struct ui *ui)
{
	struct images *im = &ui->images;
	char *path = form_config_path(ui), *slash, full[PATH_MAX],
	     here[PATH_MAX];

	free(im->home);
	im->home = NULL;
	if (path == NULL)
		return;
	if (path[0] == '/' || getcwd(here, sizeof here) == NULL)
		here[0] = '\0';
	if (snprintf(full, sizeof full, "%s%s%s", here,
		here[0] != '\0' ? "/" : "", path) < (int)sizeof full &&
	    (slash = strrchr(full, '/')) != NULL) {
		slash[1] = '\0';
		im->home = strdup(full);
	}
	free(path);
}

void
images_ask(struct ui *ui)
{
	static const struct job_ops ops = {.line = line, .ended = ended};
	static char image[] = "image", list[] = "list", json[] = "--json",
		    end[] = "--";
	struct images *im = &ui->images;
	char *words[IMAGES_FOLDERS + 5] = {image, list, json, end}, *config;
	struct error err;
	size_t i;

	if (!im->looking)
		return;
	im->again = im->job != NULL;
	if (im->again)
		return;
	find_home(ui);
	for (i = 0; i < im->folders; i++)
		words[4 + i] = im->folder[i];
	im->why[0] = '\0';
	im->began = clock_ms();
	config = form_config_path(ui);
	im->job = job_start(ui->base, config, words, &ops, ui, &err);
	free(config);
	if (im->job == NULL) {
		snprintf(im->why, sizeof im->why, "%s", err.text);
		rest(im);
	}
}

static void
tick(int fd, short what, void *arg)
{
	images_ask(arg);
}

void
images_begin(struct ui *ui)
{
	struct images *im = &ui->images;

	if (im->timer == NULL)
		im->timer = evtimer_new(ui->base, tick, ui);
	im->looking = im->timer != NULL;
	images_ask(ui);
}

void
images_end(struct ui *ui)
{
	struct images *im = &ui->images;

	im->looking = im->again = false;
	if (im->timer != NULL)
		evtimer_del(im->timer);
	forget_answer(im);
}

void
images_free(struct images *im)
{
	forget_answer(im);
	if (im->timer != NULL)
		event_free(im->timer);
	im->timer = NULL;
	rows_free(im->row, im->rows);
	im->row = NULL;
	im->rows = 0;
	while (im->folders > 0)
		free(im->folder[--im->folders]);
	free(im->home);
	im->home = NULL;
}

void
images_folder_of(struct ui *ui, const char *path)
{
	struct images *im = &ui->images;
	char folder[PATH_MAX], *slash;
	size_t i;

	snprintf(folder, sizeof folder, "%s", path);
	if (folder[0] != '/' || (slash = strrchr(folder, '/')) == NULL)
		return;
	slash[slash == folder] = '\0';
	for (i = 0; i < im->folders; i++)
		if (strcmp(im->folder[i], folder) == 0)
			return;
	/* The newest count. */
	if (im->folders == IMAGES_FOLDERS) {
		free(im->folder[0]);
		memmove(im->folder, im->folder + 1,
		    (IMAGES_FOLDERS - 1) * sizeof *im->folder);
		im->folders--;
	}
	if ((im->folder[im->folders] = strdup(folder)) != NULL)
		im->folders++;
}
