/*
 * list.c: `vmtui image list`: all images that the configuration has to do
 * with, and who uses them.
 *
 *	[vm] disk, cdrom --> the image --> what it is based on --> ...
 *	                       |
 *	                       '-> its folder: what else is called like one
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "backend/image/chain.h"
#include "backend/image/list.h"

#define FOLDERS_MAX 64
#define FILES_MAX   10000 /* of a folder */

static void
image_free(struct list_image *im)
{
	free(im->path);
	free(im->base);
	free(im->error);
	free(im->user);
}

static void
list_clear(struct list *l)
{
	while (l->n > 0)
		image_free(&l->image[--l->n]);
	free(l->image);
	l->image = NULL;
}

/*
 * The image of that path, put behind the others if it is not among them yet
 * (*is_new). NULL: there are too many, or there is no memory.
 */
static struct list_image *
find(struct list *l, const char *path, bool *is_new)
{
	struct list_image *im, *more;
	struct stat st;
	bool there = stat(path, &st) == 0;
	size_t i;

	*is_new = false;
	for (i = 0; i < l->n; i++) {
		im = &l->image[i];
		if (there ? im->there && im->dev == st.st_dev &&
			    im->ino == st.st_ino
			  : strcmp(im->path, path) == 0)
			return im;
	}
	if (l->n == LIST_MAX ||
	    (more = realloc(l->image, (l->n + 1) * sizeof *more)) == NULL)
		return NULL;
	l->image = more;
	im = &more[l->n];
	*im = (struct list_image){.path = strdup(path), .there = there};
	if (im->path == NULL)
		return NULL;
	if (there) {
		im->dev = st.st_dev;
		im->ino = st.st_ino;
	}
	l->n++;
	*is_new = true;
	return im;
}

static void
take(struct list_image *im, const struct image *from)
{
	im->known = true;
	im->format = from->format;
	im->size = from->size;
	im->length = from->length;
	im->used = from->used;
	if (from->format == BLOCK_FORMAT_QCOW2) {
		im->snapshots = from->h.snapshots;
		im->dirty = (from->h.incompatible & QCOW2_DIRTY) != 0;
		im->damaged = (from->h.incompatible & QCOW2_CORRUPT) != 0;
	}
}

/* The image and all below it. */
static void
add_chain(struct list *l, const char *path, enum block_format format)
{
	struct list_image *im;
	const char *base = NULL;
	struct chain chain;
	struct error err;
	bool is_new;
	unsigned i;
	int rc;

	im = find(l, path, &is_new);
	/* What is based on it may have led to it before. */
	if (im == NULL || im->known || im->error != NULL)
		return;
	rc =
	    chain_open(&chain, path, format, CHAIN_LOOK, BLOCK_FILES_MAX, &err);
	/* From below, so that the base has the name it was found by. */
	for (i = chain.n; i-- > 0;) {
		im = find(l, chain.image[i].path, &is_new);
		if (im == NULL)
			break;
		if (!im->known)
			take(im, &chain.image[i]);
		if (im->base == NULL && base != NULL)
			im->base = strdup(base);
		base = im->path;
	}
	/* The lowest that there is says what is wrong below it. */
	im = find(
	    l, chain.n > 0 ? chain.image[chain.n - 1].path : path, &is_new);
	if (rc == -1 && im != NULL && im->error == NULL)
		im->error = strdup(err.text);
	chain_close(&chain);
}

static void
add_user(struct list *l, const char *path, const struct list_user *user)
{
	struct list_image *im;
	struct list_user *more;
	bool is_new;

	im = find(l, path, &is_new);
	if (im == NULL ||
	    (more = realloc(im->user, (im->users + 1) * sizeof *more)) == NULL)
		return;
	im->user = more;
	im->user[im->users++] = *user;
}

static enum block_format
format_of(enum config_format format)
{
	return format == CONFIG_FORMAT_QCOW2 ? BLOCK_FORMAT_QCOW2
	    : format == CONFIG_FORMAT_RAW    ? BLOCK_FORMAT_RAW
					     : BLOCK_FORMAT_ANY;
}

static void
add_guest(struct list *l, const struct config_vm *vm)
{
	struct list_user user = {.guest = vm->name};
	size_t i;

	for (i = 0; i < vm->ndisks; i++) {
		user.readonly = vm->disks[i].readonly;
		add_chain(l, vm->disks[i].path, format_of(vm->disks[i].format));
		add_user(l, vm->disks[i].path, &user);
	}
	if (vm->cdrom == NULL || strcmp(vm->cdrom, CONFIG_EMPTY) == 0)
		return;
	user = (struct list_user){vm->name, true, true};
	add_chain(l, vm->cdrom, BLOCK_FORMAT_RAW);
	add_user(l, vm->cdrom, &user);
}

