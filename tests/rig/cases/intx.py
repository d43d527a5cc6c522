"""A guest of much memory that uses no message-signalled interrupts."""

import hashlib
import os

from linux import Failure, Skip, big

CONFIG = """
[vm intx]
memory = {big}
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=intx pci=nomsi
disk = {folder}/intx.img
"""


def prepare(lab):
    with open(lab.path("intx.img"), "wb") as f:
        f.write(os.urandom(1 << 20))


def test_boots(lab):
    """with pci=nomsi a guest boots to a shell"""
    lab.start("intx")


def test_high_memory(lab):
    """memory above 4 GiB is where the guest expects it"""
    if big() != "4G":
        raise Skip("the rig has less than 5 GiB here")
    console = lab.consoles["intx"]
    console.want("cat /proc/iomem", r"^100000000-13fffffff : System RAM$")
    total = int(console.want("cat /proc/meminfo", r"MemTotal: *(\d+) kB")[1])
    if total < 3800 << 10:
        raise Failure(f"it has {total} kB of 4 GiB")


def test_disk(lab):
    """virtio-blk works by the IO-APIC's pins alone"""
    console = lab.consoles["intx"]
    console.sh("dd if=/dev/vda of=/tmp/a bs=64k 2>/dev/null")
    console.sh("dd if=/tmp/a of=/dev/vda bs=4k conv=fsync 2>/dev/null")
    text = console.sh("cat /proc/interrupts")
    if "PCI-MSI" in text or "IO-APIC" not in text:
        raise Failure("not by INTx:\n" + text)
    console.want("cat /proc/interrupts",
                 r"^ *\d+: +[1-9]\d* .*IO-APIC.*fasteoi.* virtio\d")
    with open(lab.path("intx.img"), "rb") as f:
        data = f.read()
    console.want("md5sum /tmp/a", hashlib.md5(data).hexdigest())


def test_rng(lab):
    """virtio-rng works by the IO-APIC's pins alone"""
    lab.consoles["intx"].want(
        "dd if=/dev/hwrng bs=32 count=1 2>/dev/null | wc -c", r"^32$")


def test_no_complaint(lab):
    """no interrupt was found that nobody cared for"""
    text = lab.consoles["intx"].sh(
        "dmesg | grep -E 'nobody cared|ACPI.*(Error|No GSI)|can.t derive'",
        ok=False)
    if text.strip():
        raise Failure("dmesg has:\n" + text)
