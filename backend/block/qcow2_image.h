/*
 * qcow2_image.h: an open qcow2 image, as its parts (qcow2_*.c) share it.
 *
 *	request ──▶ job ──▶ L2 slice ──▶ pieces ──▶ the file below (raw)
 *	              │        ▲  │                 the data file
 *	              │     cache │                 the backing image
 *	              ▼           ▼
 *	            claim      commit: what a flush writes, in which order
 *
 * A job is a request on its way through the image: at each place it looks the
 * mapping up, sends a piece below and goes on, many in flight. It waits where
 * it has to: for a slice being read, for a cluster that another job has
 * claimed, for room in the cache. What lies in one piece where the tables in
 * memory say goes below without a job (qcow2_direct.c). What is finished below
 * is only noted there and worked on within reap(), so that no function here is
 * entered twice.
 *
 * Changes of metadata happen in memory at once and reach the file in rounds
 * (qcow2_commit.c), in an order in which any crash leaves at worst leaked
 * clusters:
 *
 *	1 refcounts that grew         everything below is stable: data that
 *	  sync ◀───────────────────── was written, copied or zeroed
 *	2 refcount table, header      only where they changed, each with a sync
 *	3 slices of L2, entries of L1
 *	  sync
 *	4 clusters that 3 let go are free from now on
 *
 * Everything on the thread the block belongs to.
 */
#ifndef BACKEND_BLOCK_QCOW2_IMAGE_H
#define BACKEND_BLOCK_QCOW2_IMAGE_H

#include "backend/block/engine.h"
#include "backend/block/qcow2.h"

/*
 * The bound of what is kept of an image's tables: 8 MiB of L2 (64 GiB of disk
 * at 64 KiB a cluster), 1 MiB of refcounts.
 */
#define SLICE_BYTES 4096u
#define L2_SLICES   2048u
#define REF_SLICES  256u

#define SUBCLUSTERS 32u /* of a cluster with extended L2 entries */

struct qcow2;
struct job;

/* ---- jobs (qcow2_job.c) ---- */

struct job_list {
	struct job *first, **end;
};

/* A request to a file below. */
struct piece {
	struct block_request rq; /* first */
	struct qcow2 *q;
	struct job *job;
	/* What becomes of its result, in reap(). */
	void (*arrived)(struct piece *p, int result);
	int result;
	struct piece *next;
	struct iovec *iov; /* own[] or allocated */
	uint8_t *buffer; /* allocated; NULL: the request's memory */
	uint64_t at; /* of the disk */
	uint64_t entry, wanted; /* of a compressed cluster: how much of it */
	struct iovec own[4];
};

enum job_kind { JOB_REQUEST, JOB_INNER, JOB_MAP };

struct job {
	struct qcow2 *q;
	enum job_kind kind;
	struct block_request *rq;
	struct block_extent *extent; /* JOB_MAP */
	uint64_t at, end; /* what is not begun yet, of the disk */
	uint64_t born; /* see struct freed */
	unsigned pending; /* pieces and claims on their way */
	int result;
	bool waits; /* in a list of those who wait */
	struct job *next; /* in that list */
	struct job *before, *after; /* among all that are under way */
	struct piece *spare; /* a piece that is not in use */
	struct piece first; /* most jobs need one */
};

/* What a step of a job came to. */
enum step { STEP_ON, STEP_WAITS };

/* ---- the mapping (qcow2_entry.c) ---- */

struct entry {
	bool compressed, has_host, copied;
	uint64_t host; /* of the cluster, in the data file */
	/* A bit a subcluster; bit 0 alone without extended entries. */
	uint32_t allocated, zero;
	uint64_t raw; /* of a compressed cluster: the entry */
};

/* A stretch of the disk that is of one kind. */
struct stretch {
	enum extent_kind kind;
	uint64_t len;
	uint64_t host; /* EXTENT_DATA: in the data file */
	bool copied; /* may be written where it is */
	uint64_t raw; /* EXTENT_COMPRESSED */
};

/* ---- slices of tables (qcow2_cache.c) ---- */

struct slice {
	uint64_t key; /* which slice of the disk or of all refcounts */
	struct slice *chain; /* of its hash */
	struct slice *older, *newer;
	bool loading, dirty;
	bool used; /* since it was last looked at to be given up */
	unsigned pins;
	int result; /* of loading */
	struct job_list waiting; /* for its loading */
	struct block_request rq;
	struct iovec iov;
	struct qcow2 *q;
	struct cache *cache; /* while it is loading */
	struct slice *next; /* loaded, to be seen to */
	_Alignas(8) uint8_t data[];
};

struct cache {
	struct slice **hash;
	unsigned mask, n, most, dirty;
	struct slice *oldest, *newest;
	size_t bytes; /* of a slice */
	bool failed; /* the last one could not be read */
};

