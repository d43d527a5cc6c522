"""A disk of a running guest that becomes larger."""

import os
import shutil
import subprocess

from harness import PROMPT, Skip, check, need_kvm

MIB = 1 << 20


def starts(lab, *lines):
    need_kvm()
    lab.configure(lab.guest("a", "\n".join(lines)))
    lab.ok("start", "a")
    lab.see("a", PROMPT)


def test_a_raw_disk_grows_while_its_guest_runs(lab):
    path = lab.path("a.img", bytes(MIB))
    starts(lab, "disk = a.img, format=raw")
    check("only become larger" in lab.fails("grow", "a", "512K"))
    check("that size already" in lab.fails("grow", "a", "1M"))
    check(lab.ok("grow", "a", "3M") == "%s: 3M\n" % path)
    check(os.path.getsize(path) == 3 * MIB)
    lab.see("a", b"ok: 100 sectors", type=b"fill 6000 100 5\r", seconds=60)
    with open(path, "rb") as f:
        f.seek(6000 * 512)
        check(any(f.read(512)), "the sector is not in the file")
    # By its number, by its name, and by how much.
    check(lab.ok("grow", "a", "0", "+1M") == "%s: 4M\n" % path)
    check(lab.ok("grow", "a", "a.img", "+1M") == "%s: 5M\n" % path)
    check(lab.ok("grow", "a", path, "5242881") == "%s: 5243392\n" % path)
    check("no disk 1" in lab.fails("grow", "a", "1", "9M"))
    check("no size" in lab.fails("grow", "a", "large"))
    check(lab.run("grow", "a").status == 2)
    check("no guest" in lab.fails("grow", "b", "9M"))
    # It starts with what it has.
    lab.ok("stop", "-f", "-w", "a")
    check("not running" in lab.fails("grow", "a", "9M"))
    lab.ok("start", "a")
    check(os.path.getsize(path) == 5243392)


def test_a_qcow2_disk_on_a_longer_base_grows(lab):
    if not shutil.which("qemu-img"):
        raise Skip("no qemu-img")
    base = lab.path("base.img", b"\xff" * (4 * MIB))
    path = os.path.join(lab.dir, "a.qcow2")
    lab.path("ro.img", bytes(MIB))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                    "-b", base, path, "1M"], check=True)
    starts(lab, "disk = ro.img, format=raw, readonly",
           "disk = a.qcow2, cache=none")
    check("2 disks" in lab.fails("grow", "a", "8M"))
    check("readonly" in lab.fails("grow", "a", "0", "8M"))
    check("vmtui grow" in lab.fails("image", "resize", path, "8M"))
    lab.ok("pause", "a")
    lab.ok("grow", "a", "1", "8M")
    lab.ok("unpause", "a")
    lab.ok("stop", "-f", "-w", "a")
    subprocess.run(["qemu-img", "check", "-q", path], check=True)
    raw = lab.path("raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", path, raw], check=True)
    with open(raw, "rb") as f:
        data = f.read()
    check(data == b"\xff" * MIB + bytes(7 * MIB), "the new part is no zeroes")


def test_a_disk_that_cannot_grow_says_why(lab):
    lab.path("a.img", bytes(MIB))
    starts(lab, "disk = a.img, format=raw")
    error = lab.fails("grow", "a", "4000T")
    check("cannot be made" in error or "2^63" in error, error)
    lab.see("a", b"ok: 100 sectors", type=b"fill 100 100 5\r", seconds=60)
    client = lab.wire()
    for args in ({}, {"size": "8M"}, {"size": -1}, {"size": 1000001},
                 {"size": 8 * MIB, "disk": 0}, {"size": 8 * MIB, "disk": ""},
                 {"size": 8 * MIB, "disk": "99999999999999999999"},
                 {"size": (1 << 63) - 512, "more": True}):
        check("error" in client.ask("grow", name="a", **args), args)
