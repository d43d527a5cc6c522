"""What the rig's modules share: where things are, and how they fail."""

import fcntl
import hashlib
import os
import shutil
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = TOP + "/build/rig"

# mke2fs, ldd and others are there for a person too, just not in their PATH.
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Unavailable(Exception):
    """The machine lacks something; the tests are skipped, with this reason."""


class Failed(Exception):
    """The rig itself broke; the tests have failed, with this reason."""


def made(path, inputs, make):
    """
    Has make(path) write the file, unless it is there and was made of the same.
    An input is a file or a folder, of which the contents count, or a word.
    """
    digest = hashlib.sha256()
    for one in inputs:
        names = [one] if os.path.isfile(one) else sorted(
            f"{folder}/{name}" for folder, _, files in os.walk(one)
            for name in files)
        for name in names:
            with open(name, "rb") as f:
                digest.update(name[len(one):].encode() + b"\0" + f.read())
        if not names:
            digest.update(one.encode() + b"\0")
    key = digest.hexdigest()
    os.makedirs(BUILD, exist_ok=True)
    with open(BUILD + "/made.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            with open(path + ".key", encoding="ascii") as f:
                if f.read() == key and os.path.exists(path):
                    return
        except FileNotFoundError:
            pass
        if os.path.exists(path + ".key"):
            os.unlink(path + ".key")
        make(path)
        with open(path + ".key", "w", encoding="ascii") as f:
            f.write(key)


def initramfs(path, modules, *options):
    """tests/lib/mkinitramfs, with modules of a folder that never changes."""
    script = TOP + "/tests/lib/mkinitramfs"
    made(path, [script, TOP + "/tests/lib/initramfs",
                shutil.which("busybox") or "no busybox",
                "modules: " + os.path.relpath(modules, TOP), *options],
         lambda out: call([script, out, "--modules", modules, *options]))


def mkrescue(image, root):
    """A CD-ROM that a BIOS boots by GRUB, of the files under root."""
    call(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc",
          "--install-modules=linux normal iso9660 biosdisk serial terminal "
          "echo configfile test search", "--fonts=", "--themes=", "--locales=",
          "-o", image, root])


def call(argv, **more):
    """Runs a command that has to succeed; its last words are the reason."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT, check=False, **more)
    except FileNotFoundError:
        raise Unavailable(f"{argv[0]} is not installed") from None
    if done.returncode != 0:
        raise Failed(f"{argv[0]} ended with status {done.returncode}: "
                     + done.stdout.strip()[-2000:])
    return done.stdout
