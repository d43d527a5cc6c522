/*
 * qcow2_write.c: writing, where the clusters are the image's own already. The
 * others are qcow2_alloc.c's.
 */
#include <errno.h>

#include "backend/block/qcow2_image.h"

static void
write_arrived(struct piece *p, int result)
{
	struct job *job = p->job;

	piece_free(p);
	job_part_done(job, result);
}

static int
send_write(struct job *job, uint64_t host, uint64_t len)
{
	struct piece *p = piece_new(job);

	if (p == NULL)
		return -ENOMEM;
	if (piece_map(p, len) != 0) {
		piece_free(p);
		return -ENOMEM;
	}
	p->arrived = write_arrived;
	piece_send(p, job->q->data, BLOCK_WRITE, host, len);
	job->at += len;
	return 0;
}

enum step
write_step(struct job *job)
{
	struct qcow2 *q = job->q;
	uint64_t most = job->end - job->at;
	struct stretch st;
	struct slice *s;
	int rc;

	if (q->failed != 0) {
		job->result = q->failed;
		return STEP_ON;
	}
	if (q->claims != NULL) {
		if (claimed(q, job->at >> q->h.cluster_bits)) {
			job_block(q, job);
			return STEP_WAITS;
		}
		/* The next cluster may be. */
		if (most > q->cluster - (job->at & (q->cluster - 1)))
			most = q->cluster - (job->at & (q->cluster - 1));
	}
	rc = l2_slice_to_write(q, job, job->at, &s);
	if (rc == 1)
		return STEP_WAITS;
	if (rc == 0 && entry_stretch(q, s, job->at, most, &st) != 0)
		rc = qcow2_corrupt(q, "an L2 entry of the disk", job->at);
	if (rc == 0 && (st.kind != EXTENT_DATA || !st.copied))
		return allocate_step(job, s, &st);
	if (rc == 0)
		rc = send_write(job, st.host, st.len);
	if (rc != 0)
		job->result = rc;
	return STEP_ON;
}
