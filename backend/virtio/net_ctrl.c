/*
 * net_ctrl.c: the control queue of a network card (virtio 1.2, 5.1.6.5): which
 * frames the driver wants to see, and its address. A request is a class, a
 * command and what belongs to it; the device writes one byte behind it.
 *
 * The host bridges frames to the tap that are for others as well. The tap drops
 * what it can tell by a few addresses; the rest of what the driver does not
 * want is dropped when it was read from there, and its buffers are used for the
 * next.
 */
#include <endian.h>
#include <string.h>

#include "backend/net/tap.h"
#include "backend/virtio/net.h"

#define CLASS_RX       0
#define CLASS_MAC      1
#define CLASS_VLAN     2
#define CLASS_ANNOUNCE 3
#define CLASS_MQ       4

#define RX_COMMANDS 6 /* in the order of struct net_filter.mode */
#define RX_PROMISC  0
#define RX_ALLMULTI 1
#define RX_ALLUNI   2
#define RX_NOMULTI  3
#define RX_NOUNI    4
#define RX_NOBCAST  5

#define MAC_TABLE 0
#define MAC_ADDR  1

#define VLAN_ADD 0
#define VLAN_DEL 1

#define MQ_PAIRS 0

#define ACK_OK  0
#define ACK_ERR 1

#define BATCH 16 /* requests before others have their turn */

#define LLADDR    6
#define TYPE_AT   12 /* in a frame, behind two addresses */
#define TYPE_VLAN 0x8100
#define VLANS     4096
#define PEEK      16 /* bytes of a frame that say who wants it */

static const uint8_t broadcast[LLADDR] = {255, 255, 255, 255, 255, 255};

static void
add(uint8_t (*to)[LLADDR], unsigned *count, const void *addr, unsigned n)
{
	memcpy(to + *count, addr, n * sizeof *to);
	*count += n;
}

/* Tells the tap as much of it as that understands. */
static void
tell_tap(const struct net *n)
{
	const struct net_filter *f = &n->filter;
	uint8_t addr[TAP_FILTER_MOST][LLADDR];
	unsigned count = 0;
	struct error quiet;

	_Static_assert(2 * NET_TABLE + 2 <= TAP_FILTER_MOST, "room");
	/* Of unicast addresses it knows some, or all there are. */
	if (!f->mode[RX_PROMISC] && !f->mode[RX_ALLUNI] && !f->uni.all) {
		if (!f->mode[RX_NOUNI]) {
			add(addr, &count, n->dev.config, 1);
			add(addr, &count, f->uni.addr, f->uni.count);
		}
		if (!f->mode[RX_NOBCAST])
			add(addr, &count, broadcast, 1);
		if (!f->mode[RX_NOMULTI])
			add(addr, &count, f->multi.addr, f->multi.count);
	}
	/* What it lets through is looked at here, or by the driver. */
	tap_set_filter(n->pair[0].tap_fd, addr, count,
	    !f->mode[RX_NOMULTI] && (f->mode[RX_ALLMULTI] || f->multi.all),
	    &quiet);
}

void
net_filter_reset(struct net *n)
{
	memset(&n->filter, 0, sizeof n->filter);
	n->filter.mode[RX_PROMISC] = true;
	memcpy(n->dev.config, n->lladdr, LLADDR);
	tell_tap(n);
}

/* One of the two tables; more than we keep means all of that kind. */
static bool
take_table(struct virtq_chain *c, struct net_table *t)
{
	uint8_t addr[LLADDR];
	uint32_t count, i;

	if (virtq_take_out(c, &count, sizeof count) == -1)
		return false;
	count = le32toh(count);
	if (count > c->out_len / LLADDR)
		return false;
	t->all = count > NET_TABLE;
	t->count = 0;
	for (i = 0; i < count; i++) {
		if (virtq_take_out(c, addr, sizeof addr) == -1)
			return false;
		if (!t->all)
			memcpy(t->addr[t->count++], addr, sizeof addr);
	}
	return true;
}

