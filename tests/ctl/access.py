"""Who may do what: [vmtui] group, owner =, and everybody else."""

import grp
import json
import os
import pwd
import socket
import subprocess
import sys
import time
import traceback

from harness import BINARY, Skip, Wire, check, need_kvm, need_root, until

USER = "nobody"


def other(lab, run, uid=None, groups=()):
    """run(lab) as another user, in a process of its own; returns its value."""
    uid = pwd.getpwnam(USER).pw_uid if uid is None else uid
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(list(groups))
            os.setgid(uid)
            os.setuid(uid)
            with os.fdopen(write, "w") as f:
                json.dump(run(lab), f)
            os._exit(0)
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            os._exit(1)
    os.close(write)
    with os.fdopen(read) as f:
        text = f.read()
    check(os.waitpid(pid, 0)[1] == 0, "it failed as another user")
    return json.loads(text)


def mode(path):
    return os.stat(path).st_mode & 0o777


def world(lab):
    need_root()
    os.chmod(lab.dir, 0o711)


def ask(command, **arguments):
    def run(lab):
        return lab.wire().ask(command, **arguments)
    return run


def refused(answer):
    check(answer.get("error", {}).get("class") == "PermissionDenied", answer)
    check(len(answer["error"]["desc"]) > 20, answer)


def first_line(lab):
    return lab.wire().line()


def reachable(lab):
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(os.path.join(lab.run_dir, "backend.sock"))
    except PermissionError:
        return False
    return True


def test_a_group_may_do_everything_and_nobody_else_gets_in(lab):
    world(lab)
    group = grp.getgrall()[-1]
    lab.configure("[vmtui]\ngroup = %s\n[vm a]\nkernel = /k\n" % group.gr_name)
    lab.ok("status")
    sock = os.path.join(lab.run_dir, "backend.sock")
    check(mode(lab.run_dir) == 0o750 and mode(sock) == 0o660, mode(sock))
    check(os.stat(sock).st_gid == group.gr_gid)
    check(not other(lab, reachable), "a stranger reached the socket")
    answer = other(lab, ask("status"), groups=[group.gr_gid])
    check(answer["return"]["guests"][0]["name"] == "a", answer)
    check("return" in other(lab, ask("reload"), groups=[group.gr_gid]))
    # Taken away again: at once.
    lab.configure("[vm a]\nkernel = /k\n")
    lab.ok("reload")
    check(mode(lab.run_dir) == 0o700 and mode(sock) == 0o600)


def test_an_owner_has_one_guest_and_nothing_else(lab):
    world(lab)
    need_kvm()
    os.chmod(lab.conf, 0o644)
    lab.configure(lab.guest("mine", "owner = " + USER) + lab.guest("yours") +
                  "[vm broken]\nmemory = 64M\n")
    lab.ok("status")
    sock = os.path.join(lab.run_dir, "backend.sock")
    check(mode(lab.run_dir) == 0o711 and mode(sock) == 0o666)
    lab.ok("start", "yours")
    answer = other(lab, ask("status"))["return"]
    check([g["name"] for g in answer["guests"]] == ["mine"], answer)
    for command in ("start", "stop", "pause", "unpause", "console", "status",
                    "wait", "log", "reset"):
        refused(other(lab, ask(command, name="yours")))
        refused(other(lab, ask(command, name="nosuch")))
    for command in ("reload", "switches", "log"):
        refused(other(lab, ask(command)))
    for command in ("reset", "send", "receive"):
        refused(other(lab, ask(command, name="mine")))
    refused(other(lab, ask("start", definition={"name": "x", "kernel": "/k"})))

    def all_of_it(lab):
        wire = lab.wire()
        check("return" in wire.ask("subscribe", figures=True))
        for command in ("start", "pause", "unpause"):
            check("return" in wire.ask(command, name="mine"), command)
        wire.console("mine").close()
        check("return" in wire.ask("stop", name="mine", force=True))
        time.sleep(1.2)
        wire.ask("version")
        return wire.events
    events = other(lab, all_of_it)
    check(events and "yours" not in json.dumps(events), events)
    check(lab.status("yours")["state"] == "running")
    check("yours" in json.dumps(lab.status()))


