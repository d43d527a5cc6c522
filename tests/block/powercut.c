/*
 * powercut STATES SEED NAME: random work on an image is recorded, write by
 * write and flush by flush; then so many states are made that a power cut
 * would leave of it, and each is opened and read. powercut -l: the NAMEs.
 *
 *	recorder ──▶ states ──▶ walk.c       no corruption, at most leaks
 *	                  ├───▶ block_open   the same disk as walk.c reads
 *	                  ├───▶ workload     every flushed byte is right
 *	                  ├───▶ qemu-img     of one in QEMU_EACH: its verdict
 *	                  └───▶ goes on      of one in MORE_EACH: written to
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/block/block.h"
#include "tests/block/program.h"
#include "tests/block/recorder.h"
#include "tests/block/smallcache.h"
#include "tests/block/states.h"
#include "tests/block/strict.h"
#include "tests/block/walk.h"
#include "tests/block/workload.h"

#define REQUESTS  150u /* of a recording */
#define ROUND     160u /* states of a recording */
#define QEMU_EACH 20u
#define MORE_EACH 12u
#define KIB       1024ULL

struct setup {
	const char *name;
	const char *options; /* qemu-img create -o; NULL: a raw image */
	uint64_t size;
	unsigned cluster;
	uint64_t below; /* bytes of a raw backing file, 0: none */
	bool data_file, snapshot;
};

static const struct setup setups[] = {
    {"raw", NULL, 512 * KIB, 4096, 0, false, false},
    {"clusters of 64 KiB", "cluster_size=64k", 4096 * KIB, 65536, 0, false,
	false},
    {"clusters of 4 KiB, version 2", "compat=0.10,cluster_size=4k", 1024 * KIB,
	4096, 0, false, false},
    {"clusters of 512 bytes, many tables", "cluster_size=512", 1024 * KIB, 512,
	0, false, false},
    {"refcounts of 64 bits", "cluster_size=512,refcount_bits=64", 512 * KIB,
	512, 0, false, false},
    {"refcounts of 1 bit", "cluster_size=1k,refcount_bits=1", 512 * KIB, 1024,
	0, false, false},
    {"a backing file", "cluster_size=4k", 1024 * KIB, 4096, 700 * KIB, false,
	false},
    {"a backing file, clusters of 64 KiB", "cluster_size=64k", 2048 * KIB,
	65536, 1500 * KIB, false, false},
    {"a snapshot", "cluster_size=2k,refcount_bits=8", 512 * KIB, 2048, 0, false,
	true},
    {"a snapshot and a backing file", "cluster_size=4k", 512 * KIB, 4096,
	300 * KIB, false, true},
    {"lazy refcounts", "cluster_size=4k,lazy_refcounts=on", 1024 * KIB, 4096, 0,
	false, false},
    {"extended L2 entries", "cluster_size=16k,extended_l2=on", 1024 * KIB,
	16384, 0, false, false},
    {"extended L2 entries, a backing file, a snapshot",
	"cluster_size=16k,extended_l2=on", 1024 * KIB, 16384, 600 * KIB, false,
	true},
    {"a data file", "cluster_size=4k", 512 * KIB, 4096, 0, true, false},
};
#define SETUPS (sizeof setups / sizeof *setups)

/* One recording and the files it is about. */
struct run {
	const struct setup *s;
	struct workload *work;
	enum block_cache cache; /* of what is recorded, and of what goes on */
	char folder[64], folder_recorded[96], folder_state[96];
	char image[96], data[96]; /* what is recorded */
	char state[96], state_data[96]; /* what becomes the states */
	char below[96];
	uint8_t *backing; /* contents of below */
	uint8_t *disk, *again; /* the disk's size each */
	struct states *file[2];
	char why[256];
};

static struct {
	unsigned states, judged, resumed, leaky, dirty;
} total;

