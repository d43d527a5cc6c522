/* The consoles view's layouts: the ready-made ones, and those with a name. */
#include <string.h>

#include "tui/consoles_keys.h"
#include "tui/layouts.h"
#include "tui/ui.h"

/* "one" is the focused pane alone; the others are those of tree.h. */
static const char *const shapes[] = {
    "one", "columns", "rows", "grid", "main and side"};
#define SHAPES (sizeof shapes / sizeof *shapes)

static void
shape(struct ui *ui, unsigned i)
{
	struct consoles *c = &ui->consoles;

	c->shape = i;
	c->zoom = i == 0;
	if (i > 0 && tree_arrange(&c->tree, (enum tree_shape)(i - 1)) == -1)
		ui_error(ui, "There is no memory for another layout.");
	tiles_changed(ui);
	ui_say(ui, "%s", shapes[i]);
}

void
consoles_next_shape(struct ui *ui)
{
	shape(ui, (ui->consoles.shape + 1) % SHAPES);
}

static void
layout_picked(struct ui *ui, const char *name)
{
	unsigned i;

	for (i = 0; i < SHAPES; i++)
		if (strcmp(name, shapes[i]) == 0) {
			if (ui->consoles.focus != NULL)
				shape(ui, i);
			return;
		}
	layouts_load(ui, name);
}

static void
layout_deleted(struct ui *ui, const char *name)
{
	unsigned i;

	for (i = 0; i < SHAPES; i++)
		if (strcmp(name, shapes[i]) == 0) {
			ui_say(ui, "%s is ready-made and stays.", name);
			return;
		}
	prompt_ask(ui, name, layouts_delete, "delete the layout %s?", name);
}

static void
add_saved(const char *name, void *arg)
{
	pick_add(arg, name, "saved");
}

void
consoles_choose_layout(struct ui *ui)
{
	struct pick *p = &ui->consoles.pick;
	unsigned i;

	pick_open(p, "layout (del deletes)", layout_picked, layout_deleted);
	for (i = 0; i < SHAPES && ui->consoles.focus != NULL; i++)
		pick_add(p, shapes[i], "ready-made");
	layouts_each(add_saved, p);
	ui_dirty(ui, DIRTY_ALL);
}

static void
save_as(struct ui *ui, const char *name)
{
	unsigned i;

	if (*name == '\0')
		return;
	for (i = 0; i < SHAPES; i++)
		if (strcmp(name, shapes[i]) == 0) {
			ui_say(
			    ui, "%s is ready-made; take another name.", name);
			return;
		}
	if (strlen(name) > LAYOUTS_NAME_MAX) {
		ui_say(ui, "A name has %d letters at most.", LAYOUTS_NAME_MAX);
		return;
	}
	layouts_save(ui, name);
}

void
consoles_save_layout(struct ui *ui)
{
	prompt_read(ui, "save this layout as: ", "", save_as);
}
