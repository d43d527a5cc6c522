/*
 * Saving: another file beside the old one, then in its place.
 *
 *	lock the folder		two vmtui do not compare at the same time
 *	read what is there	is it still what we began with?
 *	write and fsync ".NAME.XXXXXX"
 *	rename it to NAME	here the file is the new one, all at once
 *	fsync the folder
 */
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/edit_text.h"
#include "config/mem.h"

#define LINKS_MAX  40 /* as many as the kernel follows */
#define LOCK_TRIES 40 /* 50 ms each */

static int
read_open(int fd, char **text, size_t *len)
{
	ssize_t n;

	*text = mem_zeroed(CONFIG_FILE_MAX + 2);
	*len = 0;
	/* One byte more than allowed: too large stays too large. */
	while (*len <= CONFIG_FILE_MAX) {
		n = read(fd, *text + *len, CONFIG_FILE_MAX + 1 - *len);
		if (n == 0)
			return 0;
		if (n > 0)
			*len += (size_t)n;
		else if (errno != EINTR) {
			free(*text);
			return -1;
		}
	}
	return 0;
}

int
edit_read_file(const char *path, char **text, size_t *len, bool *missing,
    struct error *err)
{
	struct stat st;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	*missing = fd == -1 && errno == ENOENT;
	if (*missing) {
		*text = mem_zeroed(1);
		*len = 0;
		return 0;
	}
	if (fd == -1)
		return error_set(
		    err, "%s cannot be read: %s", path, strerror(errno));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		close(fd);
		return error_set(
		    err, "%s cannot be edited: it is not a regular file", path);
	}
	r = read_open(fd, text, len);
	if (r == -1)
		error_set(err, "%s cannot be read: %s", path, strerror(errno));
	close(fd);
	if (r == 0 && *len > CONFIG_FILE_MAX) {
		free(*text);
		r = error_set(err,
		    "%s is larger than %d megabytes: is this the right file?",
		    path, CONFIG_FILE_MAX >> 20);
	}
	return r;
}

/*
 * Where the file really is: symbolic links, also one that leads to a file not
 * there yet, are followed. 0, or -1 with a sentence.
 */
static int
follow_links(const char *path, char real[PATH_MAX], struct error *err)
{
	char to[PATH_MAX], next[PATH_MAX];
	const char *slash;
	ssize_t n;
	int i;

	snprintf(real, PATH_MAX, "%s", path);
	for (i = 0; i < LINKS_MAX; i++) {
		n = readlink(real, to, sizeof to - 1);
		if (n == -1)
			return 0;
		to[n] = '\0';
		slash = to[0] == '/' ? NULL : strrchr(real, '/');
		n = snprintf(next, sizeof next, "%.*s%s",
		    slash == NULL ? 0 : (int)(slash - real) + 1, real, to);
		if (n >= PATH_MAX)
			break;
		memcpy(real, next, (size_t)n + 1);
	}
	return error_set(err, "%s cannot be saved: %s", path, strerror(ELOOP));
}

/* Makes the folder and those above it, for the person alone. */
static int
make_folder(char *folder)
{
	char *p;

	for (p = folder + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(folder, 0700) == -1 && errno != EEXIST) {
			*p = '/';
			return -1;
		}
		*p = '/';
	}
	return mkdir(folder, 0700) == -1 && errno != EEXIST ? -1 : 0;
}

/* Opens the folder of a file, made if need be, and locks it. */
static int
open_folder(const char *real, bool make, struct error *err)
{
	const char *slash = strrchr(real, '/');
	char *folder = slash == NULL ? mem_dup(".")
	    : slash == real          ? mem_dup("/")
				     : mem_dup_n(real, (size_t)(slash - real));
	const struct timespec pause = {0, 50 * 1000000};
	int fd, i, flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	fd = open(folder, flags);
	if (fd == -1 && errno == ENOENT && make && make_folder(folder) == 0)
		fd = open(folder, flags);
	if (fd == -1)
		error_set(err, "%s cannot be saved: %s: %s", real, folder,
		    strerror(errno));
	/* Anybody may hold this lock, so nobody is waited for long. */
	for (i = 0; fd != -1 && i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		nanosleep(&pause, NULL);
	}
	free(folder);
	return fd;
}

