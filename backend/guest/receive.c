/*
 * receive.c: a machine that goes on where another one stopped.
 *
 * Nothing of the stream reaches a device before all of it was read and its
 * checksum found right: disks begin to work as soon as they are loaded.
 */
#include <stdlib.h>
#include <unistd.h>

#include "backend/guest/process.h"
#include "backend/proto/stream.h"
#include "config/log.h"

static int
get_memory(struct guest_process *p, struct stream_reader *r, struct error *err)
{
	struct guestmem *mem = machine_mem(p->hw.machine);
	int rc;

	/* What a boot would begin with has no place here. */
	guestmem_zero(mem);
	do
		rc = stream_get_run(r, guestmem_all(mem), mem->size, err);
	while (rc == 1);
	return rc;
}

int
guest_receive(struct guest_process *p, struct error *err)
{
	struct stream_reader in = {.fd = p->spec.stream_fd};
	struct state_reader state = {.data = NULL};
	json_t *head;
	void *data;
	int rc;

	if ((head = stream_get_head(&in, err)) == NULL)
		return -1;
	log_info("%s: received, was %s", p->spec.name,
	    json_string_value(json_object_get(head, "name")));
	json_decref(head);
	if ((data = stream_get_state(&in, &state.len, err)) == NULL)
		return -1;
	state.data = data;
	rc = get_memory(p, &in, err);
	if (rc == 0)
		rc = machine_load(p->hw.machine, &state, err);
	if (rc == 0 && state.pos != state.len)
		rc = error_set(
		    err, "the stream holds more devices than this guest has");
	free(data);
	/* It has no business with the file any more. */
	close(p->spec.stream_fd);
	p->spec.stream_fd = -1;
	return rc;
}
