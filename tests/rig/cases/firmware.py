"""Booting without a kernel: SeaBIOS, GRUB and Linux from a disk. This Linux
uses no message-signalled interrupts.
"""

import hashlib
import os
import re
import shutil
import time

from linux import Failure, Skip

IMAGE = "/guest/grub.img"
BOOT_LIMIT = 600

CONFIG = """
[vm grub]
memory = {big}
cpus = 2
serial2 = yes
firmware-log = yes
disk = {folder}/grub.img
disk = {folder}/other.img

[vm empty]
memory = 64M
firmware-log = yes
disk = {folder}/empty.img, readonly
"""


def prepare(lab):
    for name in ("empty.img", "other.img"):
        with open(lab.path(name), "wb") as f:
            f.write(bytes(1 << 20) if name == "empty.img"
                    else os.urandom(1 << 20))
    if os.path.exists(IMAGE):
        shutil.copy(IMAGE, lab.path("grub.img"))


def need_grub():
    if not os.path.exists(IMAGE):
        raise Skip("grub-pc-bin was not installed where the rig was made")


def test_no_system(lab):
    """SeaBIOS prints on the serial port, and says when nothing can be booted"""
    lab.launch("empty")
    console = lab.consoles["empty"]
    console.expect(r"SeaBIOS \(version ", BOOT_LIMIT)
    console.expect("not a bootable disk", BOOT_LIMIT)
    console.expect("No bootable device.", BOOT_LIMIT)
    lab.vmtui("stop", "-f", "-w", "empty", timeout=60)


def test_log(lab):
    """with firmware-log what the firmware does is in the guest's log"""
    text = lab.vmtui("log", "empty")[1]
    if "firmware: found virtio-blk at " not in text:
        raise Failure("the log has:\n" + text)


def test_grub(lab):
    """SeaBIOS boots GRUB from the first of two disks"""
    need_grub()
    lab.launch("grub")
    console = lab.consoles["grub"]
    console.expect(r"SeaBIOS \(version ", BOOT_LIMIT)
    console.expect("Booting from Hard Disk", BOOT_LIMIT)
    console.expect("Debian", BOOT_LIMIT)
    console.expect("GRUB loads the kernel", BOOT_LIMIT)
    console.expect("GRUB starts the kernel", BOOT_LIMIT)


def test_linux(lab):
    """GRUB boots Linux, with its initrd, to a shell"""
    need_grub()
    console = lab.consoles["grub"]
    console.login()
    console.want("hostname", "^grub$")


def test_cpus(lab):
    """the system has all of its processors"""
    need_grub()
    lab.consoles["grub"].want("nproc", r"^2$")


def test_memory(lab):
    """the firmware passes the memory map on"""
    need_grub()
    console = lab.consoles["grub"]
    console.want("dmesg | grep BIOS-e820", r"00100000-0x[0-9a-f]+\] usable")
    console.want("dmesg | grep BIOS-e820",
                 r"feffc000-0x00000000feffffff\] reserved")
    if os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") > 4 << 30:
        console.want("dmesg | grep BIOS-e820",
                     r"100000000-0x000000013fffffff\] usable")
        console.want("cat /proc/iomem", r"^100000000-13fffffff : System RAM$")
        total = int(console.want("cat /proc/meminfo",
                                 r"MemTotal: *(\d+) kB")[1])
        if total < 3800 << 10:
            raise Failure(f"it has {total} kB of 4 GiB")


def test_acpi(lab):
    """the firmware has put the ACPI tables in place"""
    need_grub()
    console = lab.consoles["grub"]
    console.want("dmesg | grep 'ACPI: Interpreter'", r"Interpreter enabled")
    console.want("dmesg | grep 'ACPI: FACP'", "VMTUI")
    text = console.sh("dmesg | grep -iE 'ACPI.*(error|warning|exception)|"
                      "firmware bug|can.t claim|no compatible bridge'",
                      ok=False)
    if text.strip():
        raise Failure("dmesg has:\n" + text)


def test_no_error(lab):
    """the kernel has no error to report"""
    need_grub()
    lab.consoles["grub"].no_error()


