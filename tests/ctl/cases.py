"""Definitions that cannot be started, and the words that have to be in what
is said of each: files (broken.py makes them), disks, networks.
"""

import os
import socket

import broken
from broken import MIB
from harness import KERNEL


def kernels(lab):
    """File, its bytes, words of its sentence; in a guest of 32 MiB."""
    with open(KERNEL, "rb") as f:
        good = f.read()
    with open(os.path.join(os.path.dirname(KERNEL), "bsd64.elf"), "rb") as f:
        bsd = f.read()
    return [
        ("empty", b"", "is empty"),
        ("one", b"\x7f", "no kernel"),
        ("zeroes", bytes(9000), "zeroes"),
        ("text", b"hello\n" * 99, "text file"),
        ("script", b"#!/bin/sh\n", "script"),
        ("xz", b"\xfd7zXZ\0" + bytes(99), "xz"),
        ("efi", b"MZ" + b"\x01" * 600, "EFI"),
        ("bz-cut", broken.bzimage(have=1200), "truncated"),
        ("bz-head", broken.bzimage(have=700), "700"),
        ("bz-none", broken.bzimage(paragraphs=0, have=1024), "damaged"),
        ("bz-old", broken.bzimage(version=0x202), "2.03"),
        ("bz-low", broken.bzimage(high=0), "zImage"),
        ("bz-big", broken.bzimage(init=900 * MIB), "memory", "32M"),
        ("bz-high", broken.bzimage(pref=1 << 40), "1.0T"),
        ("elf-cut", good[:300], "truncated"),
        ("elf-head", good[:40], "truncated"),
        ("elf-arm", broken.elf(machine=183), "another processor"),
        ("elf-object", broken.elf(kind=1), "not linked"),
        ("elf-none", broken.elf(segments=(), count=0), "program headers"),
        ("elf-many", broken.elf(count=4000), "4000"),
        ("elf-fat", broken.elf(segments=((MIB, 64, 16),)), "damaged"),
        ("elf-low", broken.elf(entry=0, segments=((0, 16, 16),)),
         "first MiB"),
        ("elf-big", broken.elf(segments=((MIB, 16, 99 * MIB),)), "32M"),
        ("elf-high", broken.elf(segments=((1 << 33, 16, 16),)), "3 GiB"),
        ("elf-entry", broken.elf(entry=9 * MIB), "damaged"),
        ("pvh-entry", broken.elf(note=5), "PVH"),
        ("mb-flags", broken.multiboot(flags=0x10020), "0x20"),
        ("mb-bare", broken.multiboot(flags=0), "where it goes"),
        ("mb-odd", broken.multiboot(load=2 * MIB), "damaged"),
        ("mb-cut", broken.multiboot(load_end=3 * MIB), "damaged"),
        ("mb-big", broken.multiboot(bss_end=99 * MIB), "32M"),
        ("bsd-cut", bsd[:4096], "truncated"),
        ("gz-cut", broken.packed(good, cut=900), "truncated"),
        ("gz-bad", broken.packed(good, spoil=True), "damaged"),
        ("gz-text", broken.packed(b"hello\n" * 99), "text file"),
        ("gz-bomb", broken.packed(bytes(33 * MIB)), "32M"),
    ]


