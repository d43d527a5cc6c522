"""Clients that break every rule, at the backend's socket and at a guest's."""

import array
import json
import os
import random
import socket
import time

from harness import Skip, Wire, check, need_kvm, until

ROUNDS = 300
COMMANDS = ("version", "status", "start", "stop", "wait", "pause", "unpause",
            "reset", "console", "console-size", "log", "switches", "reload",
            "subscribe", "ping", "launch", "rights", "nonsense", "")


def junk(depth=0):
    """A value of any type."""
    return random.choice((
        lambda: None, lambda: True, lambda: random.randrange(-1 << 62, 1 << 62),
        lambda: random.random() * 1e300, lambda: "a", lambda: "x" * 3000,
        lambda: "\u20ac\ud83d"[:1], lambda: "a\u0000b", lambda: "../../etc",
        lambda: [junk(depth + 1)] if depth < 4 else [],
        lambda: {"name": junk(depth + 1)} if depth < 4 else {},
        lambda: {"definition": {"name": "z", "memory": "9E"}, "fds": 3},
    ))()


def message():
    args = random.choice((junk(), {
        "name": random.choice(("a", "b", "", junk())), "force": junk(),
        "history": junk(), "port": junk(), "rows": junk(), "cols": junk(),
        "figures": junk(), "wait": junk()}))
    msg = {"execute": random.choice(COMMANDS), "arguments": args, "id": junk()}
    # What would end or change the guests that the others rely on.
    if msg["execute"] in ("stop", "reset", "pause", "launch", "start"):
        msg["arguments"] = junk()
        if isinstance(msg["arguments"], dict):
            msg["arguments"]["name"] = "b"
    if random.random() < 0.2:
        msg["fds"] = junk()
    if random.random() < 0.1:
        msg["execute"] = junk()
    return json.dumps(msg).encode()


def line(guest):
    kind = random.randrange(8)
    if kind == 0:
        return os.urandom(random.randrange(200)) + b"\n"
    if kind == 1:
        return b"[" * random.randrange(1, 60000) + b"\n"
    if kind == 2:
        return b'{"execute": "version", "x": "' + b"y" * (1 << 20) + b'"}\n'
    if kind == 3:
        return random.choice((b"\n\n\n", b"null\n", b"3\n", b'"x"\n', b"{}\n"))
    text = message()
    if guest:  # nothing that a guest may rightly be told to do
        text = text.replace(b'"stop"', b'"st0p"').replace(
            b'"reset"', b'"res3t"').replace(b'"pause"', b'"paus3"')
    if kind == 4:
        at = random.randrange(len(text))
        text = text[:at] + bytes([random.randrange(256)]) + text[at + 1:]
        if guest or b"b" not in text:
            text = text.replace(b"stop", b"st0p")
    return text + b"\n"


def attack(path, guest):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    sock.setblocking(False)
    try:
        for _ in range(random.randrange(1, 12)):
            data = line(guest)
            if random.random() < 0.3:
                fds = array.array("i", [0] * random.choice((1, 3, 64, 200)))
                sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                       fds)])
            else:
                sock.sendall(data)
        if random.random() < 0.5:
            sock.recv(65536)
    except OSError:
        pass
    sock.close()


def held(pid):
    with open("/proc/%d/status" % pid) as f:
        rss = [int(li.split()[1]) for li in f if li.startswith("VmRSS")][0]
    return len(os.listdir("/proc/%d/fd" % pid)), rss


def siege(lab, path, pid, guest):
    attack(path, guest)
    time.sleep(0.2)
    fds, rss = held(pid)
    begin, waits = time.monotonic(), []
    for n in range(ROUNDS):
        attack(path, guest)
        if n % 10 == 0:
            before = time.monotonic()
            check("return" in lab.wire().ask("version"))
            waits.append(time.monotonic() - before)
    until("what they sent is closed", lambda: held(pid)[0] <= fds + 3)
    print("# %d hostile clients in %.1f s: others waited at most %.0f ms, "
          "%+d KB of memory" % (ROUNDS, time.monotonic() - begin,
                                1000 * max(waits), held(pid)[1] - rss))


def test_nothing_a_client_sends_hurts_the_backend(lab):
    lab.configure("[vm a]\nkernel = /k\n[vm b]\nkernel = /k\n")
    lab.ok("status")
    siege(lab, os.path.join(lab.run_dir, "backend.sock"), lab.backend(), False)


def test_nothing_a_client_sends_hurts_a_guest(lab):
    need_kvm()
    lab.configure(lab.guest("a"))
    lab.ok("start", "a")
    pid = lab.status("a")["pid"]
    siege(lab, os.path.join(lab.run_dir, "guests", "a.sock"), pid, True)
    guest = lab.status("a")
    check(guest["pid"] == pid and guest["state"] == "running", guest)
    lab.see("a", b"still here", type=b"echo still here\r")


def test_nothing_its_owner_sends_hurts_a_guest(lab):
    """An owner has a door of its own to the guest, and may be hostile too."""
    need_kvm()
    if os.geteuid() != 0:
        raise Skip("needs root")
    os.chmod(lab.dir, 0o711)
    lab.configure(lab.guest("a", "owner = nobody"))
    lab.ok("start", "a")
    pid = lab.status("a")["pid"]
    path = os.path.join(lab.run_dir, "guests", "a.sock")
    time.sleep(0.2)
    fds = held(pid)[0]
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            for _ in range(ROUNDS):
                attack(path, True)
            os._exit(0)
        finally:
            os._exit(1)
    waits, done = [], (0, 0)
    while done[0] == 0:
        done = os.waitpid(child, os.WNOHANG)
        before = time.monotonic()
        lab.wire().console("a").close()
        waits.append(time.monotonic() - before)
        time.sleep(0.05)
    check(done[1] == 0, "the owner was not let near")
    print("# %d hostile owners: consoles of others opened within %.0f ms"
          % (ROUNDS, 1000 * max(waits, default=0)))
    until("what they sent is closed", lambda: held(pid)[0] <= fds + 3)
    guest = lab.status("a")
    check(guest["pid"] == pid and guest["state"] == "running", guest)
    lab.see("a", b"still here", type=b"echo still here\r")


def test_500_clients_at_once(lab):
    lab.configure("[vm a]\nkernel = /k\n")
    lab.ok("status")
    wires = [lab.wire() for _ in range(500)]
    begin = time.monotonic()
    request = json.dumps({"execute": "status", "id": 1}).encode() + b"\n"
    for wire in wires:
        wire.send(request)
    # Every tenth never reads.
    for n, wire in enumerate(wires):
        if n % 10:
            check("return" in wire.line())
    print("# 500 clients at once: all answered within %.0f ms"
          % (1000 * (time.monotonic() - begin)))
    for wire in wires:
        wire.sock.close()
    fresh = Wire(os.path.join(lab.run_dir, "backend.sock"))
    check("return" in fresh.ask("version"))
