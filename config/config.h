/*
 * config.h: the definitions of guests and switches, read and checked.
 *
 * DESIGN.md section 4. A file becomes a model in three steps:
 *
 *	text --(inih)--> sections of raw entries      source.c
 *	     --(table)-> struct config, one value     keys.c value.c item.c
 *	                 after the other
 *	     --(check)-> templates filled in, names   check.c
 *	                 that must agree, agree
 *
 * and every mistake that any step finds is collected, so that one pass tells
 * a person everything. A file with mistakes gives no model at all.
 *
 * The model is pure: nothing here looks at the host (does the kernel exist,
 * is there so much memory); the backend does that when a guest starts. The
 * only things taken from outside the text are the folder of the file and the
 * person's home, to make paths absolute.
 *
 * Users: the backend (the model), the command line (vmtui check, guests made
 * up on the spot with start -m ... -d ...), the screen (forms, editor). There
 * are no globals: any thread may call anything on data that is its own.
 * Pointers into a model live until config_free().
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/error.h"

#define CONFIG_NAME_MAX     32 /* letters in the name of a guest or switch */
#define CONFIG_LINE_MAX     199 /* bytes in a line; inih cuts what is over */
#define CONFIG_FILE_MAX     (4 << 20) /* bytes */
#define CONFIG_VMS_MAX      4096
#define CONFIG_SWITCHES_MAX 1024
#define CONFIG_DISKS_MAX    16 /* a guest */
#define CONFIG_NICS_MAX     8 /* a guest */
#define CONFIG_CPUS_MAX     64
#define CONFIG_PIN_MAX      1024 /* numbers of the host's CPUs are below */
#define CONFIG_KEYS_MAX     32 /* keys a section's table may have */
#define CONFIG_MISTAKES_MAX 200 /* kept; the rest are only counted */

/*
 * --- Mistakes ---------------------------------------------------------
 */

struct config_mistake {
	int line; /* from 1; 0: the file as a whole */
	char *text; /* what is wrong and what would be right */
};

/* Zeroed by the caller, filled by config_load(), emptied by the caller. */
struct config_mistakes {
	char *path; /* as the person wrote it */
	struct config_mistake *list; /* by line */
	size_t count;
	size_t dropped; /* beyond CONFIG_MISTAKES_MAX */
};

/* Writes "FILE:LINE: text" of mistake i ("FILE: text" for line 0) to buf. */
const char *config_mistake_format(
    const struct config_mistakes *, size_t i, char *buf, size_t len);

/*
 * Puts the first mistake, and how many more there are, into err; returns -1.
 * For callers that have room for one sentence.
 */
int config_mistakes_error(const struct config_mistakes *, struct error *err);

/* Frees what is in it and zeroes it. */
void config_mistakes_clear(struct config_mistakes *);

/*
 * --- The table of keys ------------------------------------------------
 *
 * One entry a key, in the order a person would write them. The checker, the
 * forms, the editor's completion and the manual all read this table.
 */

enum config_section_kind {
	CONFIG_VMTUI, /* [vmtui] */
	CONFIG_SWITCH, /* [switch NAME] */
	CONFIG_VM, /* [vm NAME] */
	CONFIG_KEYS, /* [keys]: any action = keys */
	CONFIG_THEME, /* [theme]: any element = colours */
	CONFIG_SECTIONS
};

enum config_kind {
	CONFIG_K_SIZE, /* uint64_t bytes, min to max */
	CONFIG_K_NUMBER, /* unsigned, min to max */
	CONFIG_K_BOOL, /* bool: yes | no */
	CONFIG_K_CHOICE, /* int: index into choices */
	CONFIG_K_WORDS, /* unsigned: 1 << index, for each of choices given */
	CONFIG_K_TEXT, /* char *: anything; repeats are joined by a space */
	CONFIG_K_PATH, /* char *: made absolute, or one of choices as it is */
	CONFIG_K_NAME, /* char *: the name of a group */
	CONFIG_K_VM, /* char *: the name of another [vm] */
	CONFIG_K_SWITCH, /* char *: the name of a [switch] */
	CONFIG_K_IFNAME, /* char *: a network interface of the host */
	CONFIG_K_IFNAMES, /* struct config_add list */
	CONFIG_K_CPUS, /* char *: what config_pins_parse() takes */
	CONFIG_K_OWNER, /* user[:group] */
	CONFIG_K_ADDRESS, /* IPv4 address/prefix */
	CONFIG_K_LLADDR, /* 6 bytes, not multicast */
	CONFIG_K_FORWARD, /* tcp|udp:HOSTPORT:GUESTPORT */
	CONFIG_K_FLAG, /* bool: an option that is there or not */
	CONFIG_K_DISK, /* PATH[, option]... */
	CONFIG_K_INTERFACE, /* option[, option]... */
};

