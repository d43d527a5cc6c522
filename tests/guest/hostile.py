"""Devices driven as no driver should, by the test guest's command "hostile"
(hostile.h): every queue through both faces of virtio-pci. HOSTILE_ROUNDS makes
what is random that many times as long.
"""

import os
import re
import subprocess
import threading
import time

from drive import Failure, Hvc

ROUNDS = int(os.environ.get("HOSTILE_ROUNDS", "1"))
SEED = int(os.environ.get("HOSTILE_SEED", "1"))

# Queues (hostile_good.c), the number of the device, and what it needs.
QUEUES = (
    ("blk", 0, ""), ("blk1", 0, "modern"), ("scsi", 0, ""), ("scsictl", 0, ""),
    ("scsievent", 0, ""), ("scsi", 1, ""), ("scsictl", 1, ""),
    ("scsievent", 1, ""), ("rng", 0, ""), ("inflate", 0, ""),
    ("deflate", 0, ""), ("stats", 0, ""), ("report", 0, ""), ("type", 0, ""),
    ("print", 0, ""), ("rx", 0, "net"), ("tx", 0, "net"),
    ("netctl", 0, "net"), ("rx1", 0, "net modern"), ("tx1", 0, "net modern"))

# Those that stand for their devices where all queues are used at once.
DEVICES = (("blk", 0), ("scsi", 0), ("scsi", 1), ("rng", 0), ("report", 0),
           ("print", 0), ("tx", 0))


def memory():
    """Some above 4 GiB, where the host has it to give."""
    with open("/proc/meminfo") as f:
        return "3200M" if int(f.read().split()[1]) > 4 << 20 else "64M"


def config(lab, kernel, net):
    for name, size in (("blk", 4 << 20), ("scsi", 4 << 20), ("cd", 1 << 20)):
        with open(lab.path("hostile-%s.img" % name), "wb") as f:
            f.truncate(size)
    return ("\n[vm hostile]\nmemory = %s\ncpus = 2\nkernel = %s\n"
            "cmdline = quiet\nballoon = yes\ndisk = %s, format=raw\n"
            "disk = %s, format=raw, bus=scsi\ncdrom = %s\n%s" % (
                memory(), kernel, lab.path("hostile-blk.img"),
                lab.path("hostile-scsi.img"), lab.path("hostile-cd.img"),
                "interface = switch=lan, lladdr=00:20:91:00:00:66\n"
                if net else ""))


class Typist(threading.Thread):
    """Types at hvc0 without end, so that its driver gets something."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.hvc = Hvc(lab, "hostile")
        self.over = False
        self.start()

    def run(self):
        while not self.over:
            try:
                self.hvc.type(b"x")
                self.hvc.read(0.01)
            except OSError:
                return

    def stop(self):
        self.over = True
        self.join()
        self.hvc.close()


def amount(group, name, rounds):
    """How often: of the cases one in so many, of the rest so many rounds."""
    if group == "cases":
        return 1 if ROUNDS > 1 or name in ("blk", "scsi", "netctl") else 5
    if group == "ask" and name == "scsi":
        return 260 * ROUNDS  # each operation code
    return rounds * ROUNDS


def drive(lab, group, face, rounds):
    """A group on the queues there are at that face; how many trials it was."""
    console = lab.guest("hostile")
    console.run("mode full modern msix")
    net = "net 0" in console.run("info")
    total = 0
    for at, (name, number, needs) in enumerate(QUEUES):
        if (face == "legacy" and "modern" in needs) or \
           ("net" in needs and not net) or \
           (group == "random" and (name, number) not in DEVICES):
            continue
        n = amount(group, name, rounds)
        command = "hostile %s %s %s %d %d %d" % (
            group, name, face, number, n, SEED + at)
        total += int(console.want(command, r"^ok: (\d+) in", 120 + n)[1])
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
    console.want("random", r"^[0-9a-f]{32}$")


def test(lab, group, face, rounds=0):
    lab.guest("hostile")
    pid = lab.status("hostile")["pid"]
    began = time.monotonic()
    typist = Typist(lab)
    try:
        n = drive(lab, group, face, rounds)
    finally:
        typist.stop()
    print("# %d in %d ms" % (n, (time.monotonic() - began) * 1000))
    undisturbed(lab, pid)
