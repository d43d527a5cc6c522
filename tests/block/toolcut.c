/*
 * toolcut STATES SEED NAME: a command on an image is recorded, write by write
 * and flush by flush; then so many states are made that a power cut in its
 * middle would leave, and each is opened and read. toolcut -l: the NAMEs.
 *
 *	resize   the disk has its old size or the new one, and its bytes
 *	commit   the image shows the same disk, and the base is whole
 *	rebase   it shows the same disk, on the old base or the new one
 *	check    it shows the same disk, and can be repaired
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "backend/block/qcow2.h"
#include "backend/image/tool.h"
#include "tests/block/program.h"
#include "tests/block/recorder.h"
#include "tests/block/smallcache.h"
#include "tests/block/states.h"
#include "tests/block/walk.h"

#define SECTOR    512u
#define ROUND     40u /* states of a recording */
#define QEMU_EACH 5u
#define KIB       1024ULL
#define WRITES    60u

enum command { RESIZE, COMMIT, REBASE, LEAKS, COUNTS };
enum base { NONE, RAW, QCOW2 };

static const struct setup {
	const char *name;
	const char *options; /* qemu-img create -o */
	uint64_t size, new_size;
	enum command command;
	enum base base;
	uint64_t base_size;
	bool snapshot;
	enum base other; /* REBASE: to that */
} setups[] = {
    {"grow, clusters of 64 KiB", "cluster_size=64k", 1024 * KIB, 3000 * KIB,
	RESIZE, NONE, 0, false, NONE},
    {"grow, a longer L1", "cluster_size=512", 512 * KIB, 12288 * KIB, RESIZE,
	NONE, 0, false, NONE},
    {"grow, lazy refcounts", "cluster_size=512,lazy_refcounts=on", 300 * KIB,
	4000 * KIB, RESIZE, NONE, 0, false, NONE},
    {"grow, over a longer base", "cluster_size=4k", 511 * KIB, 1600 * KIB,
	RESIZE, RAW, 1024 * KIB, false, NONE},
    {"grow, version 2 over a longer base", "compat=0.10,cluster_size=4k",
	511 * KIB, 1600 * KIB, RESIZE, QCOW2, 1024 * KIB, false, NONE},
    {"shrink, clusters of 512 bytes", "cluster_size=512", 1024 * KIB, 301 * KIB,
	RESIZE, NONE, 0, false, NONE},
    {"shrink, a snapshot", "cluster_size=2k,refcount_bits=8", 512 * KIB,
	99 * KIB, RESIZE, NONE, 0, true, NONE},
    {"shrink, a base", "cluster_size=4k", 1024 * KIB, 333 * KIB, RESIZE, QCOW2,
	1024 * KIB, false, NONE},
    {"shrink, extended L2 entries", "cluster_size=16k,extended_l2=on",
	1024 * KIB, 333 * KIB, RESIZE, RAW, 800 * KIB, false, NONE},
    {"commit", "cluster_size=4k", 1024 * KIB, 0, COMMIT, QCOW2, 1024 * KIB,
	false, NONE},
    {"commit to a raw base", "cluster_size=4k", 512 * KIB, 0, COMMIT, RAW,
	512 * KIB, false, NONE},
    {"commit to a smaller base", "cluster_size=64k", 1024 * KIB, 0, COMMIT,
	QCOW2, 500 * KIB, false, NONE},
    {"commit, version 2", "compat=0.10,cluster_size=512", 512 * KIB, 0, COMMIT,
	QCOW2, 512 * KIB, false, NONE},
    {"commit, extended L2 entries", "cluster_size=16k,extended_l2=on",
	1024 * KIB, 0, COMMIT, QCOW2, 1024 * KIB, false, NONE},
    {"rebase to another", "cluster_size=4k", 512 * KIB, 0, REBASE, QCOW2,
	400 * KIB, false, RAW},
    {"rebase to none", "cluster_size=512", 512 * KIB, 0, REBASE, RAW, 512 * KIB,
	false, NONE},
    {"rebase, version 2", "compat=0.10,cluster_size=4k", 512 * KIB, 0, REBASE,
	RAW, 400 * KIB, false, QCOW2},
    {"check -r of leaks", "cluster_size=512", 512 * KIB, 0, LEAKS, NONE, 0,
	false, NONE},
    {"check -r of leaks, a base", "cluster_size=4k", 512 * KIB, 0, LEAKS, RAW,
	512 * KIB, false, NONE},
    {"check -r of counts", "cluster_size=512", 512 * KIB, 0, COUNTS, NONE, 0,
	false, NONE},
};
#define SETUPS (sizeof setups / sizeof *setups)

