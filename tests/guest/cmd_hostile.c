/*
 * cmd_hostile.c: a device driven as no driver should (hostile.h).
 */
#include "blk.h"
#include "command.h"
#include "console.h"
#include "cpu.h"
#include "hostile.h"
#include "irq.h"
#include "lib.h"
#include "rng.h"

static const struct hostile_target *
find_target(const char *name)
{
	const struct hostile_target *t;

	for (t = hostile_targets; t->name != NULL; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	print("there is no queue %s, but", name);
	for (t = hostile_targets; t->name != NULL; t++)
		print(" %s", t->name);
	print("\n");
	return NULL;
}

/* Runs the group of that name; -1: it failed. */
static int
run_group(struct hostile *h, const char *group, unsigned rounds)
{
	if (strcmp(group, "cases") == 0)
		return hostile_cases(h, rounds);
	if (strcmp(group, "race") == 0)
		return hostile_race(h, rounds);
	if (strcmp(group, "ask") == 0)
		return hostile_ask(h, rounds);
	if (strcmp(group, "random") == 0)
		return hostile_random(h, rounds);
	if (strcmp(group, "storm") == 0)
		return hostile_storm(h, rounds);
	print("it is cases, race, ask, random or storm\n");
	return -1;
}

/* Whether another device, which nobody touched, still does what it did. */
static int
others_work(const struct hostile_target *t)
{
	uint8_t some[16];

	if (t->type == VIRTIO_RNG ? blk_read(0, 0, 1) == 0
				  : rng_read(some, sizeof(some)) > 0)
		return 1;
	print("another device was disturbed\n");
	return 0;
}

static void
run_hostile(int argc, char **argv)
{
	const struct hostile_target *t = find_target(argv[2]);
	uint64_t number, rounds = 1, seed = 1, start = time_now();
	int legacy = strcmp(argv[3], "legacy") == 0, n;
	static struct hostile h;

	if (t == NULL ||
	    command_number(argv[4], "NUMBER", 0, VIRTIO_MAX, &number) != 0 ||
	    (argc > 5 &&
		command_number(argv[5], "ROUNDS", 1, 1u << 30, &rounds) != 0) ||
	    (argc > 6 &&
		command_number(argv[6], "SEED", 0, UINT64_MAX, &seed) != 0))
		return;
	hostile_seed(seed);
	if (hostile_open(&h, t, (unsigned)number, legacy) != 0)
		return;
	n = run_group(&h, argv[1], (unsigned)rounds);
	transport_reset(&h.v);
	if (n >= 0 && others_work(t))
		print("ok: %d in %lu ms\n", n, (time_now() - start) / 1000);
}

/*
 * The used ring over the page tables that we run on. The device may write what
 * it likes there; it is us who suffer.
 */
static void
run_suicide(int argc, char **argv)
{
	static struct hostile h;
	uint64_t at;

	if (hostile_open(&h, find_target("rng"), 0, 0) != 0)
		return;
	at = cpu_tables();
	hostile_begin(&h, 0);
	hostile_ring_clear(&h);
	transport_resize(&h.v, 0, (uint16_t)h.ring.size);
	transport_place(
	    &h.v, 0, (uintptr_t)h.ring.desc, (uintptr_t)h.ring.avail, at);
	hostile_good(&h, 0, 0);
	print("page tables at %lx\n", at);
	console_flush();
	hostile_ready(&h);
	hostile_kick(&h);
	for (;;)
		irq_wait(time_now() + 100000);
}

static const struct command commands[] = {
    {"hostile", "GROUP QUEUE modern|legacy NUMBER [ROUNDS [SEED]]",
	"break a device's rules", 4, 6, run_hostile},
    {"suicide", "", "have a device write to our page tables", 0, 0,
	run_suicide},
    {0},
};

const struct command_group cmd_hostile = {"hostile drivers", 1, commands};
