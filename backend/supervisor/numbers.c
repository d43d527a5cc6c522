#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "backend/proto/paths.h"
#include "backend/supervisor/numbers.h"
#include "config/log.h"

/* Names that were used once would pile up: then all begin anew. */
#define NAMES_MAX 20000

static int
numbers_path(char *buf, size_t len)
{
	size_t n;

	if (paths_rundir(buf, len, NULL) == -1)
		return -1;
	n = strlen(buf);
	return (size_t)snprintf(buf + n, len - n, "/numbers") < len - n ? 0
									: -1;
}

/* What the backend before this one gave. What is none of it is left out. */
static void
load(struct backend *b)
{
	char path[PATH_MAX];
	json_t *value;
	json_int_t n;
	const char *name;
	void *next;

	b->numbers = NULL;
	b->last_number = 0;
	if (numbers_path(path, sizeof path) == 0)
		b->numbers = json_load_file(path, 0, NULL);
	if (!json_is_object(b->numbers)) {
		json_decref(b->numbers);
		b->numbers = json_object();
	}
	json_object_foreach_safe(b->numbers, next, name, value)
	{
		n = json_integer_value(value);
		if (n < 1 || n > INT_MAX)
			json_object_del(b->numbers, name);
		else if (n > (json_int_t)b->last_number)
			b->last_number = (unsigned)n;
	}
}

void
numbers_save(struct backend *b)
{
	char path[PATH_MAX], fresh[PATH_MAX + sizeof ".new"];

	if (!b->numbers_changed)
		return;
	b->numbers_changed = false;
	if (numbers_path(path, sizeof path) == -1)
		return;
	snprintf(fresh, sizeof fresh, "%s.new", path);
	if (json_dump_file(b->numbers, fresh, JSON_COMPACT) == -1 ||
	    rename(fresh, path) == -1)
		log_warn("the numbers of guests cannot be written to %s: a "
			 "backend after this one will give others",
		    path);
}

void
numbers_close(struct backend *b)
{
	numbers_save(b);
	json_decref(b->numbers);
	b->numbers = NULL;
}

unsigned
numbers_of(struct backend *b, const char *name)
{
	json_int_t n;

	if (b->numbers == NULL)
		load(b);
	n = json_integer_value(json_object_get(b->numbers, name));
	if (n > 0)
		return (unsigned)n;
	if (json_object_size(b->numbers) >= NAMES_MAX) {
		json_object_clear(b->numbers);
		b->last_number = 0;
	}
	json_object_set_new(b->numbers, name, json_integer(++b->last_number));
	b->numbers_changed = true;
	return b->last_number;
}