static bool
take_mac(struct net *n, uint8_t command, struct virtq_chain *c)
{
	struct net_table uni, multi;

	if (command == MAC_ADDR && (n->features & NET_F_CTRL_MAC) != 0) {
		if (c->out_len != LLADDR ||
		    virtq_take_out(c, n->dev.config, LLADDR) == -1)
			return false;
		tell_tap(n);
		return true;
	}
	if (command != MAC_TABLE || (n->features & NET_F_CTRL_RX) == 0 ||
	    !take_table(c, &uni) || !take_table(c, &multi) || c->out_len > 0)
		return false;
	n->filter.uni = uni;
	n->filter.multi = multi;
	tell_tap(n);
	return true;
}

static bool
take_rx(struct net *n, uint8_t command, struct virtq_chain *c)
{
	uint64_t needs =
	    command <= RX_ALLMULTI ? NET_F_CTRL_RX : NET_F_CTRL_RX_EXTRA;
	uint8_t on;

	if (command >= RX_COMMANDS || (n->features & needs) == 0 ||
	    c->out_len != 1 || virtq_take_out(c, &on, 1) == -1 || on > 1)
		return false;
	n->filter.mode[command] = on;
	tell_tap(n);
	return true;
}

static bool
take_vlan(struct net *n, uint8_t command, struct virtq_chain *c)
{
	uint16_t id;
	uint64_t bit;

	if ((n->features & NET_F_CTRL_VLAN) == 0 || command > VLAN_DEL ||
	    c->out_len != sizeof id ||
	    virtq_take_out(c, &id, sizeof id) == -1 || le16toh(id) >= VLANS)
		return false;
	id = le16toh(id);
	bit = 1ULL << id % 64;
	if (command == VLAN_ADD)
		n->filter.vlan[id / 64] |= bit;
	else
		n->filter.vlan[id / 64] &= ~bit;
	return true;
}

static bool
take_pairs(struct net *n, uint8_t command, struct virtq_chain *c)
{
	uint16_t pairs;

	return (n->features & NET_F_MQ) != 0 && command == MQ_PAIRS &&
	    c->out_len == sizeof pairs &&
	    virtq_take_out(c, &pairs, sizeof pairs) == 0 &&
	    le16toh(pairs) >= 1 && le16toh(pairs) <= n->pairs &&
	    net_pairs_use(n, le16toh(pairs)) == 0;
}

static bool
obey(struct net *n, struct virtq_chain *c)
{
	uint8_t head[2];

	if (virtq_take_out(c, head, sizeof head) == -1)
		return false;
	switch (head[0]) {
	case CLASS_RX:
		return take_rx(n, head[1], c);
	case CLASS_MAC:
		return take_mac(n, head[1], c);
	case CLASS_VLAN:
		return take_vlan(n, head[1], c);
	case CLASS_ANNOUNCE:
		if ((n->features & NET_F_ANNOUNCE) == 0 || head[1] != 0 ||
		    c->out_len > 0)
			return false;
		n->dev.config[NET_CONFIG_STATUS] &= (uint8_t)~NET_S_ANNOUNCE;
		return true;
	case CLASS_MQ:
		return take_pairs(n, head[1], c);
	default:
		return false;
	}
}

void
net_control(struct net *n)
{
	struct virtq *q = &n->dev.queue[n->control].vq;
	unsigned batch = 0;
	struct virtq_chain c;
	uint8_t *ack;

	if ((n->features & NET_F_CTRL_VQ) == 0)
		return;
	do {
		while (batch < BATCH) {
			c = (struct virtq_chain){.iov = q->iov, .room = q->max};
			if (!virtq_pop(q, &c))
				break;
			if ((ack = virtq_take_last(&c)) == NULL) {
				virtq_break(q, "a request without an answer");
				break;
			}
			net_lock(n);
			*ack = obey(n, &c) ? ACK_OK : ACK_ERR;
			net_unlock(n);
			virtq_push(q, c.head, 1);
			batch++;
		}
		if (batch == BATCH) {
			virtio_kick(&n->dev, n->control);
			break;
		}
	} while (virtq_enable_kick(q));
	virtio_publish(&n->dev, n->control);
}

