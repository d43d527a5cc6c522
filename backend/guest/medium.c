/*
 * medium.c: what is in the CD-ROM drive of a running guest. A person puts
 * another disc in or takes it out (the backend opens it); the guest opens the
 * tray and locks it. The backend is told of both.
 */
#include <event2/event.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/guest/process.h"
#include "backend/proto/text.h"

#define QUIET 250000 /* us from what the guest does until others hear of it */

static const char *
medium_path(const struct guest_process *p)
{
	const struct spec_disk *cdrom = &p->spec.cdrom;

	return cdrom->files > 0 ? cdrom->file[0].path : "";
}

json_t *
medium_json(struct guest_process *p)
{
	struct virtio_scsi_state now;

	if (p->hw.cdrom == NULL)
		return json_null();
	now = virtio_scsi_look(p->hw.cdrom);
	return json_pack("{s:o, s:b, s:b}", "path", text_json(medium_path(p)),
	    "open", now.open, "locked", now.locked);
}

/* Remembers what was told last. */
static void
tell(struct guest_process *p)
{
	p->medium.told = virtio_scsi_look(p->hw.cdrom);
	peers_tell(p, "MEDIUM", medium_json(p));
}

static void
on_tell(evutil_socket_t fd, short what, void *arg)
{
	tell(arg);
}

int
medium_begin(struct guest_process *p, struct error *err)
{
	p->medium.tell = evtimer_new(p->base, on_tell, p);
	return p->medium.tell != NULL ? 0 : error_set(err, "out of memory");
}

/* A guest may lock and unlock thousands of times a second. */
void
medium_look(struct guest_process *p)
{
	const struct timeval quiet = {0, QUIET};
	struct virtio_scsi_state now;

	if (p->hw.cdrom == NULL || evtimer_pending(p->medium.tell, NULL))
		return;
	now = virtio_scsi_look(p->hw.cdrom);
	if (now.open != p->medium.told.open ||
	    now.locked != p->medium.told.locked)
		event_add(p->medium.tell, &quiet);
}

int
medium_exchange(struct guest_process *p, int fd, const char *path, bool force,
    struct error *err)
{
	struct spec_disk *cdrom = &p->spec.cdrom;
	char *name = strdup(path);

	if (name == NULL || p->hw.cdrom == NULL) {
		if (fd != -1)
			close(fd);
		free(name);
		return error_set(err,
		    name == NULL ? "out of memory"
				 : "it has no CD-ROM drive: that needs cdrom = "
				   "empty in its definition, and a restart");
	}
	if (virtio_scsi_exchange(p->hw.cdrom, fd, path, force, err) == -1) {
		free(name);
		return -1;
	}
	free(cdrom->file[0].path);
	cdrom->file[0] = (struct spec_file){.path = name,
	    .fd = -1,
	    .format = BLOCK_FORMAT_RAW,
	    .readonly = true};
	cdrom->files = fd != -1 ? 1 : 0;
	tell(p);
	return 0;
}

void
medium_end(struct guest_process *p)
{
	if (p->medium.tell != NULL)
		event_free(p->medium.tell);
	p->medium.tell = NULL;
}