struct config_key {
	const char *name; /* NULL ends a table */
	enum config_kind kind;
	bool repeats; /* may be given more than once */
	size_t offset; /* of the value in its struct */
	uint64_t min, max; /* CONFIG_K_SIZE and CONFIG_K_NUMBER */
	const char *const *choices; /* CHOICE, WORDS, PATH; ends with NULL */
	const struct config_key *options; /* of DISK and INTERFACE */
	const char *unit; /* of a number: "CPUs", "seconds"; NULL: none */
	bool at_once; /* a running guest needs no restart to see it */
	const char *value; /* how a value looks: "SIZE", "yes | no" */
	const char *fallback; /* as written in a file; NULL: none */
	const char *help; /* one sentence without its full stop */
};

/*
 * The keys of a kind of section; ends with a NULL name. Those of [keys] and
 * [theme] are the screen's: empty before config_screen(), and their values are
 * text (struct config_pair).
 */
const struct config_key *config_keys(enum config_section_kind);

/* "vmtui", "switch", "vm", "keys", "theme". */
const char *config_section_word(enum config_section_kind);

/* The entry for a name, or NULL. Options of a key: pass key->options. */
const struct config_key *config_key_find(
    const struct config_key *table, const char *name);

/*
 * --- What was written, for messages and for writing back ---------------
 */

struct config_entry {
	int line;
	char *key;
	char *value; /* without the comment behind it */
};

struct config_section {
	enum config_section_kind kind;
	char *name; /* NULL where the kind has none */
	int line; /* of "[...]" */
	int last; /* last line of it that says something */
	struct config_entry *entries;
	size_t nentries;
};

/*
 * --- The model --------------------------------------------------------
 */

enum config_boot { CONFIG_BOOT_DISK, CONFIG_BOOT_CDROM, CONFIG_BOOT_NET };
enum config_restart {
	CONFIG_RESTART_NO,
	CONFIG_RESTART_ON_FAILURE,
	CONFIG_RESTART_ALWAYS
};
enum config_format {
	CONFIG_FORMAT_AUTO, /* not given: look at the image */
	CONFIG_FORMAT_RAW,
	CONFIG_FORMAT_QCOW2
};
enum config_cache {
	CONFIG_CACHE_WRITEBACK, /* through the host's page cache */
	CONFIG_CACHE_NONE, /* O_DIRECT */
	CONFIG_CACHE_UNSAFE /* flushes are not waited for */
};
enum config_bus { CONFIG_BUS_VIRTIO, CONFIG_BUS_SCSI };
enum config_net {
	CONFIG_NET_TAP, /* a tap in no switch; the person sees to it */
	CONFIG_NET_SWITCH,
	CONFIG_NET_LOCAL, /* a tap with an address of the host's */
	CONFIG_NET_USER /* user-mode networking, no privileges */
};
enum config_proto { CONFIG_PROTO_TCP, CONFIG_PROTO_UDP };

/* What a guest may do to the terminal of who has its console. */
#define CONFIG_ALLOW_TITLE     1u
#define CONFIG_ALLOW_CLIPBOARD 2u

/* In place of a disc's path: the drive is there and has none in it. */
#define CONFIG_EMPTY "empty"

struct config_disk {
	int line; /* 0 where there is no file */
	char *path; /* absolute */
	enum config_format format;
	enum config_cache cache;
	enum config_bus bus;
	bool readonly;
};

/* CPUs of the host, each once, in the order they were given in. */
struct config_pins {
	unsigned n;
	uint16_t cpu[CONFIG_CPUS_MAX];
};

/* Reads "0-3,8". Returns 0, or -1 with what is wrong or would be right. */
int config_pins_parse(
    const char *text, struct config_pins *pins, struct error *err);

struct config_forward {
	enum config_proto proto;
	uint16_t host_port, guest_port; /* 1 to 65535 */
};

struct config_interface {
	int line;
	enum config_net net;
	char *switch_name; /* CONFIG_NET_SWITCH; else NULL */
	uint8_t lladdr[6];
	bool has_lladdr; /* else see config_vm_lladdr() */
	bool locked; /* its own word or its switch's */
	bool vhost; /* the host's vhost-net may move its frames */
	char *tap; /* NULL: the backend picks a name */
	struct config_forward *forwards; /* CONFIG_NET_USER */
	size_t nforwards;
};

