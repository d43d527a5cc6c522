/*
 * near.c: which file was meant: the one beside a missing image whose name is
 * nearest to it.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "backend/block/engine.h"

#define NAME_MOST 255
#define FAR       3 /* this many letters apart is another name */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* How many letters must be put in, taken out or changed. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[NAME_MOST + 1], diagonal, above;
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > NAME_MOST || lb > NAME_MOST)
		return NAME_MOST;
	for (j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			row[j] = min3(above + 1, row[j - 1] + 1,
			    diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[lb];
}

/* The length of the name without its extension. */
static size_t
stem(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
}

/* 0 is nearest: another extension; from FAR on it is not meant. */
static unsigned
score(const char *wanted, const char *have)
{
	size_t n = stem(wanted);
	unsigned d;

	if (have[0] == '.')
		return FAR;
	if (n == stem(have) && strncmp(wanted, have, n) == 0)
		return 0;
	d = distance(wanted, have);
	/* Of a short name two letters are most of it. */
	return d * 3 > strlen(wanted) ? FAR : d;
}

const char *
block_neighbour(const char *path, char *buf, size_t len)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char folder[4096];
	unsigned best = FAR, s;
	struct dirent *e;
	DIR *dir;

	if (slash == NULL)
		snprintf(folder, sizeof folder, ".");
	else if ((size_t)(slash - path) < sizeof folder - 1)
		snprintf(
		    folder, sizeof folder, "%.*s/", (int)(slash - path), path);
	else
		return NULL;
	dir = opendir(folder);
	if (dir == NULL)
		return NULL;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_type == DT_DIR)
			continue;
		s = score(name, e->d_name);
		if (s < best) {
			best = s;
			snprintf(buf, len, "%s", e->d_name);
		}
	}
	closedir(dir);
	return best < FAR ? buf : NULL;
}
