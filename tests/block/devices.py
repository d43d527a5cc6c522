"""Images on block devices, which do not grow: used to their last cluster, and
full then, with no harm done."""

import contextlib
import os
import subprocess

from images import (DRIVER, KIB, ROOT, Disk, Skip, Work, check, run,
                    sanity)

MIB = KIB * KIB
VMTUI = os.environ.get("VMTUI", os.path.join(ROOT, "build/asan/vmtui"))


@contextlib.contextmanager
def device(folder, size, rng):
    """A loop device with noise on it, as a disk has that was used before."""
    path = os.path.join(folder, "behind")
    with open(path, "wb") as f:
        f.write(rng.randbytes(size))
    try:
        done = subprocess.run(["losetup", "-f", "--show", path], text=True,
                              stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT)
    except FileNotFoundError as why:
        raise Skip("no losetup") from why
    if done.returncode != 0:
        raise Skip("no loop device: " + done.stdout.strip())
    try:
        yield done.stdout.strip()
    finally:
        subprocess.run(["losetup", "-d", done.stdout.strip()], check=True)


def drive(path, kind, *lines, ok=(0,)):
    return run([DRIVER, path, kind], "\n".join(lines) + "\n", ok=ok)


def raw(folder, rng):
    with device(folder, 3 * MIB, rng) as path:
        drive(path, "raw", "w 0 %d 1" % (3 * MIB), ".", "w 5000 100000 2", ".",
              "z 1000000 70000 u", "z 1500000 512", "d 2000000 4096", "f")
        disk = Disk(3 * MIB)
        disk.write(0, b"\1" * 3 * MIB)
        disk.write(5000, b"\2" * 100000)
        disk.write(1000000, bytes(70000))
        disk.write(1500000, bytes(512))
        out = drive(path, "raw", "r 0 2000000")
        check(disk.crc(0, 2000000) in out, out)
        out = drive(path, "raw", "w %d 512 1" % (3 * MIB), ok=(1,))
        check("Invalid" in out, out)
        out = drive(path, "raw", "R %d" % (4 * MIB), ok=(1,))
        check("size is fixed" in out, out)
        check("3M" in run([VMTUI, "image", "info", path]), "no info")


def qcow2(folder, rng, options, grain):
    with device(folder, 12 * MIB, rng) as path:
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, path,
             "5M"])
        disk = Disk(5 * MIB)
        work = Work(rng, disk, grain)
        for _ in range(70):
            work.step()
        work.settle()
        work.apply_ours(path)
        sanity(path)
        # A longer L1 finds its place, and the disk becomes much too large.
        drive(path, "qcow2", "R %d" % (256 * MIB))
        disk.resize(256 * MIB)
        sanity(path)
        out = drive(path, "qcow2", "w %d %d 7" % (5 * MIB, 16 * MIB), "f",
                    ok=(1,))
        check("No space left" in out, out)
        sanity(path)
        out = drive(path, "qcow2", "r 0 %d" % (5 * MIB))
        check(disk.crc(0, 5 * MIB) in out, "a full device reads wrong", out)
        # Nearly all of it is in use: no more than a table is missing.
        used = run([VMTUI, "image", "check", "-f", "qcow2", path])
        count = int(used.split("; ")[1].split()[0])
        check(count * grain > 11.5 * MIB, used)
        # Whoever deletes something can write again, once that is stable.
        drive(path, "qcow2", "d %d %d" % (5 * MIB, 16 * MIB), ".", "f")
        out = drive(path, "qcow2", "w %d %d 9" % (100 * MIB, MIB), "f", ".",
                    "r %d %d" % (100 * MIB, MIB))
        disk.write(100 * MIB, b"\t" * MIB)
        check(disk.crc(100 * MIB, MIB) in out, out)
        sanity(path)
        # So can who does it at once, stable or not.
        for flush in ((), ("f", ".")):
            drive(path, "qcow2", "w %d %d 7" % (101 * MIB, 16 * MIB), ok=(1,))
            drive(path, "qcow2", "d %d %d" % (101 * MIB, 16 * MIB), ".",
                  *flush, "w %d %d 8" % (101 * MIB, MIB), ".")
            sanity(path)
            drive(path, "qcow2", "d %d %d" % (101 * MIB, MIB))
        # The host may make the device larger, and then there is room.
        with open(os.path.join(folder, "behind"), "ab") as f:
            f.write(rng.randbytes(4 * MIB))
        run(["losetup", "-c", path])
        drive(path, "qcow2", "w %d %d 3" % (200 * MIB, 2 * MIB))
        sanity(path)


def cases():
    yield "a raw image on a block device", raw
    for options, grain in (("cluster_size=512", 512),
                           ("cluster_size=512,refcount_bits=64", 512),
                           ("cluster_size=1k,refcount_bits=1", 1024),
                           ("cluster_size=4k,lazy_refcounts=on", 4096),
                           ("cluster_size=64k", 65536),
                           ("cluster_size=16k,extended_l2=on", 16384)):
        yield "a qcow2 image on a block device: " + options, qcow2, options, \
            grain
