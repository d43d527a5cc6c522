"""A system installed as a person does it: on virtio-blk and on virtio-scsi."""

import os

from linux import Skip

TOOLS = "/guest/debian.img"
BOOT_LIMIT = 600
CHROOT = "PATH=/usr/sbin:/usr/bin chroot /tools"
NAMES = {"blk": "vda", "scsi": "sda"}

CONFIG = """
[vm setup]
memory = 256M
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=setup
disk = {folder}/blk.qcow2
disk = {folder}/scsi.qcow2, bus=scsi
disk = /guest/debian.img, readonly

[vm blk]
memory = 256M
disk = {folder}/blk.qcow2

[vm scsi]
memory = 256M
disk = {folder}/scsi.qcow2, bus=scsi
"""

MENU = """
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
linux /boot/vmlinuz root=/dev/{disk}1 console=ttyS0 quiet hostname={name}
initrd /boot/initrd
boot
"""


def need_tools():
    if not os.path.exists(TOOLS):
        raise Skip("grub2-common, fdisk or grub-pc-bin was not to be had "
                   "where the rig was made")


def prepare(lab):
    if not os.path.exists(TOOLS):
        return
    for name in NAMES:
        lab.vmtui("create", "-s", "96M", lab.path(name + ".qcow2"))


def install(console, name):
    """Types what it takes to put a system on a disk."""
    disk = NAMES[name]
    console.sh(f"i=0; while test $i -lt 60 && ! test -b /dev/{disk}; do "
               "i=$((i+1)); sleep 1; done")
    console.sh("echo 'start=2048, type=83, bootable' | "
               f"{CHROOT} sfdisk -q /dev/{disk}")
    console.sh(f"{CHROOT} mkfs.ext4 -q /dev/{disk}1")
    console.sh(f"mount -t ext4 /dev/{disk}1 /tools/mnt")
    console.sh("cd /tools/mnt && cp -a /bin /sbin /etc /lib /root . && "
               "mkdir boot dev mnt proc run sys tmp && cp ../boot/* boot")
    console.sh(f"{CHROOT} grub-install --target=i386-pc "
               f"--boot-directory=/mnt/boot /dev/{disk}", BOOT_LIMIT)
    for line in MENU.format(disk=disk, name=name).split("\n"):
        console.sh(f"echo '{line}' >>boot/grub/grub.cfg")
    console.sh("cd / && umount /tools/mnt")


def test_install(lab):
    """grub-install on a virtio-blk and a virtio-scsi disk goes well"""
    need_tools()
    console = lab.start("setup")
    console.sh("mkdir /tools && mount -t ext2 -o ro /dev/vdb /tools && "
               "for d in dev proc sys; do mount -o bind /$d /tools/$d; done")
    for name in NAMES:
        install(console, name)
    console.type("poweroff\r")
    lab.wait_state("setup", "stopped", 120)


def boots(lab, name):
    """Boots an installed system; its console, with the disk as its root."""
    lab.launch(name)
    console = lab.consoles[name]
    console.expect("Booting from Hard Disk", BOOT_LIMIT)
    console.login()
    console.want("hostname", f"^{name}$")
    console.want("cat /proc/mounts", f"^/dev/{NAMES[name]}1 / ext4 rw")
    return console


def lives(lab, name):
    """Two lives of a system: what it writes in one is there in the other."""
    need_tools()
    for said in ("first", "second"):
        console = boots(lab, name)
        if said == "second":
            console.want("cat /root/note", "^first$")
            console.sh("md5sum -c /root/sums")
        console.sh(f"echo {said} >/root/note && dd if=/dev/urandom "
                   "of=/root/data bs=64k count=64 2>/dev/null && "
                   "md5sum /root/data >/root/sums")
        console.type("poweroff\r")
        lab.wait_state(name, "stopped", 120)
    lab.vmtui("image", "check", lab.path(name + ".qcow2"))


def test_blk(lab):
    """a definition of memory and disk boots what was installed, twice"""
    lives(lab, "blk")


def test_scsi(lab):
    """so it does from virtio-scsi"""
    lives(lab, "scsi")
