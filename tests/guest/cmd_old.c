/*
 * cmd_old.c: all devices under drivers that know virtio 0.9.5 alone: set up,
 * at work, at work again however much later, and let go of.
 */
#include "acpi.h"
#include "command.h"
#include "console.h"
#include "irq.h"
#include "lib.h"
#include "old.h"
#include "virtio.h"

static unsigned rounds;
static int merging;

/* What OpenBSD 6.1's drivers take, but for indirect descriptors and indexes. */
static uint32_t
wanted(unsigned type)
{
	switch (type) {
	case OLD_NET: /* MAC, status, control, of which receiving */
		return 0x00070020u | (merging ? 0x8000u : 0);
	case OLD_BLOCK: /* sizes, geometry, read-only, block size, flush */
		return 0x00000276u;
	case OLD_CONSOLE:
		return 0x1u;
	case OLD_BALLOON: /* the host is told before a page is used again */
		return 0x1u;
	case OLD_VMMCI: /* time, acknowledging */
		return 0x3u;
	}
	return 0;
}

static unsigned
queues(unsigned type)
{
	switch (type) {
	case OLD_BLOCK:
	case OLD_ENTROPY:
		return 1;
	case OLD_CONSOLE:
	case OLD_BALLOON:
		return 2;
	case OLD_NET:
	case OLD_SCSI:
		return 3;
	}
	return 0;
}

static const char *
use(struct old *d)
{
	if (!old_is_kept(d))
		return "what its header says";
	switch (d->type) {
	case OLD_NET:
		return old_net(d, rounds);
	case OLD_BLOCK:
		return old_block(d, rounds);
	case OLD_CONSOLE:
		return old_console(d, rounds);
	case OLD_ENTROPY:
		return old_entropy(d);
	case OLD_BALLOON:
		return old_balloon(d, rounds);
	case OLD_SCSI:
		return old_scsi(d, rounds);
	case OLD_VMMCI:
		return old_vmmci(d);
	}
	return "that this is a device of 0.9.5";
}

static void
use_all(void)
{
	uint64_t start = time_now();
	unsigned i, wrong = 0;
	const char *why;

	for (i = 0; i < old_count; i++) {
		why = use(&old_devices[i]);
		if (why == NULL)
			continue;
		wrong++;
		print("device %u of type %u: wrong is %s\n",
		    old_devices[i].pci >> 3, old_devices[i].type, why);
	}
	print("round %u: %u of %u devices work, %lu ms\n", rounds,
	    old_count - wrong, old_count, (time_now() - start) / 1000);
	rounds++;
}

static void
run_old(int argc, char **argv)
{
	struct old *net;
	int i, msix = 0;

	merging = 0;
	for (i = 1; i < argc; i++) {
		msix = msix || strcmp(argv[i], "msix") == 0;
		merging = merging || strcmp(argv[i], "merge") == 0;
	}
	old_end();
	virtio_stop();
	rounds = 0;
	if (old_begin(msix, wanted, queues) != 0)
		return;
	net = old_find(OLD_NET, 0);
	if (net != NULL && old_net_open(net) != NULL)
		print("the network card has no room for buffers\n");
	use_all();
}

static void
run_olduse(int argc, char **argv)
{
	use_all();
}

/* Obeys the first thing that the host asks for by vmmci. */
static void
run_oldwait(int argc, char **argv)
{
	struct old *d = old_find(OLD_VMMCI, 0);
	uint64_t end = time_now() + 60000000;
	uint32_t command;

	if (d == NULL) {
		print("no vmmci\n");
		return;
	}
	print("waiting\n");
	while (d->changes == 0 && irq_wait(end))
		continue;
	command = old_config32(d, 0);
	print("asked for %u by %lu changes\n", command, d->changes);
	old_config_set32(d, 0, command);
	if (old_config32(d, 0) != 0)
		print("it was not acknowledged\n");
	console_flush();
	if (command == 1)
		acpi_poweroff();
}

static void
run_oldend(int argc, char **argv)
{
	old_end();
	virtio_start();
}

static const struct command commands[] = {
    {"old", "[msix] [merge]", "drivers of virtio 0.9.5 for all devices", 0, 2,
	run_old},
    {"olduse", "", "use them again", 0, 0, run_olduse},
    {"oldwait", "", "do what vmmci is asked for", 0, 0, run_oldwait},
    {"oldend", "", "the other drivers again", 0, 0, run_oldend},
    {0},
};

const struct command_group cmd_old = {"virtio 0.9.5", 1, commands};
