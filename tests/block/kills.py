"""kill -9 of a guest that writes: its image is whole, what it flushed is
there, and it boots again."""

import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

from images import ROOT, Failure, Skip, check, run

sys.path.insert(0, os.path.join(ROOT, "tests/ctl"))
import harness  # noqa: E402

COUNT = int(os.environ.get("BLOCK_KILLS", "200"))
SECTORS = 8192
FACTOR = 0x9e3779b97f4a7c15
MASK = (1 << 64) - 1


def pattern(seed, sector, word):
    """As the test guest's fill does it (tests/guest/cmd_disk.c)."""
    return ((seed << 48 ^ (sector * 64 + word)) * FACTOR) & MASK


class Image:
    """What was flushed, sector by sector, and what was on its way."""

    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        self.safe = {}  # sector: seed
        self.flying = None  # (first, count, seed)
        self.fills = 0

    def begin(self, rng):
        first = rng.randrange(SECTORS - 600)
        self.flying = (first, rng.randrange(1, 600), rng.randrange(1, 65536))
        return "fill %d %d %d\r" % self.flying

    def flushed(self):
        first, count, seed = self.flying
        for sector in range(first, first + count):
            self.safe[sector] = seed
        self.flying = None
        self.fills += 1

    def judge(self):
        """Whole, with every flushed sector; what was flying may be there."""
        raw = self.path + ".judged"
        # Its locks last until the kernel has cancelled its I/O.
        harness.until("the image's locks to be free", lambda: subprocess.call(
            ["qemu-img", "info", self.path], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL) == 0, 30)
        if self.kind == "qcow2":
            run(["qemu-img", "check", "-f", "qcow2", self.path], ok=(0, 3))
        run(["qemu-img", "convert", "-f", self.kind, "-O", "raw", self.path,
             raw])
        with open(raw, "rb") as f:
            data = f.read()
        os.unlink(raw)
        first, count, new = self.flying or (0, 0, 0)
        for sector, seed in list(self.safe.items()):
            got = struct.unpack_from("<Q", data, sector * 512)[0]
            last = struct.unpack_from("<Q", data, sector * 512 + 504)[0]
            may = {seed}
            if first <= sector < first + count:
                may.add(new)
            which = [s for s in may if got == pattern(s, sector, 0) and
                     last == pattern(s, sector, 63)]
            check(which, "flushed sector", sector, "has lost seed", seed)
            # From here on it is this one: nothing else was flushed since.
            self.safe[sector] = which[0]
        self.flying = None


def until_killed(console, image, rng, pid):
    """Types fills and reads their answers, until the time has come."""
    end = time.monotonic() + rng.random() * 0.25
    console.settimeout(20)
    text = b""
    killed = False
    console.sendall(image.begin(rng).encode())
    while True:
        if not killed:
            left = end - time.monotonic()
            if left <= 0:
                os.kill(pid, signal.SIGKILL)
                killed = True
                left = 60
            console.settimeout(left)
        try:
            data = console.recv(65536)
        except socket.timeout:
            check(not killed, "the console outlives its guest")
            continue
        except ConnectionError:
            data = b""
        if not data:
            check(killed, "the guest ended by itself:", text[-300:])
            return
        text += data
        check(b"error" not in text and b"no answer" not in text, text[-300:])
        if image.flying and b"ok: %d sectors" % image.flying[1] in text:
            image.flushed()
            text = b""
            if not killed:
                console.sendall(image.begin(rng).encode())


def boot(lab, name):
    """Starts the guest; its console at the prompt, and its process."""
    wire = lab.wire()
    wire.sock.settimeout(60)
    answer = wire.ask("start", name=name)
    check("return" in answer, answer)
    guest = wire.ask("status", name=name)["return"]["guests"][0]
    console = wire.console(name)
    console.settimeout(60)
    text = b""
    while harness.PROMPT not in text:
        data = console.recv(65536)
        check(data, "no prompt:", text[-300:])
        text += data
    wire.sock.close()
    return console, guest["pid"]


def rounds(lab, name, image, count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        console, pid = boot(lab, name)
        until_killed(console, image, rng, pid)
        console.close()
        harness.until("the end of " + name, lambda: lab.wire().ask(
            "status", name=name)["return"]["guests"][0]["state"] == "crashed",
            30)
        image.judge()
    boot(lab, name)[0].close()


def kills(folder, rng, kind, options, cache, count):
    try:
        harness.need_kvm()
    except harness.Skip as why:
        raise Skip(why) from why
    lab = harness.Lab()
    begin = time.monotonic()
    image = Image(os.path.join(folder, "a.img"), kind)
    run(["qemu-img", "create", "-q", "-f", kind] +
        (["-o", options] if options else []) +
        [image.path, str(SECTORS * 512)])
    try:
        lab.configure(lab.guest("a", "disk = %s, format=%s, cache=%s" % (
            image.path, kind, cache), memory="16M"))
        lab.ok("status")
        rounds(lab, "a", image, count, rng.random())
        lab.ok("stop", "-f", "a")
    except harness.Failure as why:
        raise Failure(why) from why
    finally:
        lab.end()
    return "%d kills of a guest that wrote to %s %s, cache=%s: %d fills " \
        "flushed, %.0f s" % (count, kind, options, cache, image.fills,
                             time.monotonic() - begin)


# Unsafe is only what becomes of a host: the end of a process loses nothing.
KINDS = (("qcow2", "cluster_size=64k", "writeback", 35),
         ("qcow2", "cluster_size=4k", "none", 25),
         ("qcow2", "lazy_refcounts=on", "unsafe", 20),
         ("qcow2", "extended_l2=on", "none", 10), ("raw", "", "none", 10))


def cases():
    for kind, options, cache, share in KINDS:
        count = COUNT * share // 100
        yield ("a guest killed %d times writing to %s %s" % (
            count, kind, options), kills, kind, options, cache, count)
