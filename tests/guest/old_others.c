/*
 * old_others.c: entropy source, console, network card and balloon of 0.9.5, and
 * OpenBSD's vmmci, as viornd(4), viocon(4), vio(4), viomb(4) and vmmci(4) use
 * them.
 */
#include "irq.h"
#include "lib.h"
#include "old.h"

const char *
old_entropy(struct old *d)
{
	struct old_piece p = {d->memory, 64, 1};
	unsigned i, bits = 0;
	int n;

	memset(d->memory, 0, 64);
	n = old_do(d, 0, &p, 1);
	if (n < 1 || n > 64)
		return "how many bytes came";
	for (i = 0; i < (unsigned)n; i++)
		bits |= d->memory[i];
	return bits == 0 ? "its bytes" : NULL;
}

#define C_SIZE   1u
#define C_TYPED  0
#define C_PRINTS 1

/* Prints a line; what is typed is shown when somebody types. */
const char *
old_console(struct old *d, unsigned round)
{
	static const char text[] = "printed by an old driver 0\r\n";
	struct old_piece p[2] = {
	    {d->memory, 8, 0}, {d->memory + 8, sizeof(text) - 1 - 8, 0}};
	unsigned cols, rows;

	memcpy(d->memory, text, sizeof(text));
	d->memory[25] = (uint8_t)('0' + round);
	if (old_do(d, C_PRINTS, p, 2) != 0)
		return "printing";
	if (!(d->features & C_SIZE))
		return "that it has a size";
	cols = old_config(d, 0, 2);
	rows = old_config(d, 2, 2);
	return cols == 0 || rows == 0 ? "its size" : NULL;
}

#define N_MAC     0x00000020u
#define N_MRG     0x00008000u
#define N_CONTROL 0x00020000u
#define N_RX      0
#define N_TX      1
#define N_CTRL    2
#define N_BUFFERS 4u
#define N_BUFFER  2048u
#define N_TX_AT   (N_BUFFERS * N_BUFFER)
#define N_CTRL_AT (N_TX_AT + N_BUFFER)
#define ETHERNET  14u
#define TYPE_AT   12u
#define SHORTEST  60u

static unsigned
header_len(const struct old *d)
{
	return d->features & N_MRG ? 12 : 10;
}

/* Which buffer is behind a head of the queue that receives. */
static uint8_t buffer_of[1024];

/* A header of its own, unless buffers can be merged. */
static int
receive_into(struct old *d, unsigned i)
{
	uint8_t *m = d->memory + i * N_BUFFER;
	struct old_piece p[2] = {{m, header_len(d), 1},
	    {m + header_len(d), N_BUFFER - header_len(d), 1}};
	int head;

	if (d->features & N_MRG)
		p[0].len = N_BUFFER;
	head = old_queue(d, N_RX, p, d->features & N_MRG ? 1 : 2);
	if (head >= 0)
		buffer_of[head % (int)sizeof(buffer_of)] = (uint8_t)i;
	return head;
}

const char *
old_net_open(struct old *d)
{
	unsigned i;

	for (i = 0; i < N_BUFFERS; i++)
		if (receive_into(d, i) < 0)
			return "room for its buffers";
	return NULL;
}

static void
frame_make(struct old *d, uint8_t *frame, unsigned round)
{
	unsigned i;

	memset(frame, 0, SHORTEST);
	memset(frame, 0xff, 6);
	for (i = 0; i < 6; i++)
		frame[6 + i] = (uint8_t)old_config(d, i, 1);
	frame[TYPE_AT] = 0x88;
	frame[TYPE_AT + 1] = 0xb5;
	memcpy(frame + ETHERNET, "ping old 0", 10);
	frame[ETHERNET + 9] = (uint8_t)('0' + round);
}

/* Whether the answer came. Buffers are given back as they come. */
static int
answer(struct old *d, unsigned round)
{
	const uint8_t *text;
	uint32_t len;
	int head, found = 0;
	unsigned i;

	while ((head = old_take(d, N_RX, &len)) >= 0) {
		i = buffer_of[head % (int)sizeof(buffer_of)];
		text = d->memory + i * N_BUFFER + header_len(d) + ETHERNET;
		if (len >= header_len(d) + SHORTEST &&
		    memcmp(text, "pong old ", 9) == 0 &&
		    text[9] == (uint8_t)('0' + round))
			found = 1;
		receive_into(d, i);
	}
	return found;
}

static const char *
control(struct old *d)
{
	uint8_t *m = d->memory + N_CTRL_AT;
	struct old_piece p[3] = {{m, 2, 0}, {m + 2, 1, 0}, {m + 3, 1, 1}};

	memcpy(m, "\0\0\1\xee", 4); /* promiscuous, on */
	if (old_do(d, N_CTRL, p, 3) != 1 || m[3] != 0)
		return "being promiscuous";
	m[0] = 99;
	m[3] = 0xee;
	return old_do(d, N_CTRL, p, 3) != 1 || m[3] != 1
	    ? "a request that there is not"
	    : NULL;
}

/* Another guest answers a ping: see net.c. */
const char *
old_net(struct old *d, unsigned round)
{
	uint8_t *m = d->memory + N_TX_AT;
	unsigned header = header_len(d), tries;
	struct old_piece p[2] = {{m, header, 0}, {m + header, SHORTEST, 0}};
	const char *why;
	uint64_t end;
	int found = 0;

	if (!(d->features & N_MAC))
		return "that it has an address";
	if ((d->features & N_CONTROL) && (why = control(d)) != NULL)
		return why;
	for (tries = 0; tries < 20 && !found; tries++) {
		memset(m, 0, header);
		frame_make(d, m + header, round);
		if (old_do(d, N_TX, p, 2) != 0)
			return "sending";
		end = time_now() + 500000;
		while (!(found = answer(d, round)) && irq_wait(end))
			continue;
	}
	return found ? NULL : "an answer from the other guest";
}

#define M_ACTUAL  4
#define M_INFLATE 0
#define M_DEFLATE 1
#define M_PAGES   16u

/* Gives some pages and takes them back, as the host asked for or not. */
const char *
old_balloon(struct old *d, unsigned round)
{
	uint32_t *pages = (uint32_t *)(void *)d->memory;
	struct old_piece p = {pages, 4 * M_PAGES, 0};
	unsigned i;

	for (i = 0; i < M_PAGES; i++)
		pages[i] = 0x2000 + round * M_PAGES + i; /* from 32 MiB on */
	if (old_do(d, M_INFLATE, &p, 1) != 0)
		return "giving pages";
	old_config_set(d, M_ACTUAL, 4, 0x01020304);
	old_config_set(d, M_ACTUAL, 4, M_PAGES);
	if (old_config(d, M_ACTUAL, 4) != M_PAGES)
		return "how many it has";
	if (old_do(d, M_DEFLATE, &p, 1) != 0)
		return "taking them back";
	old_config_set(d, M_ACTUAL, 4, 0);
	return old_config(d, M_ACTUAL, 4) != 0 ? "that it has none" : NULL;
}

/* The host's clock, and what it asks for. */
const char *
old_vmmci(struct old *d)
{
	uint32_t seconds = old_config32(d, 4), later;
	uint64_t end = time_now() + 30000000;

	if (seconds < 1700000000u)
		return "the time";
	do
		later = old_config32(d, 4);
	while (later == seconds && time_now() < end);
	if (later <= seconds || later > seconds + 3600)
		return "that time goes on";
	return old_config(d, 0, 4) != 0 ? "that it asks for nothing" : NULL;
}
