"""Booting from a CD-ROM: SeaBIOS, GRUB and Linux over virtio-scsi."""

import hashlib
import os
import time

from linux import Failure, Skip

IMAGE = "/guest/cd.iso"
BOOT_LIMIT = 300

CONFIG = """
[vm cd]
memory = 256M
boot = cdrom
cdrom = /guest/cd.iso
disk = {folder}/empty.img
"""


def prepare(lab):
    with open(lab.path("empty.img"), "wb") as f:
        f.truncate(1 << 20)


def need_iso():
    if not os.path.exists(IMAGE):
        raise Skip("grub-pc-bin and xorriso were not installed where the rig "
                   "was made")


def test_boot(lab):
    """with boot = cdrom SeaBIOS boots GRUB from the CD-ROM, and GRUB Linux"""
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
        "dmesg | grep -iE 'sr0.*(error|fail)|I/O error|Sense Key'", ok=False)
    if text.strip():
        raise Failure("dmesg has:\n" + text)
