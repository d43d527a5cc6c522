/*
 * counts.c: references to clusters, counted in memory.
 */
#include <stdlib.h>

#include "backend/image/counts.h"

#define SLOTS_FIRST 256u

void
counts_init(struct counts *c, uint64_t bytes)
{
	*c = (struct counts){
	    .most = (size_t)(bytes / sizeof(struct counts_page))};
}

void
counts_free(struct counts *c)
{
	size_t i;

	for (i = 0; i < c->slots; i++)
		free(c->slot[i]);
	free(c->slot);
	counts_init(c, 0);
}

/* Where the page is, or would be. */
static size_t
place(struct counts_page *const *slot, size_t slots, uint64_t number)
{
	size_t i = (size_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 20) &
	    (slots - 1);

	while (slot[i] != NULL && slot[i]->number != number)
		i = (i + 1) & (slots - 1);
	return i;
}

static int
grow(struct counts *c)
{
	size_t slots = c->slots == 0 ? SLOTS_FIRST : c->slots * 2, i;
	struct counts_page **slot = calloc(slots, sizeof *slot);

	if (slot == NULL)
		return -1;
	for (i = 0; i < c->slots; i++)
		if (c->slot[i] != NULL)
			slot[place(slot, slots, c->slot[i]->number)] =
			    c->slot[i];
	free(c->slot);
	c->slot = slot;
	c->slots = slots;
	return 0;
}

static struct counts_page *
find(struct counts *c, uint64_t number)
{
	struct counts_page *page;

	if (c->last != NULL && c->last->number == number)
		return c->last;
	if (c->slots == 0)
		return NULL;
	page = c->slot[place(c->slot, c->slots, number)];
	if (page != NULL)
		c->last = page;
	return page;
}

uint32_t *
counts_cell(struct counts *c, uint64_t cluster)
{
	uint64_t number = cluster / COUNTS_PAGE;
	struct counts_page *page = find(c, number);

	if (page != NULL)
		return &page->cell[cluster % COUNTS_PAGE];
	if (c->pages == c->most || (c->pages * 2 >= c->slots && grow(c) == -1))
		return NULL;
	page = calloc(1, sizeof *page);
	if (page == NULL)
		return NULL;
	page->number = number;
	c->slot[place(c->slot, c->slots, number)] = page;
	c->pages++;
	c->last = page;
	return &page->cell[cluster % COUNTS_PAGE];
}

uint32_t
counts_get(struct counts *c, uint64_t cluster)
{
	struct counts_page *page = find(c, cluster / COUNTS_PAGE);

	return page == NULL ? 0 : page->cell[cluster % COUNTS_PAGE];
}

void
counts_up(uint32_t *cell)
{
	if ((*cell & COUNTS_COUNT) != COUNTS_COUNT)
		++*cell;
}

static int
compare(const void *a, const void *b)
{
	const struct counts_page *x = *(struct counts_page *const *)a;
	const struct counts_page *y = *(struct counts_page *const *)b;

	return (x->number > y->number) - (x->number < y->number);
}

struct counts_page **
counts_sorted(const struct counts *c)
{
	struct counts_page **list;
	size_t i, n = 0;

	list = c->pages == 0 ? NULL : calloc(c->pages, sizeof *list);
	if (list == NULL)
		return NULL;
	for (i = 0; i < c->slots; i++)
		if (c->slot[i] != NULL)
			list[n++] = c->slot[i];
	qsort(list, n, sizeof *list, compare);
	return list;
}
