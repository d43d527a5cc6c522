"""What the rig's modules share: where things are, and how they fail."""

import os
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
