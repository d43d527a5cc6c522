#include <stdlib.h>

#include <event2/event.h>

#include "tui/save.h"
#include "tui/sink.h"

#define SLICE 256 /* rows before looking at keys again */

struct save {
	const struct term *term;
	struct sink *sink;
	struct event *work;
	struct term_place next, to;
	void (*ended)(void *arg);
	void *arg;
};

static void
slice(int fd, short what, void *arg)
{
	static const struct timeval at_once = {0, 0};
	static char text[SELECT_ROW_BYTES];
	struct save *s = arg;
	const struct term *t = s->term;
	int rows = 0, rc = 0;
	size_t n;

	if (s->next.line < term_first(t))
		s->next = (struct term_place){term_first(t), 0};
	for (; rows < SLICE && s->next.line <= s->to.line && rc == 0; rows++) {
		n = select_text(t, s->next, s->to, s->next.line, text);
		if (s->next.line == s->to.line)
			text[n++] = '\n';
		rc = sink_write(s->sink, text, n);
		s->next = (struct term_place){s->next.line + 1, 0};
	}
	if (rc == 0 && s->next.line <= s->to.line)
		evtimer_add(s->work, &at_once);
	else
		s->ended(s->arg);
}

struct save *
save_new(struct event_base *base, int priority, const struct term *t,
    struct term_place from, struct term_place to, struct sink *sink,
    void (*ended)(void *arg), void *arg)
{
	static const struct timeval at_once = {0, 0};
	struct save *s = calloc(1, sizeof *s);

	if (s != NULL)
		s->work = evtimer_new(base, slice, s);
	if (s == NULL || s->work == NULL) {
		sink_close(sink);
		free(s);
		return NULL;
	}
	s->term = t;
	s->sink = sink;
	s->next = from;
	s->to = to;
	s->ended = ended;
	s->arg = arg;
	event_priority_set(s->work, priority);
	evtimer_add(s->work, &at_once);
	return s;
}

void
save_free(struct save *s)
{
	if (s == NULL)
		return;
	sink_close(s->sink);
	event_free(s->work);
	free(s);
}

unsigned
save_places(struct save *s, struct term_place **places)
{
	if (s == NULL)
		return 0;
	places[0] = &s->next;
	places[1] = &s->to;
	return 2;
}
