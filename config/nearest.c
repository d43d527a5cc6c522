/* What somebody who misspelt a word most likely meant. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config/mistake.h"
#include "config/value.h"

#define WORD_MAX 48

/*
 * The number of letters to insert, remove, change, or swap with their
 * neighbour to make b of a (optimal string alignment). Three rows of the
 * usual table are enough.
 */
static unsigned
distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][WORD_MAX + 1], *prev2 = rows[0], *prev = rows[1];
	unsigned *row = rows[2], *t, best;
	size_t i, j;

	for (j = 0; j <= lb; j++)
		prev[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			best = prev[j - 1] + (a[i - 1] != b[j - 1]);
			if (prev[j] + 1 < best)
				best = prev[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < best)
				best = prev2[j - 2] + 1;
			row[j] = best;
		}
		t = prev2;
		prev2 = prev;
		prev = row;
		row = t;
	}
	return prev[lb];
}

/* Small letters, and "_" as people mix it up with "-". */
static size_t
fold(const char *word, char *buf)
{
	size_t i;

	for (i = 0; word[i] != '\0' && i < WORD_MAX; i++)
		if (word[i] >= 'A' && word[i] <= 'Z')
			buf[i] = (char)(word[i] - 'A' + 'a');
		else
			buf[i] = (char)(word[i] == '_' ? '-' : word[i]);
	return i;
}

const char *
config_nearest(const char *word, const char *const *candidates)
{
	char a[WORD_MAX], b[WORD_MAX];
	size_t la = fold(word, a), lb;
	unsigned d, most, best = UINT_MAX;
	const char *found = NULL;

	if (la == 0)
		return NULL;
	for (; *candidates != NULL; candidates++) {
		lb = fold(*candidates, b);
		/* A third of the letters may be wrong. */
		most = (unsigned)(la > lb ? la : lb) / 3 + 1;
		if (most > best)
			most = best;
		/* The beginning of a word is as good as one letter wrong. */
		if (la >= 2 && la < lb && memcmp(a, b, la) == 0)
			d = 1;
		else if (la >= lb + most || lb >= la + most)
			continue;
		else
			d = distance(a, la, b, lb);
		/* With nothing in common it is another word, not a slip. */
		if (d < most && d < la) {
			best = d;
			found = *candidates;
		}
	}
	return found;
}

/* What keys are called in vm.conf(5), by QEMU and libvirt, and by people. */
static const struct {
	enum config_section_kind kind;
	const char *elsewhere, *here;
} aliases[] = {
    {CONFIG_VM, "ram", "memory"},
    {CONFIG_VM, "smp", "cpus"},
    {CONFIG_VM, "image", "disk"},
    {CONFIG_VM, "drive", "disk"},
    {CONFIG_VM, "hda", "disk"},
    {CONFIG_VM, "iso", "cdrom"},
    {CONFIG_VM, "net", "interface"},
    {CONFIG_VM, "nic", "interface"},
    {CONFIG_VM, "network", "interface"},
    {CONFIG_VM, "bridge", "interface"},
    {CONFIG_VM, "switch", "interface"},
    {CONFIG_VM, "lladdr", "interface"},
    {CONFIG_VM, "mac", "interface"},
    {CONFIG_VM, "append", "cmdline"},
    {CONFIG_VM, "args", "cmdline"},
    {CONFIG_VM, "ramdisk", "initrd"},
    {CONFIG_VM, "autostart", "enable"},
    {CONFIG_VM, "template", "instance-of"},
    {CONFIG_SWITCH, "bridge", "interface"},
    {CONFIG_SWITCH, "uplink", "add"},
    {CONFIG_SWITCH, "port", "add"},
    {CONFIG_SWITCH, "gateway", "address"},
    {CONFIG_SWITCH, "dhcp", "address"},
    {CONFIG_SWITCH, "subnet", "address"},
};

const char *
mistake_key_meant(enum config_section_kind kind, const char *name)
{
	const char *list[VALUE_NAMES];
	size_t i;

	for (i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (aliases[i].kind == kind &&
		    strcmp(aliases[i].elsewhere, name) == 0)
			return aliases[i].here;
	value_names(config_keys(kind), list);
	return config_nearest(name, list);
}
