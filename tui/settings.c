#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "tui/glyphs.h"
#include "tui/keymap.h"
#include "tui/settings.h"
#include "tui/theme.h"
#include "tui/tty.h"
#include "tui/ui.h"

static const struct config_key *
keys(enum config_section_kind kind)
{
	return kind == CONFIG_KEYS ? keymap_keys() : theme_keys();
}

static void
judge(const struct config *cfg,
    void (*say)(void *arg, int line, const char *text), void *arg)
{
	keymap_judge(cfg, say, arg);
	theme_judge(cfg, say, arg);
}

void
settings_begin(void)
{
	static const struct config_screen screen = {
	    .keys = keys, .judge = judge};

	keymap_begin();
	config_screen(&screen);
}

void
settings_mouse(struct ui *ui, bool on)
{
	ui->mouse = on;
	tty_mouse(on);
}

static void
use(struct ui *ui, const struct config *cfg)
{
	bool mouse = true;
	size_t i;

	keymap_use(cfg);
	theme_use(cfg);
	glyphs_borders(theme_borders());
	for (i = 0; i < cfg->nkeys; i++)
		if (strcasecmp(cfg->keys[i].name, "mouse") == 0)
			mouse = strcasecmp(cfg->keys[i].value, "no") != 0;
	settings_mouse(ui, mouse);
	ui_dirty(ui, DIRTY_ALL);
}

/* A reading under way: on a thread of its own but for the first. */
struct reading {
	struct ui *ui;
	char path[4096];
	struct config *cfg; /* NULL: it cannot be read */
	char why[512];
};

static struct reading *
reading_new(struct ui *ui)
{
	struct reading *r = calloc(1, sizeof *r);
	struct error err;

	if (r == NULL)
		return NULL;
	r->ui = ui;
	if (ui->config != NULL)
		snprintf(r->path, sizeof r->path, "%s", ui->config);
	else if (config_default_path(r->path, sizeof r->path, &err) == -1) {
		free(r);
		return NULL;
	}
	return r;
}

static void
reading_run(void *arg)
{
	struct config_mistakes mistakes = {0};
	struct reading *r = arg;

	/* That it cannot be read is the backend's to tell. */
	if (config_load(r->path, CONFIG_MISSING_OK | CONFIG_SCREEN, &r->cfg,
		&mistakes) == 0 &&
	    mistakes.count > 0)
		config_mistake_format(&mistakes, 0, r->why, sizeof r->why);
	config_mistakes_clear(&mistakes);
}

static void
reading_done(void *arg)
{
	struct reading *r = arg;

	if (r->cfg != NULL)
		use(r->ui, r->cfg);
	/* Once: the backend says so too, and the log view keeps it. */
	if (*r->why != '\0' && strcmp(r->why, r->ui->settings_why) != 0)
		ui_error(r->ui, "%s", r->why);
	snprintf(r->ui->settings_why, sizeof r->ui->settings_why, "%s", r->why);
	config_free(r->cfg);
	free(r);
}

void
settings_load(struct ui *ui)
{
	struct reading *r = reading_new(ui);

	if (r == NULL)
		return;
	reading_run(r);
	reading_done(r);
}

void
settings_reload(struct ui *ui)
{
	struct reading *r = reading_new(ui);

	if (r != NULL &&
	    work_start(ui->works, reading_run, reading_done, r) == -1)
		free(r);
}