/* ---- claims: clusters that are being allocated (qcow2_alloc.c) ---- */

struct claim {
	struct claim *next;
	struct job *job;
	uint64_t first, last; /* clusters of the disk */
	/* The parts around the data that are copied, and where all goes. */
	uint64_t from, at, end, until; /* from..at is head, end..until tail */
	uint64_t stop; /* of what is written: until, or the end of the disk */
	uint64_t host; /* of the first cluster */
	bool fresh; /* allocated for this; to be given back if it fails */
	unsigned reads; /* of head and tail, on their way */
	int result;
	struct slice *slice;
	uint8_t *head, *tail;
	struct iovec head_iov, tail_iov;
	struct block_request head_rq, tail_rq;
	struct piece piece;
};

/* ---- what is let go (qcow2_free.c) ---- */

/*
 * Clusters that the mapping no longer names. They are free once that is
 * stable and no job that was born before can still be on its way to them.
 */
struct freed {
	uint64_t first, n; /* clusters of the file */
	uint64_t clock;
};

struct freed_list {
	struct freed *list;
	size_t n, room;
	size_t stable; /* the first of them: the mapping is stable */
};

/* ---- the file's end moves (qcow2_grow.c) ---- */

struct growth {
	struct block_request rq; /* first */
	struct block_request room;
	struct qcow2 *q;
	struct iovec iov;
	unsigned pending; /* of both requests */
	uint64_t want; /* bytes */
	int result; /* of the last time; not 0: only when it must be */
	bool no_room; /* the file system gives none beforehand */
	bool reserved; /* it did, or may have */
};

/* ---- a round of commit (qcow2_commit.c) ---- */

enum commit_stage {
	COMMIT_IDLE,
	COMMIT_REFS,
	COMMIT_SYNC_DATA,
	COMMIT_TABLE,
	COMMIT_SYNC_TABLE,
	COMMIT_HEADER,
	COMMIT_SYNC_HEADER,
	COMMIT_MAPPING,
	COMMIT_SYNC_MAPPING,
};

/* What a round writes: a copy, of the moment it began. */
struct commit_write {
	struct block_request rq; /* first */
	struct qcow2 *q;
	struct commit_write *next;
	enum commit_stage stage;
	struct cache *cache; /* whose slice, or NULL */
	struct slice *slice;
	struct table *table; /* or whose sector, or NULL */
	uint64_t sector;
	struct iovec iov;
	uint8_t data[];
};

struct commit {
	enum commit_stage stage;
	unsigned pending;
	int result;
	struct commit_write *writes;
	bool stages[COMMIT_SYNC_MAPPING + 1]; /* which it needs */
	size_t freed; /* how many were let go before this round */
	struct commit_sync {
		struct block_request rq; /* first */
		struct qcow2 *q;
	} sync[2];
	struct job_list flushers; /* it is for them */
};

/* ---- the image ---- */

/* A table that is wholly in memory, in the host's byte order. */
struct table {
	uint64_t *entry;
	uint64_t n; /* entries */
	uint64_t offset; /* in the file */
	uint8_t *dirty; /* a byte for each 512 of the file */
	bool any_dirty;
};

struct qcow2 {
	struct block b; /* first */
	struct qcow2_header h;
	struct block *file, *data, *backing; /* data may be file */
	bool external; /* it is not */
	uint64_t cluster; /* bytes */
	unsigned subclusters, sub_bits;
	unsigned l2_bytes; /* of an entry */
	unsigned l2_slice_entries, l2_slices; /* l2_slices: of a table */
	unsigned l2_key_bits; /* 2^that bytes of the disk a slice */
	unsigned ref_slice_entries, ref_slices;
	unsigned ref_order; /* 2^ref_order bits */
	unsigned ref_block_bits; /* 2^that clusters a refcount block */
	struct table l1, reftable;
	uint64_t snapshot_bytes; /* of the table of snapshots */
	struct cache l2, refs;
	/* Requests. */
	struct job *jobs; /* under way, the oldest last */
	struct job *idle; /* to be used again */
	struct job_list finished, blocked, runnable, flushers;
	struct piece *arrived, **arrived_end;
	struct slice *loaded;
	struct piece *idle_pieces;
	struct claim *claims;
	/* Allocation (qcow2_refs.c). */
	uint64_t scan; /* no free cluster is before this one */
	uint64_t frontier; /* from here on the file is not in use */
	uint64_t fresh; /* from here on its clusters are zeroes */
	uint64_t extended; /* bytes; the file is that long, or longer */
	bool grows; /* it is a file, not a device */
	struct growth growth;
	struct freed_list freed;
	uint64_t clock;
	bool table_moved; /* the refcount table; the header is to say where */
	struct commit commit;
	bool want_commit;
	int failed; /* a sync failed, or the image is corrupt: no more changes */
	/* The compressed cluster that was read last. */
	uint8_t *unpacked;
	uint64_t unpacked_entry;
};

