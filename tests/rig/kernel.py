"""The stock Debian kernel.

What is made of its package stays under build/rig/:

	kernel/VERSION/         the package, unpacked
	kernel/VERSION/vmlinux  the ELF file out of the bzImage
"""

import glob
import os
import subprocess

import common
import package

META = "linux-image-cloud-amd64"


class Kernel:
    """One unpacked kernel: .version .image .modules .vmlinux are paths."""

    def __init__(self, folder):
        self.folder = folder
        self.version = os.path.basename(folder)
        self.image = f"{folder}/boot/vmlinuz-{self.version}"
        self.modules = f"{folder}/lib/modules/{self.version}"
        self.vmlinux = f"{folder}/vmlinux"

    def complete(self):
        return os.path.exists(self.vmlinux)


def _wanted():
    """The package that the meta package depends on; None if apt knows none."""
    for attempt in range(2):
        out = subprocess.run(["apt-cache", "depends", META],
                             stdout=subprocess.PIPE, text=True,
                             stderr=subprocess.DEVNULL, check=False).stdout
        for line in out.splitlines():
            kind, _, name = line.strip().partition(": ")
            if kind == "Depends" and name.startswith("linux-image-"):
                return name
        if attempt == 0 and os.geteuid() == 0:
            subprocess.run(["apt-get", "-qq", "update"], check=False,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    return None


def _fetch(name, folder):
    kernel = Kernel(folder)
    package.fetch(name, folder, lambda tmp: common.call(
        [common.TOP + "/tests/lib/vmlinux",
         f"{tmp}/boot/vmlinuz-{kernel.version}", tmp + "/vmlinux"]))


def get():
    """The kernel, from the last run's files where they are there."""
    base = common.BUILD + "/kernel"
    name = _wanted()
    if name is None:
        known = [k for k in map(Kernel, sorted(glob.glob(base + "/*")))
                 if k.complete()]
        if not known:
            raise common.Unavailable(f"apt knows no {META}")
        return known[-1]
    kernel = Kernel(f"{base}/{name.removeprefix('linux-image-')}")
    if not kernel.complete():
        _fetch(name, kernel.folder)
    return kernel