struct run {
	const struct setup *s;
	const char *root;
	char recorded[96], state[96]; /* folders that look alike */
	char image[128], base[128]; /* recorded */
	char image_state[128], base_state[128];
	char other[128];
	uint64_t most; /* bytes of the larger size */
	uint8_t *disk, *again; /* before, and of a state */
	struct states *file[2];
	char why[256];
};

static struct {
	unsigned states, judged, leaky;
} total;

static struct block *
open_image(
    struct run *r, const char *path, enum block_format format, bool readonly)
{
	struct block_files files;
	struct block *b = NULL;
	struct error err;

	block_files_init(&files);
	if (block_open(path, format, readonly, &files, &err) == -1 ||
	    block_attach(&files, 16, &b, &err) == -1) {
		snprintf(r->why, sizeof r->why, "it does not open: %.200s",
		    err.text);
		b = NULL;
	}
	block_files_clear(&files);
	return b;
}

static void
on_done(struct block_request *rq, int result)
{
	*(int *)rq->iov[1].iov_base = result;
}

static int
request(struct block *b, enum block_op op, uint64_t offset, uint8_t *data,
    uint64_t len)
{
	int result = -EIO;
	struct iovec iov[2] = {{data, len}, {&result, sizeof result}};
	struct block_request rq = {.op = op,
	    .unmap = true,
	    .offset = offset,
	    .len = len,
	    .iov = iov,
	    .iovs = 1,
	    .done = on_done};

	block_submit(b, &rq);
	block_drain(b);
	return result;
}

/* ---- the image that is recorded ---- */

static void
create(struct run *r, const char *path, const char *options, uint64_t size,
    const char *base, enum base kind)
{
	char text[32];
	const char *argv[16] = {"qemu-img", "create", "-q", "-f"};
	unsigned n = 4;

	unlink(path);
	snprintf(text, sizeof text, "%llu", (unsigned long long)size);
	argv[n++] = options != NULL ? "qcow2" : "raw";
	if (options != NULL) {
		argv[n++] = "-o";
		argv[n++] = options;
	}
	if (base != NULL) {
		argv[n++] = "-F";
		argv[n++] = kind == RAW ? "raw" : "qcow2";
		argv[n++] = "-b";
		argv[n++] = base;
	}
	argv[n++] = path;
	argv[n++] = text;
	if (run_program(r->recorded, argv) != 0)
		exit(95);
}

/* Sectors here and there, each with bytes of its own. */
static void
scribble(struct run *r, const char *path, enum block_format format)
{
	struct block *b = open_image(r, path, format, false);
	uint8_t data[64 * SECTOR];
	uint64_t size, at, len, i, k;

	if (b == NULL)
		exit(95);
	size = block_size(b);
	for (i = 0; i < WRITES; i++) {
		at = random_below(size / SECTOR) * SECTOR;
		len = (1 + random_below(64)) * SECTOR;
		if (len > size - at)
			len = size - at;
		for (k = 0; k < len; k++)
			data[k] = (uint8_t)(1 + random_below(255));
		if (request(b,
			random_below(5) == 0 ? BLOCK_WRITE_ZEROES : BLOCK_WRITE,
			at, data, len) != 0)
			exit(95);
	}
	block_close(b);
}

