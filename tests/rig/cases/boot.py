"""A stock Debian kernel from its bzImage, through one life of a guest."""

import os
import re
import subprocess
import time

from linux import Failure

CONFIG = """
[vm mv1]
memory = 128M
hugepages = yes
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=mv1 words="as they stand"
disk = {folder}/mv1.img
"""


def mounted(lab, command):
    """Runs a command with the guest's image mounted at /mnt in the rig."""
    mount = f"mount -o loop {lab.path('mv1.img')} /mnt"
    return subprocess.run(
        ["sh", "-ec", f"{mount}; {command}; umount /mnt"], check=True,
        stdout=subprocess.PIPE, text=True).stdout


def huge_pages():
    """How many of the host's huge pages are spoken for, and their size."""
    with open("/proc/meminfo", encoding="ascii") as f:
        found = {name: int(n) for name, n in re.findall(
            r"^(Huge\w+): +(\d+)", f.read(), re.M)}
    return (found["HugePages_Total"] - found["HugePages_Free"]
            + found["HugePages_Rsvd"]) * found["Hugepagesize"] << 10


def prepare(lab):
    with open("/proc/sys/vm/nr_hugepages", "w", encoding="ascii") as f:
        f.write("80")
    image = lab.path("mv1.img")
    os.makedirs("/mnt", exist_ok=True)
    with open(image, "wb") as f:
        f.truncate(16 << 20)
    subprocess.run(["mke2fs", "-F", image], check=True,
                   stdout=subprocess.DEVNULL)
    mounted(lab, "echo from the host >/mnt/note")


def test_boots(lab):
    """a stock bzImage with its initrd boots to a shell"""
    lab.start("mv1")
    if lab.status("mv1")["state"] != "running":
        raise Failure("status does not say running")


def test_huge_pages(lab):
    """with hugepages = yes its memory is of the host's huge pages"""
    if huge_pages() != 128 << 20:
        raise Failure(f"it has {huge_pages() >> 20} MiB of them")


def test_cmdline(lab):
    """the guest has its command line, word by word"""
    lab.consoles["mv1"].want(
        "cat /proc/cmdline",
        r'^console=ttyS0 quiet hostname=mv1 words="as they stand"$')


def test_memory(lab):
    """the guest has its memory, which is not much"""
    total = int(lab.consoles["mv1"].want(
        "cat /proc/meminfo", r"MemTotal: *(\d+) kB")[1])
    if not 80 << 10 < total <= 128 << 10:
        raise Failure(f"it has {total} kB of 128 MiB")


def test_acpi(lab):
    """ACPI is in use, and complains of nothing"""
    console = lab.consoles["mv1"]
    console.want("dmesg | grep 'ACPI: Interpreter'", r"Interpreter enabled")
    text = console.sh("dmesg | grep -iE 'ACPI.*(error|warning|exception)|"
                      "firmware bug'", ok=False)
    if text.strip():
        raise Failure("dmesg has:\n" + text)


def test_no_error(lab):
    """the kernel has no error to report"""
    lab.consoles["mv1"].no_error()


def test_no_long_wait(lab):
    """booting waits for no hardware that is missing"""
    gap = lab.consoles["mv1"].want(
        "dmesg | sed -n 's/^\\[ *\\([0-9]*\\)\\..*/\\1/p' | awk "
        "'NR > 1 && $1 - p > g { g = $1 - p } { p = $1 } END { print g + 0 }'",
        r"^(\d+)$")[1]
    if int(gap) >= 10:
        raise Failure(f"it stood still for {gap} s while booting")


def test_clock(lab):
    """the clock is read and right"""
    console = lab.consoles["mv1"]
    console.want("dmesg | grep rtc_cmos", r"setting system clock to")
    guest = int(console.want("date +%s", r"^(\d+)$")[1])
    if abs(guest - time.time()) > 5:
        raise Failure(f"it is {guest - time.time():.0f} s off")


def test_msix(lab):
    """virtio-blk interrupts by MSI-X"""
    lab.consoles["mv1"].want(
        "head -c 512 /dev/vda >/dev/null; cat /proc/interrupts",
        r"^ *\d+: +[1-9]\d* .*PCI-MSI.* virtio\d+-req\.0")


def test_filesystem(lab):
    """a file system on virtio-blk is mounted, read and written"""
    console = lab.consoles["mv1"]
    console.sh("mount /dev/vda /mnt")
    console.want("cat /mnt/note", r"^from the host$")
    console.sh("dd if=/dev/urandom of=/tmp/bytes bs=64k count=32 2>/dev/null")
    console.sh("cp /tmp/bytes /mnt/bytes && sync")
    console.sh("echo 3 >/proc/sys/vm/drop_caches")
    console.sh("cmp /tmp/bytes /mnt/bytes")
    console.sh("md5sum </tmp/bytes >/mnt/sum")
    console.sh("echo from the guest >>/mnt/note && umount /mnt")


def test_rng(lab):
    """virtio-rng gives random bytes"""
    console = lab.consoles["mv1"]
    console.want("cat /sys/class/misc/hw_random/rng_current", r"^virtio_rng")
    read = "dd if=/dev/hwrng bs=32 count=1 2>/dev/null | xxd -p -c 64"
    one, two = (console.want(read, r"^([0-9a-f]{64})$")[1] for _ in range(2))
    if one == two or len(set(bytes.fromhex(one))) < 8:
        raise Failure(f"not random: {one} {two}")


def test_poweroff(lab):
    """poweroff in the guest stops it in good order"""
    console = lab.consoles["mv1"]
    console.type("poweroff\r")
    console.expect("reboot: Power down", 30)
    lab.wait_state("mv1", "stopped", 30)
    if huge_pages():
        raise Failure("the host has not got its huge pages back")


def test_image(lab):
    """what the guest wrote is in its image"""
    note = mounted(lab, "cat /mnt/note")
    if note != "from the host\nfrom the guest\n":
        raise Failure(f"the note says {note!r}")
    if mounted(lab, "md5sum </mnt/bytes | cmp - /mnt/sum || echo no"):
        raise Failure("the bytes are not those that the guest wrote")