/* qcow2_job.c */
extern const struct block_ops qcow2_ops;
/*
 * A job for rq that ends in rq->done() within reap(), not counted. Returns 0
 * or -ENOMEM.
 */
int job_inner(struct qcow2 *q, struct block_request *rq);
/* Goes on with those who waited for a claim, room or a round. */
void job_wake(struct qcow2 *q, struct job_list *list);
void job_block(struct qcow2 *q, struct job *job);
/* One piece or claim of the job is done. */
void job_part_done(struct job *job, int result);
void job_finish(struct job *job);
/*
 * A piece for len bytes of the job's memory from job->at on, or for its own
 * buffer. NULL: no memory.
 */
struct piece *piece_new(struct job *job);
int piece_map(struct piece *p, uint64_t len);
void piece_send(struct piece *p, struct block *to, enum block_op op,
    uint64_t offset, uint64_t len);
void piece_free(struct piece *p);
/* Notes that a piece is finished; a done() for block_request. */
void piece_done(struct block_request *rq, int result);
/*
 * The job's buffers for len bytes from at on: into iov, if it is not NULL.
 * Returns how many.
 */
unsigned job_cut(
    const struct job *job, uint64_t at, uint64_t len, struct iovec *iov);
/* The job's memory from position at, len bytes: filled or zeroed (NULL). */
void job_fill(struct job *job, uint64_t at, const uint8_t *from, uint64_t len);
/*
 * One request to the file below, and waits for it alone; for what is rare.
 * Returns 0 or a negative errno.
 */
int qcow2_sync_io(struct qcow2 *q, enum block_op op, uint64_t offset, void *buf,
    uint64_t len);
void job_list_init(struct job_list *l);
void job_list_add(struct job_list *l, struct job *job);
struct job *job_list_take(struct job_list *l);

/* qcow2_cache.c */
int cache_init(struct cache *c, size_t bytes, unsigned most);
void cache_free(struct cache *c);
struct slice *cache_find(struct cache *c, uint64_t key);
/*
 * A slice that is in no use, under the new key, its bytes undefined. NULL:
 * all are dirty or in use, or (errno ENOMEM) no memory. over: then one more
 * than the bound allows.
 */
struct slice *cache_take(
    struct qcow2 *q, struct cache *c, uint64_t key, bool over);
void cache_drop(struct cache *c, struct slice *s);
/* Begins to read a slice that was taken, from offset of the file. */
void cache_load(struct cache *c, struct slice *s, uint64_t offset);
/* The job waits for it: 1. If it cannot be read the job fails. */
int cache_wait(struct slice *s, struct job *job);
/* Goes on with what waited for slices that were read; those jobs can run. */
void cache_take_loaded(struct qcow2 *q);
/* As cache_find(); one that is being read is waited for. */
struct slice *cache_find_loaded(struct qcow2 *q, struct cache *c, uint64_t key);
void cache_dirty(struct cache *c, struct slice *s);
void cache_clean(struct cache *c, struct slice *s);

/* qcow2_entry.c */
/* Reads entry n of a slice. Returns 0, or -EIO: it cannot be. */
int entry_get(
    const struct qcow2 *q, const struct slice *s, unsigned n, struct entry *e);
/*
 * Is the cluster at a place of the disk data in one of its own, and nothing
 * else? The quick answer for most; false: entry_get() knows more.
 */
bool entry_plain(
    const struct qcow2 *q, const struct slice *s, uint64_t at, uint64_t *host);
void entry_set(
    struct qcow2 *q, struct slice *s, unsigned n, const struct entry *e);
unsigned entry_index(const struct qcow2 *q, uint64_t at);
uint32_t entry_all(const struct qcow2 *q);
/* What is at a place of the disk, and how far, at most most bytes. */
int entry_stretch(const struct qcow2 *q, const struct slice *s, uint64_t at,
    uint64_t most, struct stretch *st);
/* Where a compressed cluster is, in bytes of the file. */
void entry_compressed(
    const struct qcow2 *q, uint64_t raw, uint64_t *offset, uint64_t *len);
/*
 * The entry for a place of the disk will be looked at soon: of many requests
 * at once the processor fetches them together.
 */
void l2_prefetch(struct qcow2 *q, uint64_t at);
/*
 * The slice of L2 for a place of the disk. 0 with *s (NULL: there is no
 * table); 1: the job waits for it; or a negative errno.
 */
