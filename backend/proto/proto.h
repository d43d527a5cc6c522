/*
 * proto.h: the words of the wire, for those who speak it and those who script.
 *
 * A request is {"execute": NAME, "arguments": {…}, "id": any}; its answer has
 * the same "id". Unknown members are ignored, unknown commands answered with
 * class CommandNotFound.
 *
 * To the backend (RUNDIR/backend.sock):
 *
 *   version      → {"version", "pid", "config": the path of the file}
 *   status       {"name"?} → {"host": HOST, "config": {"path", "mistakes":
 *                ["FILE:LINE: …"]}, "guests": [GUEST…]}
 *   history      {"name"?} → {"guests": [{"name", "cpu", "exits",
 *                "disk_read", "disk_written", "net_received", "net_sent",
 *                "memory_used", "memory_taken" (by its balloon; bytes):
 *                arrays of what it was each second, the newest last}…]}, of
 *                those that somebody looked at (subscribe with figures);
 *                while nobody did, each second has the average, and of
 *                memory the straight line
 *   start        {"name"} or ad hoc {"definition": {"name", "memory",
 *                "cpus", "kernel", …: the keys of a [vm] section as strings,
 *                repeated ones as arrays}, "folder": where relative paths
 *                start}; answered when the guest runs, or with "wait": true
 *                by GUEST when it has ended
 *   stop         {"name", "force": bool}; answered when the guest was asked
 *                (power button), or with force when it is gone
 *   wait         {"name"}; answered with GUEST when it is no longer running
 *   pause, unpause   {"name"}
 *   reset        {"name", "ask": bool}: the reset button, or with "ask" a
 *                request to reboot, of guests with a driver for that (vmmci)
 *   send         {"name"} and one descriptor, which gets the guest as a
 *                stream (stream.h); answered when all is written and its
 *                process is gone, so that its disks are free; or it could not
 *                be written, and the guest goes on
 *   receive      {"name"} and one descriptor, a regular file that is such a
 *                stream from its position on; answered when the guest runs
 *   console      {"name", "history": bool, "port": "ttyS0" (default),
 *                "hvc0" or, of a guest with serial2 = yes, "ttyS1"} → {} and one descriptor: a stream
 *                socket into the guest process. What is read from it is the
 *                console's output, with history first if asked; what is
 *                written is typed. End of file: the guest process is gone.
 *   console-size {"name", "rows", "cols", "port"?}: the client's pane, of that
 *                console (default: ttyS0), has the keyboard and is that large.
 *                hvc0 has the size of the largest pane of all clients that
 *                are there, of those with hvc0 if there are any. Without rows
 *                and cols: the keyboard left it
 *   balloon      {"name", "size"}: the memory that a guest with balloon = yes
 *                is to have from now on; answered when it was asked
 *   link         {"name", "nic": its number, from 0, "up": bool}: pulls the cable
 *                of an interface out, or plugs it in
 *   insert       {"name", "path": absolute, "force": bool}: another disc for
 *                the CD-ROM drive of a guest that runs → {"warning"?}; refused
 *                if the guest has locked the drive, unless by force
 *   eject        {"name", "force": bool}: takes the disc out, likewise
 *   grow         {"name", "disk": its number from 0 on or its file, as text;
 *                may be left out if it is the only one, "size": bytes, "more":
 *                bool, that is how many more} → {"path", "size"}: makes a disk
 *                of a guest that runs larger; answered when it is
 *   switches     → {"switches": [{"name", "interface", "state", "members",
 *                "stations": [{"member": where it is heard, "lladdr",
 *                "address": one that the host knows it by, or ""}]}]}
 *   log          {"name"} → {} and one descriptor: the log of that guest, or
 *                without a name the backend's, for reading
 *   reload       → {"mistakes": […], "changes": [CHANGE…]}; with mistakes
 *                the old definitions stay. CHANGE: {"kind": "vm", "switch" or
 *                "vmtui", "name", "change": "added", "removed" or "changed",
 *                "keys": [those with another value], "restart": [the running
 *                guests that see it only after a restart], "troubles":
 *                [sentences: what could not be done at once]}: all since the
 *                last time somebody asked
 *   load         {"path"}: another file is the configuration from now on;
 *                answered as reload
 *   reset-switches: bridges and what is in them, as they are defined
 *   subscribe    {"figures": bool}; from then on events come
 *
 * Events of the backend:
 *
 *   GUEST_STATE    GUEST, at each change of state
 *   FIGURES        {"host": HOST, "guests": [{"name", "cpu", "memory_used",
 *                  "threads", …, RATES}]}, each second while somebody asked
 *                  for figures. RATES: "exits", "disk_read", "disk_written",
 *                  "net_received", "net_sent": a second, the last four in
 *                  bytes; missing before they are known
 *   SENDING        {"name", "done", "total"}: bytes of a guest that is being
 *                  sent, twice a second
 *   CONFIG         {"mistakes": […]}: the definitions were read again
 *
 * Wherever a command takes "name", the guest's number as text will do.
 *
 * GUEST: {"name", "id": its number, "state", "reason", "since", "memory", "cpus", "pid",
 *   "uptime", "cpu", "cpu_time", "memory_used", "defined", "kernel", "serial2": whether it
 *   has a second serial port, "pin": [the host's CPUs that its own are bound
 *   to, while it runs], "disks": [{"path",
 *   …}], "nics": [{"tap", "switch", "lladdr", "locked": it can send from
 *   that lladdr only, "mtu", "up", "vhost": the host's kernel moves its
 *   frames}], "restarts": RESTARTS,
 *   "cdrom": MEDIUM if it has a drive,
 *   "allow": ["title", "clipboard": what it may do to the terminal of who has
 *   its console], "rows", "cols": the size of hvc0, 0: not told,
 *   "confinement": CONFINEMENT while it runs, "balloon": BALLOON while it
 *   runs and if it has one}
 * RESTARTS: {"policy": "no", "on-failure" or "always", "count": how often it
 *   was started again since a person did, "next": when it starts again, 0: it
 *   does not, "failed": starts in a row that failed, "ends": the last ten
 *   that no person asked for, oldest first: [{"when", "state", "reason",
 *   "ran": false for a start that failed}]}
 *   state: one of the names below. reason: a sentence, "" if there is none;
 *   of a paused guest: that its disk is full, and what to do.
 *   since: seconds since 1970, of the last change. memory, memory_used:
 *   bytes. cpu: hundredths of one host CPU over the last second, null before
 *   there are two samples. cpu_time: seconds of CPU since it started.
 * MEDIUM: {"path": what is in the drive, "" if nothing is, "open": the tray,
 *   "locked": by the guest}
 * BALLOON: {"size": what a person wants the guest to have, "limit": what the
 *   host can give it at the moment, "wanted": what it is asked to do without,
 *   "taken": what it does without, "returned": what it gave back besides, page
 *   by page, since it started (and may have taken again), "driver": whether
 *   it can be asked; "total", "free", "available": as the guest last saw its
 *   memory, if it has told}, all in bytes
 * CONFINEMENT: {"uid", "holds": [WORDS…], "refused": [WORDS…]}: what keeps the
 *   process from the host ("empty root"), and what the host has not.
 * HOST: {"name", "cpus", "memory", "memory_used", "cpu"}
 *
 * To a guest process (RUNDIR/guests/NAME.sock, and the launch socket that it
 * inherits as descriptor 3):
 *
 *   launch       SPEC (spec.h), only once and only on the launch socket;
 *                answered when the first instruction is about to run
 *                → {"confinement": CONFINEMENT, "balloon": BALLOON or null,
 *                "vhost": [true, …]}, of each interface
 *   status       → {"name", "state", "reason", "since", "started", "pid",
 *                "memory", "cpus", "exits", "spec": {…}, "disks": [{"path",
 *                "in_bytes", …}], "nics": […], "balloon": BALLOON or null, "cdrom": MEDIUM or null}; SPEC has "confinement":
 *                CONFINEMENT besides
 *   stop         asks the driver of vmmci, or presses the power button
 *   balloon      {"size", "limit"}: as BALLOON has them; one that is missing
 *                stays as it is
 *   link         {"nic", "up"}
 *   insert       {"path", "force"} and one descriptor, the opened image
 *   eject        {"force"}
 *   grow         {"disk", "size", "more"} → {"path", "size"}
 *   ping         → {}: its main loop turns; and asks the guest for its figures
 *   figures      → {"exits", "read", "written", "received", "sent"}: counts
 *                since it started; bytes of all disks, of all interfaces;
 *                what the host's kernel moves (vhost) its taps count
 *   quit         ends the process at once
 *   pause, unpause
 *   reset        {"ask"}
 *   send         and one descriptor; answered when all is written, just
 *                before the guest is over, or with the reason why it goes on
 *   console      {"history": bool, "port"} → {} and one descriptor
 *   console-size {"rows", "cols"}
 *   rights       RIGHTS (rights.h): who else may ask all this, from now on;
 *                like launch, only from the backend's user or root
 *
 * Events of a guest process, to every connection: STATE {"state", "reason"},
 * MEDIUM MEDIUM, a quarter of a second after the guest did something to it and
 * before the answer to insert and eject, BALLOON BALLOON, a quarter of a second after it changed, LINK {"nic", "up"},
 * and SENDING {"done", "total"}.
 * The last one, "stopped" or "crashed", comes before the process ends.
 */
