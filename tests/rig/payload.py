"""The payload: a root file system for one run, made of the build host's files.

It holds busybox under all its names, bash and python3 with their libraries,
the project's tests and programs under /vmtui as they lie here, the guest's
kernel and a disk that boots it under /guest, and SeaBIOS where its package has
it. It is an ext4 image that the rig gets as a disk; writes to
it are dropped when the run ends.
"""

import os
import re
import shutil
import subprocess

import common
import installing
import systems

PYTHON = "/usr/bin/python3"
LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo",
            "ensurepip", "distutils", "pydoc_data", "dist-packages",
            "site-packages", "unittest", "sqlite3", "dbm"}


class Tree:
    def __init__(self, root):
        self.root = root
        shutil.rmtree(root, ignore_errors=True)
        for name in ("usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "etc",
                     "proc", "sys", "dev", "run", "tmp", "root", "var/lib",
                     "var/tmp", "guest", "vmtui/build"):
            os.makedirs(f"{root}/{name}")
        for name in ("bin", "lib", "lib64", "sbin"):
            os.symlink("usr/" + name, f"{root}/{name}")
        self.text("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"
                  "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n")
        self.text("etc/group", "root:x:0:\nnogroup:x:65534:\nkvm:x:106:\n")
        self.text("etc/hosts", "127.0.0.1 localhost rig\n")

    def text(self, name, words):
        with open(f"{self.root}/{name}", "w") as f:
            f.write(words)

    def copy(self, source, name):
        target = f"{self.root}/{name}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.exists(target):
            shutil.copy2(source, target)

    def program(self, source, name):
        """A program with the libraries that it is linked with."""
        self.copy(source, name)
        self.libraries(source)

    def libraries(self, *sources):
        out = subprocess.run(["ldd", *sources], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True,
                             check=False).stdout
        for path in re.findall(r"(/\S+) \(0x", out):
            self.copy(path, path.lstrip("/"))


def _busybox(tree):
    busybox = shutil.which("busybox")
    if not busybox:
        raise common.Unavailable("busybox-static is not installed")
    tree.copy(busybox, "usr/bin/busybox")
    for applet in common.call([busybox, "--list"]).split():
        target = f"{tree.root}/usr/bin/{applet}"
        if not os.path.lexists(target):
            os.symlink("busybox", target)


def _python(tree):
    """The interpreter with what of its library a test can want."""
    library = common.call([PYTHON, "-c", "import sysconfig; "
                           "print(sysconfig.get_path('stdlib'))"]).strip()
    tree.program(os.path.realpath(PYTHON), "usr/bin/python3")
    shared = []
    for folder, folders, files in os.walk(library):
        folders[:] = [d for d in folders
                      if d not in LEFT_OUT and not d.startswith("config-")]
        for name in files:
            if name.startswith("libpython") or name.endswith(".a"):
                continue
            path = f"{folder}/{name}"
            tree.copy(path, path.lstrip("/"))
            if name.endswith(".so"):
                shared.append(path)
    tree.libraries(*shared)


