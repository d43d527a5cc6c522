"""The same random operations by us and by qemu-io; then the twins compare."""

import itertools
import json
import os

from images import (KIB, ROOT, Disk, Work, check, reads_as, resize, run,
                    sanity)

VMTUI = os.environ.get("VMTUI", os.path.join(ROOT, "build/asan/vmtui"))

OPERATIONS = 90  # in a phase, of which there are two

CLUSTERS = (("512", 512), ("1k", 1024), ("4k", 4096), ("64k", 65536),
            ("2M", 2 << 20))
OTHERS = (
    ("64k", "refcount_bits=1", {}),
    ("512", "refcount_bits=1", {}),
    ("512", "refcount_bits=64", {}),
    ("1k", "refcount_bits=2", {}),
    ("4k", "refcount_bits=4", {}),
    ("4k", "refcount_bits=8", {}),
    ("2M", "refcount_bits=32", {}),
    ("4k", "lazy_refcounts=on", {}),
    ("64k", "lazy_refcounts=on", {"below": "qcow2"}),
    ("16k", "extended_l2=on", {}),
    ("16k", "extended_l2=on", {"below": "raw"}),
    ("64k", "extended_l2=on", {"below": "qcow2"}),
    ("2M", "extended_l2=on", {"below": "raw"}),
    ("64k", "data", {}),
    ("4k", "data,lazy_refcounts=on", {}),
    ("16k", "data,extended_l2=on", {}),
    ("64k", "data,data_file_raw=on", {}),
    ("64k", "preallocation=metadata", {}),
    ("4k", "preallocation=full", {}),
    ("4k", "compressed", {}),
    ("64k", "compressed,compression_type=zstd", {}),
    ("512", "compressed", {}),
    ("2M", "compressed,compression_type=zstd", {}),
)


def size_for(cluster, rng):
    """Not a multiple of a cluster."""
    if cluster >= 2 << 20:
        return 9 * 1024 * KIB + 512 * rng.randrange(4000)
    return 1024 * KIB + cluster * 3 + 512 * rng.randrange(4000)