#ifndef BACKEND_PROTO_PROTO_H
#define BACKEND_PROTO_PROTO_H

#define PROTO_STOPPED  "stopped"
#define PROTO_STARTING "starting"
#define PROTO_RUNNING  "running"
#define PROTO_PAUSED   "paused"
#define PROTO_STOPPING "stopping"
#define PROTO_CRASHED  "crashed"

/* The reason of a guest that stopped because it goes on elsewhere. */
#define PROTO_SENT "sent"

/* Exit status of a guest process that broke its confinement. */
#define PROTO_EXIT_CONFINED 70

/* Classes of errors. */
#define PROTO_E_GENERIC "GenericError"
#define PROTO_E_COMMAND "CommandNotFound"
#define PROTO_E_NAME    "GuestNotFound"
#define PROTO_E_STATE   "WrongState"
#define PROTO_E_PERM    "PermissionDenied"

/* Exit status of a backend that finds another one in its place. */
#define PROTO_EXIT_TAKEN 3

/*
 * In a guest process's environment: the namespaces that it was started in and
 * that are its own, as the CLONE_NEW… flags of clone(2), in hexadecimal.
 */
#define PROTO_APART "VMTUI_APART"

/* The descriptor on which a guest process finds its launch socket. */
#define PROTO_LAUNCH_FD 3

#endif