int l2_slice(struct qcow2 *q, struct job *job, uint64_t at, struct slice **s);
/* The same for writing: makes or copies the table if need be. */
int l2_slice_to_write(
    struct qcow2 *q, struct job *job, uint64_t at, struct slice **s);

/* qcow2_read.c */
enum step read_step(struct job *job);
enum step map_step(struct job *job);

/* qcow2_direct.c */
/*
 * Sends a request that lies in one piece in the data file there, as it is,
 * without a job. false: it needs one.
 */
bool direct(struct qcow2 *q, struct block_request *rq);

/* qcow2_unpack.c */
/* Decompresses a cluster. Returns 0, -EIO or -ENOMEM. */
int qcow2_unpack(
    const struct qcow2 *q, const uint8_t *from, size_t len, uint8_t *to);

/* qcow2_write.c, qcow2_alloc.c, qcow2_zero.c */
enum step write_step(struct job *job);
enum step allocate_step(
    struct job *job, struct slice *s, const struct stretch *st);
enum step zero_step(struct job *job);
/* Is the cluster of the disk claimed? */
bool claimed(const struct qcow2 *q, uint64_t cluster);

/* qcow2_refs.c */
/*
 * Up to n clusters in a row, with a refcount of 1: how many, or a negative
 * errno; -EINPROGRESS: the job waits, for refcounts or for clusters that were
 * let go before it was there, and is to ask again.
 * *zeroed: they are known to hold zeroes.
 */
int64_t refs_allocate(struct qcow2 *q, struct job *job, uint64_t n,
    uint64_t *offset, bool *zeroed);
/*
 * Can the cluster's refcount be seen without waiting? 0; 1: it is being read,
 * and the job waits (NULL: none does); or a negative errno.
 */
int refs_ready(struct qcow2 *q, struct job *job, uint64_t cluster);
/* Exactly n in a row, at the end of the file. */
int refs_allocate_row(struct qcow2 *q, uint64_t n, uint64_t *offset);
/* Takes one off the refcounts of n clusters. */
void refs_release(struct qcow2 *q, uint64_t first, uint64_t n);
int refs_get(struct qcow2 *q, uint64_t cluster, uint64_t *count);
int refs_set(struct qcow2 *q, uint64_t cluster, uint64_t count);

/* qcow2_grow.c */
/*
 * The file reaches to the end of cluster - 1, and is zeroes where it grew.
 * Waits if it has to. 0 or a negative errno: -ENOSPC also of a device, which
 * does not grow.
 */
int grow(struct qcow2 *q, uint64_t cluster);
/* Goes on with that before it is needed; for a file that grows. */
void grow_ahead(struct qcow2 *q);
/* Gives back what was not needed. Waits. */
void grow_end(struct qcow2 *q);

/* qcow2_free.c */
/* The mapping no longer names these bytes of the file. */
int freed_add(struct qcow2 *q, uint64_t offset, uint64_t len);
/* Frees what may be freed by now. */
void freed_apply(struct qcow2 *q);
/*
 * For a job that found no room: true if some will be free, as it was let go
 * before the job was there; the job is blocked until then. False: a full disk,
 * or the last round failed.
 */
bool freed_await(struct job *job);

/* qcow2_table.c */
int table_read(struct qcow2 *q, int fd, struct table *t, uint64_t offset,
    uint64_t n, struct error *err);
void table_set(struct table *t, uint64_t i, uint64_t value);
void table_free(struct table *t);
/*
 * Gives the place of the disk a table of L2 that may be written. 0, 1: the job
 * waits, or a negative errno.
 */
int table_make_l2(struct qcow2 *q, struct job *job, uint64_t index);
/* Does metadata we know lie there? */
bool table_overlaps(const struct qcow2 *q, uint64_t cluster);

/* qcow2_commit.c */
/* Begins a round if one is wanted, or goes on with the one that runs. */
void commit_go_on(struct qcow2 *q);
/* Has commit_go_on() something to do? */
bool commit_waits(const struct qcow2 *q);
/*
 * Runs rounds until all is written, and waits; of an image that failed only
 * the one that runs. 0 or a negative errno.
 */
int commit_all(struct qcow2 *q);

/* qcow2_resize.c */
int qcow2_resize(struct block *b, uint64_t size, struct error *err);

/* qcow2_repair.c */
/*
 * Counts the clusters of an image anew; fd is its file. Returns 0, or -1 with
 * a sentence.
 */
int qcow2_repair(struct qcow2 *q, int fd, struct error *err);

/* qcow2_open.c */
void qcow2_close(struct block *b);
/* Something in the image cannot be: no more changes; marks it. -EIO. */
int qcow2_corrupt(struct qcow2 *q, const char *what, uint64_t where);

#endif
