/*
 * balloon.c: how much of its memory a running guest has. Two decide: a person
 * (vmtui balloon), and the backend when the host runs low; the guest is asked
 * to live with the smaller of the two. Both are kept here, so that they outlive
 * the backend.
 */
#include <event2/event.h>

#include "backend/guest/process.h"
#include "config/size.h"

#define LEAST (UINT64_C(16) << 20) /* no system does anything useful below */
#define QUIET 250000 /* us from a change until others hear of it */

static void
on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct guest_process *p = arg;

	peers_tell(p, "BALLOON", balloon_json(p));
}

int
balloon_begin(struct guest_process *p, struct error *err)
{
	p->balloon.size = p->balloon.limit = p->spec.memory;
	if (!p->spec.balloon)
		return 0;
	p->balloon.tell = evtimer_new(p->base, on_tell, p);
	return p->balloon.tell != NULL ? 0 : error_set(err, "out of memory");
}

/* A guest that is driven down changes thousands of times a second. */
void
balloon_changed(void *arg)
{
	const struct timeval quiet = {0, QUIET};
	struct guest_process *p = arg;

	if (!evtimer_pending(p->balloon.tell, NULL))
		event_add(p->balloon.tell, &quiet);
}

int
balloon_set(
    struct guest_process *p, uint64_t size, uint64_t limit, struct error *err)
{
	uint64_t memory = p->spec.memory, most;
	char least[24], have[24];

	if (p->hw.balloon == NULL)
		return error_set(err,
		    "its memory cannot be taken back while it runs: that needs "
		    "balloon = yes in its definition, and a restart");
	if ((size != 0 && size < LEAST) || size > memory ||
	    (limit != 0 && limit < LEAST) || limit > memory)
		return error_set(err, "it can have from %s to its %s of memory",
		    size_exact(LEAST, least, sizeof least),
		    size_exact(memory, have, sizeof have));
	if (size != 0)
		p->balloon.size = size;
	if (limit != 0)
		p->balloon.limit = limit;
	most = p->balloon.size < p->balloon.limit ? p->balloon.size
						  : p->balloon.limit;
	virtio_balloon_resize(p->hw.balloon, memory - most);
	balloon_changed(p);
	return 0;
}

json_t *
balloon_json(struct guest_process *p)
{
	struct virtio_balloon_state s;
	json_t *obj;

	if (p->hw.balloon == NULL)
		return json_null();
	virtio_balloon_read(p->hw.balloon, &s);
	obj = json_pack("{s:I, s:I, s:I, s:I, s:I, s:b}", "size",
	    (json_int_t)p->balloon.size, "limit", (json_int_t)p->balloon.limit,
	    "wanted", (json_int_t)s.wanted, "taken", (json_int_t)s.taken,
	    "returned", (json_int_t)s.returned, "driver", s.driver);
	if (obj == NULL || !s.told)
		return obj;
	json_object_set_new(obj, "total", json_integer((json_int_t)s.total));
	json_object_set_new(obj, "free", json_integer((json_int_t)s.free));
	json_object_set_new(
	    obj, "available", json_integer((json_int_t)s.available));
	return obj;
}

void
balloon_end(struct guest_process *p)
{
	if (p->balloon.tell != NULL)
		event_free(p->balloon.tell);
	p->balloon.tell = NULL;
}