static struct block *
open_image(struct run *r, const char *path, bool readonly)
{
	struct block_files files;
	struct block *b = NULL;
	struct error err;

	block_files_init(&files);
	files.cache = r->cache;
	if (block_open(path,
		r->s->options != NULL ? BLOCK_FORMAT_QCOW2 : BLOCK_FORMAT_RAW,
		readonly, &files, &err) == -1 ||
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

/* One request, waited for. */
static int
request(struct block *b, enum block_op op, uint64_t offset, uint8_t *data,
    uint64_t len)
{
	int result = -EIO;
	struct iovec iov[2] = {{data, len}, {&result, sizeof result}};
	struct block_request rq = {.op = op,
	    .offset = offset,
	    .len = len,
	    .iov = iov,
	    .iovs = 1,
	    .done = on_done};

	block_submit(b, &rq);
	block_drain(b);
	return result;
}

static int
read_disk(struct run *r, struct block *b, uint8_t *to)
{
	int rc;

	if (block_size(b) != r->s->size) {
		snprintf(r->why, sizeof r->why, "its size is %llu",
		    (unsigned long long)block_size(b));
		return -1;
	}
	rc = request(b, BLOCK_READ, 0, to, r->s->size);
	if (rc != 0)
		snprintf(r->why, sizeof r->why, "it cannot be read: %d", rc);
	return rc;
}

/* ---- the image that is recorded ---- */

static void
make_below(struct run *r)
{
	uint64_t i;
	int fd = open(r->below, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	r->backing = calloc(1, r->s->size);
	for (i = 0; i < r->s->below / SECTOR; i++)
		workload_below(i, r->backing + i * SECTOR);
	if (fd == -1 ||
	    write(fd, r->backing, r->s->below) != (ssize_t)r->s->below)
		exit(95);
	close(fd);
}

static void
make_image(struct run *r)
{
	const struct setup *s = r->s;
	char options[256], size[32];
	const char *argv[16] = {"qemu-img", "create", "-q", "-f"};
	unsigned n = 4;

	unlink(r->image);
	unlink(r->data);
	snprintf(size, sizeof size, "%llu", (unsigned long long)s->size);
	snprintf(options, sizeof options, "%s%s",
	    s->options != NULL ? s->options : "",
	    s->data_file ? ",data_file=data" : "");
	argv[n++] = s->options != NULL ? "qcow2" : "raw";
	if (s->options != NULL) {
		argv[n++] = "-o";
		argv[n++] = options;
	}
	if (s->below > 0) {
		make_below(r);
		argv[n++] = "-F";
		argv[n++] = "raw";
		argv[n++] = "-b";
		argv[n++] = r->below;
	}
	argv[n++] = r->image;
	argv[n++] = size;
	if (run_program(r->folder_recorded, argv) != 0)
		exit(95);
}

/* Work that is not recorded, and a snapshot of it. */
static int
take_snapshot(struct run *r)
{
	const char *const argv[] = {
	    "qemu-img", "snapshot", "-c", "kept", r->image, NULL};
	struct block *b = open_image(r, r->image, false);
	int rc;

	if (b == NULL)
		return -1;
	rc = workload_run(r->work, b, REQUESTS);
	block_close(b);
	workload_settle(r->work);
	if (rc == 0 && run_program(r->folder_recorded, argv) != 0)
		rc = -1;
	snprintf(r->why, sizeof r->why, "no snapshot of what we wrote");
	return rc;
}

/* What we leave behind when we close is whole, without a leak. */
static int
check_closed(struct run *r)
{
	const char *const argv[] = {
	    "qemu-img", "check", "-q", "-f", "qcow2", r->image, NULL};
	struct block *b;
	int rc;

	b = open_image(r, r->image, true);
	if (b == NULL)
		return -1;
	rc = read_disk(r, b, r->disk);
	block_close(b);
	if (rc != 0 ||
	    workload_check(r->work, r->disk, r->s->size / SECTOR,
		RECORDER_NEVER - 1, r->why, sizeof r->why) == -1)
		return -1;
	if (r->s->options == NULL ||
	    (rc = run_program(r->folder_recorded, argv)) == 0)
		return 0;
	snprintf(r->why, sizeof r->why,
	    "closed in order, qemu-img check ends with %d", rc);
	return -1;
}

static int
record(struct run *r)
{
	const struct setup *s = r->s;
	struct block *b;
	int rc;

	make_image(r);
	r->work = workload_new(
	    s->size / SECTOR, s->below / SECTOR, s->cluster / SECTOR, true);
	if (s->snapshot && take_snapshot(r) == -1)
		return -1;
	copy_file(r->image, r->state);
	if (s->data_file)
		copy_file(r->data, r->state_data);
	smallcache_slices = random_below(2) == 0 ? 4 : 0;
	r->cache =
	    random_below(2) == 0 ? BLOCK_CACHE_NONE : BLOCK_CACHE_WRITEBACK;
	strict_block = random_below(2) == 0 ? 512 : 4096;
	recorder_clear();
	recorder_begin(0, r->image);
	recorder_begin(1, s->data_file ? r->data : NULL);
	b = open_image(r, r->image, false);
	if (b == NULL)
		return -1;
	rc = workload_run(r->work, b, REQUESTS);
	block_close(b);
	recorder_begin(0, NULL);
	recorder_begin(1, NULL);
	snprintf(r->why, sizeof r->why, "the work itself went wrong");
	return rc == 0 ? check_closed(r) : -1;
}

/* ---- a state ---- */

static int
walk(struct run *r, struct walk *w)
{
	*w = (struct walk){0};
	w->image = states_bytes(r->file[0], &w->len);
	if (r->s->data_file)
		w->data = states_bytes(r->file[1], &w->data_len);
	w->backing = r->backing;
	w->backing_len = r->s->below;
	if (walk_image(w) == -1 || w->corruptions > 0) {
		snprintf(r->why, sizeof r->why, "%u corruptions: %s",
		    w->corruptions, w->first);
		return -1;
	}
	return 0;
}

/* qemu-img must see in it what walk.c saw. */
static int
judge(struct run *r, const struct walk *w)
{
	const char *check[] = {
	    "qemu-img", "check", "-q", "-f", "qcow2", r->state, NULL};
	const char *const repair[] = {"qemu-img", "check", "-q", "-r", "all",
	    "-f", "qcow2", r->image, NULL};
	const char *folder = r->folder_state;
	int rc, want = w->leaks > 0 ? 3 : 0;

	total.judged++;
	if (w->dirty) {
		copy_file(r->state, r->image);
		if (r->s->data_file)
			copy_file(r->state_data, r->data);
		rc = run_program(r->folder_recorded, repair);
		folder = r->folder_recorded;
		check[5] = r->image;
		want = 0;
		if (rc != 0 && rc != 3) {
			snprintf(r->why, sizeof r->why,
			    "qemu-img cannot repair it: %d", rc);
			return -1;
		}
	}
	rc = run_program(folder, check);
	if (rc == want)
		return 0;
	snprintf(r->why, sizeof r->why,
	    "qemu-img check ends with %d, not %d (%u leaks)", rc, want,
	    w->leaks);
	return -1;
}

/* A guest that boots from it: what it writes must not hurt it either. */
static int
resume(struct run *r, uint64_t cut)
{
	const char *const check[] = {
	    "qemu-img", "check", "-q", "-f", "qcow2", r->image, NULL};
	uint64_t at = random_below(r->s->size / SECTOR) * SECTOR;
	uint8_t sector[SECTOR];
	struct block *b;
	int rc;

	total.resumed++;
	copy_file(r->state, r->image);
	if (r->s->data_file)
		copy_file(r->state_data, r->data);
	if ((b = open_image(r, r->image, false)) == NULL)
		return -1;
	memset(sector, 0x77, sizeof sector);
	rc = request(b, BLOCK_WRITE, at, sector, sizeof sector);
	if (rc == 0)
		rc = request(b, BLOCK_FLUSH, 0, NULL, 0);
	if (rc != 0 || read_disk(r, b, r->again) == -1) {
		block_close(b);
		snprintf(r->why, sizeof r->why, "it cannot be used: %d", rc);
		return -1;
	}
	block_close(b);
	memcpy(r->disk + at, sector, sizeof sector);
	if (memcmp(r->disk, r->again, r->s->size) != 0) {
		snprintf(r->why, sizeof r->why,
		    "a write at %llu changed more than it should",
		    (unsigned long long)at);
		return -1;
	}
	if (r->s->options == NULL)
		return 0;
	rc = run_program(r->folder_recorded, check);
	if (rc == 0 || rc == 3)
		return 0;
	snprintf(r->why, sizeof r->why,
	    "qemu-img check ends with %d after a write", rc);
	return -1;
}

static int
check_state(struct run *r, uint64_t cut, unsigned number)
{
	struct walk w = {0};
	struct block *b;
	int rc = -1;

	total.states++;
	if ((b = open_image(r, r->state, true)) == NULL)
		return -1;
	rc = read_disk(r, b, r->disk);
	block_close(b);
	if (rc != 0 ||
	    workload_check(r->work, r->disk, r->s->size / SECTOR, cut, r->why,
		sizeof r->why) == -1)
		return -1;
	if (r->s->options != NULL) {
		rc = walk(r, &w);
		total.leaky += w.leaks > 0;
		total.dirty += w.dirty;
		if (rc == 0) {
			walk_read(&w, 0, r->again, r->s->size);
			if (memcmp(r->disk, r->again, r->s->size) != 0) {
				snprintf(r->why, sizeof r->why,
				    "it does not read as it is written");
				rc = -1;
			}
		}
		walk_free(&w);
		if (rc == 0 && number % QEMU_EACH == 0)
			rc = judge(r, &w);
	}
	if (rc == 0 && number % MORE_EACH == 0)
		rc = resume(r, cut);
	return rc;
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
	uint64_t cut[ROUND], last = 0;
	unsigned i;
	int rc = 0;

	r->file[0] = states_new(0, r->state);
	if (r->s->data_file)
		r->file[1] = states_new(1, r->state_data);
	for (i = 0; i < count; i++)
		cut[i] = 1 + random_below(recorder_clock + 1);
	qsort(cut, count, sizeof *cut, by_time);
	for (i = 0; i < count && rc == 0; i++) {
		last = cut[i];
		states_make(r->file[0], last);
		if (r->s->data_file)
			states_make(r->file[1], last);
		rc = check_state(r, last, i);
		if (rc == 0)
			states_undo(r->file[0]);
		if (rc == 0 && r->s->data_file)
			states_undo(r->file[1]);
	}
	if (rc != 0)
		printf("after a cut at %llu of %llu: %s\n",
		    (unsigned long long)last,
		    (unsigned long long)recorder_clock, r->why);
	states_free(r->file[0]);
	if (r->s->data_file)
		states_free(r->file[1]);
	return rc;
}

/* ---- all of them ---- */

static void
place(char *to, size_t len, const struct run *r, const char *name)
{
	snprintf(to, len, "%.63s/%s", r->folder, name);
}

/* Both folders look alike, since an image may name its data file. */
static void
prepare(struct run *r, const char *root)
{
	snprintf(r->folder, sizeof r->folder, "%s", root);
	place(r->folder_recorded, sizeof r->folder_recorded, r, "recorded");
	mkdir(r->folder_recorded, 0700);
	place(r->folder_state, sizeof r->folder_state, r, "state");
	mkdir(r->folder_state, 0700);
	place(r->image, sizeof r->image, r, "recorded/image");
	place(r->data, sizeof r->data, r, "recorded/data");
	place(r->state, sizeof r->state, r, "state/image");
	place(r->state_data, sizeof r->state_data, r, "state/data");
	place(r->below, sizeof r->below, r, "below");
	r->disk = malloc(r->s->size);
	r->again = malloc(r->s->size);
	if (r->disk == NULL || r->again == NULL)
		exit(99);
}

static void
forget(struct run *r)
{
	recorder_clear();
	if (r->work != NULL)
		workload_free(r->work);
	free(r->backing);
	r->work = NULL;
	r->backing = NULL;
}

static int
try_setup(const struct setup *s, const char *root, unsigned states)
{
	struct run r = {.s = s};
	unsigned n;
	int rc = 0;

	prepare(&r, root);
	while (states > 0 && rc == 0) {
		n = states < ROUND ? states : ROUND;
		states -= n;
		rc = record(&r);
		if (rc == -1)
			printf("%s\n", r.why);
		else
			rc = check_states(&r, n);
		forget(&r);
	}
	free(r.disk);
	free(r.again);
	return rc;
}

/* -l: what there is. */
static int
list(void)
{
	unsigned i;

	for (i = 0; i < SETUPS; i++)
		printf("%s\n", setups[i].name);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct setup *s = NULL;
	const char *root;
	unsigned i, states;
	int rc;

	if (argc == 2 && strcmp(argv[1], "-l") == 0)
		return list();
	for (i = 0; argc == 4 && i < SETUPS; i++)
		if (strcmp(setups[i].name, argv[3]) == 0)
			s = &setups[i];
	if (s == NULL) {
		fprintf(stderr, "usage: powercut -l | STATES SEED NAME\n");
		return 2;
	}
	states = (unsigned)strtoul(argv[1], NULL, 10);
	random_seed(strtoull(argv[2], NULL, 10));
	root = temporary_folder();
	rc = try_setup(s, root, states);
	printf("%u states, %u judged by qemu-img, %u gone on with, %u with "
	       "leaks, %u dirty\n",
	    total.states, total.judged, total.resumed, total.leaky,
	    total.dirty);
	if (rc == 0)
		run_program(
		    "/", (const char *const[]){"rm", "-rf", root, NULL});
	else
		printf("the recorded image and the state are in %s\n", root);
	return rc == 0 ? 0 : 1;
}