/* The first len bytes of what lies at offset in buffers; false: too short. */
static bool
peek(
    const struct iovec *iov, unsigned n, size_t offset, uint8_t *to, size_t len)
{
	size_t part;

	for (; n > 0 && len > 0; n--, iov++) {
		if (offset >= iov->iov_len) {
			offset -= iov->iov_len;
			continue;
		}
		part = iov->iov_len - offset;
		if (part > len)
			part = len;
		memcpy(to, (const uint8_t *)iov->iov_base + offset, part);
		to += part;
		len -= part;
		offset = 0;
	}
	return len == 0;
}

static bool
listed(const struct net_table *t, const uint8_t *addr)
{
	unsigned i;

	for (i = 0; i < t->count; i++)
		if (memcmp(t->addr[i], addr, LLADDR) == 0)
			return true;
	return t->all;
}

bool
net_wanted(const struct net *n, const struct iovec *iov, unsigned iovs)
{
	const struct net_filter *f = &n->filter;
	uint8_t frame[PEEK];
	unsigned id;

	if ((n->features & NET_F_CTRL_RX) == 0 || f->mode[RX_PROMISC])
		return true;
	if (!peek(iov, iovs, n->header, frame, sizeof frame))
		return true;
	if ((n->features & NET_F_CTRL_VLAN) != 0 &&
	    (frame[TYPE_AT] << 8 | frame[TYPE_AT + 1]) == TYPE_VLAN) {
		id = (frame[TYPE_AT + 2] << 8 | frame[TYPE_AT + 3]) %
		    (unsigned)VLANS;
		if ((f->vlan[id / 64] & 1ULL << id % 64) == 0)
			return false;
	}
	if (memcmp(frame, broadcast, LLADDR) == 0)
		return !f->mode[RX_NOBCAST];
	if ((frame[0] & 1) != 0)
		return !f->mode[RX_NOMULTI] &&
		    (f->mode[RX_ALLMULTI] || listed(&f->multi, frame));
	return !f->mode[RX_NOUNI] &&
	    (f->mode[RX_ALLUNI] || memcmp(frame, n->dev.config, LLADDR) == 0 ||
		listed(&f->uni, frame));
}

static void
save_table(const struct net_table *t, struct state_writer *w)
{
	state_put_u8(w, t->all);
	state_put_u8(w, (uint8_t)t->count);
	state_put_bytes(w, t->addr, sizeof t->addr);
}

static bool
load_table(struct net_table *t, struct state_reader *r)
{
	t->all = state_get_u8(r) != 0;
	t->count = state_get_u8(r);
	state_get_bytes(r, t->addr, sizeof t->addr);
	return t->count <= NET_TABLE;
}

void
net_filter_save(const struct net *n, struct state_writer *w)
{
	unsigned i;

	state_put_bytes(w, n->dev.config, LLADDR);
	for (i = 0; i < RX_COMMANDS; i++)
		state_put_u8(w, n->filter.mode[i]);
	save_table(&n->filter.uni, w);
	save_table(&n->filter.multi, w);
	for (i = 0; i < VLANS / 64; i++)
		state_put_u64(w, n->filter.vlan[i]);
}

int
net_filter_load(struct net *n, struct state_reader *r)
{
	bool ok;
	unsigned i;

	state_get_bytes(r, n->dev.config, LLADDR);
	for (i = 0; i < RX_COMMANDS; i++)
		n->filter.mode[i] = state_get_u8(r) != 0;
	ok = load_table(&n->filter.uni, r);
	ok = load_table(&n->filter.multi, r) && ok;
	for (i = 0; i < VLANS / 64; i++)
		n->filter.vlan[i] = state_get_u64(r);
	if (!ok)
		return -1;
	tell_tap(n);
	return 0;
}
