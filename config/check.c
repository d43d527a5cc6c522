#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/mem.h"
#include "config/mistake.h"

/*
 * Something that only one may have: found twice by sorting, so that thousands
 * of guests are checked in no time.
 */
struct claim {
	const char *what; /* the name or address, as text */
	const char *owner; /* which guest or switch has it */
	int line;
};

struct claims {
	struct claim *list;
	size_t count;
};

static void
claim(struct claims *c, const char *what, const char *owner, int line)
{
	c->list = mem_grow(c->list, c->count, sizeof *c->list);
	c->list[c->count++] =
	    (struct claim){.what = what, .owner = owner, .line = line};
}

static int
compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int r = strcmp(x->what, y->what);

	return r != 0 ? r : (x->line > y->line) - (x->line < y->line);
}

/*
 * Reports every claim that is not the first on its thing, and forgets them
 * all. say has three places: the thing, the first owner and its line.
 */
static void
judge_claims(struct claims *c, struct config_mistakes *ms, const char *what,
    const char *advice)
{
	size_t i, first = 0;

	if (c->count > 0)
		qsort(c->list, c->count, sizeof *c->list, compare_claims);
	for (i = 1; i < c->count; i++) {
		if (strcmp(c->list[i].what, c->list[first].what) != 0) {
			first = i;
			continue;
		}
		mistake_add(ms, c->list[i].line,
		    "%s %s is already that of %s (line %d): %s", what,
		    c->list[i].what, c->list[first].owner, c->list[first].line,
		    advice);
	}
	free(c->list);
	*c = (struct claims){0};
}

static void
check_names(const struct config *cfg, struct config_mistakes *ms)
{
	struct claims c = {0};
	size_t i;

	for (i = 0; i < cfg->nvms; i++)
		claim(&c, cfg->vms[i].name, "another guest", cfg->vms[i].line);
	judge_claims(&c, ms, "the name", "choose another one");
	for (i = 0; i < cfg->nswitches; i++)
		claim(&c, cfg->switches[i].name, "another switch",
		    cfg->switches[i].line);
	judge_claims(&c, ms, "the name", "choose another one");
}

