"""The backend itself: how it starts and ends, its configuration, its wire."""

import array
import json
import os
import select
import shutil
import signal
import socket
import subprocess

from harness import BINARY, ROOT, Skip, check, until


def test_version_help_and_usage(lab):
    check(lab.ok("--version").startswith("vmtui "))
    check("start" in lab.ok("--help"))
    check("[-r]" in lab.ok("status", "--help"))
    for args in (["stop"], ["start"], ["status", "a", "b"], ["stop", "-x"],
                 ["console"], ["--nonsense"], ["start", "-c", "a", "b"]):
        result = lab.run(*args)
        check(result.status == 2, args, result.status)
        check("usage" in result.err, args, result.err)
    result = lab.run("statsu")
    check(result.status == 2 and "status" in result.err, result.err)
    # As vmctl has it, what is unmistakable will do.
    check(lab.ok("imp", "--help") == lab.ok("import", "--help"))
    result = lab.run("st", "x")
    check(result.status == 2 and
          '"st" may be status, start, stop' in result.err, result.err)
    check(lab.run("").status == 2)
    for command in ["--help"], ["create", "--help"], ["image", "--help"]:
        check(all(len(line) <= 80 for line in lab.ok(*command).split("\n")))
    check(lab.run("status", "--jsn").err.startswith(
        "vmtui: status: unrecognized option '--jsn'\nusage: "))
    check(not lab.processes(), "none of this needs a backend")
    check("no guest is called a" in lab.fails("pau", "a"))


def test_check_finds_every_mistake_in_one_pass(lab):
    lab.configure("[vm a]\nmemroy = 1G\nmemory = 0\n[vm a]\nkernel = /k\n"
                  "[vm b]\ninterface = switch=none\n")
    result = lab.run("check")
    check(result.status == 1, result.status)
    for line, word in ((2, "memory"), (3, "memory"), (4, "a"), (7, "none")):
        check(any(text.startswith("%s:%d: " % (lab.conf, line)) and
                  word in text for text in result.err.split("\n")),
              line, result.err)
    check(not lab.processes(), "check needs no backend")
    lab.configure("[vm a]\nkernel = /k\n")
    check("no mistakes" in lab.ok("check"))
    check("no mistakes" in lab.ok("check", lab.conf))
    check(lab.run("check", lab.path("missing")).status == 1)


def test_the_first_client_starts_a_backend_that_stays(lab):
    lab.configure("[vm one]\nkernel = /k\nmemory = 1G\ncpus = 2\n")
    check("one" in lab.ok("status"))
    pid = lab.backend()
    check(pid in lab.processes(), "the backend is gone")
    guest = lab.status("one")
    check(guest["state"] == "stopped" and guest["cpus"] == 2 and
          guest["memory"] == 1 << 30 and guest["defined"], guest)
    check(lab.backend() == pid, "a second one was started")
    check(os.stat(lab.run_dir).st_mode & 0o777 == 0o700)
    check(os.stat(lab.run_dir + "/backend.sock").st_mode & 0o777 == 0o600)


def test_closed_standard_descriptors_do_no_harm(lab):
    lab.configure("[vm one]\nkernel = /k\n")
    script = '"$@" <&- 2>&-'
    out = subprocess.run(["sh", "-c", script, "sh", BINARY, "status"],
                         env=lab.env, stdout=subprocess.PIPE).stdout
    check(b"one" in out, out)
    check(lab.backend() in lab.processes())


def test_a_stale_socket_is_replaced(lab):
    lab.ok("status")
    old = lab.backend()
    lab.kill_backend()
    check(os.path.exists(lab.run_dir + "/backend.sock"))
    lab.ok("status")
    check(lab.backend() != old and lab.backend() in lab.processes())


def test_clients_that_start_at_once_share_one_backend(lab):
    for _ in range(3):
        clients = [lab.popen("status") for _ in range(8)]
        for client in clients:
            out, err = client.communicate(timeout=60)
            check(client.returncode == 0, client.returncode, err)
        backends = [pid for pid, argv in lab.processes().items()
                    if argv[1:2] == [b"backend"]]
        check(len(backends) == 1, backends)
        lab.kill_backend()


def test_a_second_backend_is_refused_with_a_sentence(lab):
    lab.ok("status")
    result = lab.run("backend")
    check(result.status == 3, result.status)
    check("runs already" in result.err and str(lab.backend()) in result.err,
          result.err)
    check(lab.run("status").status == 0, "the first one was hurt")


def test_the_backend_ends_in_good_order(lab):
    lab.ok("status")
    pid = lab.backend()
    os.kill(pid, signal.SIGTERM)
    until("its end", lambda: pid not in lab.processes())
    check(not os.path.exists(lab.run_dir + "/backend.sock"))


