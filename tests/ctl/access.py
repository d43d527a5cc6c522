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

from harness import BINARY, Skip, Wire, check, need_kvm, need_root

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
    refused(other(lab, ask("reset", name="mine")))
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
    # A group as owner, of somebody who has it beside others.
    group = grp.getgrall()[-1]
    lab.configure("[vm a]\nkernel = /k\nowner = :%s\n" % group.gr_name)
    lab.ok("reload")
    refused(other(lab, first_line))
    answer = other(lab, ask("status"), uid=12345, groups=[7, group.gr_gid])
    check(len(answer["return"]["guests"]) == 1, answer)


def test_a_guests_own_socket_is_for_its_backend(lab):
    world(lab)
    need_kvm()
    lab.configure(lab.guest("a", "owner = " + USER))
    lab.ok("start", "a")
    folder = os.path.join(lab.run_dir, "guests")
    path = os.path.join(folder, "a.sock")

    def direct(lab):
        return Wire(path).line()
    os.chmod(folder, 0o711)
    os.chmod(path, 0o666)
    refused(other(lab, direct))
    check("return" in Wire(path).ask("status"))
    check(lab.status("a")["state"] == "running")


def test_an_unknown_owner_or_group_gives_nobody_rights(lab):
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
