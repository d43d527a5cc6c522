/*
 * cmd_hostile.c: a device driven as no driver should (hostile.h).
 */
#include "command.h"
#include "console.h"
#include "hostile.h"
#include "irq.h"
#include "lib.h"

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
	print("it is cases, race, ask or random\n");
	return -1;
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
	if (n >= 0)
		print("ok: %d in %lu ms\n", n, (time_now() - start) / 1000);
}

static const struct command commands[] = {
    {"hostile", "GROUP QUEUE modern|legacy NUMBER [ROUNDS [SEED]]",
	"break a device's rules", 4, 6, run_hostile},
    {0},
};

const struct command_group cmd_hostile = {"hostile drivers", 1, commands};