def images(lab):
    """File, its bytes, words of its sentence."""
    q = broken.qcow2
    return [
        ("v4", q(version=4), "version 4"),
        ("cut", q(cut=60), "qcow2 image"),
        ("cut3", q(cut=80), "ends within its header"),
        ("crypt", q(encrypted=1), "encrypted", "qemu-img"),
        ("luks", q(encrypted=2), "encrypted"),
        ("bit", q(incompatible=1 << 40), "bit 40"),
        ("named", q(incompatible=1 << 40,
                    extra=broken.feature(40, "time travel")), "time travel"),
        ("corrupt", q(incompatible=2), "image check -r"),
        ("compress", q(incompatible=8), "compression type"),
        ("compress9", q(incompatible=8, compression=9), "zlib and zstd"),
        ("small", q(bits=8), "2^8"),
        ("large", q(bits=30), "2^30"),
        ("long", q(header=70000), "70000"),
        ("huge", q(size=1 << 63), "2^63"),
        ("l1-odd", q(l1_at=3 * broken.CLUSTER + 8), "L1 table", "damaged"),
        ("l1-far", q(l1_at=1 << 40), "L1 table", "end of the file"),
        ("l1-none", q(l1=0), "L1 table", "too short"),
        ("l1-short", q(size=1 << 40), "L1 table", "too short"),
        ("l1-many", q(l1=1 << 30), "L1 table"),
        ("l1-cut", q(cut=3 * broken.CLUSTER), "L1 table"),
        ("l1-entry", q(l1_entry=1 << 63 | 1 << 40), "L1 table", "damaged"),
        ("l1-first", q(l1_entry=1 << 63 | 512), "L1 table", "damaged"),
        ("ref-entry", q(reftable_entry=1 << 40), "refcount", "damaged"),
        ("ref-none", q(reftable=0), "refcount table"),
        ("ref-far", q(reftable_at=1 << 40), "refcount table"),
        ("ref-order", q(order=7), "2^7"),
        ("snap", q(snapshots=1 << 20), "snapshots"),
        ("snap-far", q(snapshots=1, snapshots_at=1 << 40), "snapshot table"),
        ("data", q(incompatible=4), "data file"),
        ("data-gone", q(incompatible=4, data_file="gone.raw"), "gone.raw",
         "missing"),
        ("base-gone", q(backing="gone.raw"), "gone.raw", "missing"),
        ("base-dir", q(backing="."), "folder"),
        ("base-self", q(backing="base-self.qcow2"), "its own tail"),
        ("base-loop", q(backing="loop2.qcow2"), "its own tail"),
        ("loop2", q(backing="base-loop.qcow2"), "its own tail"),
        ("base-net", q(backing="nbd:host:1"), "no file of this host"),
        ("base-raw", q(backing="raw.img", format="qcow2"), "raw.img", "not"),
        ("base-vdi", q(backing="raw.img", format="vdi"), "vdi"),
        ("base-far", q(backing="x", backing_at=1 << 20), "damaged"),
        ("base-v4", q(backing="v4.qcow2"), "base-v4.qcow2", "version 4"),
    ]


def disks(lab):
    """The value of disk, words of its sentence."""
    d = lab.path
    d("raw.img", bytes(MIB))
    d("odd.img", bytes(12345))
    d("empty.img", b"")
    d("disk.vmdk", b"KDMV" + bytes(999))
    d("disk.vhdx", b"vhdxfile" + bytes(999))
    d("disk.vdi", bytes(64) + b"\x7f\x10\xda\xbe" + bytes(999))
    d("like.img", broken.qcow2())
    os.link(d("raw.img"), d("hard.img"))
    os.symlink("raw.img", d("soft.img"))
    os.symlink("nowhere", d("dangling.img"))
    os.symlink("ring.img", d("ring.img"))
    os.mkfifo(d("fifo.img"))
    at = socket.socket(socket.AF_UNIX)
    at.bind(d("sock.img"))
    at.close()
    d("near.qcow2", broken.qcow2())
    d("near.iso", bytes(2048))
    first = "disk = raw.img\n"
    return [
        ("disk = gone.img", "gone.img", "create"),
        ("disk = raw.img/x", "raw.img/x", "missing"),
        ("disk = nodir/x.img", "folder"),
        ("disk = .", "folder"),
        ("disk = empty.img", "empty", "resize"),
        ("disk = fifo.img", "fifo.img", "neither"),
        ("disk = sock.img", "sock.img", "neither"),
        ("disk = /dev/null", "/dev/null", "neither"),
        ("disk = dangling.img", "link to a file"),
        ("disk = ring.img", "ring.img", "a link that leads back"),
        ("disk = odd.img, cache=none", "12345", "cache=none"),
        ("disk = raw.img, format=qcow2", "format=raw"),
        ("disk = like.img", "format=qcow2"),
        ("disk = disk.vmdk", "VMDK", "qemu-img convert"),
        ("disk = disk.vhdx", "VHDX"),
        ("disk = disk.vdi", "VDI"),
        ("disk = ro/raw.img", "read-only", "readonly"),
        (first + "disk = hard.img", "hard.img", "raw.img", "the same"),
        (first + "disk = soft.img", "soft.img", "raw.img", "the same"),
        (first + "disk = ./ro/../raw.img", "raw.img", "the same"),
        (first + "cdrom = raw.img", "raw.img"),
        ("disk = held.img", "in use", "held.img"),
        ("disk = held-hard.img", "in use"),
        ("disk = held-soft.img", "in use"),
        ("disk = held.img, readonly", "in use"),
        ("disk = on-held.qcow2", "in use", "held.img"),
        ("cdrom = gone.iso", "gone.iso"),
        ("cdrom = .", "folder"),
        ("cdrom = empty.img", "empty"),
        ("cdrom = fifo.img", "neither"),
        ("disk = near.img", "near.qcow2", "looks meant"),
        ("cdrom = naer.iso", "near.iso", "looks meant"),
    ]


