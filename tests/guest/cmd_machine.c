/*
 * cmd_machine.c: looking at the machine and ending it.
 */
#include "acpi.h"
#include "boot.h"
#include "command.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"
#include "pci.h"
#include "rtc.h"
#include "virtio.h"

/* Text that cpuid returns in registers, n of them, shown without padding. */
static void
text_print(const uint32_t *words, unsigned n)
{
	char text[64], *p = text;

	memcpy(text, words, n * 4);
	text[n * 4] = '\0';
	while (*p == ' ')
		p++;
	print("%s", p);
}

static void
info_cpu(void)
{
	struct cpuid r = cpu_id(0, 0);
	uint32_t words[12] = {r.b, r.d, r.c};
	unsigned i;

	print("cpu       ");
	text_print(words, 3);
	if (cpu_id(0x80000000, 0).a >= 0x80000004) {
		for (i = 0; i < 3; i++) {
			r = cpu_id(0x80000002 + i, 0);
			memcpy(&words[i * 4], &r, 16);
		}
		print(", ");
		text_print(words, 12);
	}
	print("\ncpus      %u\n", acpi.cpus > 0 ? acpi.cpus : 1);
	print("host      ");
	if (cpu_id(1, 0).c & 1u << 31) {
		r = cpu_id(0x40000000, 0);
		words[0] = r.b;
		words[1] = r.c;
		words[2] = r.d;
		text_print(words, 3);
		print("\n");
	} else {
		print("shows no hypervisor\n");
	}
}

static void
info_memory(void)
{
	static const char *const names[] = {
	    "other", "usable", "reserved", "ACPI", "ACPI NVS", "bad"};
	const struct boot_range *r;
	unsigned i;

	print("memory    %lu MiB usable\n", boot_memory());
	for (i = 0; i < boot.ranges; i++) {
		r = &boot.map[i];
		print("  %09lx-%09lx  %s\n", r->start, r->start + r->size - 1,
		    names[r->type < 6 ? r->type : 0]);
	}
}

static const char *
class_name(unsigned class)
{
	switch (class) {
	case 0x0600:
		return "host bridge";
	case 0x0601:
		return "ISA bridge";
	case 0x0680:
		return "bridge";
	case 0x0101:
		return "IDE";
	case 0x0200:
		return "network";
	}
	switch (class >> 8) {
	case 0x01:
		return "storage";
	case 0x02:
		return "network";
	case 0x03:
		return "display";
	case 0x07:
		return "serial";
	}
	return "other";
}

static void
info_pci(void)
{
	unsigned addr, line, pin;
	int at = -1;

	print("pci\n");
	while ((at = pci_next(at)) >= 0) {
		addr = (unsigned)at;
		line = pci_read8(addr, PCI_IRQ_LINE);
		pin = pci_read8(addr, PCI_IRQ_PIN);
		print("  00:%02x.%u  %04x:%04x  class %04x  ", addr >> 3,
		    addr & 7, pci_read16(addr, PCI_VENDOR),
		    pci_read16(addr, PCI_DEVICE), pci_read16(addr, PCI_CLASS));
		if (pin == 0)
			print("no irq  ");
		else
			print("irq %-2u  ", line);
		print("%s\n", class_name(pci_read16(addr, PCI_CLASS)));
	}
}

static void
info_virtio(void)
{
	struct virtio *v;
	uint64_t kicks;
	unsigned i, q;

	print("virtio\n");
	for (i = 0; (v = virtio_at(i)) != NULL; i++) {
		print("  00:%02x.%u  ", v->pci >> 3, v->pci & 7);
		if (v->driver == NULL) {
			print("type %u: %s\n", v->type, v->problem);
			continue;
		}
		print("%s %u  ", v->driver->name, v->number);
		if (v->problem != NULL) {
			print("not in use: %s\n", v->problem);
			continue;
		}
		v->driver->describe(v);
		for (kicks = 0, q = 0; q < v->driver->queues; q++)
			kicks += v->queue[q].kicks;
		print(
		    "\n           %s %s, features %lx of %lx, %lu interrupts, "
		    "%lu kicks\n",
		    v->legacy ? "legacy" : "modern", virtio_irq_name(v->irq),
		    v->features, v->offered, v->interrupts, kicks);
	}
	if (i == 0)
		print("  none\n");
}

static void
run_info(int argc, char **argv)
{
	print("boot      %s protocol\n", boot.protocol);
	print("cmdline   %s\n", boot.cmdline);
	info_cpu();
	print("time      ");
	rtc_print();
	info_memory();
	info_pci();
	info_virtio();
}

static void
run_time(int argc, char **argv)
{
	rtc_print();
}

static void
run_rtc(int argc, char **argv)
{
	uint64_t bits, rate, ms;

	if (command_number(argv[1], "BITS", 0, 0x70, &bits) == 0 &&
	    command_number(argv[2], "RATE", 0, 15, &rate) == 0 &&
	    command_number(argv[3], "MS", 1, 60000, &ms) == 0)
		rtc_interrupts((unsigned)bits, (unsigned)rate, (unsigned)ms);
}

