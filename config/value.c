#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/item.h"
#include "config/mem.h"
#include "config/mistake.h"
#include "config/size.h"
#include "config/value.h"

/* Whatever the locale says. */
static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The value of a hex digit, or -1. */
static int
hex(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes the string over; the old one goes. */
static int
set_string(char **at, char *owned)
{
	free(*at);
	*at = owned;
	return 0;
}

static int
set_size(const struct config_key *key, uint64_t *at, const char *text,
    struct error *err)
{
	char least[32], most[32];
	uint64_t n;

	size_exact(key->min, least, sizeof least);
	size_exact(key->max, most, sizeof most);
	if (size_parse(text, &n) == -1)
		return error_set(err,
		    "%s = %s is not a size: write a whole number with K, M, G "
		    "or T behind it, such as %s",
		    key->name, text, key->fallback);
	if (n < key->min && n << 20 >= key->min &&
	    is_digit(text[strlen(text) - 1]))
		return error_set(err,
		    "%s = %s is %s bytes, and %s is the least: did you mean "
		    "%sM?",
		    key->name, text, text, least, text);
	if (n < key->min)
		return error_set(err, "%s = %s is too little: %s is the least",
		    key->name, text, least);
	if (n > key->max)
		return error_set(err, "%s = %s is too much: %s is the most",
		    key->name, text, most);
	if ((n & ((1 << 20) - 1)) != 0)
		return error_set(err,
		    "%s = %s is not a whole number of megabytes: write %" PRIu64
		    "M or %" PRIu64 "M",
		    key->name, text, n >> 20, (n >> 20) + 1);
	*at = n;
	return 0;
}

/* Decimal digits and nothing else; -1 if it is more than max. */
static int
read_number(const char *text, uint64_t max, uint64_t *n)
{
	if (*text == '\0')
		return -1;
	for (*n = 0; *text != '\0'; text++) {
		if (!is_digit(*text))
			return -1;
		*n = *n * 10 + (uint64_t)(*text - '0');
		if (*n > max)
			return -1;
	}
	return 0;
}

static int
set_number(const struct config_key *key, unsigned *at, const char *text,
    struct error *err)
{
	uint64_t n;

	if (read_number(text, key->max, &n) == -1 || n < key->min)
		return error_set(err,
		    "%s = %s: write a whole number from %" PRIu64
		    " to %" PRIu64,
		    key->name, text, key->min, key->max);
	*at = (unsigned)n;
	return 0;
}

static int
set_bool(
    const struct config_key *key, bool *at, const char *text, struct error *err)
{
	static const char *const yes[] = {"yes", "on", "true"};
	static const char *const no[] = {"no", "off", "false"};
	size_t i;

	for (i = 0; i < sizeof yes / sizeof *yes; i++) {
		if (strcasecmp(text, yes[i]) == 0 ||
		    strcasecmp(text, no[i]) == 0) {
			*at = strcasecmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return error_set(err, "%s = %s: write yes or no", key->name, text);
}

static int
set_choice(
    const struct config_key *key, int *at, const char *text, struct error *err)
{
	char all[128] = "", hint[80];
	size_t i, n = 0;

	for (i = 0; key->choices[i] != NULL; i++) {
		if (strcmp(key->choices[i], text) == 0) {
			*at = (int)i;
			return 0;
		}
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s",
		    i == 0                            ? ""
			: key->choices[i + 1] == NULL ? " or "
						      : ", ",
		    key->choices[i]);
	}
	return error_set(err, "%s = %s: write %s%s", key->name, text, all,
	    mistake_hint(text, key->choices, hint, sizeof hint));
}

/* "one, two", or "none" where a template gives some. */
static int
set_words(const struct config_key *key, unsigned *at, const char *text,
    struct error *err)
{
	const char *const *choice;
	const char *p = text;
	char word[32], hint[80];
	unsigned words = 0;
	size_t n, i;

	if (strcmp(text, "none") == 0) {
		*at = 0;
		return 0;
	}
	do {
		p += strspn(p, " \t");
		n = strcspn(p, ", \t");
		snprintf(word, sizeof word, "%.*s", (int)n, p);
		choice = key->choices;
		for (i = 0; choice[i] != NULL; i++)
			if (strcmp(choice[i], word) == 0)
				break;
		p += n;
		p += strspn(p, " \t");
		if (choice[i] == NULL || (*p != '\0' && *p != ','))
			return error_set(err,
			    "%s = %s: \"%s\" is none of them: write %s%s",
			    key->name, text, word, key->value,
			    mistake_hint(word, choice, hint, sizeof hint));
		words |= 1u << i;
	} while (*p++ == ',');
	*at = words;
	return 0;
}

static int
set_text(const struct config_key *key, char **at, const char *text,
    struct error *err)
{
	size_t old = *at == NULL ? 0 : strlen(*at) + 1;

	if (old + strlen(text) > key->max)
		return error_set(err,
		    "%s is longer than %" PRIu64 " letters: shorten it",
		    key->name, key->max);
	return set_string(
	    at, old == 0 ? mem_dup(text) : mem_printf("%s %s", *at, text));
}

static int
set_path(const struct config_key *key, char **at, const char *text,
    const struct value_from *from, struct error *err)
{
	size_t i;
	char *path;

	for (i = 0; key->choices != NULL && key->choices[i] != NULL; i++)
		if (strcmp(key->choices[i], text) == 0)
			return set_string(at, mem_dup(text));
	if ((path = config_path_expand(text, from->folder, err)) == NULL)
		return error_prefix(err, "%s = %.200s%s: ", key->name, text,
		    strlen(text) > 200 ? "..." : "");
	return set_string(at, path);
}

/* A user or a group, as useradd takes them. */
static int
check_account(const char *name, struct error *err)
{
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (!is_letter(*p) && !is_digit(*p) && *p != '_' &&
		    (p == name || strchr(".-$", *p) == NULL))
			break;
	if (*p != '\0' || p == name || p - name > 32)
		return error_set(
		    err, "\"%s\" cannot be a user or a group", name);
	return 0;
}

static int
set_owner(const struct config_key *key, struct config_vm *vm, const char *text,
    struct error *err)
{
	const char *colon = strchr(text, ':');
	char *user = mem_dup_n(
	    text, colon == NULL ? strlen(text) : (size_t)(colon - text));
	char *group = colon == NULL ? NULL : mem_dup(colon + 1);

	/* ":staff" is a group without a user, as in vm.conf(5). */
	if (*user == '\0' && group != NULL && *group != '\0') {
		free(user);
		user = NULL;
	}
	if ((user != NULL && check_account(user, err) == -1) ||
	    (group != NULL && check_account(group, err) == -1)) {
		free(user);
		free(group);
		return error_prefix(err, "%s = %s: write USER or USER:GROUP; ",
		    key->name, text);
	}
	set_string(&vm->owner_user, user);
	return set_string(&vm->owner_group, group);
}

static int
set_address(const struct config_key *key, struct config_switch *sw,
    const char *text, struct error *err)
{
	const char *slash = strchr(text, '/');
	char host[INET_ADDRSTRLEN];
	struct in_addr addr;
	uint64_t prefix;
	uint32_t a, mask;

	if (slash == NULL || (size_t)(slash - text) >= sizeof host)
		return error_set(err,
		    "%s = %s: write an IPv4 address and the length of its "
		    "prefix, such as 10.0.0.1/24",
		    key->name, text);
	memcpy(host, text, (size_t)(slash - text));
	host[slash - text] = '\0';
	if (inet_pton(AF_INET, host, &addr) != 1)
		return error_set(err,
		    "%s = %s: %s is not an IPv4 address, write one such as "
		    "10.0.0.1/24",
		    key->name, text, host);
	if (read_number(slash + 1, 30, &prefix) == -1 || prefix < 8)
		return error_set(err,
		    "%s = %s: the prefix behind the / is a number from 8 to 30",
		    key->name, text);
	a = ntohl(addr.s_addr);
	mask = ~UINT32_C(0) << (32 - prefix);
	if (a >> 24 == 0 || a >> 24 == 127 || a >> 24 >= 224)
		return error_set(err,
		    "%s = %s: no host can have that address on a network, "
		    "write one such as 10.0.0.1/24",
		    key->name, text);
	if ((a & ~mask) == 0 || (a & ~mask) == ~mask)
		return error_set(err,
		    "%s = %s: that is the address of the whole network, write "
		    "the host's own in it",
		    key->name, text);
	sw->address = addr;
	sw->prefix = (unsigned)prefix;
	return 0;
}

static int
set_checked(const struct config_key *key, char **at, const char *text,
    int (*check)(const char *, struct error *), struct error *err)
{
	if (check(text, err) == -1)
		return error_prefix(err, "%s = %s: ", key->name, text);
	return set_string(at, mem_dup(text));
}

static int
set_lladdr(const struct config_key *key, struct config_interface *nic,
    const char *text, struct error *err)
{
	if (config_lladdr_parse(text, nic->lladdr, err) == -1)
		return error_prefix(err, "%s = %s: ", key->name, text);
	nic->has_lladdr = true;
	return 0;
}

static int
add_ifname(const struct config_key *key, struct config_switch *sw,
    const char *text, const struct value_from *from, struct error *err)
{
	if (value_ifname_check(text, err) == -1)
		return error_prefix(err, "%s = %s: ", key->name, text);
	sw->adds = mem_grow(sw->adds, sw->nadds, sizeof *sw->adds);
	sw->adds[sw->nadds].line = from->line;
	sw->adds[sw->nadds++].name = mem_dup(text);
	return 0;
}

/* vm.conf(5) has its values in quotes, so people write them here too. */
static char *
unquoted(const char *text)
{
	size_t len = strlen(text);
	const char *second = *text == '"' ? strchr(text + 1, '"') : NULL;

	if (second != NULL && second == text + len - 1)
		return mem_dup_n(text + 1, len - 2);
	return mem_dup(text);
}

static int
check_cpus(const char *text, struct error *err)
{
	struct config_pins pins;

	return config_pins_parse(text, &pins, err);
}

static int
set_plain(const struct config_key *key, void *base, const char *text,
    const struct value_from *from, struct error *err)
{
	void *at = (char *)base + key->offset;

	switch (key->kind) {
	case CONFIG_K_SIZE:
		return set_size(key, at, text, err);
	case CONFIG_K_NUMBER:
		return set_number(key, at, text, err);
	case CONFIG_K_BOOL:
	case CONFIG_K_FLAG:
		return set_bool(key, at, text, err);
	case CONFIG_K_CHOICE:
		return set_choice(key, at, text, err);
	case CONFIG_K_WORDS:
		return set_words(key, at, text, err);
	case CONFIG_K_TEXT:
		return set_text(key, at, text, err);
	case CONFIG_K_PATH:
		return set_path(key, at, text, from, err);
	case CONFIG_K_NAME:
		return set_checked(key, at, text, check_account, err);
	case CONFIG_K_VM:
	case CONFIG_K_SWITCH:
		return set_checked(key, at, text, config_name_check, err);
	case CONFIG_K_IFNAME:
		return set_checked(key, at, text, value_ifname_check, err);
	case CONFIG_K_IFNAMES:
		return add_ifname(key, base, text, from, err);
	case CONFIG_K_CPUS:
		return set_checked(key, at, text, check_cpus, err);
	case CONFIG_K_OWNER:
		return set_owner(key, base, text, err);
	case CONFIG_K_ADDRESS:
		return set_address(key, base, text, err);
	case CONFIG_K_LLADDR:
		return set_lladdr(key, base, text, err);
	case CONFIG_K_FORWARD:
		return item_forward_add(base, text, err);
	case CONFIG_K_DISK:
		return item_disk_add(base, key, text, from, err);
	case CONFIG_K_INTERFACE:
		return item_interface_add(base, key, text, from, err);
	}
	return error_set(err, "%s has no kind", key->name);
}

/* "512M # half": a "#" behind a blank, outside of quotes. */
static bool
has_hash(const char *text)
{
	bool quoted = false;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (*p == '"')
			quoted = !quoted;
		if (*p == '#' && !quoted && p > text &&
		    (p[-1] == ' ' || p[-1] == '\t'))
			return true;
	}
	return false;
}

int
value_set(const struct config_key *key, void *base, const char *text,
    const struct value_from *from, struct error *err)
{
	char *plain;
	int r;

	/* Found much later else, as a file that is not there. */
	if (from->line > 0 && has_hash(text))
		return error_set(err,
		    "%s: a comment behind a value begins with \" ;\", not with "
		    "\" #\" (put the value in quotes if that is part of it)",
		    key->name);
	/* These take their quotes apart themselves. */
	if (key->kind == CONFIG_K_DISK || key->kind == CONFIG_K_INTERFACE)
		plain = mem_dup(text);
	else
		plain = unquoted(text);
	if (*plain == '\0')
		r = error_set(err,
		    "%s has no value: write %s = %s, or leave it out",
		    key->name, key->name, key->value);
	else
		r = set_plain(key, base, plain, from, err);
	free(plain);
	return r;
}

int
value_ifname_check(const char *name, struct error *err)
{
	const char *p;

	if (strlen(name) >= IFNAMSIZ)
		return error_set(err,
		    "the name of a network interface has at most %d letters",
		    IFNAMSIZ - 1);
	for (p = name; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("/:%\",", *p) != NULL)
			break;
	if (*p != '\0' || p == name || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return error_set(err,
		    "that cannot be the name of a network interface, write one "
		    "such as eth0");
	return 0;
}

int
config_name_check(const char *name, struct error *err)
{
	size_t len = strlen(name);
	const char *p;

	for (p = name; *p != '\0'; p++)
		if (!is_letter(*p) && !is_digit(*p) &&
		    strchr("._-", *p) == NULL)
			break;
	if (*p != '\0' || !is_letter(*name))
		return error_set(err,
		    "a name is a letter, then letters, digits, \".\", \"_\" or "
		    "\"-\"");
	if (len > CONFIG_NAME_MAX)
		return error_set(err, "a name has at most %d letters, not %zu",
		    CONFIG_NAME_MAX, len);
	return 0;
}

int
config_lladdr_parse(const char *text, uint8_t lladdr[6], struct error *err)
{
	uint8_t a[6];
	size_t i;

	for (i = 0; i < 6; i++, text += 3) {
		if (hex(text[0]) == -1 || hex(text[1]) == -1 ||
		    text[2] != (i == 5 ? '\0' : ':'))
			return error_set(err,
			    "write a hardware address as six pairs of hex "
			    "digits, such as 00:20:91:00:00:01");
		a[i] = (uint8_t)(hex(text[0]) << 4 | hex(text[1]));
	}
	if (a[0] & 1)
		return error_set(err,
		    "that is a multicast address, which no interface can have: "
		    "the second digit must be even");
	if (memcmp(a, (uint8_t[6]){0}, 6) == 0)
		return error_set(err,
		    "an address of zeroes belongs to nobody: choose one, such "
		    "as 00:20:91:00:00:01");
	memcpy(lladdr, a, 6);
	return 0;
}
