/*
 * process.h: the state of a guest process, shared by guest.c (its life),
 * control.c (its commands) and peers.c (who gives them). Main thread but where a comment says otherwise.
 */
#ifndef BACKEND_GUEST_PROCESS_H
#define BACKEND_GUEST_PROCESS_H

#include <sys/queue.h>

#include <jansson.h>
#include <pthread.h>
#include <time.h>

#include "backend/guest/build.h"
#include "backend/proto/conn.h"

struct event;

struct peer {
	TAILQ_ENTRY(peer) entry;
	struct guest_process *process;
	struct conn *conn;
};

struct sending;

struct guest_process {
	struct event_base *base;
	struct event *listen, *listen_again, *request, *sigterm;
	TAILQ_HEAD(, peer) peers;
	unsigned npeers;
	struct peer *launcher; /* until it said "launch" */
	unsigned launcher_uid; /* the backend's, which may do everything */
	struct guest_spec spec;
	struct hardware hw;
	struct console *console[CONSOLES];

	const char *state; /* PROTO_… */
	char reason[256];
	double since; /* seconds since 1970, of the last change */
	double started; /* of the launch */
	int status; /* to exit with */

	/* balloon.c: the memory the guest is to have, in bytes. */
	struct {
		uint64_t size; /* as a person wants it */
		uint64_t limit; /* as the host can give it at the moment */
		struct event *tell;
	} balloon;

	/* medium.c */
	struct {
		struct virtio_scsi_state told; /* to others */
		struct event *tell;
	} medium;

	/* disk.c; id is NULL if nobody waits */
	struct {
		unsigned disk;
		struct peer *peer; /* NULL: it is gone */
		json_t *id;
	} grow;

	struct sending *sending; /* send.c; NULL: it stays */

	/* What a vcpu asked for: written by any thread. */
	int request_fd;
	pthread_mutex_t lock; /* guards the two below */
	int asked; /* an enum machine_request, or -1 */
	char why[160];
};

/* guest.c */
int guest_launch(struct guest_process *p, struct error *err);
void guest_set_state(
    struct guest_process *p, const char *state, const char *reason);
int guest_pause(struct guest_process *p, struct error *err);
int guest_unpause(struct guest_process *p, struct error *err);
int guest_reset(struct guest_process *p, struct error *err);
/* By the driver of vmmci, if there is one, or by the power button. */
void guest_ask_shutdown(struct guest_process *p);
/* The guest is over: tells everybody, and leaves the loop. */
void guest_end(
    struct guest_process *p, const char *state, const char *reason, int status);

/* balloon.c */
int balloon_begin(struct guest_process *p, struct error *err);
void balloon_changed(void *arg);
/* How much it is to have: size and limit, 0 for what stays as it is. */
int balloon_set(
    struct guest_process *p, uint64_t size, uint64_t limit, struct error *err);
/* BALLOON (proto.h), or null for a guest without one. */
json_t *balloon_json(struct guest_process *p);
void balloon_end(struct guest_process *p);

/* medium.c */
int medium_begin(struct guest_process *p, struct error *err);
/* The drive may have another state: others are told if it has. */
void medium_look(struct guest_process *p);
/*
 * Another disc for the drive (fd, opened from path; taken over), or none (-1
 * and ""). Others are told before this returns 0; -1 with err: all is as it was.
 */
int medium_exchange(struct guest_process *p, int fd, const char *path,
    bool force, struct error *err);
/* MEDIUM (proto.h), or null for a guest without a drive. */
json_t *medium_json(struct guest_process *p);
void medium_end(struct guest_process *p);

/*
 * disk.c: "grow" of proto.h. Makes a disk larger, one at a time; peer is
 * answered later. -1 with err: it did not begin.
 */
int disk_grow(struct guest_process *p, struct peer *peer, json_t *args,
    json_t *id, struct error *err);
/* A disk has become larger, perhaps: who asked for it is answered. */
void disk_look(struct guest_process *p);
/* This peer hung up. */
void disk_peer_gone(struct guest_process *p, const struct peer *peer);
void disk_end(struct guest_process *p);

/*
 * send.c: the guest as a stream (proto/stream.h).
 *
 * send_begin() pauses the guest and writes it to fd, a bit at a time from the
 * main loop; fd is taken. When all is written the guest is over ("sent") and
 * peer, if it is still there, has its answer; when that fails it gets a
 * sentence and the guest goes on as before. -1 with err (fd stays the
 * caller's): it did not even begin.
 */
int send_begin(struct guest_process *p, int fd, struct peer *peer, json_t *id,
    struct error *err);
/* This peer hung up. */
void send_peer_gone(struct guest_process *p, const struct peer *peer);
/* The guest ends otherwise. */
void send_cancel(struct guest_process *p);

/*
 * receive.c: the other way: puts what stands in spec.stream_fd into the machine,
 * which is complete and has not run. -1 with err: it cannot be used any more.
 */
int guest_receive(struct guest_process *p, struct error *err);

/* control.c: one request of peer's; fd as conn_ops has it. */
void control_message(struct peer *peer, json_t *msg, int *fd, unsigned fds);

/* peers.c */

/* What a peer may do: rights.h, and beyond that the backend. */
#define RIGHT_BACKEND (RIGHT_ALL + 1)

/* Asked for each command: what a reload took away is gone at once. */
int peer_right(const struct peer *peer);
/* The sentence for who has that right and wants more. */
void peer_refuse(struct peer *peer, json_t *id, int right);
/* Takes the connected socket. NULL: no memory, it is closed. */
struct peer *peers_add(struct guest_process *p, int fd);
/* Lets clients in at the socket of the spec. */
int peers_listen(struct guest_process *p, struct error *err);
/* Hangs up on those who have no rights any more. */
void peers_check(struct guest_process *p);
void peers_tell_state(struct guest_process *p);
/* An event to every peer; takes data. */
void peers_tell(struct guest_process *p, const char *event, json_t *data);
void peers_close(struct guest_process *p);

#endif
