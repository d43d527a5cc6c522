"""SCSI: SeaBIOS, GRUB and Linux from a CD-ROM and from disks on virtio-scsi."""

import hashlib
import os
import time

from linux import Failure, Skip

IMAGE = "/guest/cd.iso"
BOOT_LIMIT = 600

CONFIG = """
[vm cd]
memory = 256M
boot = cdrom
cdrom = /guest/cd.iso
disk = /guest/grub.img, readonly
disk = {folder}/a.img, bus=scsi
disk = {folder}/b.qcow2, bus=scsi
disk = {folder}/c.img, bus=scsi, readonly

[vm disk]
memory = 256M
disk = /guest/grub.img, bus=scsi, readonly
disk = {folder}/empty.img
"""


def prepare(lab):
    for name, size in (("empty.img", 1), ("a.img", 48), ("c.img", 1)):
        with open(lab.path(name), "wb") as f:
            f.truncate(size << 20)
    lab.vmtui("create", "-s", "64M", lab.path("b.qcow2"))


def test_boot_disk(lab):
    """SeaBIOS boots GRUB from a disk on virtio-scsi, as that is the first one"""
    if not os.path.exists("/guest/grub.img"):
        raise Skip("grub-pc-bin was not installed where the rig was made")
    lab.launch("disk")
    console = lab.consoles["disk"]
    # Its own files, from where it found them; the kernel takes long.
    console.expect("GRUB loads the kernel", BOOT_LIMIT)
    lab.vmtui("stop", "-f", "-w", "disk", timeout=60)


def need_iso():
    if not os.path.exists(IMAGE):
        raise Skip("grub-pc-bin and xorriso were not installed where the rig "
                   "was made")


def test_boot(lab):
    """with boot = cdrom it comes before a bootable disk, and boots Linux"""
    need_iso()
    lab.launch("cd")
    console = lab.consoles["cd"]
    console.expect("Booting from DVD/CD", BOOT_LIMIT)
    console.expect("GRUB loads the kernel", BOOT_LIMIT)
    console.expect("GRUB starts the kernel", BOOT_LIMIT)
    console.login()


def test_drive(lab):
    """Linux knows the drive for what it is"""
    need_iso()
    console = lab.consoles["cd"]
    console.want("dmesg | grep -w CD-ROM", r"CD-ROM +VMTUI +CD-ROM")
    console.want("dmesg | grep 'sr 0:0:0:0\\|sr0'", r"tray")
    console.want("cat /sys/block/sr0/ro /sys/block/sr0/removable", r"^1\r?\n1$")


def test_files(lab):
    """the CD-ROM is mounted, and a file on it is what it should be"""
    need_iso()
    console = lab.consoles["cd"]
    console.sh("mount -t iso9660 -o ro /dev/sr0 /mnt")
    data = bytes(i * 7 & 255 for i in range(1 << 20))
    console.want("md5sum /mnt/pattern", hashlib.md5(data).hexdigest(), 120)
    console.sh("umount /mnt")


def test_whole(lab):
    """all of the CD-ROM reads as it is on the host"""
    need_iso()
    with open(IMAGE, "rb") as f:
        want = hashlib.md5(f.read()).hexdigest()
    lab.consoles["cd"].want("md5sum /dev/sr0", want, 180)


def disk(console, target):
    """What Linux calls a SCSI disk: it looks at them in no order."""
    where = f"/sys/bus/scsi/devices/*:0:{target}:0/block/sd*"
    console.sh(f"i=0; while test $i -lt 60 && ! ls -d {where}; do "
               "i=$((i+1)); sleep 1; done", 120)
    return console.want(f"ls -d {where}", r"/(sd\w)$")[1]


def test_disks(lab):
    """Linux knows the SCSI disks, their sizes, serials and what they can do"""
    need_iso()
    console = lab.consoles["cd"]
    for target, (serial, sectors, ro) in enumerate((
            ("sda", 48 << 11, 0), ("sdb", 64 << 11, 0), ("sdc", 1 << 11, 1))):
        block = "/sys/block/" + disk(console, target)
        console.want(f"cat {block}/size", f"^{sectors}$")
        console.want(f"cat {block}/ro", f"^{ro}$")
        console.want(f"cat {block}/device/vpd_pg80 | tail -c 3", f"^{serial}")
    block = "/sys/block/" + disk(console, 0)
    console.want(f"cat {block}/device/scsi_disk/*/cache_type", "^write back$")
    console.want(f"cat {block}/device/scsi_disk/*/provisioning_mode",
                 "^unmap$")
    console.want(f"cat {block}/queue/physical_block_size", "^4096$")
    console.want(f"cat {block}/queue/rotational", "^0$")
    console.want(f"dd if=/dev/zero of=/dev/{disk(console, 2)} count=1",
                 "not permitted|Read-only|error")


