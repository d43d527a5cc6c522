/* The names of bridges and taps, derived from configured ones. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "backend/net/bridge.h"
#include "backend/net/tap.h"

/* '~' and the hash. */
#define NAME_HASH 6

/* 25 bits of FNV-1a as five letters and digits that read well. */
static void
name_hash(const char *text, char hash[NAME_HASH + 1])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint32_t h = 2166136261u;
	int i;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	h ^= h >> 25;
	hash[0] = '~';
	for (i = 1; i < NAME_HASH; i++, h >>= 5)
		hash[i] = digits[h & 31];
	hash[NAME_HASH] = '\0';
}

/*
 * prefix, name, suffix; where they do not fit, name's beginning and hash:
 *
 *	vmt-  mv1             .0	"vmt-mv1.0"
 *	vmt-  dat~8fk2c       .0	"vmt-dat~8fk2c.0" (database-server)
 */
static const char *
name_derive(const char *prefix, const char *name, const char *suffix,
    char out[IFNAMSIZ])
{
	char hash[NAME_HASH + 1] = "";
	size_t keep, room;

	room = IFNAMSIZ - 1 - strlen(prefix) - strlen(suffix);
	keep = strlen(name);
	if (keep > room) {
		name_hash(name, hash);
		keep = room - NAME_HASH;
	}
	snprintf(
	    out, IFNAMSIZ, "%s%.*s%s%s", prefix, (int)keep, name, hash, suffix);
	return out;
}

const char *
bridge_name(const char *sw, char name[IFNAMSIZ])
{
	return name_derive("vms-", sw, "", name);
}

const char *
tap_name(const char *guest, unsigned n, char name[IFNAMSIZ])
{
	char suffix[8];

	snprintf(suffix, sizeof suffix, ".%u", n % 1000);
	return name_derive("vmt-", guest, suffix, name);
}
