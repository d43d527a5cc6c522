/*
 * import_read.h: what the grammar's files share. Private to config/import*.c.
 */
#ifndef CONFIG_IMPORT_READ_H
#define CONFIG_IMPORT_READ_H

#include "config/config.h"
#include "config/import_out.h"

struct import_name {
	char *name;
	struct lex_place place;
};

struct import_names {
	struct import_name *list;
	size_t count;
};

/* The interface whose options are being read. */
struct import_nic {
	char sw[CONFIG_NAME_MAX + 1]; /* "": none */
	char tap[IFNAMSIZ];
	char lladdr[18];
	bool local, locked;
};

struct import {
	struct lex lex;
	struct out global; /* what belongs to [vmtui] */
	struct out body; /* switches and guests */
	struct import_names vms, switches;
	struct import_names plugged; /* switches that guests ask for */
	const char *vm; /* the guest being read */
	struct import_nic nic;
	unsigned nics; /* interfaces that the guest has so far */
	unsigned least_nics; /* and what it asks for */
	bool enable_said; /* the guest's, in either way */
};

/*
 * A statement of the file or of a block. read() is called when its keyword
 * was read, which stood at from.
 */
struct import_statement {
	const char *word; /* NULL ends a table */
	void (*read)(struct import *im, const struct lex_place *from);
};

/*
 * Reads the statement that t begins; where names what may have such
 * statements ("a guest") for the mistake about a word that is none.
 */
void import_statement(struct import *im, const struct lex_token *t,
    const struct import_statement *table, const char *where);

/*
 * Reads "{ statement ... }", over ends of lines. Without the "{" a mistake,
 * and the rest of the line is left out.
 */
void import_block(
    struct import *im, const struct import_statement *table, const char *where);

/* Leaves out the rest of the line, and blocks that begin in it. */
void import_skip(struct import *im);

/*
 * The word or string that must come next in the line, copied to value. Without
 * one false and a mistake: what says what was expected ("the path of a disk").
 */
bool import_value(struct import *im, struct lex_token *value, const char *what);

/* The same if there is one that is no keyword of table; else false. */
bool import_optional(struct import *im, struct lex_token *value,
    const struct import_statement *table);

/* The keyword must come next; false and a mistake without it. */
bool import_keyword(struct import *im, const char *before, const char *word);

/* A whole number from 0 to max. */
bool import_number(
    struct import *im, const char *what, unsigned max, unsigned *n);

/* Says in o that something was left out, and why. */
void import_drop(struct out *o, const struct lex_place *from, const char *what,
    const char *why);

/* KEY = VALUE, in quotes where it needs them. */
void import_put(struct import *im, const struct lex_place *from,
    const char *key, const struct lex_token *value);

/*
 * Adds the name of a kind ("guest", "switch"); false and a mistake if it is
 * there already or cannot be a name.
 */
bool import_name(struct import *im, struct import_names *names,
    const struct lex_token *t, const char *kind);

/* Statements of the file (import_vm.c, import_switch.c). */
void import_vm(struct import *im, const struct lex_place *from);
void import_switch(struct import *im, const struct lex_place *from);
/* `interface` and `local interface` of a guest (import_nic.c). */
void import_nic(struct import *im, const struct lex_place *from);
void import_local_nic(struct import *im, const struct lex_place *from);
/* The statements of a guest, before which an optional word may be missing. */
extern const struct import_statement import_vm_words[];
/* Those that `interfaces N` asks for beyond the ones there are. */
void import_bare_nics(struct import *im, const struct lex_place *from);

#endif