def others(lab):
    """What a guest of 32 MiB with a good kernel says besides, and words."""
    d = lab.path
    d("cpio", broken.cpio())
    d("cpio-cut", broken.cpio(cut=500))
    with open(d("sparse"), "wb") as f:
        f.truncate(99 * MIB)
    return [
        ("pin = 900", "900", "pin ="),
        ("hugepages = yes", "huge pages", "nr_hugepages", " 16 more"),
        ("initrd = gone", "initrd", "gone"),
        ("initrd = .", "initrd", "folder"),
        ("initrd = fifo.img", "initrd"),
        ("initrd = empty.img", "empty"),
        ("initrd = cpio-cut", "truncated"),
        ("initrd = sparse", "99M", "32M", "more memory"),
        ("boot = net", "interface"),
        ("interface = user", "later version"),
        ("interface = local", "later version"),
        ("interface = locked", "switch=NAME"),
        ("interface = switch=off", "switch off", "enable = yes"),
        ("interface = switch=up", "em0", "no interface"),
        ("interface = switch=named", "named0", "no bridge"),
        ("interface = switch=later", "later version"),
        ("interface = switch=lan\ninterface = switch=off", "switch off"),
        ("interface = tap=br9", "br9", "no tap"),
        ("interface = tap=lo", "lo"),
        ("interface = tap=taken", "taken", "in use"),
        ("interface = switch=lan, tap=elsewhere", "elsewhere", "nomaster"),
        ("interface = switch=lan\ninterface = switch=lan, tap=named0\n"
         "interface = switch=named", "no bridge"),
    ]


def bare(lab):
    """Whole definitions without a kernel, or with another one."""
    bsd = os.path.join(os.path.dirname(KERNEL), "bsd64.elf")
    lab.path("bz", broken.bzimage(pref=2 * MIB, cmdline=20))
    lab.path("bios", b"x" * 1000)
    lab.path("bios0", bytes(131072))
    return [
        ("", "nothing to boot", "kernel = PATH"),
        ("cdrom = empty", "nothing to boot"),
        ("boot = cdrom", "CD-ROM", "cdrom = PATH"),
        ("boot = cdrom\ncdrom = empty", "CD-ROM"),
        ("initrd = cpio", "no kernel", "kernel = PATH"),
        ("cmdline = x", "no kernel"),
        ("disk = raw.img\nfirmware = gone", "gone"),
        ("disk = raw.img\nfirmware = bois0", "bios0 meant?"),
        ("disk = raw.img\nfirmware = .", "folder"),
        ("disk = raw.img\nfirmware = bios", "no PC firmware"),
        ("disk = raw.img\nfirmware = bios0", "no code"),
        ("kernel = bz\nmemory = 64M\ncmdline = " + "x" * 30, "shorten",
         "cmdline"),
        ("kernel = %s\ninitrd = cpio" % bsd, "no initrd"),
        ("kernel = %s\ncmdline = root=/dev/sda" % bsd, "flags"),
        ("kernel = gone", "gone", "no kernel"),
        ("kernel = k-bz-ald", "k-bz-old meant?"),
        ("kernel = /nowhere/at/all", "does not exist"),
        ("kernel = .", "folder"),
        ("kernel = fifo.img", "kernel ="),
        ("kernel = sock.img", "sock.img"),
        ("kernel = /dev/null", "device"),
        ("kernel = ring.img", "ring.img", "a link that leads back"),
        ("kernel = raw.img/x", "raw.img/x"),
        ("kernel = %s\nmemory = 15T" % KERNEL, "15T", "this host has"),
        ("kernel = %s\nmemory = 1T" % KERNEL, "1.0T", "this host has"),
    ]


def cases(lab):
    """Every case as a section of the file, and the words of its sentence."""
    found = []
    for name, data, *words in kernels(lab):
        path = lab.path("k-" + name, data)
        found.append(("memory = 32M\nkernel = " + path, [path] + words))
    for name, data, *words in images(lab):
        path = lab.path(name + ".qcow2", data)
        found.append(("kernel = %s\ndisk = %s" % (KERNEL, path),
                      [os.path.basename(path)] + words))
    for text, *words in disks(lab) + others(lab):
        found.append(("memory = 32M\nkernel = %s\n%s" % (KERNEL, text), words))
    for text, *words in bare(lab):
        found.append((text, words))
    return found


SWITCHES = ("[switch lan]\n[switch off]\nenable = no\n"
            "[switch up]\nadd = up0\nadd = em0\n"
            "[switch named]\ninterface = named0\n"
            "[switch later]\naddress = 10.0.0.1/24\n")
