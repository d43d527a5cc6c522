/*
 * qcow2_direct.c: requests that lie in one piece in the data file, as nearly
 * all of a guest's do once its disk is in use. They go there as they are, with
 * another place: no job, no piece, and what a raw image would do.
 *
 * Without a job nothing says when a request was born, which struct freed needs
 * to know. So there are none from when a cluster is let go until it is free.
 */
#include "backend/block/qcow2_image.h"

/* May such a request go there now, whatever is there? */
static bool
allowed(const struct qcow2 *q, const struct block_request *rq)
{
	if (rq->op == BLOCK_WRITE) {
		if (q->claims != NULL || q->failed != 0)
			return false;
	} else if (rq->op != BLOCK_READ) {
		return false;
	}
	return q->freed.n == 0 && rq->offset < q->b.size &&
	    rq->len <= q->b.size - rq->offset;
}

/* Is it all in one piece, and may be done where it is? */
static bool
find(const struct qcow2 *q, const struct slice *s,
    const struct block_request *rq, uint64_t *host)
{
	uint64_t in = rq->offset & (q->cluster - 1);
	struct stretch st;

	if (rq->len <= q->cluster - in && entry_plain(q, s, rq->offset, host)) {
		*host += in;
		return true;
	}
	/* What cannot be is a job's to find, and to tell. */
	if (entry_stretch(q, s, rq->offset, rq->len, &st) != 0)
		return false;
	*host = st.host;
	return st.kind == EXTENT_DATA && st.len >= rq->len &&
	    (rq->op == BLOCK_READ || st.copied);
}

bool
direct(struct qcow2 *q, struct block_request *rq)
{
	struct slice *s;
	uint64_t host;

	if (!allowed(q, rq))
		return false;
	s = cache_find(&q->l2, rq->offset >> q->l2_key_bits);
	/* A data file may be a device, with an end. */
	if (s == NULL || s->loading || !find(q, s, rq, &host) ||
	    rq->len > q->data->size || host > q->data->size - rq->len)
		return false;
	block_pass(q->data, rq, host);
	return true;
}
