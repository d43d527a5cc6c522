#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/conn.h"
#include "backend/proto/paths.h"
#include "backend/supervisor/access.h"
#include "backend/supervisor/backend.h"
#include "config/log.h"

static bool
find_group(const char *name, gid_t *gid)
{
	struct group *gr = getgrnam(name);

	if (gr == NULL) {
		log_warn("there is no group %s on this host: nobody has rights "
			 "by it",
		    name);
		return false;
	}
	*gid = gr->gr_gid;
	return true;
}

static bool
find_user(const char *name, uid_t *uid)
{
	struct passwd *pw = getpwnam(name);

	if (pw == NULL) {
		log_warn("there is no user %s on this host: nobody has rights "
			 "by it",
		    name);
		return false;
	}
	*uid = pw->pw_uid;
	return true;
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

static void
set_mode(const char *path, gid_t gid, mode_t mode)
{
	if (chown(path, (uid_t)-1, gid) == -1 || chmod(path, mode) == -1)
		log_warn("cannot give others access to %s: %s", path,
		    strerror(errno));
}

/* The group is set before the mode opens anything to it. */
static void
set_modes(const struct backend *b)
{
	const struct access *a = &b->access;
	gid_t gid = a->has_group ? a->group : getegid();
	mode_t folder = 0700, sock = 0600;
	char dir[4096];
	struct error err;

	if (a->has_group)
		folder = 0750, sock = 0660;
	if (a->owners > 0)
		folder |= 0011, sock = 0666;
	set_mode(b->socket_path, gid, sock);
	if (paths_rundir(dir, sizeof dir, &err) == 0)
		set_mode(dir, gid, folder);
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