static void
check_lladdrs(const struct config *cfg, struct config_mistakes *ms)
{
	const struct config_interface *nic;
	struct claims c = {0};
	char **texts = NULL;
	size_t i, j, n = 0;

	for (i = 0; i < cfg->nvms; i++) {
		for (j = 0; j < cfg->vms[i].ninterfaces; j++) {
			nic = &cfg->vms[i].interfaces[j];
			if (!nic->has_lladdr)
				continue;
			texts = mem_grow(texts, n, sizeof *texts);
			texts[n] = mem_printf("%02x:%02x:%02x:%02x:%02x:%02x",
			    nic->lladdr[0], nic->lladdr[1], nic->lladdr[2],
			    nic->lladdr[3], nic->lladdr[4], nic->lladdr[5]);
			claim(&c, texts[n++], cfg->vms[i].name, nic->line);
		}
	}
	judge_claims(&c, ms, "the hardware address",
	    "choose another one, or leave lladdr= out to have one derived from "
	    "the guest's name");
	for (i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

static void
check_taps(const struct config *cfg, struct config_mistakes *ms)
{
	const struct config_interface *nic;
	struct claims c = {0};
	size_t i, j;

	for (i = 0; i < cfg->nvms; i++) {
		for (j = 0; j < cfg->vms[i].ninterfaces; j++) {
			nic = &cfg->vms[i].interfaces[j];
			if (nic->tap != NULL)
				claim(
				    &c, nic->tap, cfg->vms[i].name, nic->line);
		}
	}
	judge_claims(
	    &c, ms, "the tap", "choose another one, or leave tap= out");
}

/* The names of all guests or switches, which NULL ends; for free(). */
static const char **
names(const struct config *cfg, enum config_section_kind kind)
{
	size_t i, n = kind == CONFIG_VM ? cfg->nvms : cfg->nswitches;
	const char **list = mem_zeroed((n + 1) * sizeof *list);

	for (i = 0; i < n; i++)
		list[i] = kind == CONFIG_VM ? cfg->vms[i].name
					    : cfg->switches[i].name;
	return list;
}

/*
 * "no guest is called mv2 (did you mean "mv1"?)" for messages; advice where
 * nothing is near.
 */
static void
missing(const struct config *cfg, enum config_section_kind kind,
    const char *name, char *buf, size_t len)
{
	const char **list = names(cfg, kind), *near;

	near = config_nearest(name, list);
	if (near != NULL)
		snprintf(buf, len, "no %s is called %s (did you mean \"%s\"?)",
		    kind == CONFIG_VM ? "guest" : "switch", name, near);
	else
		snprintf(buf, len, "no %s is called %s: add [%s %s]",
		    kind == CONFIG_VM ? "guest" : "switch", name,
		    config_section_word(kind), name);
	free(list);
}

int
config_no_vm(const struct config *cfg, const char *name, struct error *err)
{
	const char **list = names(cfg, CONFIG_VM);
	char hint[80];

	mistake_hint(name, list, hint, sizeof hint);
	error_set(err, "no guest is called %s%s", name,
	    hint[0] != '\0' ? hint : "; vmtui status lists them");
	free(list);
	return -1;
}

/* Whether the switches that guests name are there; a switch may lock all. */
static void
check_plugs(struct config *cfg, struct config_mistakes *ms)
{
	struct config_interface *nic;
	struct config_switch *sw;
	char text[256];
	size_t i, j;

	for (i = 0; i < cfg->nvms; i++) {
		for (j = 0; j < cfg->vms[i].ninterfaces; j++) {
			nic = &cfg->vms[i].interfaces[j];
			if (nic->switch_name == NULL)
				continue;
			sw = config_find_switch(cfg, nic->switch_name);
			if (sw != NULL) {
				nic->locked |= sw->locked;
				continue;
			}
			text[0] = '\0';
			if (mistake_room(ms))
				missing(cfg, CONFIG_SWITCH, nic->switch_name,
				    text, sizeof text);
			mistake_add(ms, nic->line, "%s", text);
		}
	}
}

/*
 * A bridge's name for a switch that gives none: "vs-NAME", and where that is
 * over the kernel's 15 letters the name's beginning and a sum of all of it.
 */
static char *
derive_bridge(const char *name)
{
	uint16_t sum = 0xffff;
	const char *p;
	int bit;

	if (strlen(name) + 3 < IFNAMSIZ)
		return mem_printf("vs-%s", name);
	/* CRC-16/CCITT: names that differ in one place never share it. */
	for (p = name; *p != '\0'; p++) {
		sum ^= (uint16_t)((unsigned char)*p << 8);
		for (bit = 0; bit < 8; bit++)
			sum =
			    (uint16_t)(sum << 1 ^ (sum & 0x8000 ? 0x1021 : 0));
	}
	return mem_printf("vs-%.7s-%04x", name, sum);
}

/* The line that gives a switch's key; 0 if none does. */
static int
given(const struct config_switch *sw, const char *name)
{
	const struct config_key *keys = config_keys(CONFIG_SWITCH);

	return sw->lines[config_key_find(keys, name) - keys];
}

static void
check_bridges(struct config *cfg, struct config_mistakes *ms)
{
	struct config_switch *sw;
	struct claims c = {0};
	size_t i;
	int line;

	for (i = 0; i < cfg->nswitches; i++) {
		sw = &cfg->switches[i];
		if (sw->interface == NULL)
			sw->interface = derive_bridge(sw->name);
		/* Two of one name are a mistake already. */
		line = given(sw, "interface");
		if (config_find_switch(cfg, sw->name) == sw)
			claim(&c, sw->interface, sw->name,
			    line > 0 ? line : sw->line);
	}
	judge_claims(&c, ms, "the bridge",
	    "two switches cannot share one, give interface = another name");
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A bridge cannot be plugged into a bridge. */
static void
check_add_bridges(const struct config *cfg, struct config_mistakes *ms)
{
	const char **bridges =
	    mem_zeroed((cfg->nswitches + 1) * sizeof *bridges);
	const struct config_add *add;
	size_t i, j;

	for (i = 0; i < cfg->nswitches; i++)
		bridges[i] = cfg->switches[i].interface;
	qsort(bridges, cfg->nswitches, sizeof *bridges, compare_names);
	for (i = 0; i < cfg->nswitches; i++) {
		for (j = 0; j < cfg->switches[i].nadds; j++) {
			add = &cfg->switches[i].adds[j];
			if (bsearch(&add->name, bridges, cfg->nswitches,
				sizeof *bridges, compare_names) == NULL)
				continue;
			mistake_add(ms, add->line,
			    "add = %s is the bridge of a switch itself: a "
			    "switch cannot be plugged into a switch",
			    add->name);
		}
	}
	free(bridges);
}

static void
check_adds(const struct config *cfg, struct config_mistakes *ms)
{
	const struct config_switch *sw;
	struct claims c = {0};
	size_t i, j;

	for (i = 0; i < cfg->nswitches; i++) {
		sw = &cfg->switches[i];
		for (j = 0; j < sw->nadds; j++)
			claim(&c, sw->adds[j].name, sw->name, sw->adds[j].line);
	}
	judge_claims(
	    &c, ms, "the interface", "an interface is in one switch, and once");
	check_add_bridges(cfg, ms);
}

static void
check_addresses(const struct config *cfg, struct config_mistakes *ms)
{
	const struct config_switch *sw, *other;
	uint32_t mask;
	size_t i, j;

	for (i = 0; i < cfg->nswitches; i++) {
		sw = &cfg->switches[i];
		if (sw->nat && given(sw, "address") == 0)
			mistake_add(ms, given(sw, "nat"),
			    "switch %s has nat and no address to translate "
			    "for: add address = 10.0.0.1/24",
			    sw->name);
		for (j = 0; sw->prefix > 0 && j < i; j++) {
			other = &cfg->switches[j];
			if (other->prefix == 0)
				continue;
			mask = htonl(
			    ~UINT32_C(0) << (32 -
				(sw->prefix < other->prefix ? sw->prefix
							    : other->prefix)));
			if (((sw->address.s_addr ^ other->address.s_addr) &
				mask) != 0)
				continue;
			mistake_add(ms, given(sw, "address"),
			    "address: the network overlaps that of switch %s "
			    "(line %d): choose another one",
			    other->name, given(other, "address"));
			break;
		}
	}
}

/*
 * Templates. From each guest up its line of templates until one that is done
 * (or has none), then down again, filling in.
 */
struct family {
	struct config *cfg;
	struct config_mistakes *ms;
	enum { FRESH, CLIMBING, DONE } * state; /* a guest's each */
	size_t *path; /* guests on the way up */
	size_t depth;
};

/* Says "a -> b -> a" of the guests from path[from] on. */
static void
report_loop(struct family *f, size_t from)
{
	const struct config_vm *vm, *top = &f->cfg->vms[f->path[from]];
	char text[512];
	size_t i, n = 0;

	for (i = from; i < f->depth && n < sizeof text - 64; i++) {
		vm = &f->cfg->vms[f->path[i]];
		n += (size_t)snprintf(
		    text + n, sizeof text - n, "%s -> ", vm->name);
	}
	snprintf(
	    text + n, sizeof text - n, "%s", i < f->depth ? "..." : top->name);
	mistake_add(f->ms, config_vm_line(top, "instance-of"),
	    "instance-of goes in a circle: %s; one of them must stand on its "
	    "own",
	    text);
}

/* One step up from guest at; returns its template's index, or -1 for none. */
static long
climb(struct family *f, size_t at)
{
	const struct config_vm *vm = &f->cfg->vms[at], *up;
	char text[256] = "";
	size_t i;

	if (vm->instance_of == NULL)
		return -1;
	up = config_find_vm(f->cfg, vm->instance_of);
	if (up == NULL) {
		if (mistake_room(f->ms))
			missing(f->cfg, CONFIG_VM, vm->instance_of, text,
			    sizeof text);
		mistake_add(f->ms, config_vm_line(vm, "instance-of"),
		    "instance-of: %s", text);
		return -1;
	}
	i = (size_t)(up - f->cfg->vms);
	if (f->state[i] != CLIMBING)
		return (long)i;
	for (i = 0; &f->cfg->vms[f->path[i]] != up; i++)
		;
	report_loop(f, i);
	return -1;
}

static void
resolve(struct family *f, size_t at)
{
	struct config_vm *vm;
	const struct config_vm *up;
	long next = (long)at;

	f->depth = 0;
	while (next != -1 && f->state[next] == FRESH) {
		f->state[next] = CLIMBING;
		f->path[f->depth++] = (size_t)next;
		next = climb(f, (size_t)next);
	}
	while (f->depth > 0) {
		vm = &f->cfg->vms[f->path[--f->depth]];
		up = next == -1 ? NULL : &f->cfg->vms[next];
		next = vm - f->cfg->vms;
		f->state[next] = DONE;
		if (up != NULL)
			config_vm_inherit(vm, up);
	}
}

static void
check_templates(struct config *cfg, struct config_mistakes *ms)
{
	struct family f = {.cfg = cfg, .ms = ms};
	size_t i;

	f.state = mem_zeroed((cfg->nvms + 1) * sizeof *f.state);
	f.path = mem_zeroed((cfg->nvms + 1) * sizeof *f.path);
	for (i = 0; i < cfg->nvms; i++)
		resolve(&f, i);
	free(f.state);
	free(f.path);
}

static void
say(void *arg, int line, const char *text)
{
	mistake_add(arg, line, "%s", text);
}

void
check_screen(const struct config *cfg, struct config_mistakes *ms)
{
	keys_judge(cfg, say, ms);
}

void
check_model(struct config *cfg, struct config_mistakes *ms)
{
	check_screen(cfg, ms);
	check_names(cfg, ms);
	check_lladdrs(cfg, ms);
	check_taps(cfg, ms);
	check_bridges(cfg, ms);
	check_adds(cfg, ms);
	check_addresses(cfg, ms);
	check_plugs(cfg, ms);
	/* Last, so that a template's mistakes are told once. */
	check_templates(cfg, ms);
}
