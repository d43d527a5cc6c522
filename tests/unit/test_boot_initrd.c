/* Truncated initramfs files, of every kind whose shape tells it. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend/boot/load.h"
#include "tests/unit/unit.h"

static int
check(const void *data, size_t len)
{
	struct boot_file file = {memfd_create("initrd", MFD_CLOEXEC), "I"};
	struct error err = {""};
	int rc;

	assert_int_not_equal(file.fd, -1);
	assert_int_equal(pwrite(file.fd, data, len, 0), len);
	rc = initrd_check(&file, len, &err);
	close(file.fd);
	if (rc == -1)
		assert_memory_equal(err.text, "I is truncated", 14);
	return rc;
}

static size_t
cpio_member(char *out, const char *name, size_t size)
{
	size_t n = strlen(name) + 1, len;

	len = (size_t)sprintf(out,
	    "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1,
	    0100644, 0, 0, 1, 0, size, 0, 0, 0, 0, n, 0);
	memcpy(out + len, name, n);
	len = (len + n + 3) & ~(size_t)3;
	memset(out + len, 'x', size);
	return (len + size + 3) & ~(size_t)3;
}

static size_t
cpio(char *out)
{
	size_t len = cpio_member(out, "init", 301);

	len += cpio_member(out + len, "etc/passwd", 0);
	return len + cpio_member(out + len, "TRAILER!!!", 0);
}

static void
test_initrd_cpio_has_to_reach_its_trailer(void **state)
{
	char buf[4096] = {0};
	size_t len = cpio(buf), cut;

	assert_int_equal(check(buf, len), 0);
	assert_int_equal(check(buf, sizeof buf), 0); /* zeroes behind it */
	for (cut = 8; cut < len; cut++)
		if (check(buf, cut) == 0)
			fail_msg("%zu of %zu bytes were taken", cut, len);
}

static void
test_initrd_second_archive_is_looked_at_too(void **state)
{
	char buf[8192] = {0};
	size_t len = cpio(buf);

	len = (len + 511) & ~(size_t)511;
	len += cpio(buf + len);
	assert_int_equal(check(buf, len), 0);
	assert_int_equal(check(buf, len - 8), -1);
	/* Unknown things behind an archive are the kernel's affair. */
	buf[len++] = 0x55;
	assert_int_equal(check(buf, len), 0);
}

static void
test_initrd_zstd_frame_has_to_end(void **state)
{
	/* single segment, 1 byte of size, checksum; a raw and an RLE block */
	static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x24, 8, 0x20,
	    0, 0, 'a', 'b', 'c', 'd', 0x23, 0, 0, 'e', 1, 2, 3, 4};
	size_t cut;

	assert_int_equal(check(frame, sizeof frame), 0);
	for (cut = 5; cut < sizeof frame; cut++)
		assert_int_equal(check(frame, cut), -1);
}

static void
test_initrd_lz4_block_has_to_end(void **state)
{
	static const uint8_t frame[] = {0x02, 0x21, 0x4c, 0x18, 3, 0, 0, 0, 'a',
	    'b', 'c', 2, 0, 0, 0, 'd', 'e'};

	assert_int_equal(check(frame, sizeof frame), 0);
	assert_int_equal(check(frame, sizeof frame - 1), -1);
	assert_int_equal(check(frame, 13), -1);
}

static void
test_initrd_xz_has_to_have_its_footer(void **state)
{
	static const uint8_t stream[] = {0xfd, '7', 'z', 'X', 'Z', 0, 0, 4, 1,
	    2, 3, 4, 'Y', 'Z', 0, 0, 0, 0};

	assert_int_equal(check(stream, sizeof stream), 0);
	assert_int_equal(check(stream, 14), 0);
	assert_int_equal(check(stream, 12), -1);
}

static void
test_initrd_gzip_tells_its_size_at_the_end(void **state)
{
	uint8_t file[64] = {0x1f, 0x8b, 8, 0};
	unsigned i;

	for (i = 4; i < 60; i++)
		file[i] = (uint8_t)(i * 37 | 1);
	file[60] = 0;
	file[61] = 2; /* 512 bytes unpacked */
	assert_int_equal(check(file, 64), 0);
	assert_int_equal(check(file, 60), -1);
	assert_int_equal(check(file, 7), -1);
}

static void
test_initrd_of_an_unknown_kind_is_left_to_the_kernel(void **state)
{
	assert_int_equal(check("whatever this may be", 20), 0);
	assert_int_equal(check("\x1f", 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_initrd_cpio_has_to_reach_its_trailer),
	    cmocka_unit_test(test_initrd_second_archive_is_looked_at_too),
	    cmocka_unit_test(test_initrd_zstd_frame_has_to_end),
	    cmocka_unit_test(test_initrd_lz4_block_has_to_end),
	    cmocka_unit_test(test_initrd_xz_has_to_have_its_footer),
	    cmocka_unit_test(test_initrd_gzip_tells_its_size_at_the_end),
	    cmocka_unit_test(
		test_initrd_of_an_unknown_kind_is_left_to_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
