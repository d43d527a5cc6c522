"""A full host disk: the guest is paused, told nothing, and goes on."""

import ctypes
import os
import shutil
import signal
import subprocess

from harness import PROMPT, Skip, check, need_kvm, need_root, until

CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
KIB = 1024


class SmallDisk:
    """A context: a small file system on a folder, in a mount namespace."""

    def __init__(self, folder, size):
        need_root()
        self.folder, self.size = folder, size
        self.libc = ctypes.CDLL(None, use_errno=True)

    def call(self, what, *args):
        if getattr(self.libc, what)(*args) == -1:
            raise Skip("%s is refused: %s" % (
                what, os.strerror(ctypes.get_errno())))

    def __enter__(self):
        os.makedirs(self.folder)
        self.before = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        try:
            self.call("unshare", CLONE_NEWNS)
            self.call("mount", b"none", b"/", None, MS_REC_PRIVATE, None)
            self.call("mount", b"vmtui-test", self.folder.encode(), b"tmpfs",
                      0, b"size=%d" % self.size)
        except Skip:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.libc.setns(self.before, CLONE_NEWNS)
        os.close(self.before)

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, size, sparse=False):
        with open(self.path(name), "wb") as f:
            f.truncate(size)
            if not sparse:
                f.write(b"x" * size)
        return self.path(name)


def starts(lab, disk, *names, kind="raw"):
    """Guests whose images have 512 KiB of room between them."""
    disk.file("ballast", 3584 * KIB)
    for name in names:
        if kind == "raw":
            disk.file(name + ".img", 8192 * KIB, sparse=True)
        else:
            subprocess.run(["qemu-img", "create", "-q", "-f", kind,
                            disk.path(name + ".img"), "8M"], check=True)
    lab.configure("".join(lab.guest(
        n, "disk = %s, format=%s" % (disk.path(n + ".img"), kind))
        for n in names))
    lab.ok("start", *names)
    for name in names:
        lab.see(name, PROMPT)


def paused(lab, name):
    guest = until("that %s is paused" % name, lambda: [
        g for g in [lab.status(name)]
        if g["state"] == "paused" and g["reason"]], 30)[0]
    check("/%s.img: no space left on the device; make room, then: vmtui "
          "unpause %s" % (name, name) in guest["reason"], guest)


def said(lab, name):
    return lab.ok("log", name).count("no space left on the device; make room")


def until_there_is_room(lab, kind):
    need_kvm()
    if kind != "raw" and not shutil.which("qemu-img"):
        raise Skip("no qemu-img")
    with SmallDisk(lab.path("vmm"), 4096 * KIB) as disk:
        starts(lab, disk, "a", "b", kind=kind)
        for name in ("a", "b"):
            lab.see(name, b"fill 64 2048", type=b"fill 64 2048 7\r")
        for name in ("a", "b"):
            paused(lab, name)
            out = " ".join(lab.ok("status", name).split())
            check("paused" in out and "no space left on the device; make room, "
                  "then: vmtui unpause " + name in out, out)
            check(said(lab, name) == 1)
        check("paused" in lab.fails("stop", "a"))
        # Still no room.
        lab.ok("unpause", "a")
        until("that it is tried again", lambda: said(lab, "a") == 2)
        paused(lab, "a")
        # Another backend knows it as well.
        lab.kill_backend()
        paused(lab, "a")
        os.unlink(disk.path("ballast"))
        for name in ("a", "b"):
            lab.ok("unpause", name)
            lab.see(name, b"ok: 2048 sectors", seconds=60)
            check(lab.status(name)["state"] == "running" and
                  lab.status(name)["reason"] == "")
            text = lab.see(name, b"ok: 2048 sectors", b"ok: 2000 sectors",
                           type=b"verify 100 2000 7\r", seconds=60)
            check("error" not in text and "no answer" not in text, text)


def test_a_full_disk_pauses_the_guest_until_there_is_room(lab):
    until_there_is_room(lab, "raw")


def test_a_full_disk_pauses_a_guest_on_qcow2_until_there_is_room(lab):
    until_there_is_room(lab, "qcow2")


def test_two_full_disks_are_both_said_and_go_on_together(lab):
    need_kvm()
    with SmallDisk(lab.path("vmm"), 4096 * KIB) as disk:
        paths = [disk.file(name, 8192 * KIB, sparse=True)
                 for name in ("a.img", "b.img")]
        ballast = disk.file("ballast", 4000 * KIB)
        with open(ballast, "ab", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        lab.configure(lab.guest("a", "".join(
            "disk = %s, format=raw\n" % path for path in paths)))
        lab.ok("start", "a")
        lab.see("a", PROMPT)
        lab.see("a", b"two 64 7", type=b"two 64 7\r")

        def both():
            """The second one's request may have come after the pause."""
            guest = lab.status("a")
            if guest["state"] != "paused" or not guest["reason"]:
                return False
            if "(and 1 more)" in guest["reason"]:
                return True
            said_before = said(lab, "a")
            lab.ok("unpause", "a")
            until("that it is tried again",
                  lambda: said(lab, "a") > said_before, 30)
            return False
        until("that both disks are full", both, 60)
        reason = lab.status("a")["reason"]
        check("a.img (and 1 more): no space left on the device; make room, "
              "then: vmtui unpause a" in reason, reason)
        os.unlink(ballast)
        lab.ok("unpause", "a")
        lab.see("a", b"ok: 128 sectors on each", seconds=60)
        check(lab.status("a")["state"] == "running" and
              lab.status("a")["reason"] == "", lab.status("a"))
        for number in (b"0", b"1"):
            text = lab.see("a", b"ok: 128 sectors in",
                           type=b"verify 64 128 7 " + number + b"\r",
                           seconds=60)
            check("error" not in text, text)


def test_a_guest_whose_disk_is_full_is_reset_and_forced_off(lab):
    need_kvm()
    with SmallDisk(lab.path("vmm"), 4096 * KIB) as disk:
        starts(lab, disk, "a")
        for _ in range(2):
            lab.see("a", b"fill 64 2048", type=b"fill 64 2048 7\r")
            paused(lab, "a")
            before = lab.see("a", PROMPT).count("A whole machine")
            lab.ok("reset", "a")
            check(lab.status("a")["state"] == "running")
            until("another boot", lambda: lab.see("a", PROMPT).count(
                "A whole machine") == before + 1, 30)
        lab.see("a", PROMPT)
        lab.see("a", b"fill 64 2048", type=b"fill 64 2048 7\r")
        paused(lab, "a")
        lab.ok("stop", "-f", "a")
        check(lab.status("a")["state"] == "stopped")
        lab.nothing_left()
        # The image is free again, and as good as it was.
        os.unlink(disk.path("ballast"))
        lab.ok("start", "a")
        lab.see("a", b"ok: 2048 sectors", type=b"fill 64 2048 7\r", seconds=60)
        os.kill(lab.status("a")["pid"], signal.SIGKILL)
