"""Damaged images: none makes a sanitizer speak, none goes on for ever."""

import os

from images import ROOT, check, run

DAMAGE = os.path.join(ROOT, "build/asan/tests/block/damage")
COUNT = int(os.environ.get("BLOCK_DAMAGE", "250"))  # of each image

SEEDS = (
    ("cluster_size=64k", ""), ("cluster_size=512", ""),
    ("compat=0.10,cluster_size=4k", ""), ("refcount_bits=1", ""),
    ("cluster_size=1k,refcount_bits=64", ""),
    ("cluster_size=16k,extended_l2=on", ""),
    ("cluster_size=4k", "raw"), ("cluster_size=4k", "snapshot"),
    ("cluster_size=4k,lazy_refcounts=on", "dirty"),
    ("cluster_size=4k", "compressed"),
    ("cluster_size=64k,compression_type=zstd", "compressed"),
    ("cluster_size=4k,data_file=data", ""),
)


def seed_image(folder, n, options, kind):
    """A small image with something of everything that its kind has."""
    path = os.path.join(folder, "%d.qcow2" % n)
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", options]
    if kind == "raw":
        below = os.path.join(folder, "below")
        with open(below, "wb") as f:
            f.write(b"below" * 20000)
        argv += ["-F", "raw", "-b", below]
    run(argv + [path, "300k"], cwd=folder)
    if kind == "compressed":
        raw = os.path.join(folder, "raw")
        with open(raw, "wb") as f:
            f.write(b"something or other, " * 15360)
        run(["qemu-img", "convert", "-c", "-O", "qcow2", "-f", "raw", "-o",
             options, raw, path], cwd=folder)
    work = ["write -q -P 1 5k 20k", "write -q -z 64k 30k",
            "write -q -P 2 200k 40k", "discard -q 210k 12k"]
    run(["qemu-io", "-f", "qcow2", path], "\n".join(work) + "\n", folder)
    if kind == "snapshot":
        run(["qemu-img", "snapshot", "-c", "one", path])
        run(["qemu-io", "-f", "qcow2", path], "write -q -P 3 0 90k\n")
        run(["qemu-img", "snapshot", "-c", "two", path])
    if kind == "dirty":
        with open(path, "r+b") as f:
            f.seek(79)
            f.write(b"\1")
    return path


def corpus(folder):
    return [seed_image(folder, n, *seed) for n, seed in enumerate(SEEDS)]


def damaged(folder, rng, half):
    paths = corpus(folder)[half::2]
    out = run([DAMAGE, str(COUNT), str(rng.randrange(1 << 40))] + paths)
    # Before it stand the sentences about each of them.
    return out.rstrip("\n").split("\n")[-1]


def cases():
    for half in (0, 1):
        yield "damaged images, part %d" % (half + 1), damaged, half


if __name__ == "__main__":
    import sys
    check(len(sys.argv) == 2, "damaged.py FOLDER: a corpus for fuzz_qcow2")
    os.makedirs(sys.argv[1], exist_ok=True)
    corpus(os.path.abspath(sys.argv[1]))
