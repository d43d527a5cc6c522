#include <sys/socket.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/proto/paths.h"
#include "backend/supervisor/registry.h"
#include "backend/supervisor/remember.h"
#include "backend/supervisor/spawn.h"
#include "backend/supervisor/start.h"
#include "config/log.h"

#define ADOPT_S 2 /* how long clients are kept waiting for it */

static void (*when_done)(struct backend *);

/* Clients are let in when all is known, or when it takes too long. */
static void
done(struct backend *b)
{
	void (*call)(struct backend *) = when_done;

	when_done = NULL;
	if (b->adopt_timer != NULL) {
		event_free(b->adopt_timer);
		b->adopt_timer = NULL;
	}
	if (call != NULL)
		call(b);
}

static void
on_timer(evutil_socket_t sock, short what, void *arg)
{
	log_warn("some guests that run have not answered yet");
	done(arg);
}

static void
on_known(struct backend *b)
{
	if (--b->adopting == 0)
		done(b);
}

static void
adopt(struct backend *b, const char *name, const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct guest *g;
	int fd;

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return;
	if (connect(fd, (struct sockaddr *)&sun, sizeof sun) == -1) {
		if (errno == ECONNREFUSED) {
			log_info("%s left a socket behind, removed", name);
			unlink(path);
			spawn_forget(name);
		} else {
			log_warn("%s: %s", path, strerror(errno));
		}
		close(fd);
		return;
	}
	if ((g = registry_get(b, name)) == NULL) {
		close(fd);
		return;
	}
	log_info("%s runs already", name);
	if (process_adopt(g, fd, on_known) == 0)
		b->adopting++;
}

/* The name of the guest whose socket this is; 0, or -1 if it is none. */
static int
socket_name(const char *file, char *name, size_t len)
{
	size_t n = strlen(file), suffix = strlen(".sock");

	if (n <= suffix || n - suffix >= len ||
	    strcmp(file + n - suffix, ".sock") != 0)
		return -1;
	memcpy(name, file, n - suffix);
	name[n - suffix] = '\0';
	return config_name_check(name, NULL);
}

int
adopt_all(struct backend *b, void (*call)(struct backend *), struct error *err)
{
	char path[108], name[SPEC_NAME_MAX + 1];
	const struct timeval limit = {ADOPT_S, 0};
	struct dirent *ent;
	DIR *dir;

	when_done = call;
	if (paths_guest_socket(path, sizeof path, "x", err) == -1)
		return -1;
	*strrchr(path, '/') = '\0';
	if ((dir = opendir(path)) == NULL)
		return error_set(
		    err, "cannot read %s: %s", path, strerror(errno));
	b->adopting = 1;
	while ((ent = readdir(dir)) != NULL)
		if (socket_name(ent->d_name, name, sizeof name) == 0 &&
		    paths_guest_socket(path, sizeof path, name, err) == 0)
			adopt(b, name, path);
	closedir(dir);
	remember_restore(b);
	b->adopt_timer = evtimer_new(b->base, on_timer, b);
	if (b->adopt_timer != NULL)
		event_add(b->adopt_timer, &limit);
	on_known(b);
	return 0;
}
