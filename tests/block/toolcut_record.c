/*
 * toolcut_record.c: what backend/image writes without backend/block is recorded
 * as well (block.mk: --wrap): it reaches the disk at once or with the next
 * fsync().
 */
#include <sys/types.h>

#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>

#include "tests/block/recorder.h"

ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);

/* A change of fd's file, or NULL if that is not recorded. */
static struct recorded *
begin(int fd, struct recorded entry)
{
	int file = recorder_performs ? -1 : recorder_file(fd);

	if (file == -1)
		return NULL;
	entry.file = (unsigned)file;
	return recorder_add(entry);
}

ssize_t
__wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
	struct recorded *e = begin(fd,
	    (struct recorded){
		.grows = true, .offset = (uint64_t)at, .len = len});

	if (e != NULL) {
		e->data = malloc(len);
		if (e->data == NULL)
			exit(99);
		memcpy(e->data, data, len);
		e->done = recorder_tick();
	}
	return __real_pwrite(fd, data, len, at);
}

int
__wrap_fsync(int fd)
{
	struct recorded *e = begin(fd, (struct recorded){.flush = true});

	if (e == NULL)
		return __real_fsync(fd);
	e->done = recorder_tick();
	return 0;
}

int
__wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
	struct recorded *e = NULL;

	if ((mode & FALLOC_FL_PUNCH_HOLE) != 0)
		e = begin(fd,
		    (struct recorded){
			.offset = (uint64_t)at, .len = (uint64_t)len});
	if (e != NULL)
		e->done = recorder_tick();
	return __real_fallocate(fd, mode, at, len);
}
