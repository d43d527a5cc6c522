"""Debian's installer from a CD-ROM, through SeaBIOS, GRUB and virtio-scsi."""

import os

from linux import Skip

IMAGE = "/guest/installer/cd.iso"
BOOT_LIMIT = 1500

CONFIG = """
[vm di]
memory = 1536M
boot = cdrom
cdrom = /guest/installer/cd.iso
disk = {folder}/empty.img
"""


def prepare(lab):
    with open(lab.path("empty.img"), "wb") as f:
        f.truncate(1 << 30)


def test_boot(lab):
    """GRUB on the CD-ROM loads the installer"""
    if not os.path.exists(IMAGE):
        raise Skip("grub-pc-bin, xorriso or the installer's package was not "
                   "to be had where the rig was made")
    lab.launch("di")
    console = lab.consoles["di"]
    console.expect("Booting from DVD/CD", BOOT_LIMIT)
    console.expect("GRUB loads the installer", BOOT_LIMIT)
    console.expect("GRUB starts the installer", BOOT_LIMIT)


def test_dialogue(lab):
    """it reaches its first dialogue on the serial console"""
    if not os.path.exists(IMAGE):
        raise Skip("as above")
    lab.consoles["di"].expect(
        r"\[!!?\] Select a language", BOOT_LIMIT)
