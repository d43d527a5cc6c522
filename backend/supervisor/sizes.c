#include <stdlib.h>

#include "backend/supervisor/clients.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/sizes.h"

struct size_told {
	TAILQ_ENTRY(size_told) entry;
	const struct client *client; /* for comparing only */
	unsigned rows, cols;
	bool hvc;
};

static struct size_told *
find(const struct guest *g, const struct client *cl)
{
	struct size_told *s;

	TAILQ_FOREACH (s, &g->sizes, entry)
		if (s->client == cl)
			return s;
	return NULL;
}

/* Whether a is to be heard rather than b. */
static bool
before(const struct size_told *a, const struct size_told *b)
{
	if (a->hvc != b->hvc)
		return a->hvc;
	return (uint64_t)a->rows * a->cols > (uint64_t)b->rows * b->cols;
}

void
sizes_send(struct guest *g, process_answer *answer, void *arg)
{
	process_call(g, "console-size",
	    json_pack("{s:i, s:i}", "rows", (int)g->rows, "cols", (int)g->cols),
	    answer, arg);
}

/* Works out the size anew, tells the screens; returns whether it changed. */
static bool
settle(struct guest *g)
{
	struct size_told *s, *best = NULL;

	TAILQ_FOREACH (s, &g->sizes, entry)
		if (best == NULL || before(s, best))
			best = s;
	if (best == NULL || (best->rows == g->rows && best->cols == g->cols))
		return false;
	g->rows = best->rows;
	g->cols = best->cols;
	clients_event(g->b, "GUEST_STATE", registry_guest_json(g));
	return true;
}

int
sizes_told(struct guest *g, const struct client *cl, int64_t rows, int64_t cols,
    bool hvc, struct error *err)
{
	struct size_told *s = find(g, cl);

	if (rows < 1 || rows > SIZES_MAX || cols < 1 || cols > SIZES_MAX)
		return error_set(
		    err, "a console has 1 to %d rows and columns", SIZES_MAX);
	if (s == NULL) {
		if ((s = calloc(1, sizeof *s)) == NULL)
			return error_set(err, "no memory for a size");
		s->client = cl;
		TAILQ_INSERT_TAIL(&g->sizes, s, entry);
	}
	s->rows = (unsigned)rows;
	s->cols = (unsigned)cols;
	s->hvc = hvc;
	settle(g);
	return 0;
}

static void
drop(struct guest *g, struct size_told *s)
{
	TAILQ_REMOVE(&g->sizes, s, entry);
	free(s);
}

void
sizes_take_back(struct guest *g, const struct client *cl)
{
	struct size_told *s = find(g, cl);

	if (s == NULL)
		return;
	drop(g, s);
	if (settle(g) && g->process != NULL)
		sizes_send(g, NULL, NULL);
}

void
sizes_client_gone(struct backend *b, const struct client *cl)
{
	struct guest *g;

	TAILQ_FOREACH (g, &b->guests, entry)
		sizes_take_back(g, cl);
}

void
sizes_forget(struct guest *g)
{
	struct size_told *s;

	while ((s = TAILQ_FIRST(&g->sizes)) != NULL)
		drop(g, s);
	g->rows = g->cols = 0;
}
