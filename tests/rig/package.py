"""Debian packages, fetched and unpacked once, never installed.

apt is asked for them by name, so they come from wherever the machine has its
packages from.
"""

import glob
import os
import shutil
import subprocess

import common


def fetch(package, folder, prepare=lambda tmp: None):
    """
    Unpacks a package so that the folder holds its files; prepare(its root)
    has the last word before it is there. common.Unavailable: apt has it not.
    """
    tmp = folder + ".new"
    shutil.rmtree(tmp, ignore_errors=True)
    os.makedirs(tmp)
    got = subprocess.run(["apt-get", "-qq", "download", package], cwd=tmp,
                         stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.STDOUT, check=False)
    debs = glob.glob(tmp + "/*.deb")
    if got.returncode != 0 or not debs:
        last = (got.stdout.strip().splitlines() or ["no reason given"])[-1]
        raise common.Unavailable(f"{package} cannot be downloaded: {last}")
    common.call(["dpkg", "-x", debs[0], tmp])
    os.unlink(debs[0])
    prepare(tmp)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(tmp, folder)
