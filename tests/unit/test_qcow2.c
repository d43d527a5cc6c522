/* backend/block: qcow2 images, judged by qemu-img where it is. */
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
	}
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_qcow2_random_work_is_what_qemu_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