static void
make_base(struct run *r, const char *path, enum base kind, uint64_t size)
{
	if (kind == NONE)
		return;
	create(
	    r, path, kind == RAW ? NULL : "cluster_size=4k", size, NULL, NONE);
	scribble(r, path, kind == RAW ? BLOCK_FORMAT_RAW : BLOCK_FORMAT_QCOW2);
}

/* Counts of 16 bits; what has no block is left as it is. */
static void
set_count(int fd, const struct qcow2_header *h, uint64_t n, uint8_t value)
{
	uint64_t each = qcow2_cluster(h) / 2, at = h->reftable_offset;
	uint8_t count[2] = {0, value}, table[8];

	if (pread(fd, table, 8, (off_t)(at + n / each * 8)) != 8)
		exit(95);
	at = qcow2_get64(table);
	if (at != 0 && pwrite(fd, count, 2, (off_t)(at + n % each * 2)) != 2)
		exit(95);
}

/*
 * Clusters at the end that nobody needs are counted; with COUNTS some that are
 * needed are not.
 */
static void
spoil(struct run *r)
{
	struct qcow2_header h;
	struct error err;
	struct stat st;
	uint64_t n, i;
	int fd = open(r->image, O_RDWR | O_CLOEXEC);

	if (fd == -1 || fstat(fd, &st) == -1 ||
	    qcow2_read_header(fd, r->image, &h, &err) == -1)
		exit(95);
	n = (uint64_t)st.st_size / qcow2_cluster(&h);
	if (ftruncate(fd, (off_t)((n + 8) * qcow2_cluster(&h))) == -1)
		exit(95);
	for (i = 0; i < 8; i++)
		set_count(fd, &h, n + i, 1);
	for (i = 0; r->s->command == COUNTS && i < 5; i++)
		set_count(fd, &h, n / 2 - i * 3, 0);
	close(fd);
}

