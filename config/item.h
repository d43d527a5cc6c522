/*
 * item.h: values that are lists of words with commas between them:
 *
 *	disk = PATH[, format=raw|qcow2][, cache=...][, readonly]
 *	interface = switch=NAME[, lladdr=...][, tap=...][, locked]...
 *
 * Private to config/. The options stand in tables like the keys' own.
 */
#ifndef CONFIG_ITEM_H
#define CONFIG_ITEM_H

#include "config/value.h"

/* What the options of an interface are read into before they are judged. */
struct item_words {
	struct config_interface nic;
	bool local, user;
};

/* Each appends one to the guest's list; 0, or -1 with a sentence. */
int item_disk_add(struct config_vm *, const struct config_key *key,
    const char *text, const struct value_from *, struct error *);
int item_interface_add(struct config_vm *, const struct config_key *key,
    const char *text, const struct value_from *, struct error *);

/* "tcp:2222:22" onto the end of an interface's forwards. */
int item_forward_add(
    struct config_interface *, const char *text, struct error *);

/* Copies into a guest that has none. */
void item_disks_copy(struct config_vm *, const struct config_vm *from);
void item_interfaces_copy(struct config_vm *, const struct config_vm *from);
void item_disks_free(struct config_vm *);
void item_interfaces_free(struct config_vm *);

#endif
