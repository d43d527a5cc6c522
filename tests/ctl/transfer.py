"""A guest that is sent and received: it must not notice."""

import json
import os
import select
import socket

from harness import KERNEL, PROMPT, check, need_kvm, until

ASKED = []  # so that no answer is taken for another one


def running(lab, name, extra="", memory="32M"):
    lab.configure(lab.guest(name, extra, memory=memory))
    lab.ok("start", name)
    lab.see(name, PROMPT)


def mark(lab, name):
    """Something in RAM that no boot would put there."""
    lab.see(name, b"\npoked", 
            type=b"poke 0x1800000 4 0x5ca1ab1e\necho poked\n")


def marked(lab, name):
    ASKED.append(name)
    lab.see(name, b"\n5ca1ab1e\r\nvmtui> echo %d\r" % len(ASKED),
            type=b"peek 0x1800000 4\necho %d\n" % len(ASKED))


def send(lab, name, path):
    with open(path, "wb") as out:
        process = lab.popen("send", name, stdout=out)
        err = process.communicate(timeout=60)[1].decode()
    return process.returncode, err


def receive(lab, name, path):
    with open(path, "rb") as stream:
        process = lab.popen("receive", name, stdin=stream)
        err = process.communicate(timeout=60)[1].decode()
    check("Sanitizer" not in err, err)
    return process.returncode, err


def sent(lab, name="a"):
    path = lab.path("guest")
    status, err = send(lab, name, path)
    check(status == 0, err)
    return path


def test_a_sent_guest_goes_on_where_it_is_received(lab):
    need_kvm()
    disk = lab.path("disk", b"\0" * (1 << 20))
    running(lab, "a", "disk = %s\nrestart = always" % disk)
    lab.see("a", b"written", type=b"write 3 kept\necho written\n")
    mark(lab, "a")
    path = sent(lab)
    guest = lab.status("a")
    check(guest["state"] == "stopped" and guest["reason"] == "sent", guest)
    lab.nothing_left()
    check(os.path.getsize(path) < 16 << 20, "zeroes were written")
    status, err = receive(lab, "a", path)
    check(status == 0, err)
    check(lab.status("a")["state"] == "running")
    marked(lab, "a")
    lab.see("a", b"kept", type=b"read 3\n")
    lab.see("a", b"more", type=b"write 4 more\nread 4\n")
    lab.ok("pause", "a")
    lab.ok("unpause", "a")
    marked(lab, "a")
    lab.ok("reset", "a")
    lab.see("a", b"again", type=b"echo again\n")
    lab.ok("stop", "-f", "a")
    with open(disk, "rb") as f:
        data = f.read()
    check(data[3 * 512:].startswith(b"kept") and
          data[4 * 512:].startswith(b"more"))


def test_a_guest_is_given_another_name_through_a_pipe(lab):
    need_kvm()
    disk = lab.path("disk, readonly", b"\0" * (1 << 20))
    lab.configure(lab.guest("c"))
    lab.ok("start", "-m", "32M", "-b", KERNEL, "-d", '"%s"' % disk,
           "-p", "2", "a")
    lab.see("a", PROMPT)
    lab.see("a", b"written", type=b"write 3 kept\necho written\n")
    mark(lab, "a")
    out = lab.popen("send", "a")
    into = lab.popen("receive", "b", stdin=out.stdout)
    out.stdout.close()
    err = into.communicate(timeout=60)[1].decode()
    check(into.returncode == 0, err)
    check(out.wait(60) == 0, out.stderr.read())
    out.stderr.close()
    names = {g["name"]: g["state"] for g in lab.status()["guests"]}
    check(names == {"b": "running", "c": "stopped"}, names)
    marked(lab, "b")
    lab.see("b", b"kept", type=b"read 3\n")


def test_a_qcow2_disk_is_whole_from_guest_to_guest(lab):
    need_kvm()
    lab.configure("")
    lab.ok("create", "-s", "8M", "d.qcow2")
    lab.ok("start", "-m", "64M", "-b", KERNEL, "-d", "d.qcow2", "g0")
    lab.see("g0", PROMPT)
    lab.see("g0", b"ok: 800", type=b"fill 5 800 7\n")
    for i in range(4):
        out = lab.popen("send", "g%d" % i)
        into = lab.popen("receive", "g%d" % (i + 1), stdin=out.stdout)
        out.stdout.close()
        err = into.communicate(timeout=60)[1].decode()
        check(into.returncode == 0 and out.wait(60) == 0, err)
        out.stderr.close()
        lab.see("g%d" % (i + 1), b"ok: 800", type=b"verify 5 800 7\n")
    lab.ok("stop", "-f", "g4")
    check("no mistakes" in lab.ok("image", "check", "d.qcow2"))


def test_a_guest_that_cannot_be_written_goes_on(lab):
    need_kvm()
    running(lab, "a")
    mark(lab, "a")
    wire = lab.wire()
    console = wire.console("a", history=False)
    for times in range(3):
        status, err = send(lab, "a", "/dev/full")
        check(status == 1 and "No space left" in err and "goes on" in err, err)
        until("it runs", lambda: lab.status("a")["state"] == "running")
    # A reader that goes away amid it.
    process = lab.popen("send", "a")
    process.stdout.read(1000)
    process.stdout.close()
    err = process.stderr.read().decode()
    check(process.wait(60) == 1 and "Broken pipe" in err, err)
    process.stderr.close()
    marked(lab, "a")
    console.sendall(b"echo still there\n")
    text = b""
    while b"\nstill there" not in text:
        data = console.recv(4096)
        check(data, "the console ended", text)
        text += data
    # Paused it stays so.
    lab.ok("pause", "a")
    status, err = send(lab, "a", "/dev/full")
    check(status == 1, err)
    check(lab.status("a")["state"] == "paused")
    lab.ok("unpause", "a")
    marked(lab, "a")