def test_strangers_are_told_so(lab):
    world(lab)
    lab.configure("[vm a]\nkernel = /k\nowner = %s\n" % USER)
    lab.ok("status")
    refused(other(lab, first_line, uid=12345))
    # Numbers do for users and groups.
    lab.configure("[vm a]\nkernel = /k\nowner = 12345:54321\n")
    lab.ok("reload")
    for uid, groups in ((12345, []), (12346, [54321])):
        answer = other(lab, ask("status"), uid=uid, groups=groups)
        check(len(answer["return"]["guests"]) == 1, answer)
    refused(other(lab, first_line))
    # A group as owner, of somebody who has it beside others.
    group = grp.getgrall()[-1]
    lab.configure("[vm a]\nkernel = /k\nowner = :%s\n" % group.gr_name)
    lab.ok("reload")
    refused(other(lab, first_line))
    answer = other(lab, ask("status"), uid=12345, groups=[7, group.gr_gid])
    check(len(answer["return"]["guests"]) == 1, answer)


def guest_socket(lab, name):
    return os.path.join(lab.run_dir, "guests", name + ".sock")


def at_guest(name, command, **arguments):
    """Asks the guest's own process."""
    def run(lab):
        try:
            wire = Wire(guest_socket(lab, name))
        except PermissionError:
            return "not let in"
        return wire.ask(command, **arguments)
    return run


def hears_at_guest(name):
    def run(lab):
        return Wire(guest_socket(lab, name)).line()
    return run


def opened(lab, name, uid, gid, bits):
    st = os.stat(guest_socket(lab, name))
    return (st.st_uid, st.st_gid, st.st_mode & 0o777) == (uid, gid, bits)


def test_a_guests_own_socket_admits_its_owner(lab):
    world(lab)
    need_kvm()
    uid = pwd.getpwnam(USER).pw_uid
    lab.configure(lab.guest("a", "owner = " + USER) + lab.guest("b"))
    lab.ok("start", "a", "b")
    folder = os.path.join(lab.run_dir, "guests")
    check(mode(folder) == 0o711, oct(mode(folder)))
    check(opened(lab, "a", uid, 0, 0o600) and opened(lab, "b", 0, 0, 0o600))

    def all_of_it(lab):
        wire = Wire(guest_socket(lab, "a"))
        for command in ("status", "ping", "pause", "unpause"):
            check("return" in wire.ask(command), command)
        check("return" in wire.ask("console-size", rows=24, cols=80))
        wire.console("a").close()
        return [wire.ask(command) for command in
                ("reset", "launch", "rights", "try", "nosuch")]
    answers = other(lab, all_of_it)
    for answer in answers[:-1]:
        refused(answer)
    check(answers[-1]["error"]["class"] == "CommandNotFound", answers[-1])
    check(other(lab, at_guest("b", "status")) == "not let in")
    check(other(lab, at_guest("a", "status"), uid=12345) == "not let in")
    # Nor does it help that an owner lets a friend come as far as the door.
    os.chmod(guest_socket(lab, "a"), 0o666)
    refused(other(lab, hears_at_guest("a"), uid=12345))
    check("return" in Wire(guest_socket(lab, "a")).ask("reset"))
    check("return" in other(lab, at_guest("a", "quit")))
    until("it is over", lambda: lab.status("a")["state"] == "stopped")


def test_a_guests_own_socket_knows_groups(lab):
    world(lab)
    need_kvm()
    all_, own = [g.gr_gid for g in grp.getgrall()[-2:]]
    names = [g.gr_name for g in grp.getgrall()[-2:]]
    group = "[vmtui]\ngroup = %s\n" % names[0]
    lab.configure(lab.guest("a", "owner = :" + names[1]))
    lab.ok("start", "a")
    check(opened(lab, "a", 0, own, 0o660))
    check("return" in other(lab, at_guest("a", "pause"), groups=[own]))
    refused(other(lab, at_guest("a", "reset"), groups=[own]))
    check(other(lab, at_guest("a", "status"), groups=[all_]) == "not let in")
    # Now for both: the process alone can tell who is who.
    lab.configure(group + lab.guest("a", "owner = :" + names[1]))
    lab.ok("reload")
    check(opened(lab, "a", 0, all_, 0o666))
    until("the guest has heard of it", lambda: "return" in other(
        lab, at_guest("a", "reset"), groups=[all_]))
    refused(other(lab, at_guest("a", "reset"), groups=[own]))
    refused(other(lab, hears_at_guest("a"), uid=12345))
    lab.configure(group + lab.guest("a"))
    lab.ok("reload")
    check(opened(lab, "a", 0, all_, 0o660))
    check("return" in other(lab, at_guest("a", "reset"), groups=[all_]))
    check(other(lab, at_guest("a", "status"), groups=[own]) == "not let in")