def test_grow(lab):
    """a SCSI disk that is made larger is larger at once"""
    need_iso()
    console = lab.consoles["cd"]
    size = f"/sys/block/{disk(console, 0)}/size"
    lab.vmtui("grow", "cd", "a.img", "56M")
    console.sh(f"i=0; while test $i -lt 60 && test $(cat {size}) != "
               f"{56 << 11}; do i=$((i+1)); sleep 1; done", 120)
    console.want(f"cat {size}", f"^{56 << 11}$")


def test_files_on_disks(lab):
    """file systems on a raw and a qcow2 disk keep what is written to them"""
    need_iso()
    console = lab.consoles["cd"]
    names = {"a": disk(console, 0), "b": disk(console, 1)}
    console.sh("mkdir -p /a /b")
    for name, sd in names.items():
        console.sh(f"mke2fs -F /dev/{sd} && mount -t ext4 /dev/{sd} /{name}",
                   120)
    # Both at once.
    console.sh("for d in a b; do dd if=/dev/urandom of=/$d/data bs=64k "
               "count=32 conv=fsync & done; wait", 180)
    sums = console.sh("md5sum /a/data /b/data")
    console.sh("umount /a /b; echo 3 >/proc/sys/vm/drop_caches")
    for name, sd in names.items():
        console.sh(f"mount -t ext4 /dev/{sd} /{name}")
    if console.sh("md5sum /a/data /b/data") != sums:
        raise Failure("what is read is not what was written")
    console.sh("rm /a/data && sync && fstrim /a && umount /a /b")
    used = os.stat(lab.path("a.img")).st_blocks * 512
    if used > 4 << 20:
        raise Failure(f"a.img still takes {used} bytes")


def drive(lab, **wanted):
    """Waits until the backend says so of the drive."""
    end = time.monotonic() + 60
    while True:
        now = lab.status("cd")["cdrom"]
        if all(now[k] == v for k, v in wanted.items()):
            return
        if time.monotonic() > end:
            raise Failure(f"the drive is {now}, not {wanted}")
        time.sleep(0.2)


def test_change(lab):
    """another disc is put in while Linux runs, and it reads that one"""
    need_iso()
    console = lab.consoles["cd"]
    data = bytes(i * 11 + (i >> 11) & 255 for i in range(300 * 2048))
    with open(lab.path("other.img"), "wb") as f:
        f.write(data)
    lab.vmtui("insert", "cd", lab.path("other.img"))
    console.want("md5sum /dev/sr0", hashlib.md5(data).hexdigest(), 120)
    console.want("cat /sys/block/sr0/size", r"^1200$")


def test_locked(lab):
    """a mounted disc cannot be taken out but by force, an unmounted one can"""
    need_iso()
    console = lab.consoles["cd"]
    lab.vmtui("insert", "cd", IMAGE)
    console.sh("mount -t iso9660 -o ro /dev/sr0 /mnt")
    drive(lab, path=IMAGE, locked=True)
    status, _, err = lab.vmtui("eject", "cd", check=False)
    if status != 1 or "locked" not in err:
        raise Failure(f"eject ended with {status}: {err}")
    console.sh("umount /mnt")
    drive(lab, locked=False)
    lab.vmtui("eject", "cd")
    drive(lab, path="", open=True)
    console.want("dd if=/dev/sr0 of=/dev/null count=1", r"No medium")


def test_eject(lab):
    """the guest opens the tray, which is seen here, and closes it again"""
    need_iso()
    console = lab.consoles["cd"]
    lab.vmtui("insert", "cd", lab.path("other.img"))
    # The kernel's own ways: it opens the tray as the last user goes, and
    # closes an open one for the next.
    console.sh("echo 1 >/proc/sys/dev/cdrom/autoeject; "
               "dd if=/dev/sr0 of=/dev/null count=1; "
               "echo 0 >/proc/sys/dev/cdrom/autoeject")
    drive(lab, path=lab.path("other.img"), open=True)
    console.sh("dd if=/dev/sr0 of=/dev/null count=1")
    drive(lab, open=False)
    console.want("cat /sys/block/sr0/size", r"^1200$")


def test_no_complaint(lab):
    """nothing was complained of"""
    need_iso()
    text = lab.consoles["cd"].sh(
        "dmesg | grep -iE 's[rd].*(error|fail)|I/O error|Sense Key'", ok=False)
    if text.strip():
        raise Failure("dmesg has:\n" + text)
