/*
 * lock.c: image locks, on the bytes where QEMU has them, so that either
 * refuses what the other uses.
 *
 *	byte 100 + n  shared lock: I use permission n
 *	byte 200 + n  shared lock: I do not let others have permission n
 *
 * All locks are shared, so taking them never fails for another's sake;
 * afterwards each side asks whether anybody holds the counterparts of its own.
 * Whoever comes second sees the first. They are locks of the open file, not of
 * the process, so they go with the descriptor into the guest process.
 *
 *	            uses 0 read  1 write  3 resize    denies 1 write  3 resize
 *	to read              x                               x        x
 *	to write             x       x                       x        x
 *	to resize            x       x        x              x        x
 *
 * A qcow2 file and a data file grow as they are written; a raw image only by
 * a resize, and others may well count on that: QEMU's NBD exports for reading
 * deny a resize and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "backend/block/engine.h"

#define BYTE_USES   100
#define BYTE_DENIES 200

/* Permissions by their number; 2 is "write what is there already". */
#define PERM_READ   0
#define PERM_WRITE  1
#define PERM_RESIZE 3
#define PERMS       4

#define LOCK_TRIES 30
#define LOCK_PAUSE 10000000 /* ns */

/* F_RDLCK: takes it; F_UNLCK: lets go of it. */
static int
set(int fd, off_t byte, short type)
{
	struct flock fl = {
	    .l_type = type,
	    .l_whence = SEEK_SET,
	    .l_start = byte,
	    .l_len = 1,
	};

	return fcntl(fd, F_OFD_SETLK, &fl);
}

/* Does another open file hold a lock there? -1 with errno if so. */
static int
test(int fd, off_t byte)
{
	struct flock fl = {
	    .l_type = F_WRLCK,
	    .l_whence = SEEK_SET,
	    .l_start = byte,
	    .l_len = 1,
	};

	if (fcntl(fd, F_OFD_GETLK, &fl) == -1)
		return -1;
	if (fl.l_type == F_UNLCK)
		return 0;
	errno = EAGAIN;
	return -1;
}

/* uses and denies are sets of permissions. */
static int
try_lock(int fd, unsigned uses, unsigned denies)
{
	unsigned i;

	for (i = 0; i < PERMS; i++) {
		if (((uses & 1u << i) != 0 &&
			set(fd, BYTE_USES + i, F_RDLCK) == -1) ||
		    ((denies & 1u << i) != 0 &&
			set(fd, BYTE_DENIES + i, F_RDLCK) == -1))
			return -1;
	}
	for (i = 0; i < PERMS; i++) {
		if (((uses & 1u << i) != 0 &&
			test(fd, BYTE_DENIES + i) == -1) ||
		    ((denies & 1u << i) != 0 && test(fd, BYTE_USES + i) == -1))
			return -1;
	}
	return 0;
}

static int
lock(int fd, unsigned uses, unsigned denies)
{
	struct timespec pause = {0, LOCK_PAUSE};
	unsigned tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (try_lock(fd, uses, denies) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -1;
		nanosleep(&pause, NULL);
	}
	errno = EAGAIN;
	return -1;
}

int
block_lock(int fd, enum block_use use)
{
	unsigned uses = 1u << PERM_READ;

	if (use >= BLOCK_USE_WRITE)
		uses |= 1u << PERM_WRITE;
	if (use >= BLOCK_USE_RESIZE)
		uses |= 1u << PERM_RESIZE;
	return lock(fd, uses, 1u << PERM_WRITE | 1u << PERM_RESIZE);
}

int
block_lock_resize(int fd)
{
	int rc = lock(fd, 1u << PERM_RESIZE, 0);

	if (rc == -1 && errno == EAGAIN) {
		block_unlock_resize(fd);
		errno = EAGAIN;
	}
	return rc == -1 && errno != EAGAIN ? 0 : rc;
}

void
block_unlock_resize(int fd)
{
	set(fd, BYTE_USES + PERM_RESIZE, F_UNLCK);
}