struct config_vm {
	char *name;
	int line; /* of its [vm NAME]; 0: made up on the spot */
	/*
	 * For each key of the table, in its order: 0 if neither the guest nor
	 * its template gave it, else its (first) line, -1 without a file.
	 */
	int lines[CONFIG_KEYS_MAX];
	uint64_t memory; /* bytes, whole MiB */
	unsigned cpus;
	char *pin; /* config_pins_parse() takes it; NULL: anywhere */
	char *kernel; /* absolute, or NULL */
	char *initrd;
	char *cmdline;
	enum config_boot boot;
	char *firmware; /* absolute, or NULL: where the package puts it */
	bool firmware_log;
	bool serial2; /* a second serial port */
	struct config_disk *disks;
	size_t ndisks;
	char *cdrom; /* absolute, CONFIG_EMPTY, or NULL: no drive */
	struct config_interface *interfaces;
	size_t ninterfaces;
	bool enable;
	enum config_restart restart;
	char *owner_user; /* either may be NULL */
	char *owner_group;
	/*
	 * The template's name. After config_load() everything that it gives
	 * and this guest does not is already filled in here.
	 */
	char *instance_of;
	bool balloon;
	bool hugepages;
	unsigned allow; /* CONFIG_ALLOW_... */
};

struct config_add {
	int line;
	char *name;
};

struct config_switch {
	char *name;
	int line;
	int lines[CONFIG_KEYS_MAX];
	char *interface; /* the bridge; never NULL after config_load() */
	struct config_add *adds;
	size_t nadds;
	struct in_addr address; /* the host's own, 0.0.0.0: none */
	unsigned prefix;
	bool nat;
	bool locked;
	bool enable;
};

/*
 * What [keys] and [theme] may say. This folder knows no screen, so whoever has
 * one (tui/settings.h) hands it down before the first file is read. judge is
 * called for each configuration that is read, from whatever thread reads it,
 * and says what is wrong with cfg->keys and cfg->theme, one call a mistake.
 */
struct config;
struct config_screen {
	const struct config_key *(*keys)(enum config_section_kind);
	void (*judge)(const struct config *cfg,
	    void (*say)(void *arg, int line, const char *text), void *arg);
};
void config_screen(const struct config_screen *screen);

struct config_global {
	int line; /* 0: no [vmtui] */
	int lines[CONFIG_KEYS_MAX];
	char *group; /* NULL: root alone */
	unsigned start_parallel; /* 0: as many as the host has cpus */
	unsigned start_delay; /* seconds */
	unsigned shutdown_timeout; /* seconds */
};

/* Of [keys] and [theme]. The screen knows what the names mean. */
struct config_pair {
	int line;
	char *name;
	char *value;
};

struct config {
	char *path; /* as given; NULL only for an empty one */
	char *folder; /* absolute; relative paths start here */
	struct config_global global;
	struct config_vm *vms; /* in the order of the file */
	size_t nvms;
	struct config_switch *switches;
	size_t nswitches;
	struct config_pair *keys;
	size_t nkeys;
	struct config_pair *theme;
	size_t ntheme;
	struct config_section *sections; /* all, as written */
	size_t nsections;
};

/*
 * --- Reading ----------------------------------------------------------
 */

/*
 * Where the configuration is when nobody said -f: $VMTUI_CONFIG, else
 * /etc/vmtui.conf for root, else $XDG_CONFIG_HOME/vmtui/vmtui.conf or
 * ~/.config/vmtui/vmtui.conf. Returns 0, or -1 with a reason.
 */
int config_default_path(char *buf, size_t len, struct error *err);

/* For config_load(): no file at that place is an empty configuration. */
#define CONFIG_MISSING_OK 1
/*
 * And: only [keys] and [theme] are read, and only what is wrong with their
 * values is a mistake. There is a model all the same, unless the file cannot
 * be read; guests with mistakes are no reason to have other keys.
 */
#define CONFIG_SCREEN 2

/*
 * Reads and checks a file. Returns 0 and a model for config_free(), or -1
 * with every mistake in *mistakes (zeroed before by the caller, who clears it
 * afterwards in both cases). A file that cannot be read is a mistake at line
 * 0 with the reason.
 */
