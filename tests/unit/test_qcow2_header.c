/* backend/block: what a qcow2 image says of itself, and what it may not. */
#include <endian.h>

#include "tests/unit/qcow2_rig.h"

#define CLUSTER 65536u

/* A good header of version 3, of a disk of 1 GiB, with all tables. */
static void
put32(uint8_t *image, size_t at, uint32_t v)
{
	v = htobe32(v);
	memcpy(image + at, &v, sizeof v);
}

static void
put64(uint8_t *image, size_t at, uint64_t v)
{
	v = htobe64(v);
	memcpy(image + at, &v, sizeof v);
}

static uint8_t *
good_image(size_t *len)
{
	uint8_t *image = calloc(4, CLUSTER);

	*len = 4 * CLUSTER;
	put32(image, 0, QCOW2_MAGIC);
	put32(image, 4, 3);
	put32(image, 20, 16);
	put64(image, 24, 1 << 30);
	put32(image, 36, 2);
	put64(image, 40, 3 * CLUSTER);
	put64(image, 48, CLUSTER);
	put32(image, 56, 1);
	put32(image, 96, 4);
	put32(image, 100, 104);
	/* One refcount block, which counts the first four clusters. */
	put64(image, CLUSTER, 2 * CLUSTER);
	put64(image, 2 * CLUSTER, 0x0001000100010001);
	return image;
}

static void
write_image(const struct rig *r, const uint8_t *image, size_t len)
{
	FILE *f = fopen(r->path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(image, 1, len, f), len);
	fclose(f);
}

/* The sentence there is for the image. */
static const char *
why_not(struct rig *r, const uint8_t *image, size_t len)
{
	static struct error err;

	write_image(r, image, len);
	err.text[0] = '\0';
	assert_int_equal(rig_try_open(r, false, &err), -1);
	return err.text;
}