static void
run_acpi(int argc, char **argv)
{
	if (acpi.rsdp == 0) {
		print("this machine has no ACPI\n");
		return;
	}
	print("RSDP %lx  FADT %lx  MADT %lx  DSDT %lx\n", acpi.rsdp, acpi.fadt,
	    acpi.madt, acpi.dsdt);
	print("PM1a_EVT %x  PM1a_CNT %x", acpi.pm1a_event, acpi.pm1a_control);
	if (acpi.pm1a_control != 0)
		print(" = %04x", in16(acpi.pm1a_control));
	print("  SCI %u\n", acpi.sci);
	if (acpi.s5 >= 0)
		print("SLP_TYP of \\_S5_ %d\n", acpi.s5);
	else
		print("no \\_S5_ in the DSDT\n");
	if (acpi.reset_space >= 0)
		print("reset register: space %d, address %lx, value %02x\n",
		    acpi.reset_space, acpi.reset_addr, acpi.reset_value);
	else
		print("no reset register\n");
}

static int
mode_word(const char *word, struct virtio_setup *s)
{
	if (strcmp(word, "modern") == 0 || strcmp(word, "legacy") == 0)
		s->legacy = word[0] == 'l';
	else if (strcmp(word, "plain") == 0 || strcmp(word, "full") == 0)
		s->plain = word[0] == 'p';
	else if (strcmp(word, "msix") == 0)
		s->irq = VIRTIO_MSIX;
	else if (strcmp(word, "intx") == 0)
		s->irq = VIRTIO_INTX;
	else if (strcmp(word, "poll") == 0)
		s->irq = VIRTIO_POLL;
	else
		return -1;
	return 0;
}

static void
run_mode(int argc, char **argv)
{
	struct virtio_setup setup = virtio_setup;
	struct virtio *v;
	int i;
	unsigned n;

	for (i = 1; i < argc; i++)
		if (mode_word(argv[i], &setup) != 0) {
			print("mode \"%s\" is none of modern, legacy, msix, "
			      "intx, poll, plain, full\n",
			    argv[i]);
			return;
		}
	if (argc > 1) {
		virtio_setup = setup;
		virtio_start();
	}
	for (n = 0; (v = virtio_at(n)) != NULL; n++) {
		if (v->driver == NULL)
			continue;
		print("%s %u: %s %s%s%s\n", v->driver->name, v->number,
		    v->legacy ? "legacy" : "modern", virtio_irq_name(v->irq),
		    v->problem != NULL ? ", not in use: " : "",
		    v->problem != NULL ? v->problem : "");
	}
	if (n == 0)
		print("this machine has no virtio devices\n");
}

static void
run_poweroff(int argc, char **argv)
{
	const char *why;

	print("switching off\n");
	virtio_stop();
	why = acpi_poweroff();
	print("power-off failed: %s\n", why);
	virtio_start();
}

static void
run_reboot(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "kbd";
	const char *why = "the machine still runs a second later";
	uint64_t until;
	unsigned tries;

	print("rebooting\n");
	if (strcmp(how, "kbd") == 0) {
		for (tries = 0; tries < 100 && (in8(0x64) & 2); tries++)
			relax();
		out8(0x64, 0xfe);
	} else if (strcmp(how, "port92") == 0) {
		out8(0x92, in8(0x92) & 0xfe);
		out8(0x92, in8(0x92) | 1);
	} else if (strcmp(how, "cf9") == 0) {
		out8(0xcf9, 0x02);
		out8(0xcf9, 0x06);
	} else if (strcmp(how, "acpi") == 0) {
		why = acpi_reset();
		print("reset failed: %s\n", why);
		return;
	} else {
		print("reboot by \"%s\"? It is one of kbd, acpi, port92, cf9\n",
		    how);
		return;
	}
	for (until = time_now() + 1000000; time_now() < until;)
		relax();
	print("reset failed: %s\n", why);
}

static void
run_crash(int argc, char **argv)
{
	print("crashing: an exception with no table to handle it\n");
	gate(GATE_CRASH);
}

static void
run_lost(int argc, char **argv)
{
	print("lost: executing what is no memory\n");
	gate(GATE_LOST);
}

static void
run_hang(int argc, char **argv)
{
	print("hanging with interrupts off; only force stops this now\n");
	gate(GATE_IRQ_OFF);
	for (;;)
		relax();
}

static void
run_halt(int argc, char **argv)
{
	print("halted with interrupts off\n");
	gate(GATE_HALT);
}

static const struct command commands[] = {
    {"info", "", "what this machine is made of", 0, 0, run_info},
    {"time", "", "date and time of its clock", 0, 0, run_time},
    {"rtc", "BITS RATE MS", "count its interrupts for so long", 3, 3, run_rtc},
    {"acpi", "", "what its firmware tables say", 0, 0, run_acpi},
    {"mode", "[WORD...]", "virtio by modern|legacy, msix|intx|poll, full|plain",
	0, 7, run_mode},
    {"poweroff", "", "switch it off, as the power button does", 0, 0,
	run_poweroff},
    {"reboot", "[HOW]", "start again, by kbd|acpi|port92|cf9", 0, 1,
	run_reboot},
    {"crash", "", "a triple fault", 0, 0, run_crash},
    {"lost", "", "an instruction that KVM cannot emulate", 0, 0, run_lost},
    {"hang", "", "spin for ever and listen to nothing", 0, 0, run_hang},
    {"halt", "", "stop the cpu for ever", 0, 0, run_halt},
    {0},
};

const struct command_group cmd_machine = {"machine", 0, commands};
