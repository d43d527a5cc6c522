"""Debian's installer and its kernel, the one for real machines."""

import os
import re

from linux import Failure, Skip

FOLDER = "/guest/installer"
BOOT_LIMIT = 1500

CONFIG = """
[vm di]
memory = 1536M
kernel = /guest/installer/linux
initrd = /guest/installer/initrd.gz
cmdline = console=ttyS0,115200 quiet

[vm mp]
memory = 128M
cpus = 4
kernel = /guest/installer/linux
initrd = /guest/installer/small
cmdline = console=ttyS0 acpi=off pci=nomsi quiet hostname=mp
"""


def need_installer():
    if not os.path.exists(FOLDER + "/linux"):
        raise Skip("debian-installer-12-netboot-amd64 was not to be had where "
                   "the rig was made")


def test_installer(lab):
    """Debian's installer reaches its first dialogue on the serial console"""
    need_installer()
    lab.launch("di")
    console = lab.consoles["di"]
    console.expect(r"\[!!?\] Select a language", BOOT_LIMIT)
    lab.vmtui("stop", "-f", "-w", "di", timeout=60)


def test_mptable(lab):
    """without ACPI Linux finds cpus and interrupts in the MP table"""
    need_installer()
    console = lab.start("mp")
    console.want("nproc", "^4$")
    text = console.sh("dmesg | grep -iE 'multip|mptable|interpreter'; "
                      "grep -E 'ttyS0|virtio|LOC' /proc/interrupts")
    for wanted in (r"Intel MultiProcessor Specification v1\.4",
                   r"MPTABLE: OEM ID: VMTUI",
                   r"^ *4: [ 0]*[1-9].* IO-APIC .*ttyS0",
                   r"^ *1[01]: [ 0]*[1-9].* IO-APIC .*fasteoi +virtio",
                   r"^LOC:( +[1-9]\d*){4} "):
        if not re.search(wanted, text, re.M):
            raise Failure(f"there is no /{wanted}/ in\n{text}")
    if "ACPI: Interpreter enabled" in text:
        raise Failure("ACPI was used")
    console.want("dd if=/dev/hwrng bs=32 count=1 2>/dev/null | wc -c", "^32$")