int config_load(const char *path, int flags, struct config **,
    struct config_mistakes *mistakes);

/*
 * The same from len bytes of text that need not end in a zero byte; path is
 * for messages and for relative paths, and is not opened.
 */
int config_load_string(const char *text, size_t len, const char *path,
    struct config **, struct config_mistakes *mistakes);

/* Frees all of it. NULL is fine. */
void config_free(struct config *);

/* By name; NULL if there is none. The result belongs to the model. */
struct config_vm *config_find_vm(const struct config *, const char *name);
struct config_switch *config_find_switch(
    const struct config *, const char *name);

/*
 * Says "no guest is called NAME", with the nearest name that there is, and
 * returns -1. For commands that take the name of a guest.
 */
int config_no_vm(const struct config *, const char *name, struct error *err);

/*
 * --- Guests made up on the spot, copies --------------------------------
 *
 *	vm = config_vm_new("test", &err);
 *	config_vm_set(vm, "memory", "512M", cwd, &err);
 *	config_vm_set(vm, "disk", "a.qcow2, readonly", cwd, &err);
 *	config_vm_inherit(vm, config_find_vm(cfg, "template"));
 */

/* A guest with every key at its fallback. NULL with a reason for a bad name. */
struct config_vm *config_vm_new(const char *name, struct error *err);

/*
 * Gives a key a value with the file's own rules. A key that does not repeat
 * may be set again (the last one counts); a repeating one appends. folder is
 * where relative paths start, absolute. Returns 0, or -1 with a sentence and
 * the guest as it was. A path with a comma in a disk goes in quotes.
 */
int config_vm_set(struct config_vm *, const char *key, const char *value,
    const char *folder, struct error *err);

/*
 * Fills in what vm does not give itself and template does. A list (disk,
 * interface) is taken as a whole or not at all; hardware addresses and tap
 * names are never taken, since they must differ.
 */
void config_vm_inherit(struct config_vm *vm, const struct config_vm *template);

/* A copy that lives on its own, for config_vm_free(). */
struct config_vm *config_vm_copy(const struct config_vm *);
void config_vm_free(struct config_vm *);

/*
 * Whether the guest says enough to be started: something to boot, no initrd
 * without a kernel, every switch defined. Templates need not, so loading does
 * not ask. cfg gives the switches and the file's name for the sentence; with
 * NULL there are no switches. Returns 0, or -1 with a sentence.
 */
int config_vm_complete(
    const struct config *cfg, const struct config_vm *, struct error *err);

/* The path of what is in the guest's CD-ROM drive, or NULL. */
const char *config_vm_disc(const struct config_vm *);

/* The line that gave a key its value, or the guest's own; 0 without a file. */
int config_vm_line(const struct config_vm *, const char *key);

/*
 * Puts "FILE:LINE: " of a key before a sentence about its value ("the kernel
 * does not exist ..."), if the guest comes from a file; path is the model's,
 * or NULL. Returns -1.
 */
int config_vm_blame(const char *path, const struct config_vm *, const char *key,
    struct error *err);

/*
 * --- Single values ----------------------------------------------------
 */

/* 0 if it can be the name of a guest or a switch; -1 with what is wrong. */
int config_name_check(const char *name, struct error *err);

/*
 * A path as the file's rules read it: "~/x" in the person's home, a relative
 * one in folder (absolute). Returns a string for free(), or NULL with a reason.
 */
char *config_path_expand(
    const char *path, const char *folder, struct error *err);

/* Reads "00:20:91:00:00:01"; refuses multicast and all zeroes. 0 or -1. */
int config_lladdr_parse(const char *text, uint8_t lladdr[6], struct error *);

/*
 * The hardware address of a guest's index-th interface that was given none:
 * locally administered, always the same for the same three arguments. host
 * tells this host from the next one on the same network (config_host_id());
 * NULL is allowed.
 */
void config_vm_lladdr(
    const char *host, const char *name, unsigned index, uint8_t lladdr[6]);

/*
 * The UUID that a guest's firmware and system know the machine by: always the
 * same for the same two arguments (RFC 9562, version 8). host as above.
 */
void config_vm_uuid(const char *host, const char *name, uint8_t uuid[16]);

/* A word that is this host's alone: its machine-id, else its name. */
const char *config_host_id(char *buf, size_t len);

/*
 * The candidate that somebody who wrote word most likely meant, or NULL if
 * none is near. Candidates end with NULL.
 */
const char *config_nearest(const char *word, const char *const *candidates);

#endif
