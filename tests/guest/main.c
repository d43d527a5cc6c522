/*
 * main.c: the test guest's beginning: sets itself up, says what it is, runs
 * what the command line asks for, and gives the prompt.
 *
 * The kernel command line:
 *	run=CMD;CMD...	commands to run first. A comma stands for a blank, or
 *			the whole is in double quotes: run="read 0;info"
 *	quiet		no banner
 */
#include "acpi.h"
#include "boot.h"
#include "console.h"
#include "cpu.h"
#include "irq.h"
#include "lib.h"
#include "prompt.h"
#include "rtc.h"
#include "virtio.h"

/* start.S calls these two and has left the others. */
void guest_main(void);
void guest_fault(void);
extern uint64_t fault_vector, fault_error, fault_rip, fault_address;

static int started;

static void
banner(void)
{
	unsigned count[VIRTIO_BALLOON + 1] = {0}, i;
	struct virtio *v;

	for (i = 0; (v = virtio_at(i)) != NULL; i++)
		if (v->problem == NULL && v->type <= VIRTIO_BALLOON)
			count[v->type]++;
	print("\n  vmtui test guest\n\n");
	print("  A whole machine in %lu MiB: %u cpu%s, ", boot_memory(),
	    acpi.cpus > 1 ? acpi.cpus : 1, acpi.cpus > 1 ? "s" : "");
	print("%u disk%s, %u network card%s,\n  ", count[VIRTIO_BLK],
	    count[VIRTIO_BLK] == 1 ? "" : "s", count[VIRTIO_NET],
	    count[VIRTIO_NET] == 1 ? "" : "s");
	print("%s.\n  Its clock: ",
	    count[VIRTIO_RNG] > 0 ? "and random numbers from the host"
				  : "and no random numbers");
	rtc_print();
	print("\n  help       what it can do\n"
	      "  info       what it is made of\n"
	      "  send ping  who else is on its network\n"
	      "  poweroff   the end\n\n");
}

static void
run_option(void)
{
	char line[1024], *p;
	int quoted = boot_option("run", line, sizeof(line));

	if (quoted < 0)
		return;
	for (p = line; *p != '\0' && !quoted; p++)
		if (*p == ',')
			*p = ' ';
	prompt_show_and_run(line);
}

void
guest_main(void)
{
	console_init();
	cpu_init();
	boot_init();
	acpi_init();
	irq_init();
	console_listen();
	acpi_listen();
	virtio_start();
	started = 1;
	if (!boot_flag("quiet"))
		banner();
	run_option();
	prompt_loop();
}

void
guest_fault(void)
{
	print("\nexception %lu, error code %lx, at %lx", fault_vector,
	    fault_error, fault_rip);
	if (fault_vector == 14)
		print(", address %lx", fault_address);
	print("\n");
	console_flush();
	if (!started)
		gate(GATE_HALT);
	irq_recover();
	prompt_loop();
}
