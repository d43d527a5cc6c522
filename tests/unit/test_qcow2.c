/* backend/block: qcow2 images, judged by qemu-img where it is. */
#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/qcow2_rig.h"

static const char *const options[] = {
    "cluster_size=65536",
    "compat=0.10",
    "cluster_size=512",
    "cluster_size=512,refcount_bits=64",
    "cluster_size=4096,refcount_bits=1",
    "cluster_size=1024,refcount_bits=2",
    "cluster_size=2M",
    "extended_l2=on",
    "extended_l2=on,cluster_size=16K",
    "extended_l2=on,cluster_size=2M",
    "lazy_refcounts=on",
    "compression_type=zstd",
    "preallocation=metadata",
    "preallocation=falloc",
    "preallocation=full,cluster_size=4096",
    "data_file=a.data",
    "data_file=a.data,data_file_raw=on",
    "data_file=a.data,extended_l2=on",
};

static void
test_qcow2_random_work_is_what_qemu_reads(void **state)
{
	struct rig *r = *state;
	size_t i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	for (i = 0; i < sizeof options / sizeof *options; i++) {
		rig_must(r,
		    "rm -f a.*; qemu-img create -f qcow2 -o %s a.qcow2 9000448",
		    options[i]);
		free(r->model);
		r->model = NULL;
		rig_open(r, false);
		rig_random_work(r, 600, 100000);
		rig_compare(r);
		rig_close(r);
		rig_judge(r);
		rig_open(r, false);
		rig_compare(r);
		rig_random_work(r, 300, 20000);
		rig_compare(r);
		rig_close(r);
		rig_judge(r);
		/* What another program reads without us. */
		if (strstr(options[i], "data_file_raw") != NULL)
			rig_must(r, "cmp -n 9000448 a.data model");
	}
}

/* A base whose bytes are known, as the model to begin with. */
static void
make_base(struct rig *r, uint64_t size, const char *name)
{
	char path[160];
	uint64_t i;
	FILE *f;

	free(r->model);
	r->size = 9000448;
	r->model = calloc(1, r->size);
	for (i = 0; i < size && i < r->size; i++)
		r->model[i] = (uint8_t)(rig_random(r) | 1);
	snprintf(path, sizeof path, "%s/%s", r->dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(r->model, 1, size, f), size);
	fclose(f);
}

static void
work_and_judge(struct rig *r, unsigned rounds)
{
	rig_open(r, false);
	rig_compare(r);
	rig_random_work(r, rounds, 60000);
	rig_compare(r);
	rig_close(r);
	rig_judge(r);
	rig_open(r, true);
	rig_compare(r);
	rig_close(r);
}

static const char *const over_base[] = {
    "cluster_size=65536",
    "compat=0.10",
    "cluster_size=512",
    "extended_l2=on",
    "extended_l2=on,cluster_size=16K",
    "cluster_size=2M",
    "data_file=a.data",
};

static void
test_qcow2_reads_and_copies_from_a_shorter_raw_base(void **state)
{
	struct rig *r = *state;
	size_t i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	for (i = 0; i < sizeof over_base / sizeof *over_base; i++) {
		make_base(r, 5000192, "base");
		rig_must(r,
		    "rm -f a.*; qemu-img create -f qcow2 -o %s -F raw "
		    "-b base a.qcow2 9000448",
		    over_base[i]);
		work_and_judge(r, 500);
	}
}

static void
test_qcow2_works_on_a_chain_of_qcow2_images(void **state)
{
	struct rig *r = *state;
	size_t i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	for (i = 0; i < sizeof over_base / sizeof *over_base; i++) {
		make_base(r, 3000320, "base.raw");
		rig_must(r,
		    "rm -f a.*; qemu-img convert -c -O qcow2 base.raw base && "
		    "qemu-img create -f qcow2 -F qcow2 -b base mid 6000128 && "
		    "qemu-img create -f qcow2 -o %s -F qcow2 -b mid a.qcow2 "
		    "9000448",
		    over_base[i]);
		work_and_judge(r, 500);
	}
}

static void
test_qcow2_writes_over_compressed_clusters(void **state)
{
	static const char *const how[] = {"compression_type=zlib",
	    "compression_type=zstd", "cluster_size=4096",
	    "cluster_size=2M,compression_type=zstd", "cluster_size=512",
	    "extended_l2=on"};
	struct rig *r = *state;
	size_t i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	for (i = 0; i < sizeof how / sizeof *how; i++) {
		make_base(r, 9000448, "base.raw");
		/* Half of it can be compressed. */
		memset(r->model, 7, 4000000);
		rig_must(r,
		    "dd if=/dev/zero bs=1000000 count=4 conv=notrunc "
		    "of=base.raw; tr '\\0' '\\7' <base.raw | head -c 4000000 "
		    ">x; dd if=x of=base.raw conv=notrunc; rm x; "
		    "qemu-img convert -c -f raw -O qcow2 -o %s base.raw "
		    "a.qcow2",
		    how[i]);
		work_and_judge(r, 400);
	}
}

