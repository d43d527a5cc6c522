#include <ctype.h>
#include <string.h>

#include "backend/boot/load.h"

/* What people give by mistake, by its first bytes. */
static const struct {
	unsigned offset, len;
	const char *magic;
	const char *words;
} kinds[] = {
    {0, 2, "\x1f\x8b", "it is compressed with gzip (unpack it first)"},
    {0, 6, "\xfd\x37zXZ", "it is compressed with xz (unpack it first)"},
    {0, 4, "\x28\xb5\x2f\xfd", "it is compressed with zstd (unpack it first)"},
    {0, 3, "BZh", "it is compressed with bzip2 (unpack it first)"},
    {0, 4, "\x02\x21\x4c\x18", "it is compressed with lz4 (unpack it first)"},
    {0, 4, "\x04\x22\x4d\x18", "it is compressed with lz4 (unpack it first)"},
    {0, 5, "07070", "it is a cpio archive (is it the initrd?)"},
    {0, 2, "#!", "it is a script"},
    {0, 4, "QFI\xfb", "it is a qcow2 disk image (is it the disk?)"},
    {0, 2, "PK", "it is a zip archive"},
    {0, 7, "!<arch>", "it is a Debian package or a library"},
    {257, 5, "ustar", "it is a tar archive"},
    {0, 2, "MZ", "it is an EFI or Windows program"},
    {510, 2, "\x55\xaa", "it is a disk image (is it the disk?)"},
};

static bool
is_text(const uint8_t *head)
{
	unsigned i;

	for (i = 0; i < 64 && head[i] != 0; i++)
		if (!isprint(head[i]) && !isspace(head[i]))
			return false;
	return i > 0;
}

const char *
boot_kind(const struct boot_file *file, const uint8_t *head)
{
	struct error err;
	char iso[5];
	size_t i;

	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (memcmp(head + kinds[i].offset, kinds[i].magic,
			kinds[i].len) == 0)
			return kinds[i].words;
	/* ISO 9660, 6.2: the first volume descriptor is sector 16 */
	if (boot_read(file, iso, sizeof iso, 0x8001, &err) == 0 &&
	    memcmp(iso, "CD001", sizeof iso) == 0)
		return "it is a CD-ROM image (is it the cdrom?)";
	for (i = 0; i < BOOT_HEAD && head[i] == 0; i++)
		continue;
	if (i == BOOT_HEAD)
		return "it begins with zeroes";
	if (is_text(head))
		return "it is a text file";
	return "its first bytes say nothing that is known here";
}