def test_another_owner_by_reload_reaches_the_guest(lab):
    world(lab)
    need_kvm()
    uid = pwd.getpwnam(USER).pw_uid
    sock = guest_socket(lab, "a")
    lab.configure(lab.guest("a", "owner = " + USER))
    lab.ok("start", "a")
    read, write = os.pipe()
    there, here = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(uid)
            os.setuid(uid)
            wire = Wire(sock)
            check("return" in wire.ask("status"))
            os.write(here, b"1")
            os.read(read, 1)
            line = wire.line()
            while line is not None and "event" in line:
                line = wire.line()
            refused(line)
            check(wire.closed(), "its connection stays")
            os._exit(0)
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            os._exit(1)
    os.close(here)
    check(os.read(there, 1) == b"1", "the owner was not let in")
    lab.configure(lab.guest("a", "owner = root"))
    lab.ok("reload")
    os.write(write, b"1")
    check(os.waitpid(pid, 0)[1] == 0, "who is no owner now was not told")
    for fd in (read, write, there):
        os.close(fd)
    check(opened(lab, "a", 0, 0, 0o600))
    check(other(lab, at_guest("a", "status")) == "not let in")
    # A backend is killed, another one finds a new owner in the file.
    lab.kill_backend()
    lab.configure(lab.guest("a", "owner = " + USER))
    lab.ok("status")
    until("the owner is let in", lambda: "return" in other(
        lab, at_guest("a", "status")))
    check(opened(lab, "a", uid, 0, 0o600))


def test_an_owner_cannot_fill_a_guest_with_connections(lab):
    world(lab)
    need_kvm()
    lab.configure(lab.guest("a", "owner = " + USER))
    lab.ok("start", "a")

    def crowd(lab):
        wires = [Wire(guest_socket(lab, "a")) for _ in range(200)]
        fine = 0
        for wire in wires:
            try:
                answer = wire.ask("ping")
                fine += "return" in answer
            except Exception:
                continue
        return fine
    fine = other(lab, crowd)
    check(10 < fine < 40, fine, "of 200 were served")
    lab.ok("pause", "a")
    until("there is room again", lambda: other(
        lab, at_guest("a", "ping")).get("return") is not None)


def test_an_unknown_owner_or_group_gives_nobody_rights(lab):
    for number in ("4294967295", "99999999999999999999", "12x"):
        lab.configure("[vm a]\nkernel = /k\nowner = %s\n" % number)
        lab.ok("status")
        check(mode(os.path.join(lab.run_dir, "backend.sock")) == 0o600, number)
    lab.configure("[vmtui]\ngroup = no-such-group\n"
                  "[vm a]\nkernel = /k\nowner = no-such-user\n")
    lab.ok("status")
    text = lab.ok("log")
    check("no group no-such-group" in text and "no user no-such-user" in text,
          text)
    check(mode(os.path.join(lab.run_dir, "backend.sock")) == 0o600)


SYSTEM = r"""
set -e
mount -t tmpfs -o mode=755 none /run
mkdir -m 755 /run/bin
cp "$1" /run/bin/vmtui
cd /run
finish() {
	for lock in /run/vmtui/backend.lock /tmp/vmtui-12345/backend.lock; do
		kill "$(cat $lock)" || true
	done
	rm -rf /tmp/vmtui-12345 /tmp/vmtui-65534
}
trap finish EXIT
unset VMTUI_RUNDIR VMTUI_STATEDIR VMTUI_CONFIG XDG_RUNTIME_DIR
export VMTUI_STATEDIR=$2 PATH=$PATH:/run/bin
printf '[vm mine]\nkernel = /k\nowner = nobody\n[vm other]\nkernel = /k\n' \
    >/run/conf
vmtui -f /run/conf status >/dev/null
as() { setpriv --reuid="$1" --regid="$1" --clear-groups \
    env -u VMTUI_STATEDIR HOME=/run/home$1 vmtui status --json; }
mkdir -m 777 /run/home65534 /run/home12345
echo "root's, for who owns a guest:"
as 65534
echo "=== own, for who does not:"
as 12345 || true
"""


def test_who_has_no_backend_uses_roots_if_it_has_something_for_them(lab):
    need_root()
    if os.path.exists("/tmp/vmtui-65534") or os.path.exists("/tmp/vmtui-12345"):
        raise Skip("somebody uses the folders of this test")
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", SYSTEM, "bash", BINARY, lab.state_dir],
        env=lab.env, capture_output=True, text=True, timeout=60)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        raise Skip("no mount namespace to be had")
    check(done.returncode == 0, done.stdout, done.stderr)
    theirs, own = done.stdout.split("=== own")
    check('"mine"' in theirs and '"other"' not in theirs, theirs)
    check('"guests": []' in own, own, done.stderr)
