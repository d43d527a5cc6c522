#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "config/config.h"
#include "config/size.h"
#include "tui/cli/cli.h"

#define COLUMNS        80
#define REASON_AT      5
#define NAME_MAX_WIDTH 22
#define TAKEN_WIDTH    6 /* of the column that is there if it is needed */

static const char *
text(const json_t *guest, const char *key)
{
	const char *s = json_string_value(json_object_get(guest, key));

	return s != NULL ? s : "";
}

static long long
number(const json_t *guest, const char *key)
{
	return (long long)json_number_value(json_object_get(guest, key));
}

static bool
runs(const json_t *guest)
{
	return number(guest, "pid") != 0;
}

/* "3d 04:12", "4:12:07", "0:31". */
static const char *
uptime(long long s, char *buf, size_t len)
{
	if (s >= 86400)
		snprintf(buf, len, "%lldd %02lld:%02lld", s / 86400,
		    s / 3600 % 24, s / 60 % 60);
	else if (s >= 3600)
		snprintf(buf, len, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60,
		    s % 60);
	else
		snprintf(buf, len, "%lld:%02lld", s / 60, s % 60);
	return buf;
}

/* What a guest says of its end or its trouble, broken into lines. */
static void
print_reason(const char *reason)
{
	size_t room = COLUMNS - REASON_AT, n, i;

	while (*reason != '\0') {
		n = strlen(reason);
		for (i = room; n > room && i > 0; i--)
			if (reason[i] == ' ')
				n = i;
		/* A word that fits no line is left as it is. */
		if (n > room && strcspn(reason, " ") > room)
			n = strcspn(reason, " ");
		printf("%*s%.*s\n", REASON_AT, "", (int)n, reason);
		reason += n;
		reason += strspn(reason, " ");
	}
}

/* What the guest gave back of its memory, by its balloon. */
static uint64_t
taken(const json_t *guest)
{
	return (uint64_t)number(json_object_get(guest, "balloon"), "taken");
}

