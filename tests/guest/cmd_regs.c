/*
 * cmd_regs.c: every register of a family of devices, as it should and as it
 * should not be used.
 */
#include "command.h"
#include "console.h"
#include "irq.h"
#include "lib.h"
#include "regs.h"
#include "virtio.h"

static const struct family {
	const char *name;
	void (*run)(void);
	int stops; /* virtio's drivers are in the way */
} families[] = {
    {"serial", regs_serial, 0},
    {"clock", regs_clock, 0},
    {"keyboard", regs_keyboard, 0},
    {"power", regs_power, 0},
    {"firmware", regs_firmware, 0},
    {"nobody", regs_nobody, 0},
    {"config", regs_config, 1},
    {"bars", regs_bars, 1},
    {"messages", regs_messages, 1},
    {"modern", regs_modern, 1},
    {"legacy", regs_legacy, 1},
    {"window", regs_window, 1},
};

static void
family_run(const struct family *f)
{
	uint64_t start = time_now();

	console_flush();
	regs_done = regs_wrong = 0;
	if (f->stops)
		virtio_stop();
	f->run();
	if (f->stops)
		virtio_start();
	print("%s: %s %u of %u, %lu ms\n", f->name,
	    regs_wrong > 0 ? "wrong are" : "ok, wrong are", regs_wrong,
	    regs_done, (time_now() - start) / 1000);
}

static void
run_regs(int argc, char **argv)
{
	unsigned i, n = sizeof(families) / sizeof(families[0]), ran = 0;

	for (i = 0; i < n; i++)
		if (argc == 1 || strcmp(argv[1], families[i].name) == 0) {
			family_run(&families[i]);
			ran++;
		}
	if (ran > 0)
		return;
	print("\"%s\" is none of", argv[1]);
	for (i = 0; i < n; i++)
		print(" %s", families[i].name);
	print("\n");
}

static const struct command commands[] = {
    {"regs", "[FAMILY]", "use every register rightly and wrongly", 0, 1,
	run_regs},
    {0},
};

const struct command_group cmd_regs = {"registers", 1, commands};
