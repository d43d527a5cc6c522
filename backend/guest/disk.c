/*
 * disk.c: a disk of a running guest made larger. Its thread does it; who asked
 * is answered when it is done.
 */
#include <stdlib.h>
#include <string.h>

#include "backend/guest/process.h"
#include "backend/proto/proto.h"
#include "backend/proto/text.h"
#include "config/log.h"

static const char *
path_of(const struct guest_process *p, unsigned n)
{
	return p->spec.disk[n].file[0].path;
}

/* Does name say which file it is: all of the path, or its last part? */
static bool
is_named(const char *path, const char *name)
{
	size_t len = strlen(path), n = strlen(name);

	return n > 0 && n <= len && strcmp(path + len - n, name) == 0 &&
	    (n == len || path[len - n - 1] == '/');
}

/* The disk that which is about: a number, a name, or the only one: 0. */
static int
find(const struct guest_process *p, const json_t *which, unsigned *n,
    struct error *err)
{
	const char *name = json_string_value(which);
	char *end;

	if (p->spec.disks == 0)
		return error_set(err, "it has no disk");
	if (which == NULL && p->spec.disks == 1)
		return 0;
	if (which == NULL)
		return error_set(err,
		    "it has %u disks: say which, by its number from 0 on or by "
		    "its file",
		    p->spec.disks);
	if (name == NULL)
		return error_set(
		    err, "\"disk\" is a number or a file, as text");
	for (; *n < p->spec.disks; (*n)++)
		if (is_named(path_of(p, *n), name))
			return 0;
	*n = (unsigned)strtoul(name, &end, 10);
	if (name[0] >= '0' && name[0] <= '9' && *end == '\0' &&
	    *n < p->spec.disks)
		return 0;
	return error_set(err, "it has no disk %.200s; it has 0 to %u", name,
	    p->spec.disks - 1);
}

int
disk_grow(struct guest_process *p, struct peer *peer, json_t *args, json_t *id,
    struct error *err)
{
	json_int_t size = json_integer_value(json_object_get(args, "size"));
	bool more = json_is_true(json_object_get(args, "more"));
	unsigned n = 0;

	if (p->grow.id != NULL)
		return error_set(err, "another disk is being made larger");
	if (size <= 0)
		return error_set(err, "grow takes a \"size\" in bytes");
	if (find(p, json_object_get(args, "disk"), &n, err) == -1)
		return -1;
	if (build_disk_grow(&p->hw, n, (uint64_t)size, more, err) == -1)
		return error_prefix(err, "%s: ", path_of(p, n));
	p->grow.disk = n;
	p->grow.peer = peer;
	p->grow.id = id != NULL ? json_incref(id) : json_null();
	return 0;
}

void
disk_look(struct guest_process *p)
{
	struct peer *peer = p->grow.peer;
	json_t *id = p->grow.id;
	struct error err;
	uint64_t size;
	int rc;

	if (id == NULL)
		return;
	rc = build_disk_grown(&p->hw, p->grow.disk, &size, &err);
	if (rc == 1)
		return;
	p->grow.peer = NULL;
	p->grow.id = NULL;
	if (rc == 0)
		log_info("%s: %s has %llu bytes now", p->spec.name,
		    path_of(p, p->grow.disk), (unsigned long long)size);
	if (peer != NULL && rc == 0)
		conn_return(peer->conn, id,
		    json_pack("{s:o, s:I}", "path",
			text_json(path_of(p, p->grow.disk)), "size",
			(json_int_t)size),
		    NULL, 0);
	else if (peer != NULL)
		conn_error(peer->conn, id, PROTO_E_GENERIC, err.text);
	json_decref(id);
}

void
disk_peer_gone(struct guest_process *p, const struct peer *peer)
{
	if (p->grow.peer == peer)
		p->grow.peer = NULL;
}

void
disk_end(struct guest_process *p)
{
	json_decref(p->grow.id);
	p->grow.id = NULL;
}
