/*
 * What nobody waits for: requests without a job, a growing image's room, and
 * refcounts that are read.
 */
#include "tests/unit/qcow2_rig.h"

#define CLUSTER 65536u

static struct rig *
opened(void **state, const char *size)
{
	struct rig *r = *state;

	if (!rig_has_qemu(r))
		SKIP("no qemu-img and qemu-io");
	rig_must(r, "qemu-img create -f qcow2 a.qcow2 %s", size);
	rig_open(r, false);
	return r;
}

static struct rig_request *
submitted(struct rig *r, unsigned n, enum block_op op, uint64_t at)
{
	struct rig_request *q = &r->request[n];

	rig_prepare(q, op, at, 4096, 100);
	if (op == BLOCK_WRITE) {
		memset(q->buf, 7, 4096);
		memset(r->model + at, 7, 4096);
	}
	block_submit(r->b, &q->rq);
	return q;
}

static void
test_qcow2_sends_plain_requests_without_a_job(void **state)
{
	struct rig *r = opened(state, "1M");
	struct qcow2 *image = (struct qcow2 *)r->b;
	struct rig_request *q;

	assert_int_equal(rig_do(r, BLOCK_WRITE, 0, CLUSTER, 3), 0);
	q = submitted(r, 1, BLOCK_READ, 4096);
	assert_null(image->jobs);
	rig_wait(r, q);
	assert_int_equal(q->result, 0);
	assert_memory_equal(q->buf, r->model + 4096, 4096);
	q = submitted(r, 1, BLOCK_WRITE, 8192);
	assert_null(image->jobs);
	assert_int_equal(block_in_flight(r->b), 1);
	rig_wait(r, q);
	assert_int_equal(block_in_flight(r->b), 0);
	/* What is not there yet needs one. */
	q = submitted(r, 1, BLOCK_WRITE, CLUSTER);
	assert_non_null(image->jobs);
	rig_wait(r, q);
	q = submitted(r, 1, BLOCK_READ, 2 * CLUSTER - 2048);
	assert_non_null(image->jobs);
	rig_wait(r, q);
	rig_compare(r);
	rig_close(r);
	rig_judge(r);
}

static void
test_qcow2_keeps_clusters_that_a_plain_read_is_on_its_way_to(void **state)
{
	struct rig *r = opened(state, "1M");
	struct qcow2 *image = (struct qcow2 *)r->b;
	struct rig_request *q, *later;
	uint64_t count, cluster;

	assert_int_equal(rig_do(r, BLOCK_WRITE, 0, 2 * CLUSTER, 3), 0);
	assert_int_equal(rig_do(r, BLOCK_FLUSH, 0, 0, 0), 0);
	q = submitted(r, 1, BLOCK_READ, 0);
	/* The mapping lets the cluster go, and that is stable. */
	cluster = q->rq.place / CLUSTER;
	assert_int_equal(freed_add(image, q->rq.place, CLUSTER), 0);
	image->freed.stable = 1;
	freed_apply(image);
	assert_int_equal(image->freed.n, 1);
	/* What comes later waits for its turn as a job, and does not delay it. */
	later = submitted(r, 2, BLOCK_READ, CLUSTER);
	assert_non_null(image->jobs);
	rig_wait(r, q);
	rig_wait(r, later);
	block_reap(r->b);
	assert_int_equal(image->freed.n, 0);
	assert_int_equal(refs_get(image, cluster, &count), 0);
	assert_int_equal(count, 0);
}

/* Until the file has grown, if it was going to. */
static void
settle(struct rig *r)
{
	struct pollfd p = {block_event_fd(r->b), POLLIN, 0};

	while (block_reap(r->b), ((struct qcow2 *)r->b)->growth.pending > 0)
		assert_int_equal(poll(&p, 1, 20000), 1);
}

