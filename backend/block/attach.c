/*
 * attach.c: opened files made into one image, from the bottom of the chain.
 *
 *	file[0] top ── file[1] its data file ── file[2] its backing file ── …
 *
 * Each file is a raw block of its own; those of the image's chain are polled
 * together, through an epoll of the top.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/block/engine.h"
#include "config/log.h"

struct build {
	struct block_files *files;
	unsigned depth;
	struct block *raw[BLOCK_FILES_MAX];
	struct error *err;
};

/* A qcow2 file grows as it needs to. */
static void
let_grow(struct block *b)
{
	struct stat st;

	if (fstat(b->fd, &st) == 0 && S_ISREG(st.st_mode))
		b->size = INT64_MAX;
}

static bool
is_role(const struct build *bd, unsigned i, enum block_role role)
{
	return i < bd->files->n && bd->files->file[i].role == role;
}

/* The image that begins with file i. On failure raw blocks are left. */
static int
build(struct build *bd, unsigned i, struct block **b)
{
	const struct block_file *f = &bd->files->file[i];
	struct qcow2_parts parts = {.path = f->path, .readonly = f->readonly};

	if (f->format == BLOCK_FORMAT_RAW) {
		*b = bd->raw[i];
		bd->raw[i] = NULL;
		return 0;
	}
	parts.file = bd->raw[i];
	if (is_role(bd, ++i, BLOCK_DATA)) {
		parts.data = bd->raw[i];
		let_grow(parts.data);
		i++;
	}
	if (is_role(bd, i, BLOCK_BACKING) && build(bd, i, &parts.backing) == -1)
		return -1;
	let_grow(parts.file);
	if (qcow2_new(&parts, b, bd->err) == 0) {
		bd->raw[f - bd->files->file] = NULL;
		if (parts.data != NULL)
			bd->raw[f - bd->files->file + 1] = NULL;
		return 0;
	}
	if (parts.backing != NULL)
		block_close(parts.backing);
	return -1;
}

/* One descriptor for all files, where there is more than one. */
static int
poll_together(struct build *bd, struct block *const *raw, struct block *top)
{
	struct epoll_event ev = {.events = EPOLLIN};
	unsigned i;

	if (top == raw[0])
		return 0;
	if (bd->files->n == 1) {
		top->event_fd = raw[0]->event_fd;
		return 0;
	}
	top->event_fd = epoll_create1(EPOLL_CLOEXEC);
	if (top->event_fd == -1)
		return error_set(bd->err, "%s: %s", top->path, strerror(errno));
	for (i = 0; i < bd->files->n; i++)
		if (epoll_ctl(top->event_fd, EPOLL_CTL_ADD, raw[i]->event_fd,
			&ev) == -1)
			return error_set(
			    bd->err, "%s: %s", top->path, strerror(errno));
	return 0;
}

static int
attach_all(struct build *bd)
{
	struct block_file *f;
	unsigned i;

	for (i = 0; i < bd->files->n; i++) {
		f = &bd->files->file[i];
		if (block_attach_raw(f->fd, f->path, f->readonly, bd->depth,
			&bd->raw[i], bd->err) == -1)
			return -1;
		f->fd = -1;
	}
	return 0;
}

/* After the tables were read, which are not in whole blocks. */
static int
set_cache(struct build *bd, struct block *const *raw)
{
	struct error why;
	unsigned i;

	for (i = 0; i < bd->files->n; i++) {
		raw[i]->unsafe = bd->files->cache == BLOCK_CACHE_UNSAFE;
		if (bd->files->cache != BLOCK_CACHE_NONE ||
		    direct_open(raw[i], &why) == 0)
			continue;
		if (bd->files->file[i].role != BLOCK_BACKING)
			return error_set(bd->err, "%s", why.text);
		log_info("%s is read through the host's cache: where it "
			 "stands there is no way around it",
		    raw[i]->path);
	}
	return 0;
}

static void
close_files(struct block_files *files)
{
	unsigned i;

	for (i = 0; i < files->n; i++) {
		if (files->file[i].fd != -1)
			close(files->file[i].fd);
		files->file[i].fd = -1;
	}
}

int
block_attach(struct block_files *files, unsigned depth, struct block **block,
    struct error *err)
{
	struct build bd = {.files = files, .depth = depth, .err = err};
	struct block *raw[BLOCK_FILES_MAX];
	struct block *top = NULL;
	unsigned i;

	if (files->n == 0 || files->n > BLOCK_FILES_MAX)
		return error_set(err, "a disk without files");
	if (attach_all(&bd) == 0) {
		memcpy(raw, bd.raw, sizeof raw);
		if (build(&bd, 0, &top) == 0 &&
		    (poll_together(&bd, raw, top) == -1 ||
			set_cache(&bd, raw) == -1)) {
			block_close(top);
			top = NULL;
		}
	}
	/* Those that have no part in it, or all. */
	for (i = 0; i < files->n; i++)
		if (bd.raw[i] != NULL)
			block_close(bd.raw[i]);
	close_files(files);
	if (top == NULL)
		return -1;
	*block = top;
	return 0;
}
