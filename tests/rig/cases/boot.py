"""A stock Debian kernel from its bzImage, through one life of a guest: one cpu,
little memory, and file systems on raw and qcow2.
"""

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
disk = {folder}/raw.img, format=raw
disk = {folder}/mv1.qcow2
disk = /guest/tools.img, readonly
disk = {folder}/small/full.img
"""

# The tools disk's programs, as the guest calls them.
TOOL = "chroot /tools /usr/sbin/"


def mounted(lab, image, command):
    """Runs a command with a guest's image mounted at /mnt in the rig."""
    mount = f"mount -o loop {lab.path(image)} /mnt"
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
    mounted(lab, "mv1.img", "echo from the host >/mnt/note")
    lab.vmtui("create", "-s", "32M", lab.path("mv1.qcow2"))
    # What is written to this one does not fit on the host.
    os.mkdir(lab.path("small"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "small",
                    lab.path("small")], check=True)
    for name in ("raw.img", "small/full.img"):
        with open(lab.path(name), "wb") as f:
            f.truncate(16 << 20)


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
    gap, total = map(int, lab.consoles["mv1"].want(
        "dmesg | sed -n 's/^\\[ *\\([0-9]*\\)\\..*/\\1/p' | awk "
        "'NR > 1 && $1 - p > g { g = $1 - p } { p = $1 } "
        "END { print g + 0, p }'", r"^(\d+) (\d+)$").groups())
    # On a busy host all of it takes long.
    if gap >= 10 and gap > total / 2:
        raise Failure(f"it stood still for {gap} of {total} s while booting")


def test_clock(lab):
    """the clock is read and right"""
    console = lab.consoles["mv1"]
    console.want("dmesg | grep rtc_cmos", r"setting system clock to")
    before = time.time()
    guest = int(console.want("date +%s", r"^(\d+)$")[1])
    if not before - 5 < guest < time.time() + 5:
        raise Failure(f"it says {guest}, between {before} and {time.time()}")


def test_msix(lab):
    """virtio-blk interrupts by MSI-X"""
    lab.consoles["mv1"].want(
        "head -c 512 /dev/vda >/dev/null; cat /proc/interrupts",
        r"^ *\d+: +[1-9]\d* .*PCI-MSI.* virtio\d+-req\.0")


def test_filesystem(lab):
    """a file system that the host made is mounted, read and written"""
    console = lab.consoles["mv1"]
    console.sh("mkdir /m /tools && mount /dev/vda /m")
    console.want("cat /m/note", r"^from the host$")
    console.sh("dd if=/dev/urandom of=/tmp/x bs=64k count=64 2>/dev/null")
    console.sh("cp /tmp/x /m/x && echo from the guest >>/m/note && umount /m")
    console.sh("mount -t ext4 -o ro /dev/vdd /tools && "
               "mount -o bind /dev /tools/dev")
    console.sh(f"{TOOL}e2fsck -fn /dev/vda")


def check_disk(console, device):
    """mkfs, dd, checksums and fsck."""
    console.sh(f"{TOOL}mke2fs -q -t ext4 /dev/{device}")
    console.sh(f"mount -t ext4 /dev/{device} /m")
    console.sh("dd if=/tmp/x of=/m/x bs=4k conv=fsync 2>/dev/null")
    console.sh("echo 3 >/proc/sys/vm/drop_caches; cmp /tmp/x /m/x")
    console.sh("mkdir /m/many; for i in $(seq 100); do echo $i >/m/many/$i; "
               "done; umount /m")
    console.sh(f"{TOOL}e2fsck -fn /dev/{device}")


def test_raw(lab):
    """mkfs, dd and fsck on a raw image, and nothing is changed on the way"""
    check_disk(lab.consoles["mv1"], "vdb")


def test_qcow2(lab):
    """the same on qcow2"""
    console = lab.consoles["mv1"]
    check_disk(console, "vdc")
    lab.sum = console.want("md5sum /tmp/x", "^[0-9a-f]{32}")[0]


def test_full(lab):
    """a host disk that is full pauses it, and unpause goes on where it was"""
    console = lab.consoles["mv1"]
    console.sh(f"{TOOL}mke2fs -q -t ext4 /dev/vde")
    console.sh("mount -t ext4 /dev/vde /m")
    console.sh("({ dd if=/tmp/x of=/m/x bs=64k conv=fsync; "
               "echo $? >/tmp/done; } >/dev/null 2>&1 &)")
    state = lab.wait_state("mv1", "paused", 180)
    if "no space left" not in state["reason"]:
        raise Failure(f"the reason is {state['reason']!r}")
    subprocess.run(["mount", "-o", "remount,size=20m", lab.path("small")],
                   check=True)
    lab.vmtui("unpause", "mv1")
    console.want("while ! test -e /tmp/done; do sleep 0.2; done; cat /tmp/done",
                 "^0$")
    console.sh("echo 3 >/proc/sys/vm/drop_caches; cmp /tmp/x /m/x; umount /m")
    console.sh(f"{TOOL}e2fsck -fn /dev/vde")
    console.no_error()


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
    console.expect("reboot: Power down", 120)
    lab.wait_state("mv1", "stopped", 120)
    if huge_pages():
        raise Failure("the host has not got its huge pages back")


def test_images(lab):
    """the host finds in the images what the guest wrote"""
    subprocess.run(["umount", lab.path("small")], check=True)
    note = mounted(lab, "mv1.img", "cat /mnt/note")
    if note != "from the host\nfrom the guest\n":
        raise Failure(f"the note says {note!r}")
    lab.vmtui("image", "check", lab.path("mv1.qcow2"))
    lab.vmtui("image", "convert", "-O", "raw", lab.path("mv1.qcow2"),
              lab.path("mv1.qcow2.raw"))
    for image in ("mv1.img", "raw.img", "mv1.qcow2.raw"):
        found = mounted(lab, image, "md5sum </mnt/x")
        if found[:32] != lab.sum:
            raise Failure(f"{image} has {found}, not {lab.sum}")