static void
test_qcow2_leaves_internal_snapshots_as_they_are(void **state)
{
	struct rig *r = *state;
	uint8_t *before;
	size_t i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	for (i = 0; i < sizeof options / sizeof *options - 3; i++) {
		if (strstr(options[i], "refcount_bits=1") != NULL)
			continue;
		rig_must(r,
		    "rm -f a.*; qemu-img create -f qcow2 -o %s a.qcow2 9000448",
		    options[i]);
		free(r->model);
		r->model = NULL;
		rig_open(r, false);
		rig_random_work(r, 300, 60000);
		rig_close(r);
		before = malloc(r->size);
		memcpy(before, r->model, r->size);
		rig_must(r, "qemu-img snapshot -c one a.qcow2");
		rig_open(r, false);
		rig_compare(r);
		rig_random_work(r, 400, 60000);
		rig_compare(r);
		rig_close(r);
		rig_judge(r);
		rig_must(r, "qemu-img snapshot -a one a.qcow2");
		memcpy(r->model, before, r->size);
		free(before);
		rig_judge(r);
		work_and_judge(r, 200);
		rig_must(r, "qemu-img snapshot -d one a.qcow2");
		rig_judge(r);
	}
}

static void
test_qcow2_counts_a_dirty_image_anew(void **state)
{
	static const char *const how[] = {"cluster_size=65536",
	    "cluster_size=512,refcount_bits=64", "extended_l2=on"};
	struct rig *r = *state;
	size_t i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	for (i = 0; i < sizeof how / sizeof *how; i++) {
		make_base(r, 3000320, "base");
		/* It ends without closing, which is what is wanted. */
		rig_sh(r,
		    "rm -f a.*; ulimit -c 0; qemu-img create -f qcow2 -F raw "
		    "-b base -o lazy_refcounts=on,%s a.qcow2 9000448 && "
		    "qemu-io -c 'write -P 66 100000 2000000' "
		    "-c 'write -P 66 8000000 70000' -c flush -c abort a.qcow2",
		    how[i]);
		memset(r->model + 100000, 66, 2000000);
		memset(r->model + 8000000, 66, 70000);
		assert_int_not_equal(rig_sh(r, "qemu-img check a.qcow2"), 0);
		work_and_judge(r, 200);
	}
}

/* Writes, and again when there is more room. Returns how often there was none. */
static unsigned
write_with_patience(struct rig *r)
{
	uint64_t at, len;
	unsigned refused = 0, i;
	int rc;

	for (i = 0; i < 60; i++) {
		at = rig_random(r) % (r->size - 200000);
		len = rig_random(r) % 200000 + 1;
		while ((rc = rig_do(r, BLOCK_WRITE, at, len, (int)i)) != 0 ||
		    (i % 3 == 0 &&
			(rc = rig_do(r, BLOCK_FLUSH, 0, 0, 0)) != 0)) {
			assert_int_equal(rc, -ENOSPC);
			assert_true(refused < 60);
			refused++;
			/* A little more, so that it is met again. */
			rig_must(r, "mount -o remount,size=%uk \"$PWD\"",
			    600 + refused * 300);
		}
	}
	return refused;
}

static void
test_qcow2_goes_on_after_a_full_disk(void **state)
{
	static const char *const how[] = {
	    "cluster_size=65536", "cluster_size=512", "extended_l2=on"};
	struct rig *r = *state;
	size_t i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	/* The mount is this process's own. */
	if (unshare(CLONE_NEWNS) == -1 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
		SKIP("no mount namespace to be had");
	for (i = 0; i < sizeof how / sizeof *how; i++) {
		if (mount("none", r->dir, "tmpfs", 0, "size=600k") == -1)
			SKIP("no tmpfs to be mounted");
		rig_must(r, "qemu-img create -f qcow2 -o %s a.qcow2 9000448",
		    how[i]);
		free(r->model);
		r->model = NULL;
		rig_open(r, false);
		assert_true(write_with_patience(r) > 3);
		rig_must(r, "mount -o remount,size=60m \"$PWD\"");
		rig_compare(r);
		rig_close(r);
		rig_judge(r);
		assert_int_equal(umount2(r->dir, MNT_DETACH), 0);
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_qcow2_random_work_is_what_qemu_reads),
	    TEST(test_qcow2_reads_and_copies_from_a_shorter_raw_base),
	    TEST(test_qcow2_works_on_a_chain_of_qcow2_images),
	    TEST(test_qcow2_writes_over_compressed_clusters),
	    TEST(test_qcow2_leaves_internal_snapshots_as_they_are),
	    TEST(test_qcow2_counts_a_dirty_image_anew),
	    TEST(test_qcow2_goes_on_after_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