static void
print_guest(const json_t *guest, int width, bool balloons)
{
	char cpu[16] = "", back[16] = "", mem[16], used[16] = "", up[32] = "",
	     pid[24] = "";
	const json_t *share = json_object_get(guest, "cpu");
	const char *name = text(guest, "name");
	char line[256];
	size_t n;

	size_short((uint64_t)number(guest, "memory"), mem, sizeof mem);
	if (taken(guest) > 0)
		size_short(taken(guest), back, sizeof back);
	if (runs(guest)) {
		size_short(
		    (uint64_t)number(guest, "memory_used"), used, sizeof used);
		uptime(number(guest, "uptime"), up, sizeof up);
		snprintf(pid, sizeof pid, "%lld", number(guest, "pid"));
		if (json_is_number(share))
			snprintf(
			    cpu, sizeof cpu, "%lld%%", number(guest, "cpu"));
		else
			snprintf(cpu, sizeof cpu, "-");
	}
	/* A long name has a line to itself. */
	if ((int)strlen(name) > width) {
		printf("%3lld  %s\n", number(guest, "id"), name);
		snprintf(line, sizeof line, "%*s", width + 5, "");
	} else {
		snprintf(line, sizeof line, "%3lld  %-*s", number(guest, "id"),
		    width, name);
	}
	n = strlen(line);
	snprintf(line + n, sizeof line - n,
	    "  %-8s %4lld %6s%*s %5s %5s %9s %7s", text(guest, "state"),
	    number(guest, "cpus"), mem, balloons ? TAKEN_WIDTH : 0, back, used,
	    cpu, up, pid);
	for (n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
	printf("%s\n", line);
	print_reason(text(guest, "reason"));
}

/* What keeps the guest's process from the host, in lines of 78 columns. */
static void
print_words(const char *title, const json_t *words)
{
	const json_t *word;
	size_t i, at, len;

	if (json_array_size(words) == 0)
		return;
	at = (size_t)printf("%s", title);
	json_array_foreach (words, i, word) {
		len = strlen(json_string_value(word)) + 2;
		if (at + len > 78)
			at = (size_t)printf("\n ") - 1;
		at += len;
		printf(" %s%s", json_string_value(word),
		    i + 1 < json_array_size(words) ? "," : "\n");
	}
}

static void
print_confinement(const json_t *guest)
{
	const json_t *c = json_object_get(guest, "confinement");

	if (c == NULL)
		return;
	printf("\nConfined as user %lld\n", number(c, "uid"));
	print_words("In force:", json_object_get(c, "holds"));
	print_words(
	    "Not to be had on this host:", json_object_get(c, "refused"));
}

static void
print_all(const json_t *guests, bool running)
{
	bool balloons = false;
	json_t *guest;
	int width = 4, most, n;
	size_t i;

	json_array_foreach (guests, i, guest)
		balloons |= taken(guest) > 0;
	most = NAME_MAX_WIDTH - (balloons ? TAKEN_WIDTH : 0);
	json_array_foreach (guests, i, guest) {
		n = (int)strlen(text(guest, "name"));
		if (n > width)
			width = n > most ? most : n;
	}
	printf("%3s  %-*s  %-8s %4s %6s%*s %5s %5s %9s %7s\n", "ID", width,
	    "NAME", "STATE", "CPUS", "MEMORY", balloons ? TAKEN_WIDTH : 0,
	    balloons ? "BACK" : "", "USED", "CPU", "UP", "PID");
	json_array_foreach (guests, i, guest)
		if (runs(guest) || !running)
			print_guest(guest, width, balloons);
}

/* Which of the host's CPUs it is bound to, if it is. */
static void
print_pins(const json_t *guest)
{
	const json_t *pins = json_object_get(guest, "pin");
	long long n = number(guest, "cpus"), i;
	size_t have = json_array_size(pins);

	if (have == 0)
		return;
	printf("\nOn the host's CPU%s", n > 1 ? "s" : "");
	for (i = 0; i < n; i++)
		printf("%s %lld", i > 0 ? "," : "",
		    (long long)json_integer_value(
			json_array_get(pins, (size_t)i % have)));
	printf(" only\n");
}

static void
print_one(const json_t *guest)
{
	cli_print_since(guest);
	print_pins(guest);
	cli_print_links(guest);
	cli_print_disc(guest);
	cli_print_balloon(guest);
	print_confinement(guest);
	cli_print_history(guest);
}

/*
 * --names: one a line, for completion: from a backend if there is one, else
 * from the configuration; nobody wants a backend started by a tab key.
 */
static void
print_names(struct cli *cli)
{
	const struct client_options options = {.config = cli->config};
	struct config_mistakes mistakes = {0};
	struct config *config = NULL;
	json_t *ret = NULL, *guest;
	char path[4096];
	size_t i;

	if ((cli->base = event_base_new()) != NULL)
		cli->client = client_new(cli->base, &options, NULL, NULL, NULL);
	if (cli->client != NULL)
		ret = client_wait(cli->client, "status", NULL, NULL, NULL);
	json_array_foreach (json_object_get(ret, "guests"), i, guest)
		printf("%s\n", text(guest, "name"));
	json_decref(ret);
	if (ret != NULL)
		return;
	if (cli->config != NULL)
		snprintf(path, sizeof path, "%s", cli->config);
	else if (config_default_path(path, sizeof path, NULL) == -1)
		return;
	if (config_load(path, CONFIG_MISSING_OK, &config, &mistakes) == 0)
		for (i = 0; i < config->nvms; i++)
			printf("%s\n", config->vms[i].name);
	config_free(config);
	config_mistakes_clear(&mistakes);
}

/* -r for --json. */
static void
keep_running(json_t *guests)
{
	size_t i = json_array_size(guests);

	while (i-- > 0)
		if (!runs(json_array_get(guests, i)))
			json_array_remove(guests, i);
}

static int
run(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'},
	    {"names", no_argument, NULL, 'n'},
	    {0},
	};
	bool json = false, running = strcmp(cli->command->name, "show") == 0;
	bool names = false;
	json_t *ret, *guests, *mistakes, *line;
	int opt;
	size_t i;

	while ((opt = getopt_long(argc, argv, "r", longs, NULL)) != -1) {
		if (opt == '?')
			return cli_usage(cli);
		json |= opt == 'j';
		running |= opt == 'r';
		names |= opt == 'n';
	}
	if (argc - optind > 1)
		return cli_usage(cli);
	if (names) {
		print_names(cli);
		return 0;
	}
	ret = cli_ask(cli, "status",
	    optind < argc ? json_pack("{s:s}", "name", argv[optind]) : NULL,
	    NULL);
	if (ret == NULL)
		return 1;
	guests = json_object_get(ret, "guests");
	if (json) {
		if (running)
			keep_running(guests);
		json_dumpf(
		    ret, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		printf("\n");
	} else {
		print_all(guests, running);
		if (optind < argc)
			print_one(json_array_get(guests, 0));
		mistakes =
		    json_object_get(json_object_get(ret, "config"), "mistakes");
		fflush(stdout);
		json_array_foreach (mistakes, i, line)
			fprintf(stderr, "%s\n", json_string_value(line));
	}
	json_decref(ret);
	return 0;
}

const struct command command_status = {
    .name = "status",
    .usage = "[-r] [--json | --names] [NAME]",
    .help = "Lists the guests; -r only those that run",
    .run = run,
};

const struct command command_show = {
    .name = "show",
    .usage = "[--json] [NAME]",
    .help = "Lists the guests that run",
    .run = run,
};
