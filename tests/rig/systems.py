"""Other systems to boot, out of Debian's packages; kept under build/rig/.

	systems/installer/   Debian's installer: its kernel, the stock one for
	                     real machines, and its initrd
	systems/memtest/     memtest86+
	systems/xen/         Xen, as a kernel for Multiboot

What cannot be had is missing in the rig, and its tests are skipped.
"""

import glob
import os
import shutil
import subprocess

import common
import package

FOLDER = common.BUILD + "/systems"
INSTALLER = "debian-installer-12-netboot-amd64"
XEN = "xen-hypervisor-4.17-amd64"
GRUB = """serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
echo "GRUB loads the installer"
linux /boot/linux console=ttyS0,115200
initrd /boot/initrd.gz
echo "GRUB starts the installer"
boot
"""
IMAGES = "usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64"


def _unpacked(name, folder):
    """The package's files; None if there is no such package to be had."""
    folder = f"{FOLDER}/{folder}"
    if not os.path.isdir(folder):
        try:
            package.fetch(name, folder)
        except common.Unavailable as why:
            print(f"# {why}")
            return None
    return folder


def _modules(initrd, folder):
    """The modules in an initrd, as mkinitramfs takes them."""
    if not os.path.isdir(folder):
        os.makedirs(folder + ".new", exist_ok=True)
        with subprocess.Popen(["zcat", initrd],
                              stdout=subprocess.PIPE) as zcat:
            common.call(["cpio", "-id", "--quiet", "lib/modules/*"],
                        stdin=zcat.stdout, cwd=folder + ".new")
        os.rename(folder + ".new", folder)
    return folder


def _iso(tree, images):
    """The installer on a CD-ROM with GRUB, where that can be made."""
    if not shutil.which("grub-mkrescue") or not shutil.which("xorriso"):
        return
    root = tree.root + "/iso"
    os.makedirs(root + "/boot/grub")
    for name in ("linux", "initrd.gz"):
        shutil.copy(f"{images}/{name}", root + "/boot")
    with open(root + "/boot/grub/grub.cfg", "w", encoding="utf-8") as f:
        f.write(GRUB)
    common.mkrescue(tree.root + "/guest/installer/cd.iso", root)
    shutil.rmtree(root)


def add(tree):
    """Puts what there is under /guest of a payload.Tree."""
    installer = _unpacked(INSTALLER, "installer")
    if installer:
        images = f"{installer}/{IMAGES}"
        tree.copy(images + "/linux", "guest/installer/linux")
        tree.copy(images + "/initrd.gz", "guest/installer/initrd.gz")
        small = installer + "/small"
        common.initramfs(small, _modules(images + "/initrd.gz",
                                         installer + "/unpacked"))
        tree.copy(small, "guest/installer/small")
        if "RIG_LONG" in os.environ:
            _iso(tree, images)
    memtest = _unpacked("memtest86+", "memtest")
    if memtest:
        for path in glob.glob(memtest + "/boot/memtest86+x64.bin"):
            tree.copy(path, "guest/memtest")
    xen = _unpacked(XEN, "xen")
    if xen:
        for path in glob.glob(xen + "/boot/xen-*.gz"):
            tree.copy(path, "guest/xen.gz")
