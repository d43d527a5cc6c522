/*
 * model.h: the guests and the host, as last heard from the backend.
 *
 * What the wire says (backend/proto/proto.h) becomes structs that can be
 * drawn; what is missing or odd in a message is left as it was. Guests are
 * kept in the natural order of their names, which nothing that happens to
 * them changes. Pure data, no drawing, no I/O; main thread.
 */
#ifndef TUI_MODEL_H
#define TUI_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NAME_MAX 64
#define MODEL_HISTORY  256 /* seconds kept */

enum guest_state {
	GUEST_UNKNOWN,
	GUEST_STOPPED,
	GUEST_STARTING,
	GUEST_RUNNING,
	GUEST_PAUSED,
	GUEST_STOPPING,
	GUEST_CRASHED,
	GUEST_STATES
};

/* Samples of the last seconds, a ring. */
struct history {
	uint32_t sample[MODEL_HISTORY];
	unsigned n; /* ever; the newest is sample[(n - 1) % MODEL_HISTORY] */
};

/*
 * What a guest does a second, besides using CPU; all but exits in bytes. Then
 * what it has, in KiB.
 */
enum figure {
	FIGURE_EXITS,
	FIGURE_READ,
	FIGURE_WRITTEN,
	FIGURE_RECEIVED,
	FIGURE_SENT,
	FIGURE_RATES,
	FIGURE_USED = FIGURE_RATES, /* memory_used */
	FIGURE_GIVEN, /* memory, less what its balloon took */
	FIGURES
};

/* A line "disk  /vmm/a.img  16G" of a guest's figures. */
struct guest_part {
	char *kind; /* "disk", "cdrom" or "net" */
	char *text;
};

struct guest {
	char name[MODEL_NAME_MAX + 1];
	enum guest_state state;
	/*
	 * What the person asked for and the backend has not yet said; shown
	 * in place of state. GUEST_UNKNOWN: nothing.
	 */
	enum guest_state expected;
	char *reason; /* a sentence, "" if none */
	long since; /* seconds since 1970 */
	uint64_t memory, memory_used; /* bytes */
	bool balloon; /* it has one, */
	uint64_t taken; /* which took that of memory */
	unsigned cpus;
	bool serial2; /* it has a second serial port */
	long pid; /* of the guest process; 0: none */
	int cpu; /* percent of one host CPU; -1: not known */
	unsigned allow; /* CONFIG_ALLOW_... */
	unsigned rows, cols; /* of its hvc0; 0: not known */
	bool drive; /* it has a CD-ROM drive, */
	bool disc, locked; /* with a disc in it; locked by its system */
	bool defined; /* in the configuration, or made up on the spot */
	char *kernel;
	struct guest_part *parts;
	size_t nparts;
	struct history history; /* of its CPU use, in percent */
	bool rated; /* rate and past are known */
	uint32_t rate[FIGURE_RATES];
	struct history *past; /* FIGURES of them; NULL while not rated */
	unsigned threads; /* of its process; 0: not known */
	bool seen; /* in the status that is being taken in */
};

struct host {
	char name[MODEL_NAME_MAX + 1];
	unsigned cpus;
	uint64_t memory, memory_used;
	int cpu; /* percent of all CPUs; -1: not known */
	struct history history; /* of that */
};

struct model {
	struct guest **guest; /* sorted; owned */
	size_t guests;
	struct host host;
	char *config; /* path of the configuration; "" if not known */
	char **mistake;
	size_t mistakes;
	unsigned count[GUEST_STATES]; /* of guests, by shown state */
	bool loaded; /* a status came */
};

struct model *model_new(void);
void model_free(struct model *m);

/* The answer to "status": all guests; those not in it are forgotten. */
void model_status(struct model *m, const json_t *status);
/*
 * Data of GUEST_STATE: a guest as it is now. Returns it, or NULL if the data
 * names none.
 */
struct guest *model_guest(struct model *m, const json_t *data);
/* Data of FIGURES. */
void model_figures(struct model *m, const json_t *data);
/* The answer to "history": what guests did before this screen looked. */
void model_history(struct model *m, const json_t *answer);
/* {"mistakes": […]}, of CONFIG and of the answer to "reload". */
void model_mistakes(struct model *m, const json_t *data);

/* NULL if there is none. */
struct guest *model_find(const struct model *m, const char *name);
/* Its place in m->guest, or that of the one that would come after it. */
size_t model_index(const struct model *m, const char *name);

/* What to show: the expected state, else the real one. */
enum guest_state guest_shown(const struct guest *g);
/* The word, "running"; of guests that are up and have a console. */
const char *guest_state_word(enum guest_state state);
bool guest_is_up(const struct guest *g);
/* Sets or (GUEST_UNKNOWN) forgets what is expected. */
void model_expect(struct model *m, struct guest *g, enum guest_state state);

/* The i'th newest sample (0 is the last second's), or -1. */
int64_t history_at(const struct history *h, unsigned i);

/* Order of names as people count: web2 before web10. As strcmp(). */
int model_compare(const char *a, const char *b);

#endif
