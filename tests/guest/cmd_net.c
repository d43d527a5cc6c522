/*
 * cmd_net.c: frames on a virtio network card. NIC is 0 where it is left out.
 */
#include "command.h"
#include "console.h"
#include "irq.h"
#include "lib.h"
#include "net.h"

#define ANSWER_TIME 500000u /* microseconds */

static int
nic_number(int argc, char **argv, int at, uint64_t *nic)
{
	*nic = 0;
	if (argc <= at)
		return 0;
	return command_number(argv[at], "NIC", 0, VIRTIO_MAX, nic);
}

/* All words are text but a last one of the form nic0, if it is not alone. */
static void
run_send(int argc, char **argv)
{
	char text[NET_TEXT_MAX + 1];
	uint64_t nic = 0;
	size_t len = 0;
	int i;

	if (argc > 2 && strncmp(argv[argc - 1], "nic", 3) == 0 &&
	    number_parse(argv[argc - 1] + 3, &nic) == 0)
		argc--;
	for (i = 1; i < argc && len < NET_TEXT_MAX; i++) {
		if (i > 1)
			text[len++] = ' ';
		str_copy(text + len, argv[i], sizeof(text) - len);
		len += strlen(text + len);
	}
	if (net_send(nic, text) != 0)
		return;
	print("sent to everyone on the switch; what comes back:\n");
	if (net_listen(nic, time_now() + ANSWER_TIME) == 0)
		print("nothing, in half a second\n");
}

static void
run_recv(int argc, char **argv)
{
	uint64_t seconds = 10, nic;
	int n;

	if (argc > 1 &&
	    command_number(argv[1], "SECONDS", 1, 3600, &seconds) != 0)
		return;
	if (nic_number(argc, argv, 2, &nic) != 0)
		return;
	n = net_listen(nic, time_now() + seconds * 1000000);
	if (n >= 0)
		print("%d frame%s\n", n, n == 1 ? "" : "s");
}

static void
run_pong(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "on") != 0 &&
	    strcmp(argv[1], "off") != 0) {
		print("pong on or off?\n");
		return;
	}
	if (argc > 1)
		net_pong = argv[1][1] == 'n';
	print("pings are %s\n", net_pong ? "answered" : "not answered");
}

/* Two digits a byte. Returns how many, or -1. */
static int
hex_parse(const char *text, uint8_t *to, unsigned size)
{
	static const char digits[] = "0123456789abcdef";
	unsigned n = 0, i, d;

	for (; *text != '\0'; text++, n++) {
		for (d = 0; d < 16 && digits[d] != *text; d++)
			continue;
		i = n / 2;
		if (d == 16 || i >= size)
			return -1;
		to[i] = (uint8_t)(n % 2 == 0 ? d << 4 : to[i] | d);
	}
	return n % 2 == 0 ? (int)(n / 2) : -1;
}

static void
run_netctl(int argc, char **argv)
{
	uint8_t request[NET_CONTROL_MAX];
	int len = hex_parse(argv[1], request, sizeof(request)), answer;
	uint64_t nic;

	if (len < 0) {
		print("HEX is two digits a byte, class and command first\n");
		return;
	}
	if (nic_number(argc, argv, 2, &nic) != 0)
		return;
	answer = net_control(nic, request, (unsigned)len, argc > 3);
	if (answer >= 0)
		print("answer %d\n", answer);
}

static const struct command commands[] = {
    {"send", "TEXT... [nicN]", "broadcast TEXT, show the answers (try ping)", 1,
	ARGS_MAX, run_send},
    {"recv", "[SECONDS [NIC]]", "show what comes in, until ctrl-C", 0, 2,
	run_recv},
    {"netctl", "HEX [NIC [split]]", "a request of the control queue", 1, 3,
	run_netctl},
    {"pong", "[on|off]", "whether to answer a ping, also when idle", 0, 1,
	run_pong},
    {0},
};

const struct command_group cmd_net = {"network", 0, commands};
