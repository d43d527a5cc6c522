#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/text.h"
#include "backend/supervisor/changes.h"
#include "backend/supervisor/clients.h"
#include "backend/supervisor/definitions.h"
#include "backend/supervisor/numbers.h"
#include "backend/supervisor/registry.h"
#include "config/log.h"

static void
take_mistakes(struct backend *b, const struct config_mistakes *m)
{
	char line[1024];
	size_t i;

	json_decref(b->mistakes);
	b->mistakes = json_array();
	for (i = 0; i < m->count; i++) {
		config_mistake_format(m, i, line, sizeof line);
		log_warn("%s", line);
		json_array_append_new(b->mistakes, text_json(line));
	}
}

/* Reads the file; on mistakes the definitions stay as they were. */
static void
load(struct backend *b)
{
	struct config_mistakes m = {0};
	struct config *config;

	if (config_load(b->config_path, b->config_flags, &config, &m) == 0) {
		changes_note(b, config);
		config_free(b->config);
		b->config = config;
	}
	access_refresh(b);
	take_mistakes(b, &m);
	config_mistakes_clear(&m);
}

/* The backend leaves the folder it was started in, so the path has to last. */
static int
settle_path(struct backend *b, const char *path, struct error *err)
{
	char buf[PATH_MAX], cwd[PATH_MAX] = "/";

	if (path == NULL) {
		if (config_default_path(buf, sizeof buf, err) == -1)
			return -1;
		path = buf;
		b->config_flags = CONFIG_MISSING_OK;
	}
	/* Clients that ask for a file by -f compare it with ours. */
	if ((b->config_path = realpath(path, NULL)) != NULL)
		return 0;
	if (path[0] != '/' && getcwd(cwd, sizeof cwd) == NULL)
		return error_set(err, "cannot tell which folder %s is in: %s",
		    path, strerror(errno));
	if (path[0] == '/')
		b->config_path = strdup(path);
	else if (asprintf(&b->config_path, "%s/%s", cwd, path) == -1)
		b->config_path = NULL;
	if (b->config_path == NULL)
		return error_set(err, "no memory");
	return 0;
}

int
definitions_open(struct backend *b, const char *path, struct error *err)
{
	struct config_mistakes m = {0};
	int rc;

	if (settle_path(b, path, err) == -1)
		return -1;
	rc = config_load_string("", 0, b->config_path, &b->config, &m);
	config_mistakes_clear(&m);
	if (rc == -1)
		return error_set(err, "no memory");
	b->mistakes = json_array();
	b->changes = json_array();
	definitions_refresh(b, true);
	/* The first time all is new, and nobody has to be told. */
	json_array_clear(b->changes);
	return 0;
}

void
definitions_close(struct backend *b)
{
	access_close(b);
	config_free(b->config);
	free(b->config_path);
	json_decref(b->mistakes);
	json_decref(b->changes);
	b->changes = NULL;
	numbers_close(b);
	b->config = NULL;
	b->config_path = NULL;
	b->mistakes = NULL;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
definitions_refresh(struct backend *b, bool force)
{
	struct stat st;

	if (stat(b->config_path, &st) == -1)
		memset(&st, 0, sizeof st);
	if (!force && same_file(&st, &b->config_stat))
		return;
	/* Looked at first: a change while we read is seen the next time. */
	b->config_stat = st;
	load(b);
	registry_sync(b, force);
	clients_event(b, "CONFIG", json_pack("{s:O}", "mistakes", b->mistakes));
}

int
definitions_load(
    struct backend *b, const char *path, json_t **mistakes, struct error *err)
{
	struct config_mistakes m = {0};
	struct config *config = NULL;
	char *real, line[1024];
	size_t i;

	*mistakes = NULL;
	if ((real = realpath(path, NULL)) == NULL)
		return error_set(
		    err, "%s cannot be loaded: %s", path, strerror(errno));
	if (config_load(real, 0, &config, &m) == -1) {
		*mistakes = json_array();
		for (i = 0; i < m.count; i++)
			json_array_append_new(*mistakes,
			    text_json(config_mistake_format(
				&m, i, line, sizeof line)));
		config_mistakes_clear(&m);
		free(real);
		return -1;
	}
	config_mistakes_clear(&m);
	config_free(config);
	free(b->config_path);
	b->config_path = real;
	b->config_flags = 0;
	definitions_refresh(b, true);
	return 0;
}
