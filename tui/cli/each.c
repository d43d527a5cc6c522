/* What several commands do: the same to each of the guests that are named. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "tui/cli/cli.h"

struct each {
	const char *name;
	struct all *all;
};

struct all {
	int left, status;
};

static void
on_answer(json_t *ret, int fd, const char *why, void *arg)
{
	struct each *one = arg;
	const char *state, *reason;

	one->all->left--;
	if (why != NULL) {
		one->all->status = cli_fail("%s", why);
		return;
	}
	/* Of "wait": the guest as it ended. */
	state = json_string_value(json_object_get(ret, "state"));
	reason = json_string_value(json_object_get(ret, "reason"));
	if (state != NULL && strcmp(state, "crashed") == 0)
		one->all->status =
		    cli_fail("%s crashed: %s", one->name, reason);
}

int
cli_each(
    struct cli *cli, const char *command, const char *flag, char **names, int n)
{
	struct all all = {.left = n};
	struct each *each;
	json_t *args;
	int i;

	if (cli_connect(cli) != 0 ||
	    (each = calloc((size_t)n + 1, sizeof *each)) == NULL)
		return 1;
	for (i = 0; i < n; i++) {
		each[i] = (struct each){names[i], &all};
		args = json_pack("{s:s}", "name", names[i]);
		if (flag != NULL)
			json_object_set_new(args, flag, json_true());
		client_call(cli->client, command, args, on_answer, &each[i]);
	}
	while (all.left > 0)
		if (event_base_loop(cli->base, EVLOOP_ONCE) != 0)
			break;
	free(each);
	return all.status;
}

void
cli_names_free(char **names)
{
	int i;

	for (i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

char **
cli_names(struct cli *cli, bool running, int *n)
{
	json_t *ret, *list, *guest;
	const char *state;
	char **names;
	bool runs;
	size_t i;

	*n = 0;
	if ((ret = cli_ask(cli, "status", NULL, NULL)) == NULL)
		return NULL;
	list = json_object_get(ret, "guests");
	names = calloc(json_array_size(list) + 1, sizeof *names);
	json_array_foreach (list, i, guest) {
		state = json_string_value(json_object_get(guest, "state"));
		runs = state != NULL && strcmp(state, "stopped") != 0 &&
		    strcmp(state, "crashed") != 0;
		if (names != NULL && runs == running)
			names[(*n)++] = strdup(
			    json_string_value(json_object_get(guest, "name")));
	}
	json_decref(ret);
	if (names == NULL)
		cli_fail("no memory");
	return names;
}