def test_a_run_folder_of_others_is_refused(lab):
    os.mkdir(lab.run_dir, 0o777)
    os.chmod(lab.run_dir, 0o777)
    err = lab.fails("status")
    check("chmod go-w" in err, err)


def test_mistakes_keep_the_old_definitions(lab):
    lab.configure("[vm one]\nkernel = /k\n")
    lab.ok("status")
    lab.configure("[vm one]\nkernel = /k\n[vm two]\nmemory = lots\n")
    data = lab.status()
    check([g["name"] for g in data["guests"]] == ["one"], data["guests"])
    mistakes = data["config"]["mistakes"]
    check(len(mistakes) == 1 and ":4: " in mistakes[0], mistakes)
    result = lab.run("reload")
    check(result.status == 1 and ":4: " in result.err, result.err)
    lab.configure("[vm one]\nkernel = /k\n[vm two]\nkernel = /k\n")
    data = lab.status()
    check(data["config"]["mistakes"] == [], data["config"])
    check([g["name"] for g in data["guests"]] == ["one", "two"])
    lab.configure("[vm two]\nkernel = /k\n")
    os.kill(lab.backend(), signal.SIGHUP)
    check([g["name"] for g in lab.status()["guests"]] == ["two"])


def test_another_file_than_the_backend_reads_is_refused(lab):
    other = lab.path("other.conf", b"[vm x]\nkernel = /k\n")
    lab.ok("status")
    err = lab.fails("-f", other, "status")
    check(other in err and lab.conf in err, err)
    lab.ok("-f", "vmtui.conf", "status")
    lab.kill_backend()
    check("x" in lab.ok("-f", "other.conf", "status"))


def test_an_unknown_guest_names_the_one_that_is_meant(lab):
    lab.configure("[vm web1]\nkernel = /k\n")
    for command in ("start", "stop", "console", "wait", "pause", "status"):
        err = lab.fails(command, "wbe1")
        check("wbe1" in err and "web1" in err, command, err)


def test_what_does_not_run_says_how_to_start_it(lab):
    lab.configure("[vm web1]\nkernel = /k\n")
    for command in ("stop", "console", "pause", "unpause", "reset"):
        err = lab.fails(command, "web1")
        check("not running" in err and "start web1" in err, command, err)
    lab.ok("wait", "web1")


def test_the_wire_answers_with_the_id_and_ignores_what_it_does_not_know(lab):
    lab.ok("status")
    wire = lab.wire()
    wire.send(b'{"execute": "version", "id": {"a": [1]}, "more": 3}\n')
    answer = wire.line()
    check(answer["id"] == {"a": [1]} and "version" in answer["return"], answer)
    answer = wire.ask("fly", how="high")
    check(answer["error"]["class"] == "CommandNotFound", answer)
    for bad in ({"name": 3}, {"name": None}, {}, [1]):
        wire.send(json.dumps({"execute": "start", "arguments": bad,
                              "id": 1}).encode() + b"\n")
        check("error" in wire.line(), bad)
    wire.send(b'{"execute": 5}\n{"nothing": 1}\n')
    check("error" in wire.line() and "error" in wire.line())
    check("return" in wire.ask("version"))


def test_events_of_the_configuration_reach_subscribers(lab):
    lab.ok("status")
    wire = lab.wire()
    wire.ask("subscribe", figures=True)
    lab.configure("[vm one]\nkernel =\n")
    lab.ok("status")
    check(len(wire.event("CONFIG")["mistakes"]) == 1)


