/*
 * cmd_hvc.c: the virtio console, a second one beside the serial port's.
 */
#include "command.h"
#include "console.h"
#include "hvc.h"
#include "irq.h"
#include "lib.h"

#define CTRL_D 4

static void
run_hvc(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if ((i > 1 && hvc_write(" ", 1) != 0) ||
		    hvc_write(argv[i], strlen(argv[i])) != 0)
			return;
	hvc_write("\r\n", 2);
}

static void
run_hvcsize(int argc, char **argv)
{
	unsigned rows, cols;

	if (hvc_size(&rows, &cols) == 0)
		print("hvc0 is %u x %u\n", rows, cols);
}

/* Both ways: shown here as it comes, and sent back as a terminal shows it. */
static void
run_hvcecho(int argc, char **argv)
{
	char buf[512], text[2 * sizeof(buf)];
	uint64_t total = 0;
	int n, i, end = 0;
	size_t len;

	while (!end && (n = hvc_read(buf, sizeof(buf), 0)) > 0) {
		for (len = 0, i = 0; i < n && !end; i++) {
			end = buf[i] == CTRL_D;
			if (end)
				break;
			text[len++] = buf[i];
			if (buf[i] == '\r')
				text[len++] = '\n';
			print("%c", buf[i] == '\r' ? '\n' : buf[i]);
		}
		console_flush();
		total += (uint64_t)i;
		if (len > 0 && hvc_write(text, len) != 0)
			break;
	}
	print("%lu bytes were typed on hvc0\n", total);
}

static void
run_hvcflood(int argc, char **argv)
{
	char rows[2048];
	uint64_t lines, width = 72, n;
	size_t len = 0;

	if (command_number(argv[1], "LINES", 1, UINT32_MAX, &lines) != 0)
		return;
	if (argc > 2 &&
	    command_number(argv[2], "WIDTH", 10, FLOOD_WIDTH, &width) != 0)
		return;
	for (n = 1; n <= lines; n++) {
		flood_row(rows + len, n, (unsigned)width);
		len += (size_t)width;
		rows[len++] = '\r';
		rows[len++] = '\n';
		if (n < lines && len + (size_t)width + 2 <= sizeof(rows))
			continue;
		if (hvc_write(rows, len) != 0)
			return;
		len = 0;
	}
	print("ok\n");
}

static const struct command commands[] = {
    {"hvc", "TEXT...", "print TEXT on hvc0", 1, ARGS_MAX, run_hvc},
    {"hvcsize", "", "rows and columns of hvc0", 0, 0, run_hvcsize},
    {"hvcecho", "", "show and echo what is typed on hvc0, until ctrl-D", 0, 0,
	run_hvcecho},
    {"hvcflood", "LINES [WIDTH]", "print numbered lines on hvc0", 1, 2,
	run_hvcflood},
    {0},
};

const struct command_group cmd_hvc = {"hvc0", 0, commands};
