#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/import.h"
#include "tui/complete.h"
#include "tui/import.h"
#include "tui/ui.h"

struct importing {
	struct ui *ui;
	char *path, *to;
	struct config_import im;
	int r;
};

static void
import_free(struct importing *i)
{
	config_import_clear(&i->im);
	free(i->path);
	free(i->to);
	free(i);
}

/* On a thread. */
static void
run(void *arg)
{
	struct importing *i = arg;

	i->r = config_import(i->path, i->to, &i->im);
}

static void
show_mistakes(struct ui *ui, const struct config_import *im)
{
	char text[64];
	size_t i;

	sheet_open(ui, "vm.conf cannot be taken over");
	for (i = 0; i < im->nmistakes; i++)
		sheet_add(ui, STYLE_PLAIN, NULL, im->mistakes[i]);
	if (im->dropped > 0) {
		snprintf(text, sizeof text, "and %zu more", im->dropped);
		sheet_add(ui, STYLE_FAINT, NULL, text);
	}
}

static void
ended(void *arg)
{
	struct importing *i = arg;
	struct ui *ui = i->ui;

	if (i->r == -1)
		show_mistakes(ui, &i->im);
	else
		raw_add(ui, i->im.text, i->im.len);
	ui_dirty(ui, DIRTY_ALL);
	import_free(i);
}

static void
start(struct ui *ui, const char *text)
{
	struct importing *i = calloc(1, sizeof *i);
	struct error err = {.text = "There is no memory to read it."};

	if (i == NULL)
		return;
	i->ui = ui;
	i->to = form_config_path(ui);
	i->path = config_path_expand(text, "/", &err);
	if (i->path == NULL || i->to == NULL ||
	    work_start(ui->works, run, ended, i) == -1) {
		ui_error(ui, "%s", err.text);
		import_free(i);
	}
}

static bool
key(struct ui *ui, struct key k)
{
	if (!key_is(k, K_TAB, 0))
		return false;
	complete_path(ui, "/");
	return true;
}

void
import_prompt(struct ui *ui)
{
	prompt_read(ui, "vm.conf to take over: ", "/etc/vm.conf", start);
	prompt_keys(ui, key);
}
