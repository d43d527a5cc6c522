/*
 * backend.h: what the backend process knows; for this folder alone.
 *
 *	supervisor.c   main(): signals, the loop, the orderly end
 *	endpoint.c     one backend only: lock file, socket, stale sockets
 *	clients.c      who is connected, their requests, events to them
 *	access.c       who may do what
 *	commands.c     what they may ask for: a table
 *	definitions.c  the configuration, read again when it changed
 *	registry.c     the guests, defined and running, and their states
 *	prepare.c      from a definition to opened files: every check
 *	network.c      switches and taps of a guest
 *	rules.c        what a guest's interfaces may send
 *	process.c      guest processes: started, spoken to, mourned
 *	transfer.c     guests that are sent and received
 *	adopt.c        guest processes of the backend before this one
 *	autostart.c    enable = yes
 *	restart.c      restart = on-failure | always
 *	changes.c      what reading it again changed, for people
 *	numbers.c      the numbers that guests go by besides their names
 *	remember.c     states and histories, for the next backend
 *	sizes.c        how large hvc0 is
 *	memory.c       takes memory back where the host runs low
 *	rates.c        the same by the second, and over the last minutes
 *	figures.c      CPU and memory, once a second, only if somebody looks
 *
 * One thread, one libevent loop; nothing here blocks it.
 */
#ifndef BACKEND_SUPERVISOR_BACKEND_H
#define BACKEND_SUPERVISOR_BACKEND_H

#include <sys/queue.h>
#include <sys/stat.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <event2/event.h>

#include "backend/proto/spec.h"
#include "backend/supervisor/access.h"
#include "backend/supervisor/restart.h"
#include "config/config.h"
#include "config/error.h"

struct client;
struct process;
struct rates;
struct request;
struct rtnl;

TAILQ_HEAD(request_list, request);
TAILQ_HEAD(client_list, client);
TAILQ_HEAD(guest_list, guest);

/* Two of them give a share of CPU. */
struct cpu_sample {
	uint64_t busy; /* clock ticks */
	uint64_t total; /* host: clock ticks of all CPUs; guest: unused */
	int64_t when_ms; /* CLOCK_MONOTONIC; 0: none yet */
	int percent; /* since the sample before; -1: there was none */
};

/*
 * What the host's network was changed for a guest, beyond the taps that go
 * with its process: taps of others in our bridges, switches that came up.
 */
struct plugged {
	unsigned taps, switches;
	struct {
		char tap[IFNAMSIZ], sw[CONFIG_NAME_MAX + 1];
	} tap[SPEC_MAX_NICS];
	struct {
		char name[CONFIG_NAME_MAX + 1];
		bool created; /* the bridge */
		uint64_t added; /* bit N: the Nth add = */
	} sw[SPEC_MAX_NICS];
};

/*
 * A guest: defined in the configuration, running, or both. It stays while
 * either holds; one that was made up on the spot and crashed also stays, for
 * its reason to be read, until the configuration is loaded anew.
 */
struct guest {
	TAILQ_ENTRY(guest) entry;
	struct backend *b;
	char name[SPEC_NAME_MAX + 1];
	unsigned id; /* numbers.c */
	const char *state; /* PROTO_* */
	char reason[768]; /* a sentence, "" if there is none */
	time_t since; /* of the last change of state */
	time_t started; /* 0: not running */
	struct process *process; /* NULL: none */
	json_t *spec; /* of the one that runs (spec.h), or NULL */
	json_t *balloon; /* BALLOON (proto.h) as it was last told, or NULL */
	struct plugged plugged;
	json_t *plugs; /* rules.h; NULL: none, or not known any more */
	struct cpu_sample cpu;
	struct rates *rates; /* rates.c; NULL: nobody looked yet */
	bool counting; /* its process was asked for its counts */
	struct restart restart;
	struct request_list waiting; /* answered when it has ended */
	TAILQ_HEAD(, size_told) sizes; /* sizes.c */
	unsigned rows, cols; /* of hvc0; 0: nobody said since it started */
};

struct backend {
	struct event_base *base;
	struct guest_list guests; /* by name */
	struct client_list clients;
	unsigned nclients;
	struct event *accept, *accept_again;
	int listen_fd;
	/* The configuration; config is never NULL. */
	struct config *config;
	char *config_path; /* absolute */
	int config_flags; /* CONFIG_MISSING_OK where nobody said -f */
	struct stat config_stat; /* st_ino 0: there was no file */
	json_t *mistakes; /* array of strings */
	const char *socket_path; /* where clients come in */
	struct access access;
	json_t *changes; /* changes.c: since somebody asked */
	json_t *numbers; /* numbers.c: by name; NULL: not read yet */
	unsigned last_number;
	bool numbers_changed; /* and not yet written */
	struct rtnl *rt; /* opened when a switch or tap is needed first */
	/* adopt.c */
	bool remembering; /* what the last backend wrote has been read */
	unsigned adopting; /* processes that have not yet answered */
	struct event *adopt_timer;
	/* autostart.c */
	struct event *autostart_timer;
	bool autostart_goes_on; /* where a backend that was killed was */
	size_t autostart_next; /* index into config->vms */
	unsigned autostarting; /* on their way now */
	/* memory.c */
	struct event *memory_timer;
	bool memory_low; /* and somebody was told */
	/* figures.c */
	struct event *figures_timer;
	struct cpu_sample host_cpu;
	/* supervisor.c */
	enum {
		END_NOT,
		END_ASKED, /* guests shut down, no new ones are started */
		END_FORCED,
	} ending;
	struct event *end_timer;
	int ready_fd;
};

#endif
