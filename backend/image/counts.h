/*
 * counts.h: how often each cluster of a qcow2 image is referred to, counted in
 * memory: what `image check` compares the image's own counts with.
 *
 *	   hash of page number          struct page
 *	┌───┬───┬───┬───┬───┐      ┌────────────────────┐
 *	│   │ ● │   │   │ ● │ ───▶ │ cell 0 … cell 4095 │  a cell a cluster
 *	└───┴───┴───┴───┴───┘      └────────────────────┘
 *
 * Only clusters that something refers to cost memory, and that has a bound, so
 * that a damaged image cannot ask for more.
 */
#ifndef BACKEND_IMAGE_COUNTS_H
#define BACKEND_IMAGE_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a cluster is used as; two of them at once is damage. */
#define COUNTS_DATA  0x10000000u
#define COUNTS_L2    0x20000000u
#define COUNTS_META  0x40000000u /* header, tables, lists */
#define COUNTS_SEEN  0x80000000u /* an L2 table of the L1 table under way */
#define COUNTS_COUNT 0x0fffffffu

#define COUNTS_PAGE 4096u /* cells */

struct counts_page {
	uint64_t number; /* its first cluster is COUNTS_PAGE times that */
	uint32_t cell[COUNTS_PAGE];
};

struct counts {
	struct counts_page **slot; /* open addressing, a power of two */
	size_t slots, pages;
	size_t most; /* of them */
	struct counts_page *last; /* the one that was asked for last */
};

/* Pages will take this many bytes of memory at most. */
void counts_init(struct counts *c, uint64_t bytes);
void counts_free(struct counts *c);

/*
 * The cell of a cluster, made if there is none: NULL when there is no more
 * memory for it. It stays where it is.
 */
uint32_t *counts_cell(struct counts *c, uint64_t cluster);
/* What the cell holds; 0 if there is none. */
uint32_t counts_get(struct counts *c, uint64_t cluster);
/* One reference more. */
void counts_up(uint32_t *cell);
/*
 * All pages by their number, c->pages of them: for free(). NULL: no memory, or
 * no page.
 */
struct counts_page **counts_sorted(const struct counts *c);

#endif