/* Whether the file still holds what the edit began with. */
static enum edit_saved
compare(struct edit *e, const char *real, struct error *err)
{
	bool missing;
	char *text;
	size_t len;

	if (edit_read_file(real, &text, &len, &missing, err) == -1)
		return EDIT_FAILED;
	free(e->theirs);
	e->theirs = NULL;
	e->theirs_len = 0;
	if (missing == e->missing && len == e->base_len &&
	    memcmp(text, e->base, len) == 0) {
		free(text);
		return EDIT_SAVED;
	}
	e->theirs = text;
	e->theirs_len = len;
	e->theirs_missing = missing;
	return EDIT_OTHER;
}

static int
write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* As the old file is: whose it is, and who may read it. */
static int
take_after(int fd, const struct stat *old)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return -1;
	if ((st.st_uid != old->st_uid || st.st_gid != old->st_gid) &&
	    fchown(fd, old->st_uid, old->st_gid) == -1)
		return -1;
	return fchmod(fd, old->st_mode & 07777);
}

/* Writes the new file beside the old one; old is NULL where there is none. */
static int
write_beside(const struct edit *e, int fd, const struct stat *old)
{
	if (old != NULL && take_after(fd, old) == -1)
		return -1;
	return write_all(fd, e->text, e->len) == -1 || fsync(fd) == -1 ? -1 : 0;
}

/*
 * Makes a file of a name that nobody has beside real; its name, for free(), in
 * *temp. An old file's mode comes later, a new one has the person's umask.
 */
static int
make_beside(const char *real, const char *name, bool is_new, char **temp)
{
	unsigned char r[4] = {0};
	int fd;

	do {
		if (getrandom(r, sizeof r, 0) != sizeof r)
			return -1;
		*temp = mem_printf("%.*s.%s.%02x%02x%02x%02x",
		    (int)(name - real), real, name, r[0], r[1], r[2], r[3]);
		fd = open(*temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    is_new ? 0666 : 0600);
		if (fd == -1) {
			free(*temp);
			*temp = NULL;
		}
	} while (fd == -1 && errno == EEXIST);
	return fd;
}

/* In the folder open as dir: the new file, then in the place of the old. */
static int
put_in_place(struct edit *e, int dir, const char *real, struct error *err)
{
	const char *slash = strrchr(real, '/');
	const char *name = slash == NULL ? real : slash + 1;
	struct stat st, *old = NULL;
	char *temp;
	int fd, why;

	/* A file that one may not write is not to be replaced either. */
	if (fstatat(dir, name, &st, 0) == 0) {
		old = &st;
		if (faccessat(dir, name, W_OK, AT_EACCESS) == -1)
			return error_set(err, "%s cannot be written: %s", real,
			    strerror(errno));
	}
	fd = make_beside(real, name, old == NULL, &temp);
	if (fd == -1)
		return error_set(err,
		    "%s cannot be saved: no file can be made in its folder: %s",
		    real, strerror(errno));
	if (write_beside(e, fd, old) == 0 && rename(temp, real) == 0) {
		close(fd);
		free(temp);
		/* What is there is right; the folder may follow later. */
		fsync(dir);
		return 0;
	}
	why = errno;
	close(fd);
	unlink(temp);
	free(temp);
	return error_set(err, "%s cannot be saved: %s; the file is as it was",
	    real, strerror(why));
}

enum edit_saved
edit_save(struct edit *e, struct error *err)
{
	enum edit_saved r;
	char real[PATH_MAX];
	int dir;

	if (e->len > CONFIG_FILE_MAX)
		return error_set(err,
		    "%s would be larger than %d megabytes, which is the most",
		    e->path, CONFIG_FILE_MAX >> 20);
	if (follow_links(e->path, real, err) == -1 ||
	    (dir = open_folder(real, e->missing, err)) == -1)
		return EDIT_FAILED;
	r = compare(e, real, err);
	if (r == EDIT_SAVED && put_in_place(e, dir, real, err) == -1)
		r = EDIT_FAILED;
	close(dir);
	if (r != EDIT_SAVED)
		return r;
	free(e->base);
	e->base = mem_zeroed(e->len + 1);
	memcpy(e->base, e->text, e->len);
	e->base_len = e->len;
	e->missing = false;
	return EDIT_SAVED;
}
