/* What a guest went through: the ends that no person asked for. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tui/cli/cli.h"

static const char *
when_text(const json_t *obj, const char *key, char *buf, size_t len)
{
	time_t when = (time_t)json_integer_value(json_object_get(obj, key));
	struct tm tm;

	localtime_r(&when, &tm);
	strftime(buf, len, "%Y-%m-%d %H:%M:%S", &tm);
	return buf;
}

void
cli_print_since(const json_t *guest)
{
	const char *state = json_string_value(json_object_get(guest, "state"));
	char when[32];

	if (state != NULL)
		printf("\n%s is %s since %s\n",
		    json_string_value(json_object_get(guest, "name")), state,
		    when_text(guest, "since", when, sizeof when));
}

void
cli_print_history(const json_t *guest)
{
	const json_t *r = json_object_get(guest, "restarts"), *end;
	const json_t *ends = json_object_get(r, "ends");
	const char *policy, *state, *reason;
	char when[32];
	long long count = json_integer_value(json_object_get(r, "count"));
	size_t i;

	policy = json_string_value(json_object_get(r, "policy"));
	if (policy == NULL ||
	    (strcmp(policy, "no") == 0 && json_array_size(ends) == 0))
		return;
	printf("\nrestart = %s: started again %lld time%s%s%s\n", policy, count,
	    count == 1 ? "" : "s",
	    json_integer_value(json_object_get(r, "next")) != 0 ? ", next at "
								: "",
	    json_integer_value(json_object_get(r, "next")) != 0
		? when_text(r, "next", when, sizeof when)
		: "");
	json_array_foreach (ends, i, end) {
		state = json_string_value(json_object_get(end, "state"));
		reason = json_string_value(json_object_get(end, "reason"));
		printf("%s  %s  %s\n",
		    when_text(end, "when", when, sizeof when),
		    json_is_false(json_object_get(end, "ran")) ? "not started"
			: state != NULL                        ? state
							       : "",
		    reason != NULL ? reason : "");
	}
}