/* The command itself, as a person gives it, without its words. */
static int
command(struct run *r)
{
	static char name[] = "image", base[] = "-b", none[] = "";
	static char shrink[] = "--shrink", lose[] = "--lose-data", fix[] = "-r";
	char size[32];
	char *argv[8] = {name};
	int argc = 1, rc, out = dup(STDOUT_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	snprintf(size, sizeof size, "%llu", (unsigned long long)r->s->new_size);
	if (r->s->command == REBASE) {
		argv[argc++] = base;
		argv[argc++] = r->s->other != NONE ? r->other : none;
	}
	if (r->s->command == RESIZE) {
		argv[argc++] = shrink;
		argv[argc++] = lose;
	}
	if (r->s->command == LEAKS || r->s->command == COUNTS)
		argv[argc++] = fix;
	argv[argc++] = r->image;
	if (r->s->command == RESIZE)
		argv[argc++] = size;
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	rc = r->s->command == RESIZE  ? resize_command(argc, argv)
	    : r->s->command == COMMIT ? commit_command(argc, argv)
	    : r->s->command == REBASE ? rebase_command(argc, argv)
				      : check_command(argc, argv);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(null);
	return rc;
}

static int
check_closed(struct run *r)
{
	const char *const argv[] = {
	    "qemu-img", "check", "-q", "-f", "qcow2", r->image, NULL};

	if (run_program(r->recorded, argv) == 0)
		return 0;
	snprintf(r->why, sizeof r->why, "done in order, it is not clean");
	return -1;
}

static int
record(struct run *r)
{
	const struct setup *s = r->s;
	const char *const snapshot[] = {
	    "qemu-img", "snapshot", "-c", "kept", r->image, NULL};
	struct block *b;
	int rc;

	make_base(r, r->base, s->base, s->base_size);
	make_base(r, r->other, s->other, s->size);
	create(r, r->image, s->options, s->size,
	    s->base != NONE ? "base" : NULL, s->base);
	scribble(r, r->image, BLOCK_FORMAT_QCOW2);
	if (s->snapshot) {
		if (run_program(r->recorded, snapshot) != 0)
			exit(95);
		scribble(r, r->image, BLOCK_FORMAT_QCOW2);
	}
	if (s->command == LEAKS || s->command == COUNTS)
		spoil(r);
	b = open_image(r, r->image, BLOCK_FORMAT_QCOW2, true);
	memset(r->disk, 0, r->most);
	if (b == NULL || request(b, BLOCK_READ, 0, r->disk, s->size) != 0)
		exit(95);
	block_close(b);
	copy_file(r->image, r->image_state);
	if (s->base != NONE)
		copy_file(r->base, r->base_state);
	recorder_clear();
	recorder_begin(0, r->image);
	recorder_begin(1, s->command == COMMIT ? r->base : NULL);
	smallcache_slices = random_below(2) == 0 ? 4 : 0;
	rc = command(r);
	recorder_begin(0, NULL);
	recorder_begin(1, NULL);
	snprintf(r->why, sizeof r->why, "the command itself ended with %d", rc);
	return rc == 0 ? check_closed(r) : -1;
}

/* ---- a state ---- */

/*
 * Bytes of a disk that became shorter are the old ones or gone; of any other
 * the old ones, and zeroes behind them.
 */
static int
check_bytes(struct run *r, uint64_t size)
{
	const struct setup *s = r->s;
	uint64_t same = size, i;

	if (s->command == RESIZE && s->new_size < s->size)
		same = s->new_size;
	for (i = 0; i < size; i++)
		if (r->again[i] != r->disk[i] &&
		    (i < same || r->again[i] != 0)) {
			snprintf(r->why, sizeof r->why,
			    "of a disk of %llu bytes, byte %llu is %#x, not "
			    "%#x",
			    (unsigned long long)size, (unsigned long long)i,
			    r->again[i], r->disk[i]);
			return -1;
		}
	return 0;
}

static int
check_disk(struct run *r, const char *path)
{
	struct block *b = open_image(r, path, BLOCK_FORMAT_QCOW2, true);
	uint64_t size;
	int rc;

	if (b == NULL)
		return -1;
	size = block_size(b);
	if (size != r->s->size &&
	    (r->s->command != RESIZE || size != r->s->new_size)) {
		block_close(b);
		snprintf(r->why, sizeof r->why, "its size is %llu",
		    (unsigned long long)size);
		return -1;
	}
	rc = request(b, BLOCK_READ, 0, r->again, size);
	block_close(b);
	if (rc == 0)
		return check_bytes(r, size);
	snprintf(r->why, sizeof r->why, "it cannot be read: %d", rc);
	return -1;
}

/* No corruption, by another hand. */
static int
walk(struct run *r, unsigned file)
{
	struct walk w = {0};
	int rc = 0;

	w.image = states_bytes(r->file[file], &w.len);
	if (walk_image(&w) == -1 || w.corruptions > 0) {
		snprintf(r->why, sizeof r->why, "%u corruptions of file %u: %s",
		    w.corruptions, file, w.first);
		rc = -1;
	}
	total.leaky += w.leaks > 0;
	walk_free(&w);
	return rc;
}

/* QEMU repairs a copy of it, and then it is clean and the same disk. */
static int
judge(struct run *r)
{
	const char *const repair[] = {"qemu-img", "check", "-q", "-r", "all",
	    "-f", "qcow2", r->image, NULL};
	int rc;

	total.judged++;
	copy_file(r->image_state, r->image);
	if (r->s->base != NONE)
		copy_file(r->base_state, r->base);
	rc = run_program(r->recorded, repair);
	if (rc == 0 && check_closed(r) == 0)
		return check_disk(r, r->image);
	snprintf(r->why, sizeof r->why, "qemu-img check -r ends with %d", rc);
	return -1;
}

static int
check_state(struct run *r, unsigned number)
{
	const char *const check[] = {
	    "qemu-img", "check", "-q", "-f", "qcow2", r->image_state, NULL};
	int rc;

	total.states++;
	if (check_disk(r, r->image_state) == -1)
		return -1;
	if (r->s->command != COUNTS && walk(r, 0) == -1)
		return -1;
	if (r->s->command == COMMIT && r->s->base == QCOW2 && walk(r, 1) == -1)
		return -1;
	if (number % QEMU_EACH != 0)
		return 0;
	rc = r->s->command == COUNTS ? 0 : run_program(r->state, check);
	if (rc == 0 || rc == 3)
		return judge(r);
	snprintf(r->why, sizeof r->why, "qemu-img check ends with %d", rc);
	return -1;
}

static int
by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
check_states(struct run *r, unsigned count)
{
	unsigned files = r->s->command == COMMIT ? 2 : 1, i, f;
	uint64_t cut[ROUND], last = 0;
	int rc = 0;

	r->file[0] = states_new(0, r->image_state);
	if (files == 2)
		r->file[1] = states_new(1, r->base_state);
	for (i = 0; i < count; i++)
		cut[i] = 1 + random_below(recorder_clock + 1);
	qsort(cut, count, sizeof *cut, by_time);
	for (i = 0; i < count && rc == 0; i++) {
		last = cut[i];
		for (f = 0; f < files; f++)
			states_make(r->file[f], last);
		rc = check_state(r, i);
		for (f = 0; rc == 0 && f < files; f++)
			states_undo(r->file[f]);
	}
	if (rc != 0)
		printf("after a cut at %llu of %llu: %s\n",
		    (unsigned long long)last,
		    (unsigned long long)recorder_clock, r->why);
	for (f = 0; f < files; f++)
		states_free(r->file[f]);
	return rc;
}

/* ---- all of them ---- */

static void
place(char *to, size_t len, const char *folder, const char *name)
{
	snprintf(to, len, "%.80s/%s", folder, name);
}

static int
try_setup(struct run *r, unsigned states)
{
	unsigned n;
	int rc = 0;

	place(r->recorded, sizeof r->recorded, r->root, "recorded");
	place(r->state, sizeof r->state, r->root, "state");
	mkdir(r->recorded, 0700);
	mkdir(r->state, 0700);
	place(r->image, sizeof r->image, r->recorded, "image.qcow2");
	place(r->base, sizeof r->base, r->recorded, "base");
	place(r->image_state, sizeof r->image_state, r->state, "image.qcow2");
	place(r->base_state, sizeof r->base_state, r->state, "base");
	place(r->other, sizeof r->other, r->root,
	    r->s->other == QCOW2 ? "other.qcow2" : "other");
	r->most = r->s->size > r->s->new_size ? r->s->size : r->s->new_size;
	r->disk = malloc(r->most);
	r->again = malloc(r->most);
	if (r->disk == NULL || r->again == NULL)
		exit(99);
	for (; states > 0 && rc == 0; states -= n) {
		n = states < ROUND ? states : ROUND;
		rc = record(r);
		if (rc == -1)
			printf("%s\n", r->why);
		else
			rc = check_states(r, n);
		recorder_clear();
	}
	free(r->disk);
	free(r->again);
	return rc;
}

int
main(int argc, char **argv)
{
	struct run r = {0};
	unsigned i;
	int rc;

	for (i = 0; i < SETUPS; i++) {
		if (argc == 2 && strcmp(argv[1], "-l") == 0)
			printf("%s\n", setups[i].name);
		if (argc == 4 && strcmp(setups[i].name, argv[3]) == 0)
			r.s = &setups[i];
	}
	if (argc == 2)
		return 0;
	if (r.s == NULL) {
		fprintf(stderr, "usage: toolcut -l | STATES SEED NAME\n");
		return 2;
	}
	random_seed(strtoull(argv[2], NULL, 10));
	r.root = temporary_folder();
	if (r.root == NULL)
		return 2;
	rc = try_setup(&r, (unsigned)strtoul(argv[1], NULL, 10));
	printf("%u states, %u judged by qemu-img, %u with leaks\n",
	    total.states, total.judged, total.leaky);
	if (rc == 0)
		run_program(
		    "/", (const char *const[]){"rm", "-rf", r.root, NULL});
	else
		printf("the recorded image and the state are in %s\n", r.root);
	return rc == 0 ? 0 : 1;
}
