"""Debian's installer and its kernel, the one for real machines."""

import os

from linux import Skip

FOLDER = "/guest/installer"
BOOT_LIMIT = 1500

CONFIG = """
[vm di]
memory = 768M
kernel = /guest/installer/linux
initrd = /guest/installer/initrd.gz
cmdline = console=ttyS0,115200

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
    import time
    b=time.time()
    for w in ("initrd memory", "Run /init", "debconf|Loading|Starting", "Choose the language"):
        console.expect(w, BOOT_LIMIT); print("# %s %.0f" % (w, time.time()-b), flush=True)


def test_mptable(lab):
    """without ACPI Linux finds every cpu in the MP table"""
    need_installer()
    console = lab.start("mp")
    console.want("nproc", "^4$")
    print(console.sh("dmesg | grep -iE 'mpt|mp-|intel multi|apic|irq'; cat /proc/interrupts"))