/*
 * --- Folders ------------------------------------------------------------
 */

static bool
is_called_like_one(const char *name)
{
	static const char *const ends[] = {
	    ".qcow2", ".qcow", ".img", ".raw", ".iso"};
	const char *dot = strrchr(name, '.');
	size_t i;

	if (dot == NULL || dot == name)
		return false;
	for (i = 0; i < sizeof ends / sizeof *ends; i++)
		if (strcasecmp(dot, ends[i]) == 0)
			return true;
	return false;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
add_folder(struct list *l, const char *folder)
{
	char **name, path[PATH_MAX];
	size_t n = 0, files = 0, i;
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if ((dir = opendir(folder)) == NULL)
		return -1;
	name = calloc(FILES_MAX, sizeof *name);
	while (
	    name != NULL && files++ < FILES_MAX && (d = readdir(dir)) != NULL)
		if (is_called_like_one(d->d_name) &&
		    (name[n] = strdup(d->d_name)) != NULL)
			n++;
	closedir(dir);
	if (n > 0)
		qsort(name, n, sizeof *name, by_name);
	for (i = 0; i < n; i++) {
		if (snprintf(path, sizeof path, "%s%s%s", folder,
			strcmp(folder, "/") == 0 ? "" : "/",
			name[i]) < (int)sizeof path &&
		    lstat(path, &st) == 0 && S_ISREG(st.st_mode))
			add_chain(l, path, BLOCK_FORMAT_ANY);
		free(name[i]);
	}
	free(name);
	return 0;
}

/* The folders of the files found so far, and the configuration's own. */
static void
add_folders(struct list *l, const char *own)
{
	char *folder[FOLDERS_MAX], path[PATH_MAX];
	size_t n = 0, images = l->n, i, j;
	struct stat st;
	char *slash;

	if (own != NULL && own[1] != '\0' && (folder[0] = strdup(own)) != NULL)
		n = 1;
	for (i = 0; i < images && n < FOLDERS_MAX; i++) {
		snprintf(path, sizeof path, "%s", l->image[i].path);
		/* Devices have no folder of images. */
		if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
			continue;
		if ((slash = strrchr(path, '/')) == NULL)
			continue;
		/* Nobody keeps images in the root; boot files, yes. */
		if (slash == path)
			continue;
		*slash = '\0';
		for (j = 0; j < n && strcmp(folder[j], path) != 0; j++)
			continue;
		if (j == n && (folder[n] = strdup(path)) != NULL)
			n++;
	}
	/* What cannot be looked into has nothing to show. */
	for (i = 0; i < n; i++) {
		add_folder(l, folder[i]);
		free(folder[i]);
	}
}

/* A file or a folder that was named as an argument. */
static int
add_argument(struct list *l, const char *path)
{
	struct stat st;
	char *full;
	int rc = 0;

	if ((full = realpath(path, NULL)) == NULL)
		return tool_fail(
		    "%s cannot be looked at: %s", path, strerror(errno));
	if (stat(full, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (add_folder(l, full) == -1)
			rc = tool_fail("%s cannot be looked into: %s", path,
			    strerror(errno));
	} else {
		add_chain(l, full, BLOCK_FORMAT_ANY);
	}
	free(full);
	return rc;
}

/* What the definitions name. *cfg is to be freed behind the list. */
static int
add_definitions(struct list *l, const char *config, struct config **cfg)
{
	struct config_mistakes ms = {0};
	char path[PATH_MAX];
	struct error err;
	size_t i;
	int rc = 0;

	*cfg = NULL;
	if (config == NULL) {
		if (config_default_path(path, sizeof path, &err) == -1)
			return tool_fail("%s", err.text);
		config = path;
	}
	if (config_load(config, CONFIG_MISSING_OK, cfg, &ms) == -1) {
		*cfg = NULL;
		config_mistakes_error(&ms, &err);
		rc = tool_fail("%s", err.text);
	}
	for (i = 0; *cfg != NULL && i < (*cfg)->nvms; i++)
		add_guest(l, &(*cfg)->vms[i]);
	config_mistakes_clear(&ms);
	return rc;
}

int
list_command(const char *config, int argc, char **argv)
{
	struct list l = {0};
	struct config *cfg;
	bool json = false;
	int n, i, rc, printed;

	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'}, {0}};

	optind = 0;
	while ((n = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (n != 'j')
			return TOOL_USAGE;
		json = true;
	}
	rc = add_definitions(&l, config, &cfg);
	add_folders(&l, cfg != NULL ? cfg->folder : NULL);
	for (i = optind; i < argc; i++)
		if (add_argument(&l, argv[i]) != 0)
			rc = 1;
	/* What was found is shown, also where something was not. */
	printed = list_print(&l, json);
	list_clear(&l);
	config_free(cfg);
	return rc != 0 ? rc : printed;
}
