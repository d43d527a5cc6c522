/*
 * paths.h: where sockets, logs and state live (DESIGN, section 1). Pure but
 * for the environment and, where said, mkdir; main thread.
 */
#ifndef BACKEND_PROTO_PATHS_H
#define BACKEND_PROTO_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/error.h"

/*
 * $VMTUI_RUNDIR, else /run/vmtui for root, else $XDG_RUNTIME_DIR/vmtui, else
 * /tmp/vmtui-UID. Made with mode 0700 if missing; refused if it belongs to
 * somebody else or others may write it. Returns 0, or -1 with err.
 */
int paths_rundir(char *buf, size_t len, struct error *err);
/* $VMTUI_STATEDIR, else /var/lib/vmtui, else $XDG_STATE_HOME/vmtui (default
 * ~/.local/state). Made if missing. */
int paths_statedir(char *buf, size_t len, struct error *err);
/* RUNDIR/backend.sock */
int paths_backend_socket(char *buf, size_t len, struct error *err);
/*
 * Where a client looks for a backend: as above, but a folder that VMTUI_RUNDIR
 * names may be root's; then root_only is true and only root starts one there.
 */
int paths_client_socket(
    char *buf, size_t len, bool *root_only, struct error *err);
/* Root's backend, for those who have none of their own. */
#define PATHS_SYSTEM_SOCKET "/run/vmtui/backend.sock"
/* RUNDIR/guests, made if missing, and NAME.sock in it. */
int paths_guests(char *buf, size_t len, struct error *err);
int paths_guest_socket(
    char *buf, size_t len, const char *name, struct error *err);
/* STATEDIR/log/guest-NAME.log; without a name the backend's, backend.log. */
int paths_log(char *buf, size_t len, const char *name, struct error *err);

#endif
