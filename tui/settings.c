#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "tui/keys.h"
#include "tui/settings.h"

/*
 * A key that is typed into a guest all the time would be lost for that: so
 * one with ctrl or alt, or a function key.
 */
static void
set_prefix(const struct config *c, const struct config_pair *pair, char *why,
    size_t len)
{
	struct key key;

	if (key_parse(pair->value, &key) &&
	    (key.mods & (TERM_CTRL | TERM_ALT) || key.code >= K_F(1))) {
		keys_set_prefix(key);
		return;
	}
	snprintf(why, len,
	    "%s:%d: \"%s\" cannot be the prefix; use one like ctrl-a, alt-x "
	    "or F12. It is %s.",
	    c->path, pair->line, pair->value, keys_prefix_name());
}

void
settings_load(const char *config, char *why, size_t len)
{
	struct config_mistakes mistakes = {0};
	struct config *c = NULL;
	struct error err;
	char path[4096];
	size_t i;

	*why = '\0';
	if (config == NULL) {
		if (config_default_path(path, sizeof path, &err) == -1)
			return;
		config = path;
	}
	if (config_load(config, CONFIG_MISSING_OK, &c, &mistakes) == 0) {
		for (i = 0; i < c->nkeys; i++)
			if (strcasecmp(c->keys[i].name, "prefix") == 0)
				set_prefix(c, &c->keys[i], why, len);
		config_free(c);
	}
	config_mistakes_clear(&mistakes);
}