static void
refuses32(struct rig *r, size_t at, uint32_t value, const char *says)
{
	size_t len;
	uint8_t *image = good_image(&len);
	const char *why;

	put32(image, at, value);
	why = why_not(r, image, len);
	if (strstr(why, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, says);
	free(image);
}

static void
refuses64(struct rig *r, size_t at, uint64_t value, const char *says)
{
	size_t len;
	uint8_t *image = good_image(&len);
	const char *why;

	put64(image, at, value);
	why = why_not(r, image, len);
	if (strstr(why, says) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why, says);
	free(image);
}

static void
test_qcow2_takes_an_image_made_by_hand(void **state)
{
	struct rig *r = *state;
	size_t len;
	uint8_t *image = good_image(&len);

	write_image(r, image, len);
	free(image);
	rig_open(r, false);
	assert_int_equal(block_size(r->b), 1 << 30);
	assert_int_equal(rig_do(r, BLOCK_WRITE, 123456789, 5000, 7), 0);
	assert_int_equal(rig_do(r, BLOCK_WRITE, (1 << 30) - 1, 1, 8), 0);
	assert_int_equal(rig_do(r, BLOCK_FLUSH, 0, 0, 0), 0);
	rig_close(r);
	rig_open(r, true);
	assert_int_equal(rig_do(r, BLOCK_READ, 123456788, 5002, 0xee), 0);
	assert_int_equal(r->request[0].buf[0], 0);
	assert_int_equal(r->request[0].buf[1], 7);
	assert_int_equal(r->request[0].buf[5000], 7);
	assert_int_equal(r->request[0].buf[5001], 0);
	assert_int_equal(rig_do(r, BLOCK_READ, (1 << 30) - 2, 2, 0xee), 0);
	assert_int_equal(r->request[0].buf[1], 8);
	assert_int_equal(rig_do(r, BLOCK_WRITE, 0, 1, 1), -EROFS);
	rig_close(r);
	if (rig_has_qemu(r))
		rig_must(r, "qemu-img check a.qcow2");
}

static void
test_qcow2_refuses_what_it_cannot_be(void **state)
{
	struct rig *r = *state;

	refuses32(r, 0, 0, "is not a qcow2 image");
	refuses32(r, 4, 4, "version 4");
	refuses32(r, 20, 8, "clusters of 2^8");
	refuses32(r, 20, 22, "clusters of 2^22");
	refuses64(r, 24, 1ULL << 63, "2^63");
	refuses64(r, 24, 1ULL << 40, "too short");
	refuses32(r, 96, 7, "refcounts of 2^7");
	refuses32(r, 100, 96, "its header says");
	refuses32(r, 100, 105, "its header says");
	refuses32(r, 100, CLUSTER + 8, "its header says");
	refuses32(r, 60, 70000, "70000 snapshots");
	refuses32(r, 56, 0, "refcount table");
	refuses32(r, 56, 1000, "refcount table");
}

static void
test_qcow2_refuses_tables_beyond_the_file(void **state)
{
	struct rig *r = *state;

	refuses64(r, 40, 4 * CLUSTER, "L1 table goes beyond");
	refuses64(r, 40, UINT64_MAX - CLUSTER + 1, "L1 table goes beyond");
	refuses64(r, 40, 3 * CLUSTER + 512, "no cluster's beginning");
	refuses64(r, 40, 0, "no cluster's beginning");
	refuses32(r, 36, 1 << 20, "L1 table goes beyond");
	refuses32(r, 36, 1 << 23, "L1 table of");
	refuses64(r, 48, 4 * CLUSTER, "refcount table goes beyond");
	refuses32(r, 60, 1, "snapshot table");
}

static void
test_qcow2_names_the_feature_it_does_not_know(void **state)
{
	struct rig *r = *state;
	size_t len;
	uint8_t *image = good_image(&len);
	const char *why;

	refuses64(r, 72, 1ULL << 40, "feature bit 40");
	refuses64(r, 72, 1ULL << 5, "feature bit 5");
	/* By the name that the image has for it. */
	put64(image, 72, 1ULL << 63);
	put32(image, 104, 0x6803f857);
	put32(image, 108, 96);
	image[112 + 1] = 62;
	memcpy(image + 114, "another", 7);
	image[160 + 1] = 63;
	memcpy(image + 162, "time travel", 11);
	why = why_not(r, image, len);
	assert_non_null(strstr(why, "time travel (incompatible"));
	free(image);
}

static void
test_qcow2_refuses_encrypted_and_corrupt_images(void **state)
{
	struct rig *r = *state;
	struct error err;

	refuses32(r, 32, 1, "encrypted");
	refuses32(r, 32, 2, "encrypted");
	refuses64(r, 72, QCOW2_CORRUPT, "marked as corrupt");
	/* It may be looked at. */
	assert_int_equal(rig_try_open(r, true, &err), 0);
	rig_close(r);
	refuses64(r, 72, QCOW2_COMPRESSION, "contradict");
	refuses64(r, 72, QCOW2_DATA_FILE, "does not say which");
}

static void
test_qcow2_refuses_names_outside_its_header(void **state)
{
	struct rig *r = *state;
	size_t len;
	uint8_t *image = good_image(&len);

	put64(image, 8, CLUSTER - 10);
	put32(image, 16, 11);
	assert_non_null(strstr(why_not(r, image, len), "name of its backing"));
	put64(image, 8, UINT64_MAX - 4);
	put32(image, 16, 8);
	assert_non_null(strstr(why_not(r, image, len), "name of its backing"));
	put64(image, 8, 2000);
	put32(image, 16, 1024);
	assert_non_null(strstr(why_not(r, image, len), "name of its backing"));
	put32(image, 16, 10);
	memcpy(image + 2000, "abc\0defghi", 10);
	assert_non_null(strstr(why_not(r, image, len), "cannot be one"));
	/* An extension that is longer than there is room. */
	put64(image, 8, 0);
	put32(image, 104, 0xe2792aca);
	put32(image, 108, 0xfffffff8);
	assert_non_null(strstr(why_not(r, image, len), "extension"));
	free(image);
}

/* ---- what lies in its tables ---- */

static void
test_qcow2_does_not_follow_entries_out_of_the_file(void **state)
{
	struct rig *r = *state;
	size_t len;
	uint8_t *image = good_image(&len);
	const uint64_t bad[] = {1ULL << 40, CLUSTER / 2 + 4 * CLUSTER, 512};
	size_t i;

	for (i = 0; i < 3; i++) {
		put64(image, 3 * CLUSTER, bad[i] | QCOW2_COPIED);
		write_image(r, image, len);
		free(r->model);
		r->model = NULL;
		rig_open(r, false);
		assert_int_equal(rig_do(r, BLOCK_READ, 0, 512, 0), -EIO);
		/* From then on nothing is changed, and it is marked. */
		assert_int_equal(rig_do(r, BLOCK_WRITE, 1 << 29, 1, 1), -EIO);
		assert_int_equal(rig_do(r, BLOCK_FLUSH, 0, 0, 0), -EIO);
		rig_close(r);
		assert_int_equal(
		    rig_try_open(r, false, &(struct error){""}), -1);
	}
	free(image);
}

/* block_check_sound() of a good image with one entry changed. */
static void
judge(struct rig *r, size_t at, uint64_t value, bool readonly, const char *says)
{
	struct block_files files;
	struct error err = {""};
	size_t len;
	uint8_t *image = good_image(&len);
	int rc;

	put64(image, at, value);
	write_image(r, image, len);
	free(image);
	block_files_init(&files);
	assert_int_equal(
	    block_open(r->path, BLOCK_FORMAT_QCOW2, readonly, &files, &err), 0);
	rc = block_check_sound(&files, &err);
	block_files_clear(&files);
	if (says == NULL ? rc != 0 : rc != -1 || strstr(err.text, says) == NULL)
		fail_msg("%#llx at %zu: %d \"%s\"", (unsigned long long)value,
		    at, rc, err.text);
}

static void
test_qcow2_is_not_sound_with_tables_that_lead_nowhere(void **state)
{
	struct rig *r = *state;
	size_t l1 = 3 * CLUSTER, counts = CLUSTER;

	judge(r, l1, 0, false, NULL);
	judge(r, l1 + 8, QCOW2_COPIED | 2 * CLUSTER, false, NULL);
	judge(r, l1, QCOW2_COPIED | 512, false, "its L1 table leads to 0x200");
	judge(r, l1 + 8, 4 * CLUSTER, false, "its L1 table leads to 0x40000");
	judge(r, l1 + 8, 1ULL << 40, false, "image check -r");
	judge(r, counts, CLUSTER + 512, false, "its refcount table leads to");
	judge(r, 2 * CLUSTER - 8, 9 * CLUSTER, false, "its refcount table");
	/* What can be read of it can be saved. */
	judge(r, l1, 1ULL << 40, true, NULL);
}

static void
test_qcow2_never_gives_out_clusters_of_its_tables(void **state)
{
	struct rig *r = *state;
	size_t len;
	uint8_t *image = good_image(&len);

	/* Its counts say that all is free. */
	put64(image, 2 * CLUSTER, 0);
	write_image(r, image, len);
	rig_open(r, false);
	assert_int_equal(rig_do(r, BLOCK_WRITE, 0, 512, 9), -EIO);
	rig_close(r);
	free(image);
}

static void
test_qcow2_an_entry_to_the_header_is_not_written(void **state)
{
	struct rig *r = *state;
	size_t len;
	uint8_t *image = good_image(&len), head[8];
	const uint64_t bad[] = {CLUSTER, 3 * CLUSTER};
	size_t i;
	int fd;

	for (i = 0; i < 2; i++) {
		image = realloc(image, 5 * CLUSTER);
		memset(image + 4 * CLUSTER, 0, CLUSTER);
		put64(image, 3 * CLUSTER, 4 * CLUSTER | QCOW2_COPIED);
		/* The disk's first cluster is the image's own table. */
		put64(image, 4 * CLUSTER, bad[i] | QCOW2_COPIED);
		write_image(r, image, 5 * CLUSTER);
		free(r->model);
		r->model = NULL;
		rig_open(r, false);
		assert_int_equal(rig_do(r, BLOCK_WRITE, 0, 512, 0x41), -EIO);
		rig_close(r);
		fd = open(r->path, O_RDONLY);
		assert_int_equal(pread(fd, head, 8, (off_t)bad[i]), 8);
		close(fd);
		assert_memory_equal(head, image + bad[i], 8);
	}
	free(image);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_qcow2_takes_an_image_made_by_hand),
	    TEST(test_qcow2_refuses_what_it_cannot_be),
	    TEST(test_qcow2_refuses_tables_beyond_the_file),
	    TEST(test_qcow2_names_the_feature_it_does_not_know),
	    TEST(test_qcow2_refuses_encrypted_and_corrupt_images),
	    TEST(test_qcow2_refuses_names_outside_its_header),
	    TEST(test_qcow2_does_not_follow_entries_out_of_the_file),
	    TEST(test_qcow2_is_not_sound_with_tables_that_lead_nowhere),
	    TEST(test_qcow2_never_gives_out_clusters_of_its_tables),
	    TEST(test_qcow2_an_entry_to_the_header_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