def test_hostile_clients_hurt_only_themselves(lab):
    lab.ok("status")
    good = lab.wire()
    for bad in (b"garbage\n", b"[]\n", b"\x00\xff\xfe\n", b"x" * (3 << 20),
                b'{"execute":"version","fds":3}\n', b"[" * 100000 + b"\n"):
        wire = lab.wire()
        try:
            wire.send(bad)
        except ConnectionError:
            pass
        check(wire.closed(), "still there after", bad[:20])
        check("return" in good.ask("version"), "another client suffered")
    wire = lab.wire()
    null = os.open("/dev/null", os.O_RDONLY)
    fds = array.array("i", [null] * 100)
    wire.sock.sendmsg([b"{}\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    check(wire.closed(), "descriptors nobody asked for were taken")
    os.close(null)
    open_fds = len(os.listdir("/proc/%d/fd" % lab.backend()))
    check(open_fds < 40, open_fds, "descriptors are open in the backend")
    check("return" in good.ask("version"))


def test_a_client_that_does_not_read_is_dropped(lab):
    lab.configure("".join("[vm g%d]\nkernel = /k\n" % i for i in range(300)))
    lab.ok("status")
    wire = lab.wire()
    try:
        for _ in range(2000):
            wire.send(b'{"execute": "status"}\n')
    except ConnectionError:
        pass
    poll = select.poll()
    poll.register(wire.sock, 0)
    check(poll.poll(30000), "it may keep the backend busy for ever")
    check(lab.run("status").status == 0)
    with open("/proc/%d/status" % lab.backend()) as f:
        rss = [int(s.split()[1]) for s in f if s.startswith("VmRSS")][0]
    check(rss < 400000, "the backend holds", rss, "kB")


def test_more_clients_than_there_is_room_for(lab):
    lab.ok("status")
    wires = [lab.wire() for _ in range(640)]
    check("return" in wires[639].ask("version"))
    extra = lab.wire()
    check("clients" in extra.line()["error"]["desc"])
    check(extra.closed())
    check("return" in wires[0].ask("version"))
    for wire in wires:
        wire.sock.close()
    until("room again", lambda: lab.run("status").status == 0)


def test_an_idle_backend_does_not_wake(lab):
    lab.configure("".join("[vm g%d]\nkernel = /k\n" % i for i in range(10)))
    lab.ok("status")
    wire = lab.wire()
    wire.ask("subscribe", figures=True)

    lab.sleeps(lab.backend())


def test_no_backend_can_be_started_is_a_sentence(lab):
    lab.path("file", b"")
    lab.env["VMTUI_STATEDIR"] = lab.path("file")
    err = lab.fails("status")
    check(lab.path("file") in err, err)


def test_status_to_a_full_disk_fails(lab):
    lab.ok("status")
    with open("/dev/full", "wb") as full:
        process = lab.popen("status", stdout=full)
        _, err = process.communicate(timeout=60)
    check(process.returncode == 1, process.returncode, err)


def activated(lab, fd, stderr=subprocess.PIPE):
    """A backend that was passed a socket as systemd does it."""
    script = ("exec 3<&%d; export LISTEN_PID=$$ LISTEN_FDS=1; "
              'exec "$0" backend' % fd)
    return subprocess.Popen(["bash", "-c", script, BINARY], env=lab.env,
                            pass_fds=[fd], stdin=subprocess.DEVNULL,
                            stderr=stderr)


def test_the_units_are_what_systemd_takes(lab):
    if shutil.which("systemd-analyze") is None:
        raise Skip("no systemd-analyze")
    os.chmod(lab.dir, 0o755)
    usr = lab.path("usr")
    # The built program has to be there, which make check sees to.
    subprocess.run(["make", "-s", "-C", ROOT, "-o", "build/rel/vmtui",
                    "install", "DESTDIR=", "PREFIX=" + usr], check=True,
                   capture_output=True)
    # As a stranger: it shall look at the files and touch nothing.
    drop = (["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            if os.geteuid() == 0 else [])
    for kind in ("system", "user"):
        done = subprocess.run(
            drop + ["env", "-i", "PATH=" + os.environ["PATH"], "HOME=/tmp",
                    "XDG_RUNTIME_DIR=/tmp", "systemd-analyze", "verify",
                    "--man=no", "--" + kind, "./vmtui.service",
                    "./vmtui.socket"],
            cwd=os.path.join(usr, "lib/systemd", kind), capture_output=True,
            text=True)
        check(done.returncode == 0 and done.stderr == "", kind, done.stderr)


def test_a_socket_that_was_passed_on_is_used_and_stays(lab):
    os.mkdir(lab.run_dir, 0o700)
    path = os.path.join(lab.run_dir, "backend.sock")
    listen = socket.socket(socket.AF_UNIX)
    listen.bind(path)
    listen.listen()
    for _ in range(2):
        backend = activated(lab, listen.fileno())
        check("return" in lab.wire().ask("version"))
        check(lab.backend() == backend.pid, "another one was started")
        backend.terminate()
        backend.communicate(timeout=60)
        check(backend.returncode == 0, backend.returncode)
        check(os.path.exists(path), "systemd's socket was removed")
    # Where systemd throws its words away, the log has them still.
    backend = activated(lab, listen.fileno(), subprocess.DEVNULL)
    check("listens on" in lab.ok("log"))
    backend.terminate()
    backend.wait(timeout=60)
    elsewhere = socket.socket(socket.AF_UNIX)
    elsewhere.bind(lab.path("other.sock"))
    elsewhere.listen()
    backend = activated(lab, elsewhere.fileno())
    why = backend.communicate(timeout=60)[1].decode()
    check(backend.returncode == 1 and "ListenStream" in why, why)
    os.unlink(path)