def _project(tree):
    shutil.copytree(common.TOP + "/tests", tree.root + "/vmtui/tests",
                    ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("rel/vmtui", "asan/vmtui"):
        path = f"{common.TOP}/build/{name}"
        if os.path.exists(path):
            tree.program(path, "vmtui/build/" + name)
    os.symlink("rel/vmtui", tree.root + "/vmtui/build/vmtui")
    os.symlink("/vmtui/build/vmtui", tree.root + "/usr/bin/vmtui")
    guest = common.TOP + "/build/tests/guest"
    if os.path.isdir(guest):
        for name in os.listdir(guest):
            if name.endswith(".elf"):
                tree.copy(f"{guest}/{name}",
                          "vmtui/build/tests/guest/" + name)


def _guest(tree, kernel):
    initrd = common.BUILD + "/guest.cpio.gz"
    common.initramfs(initrd, kernel.modules)
    tree.copy(kernel.image, "guest/vmlinuz")
    tree.copy(kernel.vmlinux, "guest/vmlinux")
    tree.copy(initrd, "guest/initrd")


def _firmware(tree):
    """SeaBIOS, and a disk that it boots: GRUB with the guest's kernel."""
    for name in ("/usr/share/seabios/bios-256k.bin",
                 "/usr/lib/ipxe/qemu/pxe-virtio.rom"):
        if os.path.exists(name):
            tree.copy(name, name.lstrip("/"))
    if not shutil.which("grub-mkimage") or not os.path.isdir(
            "/usr/lib/grub/i386-pc"):
        return
    boots = [f"{tree.root}/guest/{name}" for name in ("vmlinuz", "initrd")]
    config = common.TOP + "/tests/rig/grub.cfg"
    script = common.TOP + "/tests/lib/mkgrubdisk"
    # Linux on the disk is to use the interrupt pins, the one on the CD-ROM not.
    pins = tree.root + "/guest/grub.cfg"
    with open(config, encoding="ascii") as f:
        tree.text("guest/grub.cfg", f.read().replace(
            "hostname=", "pci=nomsi hostname="))
    kept = common.BUILD + "/grub.img"
    common.made(kept, [script, pins, *boots],
                lambda out: common.call([script, out, pins, *boots]))
    tree.copy(kept, "guest/grub.img")
    if shutil.which("xorriso"):
        kept = common.BUILD + "/cd.iso"
        common.made(kept, [__file__, common.__file__, config, *boots],
                    lambda out: _iso(out, tree.root + "/iso", config, boots))
        tree.copy(kept, "guest/cd.iso")


def _iso(image, root, config, boots):
    """The same on a CD-ROM."""
    os.makedirs(root + "/boot/grub")
    for name in boots:
        shutil.copy(name, root + "/boot")
    shutil.copy(config, root + "/boot/grub")
    with open(root + "/pattern", "wb") as f:
        f.write(bytes(i * 7 & 255 for i in range(1 << 20)))
    common.mkrescue(image, root)
    shutil.rmtree(root)


def _tools(tree, scratch):
    """A disk for the guest with programs that busybox has not."""
    tools = Tree(scratch + "/tools")
    for name in ("mke2fs", "e2fsck"):
        path = shutil.which(name)
        if not path:
            raise common.Unavailable("e2fsprogs is not installed")
        tools.program(path, "usr/sbin/" + name)
    common.call(["mke2fs", "-q", "-t", "ext2", "-d", tools.root,
                 tree.root + "/guest/tools.img", "24M"])
    shutil.rmtree(tools.root)


def make(kernel, scratch, script=None):
    """
    Writes the image into the folder scratch and returns its path. script is a
    file to be found as /vmtui/script.
    """
    tree = Tree(scratch + "/root")
    bash = shutil.which("bash")
    tree.program(bash, "usr/bin/bash")
    # busybox's own shell would run its applets in place of real programs.
    os.symlink("bash", tree.root + "/usr/bin/sh")
    ip = shutil.which("ip")
    if not ip:
        raise common.Unavailable("iproute2 is not installed")
    tree.program(ip, "usr/bin/ip")
    _busybox(tree)
    _python(tree)
    _project(tree)
    _guest(tree, kernel)
    _tools(tree, scratch)
    _firmware(tree)
    systems.add(tree)
    if "RIG_LONG" in os.environ:
        installing.add(tree, Tree(scratch + "/debian"), kernel)
    for name in os.environ.get("RIG_EXTRA", "").split():
        tree.program(name, "vmtui/" + os.path.basename(name))
    if script:
        tree.copy(script, "vmtui/script")
        os.chmod(tree.root + "/vmtui/script", 0o755)
    image = scratch + "/payload.img"
    common.call(["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal",
                 "-m", "0", "-E", "root_owner=0:0", "-d", tree.root,
                 image, "768M"])
    shutil.rmtree(tree.root)
    return image
