#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/mem.h"
#include "config/mistake.h"

void
mistake_add(struct config_mistakes *ms, int line, const char *fmt, ...)
{
	struct config_mistake *m;
	char text[768];
	va_list ap;

	if (ms->count == CONFIG_MISTAKES_MAX) {
		ms->dropped++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ms->list = mem_grow(ms->list, ms->count, sizeof *ms->list);
	m = &ms->list[ms->count++];
	m->line = line;
	m->text = mem_dup(text);
}

bool
mistake_room(const struct config_mistakes *ms)
{
	return ms->count < CONFIG_MISTAKES_MAX;
}

/* By insertion: nearly sorted already, and the order of equals stays. */
void
mistake_sort(struct config_mistakes *ms)
{
	struct config_mistake m;
	size_t i, j;

	for (i = 1; i < ms->count; i++) {
		m = ms->list[i];
		for (j = i; j > 0 && ms->list[j - 1].line > m.line; j--)
			ms->list[j] = ms->list[j - 1];
		ms->list[j] = m;
	}
}

const char *
mistake_hint(
    const char *word, const char *const *candidates, char *buf, size_t len)
{
	const char *near = config_nearest(word, candidates);

	buf[0] = '\0';
	if (near != NULL)
		snprintf(buf, len, " (did you mean \"%s\"?)", near);
	return buf;
}

const char *
config_mistake_format(
    const struct config_mistakes *ms, size_t i, char *buf, size_t len)
{
	const struct config_mistake *m = &ms->list[i];
	const char *path = ms->path != NULL ? ms->path : "configuration";

	if (m->line > 0)
		snprintf(buf, len, "%s:%d: %s", path, m->line, m->text);
	else
		snprintf(buf, len, "%s: %s", path, m->text);
	return buf;
}

int
config_mistakes_error(const struct config_mistakes *ms, struct error *err)
{
	size_t more = ms->count + ms->dropped - 1;
	char first[sizeof err->text - 64];

	if (ms->count == 0)
		return error_set(err, "the configuration has no mistakes");
	config_mistake_format(ms, 0, first, sizeof first);
	if (more == 0)
		return error_set(err, "%s", first);
	return error_set(err, "%s (and %zu more mistake%s)", first, more,
	    more == 1 ? "" : "s");
}

void
config_mistakes_clear(struct config_mistakes *ms)
{
	size_t i;

	for (i = 0; i < ms->count; i++)
		free(ms->list[i].text);
	free(ms->list);
	free(ms->path);
	*ms = (struct config_mistakes){0};
}
