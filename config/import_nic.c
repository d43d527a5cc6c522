/* vm.conf(5): `interface NAME { ... }` of a guest. */
#include <stdio.h>
#include <string.h>

#include "config/import_read.h"
#include "config/mem.h"

static void
read_switch(struct import *im, const struct lex_place *from)
{
	struct import_names *list = &im->plugged;
	struct lex_token name;
	struct error err;

	if (!import_value(im, &name, "the name of a switch"))
		return;
	if (config_name_check(name.text, &err) == -1) {
		lex_mistake(&im->lex, &name.place, "%s", err.text);
		return;
	}
	if (im->nic.sw[0] != '\0') {
		lex_mistake(&im->lex, &name.place,
		    "the interface is in switch %s already: leave one out",
		    im->nic.sw);
		return;
	}
	snprintf(im->nic.sw, sizeof im->nic.sw, "%.32s", name.text);
	list->list = mem_grow(list->list, list->count, sizeof *list->list);
	list->list[list->count].name = mem_dup(name.text);
	list->list[list->count++].place = name.place;
}

static void
read_group(struct import *im, const struct lex_place *from)
{
	struct lex_token name;
	char what[IMPORT_WORD_MAX + 32];

	if (!import_value(im, &name, "the name of a group"))
		return;
	snprintf(what, sizeof what, "interface group %s", name.text);
	import_drop(&im->body, from, what, "Linux has no groups of interfaces");
}

static void
read_rdomain(struct import *im, const struct lex_place *from)
{
	char what[40];
	unsigned n;

	if (!import_number(im, "a routing domain", 255, &n))
		return;
	snprintf(what, sizeof what, "interface rdomain %u", n);
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
	import_drop(&im->body, from, "interface down",
	    "an interface of a running guest is up");
}

static void read_lladdr(struct import *, const struct lex_place *);
static void read_locked(struct import *, const struct lex_place *);

static const struct import_statement options[] = {
    {"switch", read_switch},
    {"lladdr", read_lladdr},
    {"locked", read_locked},
    {"group", read_group},
    {"rdomain", read_rdomain},
    {"up", read_up},
    {"down", read_down},
    {0},
};

/* The address may be left out: then it is one that is made up. */
static void
read_lladdr(struct import *im, const struct lex_place *from)
{
	struct lex_token value;
	struct error err;
	uint8_t bytes[6];

	if (!import_optional(im, &value, options) ||
	    strcmp(value.text, "random") == 0)
		return;
	if (config_lladdr_parse(value.text, bytes, &err) == -1)
		lex_mistake(&im->lex, &value.place, "%s", err.text);
	else if (im->nic.lladdr[0] != '\0')
		lex_mistake(&im->lex, &value.place,
		    "the interface has the address %s already: leave one out",
		    im->nic.lladdr);
	else
		snprintf(im->nic.lladdr, sizeof im->nic.lladdr,
		    "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1],
		    bytes[2], bytes[3], bytes[4], bytes[5]);
}

static void
read_locked(struct import *im, const struct lex_place *from)
{
	if (!import_keyword(im, "locked", "lladdr"))
		return;
	im->nic.locked = true;
	read_lladdr(im, from);
}

/* `tap` is any, `tap3` that one. */
static void
take_tap(struct import *im, const struct lex_token *name)
{
	size_t n = strlen(name->text);

	if (strncmp(name->text, "tap", 3) != 0 ||
	    strspn(name->text + 3, "0123456789") != n - 3 ||
	    n >= sizeof im->nic.tap)
		lex_mistake(&im->lex, &name->place,
		    "\"%.40s\" is no interface of a guest: tap and tap0, tap1 "
		    "... are",
		    name->text);
	else if (n > 3)
		snprintf(im->nic.tap, sizeof im->nic.tap, "%.15s", name->text);
}

/*
 * An interface that is plugged into nothing has no word of its own: the
 * address that it would have says it all.
 */
static void
give_address(struct import *im)
{
	char host[128];
	uint8_t a[6];

	config_vm_lladdr(
	    config_host_id(host, sizeof host), im->vm, im->nics, a);
	snprintf(im->nic.lladdr, sizeof im->nic.lladdr,
	    "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3], a[4],
	    a[5]);
}

static void
put_nic(struct import *im, const struct lex_place *from)
{
	struct import_nic *nic = &im->nic;
	char text[256];

	if (nic->local && nic->sw[0] != '\0') {
		import_drop(&im->body, from, "switch of a local interface",
		    "an interface is in one network, and local is one");
		nic->sw[0] = '\0';
	}
	if (nic->sw[0] == '\0' && !nic->local) {
		out_note(&im->body, from,
		    "vm.conf: this interface is in no switch: its tap is there "
		    "for the host to use.");
		if (nic->lladdr[0] == '\0' && nic->tap[0] == '\0')
			give_address(im);
	}
	snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s",
	    nic->sw[0] != '\0' ? ", switch=" : "", nic->sw,
	    nic->local ? ", local" : "",
	    nic->lladdr[0] != '\0' ? ", lladdr=" : "", nic->lladdr,
	    nic->locked ? ", locked" : "", nic->tap[0] != '\0' ? ", tap=" : "",
	    nic->tap);
	out_line(&im->body, from, "interface = %s", text + 2);
	im->nics++;
}

static void
read_nic(struct import *im, const struct lex_place *from, bool local)
{
	const struct lex_token *t;
	struct lex_token name;

	im->nic = (struct import_nic){.local = local};
	if (import_optional(im, &name, import_vm_words))
		take_tap(im, &name);
	t = lex_next(&im->lex);
	lex_back(&im->lex);
	if (t->kind == LEX_OPEN)
		import_block(im, options, "an interface");
	put_nic(im, from);
}

void
import_nic(struct import *im, const struct lex_place *from)
{
	read_nic(im, from, false);
}

void
import_local_nic(struct import *im, const struct lex_place *from)
{
	read_nic(im, from, true);
}

void
import_bare_nics(struct import *im, const struct lex_place *from)
{
	while (im->nics < im->least_nics) {
		im->nic = (struct import_nic){0};
		put_nic(im, from);
	}
}
