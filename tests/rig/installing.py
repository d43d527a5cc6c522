"""What a Debian guest installs a system with, on a disk of its own.

It holds sfdisk, mkfs.ext4 and grub-install with their libraries, each from
its package, and the kernel and the initrd that are to be installed. What there
is not makes it missing, and its tests are skipped.
"""

import os
import shutil

import common
import package

GRUB = "/usr/lib/grub/i386-pc"
# They are unpacked, not installed: grub-install on a host is no harmless thing.
PACKAGES = ("grub2-common", "fdisk", "libefiboot1", "libefivar1")
PROGRAMS = {"usr/sbin/grub-install": "usr/sbin/grub-install",
            "sbin/sfdisk": "usr/sbin/sfdisk"}
MODULES = "virtio_pci virtio_blk virtio_scsi sd_mod crc32c_generic ext4"
SIZE = "48M"


def _packages():
    """A folder with the files of all of them; None if one is not to be had."""
    folder = common.BUILD + "/systems/grub"
    if os.path.isdir(folder):
        return folder
    shutil.rmtree(folder + ".parts", ignore_errors=True)
    try:
        for name in PACKAGES:
            package.fetch(name, f"{folder}.parts/{name}")
    except common.Unavailable as why:
        print(f"# {why}")
        return None
    for name in PACKAGES:
        shutil.copytree(f"{folder}.parts/{name}", folder + ".new",
                        symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(folder + ".parts")
    os.rename(folder + ".new", folder)
    return folder


def add(tree, disk, kernel):
    """Writes /guest/debian.img of a payload.Tree, made of the Tree disk."""
    packages = _packages()
    if not packages or not os.path.isdir(GRUB):
        return
    shutil.copytree(packages + "/usr/lib", disk.root + "/usr/lib",
                    symlinks=True, dirs_exist_ok=True)
    os.environ["LD_LIBRARY_PATH"] = packages + "/usr/lib/x86_64-linux-gnu"
    try:
        for source, name in PROGRAMS.items():
            disk.program(f"{packages}/{source}", name)
    finally:
        del os.environ["LD_LIBRARY_PATH"]
    disk.program(shutil.which("mkfs.ext4"), "usr/sbin/mkfs.ext4")
    shutil.copytree(GRUB, disk.root + GRUB, dirs_exist_ok=True)
    for name in ("mnt", "boot"):
        os.makedirs(f"{disk.root}/{name}")
    disk.copy(kernel.image, "boot/vmlinuz")
    initrd = packages + "/initrd"
    common.initramfs(initrd, kernel.modules, "--load", MODULES, "--init",
                     common.TOP + "/tests/rig/rootinit")
    disk.copy(initrd, "boot/initrd")
    common.call(["mke2fs", "-q", "-t", "ext2", "-d", disk.root,
                 tree.root + "/guest/debian.img", SIZE])
    shutil.rmtree(disk.root)
