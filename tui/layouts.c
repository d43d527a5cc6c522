#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"
#include "tui/layouts.h"
#include "tui/ui.h"

#define SAVE_MS   400 /* changes come in bursts */
#define FILE_MAX  (1 << 20)
#define DEPTH_MAX 32

/*
 * --- The file -------------------------------------------------------------
 */

static int
path_of(char *buf, size_t len, struct error *err)
{
	char dir[3072];

	if (paths_statedir(dir, sizeof dir, err) == -1)
		return -1;
	if ((size_t)snprintf(buf, len, "%s/consoles.json", dir) >= len)
		return error_set(err, "the path %s is too long", dir);
	return 0;
}

/* The file as an object; an empty one if there is none. NULL with err. */
static json_t *
read_file(struct error *err)
{
	json_error_t why;
	char path[4096], *text;
	json_t *root;
	FILE *f;
	size_t n;

	if (path_of(path, sizeof path, err) == -1)
		return NULL;
	if ((f = fopen(path, "re")) == NULL) {
		if (errno == ENOENT)
			return json_object();
		error_set(err, "%s cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	if ((text = malloc(FILE_MAX)) == NULL) {
		fclose(f);
		error_set(err, "no memory to read %s", path);
		return NULL;
	}
	n = fread(text, 1, FILE_MAX, f);
	fclose(f);
	root = n < FILE_MAX ? json_loadb(text, n, 0, &why) : NULL;
	free(text);
	if (!json_is_object(root)) {
		json_decref(root);
		error_set(err,
		    "%s is damaged, so the layouts of consoles in it are not "
		    "used; mend it, or remove it to begin anew",
		    path);
		return NULL;
	}
	return root;
}

/* Through a temporary file, so that a crash leaves the old one. */
static int
write_file(const json_t *root, struct error *err)
{
	char path[4096], temp[4128];
	int fd;

	if (path_of(path, sizeof path, err) == -1)
		return -1;
	snprintf(temp, sizeof temp, "%s.%ld", path, (long)getpid());
	fd = open(
	    temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return error_set(err,
		    "the layout of consoles is not kept: "
		    "%s: %s",
		    temp, strerror(errno));
	if (json_dumpfd(root, fd, JSON_INDENT(2)) == -1 ||
	    rename(temp, path) == -1) {
		error_set(err, "the layout of consoles is not kept: %s: %s",
		    path, strerror(errno));
		close(fd);
		unlink(temp);
		return -1;
	}
	close(fd);
	return 0;
}

/*
 * --- Trees ----------------------------------------------------------------
 */

json_t *
layouts_node(
    const struct tree_node *node, void (*tell)(json_t *to, const void *leaf))
{
	json_t *to = json_object(), *panes;
	unsigned i;

	json_object_set_new(to, "weight", json_integer(node->weight));
	if (node->kind == TREE_LEAF) {
		tell(to, node->leaf);
		return to;
	}
	json_object_set_new(to, "split",
	    json_string(node->kind == TREE_COLUMNS ? "columns" : "rows"));
	panes = json_array();
	for (i = 0; i < node->n; i++)
		json_array_append_new(
		    panes, layouts_node(node->child[i], tell));
	json_object_set_new(to, "panes", panes);
	return to;
}

static void
drop_all(struct tree_node *node, void (*drop)(void *leaf))
{
	unsigned i;

	if (node->leaf != NULL)
		drop(node->leaf);
	for (i = 0; i < node->n; i++)
		drop_all(node->child[i], drop);
}

static struct tree_node *
make_node(const json_t *from, void *(*make)(const json_t *from),
    unsigned *leaves, unsigned depth)
{
	const json_t *panes = json_object_get(from, "panes"), *one;
	const char *split = json_string_value(json_object_get(from, "split"));
	json_int_t weight = json_integer_value(json_object_get(from, "weight"));
	struct tree_node *node, *child;
	size_t i;

	node = tree_node(split == NULL          ? TREE_LEAF
		: strcmp(split, "columns") == 0 ? TREE_COLUMNS
						: TREE_ROWS,
	    weight < 1             ? 1
		: weight > 1000000 ? 1000000
				   : (unsigned)weight,
	    NULL);
	if (node == NULL || depth > DEPTH_MAX)
		return node;
	if (split == NULL) {
		if (++*leaves <= TREE_MAX)
			node->leaf = make(from);
		return node;
	}
	json_array_foreach (panes, i, one) {
		child = make_node(one, make, leaves, depth + 1);
		if (child == NULL || tree_append(node, child) == -1) {
			tree_node_free(child);
			break;
		}
	}
	return node;
}

/* No group without children, no leaf without a meaning. */
static bool
whole(const struct tree_node *node)
{
	unsigned i;

	if (node->kind == TREE_LEAF)
		return node->leaf != NULL;
	for (i = 0; i < node->n; i++)
		if (!whole(node->child[i]))
			return false;
	return node->n > 0;
}

int
layouts_tree(struct tree *t, const json_t *node,
    void *(*make)(const json_t *from), void (*drop)(void *leaf))
{
	struct tree_node *root = NULL;
	unsigned leaves = 0;

	t->root = NULL;
	if (!json_is_object(node) ||
	    (root = make_node(node, make, &leaves, 0)) == NULL)
		return -1;
	if (leaves > TREE_MAX || !whole(root))
		t->root = root;
	else if (tree_adopt(t, root) == 0)
		return 0;
	drop_all(t->root, drop);
	tree_clear(t);
	return -1;
}

/*
 * --- Tiles ----------------------------------------------------------------
 */

static void
tell_tile(json_t *to, const void *leaf)
{
	const struct tile *t = leaf;

	json_object_set_new(to, "guest", json_string(t->name));
	if (strcmp(t->port, PANE_SERIAL) != 0)
		json_object_set_new(to, "port", json_string(t->port));
}

static void *
make_tile(const json_t *from)
{
	const char *name = json_string_value(json_object_get(from, "guest"));
	const char *port = json_string_value(json_object_get(from, "port"));
	struct tile *t;

	if (name == NULL || *name == '\0' || strlen(name) > MODEL_NAME_MAX ||
	    (t = calloc(1, sizeof *t)) == NULL)
		return NULL;
	snprintf(t->name, sizeof t->name, "%s", name);
	if (port == NULL ||
	    (strcmp(port, PANE_VIRTIO) != 0 && strcmp(port, PANE_SERIAL2) != 0))
		port = PANE_SERIAL;
	snprintf(t->port, sizeof t->port, "%s", port);
	return t;
}

/* The panes as they stand; JSON null if there is none. */
static json_t *
layout_now(const struct consoles *c)
{
	struct tile *tile[TREE_MAX];
	unsigned i, n = tiles_all(c, tile), focus = 0;

	if (n == 0)
		return json_null();
	for (i = 0; i < n; i++)
		if (tile[i] == c->focus)
			focus = i;
	return json_pack("{s:o, s:i, s:b}", "tree",
	    layouts_node(c->tree.root, tell_tile), "focus", (int)focus, "zoom",
	    (int)c->zoom);
}

/* Puts the panes of a layout in place of those there are; -1: it is none. */
static int
take_over(struct ui *ui, const json_t *layout)
{
	struct consoles *c = &ui->consoles;
	json_int_t focus = json_integer_value(json_object_get(layout, "focus"));
	struct tile *first;
	struct tree t;

	if (layouts_tree(
		&t, json_object_get(layout, "tree"), make_tile, free) == -1)
		return -1;
	tiles_clear(ui);
	c->tree = t;
	first =
	    tiles_nth(c, focus > 0 && focus < TREE_MAX ? (unsigned)focus : 0);
	tiles_focus(ui, first != NULL ? first : tiles_nth(c, 0));
	c->zoom = json_is_true(json_object_get(layout, "zoom"));
	tiles_changed(ui);
	return 0;
}

/*
 * --- Across runs ------------------------------------------------------------
 */

static void
write_current(struct ui *ui)
{
	struct error err;
	json_t *root;

	if (!ui->consoles.changed)
		return;
	ui->consoles.changed = false;
	/* What is damaged is the person's to mend: it was said at the start. */
	if ((root = read_file(&err)) == NULL)
		return;
	json_object_set_new(root, "current", layout_now(&ui->consoles));
	if (write_file(root, &err) == -1)
		ui_error(ui, "%s", err.text);
	json_decref(root);
}

static void
save_due(int fd, short what, void *arg)
{
	write_current(arg);
}

void
layouts_changed(struct ui *ui)
{
	struct timeval tv = {0, SAVE_MS * 1000};
	struct consoles *c = &ui->consoles;

	c->changed = true;
	if (c->save == NULL)
		c->save = evtimer_new(ui->base, save_due, ui);
	if (c->save != NULL && !evtimer_pending(c->save, NULL))
		evtimer_add(c->save, &tv);
}

void
layouts_begin(struct ui *ui)
{
	struct error err;
	json_t *root = read_file(&err), *current;

	if (root == NULL) {
		ui_error(ui, "%s", err.text);
		return;
	}
	current = json_object_get(root, "current");
	if (json_is_object(current) && take_over(ui, current) == -1)
		ui_error(ui,
		    "The layout of consoles that was kept makes no sense; "
		    "there are no panes now.");
	ui->consoles.changed = false;
	json_decref(root);
}

void
layouts_end(struct ui *ui)
{
	write_current(ui);
	if (ui->consoles.save != NULL)
		event_free(ui->consoles.save);
	ui->consoles.save = NULL;
}

/*
 * --- Under a name -------------------------------------------------------------
 */

void
layouts_each(void (*each)(const char *name, void *arg), void *arg)
{
	struct error err;
	json_t *root = read_file(&err), *one;
	const char *name;

	json_object_foreach (json_object_get(root, "layouts"), name, one)
		each(name, arg);
	json_decref(root);
}

/* The layouts of the file, made if there are none. */
static json_t *
named(json_t *root)
{
	json_t *all = json_object_get(root, "layouts");

	if (!json_is_object(all)) {
		all = json_object();
		json_object_set_new(root, "layouts", all);
	}
	return all;
}

void
layouts_save(struct ui *ui, const char *name)
{
	struct error err;
	json_t *root;

	if ((root = read_file(&err)) == NULL) {
		ui_error(ui, "%s", err.text);
		return;
	}
	json_object_set_new(named(root), name, layout_now(&ui->consoles));
	if (write_file(root, &err) == -1)
		ui_error(ui, "%s", err.text);
	else
		ui_say(ui, "The layout is saved as %s.", name);
	json_decref(root);
}

void
layouts_load(struct ui *ui, const char *name)
{
	struct error err;
	json_t *root = read_file(&err);
	const json_t *all = json_object_get(root, "layouts");

	if (root == NULL)
		ui_error(ui, "%s", err.text);
	else if (take_over(ui, json_object_get(all, name)) == -1)
		ui_error(ui, "There is no layout %s that makes sense.", name);
	json_decref(root);
}

void
layouts_delete(struct ui *ui, const char *name)
{
	struct error err;
	json_t *root;

	if ((root = read_file(&err)) == NULL) {
		ui_error(ui, "%s", err.text);
		return;
	}
	json_object_del(named(root), name);
	if (write_file(root, &err) == -1)
		ui_error(ui, "%s", err.text);
	else
		ui_say(ui, "The layout %s is deleted.", name);
	json_decref(root);
}
