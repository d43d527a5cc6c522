"""What is discarded gives the host its room back, also in a data file."""

import os

from images import DRIVER, KIB, Skip, check, run

MIB = KIB * KIB
OPTIONS = ("data_file=data", "data_file=data,data_file_raw=on",
           "data_file=data,cluster_size=16k,extended_l2=on",
           "cluster_size=64k", "cluster_size=4k,lazy_refcounts=on")


def used(folder, name):
    """Bytes of the host's disk, once its file system has settled them."""
    fd = os.open(os.path.join(folder, name), os.O_RDONLY)
    try:
        os.fsync(fd)
        return os.fstat(fd).st_blocks * 512
    finally:
        os.close(fd)


def holes_here(folder):
    """Has the file system holes at all?"""
    path = os.path.join(folder, "probe")
    with open(path, "wb") as f:
        f.write(bytes(MIB))
    run(["qemu-io", "-f", "raw", "-d", "unmap", path], "discard 0 1M\n")
    return used(folder, "probe") < MIB // 2


def gives_back(folder, rng, options):
    if not holes_here(folder):
        raise Skip("no holes on this file system")
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "image",
         "16M"], cwd=folder)
    name = "data" if "data_file" in options else "image"

    def work(*lines):
        run([DRIVER, "image", "qcow2"], "\n".join(lines) + "\n", folder)
        return used(folder, name)

    full = work("w 0 %d 7" % (16 * MIB), "f")
    check(full >= 16 * MIB, "not written:", full)
    left = work("d %d %d" % (2 * MIB, 4 * MIB), "f")
    check(left <= full - 4 * MIB + 256 * KIB, "a discard left", left)
    left = work("z %d %d u" % (8 * MIB, 4 * MIB), "f")
    check(left <= full - 8 * MIB + 256 * KIB, "zeroes left", left)
    same = work("z %d %d" % (12 * MIB, 2 * MIB), "f")
    check(same >= left - 256 * KIB, "zeroes that keep their room have lost it:", same)
    out = work("d 0 %d" % (16 * MIB), "f")
    check(out <= 2 * MIB, "all was discarded, and", out, "is used")
    # Old contents come back nowhere.
    text = run(["qemu-io", "-f", "qcow2", "image"], "read -P 0 0 16M\n",
               folder)
    check("rror" not in text and "ailed" not in text, text)


def cases():
    for options in OPTIONS:
        yield "room is given back: " + options, gives_back, options
