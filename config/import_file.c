/* The files of a vm.conf(5), and what its macros stand for. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/import_lex.h"
#include "config/mem.h"

void
lex_mistake(
    struct lex *lex, const struct lex_place *place, const char *fmt, ...)
{
	struct config_import *im = lex->im;
	const char *path = lex->files[place->file].path;
	char text[1024];
	va_list ap;

	if (im->nmistakes == IMPORT_MISTAKES_MAX) {
		im->dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	im->mistakes =
	    mem_grow(im->mistakes, im->nmistakes, sizeof *im->mistakes);
	im->mistakes[im->nmistakes++] = place->line == 0
	    ? mem_printf("%s: %s", path, text)
	    : mem_printf("%s:%d: %s", path, place->line, text);
}

/*
 * --- Files ------------------------------------------------------------
 */

struct lex_file *
lex_innermost(struct lex *lex)
{
	return lex->depth == 0 ? NULL : &lex->files[lex->open[lex->depth - 1]];
}

/* Reads a regular file whole; NULL with errno or a sentence in *why. */
static char *
read_whole(const char *path, struct stat *st, const char **why)
{
	char *text = NULL;
	size_t len = 0;
	ssize_t n;
	int fd;

	/* A pipe or a device must not hold us up. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1 || fstat(fd, st) == -1) {
		*why = strerror(errno);
		goto fail;
	}
	if (!S_ISREG(st->st_mode)) {
		*why = "it is not a regular file";
		goto fail;
	}
	if (st->st_size > CONFIG_FILE_MAX) {
		*why = "it is too large for a configuration";
		goto fail;
	}
	text = mem_zeroed((size_t)st->st_size + 1);
	while (len < (size_t)st->st_size) {
		n = read(fd, text + len, (size_t)st->st_size - len);
		if (n == -1) {
			*why = strerror(errno);
			goto fail;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	st->st_size = (off_t)len;
	close(fd);
	return text;
fail:
	free(text);
	if (fd != -1)
		close(fd);
	return NULL;
}

static void
push(struct lex *lex, char *path, char *text, size_t len, const struct stat *st)
{
	struct lex_file *f = &lex->files[lex->nfiles];

	*f = (struct lex_file){
	    .path = path, .text = text, .len = len, .line = 1};
	if (st != NULL) {
		f->dev = st->st_dev;
		f->ino = st->st_ino;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		f->at = 3;
	lex->bytes += len;
	lex->open[lex->depth++] = lex->nfiles++;
}

void
lex_leave(struct lex *lex)
{
	struct lex_file *f = lex_innermost(lex);

	free(f->text);
	f->text = NULL;
	lex->depth--;
}

int
lex_open(struct lex *lex, const char *path)
{
	static const struct lex_place whole = {0, 0};
	const char *why;
	struct stat st;
	char *text;

	if ((text = read_whole(path, &st, &why)) == NULL) {
		lex->files[0].path = mem_dup(path);
		lex->nfiles = 1;
		lex_mistake(lex, &whole, "cannot be read: %s", why);
		return -1;
	}
	push(lex, mem_dup(path), text, (size_t)st.st_size, &st);
	return 0;
}

void
lex_open_string(struct lex *lex, const char *text, size_t len, const char *path)
{
	char *copy = mem_zeroed(len + 1);

	if (len > 0)
		memcpy(copy, text, len);
	push(lex, mem_dup(path), copy, len, NULL);
}

void
lex_close(struct lex *lex)
{
	size_t i;
	int j;

	lex_stop(lex);
	for (j = 0; j < lex->nfiles; j++)
		free(lex->files[j].path);
	for (i = 0; i < lex->nmacros; i++) {
		free(lex->macros[i].name);
		free(lex->macros[i].value);
	}
}

void
lex_stop(struct lex *lex)
{
	while (lex->depth > 0)
		lex_leave(lex);
	lex->macro = NULL;
	lex->peeked = false;
}

/* Whether the file is one of those that are being read; says so. */
static bool
is_loop(struct lex *lex, const struct stat *st, const char *path,
    const struct lex_place *from)
{
	const struct lex_file *f;
	int i;

	for (i = 0; i < lex->depth; i++) {
		f = &lex->files[lex->open[i]];
		if (f->ino != st->st_ino || f->dev != st->st_dev)
			continue;
		lex_mistake(lex, from,
		    "%s includes itself this way: take the include out", path);
		return true;
	}
	return false;
}

void
lex_include(struct lex *lex, const char *path, const struct lex_place *from)
{
	const char *base = lex->files[from->file].path, *slash, *why;
	char *full, *text;
	struct stat st;

	if (!lex->includes) {
		lex_mistake(lex, from, "nothing can be included here");
		return;
	}
	if (lex->depth == IMPORT_DEPTH_MAX || lex->nfiles == IMPORT_FILES_MAX) {
		lex_mistake(lex, from,
		    "too many files are included: %d in all, and %d in each "
		    "other, are the most",
		    IMPORT_FILES_MAX, IMPORT_DEPTH_MAX);
		return;
	}
	slash = path[0] == '/' ? NULL : strrchr(base, '/');
	full = slash == NULL
	    ? mem_dup(path)
	    : mem_printf("%.*s/%s", (int)(slash - base), base, path);
	if ((text = read_whole(full, &st, &why)) == NULL) {
		lex_mistake(lex, from, "%s cannot be included: %s", full, why);
	} else if (is_loop(lex, &st, full, from)) {
		free(text);
	} else if (lex->bytes + (size_t)st.st_size > CONFIG_FILE_MAX) {
		free(text);
		lex_mistake(lex, from,
		    "%s is too much: all files together may have %d bytes",
		    full, CONFIG_FILE_MAX);
	} else {
		push(lex, full, text, (size_t)st.st_size, &st);
		return;
	}
	free(full);
}

/*
 * --- Macros -----------------------------------------------------------
 */

static struct lex_macro *
find_macro(struct lex *lex, const char *name)
{
	size_t i;

	for (i = 0; i < lex->nmacros; i++)
		if (strcmp(lex->macros[i].name, name) == 0)
			return &lex->macros[i];
	return NULL;
}

void
lex_define(struct lex *lex, const char *name, const char *value,
    const struct lex_place *place)
{
	struct lex_macro *m = find_macro(lex, name);

	if (m == NULL) {
		if (lex->nmacros == IMPORT_MACROS_MAX) {
			lex_mistake(lex, place, "there are more than %d macros",
			    IMPORT_MACROS_MAX);
			return;
		}
		m = &lex->macros[lex->nmacros++];
		m->name = mem_dup(name);
	} else {
		free(m->value);
	}
	m->value = mem_dup(value);
}

const char *
lex_macro(struct lex *lex, const char *name, const struct lex_place *place)
{
	const struct lex_macro *m = find_macro(lex, name);
	const char *names[IMPORT_MACROS_MAX + 1] = {NULL}, *near;
	size_t i;

	if (m != NULL)
		return m->value;
	for (i = 0; i < lex->nmacros; i++)
		names[i] = lex->macros[i].name;
	near = config_nearest(name, names);
	if (near != NULL)
		lex_mistake(lex, place,
		    "no macro is called %s (did you mean \"$%s\"?)", name,
		    near);
	else
		lex_mistake(lex, place,
		    "no macro is called %s: define it above with %s = "
		    "\"value\"",
		    name, name);
	return NULL;
}
