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

static int
take(int fd, off_t byte)
{
	struct flock fl = {
	    .l_type = F_RDLCK,
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

static int
try_lock(int fd, bool readonly)
{
	unsigned uses = 1u << PERM_READ | (readonly ? 0 : 1u << PERM_WRITE);
	unsigned denies = 1u << PERM_WRITE | 1u << PERM_RESIZE;
	unsigned i;

	for (i = 0; i < PERMS; i++) {
		if (((uses & 1u << i) != 0 && take(fd, BYTE_USES + i) == -1) ||
		    ((denies & 1u << i) != 0 &&
			take(fd, BYTE_DENIES + i) == -1))
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

int
block_lock(int fd, bool readonly)
{
	struct timespec pause = {0, LOCK_PAUSE};
	unsigned tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (try_lock(fd, readonly) == 0)
			return 0;
		if (errno != EAGAIN)
			return -1;
		nanosleep(&pause, NULL);
	}
	errno = EAGAIN;
	return -1;
}
