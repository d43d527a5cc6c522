/* Which interface was meant by a name that no interface has. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/net/link.h"

/* Names further from the one asked for than this are hardly meant by it. */
#define MISSING_NEAR  2
#define MISSING_SHOWN 3

/*
 * How many letters one must add, drop or change to get from a to b, capitals
 * not counted. Both are shorter than IFNAMSIZ.
 */
static unsigned
missing_distance(const char *a, const char *b)
{
	unsigned row[IFNAMSIZ + 1], corner, above;
	size_t i, j, la = strlen(a), lb = strlen(b);

	for (j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		corner = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			if (tolower((unsigned char)a[i - 1]) !=
			    tolower((unsigned char)b[j - 1]))
				corner++;
			if (corner > above + 1)
				corner = above + 1;
			if (corner > row[j - 1] + 1)
				corner = row[j - 1] + 1;
			row[j] = corner;
			corner = above;
		}
	}
	return row[lb];
}

/* An uplink is hardware or stands for it: no bridge, no tap, not lo. */
static bool
missing_candidate(const struct net_link *link)
{
	return !link->loopback && strcmp(link->kind, "bridge") != 0 &&
	    strcmp(link->kind, "tun") != 0;
}

struct missing_name {
	const char *name;
	unsigned distance;
};

static int
missing_order(const void *a, const void *b)
{
	const struct missing_name *x = a, *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* The sentence, with the names in order of likeness. */
static int
missing_say(const char *name, const struct missing_name *near, size_t count,
    struct error *err)
{
	char names[MISSING_SHOWN * (IFNAMSIZ + 4)] = "";
	size_t i, used = 0;
	bool like;

	if (count == 0)
		return error_set(err,
		    "there is no interface %s, and no other on this host that "
		    "could be meant: `ip link` shows what there is",
		    name);
	like = near[0].distance <= MISSING_NEAR;
	for (i = 0; i < count && i < MISSING_SHOWN; i++) {
		if (like && near[i].distance > MISSING_NEAR)
			break;
		used += (size_t)snprintf(names + used, sizeof names - used,
		    "%s%s", i > 0 ? (like ? " or " : ", ") : "", near[i].name);
	}
	if (like)
		return error_set(err,
		    "there is no interface %s: did you mean %s?", name, names);
	return error_set(err, "there is no interface %s: this host has %s%s",
	    name, names, count > MISSING_SHOWN ? ", ..." : "");
}

int
net_link_missing(struct rtnl *rt, const char *name, struct error *err)
{
	struct missing_name *near;
	struct net_link *links;
	size_t count = 0;
	int i, n;

	if (net_link_name_check(name, err) == -1)
		return -1;
	if ((n = net_links(rt, &links, err)) == -1)
		return -1;
	if ((near = calloc((size_t)n + 1, sizeof *near)) == NULL) {
		free(links);
		return error_set(err, "there is no interface %s", name);
	}
	for (i = 0; i < n; i++) {
		if (!missing_candidate(&links[i]))
			continue;
		near[count].name = links[i].name;
		near[count++].distance = missing_distance(name, links[i].name);
	}
	qsort(near, count, sizeof *near, missing_order);
	missing_say(name, near, count, err);
	free(near);
	free(links);
	return -1;
}
