/*
 * cmd_stress.c: everything at once, for a while: the disks of stress.h, a
 * flood of frames, the balloon, both consoles.
 */
#include "acpi.h"
#include "balloon.h"
#include "command.h"
#include "console.h"
#include "cpu.h"
#include "hvc.h"
#include "irq.h"
#include "lib.h"
#include "net.h"
#include "stress.h"

#define BATCH   16
#define HOUR_MS 3600000u

#define AP_START      0x3000u
#define LAPIC_COMMAND 0xfee00300u

/* What is done besides, each in its own rhythm. */
static struct {
	uint64_t balloon, report, text, tell, wake;
	uint64_t moves, reports, rows, announced;
} other;

static int
has(unsigned type)
{
	struct virtio *v;
	unsigned i;

	for (i = 0; (v = virtio_at(i)) != NULL; i++)
		if (v->type == type && v->problem == NULL)
			return 1;
	return 0;
}

static int
move_balloon(uint64_t now)
{
	uint64_t pages;

	if (!has(VIRTIO_BALLOON))
		return 0;
	if (now >= other.balloon) {
		other.balloon = now + 150000 + stress_random(200000);
		other.moves++;
		if (balloon_follow(&pages) != 0)
			return -1;
	}
	if (now >= other.report) {
		other.report = now + 200000 + stress_random(200000);
		other.reports++;
		return balloon_report(1 + stress_random(64));
	}
	return 0;
}

static int
print_something(uint64_t now)
{
	char row[FLOOD_WIDTH + 2];
	const struct stress_counts *c = &stress_counts;

	if (now >= other.text && has(VIRTIO_CONSOLE)) {
		other.text = now + 20000;
		flood_row(row, ++other.rows, 72);
		row[72] = '\n';
		if (hvc_write(row, 73) != 0)
			return -1;
	}
	if (now >= other.tell) {
		other.tell = now + 1000000;
		print("stress: %lu so far\n", c->reads + c->writes);
	}
	return 0;
}

/*
 * The other processors, if there are any, begin at 0x3000 in real mode (SDM
 * volume 3, 9.4.4) and read PCI's and the clock's registers 2000 times:
 * mov $2000,%cx; 1: mov $0xcf8,%dx; in %dx,%eax; in $0x71,%al; loop 1b;
 * 2: hlt; jmp 2b
 */
static void
wake_processors(uint64_t now)
{
	static const uint8_t code[] = {0xb9, 0xd0, 0x07, 0xba, 0xf8, 0x0c, 0x66,
	    0xed, 0xe4, 0x71, 0xe2, 0xf7, 0xf4, 0xeb, 0xfd};

	if (now < other.wake)
		return;
	other.wake = now + 3000000;
	memcpy((void *)(uintptr_t)AP_START, code, sizeof(code));
	mmio_w32(LAPIC_COMMAND, 0xc4500);
	mmio_w32(LAPIC_COMMAND, 0xc4600 | AP_START >> 12);
}

static int
flood(unsigned frames)
{
	int announced;

	if (net_flood(0, stress_random(frames + 1)) == NULL)
		return -1;
	announced = net_announce(0);
	if (announced > 0)
		print("stress: announced %lu\n", ++other.announced);
	return announced < 0 ? -1 : 0;
}

static int
others(unsigned frames)
{
	uint64_t now = time_now();

	if (acpi.cpus > 1)
		wake_processors(now);
	if ((frames > 0 && has(VIRTIO_NET) && flood(frames) != 0) ||
	    move_balloon(now) != 0 || print_something(now) != 0) {
		print("stress: FAILED: besides the disks\n");
		return -1;
	}
	return 0;
}

static int
stress(uint64_t end, unsigned frames)
{
	unsigned turns = 0;
	int n;

	while (time_now() < end) {
		stress_begin(BATCH);
		n = stress_reap();
		if (n < 0)
			return -1;
		/* Others want a processor, too. */
		if (n == 0)
			irq_wait(time_now() + 1000);
		else
			irq_poll();
		if (++turns % 8 != 0)
			continue;
		stress_silence();
		if (others(frames) != 0)
			return -1;
		/* Any key: the host's clock is better than ours. */
		if (console_read(1) >= 0)
			break;
	}
	while (stress_busy())
		if (stress_reap() < 0 || irq_wait(time_now() + 1000) < 0)
			return -1;
	return 0;
}

static void
tell(void)
{
	const struct stress_counts *c = &stress_counts;
	struct net_flood *f = has(VIRTIO_NET) ? net_flood(0, 0) : NULL;

	print("stress: %lu reads, %lu writes, %lu discards, %lu zeroes, ",
	    c->reads, c->writes, c->discards, c->zeroes);
	print("%lu flushes, %lu attentions\n", c->flushes, c->attentions);
	print("stress: %lu sectors verified, %lu balloon moves, %lu reports, "
	      "%lu rows\n",
	    c->verified, other.moves, other.reports, other.rows);
	if (f != NULL)
		print("stress: frames: %lu sent, %lu received, %lu wrong; "
		      "by pair %lu %lu %lu %lu\n",
		    f->sent, f->received, f->wrong, f->by_pair[0],
		    f->by_pair[1], f->by_pair[2], f->by_pair[3]);
}

static void
run_stress(int argc, char **argv)
{
	uint64_t ms, seed, frames = 0;

	if (command_number(argv[1], "MS", 0, HOUR_MS, &ms) != 0 ||
	    command_number(argv[2], "SEED", 0, UINT32_MAX, &seed) != 0 ||
	    (argc > 3 &&
		command_number(argv[3], "FRAMES", 0, 64, &frames) != 0))
		return;
	memset(&other, 0, sizeof(other));
	stress_seed(seed);
	if (stress_open() != 0)
		return;
	if (stress(time_now() + ms * 1000, (unsigned)frames) != 0 ||
	    stress_verify() != 0 || stress_close() != 0) {
		tell();
		print("stress: it FAILED\n");
		return;
	}
	tell();
	print("stress: all is well\n");
}

static const struct command commands[] = {
    {"stress", "MS SEED [FRAMES]",
	"requests to the ledger's disks, until a key", 2, 3, run_stress},
    {0},
};

const struct command_group cmd_stress = {"stress", 0, commands};