def make_below(folder, kind, rng, size):
    """A backing file that is shorter than what lies above it."""
    data = bytearray(rng.randbytes(size * 2 // 3 // 512 * 512))
    for _ in range(5):
        at = rng.randrange(len(data))
        data[at:at + 50000] = bytes(len(data[at:at + 50000]))
    raw = os.path.join(folder, "below.raw")
    with open(raw, "wb") as f:
        f.write(data)
    if kind == "raw":
        return raw, bytes(data)
    path = os.path.join(folder, "below.qcow2")
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", raw, path])
    return path, bytes(data)


def make(folder, name, options, size, below=None):
    """A twin, in a folder of its own so that its data file has a place, and
    its base can be written."""
    place = os.path.join(folder, name)
    os.mkdir(place)
    if below:
        run(["cp", below, place])
        below = os.path.basename(below)
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", options]
    if below:
        argv += ["-F", "raw" if below.endswith("raw") else "qcow2",
                 "-b", below]
    run(argv + ["image", str(size)], cwd=place)
    return place


def compress(place, options, disk, rng):
    """Puts an image of compressed clusters in the twin's place."""
    for _ in range(12):
        at = rng.randrange(len(disk.bytes))
        n = min(rng.randrange(200 * KIB), len(disk.bytes) - at)
        disk.write(at, (b"%d words " % at * (n // 6 + 1))[:n])
    raw = os.path.join(place, "raw")
    with open(raw, "wb") as f:
        f.write(disk.bytes)
    run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "-o",
         options, raw, "image"], cwd=place)


def commit(folder, disk, ours, theirs, below):
    """Each twin's contents go into its base, and it goes on empty."""
    name = os.path.basename(below)
    run([VMTUI, "image", "commit", "-f", "qcow2", "image"], cwd=ours)
    run(["qemu-img", "commit", "-q", "-f", "qcow2", "image"], cwd=theirs)
    sanity("image", ours)
    if name.endswith("qcow2"):
        sanity(name, ours)
    run(["qemu-img", "compare", os.path.join(ours, name),
         os.path.join(theirs, name)])
    sizes = [json.loads(run(["qemu-img", "info", "--output=json", name],
                            cwd=place))["virtual-size"]
             for place in (ours, theirs)]
    check(sizes[0] == sizes[1], "bases of", sizes)
    judge(folder, disk, ours, theirs)
    held = [one for one in json.loads(run(
        ["qemu-img", "map", "--output=json", "-f", "qcow2", "image"],
        cwd=ours)) if one["depth"] == 0 and one["data"]]
    check(not held, "not empty:", held[:3])


def twins(folder, rng, cluster, options, more):
    words = options.split(",") if options else []
    compressed = "compressed" in words
    options = ",".join(
        ["cluster_size=" + cluster] +
        ["data_file=data" if w == "data" else w
         for w in words if w != "compressed"])
    grain = dict(CLUSTERS + (("16k", 16384),))[cluster]
    size = size_for(grain, rng)
    below = content = None
    if "below" in more:
        below, content = make_below(folder, more["below"], rng, size)
    disk = Disk(size, content or b"")
    ours = make(folder, "ours", options, size, below)
    theirs = make(folder, "theirs", options, size, below)
    if compressed:
        compress(ours, options, disk, rng)
        run(["cp", ours + "/image", theirs + "/image"])
        reads_as("image", disk, ours)
    keeps = "data" not in words and "refcount_bits=1" not in words
    work = Work(rng, disk, grain)
    for phase in range(2):
        for _ in range(OPERATIONS if grain < 2 << 20 else OPERATIONS // 3):
            work.step()
        work.apply_ours("image", cwd=ours)
        sanity("image", ours)
        work.settle()
        work.apply_ours("image", cwd=ours)
        work.apply_theirs("image", cwd=theirs)
        sanity("image", ours)
        judge(folder, disk, ours, theirs)
        if phase == 0:
            resize(ours, theirs, disk, rng)
            sanity("image", ours)
            judge(folder, disk, ours, theirs)
        if phase == 0 and below:
            commit(folder, disk, ours, theirs, below)
        if phase == 0 and keeps:
            kept = bytes(disk.bytes)
            for place in (ours, theirs):
                run(["qemu-img", "snapshot", "-c", "kept", "image"], cwd=place)
    if keeps:
        run(["qemu-img", "convert", "-l", "kept", "-f", "qcow2", "-O", "raw",
             "image", "kept"], cwd=ours)
        with open(ours + "/kept", "rb") as f:
            check(f.read() == kept, "the snapshot is not as it was")


def raw(folder, rng):
    """A raw image, whose twin is a row of bytes."""
    disk = Disk(2048 * KIB)
    path = os.path.join(folder, "image")
    with open(path, "wb") as f:
        f.truncate(len(disk.bytes))
    work = Work(rng, disk, 4096)
    for _ in range(6):
        for _ in range(OPERATIONS):
            work.step()
        work.apply_ours(path, "raw")
        work.settle()
        work.apply_ours(path, "raw")
        with open(path, "rb") as f:
            check(f.read() == disk.bytes, "the file is not as it should be")


def judge(folder, disk, ours, theirs):
    """The twins are the same, and as they should be."""
    want = os.path.join(folder, "want")
    with open(want, "wb") as f:
        f.write(disk.bytes)
    # From a folder in which the data file of each is found.
    for place in (ours, theirs):
        run(["qemu-img", "compare", "-f", "qcow2", "-F", "raw", "image", want],
            cwd=place)
    reads_as("image", disk, ours)
    reads_as("image", disk, theirs)


def cases():
    yield "twins: raw", raw
    for (name, _), compat, below in itertools.product(
            CLUSTERS, ("0.10", "1.1"), ("", "raw", "qcow2")):
        yield ("twins: clusters of %s, compat %s%s" % (
            name, compat, below and ", on " + below), twins, name,
            "compat=" + compat, {"below": below} if below else {})
    for cluster, options, more in OTHERS:
        yield ("twins: clusters of %s, %s%s" % (
            cluster, options, ", on " + more["below"] if more else ""),
            twins, cluster, options, more)
