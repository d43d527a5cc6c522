/* vm.conf(5): `switch NAME { ... }`. */
#include <stdio.h>
#include <string.h>

#include "config/import_read.h"

static void
read_add(struct import *im, const struct lex_place *from)
{
	struct lex_token name;

	if (import_value(im, &name, "the name of an interface"))
		import_put(im, from, "add", &name);
}

static void
read_interface(struct import *im, const struct lex_place *from)
{
	struct lex_token name;

	if (!import_value(im, &name, "the name of a bridge"))
		return;
	import_put(im, from, "interface", &name);
	out_note(&im->body, from,
	    "vm.conf: what else is in %s stands in hostname.if(5) there; here "
	    "write add = NAME for each such interface, or add it by hand.",
	    name.text);
}

static void
read_enable(struct import *im, const struct lex_place *from)
{
	out_line(&im->body, from, "enable = yes");
}

static void
read_disable(struct import *im, const struct lex_place *from)
{
	out_line(&im->body, from, "enable = no");
}

static void
read_locked(struct import *im, const struct lex_place *from)
{
	if (import_keyword(im, "locked", "lladdr"))
		out_line(&im->body, from, "locked = yes");
}

static void
read_group(struct import *im, const struct lex_place *from)
{
	struct lex_token name;
	char what[IMPORT_WORD_MAX + 16];

	if (!import_value(im, &name, "the name of a group"))
		return;
	snprintf(what, sizeof what, "group %s", name.text);
	import_drop(&im->body, from, what, "Linux has no groups of interfaces");
}

static void
read_rdomain(struct import *im, const struct lex_place *from)
{
	char what[32];
	unsigned n;

	if (!import_number(im, "a routing domain", 255, &n))
		return;
	snprintf(what, sizeof what, "rdomain %u", n);
	import_drop(&im->body, from, what,
	    "Linux has no routing domains; a VRF made by hand comes near");
}

/* The default, here as there. */
static void
read_up(struct import *im, const struct lex_place *from)
{
}

static void
read_down(struct import *im, const struct lex_place *from)
{
	import_drop(&im->body, from, "down",
	    "a switch that is used is up; write enable = no to have none");
}

static const struct import_statement statements[] = {
    {"interface", read_interface},
    {"add", read_add},
    {"enable", read_enable},
    {"disable", read_disable},
    {"locked", read_locked},
    {"group", read_group},
    {"rdomain", read_rdomain},
    {"up", read_up},
    {"down", read_down},
    {0},
};

void
import_switch(struct import *im, const struct lex_place *from)
{
	struct lex_token name;

	if (!import_value(im, &name, "the name of a switch"))
		return;
	import_name(im, &im->switches, &name, "switch");
	out_line(&im->body, from, "%s", "");
	out_line(&im->body, from, "[switch %s]", name.text);
	import_block(im, statements, "a switch");
}
