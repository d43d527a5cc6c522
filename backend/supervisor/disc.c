#include <string.h>
#include <unistd.h>

#include "backend/proto/proto.h"
#include "backend/proto/text.h"
#include "backend/supervisor/disc.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/registry.h"
#include "config/log.h"

/* Where a file system for discs says what it is (ECMA-119, 9.1.2). */
#define NAME_AT  (16 * 2048 + 1)
#define NAME_LEN 5

int
disc_open(const char *path, struct block_files *files, struct error *err)
{
	return block_open(path, BLOCK_FORMAT_RAW, true, files, err);
}

static bool
is_disc(int fd)
{
	char name[NAME_LEN];

	/* ISO 9660; UDF alone (ECMA-167, 2/9.1) */
	return pread(fd, name, sizeof name, NAME_AT) == sizeof name &&
	    (memcmp(name, "CD001", NAME_LEN) == 0 ||
		memcmp(name, "BEA01", NAME_LEN) == 0);
}

/* The drive of a guest that runs, as it was last told, or NULL. */
static json_t *
drive_of(const struct guest *g)
{
	json_t *drive = json_object_get(g->spec, "cdrom");

	return json_is_object(drive) ? drive : NULL;
}

json_t *
disc_json(const struct guest *g)
{
	static const char *const keys[] = {"path", "open", "locked"};
	json_t *drive = drive_of(g), *obj, *value;
	size_t i;

	if (drive == NULL)
		return NULL;
	obj = json_object();
	for (i = 0; i < sizeof keys / sizeof *keys; i++) {
		value = json_object_get(drive, keys[i]);
		if (value != NULL)
			json_object_set(obj, keys[i], value);
		else
			json_object_set_new(obj, keys[i], json_false());
	}
	return obj;
}

void
disc_told(struct guest *g, json_t *data)
{
	json_t *drive = drive_of(g);

	if (drive == NULL || !json_is_object(data))
		return;
	json_object_update(drive, data);
	clients_event(g->b, "GUEST_STATE", registry_guest_json(g));
}

static void
answer(struct guest *g, json_t *ret, const char *why, struct request *rq)
{
	struct error err;

	if (why == NULL) {
		request_return(rq, ret, -1);
		return;
	}
	json_decref(ret);
	error_set(&err, "%s: %s", g->name, why);
	request_error(rq, PROTO_E_STATE, err.text);
}

static void
on_changed(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	answer(g, NULL, why, arg);
}

static void
on_odd_disc(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	answer(g,
	    json_pack("{s:s}", "warning",
		"this is no ISO image: the guest sees its bytes as they are"),
	    why, arg);
}

/* Nobody waits for it: the definition was read again. */
static void
on_followed(struct guest *g, json_t *ret, int fd, const char *why, void *arg)
{
	if (why != NULL)
		log_warn("%s: cdrom: %s", g->name, why);
}

static int
need_drive(const struct guest *g, struct error *err)
{
	if (drive_of(g) != NULL)
		return 0;
	return error_set(err,
	    "%s has no CD-ROM drive: give it one with cdrom = empty, and start "
	    "it again",
	    g->name);
}

/* The opened image goes to the guest's process, which closes it in the end. */
static void
give(struct guest *g, struct block_files *files, bool force,
    process_answer *told, void *arg)
{
	process_give(g, "insert",
	    json_pack("{s:o, s:b}", "path", text_json(files->file[0].path),
		"force", force),
	    files->file[0].fd, PROCESS_ANSWER_S, told, arg);
}

void
disc_insert(struct request *rq, struct guest *g, const char *path, bool force)
{
	struct block_files files;
	struct error err;

	block_files_init(&files);
	if (path == NULL || path[0] != '/')
		error_set(
		    &err, "insert takes the absolute \"path\" of an image");
	else if (need_drive(g, &err) == 0 &&
	    disc_open(path, &files, &err) == 0) {
		give(g, &files, force,
		    is_disc(files.file[0].fd) ? on_changed : on_odd_disc, rq);
		rq = NULL;
	}
	block_files_clear(&files);
	if (rq != NULL)
		request_error(rq, PROTO_E_GENERIC, err.text);
}

void
disc_eject(struct request *rq, struct guest *g, bool force)
{
	struct error err;

	if (need_drive(g, &err) == -1)
		request_error(rq, PROTO_E_GENERIC, err.text);
	else
		process_call(g, "eject", json_pack("{s:b}", "force", force),
		    on_changed, rq);
}

int
disc_follow(struct guest *g, const struct config_vm *after, struct error *err)
{
	const char *disc = config_vm_disc(after);
	json_t *drive = drive_of(g);
	struct block_files files;
	int rc;

	if (drive == NULL || after->cdrom == NULL)
		return 0;
	if (json_is_true(json_object_get(drive, "locked")))
		return error_set(err,
		    "%s: its system has locked the CD-ROM drive and keeps the "
		    "disc: have it let go of that, then use vmtui insert or "
		    "vmtui eject",
		    g->name);
	if (disc == NULL) {
		process_call(g, "eject", NULL, on_followed, NULL);
		return 0;
	}
	block_files_init(&files);
	rc = disc_open(disc, &files, err);
	if (rc == 0)
		give(g, &files, false, on_followed, NULL);
	else
		error_prefix(err, "%s: cdrom: ", g->name);
	block_files_clear(&files);
	return rc;
}
