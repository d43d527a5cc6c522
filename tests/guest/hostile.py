"""Devices driven as no driver should, by the test guest's command "hostile"
(hostile.h): every queue through both faces of virtio-pci. HOSTILE_ROUNDS makes
what is random that many times as long.
"""

import os
import socket
import threading
import time

from drive import Failure, Hvc

ROUNDS = int(os.environ.get("HOSTILE_ROUNDS", "1"))
SEED = int(os.environ.get("HOSTILE_SEED", "1"))

READ_ONLY = b"not to be written" * 4096

# Queues (hostile_good.c), the number of the device, and what it needs.
QUEUES = (
    ("rng", 0, ""), ("blk", 0, ""), ("blk1", 0, "modern"), ("blk", 1, "ask"),
    ("scsi", 0, ""), ("scsictl", 0, ""), ("scsievent", 0, ""),
    ("scsi", 1, ""), ("scsictl", 1, ""), ("scsievent", 1, ""),
    ("inflate", 0, ""), ("deflate", 0, ""), ("stats", 0, ""),
    ("report", 0, ""), ("type", 0, ""), ("print", 0, ""), ("rx", 0, "net"),
    ("tx", 0, "net"), ("netctl", 0, "net"), ("rx1", 0, "net modern"),
    ("tx1", 0, "net modern"), ("krx", 1, "vhost"), ("ktx", 1, "vhost"))

# Those that stand for their devices where all queues are used at once.
DEVICES = (("blk", 0), ("scsi", 0), ("scsi", 1), ("rng", 0), ("report", 0),
           ("print", 0), ("tx", 0))


def memory():
    """Some above 4 GiB, where the host has it to give."""
    with open("/proc/meminfo") as f:
        return "3200M" if int(f.read().split()[1]) > 4 << 20 else "64M"


def image(lab, name):
    return lab.path("hostile-%s.img" % name)


def config(lab, kernel, net):
    for name, size in (("blk", 4 << 20), ("scsi", 4 << 20)):
        with open(image(lab, name), "wb") as f:
            f.truncate(size)
    for name in ("ro", "cd"):
        with open(image(lab, name), "wb") as f:
            f.write(READ_ONLY)
    return ("\n[vm hostile]\nmemory = %s\ncpus = 2\nkernel = %s\n"
            "cmdline = quiet\nballoon = yes\ndisk = %s, format=raw\n"
            "disk = %s, format=raw, readonly\n"
            "disk = %s, format=raw, bus=scsi\ncdrom = %s\n%s" % (
                memory(), kernel, image(lab, "blk"), image(lab, "ro"),
                image(lab, "scsi"), image(lab, "cd"),
                # Our own device is to see the rings of the first.
                "interface = switch=lan, lladdr=00:20:91:00:00:66, vhost=no\n"
                "interface = switch=lan, lladdr=00:20:91:00:00:67\n"
                if net else ""))


def bridge():
    """A socket on the switch that all guests here are on, or None."""
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sock.bind(("tglan", 0))
        return sock
    except OSError:
        return None


class World(threading.Thread):
    """What happens outside: typing at hvc0 and frames of all lengths."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.hvc = Hvc(lab, "hostile")
        self.bridge = bridge()
        self.over = False
        self.start()

    def run(self):
        frame = b"\xff" * 6 + b"\x02\0\0\0\0\1\x88\xb6" + bytes(1500)
        length = 60
        while not self.over:
            try:
                self.hvc.type(b"x")
                self.hvc.read(0.01)
                if self.bridge:
                    self.bridge.send(frame[:length])
            except OSError:
                time.sleep(0.01)  # the other end is busy, or has gone
            length = 60 + (length + 371) % 1454

    def stop(self):
        self.over = True
        self.join()
        self.hvc.close()
        if self.bridge:
            self.bridge.close()


def amount(group, name, rounds):
    """How often: of the cases one in so many, of the rest so many rounds."""
    if group == "cases":
        return 1 if ROUNDS > 1 or name in ("blk", "tx") else 6
    if group == "ask" and name == "scsi":
        return 256 * ROUNDS  # each operation code
    return rounds * ROUNDS


def drive(lab, group, face, rounds):
    """A group on the queues there are at that face; how many trials it was."""
    console = lab.guest("hostile")
    console.run("mode full modern msix")
    net = "net 0" in console.run("info")
    vhost = net and lab.status("hostile")["nics"][1].get("vhost", False)
    total = 0
    for at, (name, number, needs) in enumerate(QUEUES):
        if (face == "legacy" and "modern" in needs) or \
           ("net" in needs and not net) or \
           ("vhost" in needs and not vhost) or \
           ("ask" in needs and group != "ask") or \
           (group in ("random", "storm") and (name, number) not in DEVICES):
            continue
        n = amount(group, name, rounds)
        command = "hostile %s %s %s %d %d %d" % (
            group, name, face, number, n, SEED + at)
        total += int(console.want(command, r"^ok: (\d+) in", 120 + n)[1])
        if name == "rng":  # which shows from now on that others are well
            console.run("mode full modern msix")
    return total


def undisturbed(lab, pid):
    """It is the same process, and its devices are as good as new."""
    console = lab.guest("hostile")
    now = lab.status("hostile")
    if now["state"] != "running" or now["pid"] != pid:
        raise Failure("it is %s" % now)
    console.run("mode full modern msix")
    console.want("fill 64 500 7", r"^ok", 60)
    console.want("verify 64 500 7", r"^ok", 60)
    for name in ("ro", "cd"):
        with open(image(lab, name), "rb") as f:
            if f.read() != READ_ONLY:
                raise Failure("what can only be read was written: " + name)
    console.want("random", r"^[0-9a-f]{32}$")


def test(lab, group, face, rounds=0):
    lab.guest("hostile")
    pid = lab.status("hostile")["pid"]
    began = time.monotonic()
    world = World(lab)
    try:
        n = drive(lab, group, face, rounds)
    finally:
        world.stop()
    print("# %d in %d ms" % (n, (time.monotonic() - began) * 1000))
    undisturbed(lab, pid)


def suicide(lab):
    """
    A device writes where the guest's own page tables are: it crashes, at once
    or when the processor looks there again, or goes on. No more than that.
    """
    console = lab.guest("hostile")
    console.type("suicide\r")
    console.expect(r"page tables at [0-9a-f]+\r?\n", 60)
    end = time.monotonic() + 3
    now = lab.status("hostile")
    while now["state"] == "running" and time.monotonic() < end:
        time.sleep(0.1)
        now = lab.status("hostile")
    # It may crash before it is stopped, which is then refused.
    lab.vmtui("stop", "-f", "-w", "hostile", check=False)
    now = lab.status("hostile")
    print("# it is %s: %s" % (now["state"], now.get("reason")))
    if now["state"] not in ("stopped", "crashed") or not now.get("reason") or \
       "its process" in now["reason"]:
        raise Failure("it is %s" % now)
    lab.start("hostile").want("random", r"^[0-9a-f]{32}$")
