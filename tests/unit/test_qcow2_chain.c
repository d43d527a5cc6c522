/* backend/block: what an image names is opened as QEMU would, and no more. */
#include "tests/unit/qcow2_rig.h"

static int
try_path(struct rig *r, const char *name, enum block_format format,
    struct block_files *files, struct error *err)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", r->dir, name);
	block_files_init(files);
	return block_open(path, format, false, files, err);
}

static void
refuses(
    struct rig *r, const char *name, enum block_format format, const char *says)
{
	struct block_files files;
	struct error err;

	assert_int_equal(try_path(r, name, format, &files, &err), -1);
	assert_int_equal(files.n, 0);
	if (strstr(err.text, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

static void
test_chain_is_opened_in_order_and_by_relative_paths(void **state)
{
	struct rig *r = *state;
	struct block_files files;
	struct error err;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	rig_must(r,
	    "mkdir sub && truncate -s 1M sub/base && "
	    "qemu-img create -f qcow2 -F raw -b base sub/mid && "
	    "qemu-img create -f qcow2 -F qcow2 -o data_file=top.data "
	    "-b sub/mid top.qcow2");
	assert_int_equal(
	    try_path(r, "top.qcow2", BLOCK_FORMAT_ANY, &files, &err), 0);
	assert_int_equal(files.n, 4);
	assert_int_equal(files.file[0].role, BLOCK_TOP);
	assert_int_equal(files.file[0].format, BLOCK_FORMAT_QCOW2);
	assert_false(files.file[0].readonly);
	assert_int_equal(files.file[1].role, BLOCK_DATA);
	assert_false(files.file[1].readonly);
	assert_int_equal(files.file[2].role, BLOCK_BACKING);
	assert_int_equal(files.file[2].format, BLOCK_FORMAT_QCOW2);
	assert_true(files.file[2].readonly);
	assert_int_equal(files.file[3].format, BLOCK_FORMAT_RAW);
	assert_non_null(strstr(files.file[3].path, "/sub/base"));
	/* Those below may be read by others, and be written by nobody. */
	assert_int_equal(
	    rig_sh(r, "qemu-io -f raw -r -c 'read 0 1' sub/base"), 0);
	assert_int_not_equal(
	    rig_sh(r, "qemu-io -f raw -c 'write 0 1' sub/base"), 0);
	assert_int_not_equal(
	    rig_sh(r, "qemu-io -f raw -c 'write 0 1' top.data"), 0);
	block_files_clear(&files);
	assert_int_equal(
	    rig_sh(r, "qemu-io -f raw -c 'write 0 1' sub/base"), 0);
	rig_must(r, "rm -r sub");
}

static void
test_chain_that_bites_its_tail_is_refused(void **state)
{
	struct rig *r = *state;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	rig_must(r,
	    "qemu-img create -f qcow2 a 1M && "
	    "qemu-img create -f qcow2 -F qcow2 -b a b && "
	    "qemu-img rebase -u -F qcow2 -b b a");
	refuses(r, "a", BLOCK_FORMAT_QCOW2, "bites its own tail");
	refuses(r, "b", BLOCK_FORMAT_QCOW2, "bites its own tail");
	rig_must(r, "qemu-img rebase -u -F qcow2 -b ./a a");
	refuses(r, "a", BLOCK_FORMAT_QCOW2, "bites its own tail");
}

static void
test_chain_longer_than_32_files_is_refused(void **state)
{
	struct rig *r = *state;
	struct block_files files;
	struct error err;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	rig_must(r,
	    "qemu-img create -f qcow2 i1 1M; for i in $(seq 2 33); do "
	    "qemu-img create -u -f qcow2 -F qcow2 -b i$((i-1)) i$i 1M "
	    "|| exit; done");
	refuses(r, "i33", BLOCK_FORMAT_QCOW2, "longer than 32");
	assert_int_equal(
	    try_path(r, "i32", BLOCK_FORMAT_QCOW2, &files, &err), 0);
	assert_int_equal(block_attach(&files, 8, &r->b, &err), 0);
	block_files_clear(&files);
	/* And it is one disk, through all of them. */
	r->size = block_size(r->b);
	r->model = calloc(1, r->size);
	rig_random_work(r, 100, 20000);
	rig_compare(r);
}

static void
test_chain_names_of_other_things_than_files_are_refused(void **state)
{
	struct rig *r = *state;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	rig_must(r,
	    "qemu-img create -u -f qcow2 -F raw "
	    "-b nbd://localhost/x a 1M");
	refuses(r, "a", BLOCK_FORMAT_QCOW2, "no file of this host");
	rig_must(r, "qemu-img create -u -f qcow2 -F raw -b 'json:{}' a 1M");
	refuses(r, "a", BLOCK_FORMAT_QCOW2, "no file of this host");
	rig_must(r, "qemu-img create -u -f qcow2 -F raw -b missing a 1M");
	refuses(r, "a", BLOCK_FORMAT_QCOW2, "missing is missing");
	rig_must(r,
	    "truncate -s 1M base; "
	    "qemu-img create -u -f qcow2 -F vmdk -b base a 1M");
	refuses(r, "a", BLOCK_FORMAT_QCOW2, "format vmdk");
	rig_must(r, "qemu-img create -u -f qcow2 -F qcow2 -b base a 1M");
	refuses(r, "a", BLOCK_FORMAT_QCOW2, "and it is not");
	rig_must(r, "qemu-img create -u -f qcow2 -F raw -b file:base a 1M");
	rig_must(r, "mv a a.qcow2");
	rig_open(r, false);
}

static void
test_open_asks_for_the_format_of_what_a_guest_may_have_written(void **state)
{
	struct rig *r = *state;
	struct block_files files;
	struct error err;

	rig_must(r,
	    "printf 'QFI\\373\\0\\0\\0\\003' >raw.img && "
	    "truncate -s 1M raw.img && truncate -s 1M x.qcow2");
	refuses(r, "raw.img", BLOCK_FORMAT_ANY, "format=raw");
	refuses(r, "x.qcow2", BLOCK_FORMAT_ANY, "is not a qcow2 image");
	assert_int_equal(
	    try_path(r, "raw.img", BLOCK_FORMAT_RAW, &files, &err), 0);
	block_files_clear(&files);
	assert_int_equal(
	    try_path(r, "x.qcow2", BLOCK_FORMAT_RAW, &files, &err), 0);
	block_files_clear(&files);
}

static void
test_attach_takes_every_descriptor_over(void **state)
{
	struct rig *r = *state;
	struct block_files files;
	struct error err;
	int fd[2], rc;
	unsigned i;

	if (!rig_has_qemu(r))
		SKIP("qemu-img and qemu-io are not installed");
	rig_must(r,
	    "truncate -s 1M base && "
	    "qemu-img create -f qcow2 -F raw -b base a.qcow2");
	for (i = 0; i < 2; i++) {
		assert_int_equal(
		    try_path(r, "a.qcow2", BLOCK_FORMAT_QCOW2, &files, &err),
		    0);
		fd[0] = files.file[0].fd;
		fd[1] = files.file[1].fd;
		if (i == 1)
			/* What was opened is not what it says. */
			assert_int_equal(pwrite(fd[0], "no", 2, 0), 2);
		rc = block_attach(&files, 8, &r->b, &err);
		assert_int_equal(rc, i == 0 ? 0 : -1);
		assert_int_equal(files.file[0].fd, -1);
		assert_int_equal(files.file[1].fd, -1);
		block_files_clear(&files);
		if (i == 0)
			rig_close(r);
		assert_int_equal(fcntl(fd[0], F_GETFD), -1);
		assert_int_equal(fcntl(fd[1], F_GETFD), -1);
	}
	r->b = NULL;
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_chain_is_opened_in_order_and_by_relative_paths),
	    TEST(test_chain_that_bites_its_tail_is_refused),
	    TEST(test_chain_longer_than_32_files_is_refused),
	    TEST(test_chain_names_of_other_things_than_files_are_refused),
	    TEST(
		test_open_asks_for_the_format_of_what_a_guest_may_have_written),
	    TEST(test_attach_takes_every_descriptor_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
