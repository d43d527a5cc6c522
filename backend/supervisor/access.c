#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/conn.h"
#include "backend/proto/paths.h"
#include "backend/supervisor/access.h"
#include "backend/supervisor/backend.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/registry.h"
#include "config/log.h"

/* Who is not in this user namespace is shown as this user, or group. */
#define UNKNOWN_ID 65534
#define ALL_IDS    4294967295u

/*
 * Whether a user of that number may be anybody: a host's backend sees all
 * users, one in a container does not.
 */
static bool
means_anybody(const char *map, unsigned id)
{
	unsigned inside, outside, count = 0;
	FILE *f;

	if (id != UNKNOWN_ID || (f = fopen(map, "re")) == NULL)
		return false;
	if (fscanf(f, "%u %u %u", &inside, &outside, &count) != 3)
		count = 0;
	fclose(f);
	return count != ALL_IDS;
}

/* A user or group may also be given by number, as in vm.conf(5). */
static bool
find_id(const char *what, const char *name, const char *map, bool known,
    unsigned found, unsigned *id)
{
	char *end;
	unsigned long n = strtoul(name, &end, 10);

	if (known) {
		*id = found;
	} else if (name[0] >= '0' && name[0] <= '9' && *end == '\0' &&
	    n < UINT32_MAX) {
		*id = (unsigned)n;
	} else {
		log_warn("there is no %s %s on this host: nobody has rights "
			 "by it",
		    what, name);
		return false;
	}
	if (means_anybody(map, *id)) {
		log_warn("%s %s stands for all unknown ones here: nobody has "
			 "rights by it",
		    what, name);
		return false;
	}
	return true;
}

static bool
find_group(const char *name, gid_t *gid)
{
	struct group *gr = getgrnam(name);

	return find_id("group", name, "/proc/self/gid_map", gr != NULL,
	    gr != NULL ? gr->gr_gid : 0, gid);
}

static bool
find_user(const char *name, uid_t *uid)
{
	struct passwd *pw = getpwnam(name);

	return find_id("user", name, "/proc/self/uid_map", pw != NULL,
	    pw != NULL ? pw->pw_uid : 0, uid);
}

static void
add_owner(struct access *a, const struct config_vm *vm)
{
	struct access_owner *o = &a->owner[a->owners];

	*o = (struct access_owner){.name = strdup(vm->name)};
	if (vm->owner_user != NULL)
		o->has_user = find_user(vm->owner_user, &o->user);
	if (vm->owner_group != NULL)
		o->has_group = find_group(vm->owner_group, &o->group);
	if (o->name != NULL && (o->has_user || o->has_group))
		a->owners++;
	else
		free(o->name);
}

/* Whom it belongs to is set before the mode opens anything to them. */
static void
set_mode(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	if (chown(path, uid, gid) == -1 || chmod(path, mode) == -1)
		log_warn("cannot give others access to %s: %s", path,
		    strerror(errno));
}

/* Whether a guest's process can tell others from each other. */
static bool
guests_know_users(void)
{
	return geteuid() == 0;
}

static void
set_modes(const struct backend *b)
{
	const struct access *a = &b->access;
	gid_t gid = a->has_group ? a->group : getegid();
	mode_t folder = 0700, sock = 0600;
	char dir[PATH_MAX], guests[PATH_MAX];
	struct error err;

	if (a->has_group)
		folder = 0750, sock = 0660;
	if (a->owners > 0)
		folder |= 0011, sock = 0666;
	set_mode(b->socket_path, (uid_t)-1, gid, sock);
	if (paths_rundir(dir, sizeof dir, &err) == 0)
		set_mode(dir, (uid_t)-1, gid, folder);
	if (guests_know_users() &&
	    paths_guests(guests, sizeof guests, &err) == 0)
		set_mode(guests, (uid_t)-1, gid, folder);
}

static const struct access_owner *
owner_of(const struct access *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->owners; i++)
		if (strcmp(a->owner[i].name, name) == 0)
			return &a->owner[i];
	return NULL;
}

struct rights
access_socket(const struct backend *b, const char *name)
{
	const struct access *a = &b->access;
	const struct access_owner *o = owner_of(a, name);
	struct rights r;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	mode_t mode = 0600;
	char path[108];
	struct error err;

	rights_init(&r);
	if (!guests_know_users() ||
	    paths_guest_socket(path, sizeof path, name, &err) == -1)
		return r;
	if (o != NULL && o->has_user)
		r.owner_user = uid = o->user;
	if (o != NULL && o->has_group)
		r.owner_group = gid = o->group, mode = 0660;
	if (a->has_group) {
		mode = mode == 0660 && gid != a->group ? 0666 : 0660;
		r.group = gid = a->group;
	}
	set_mode(path, uid, gid, mode);
	return r;
}

void
access_tell(struct guest *g)
{
	struct rights r = access_socket(g->b, g->name);

	process_call(g, "rights", rights_encode(&r), NULL, NULL);
}

void
access_close(struct backend *b)
{
	struct access *a = &b->access;

	while (a->owners > 0)
		free(a->owner[--a->owners].name);
	free(a->owner);
	*a = (struct access){0};
}

void
access_refresh(struct backend *b)
{
	const struct config *c = b->config;
	struct access *a = &b->access;
	struct guest *g;
	size_t i;

	access_close(b);
	a->owner = calloc(c->nvms + 1, sizeof *a->owner);
	for (i = 0; a->owner != NULL && i < c->nvms; i++)
		if (c->vms[i].owner_user != NULL ||
		    c->vms[i].owner_group != NULL)
			add_owner(a, &c->vms[i]);
	if (c->global.group != NULL)
		a->has_group = find_group(c->global.group, &a->group);
	set_modes(b);
	TAILQ_FOREACH (g, &b->guests, entry)
		if (registry_runs(g))
			access_tell(g);
}

bool
access_all(const struct backend *b, const struct conn *c)
{
	unsigned uid = conn_peer_uid(c);

	return uid == 0 || uid == (unsigned)geteuid() ||
	    (b->access.has_group && conn_peer_in_group(c, b->access.group));
}

static bool
is_owner(const struct access_owner *o, const struct conn *c)
{
	return (o->has_user && conn_peer_uid(c) == (unsigned)o->user) ||
	    (o->has_group && conn_peer_in_group(c, o->group));
}

bool
access_guest(const struct backend *b, const struct conn *c, const char *name)
{
	const struct access *a = &b->access;
	size_t i;

	if (access_all(b, c))
		return true;
	for (i = 0; i < a->owners; i++)
		if (strcmp(a->owner[i].name, name) == 0 &&
		    is_owner(&a->owner[i], c))
			return true;
	return false;
}

bool
access_any(const struct backend *b, const struct conn *c)
{
	const struct access *a = &b->access;
	size_t i;

	if (access_all(b, c))
		return true;
	for (i = 0; i < a->owners; i++)
		if (is_owner(&a->owner[i], c))
			return true;
	return false;
}