static uint64_t
space(const struct rig *r)
{
	struct stat st;

	assert_int_equal(stat(r->path, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void
test_qcow2_gives_room_back_that_it_did_not_need(void **state)
{
	struct rig *r = opened(state, "64M");
	struct qcow2 *image = (struct qcow2 *)r->b;
	uint64_t at, used;

	for (at = 0; at < 9 << 20; at += 1 << 20)
		assert_int_equal(rig_do(r, BLOCK_WRITE, at, 1 << 20, 5), 0);
	settle(r);
	assert_int_equal(image->growth.result, 0);
	if (!image->growth.reserved || image->growth.no_room)
		SKIP("the file system gives no room beforehand");
	used = image->frontier * CLUSTER;
	assert_true(space(r) > used + CLUSTER);
	rig_close(r);
	assert_true(space(r) <= used + CLUSTER);
	rig_judge(r);
}

static void
test_qcow2_grows_without_being_waited_for(void **state)
{
	struct rig *r = opened(state, "64M");
	struct qcow2 *image = (struct qcow2 *)r->b;
	uint64_t before, at;

	for (at = 0; at < 9 << 20; at += 1 << 20)
		assert_int_equal(rig_do(r, BLOCK_WRITE, at, 1 << 20, 5), 0);
	settle(r);
	while (image->growth.pending == 0) {
		assert_true(at < r->size);
		submitted(r, 1, BLOCK_WRITE, at);
		before = image->extended;
		block_flush_queue(r->b);
		if (image->growth.pending == 0)
			rig_wait(r, &r->request[1]);
		at += CLUSTER;
	}
	/* Asked for, and the write that made it so needs none of it. */
	assert_true(image->extended == before);
	assert_true(image->frontier * CLUSTER <= before);
	rig_wait(r, &r->request[1]);
	settle(r);
	assert_true(image->extended > before);
	rig_compare(r);
	rig_close(r);
	rig_judge(r);
}

static void
test_qcow2_does_not_stand_still_for_refcounts(void **state)
{
	struct rig *r = opened(state, "64M");
	struct qcow2 *image = (struct qcow2 *)r->b;
	struct rig_request *q;

	assert_int_equal(rig_do(r, BLOCK_WRITE, 0, CLUSTER, 3), 0);
	rig_close(r);
	rig_open(r, false);
	image = (struct qcow2 *)r->b;
	/* L2 is there then. */
	rig_compare(r);
	assert_int_equal(image->refs.n, 0);
	q = submitted(r, 1, BLOCK_WRITE, 5 * CLUSTER);
	block_flush_queue(r->b);
	assert_int_equal(image->refs.n, 1);
	assert_true(image->refs.newest->loading);
	assert_ptr_equal(image->refs.newest->waiting.first, image->jobs);
	rig_wait(r, q);
	assert_int_equal(q->result, 0);
	rig_compare(r);
	rig_close(r);
	rig_judge(r);
}

static void
test_qcow2_frees_when_refcounts_have_been_read(void **state)
{
	struct rig *r = opened(state, "64M");
	struct qcow2 *image;
	uint64_t used;

	assert_int_equal(rig_do(r, BLOCK_WRITE, 0, 64 * CLUSTER, 3), 0);
	rig_close(r);
	used = space(r);
	rig_open(r, false);
	image = (struct qcow2 *)r->b;
	assert_int_equal(rig_do(r, BLOCK_DISCARD, 0, 64 * CLUSTER, 0), 0);
	memset(r->model, 0, 64 * CLUSTER);
	/* They are let go as the image is closed, and free before it is. */
	assert_int_equal(image->freed.n, 1);
	assert_int_equal(image->refs.n, 0);
	rig_close(r);
	assert_true(space(r) <= used);
	rig_judge(r);
}

#define RIG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_qcow2_sends_plain_requests_without_a_job),
	    RIG_TEST(
		test_qcow2_keeps_clusters_that_a_plain_read_is_on_its_way_to),
	    RIG_TEST(test_qcow2_gives_room_back_that_it_did_not_need),
	    RIG_TEST(test_qcow2_grows_without_being_waited_for),
	    RIG_TEST(test_qcow2_does_not_stand_still_for_refcounts),
	    RIG_TEST(test_qcow2_frees_when_refcounts_have_been_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