def test_a_guest_that_waits_to_be_read_can_be_forced_off_and_nothing_else(lab):
    need_kvm()
    running(lab, "a")
    process = lab.popen("send", "a")
    until("it is being sent",
          lambda: "being sent" in lab.status("a")["reason"])
    for command in ("pause", "unpause", "reset", "stop", "send"):
        if command == "send":
            status, err = send(lab, "a", "/dev/null")
            check(status == 1 and "being sent" in err, err)
        else:
            check("being sent" in lab.fails(command, "a"), command)
    # Whoever waits for it is told how far it is.
    ready, _, _ = select.select([process.stderr], [], [], 30)
    check(ready and b"% of 32 M" in os.read(process.stderr.fileno(), 1000))
    # Its console is there, and the main loop turns.
    lab.see("a", PROMPT)
    lab.ok("stop", "-f", "a")
    err = process.communicate(timeout=60)[1].decode()
    check(process.returncode == 1 and err.splitlines()[-1].startswith(
        "vmtui: a: "), err)
    lab.nothing_left()
    lab.ok("start", "a")
    lab.see("a", PROMPT)


def test_a_damaged_stream_starts_nothing(lab):
    need_kvm()
    disk = lab.path("disk", b"\0" * (1 << 20))
    lab.configure("")
    lab.ok("start", "-m", "16M", "-b", KERNEL, "-d", disk, "a")
    lab.see("a", PROMPT)
    path = sent(lab)
    with open(path, "rb") as f:
        whole = f.read()
    head = int.from_bytes(whole[12:16], "little")
    cases = [(n, whole[:n]) for n in (0, 5, 12, 16, 100, 20 + head,
                                      24 + head, 30 + head,
                                      len(whole) // 2, len(whole) - 1)]
    for at in (0, 8, 13, 40, 18 + head, 20 + head, 100 + head,
               len(whole) // 2, len(whole) - 10, len(whole) - 1):
        changed = bytearray(whole)
        changed[at] ^= 0x40
        cases.append((-at, bytes(changed)))
    for at, data in cases:
        bad = lab.path("bad", data)
        status, err = receive(lab, "b", bad)
        check(status == 1 and "stream" in err or "no guest" in err or
              "another version" in err, at, err)
        until("nothing is left", lambda: not lab.guests())
        lab.nothing_left()
        check(not lab.status()["guests"], at, lab.status())
    bad = lab.path("bad", whole[:5000])
    result = lab.run("receive", "b", text=whole[:5000])
    check(result.status == 1 and "ends before" in result.err, result.err)
    # And it is still good for what it is.
    status, err = receive(lab, "b", path)
    check(status == 0, err)
    lab.see("b", b"hello", type=b"echo hello\n")


def test_a_definition_must_fit_the_stream(lab):
    need_kvm()
    running(lab, "a")
    path = sent(lab)
    for text, word in ((lab.guest("a", memory="48M"), "memory"),
                       (lab.guest("a", "cpus = 2"), "CPUs"),
                       (lab.guest("a", "disk = " + lab.path(
                           "d", b"\0" * 4096)), "disks"),
                       (lab.guest("a", "balloon = yes"), "balloon"),
                       (lab.guest("a", "serial2 = yes"), "serial2")):
        lab.configure(text)
        status, err = receive(lab, "a", path)
        check(status == 1 and word in err, word, err)
    lab.configure(lab.guest("a"))
    status, err = receive(lab, "a", path)
    check(status == 0, err)
    status, err = receive(lab, "a", path)
    check(status == 1 and "running already" in err, err)


def test_send_and_receive_refuse_what_makes_no_sense(lab):
    need_kvm()
    running(lab, "a")
    lab.fails("send", "b")
    check(lab.run("send").status == 2 and lab.run("receive").status == 2)
    leader, terminal = os.openpty()
    process = lab.popen("send", "a", stdout=terminal)
    err = process.communicate(timeout=60)[1].decode()
    check(process.returncode == 1 and "> FILE" in err, err)
    process = lab.popen("receive", "b", stdin=terminal)
    err = process.communicate(timeout=60)[1].decode()
    check(process.returncode == 1 and "< FILE" in err, err)
    os.close(terminal)
    os.close(leader)
    wire = lab.wire()
    for command in ("send", "receive"):
        answer = wire.ask(command, name="a")
        check("descriptor" in answer["error"]["desc"], answer)
    left, right = os.pipe()
    message = {"execute": "receive", "arguments": {"name": "b"}, "fds": 1,
               "id": "r"}
    socket.send_fds(wire.sock, [json.dumps(message).encode() + b"\n"], [left])
    while True:
        answer = wire.line()
        if answer.get("id") == "r":
            break
    check("regular file" in answer["error"]["desc"], answer)
    os.close(left)
    os.close(right)
    check(lab.status("a")["state"] == "running")