def test_smbios(lab):
    """the system knows from SMBIOS what it runs on"""
    need_grub()
    console = lab.consoles["grub"]
    console.want("cat /sys/class/dmi/id/sys_vendor", "^vmtui$")
    console.want("cat /sys/class/dmi/id/product_name", "^Virtual Machine$")
    console.want("cat /sys/class/dmi/id/product_uuid",
                 r"^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]")


def test_disk(lab):
    """the disks are there, and work"""
    need_grub()
    lab.consoles["grub"].sh("mount -t ext4 /dev/vda1 /mnt && "
                            "echo kept >/mnt/note && umount /mnt")


def test_pins(lab):
    """with pci=nomsi its devices work by the IO-APIC's pins alone"""
    need_grub()
    console = lab.consoles["grub"]
    console.sh("dd if=/dev/vdb of=/tmp/a bs=64k 2>/dev/null")
    console.sh("dd if=/tmp/a of=/dev/vdb bs=4k conv=fsync 2>/dev/null")
    text = console.sh("cat /proc/interrupts")
    if "PCI-MSI" in text or "IO-APIC" not in text:
        raise Failure("not by INTx:\n" + text)
    if not re.search(r"^ *\d+: .*[1-9]\d* .*IO-APIC.*fasteoi.* virtio\d", text,
                     re.M):
        raise Failure("no disk's interrupt in:\n" + text)
    with open(lab.path("other.img"), "rb") as f:
        data = f.read()
    console.want("md5sum /tmp/a", hashlib.md5(data).hexdigest())
    console.want("dd if=/dev/hwrng bs=32 count=1 2>/dev/null | wc -c", r"^32$")
    text = console.sh(
        "dmesg | grep -E 'nobody cared|ACPI.*(Error|No GSI)|can.t derive'",
        ok=False)
    if text.strip():
        raise Failure("dmesg has:\n" + text)


def stolen(console):
    """What the host has stolen of the guest's time, in ticks, while busy."""
    return int(console.want(
        "for i in 1 2; do timeout 2 sh -c 'while :; do :; done' & done; wait; "
        "head -n 1 /proc/stat", r"^cpu +(?:\d+ ){7}(\d+) ")[1])


def test_moved(lab):
    """sent and received it goes on, with its clock and its steal time"""
    need_grub()
    console = lab.consoles["grub"]
    console.sh("echo here >/tmp/mark")
    before = stolen(console)
    began = time.time()
    lab.move("grub")
    console = lab.consoles["grub"]
    # It stood still on its way, and did not go back.
    guest = int(console.want("date +%s", r"^(\d+)$")[1])
    if not began - 5 < guest < time.time() + 5:
        raise Failure(f"it took {time.time() - began:.0f} s, and its clock is "
                      f"{guest - time.time():.0f} s off")
    console.want("cat /tmp/mark", "^here$")
    console.want("nproc", "^2$")
    first = stolen(console)
    if not before <= first < stolen(console):
        raise Failure(f"of {before} ticks stolen it came to {first}")
    console.sh("mount -t ext4 /dev/vda1 /mnt")
    console.want("cat /mnt/note", "^kept$")
    console.sh("umount /mnt; echo moved >/dev/ttyS1")
    text = lab.vmtui("console", "--history", "--port", "ttyS1", "grub")[1]
    if "moved" not in text:
        raise Failure(f"on its second port is {text!r}")


def test_reboot(lab):
    """reboot goes through the firmware again, and finds what was written"""
    need_grub()
    console = lab.consoles["grub"]
    console.type("reboot\r")
    console.expect(r"SeaBIOS \(version ", BOOT_LIMIT)
    console.expect("GRUB loads the kernel", BOOT_LIMIT)
    console.expect("GRUB starts the kernel", BOOT_LIMIT)
    console.login()
    console.sh("mount -t ext4 /dev/vda1 /mnt")
    console.want("cat /mnt/note", "^kept$")
    console.sh("umount /mnt")


def test_stop(lab):
    """vmtui stop asks the system, which goes down by itself"""
    need_grub()
    lab.vmtui("stop", "-w", "grub", timeout=300)
    if lab.status("grub")["state"] != "stopped":
        raise Failure("it is not stopped")
