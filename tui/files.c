#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/files.h"
#include "tui/work.h"

struct look {
	struct files files;
	char path[PATH_MAX];
	void (*done)(const struct files *files, void *arg);
	void *arg;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_folder(const char *path, const struct dirent *d)
{
	char full[PATH_MAX + sizeof d->d_name + 1];
	struct stat st;

	if (d->d_type != DT_UNKNOWN && d->d_type != DT_LNK)
		return d->d_type == DT_DIR;
	snprintf(full, sizeof full, "%s/%s", path, d->d_name);
	return stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
add(struct look *l, const struct dirent *d)
{
	size_t len = strlen(d->d_name);
	char *name = malloc(len + 2);

	if (name == NULL)
		return;
	memcpy(name, d->d_name, len + 1);
	if (is_folder(l->path, d))
		memcpy(name + len, "/", 2);
	l->files.name[l->files.count++] = name;
}

/* On a thread. */
static void
look(void *arg)
{
	struct look *l = arg;
	struct dirent *d;
	DIR *dir;

	l->files.name = calloc(FILES_MAX, sizeof *l->files.name);
	if (l->files.name == NULL || (dir = opendir(l->path)) == NULL) {
		l->files.error = errno;
		return;
	}
	while (l->files.count < FILES_MAX && (d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			add(l, d);
	closedir(dir);
	qsort(l->files.name, l->files.count, sizeof *l->files.name, compare);
}

static void
looked(void *arg)
{
	struct look *l = arg;

	l->done(&l->files, l->arg);
	while (l->files.count > 0)
		free(l->files.name[--l->files.count]);
	free(l->files.name);
	free(l->files.folder);
	free(l);
}

void
files_look(struct works *ws, const char *folder, const char *base,
    void (*done)(const struct files *files, void *arg), void *arg)
{
	struct look *l = calloc(1, sizeof *l);
	const char *home = getenv("HOME");

	if (l == NULL || (l->files.folder = strdup(folder)) == NULL) {
		free(l);
		return;
	}
	l->done = done;
	l->arg = arg;
	if (folder[0] == '~' && folder[1] == '/' && home != NULL)
		snprintf(l->path, sizeof l->path, "%s%s", home, folder + 1);
	else if (folder[0] == '/' || base == NULL)
		snprintf(l->path, sizeof l->path, "%s",
		    folder[0] == '\0' ? "." : folder);
	else
		snprintf(l->path, sizeof l->path, "%s/%s", base, folder);
	if (work_start(ws, look, looked, l) == -1)
		looked(l);
}
