"""What qemu-img create can be told, and images of ours judged by it."""

import itertools
import os

from images import DRIVER, KIB, Disk, Failure, Work, check, reads_as, run, sanity

AXES = {
    "compat": ("0.10", "1.1"),
    "cluster_size": (512, 1024, 4096, 65536, 2 << 20),
    "refcount_bits": (1, 2, 4, 8, 16, 32, 64),
    "lazy_refcounts": ("off", "on"),
    "extended_l2": ("off", "on"),
    "compression_type": ("zlib", "zstd"),
    "data_file": ("", "data", "data,data_file_raw=on"),
    "preallocation": ("off", "metadata", "falloc", "full"),
    "below": ("", "raw", "qcow2"),
}
A_GOOD_PART = 140
A_CASE = 20  # combinations in one test


def possible(c):
    """What QEMU itself accepts."""
    if c["compat"] == "0.10":
        return (c["refcount_bits"] == 16 and c["lazy_refcounts"] == "off" and
                c["extended_l2"] == "off" and not c["data_file"] and
                c["compression_type"] == "zlib" and
                not (c["below"] and c["preallocation"] != "off"))
    if c["extended_l2"] == "on" and c["cluster_size"] < 16384:
        return False
    if c["below"] and c["preallocation"] != "off":
        return c["extended_l2"] == "on" and "raw" not in c["data_file"]
    return not (c["below"] and "raw" in c["data_file"])


def every():
    keys = list(AXES)
    for values in itertools.product(*AXES.values()):
        c = dict(zip(keys, values))
        if possible(c):
            yield c


def pairs(c):
    return set(itertools.combinations(sorted(c.items(), key=str), 2))


def good_part(rng):
    """So few of all that every pair of options is among them."""
    combos = list(every())
    rng.shuffle(combos)
    left = set().union(*map(pairs, combos))
    chosen = []
    while left:
        some = rng.sample(combos, min(60, len(combos)))
        best = max(some, key=lambda c: len(pairs(c) & left))
        if not pairs(best) & left:
            best = next(c for c in combos if pairs(c) & left)
        left -= pairs(best)
        chosen.append(best)
    return chosen + rng.sample(combos, max(0, A_GOOD_PART - len(chosen)))


def below_for(folder, kind, rng, cache):
    """Two backing files do for all."""
    if not kind:
        return None, b""
    if kind not in cache:
        data = rng.randbytes(512 * KIB)
        raw = os.path.join(folder, "for-%s.raw" % kind)
        with open(raw, "wb") as f:
            f.write(data)
        path = raw
        if kind == "qcow2":
            path = os.path.join(folder, "below.qcow2")
            run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path])
        cache[kind] = path, data
    return cache[kind]


def one(place, rng, c, below, content):
    size = (768 * KIB if c["cluster_size"] < 2 << 20 else 5 << 20) + 512 * 3
    options = ",".join("%s=%s" % (k, v) for k, v in c.items()
                       if v and k != "below")
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", options]
    if below:
        argv += ["-F", c["below"], "-b", below]
    run(argv + ["image", str(size)], cwd=place)
    disk = Disk(size, content)
    reads_as("image", disk, place)
    work = Work(rng, disk, c["cluster_size"])
    for _ in range(12):
        work.step()
    work.settle()
    work.read(0, size)
    work.apply_ours("image", cwd=place)
    sanity("image", place)
    want = os.path.join(place, "want")
    with open(want, "wb") as f:
        f.write(disk.bytes)
    run(["qemu-img", "compare", "-f", "qcow2", "-F", "raw", "image", want],
        cwd=place)


def combinations(folder, rng, some):
    cache = {}
    for n, c in enumerate(some):
        place = os.path.join(folder, str(n))
        os.mkdir(place)
        below, content = below_for(folder, c["below"], rng, cache)
        try:
            one(place, rng, c, below, content)
        except Exception as why:
            raise Failure("%s\n%s" % (c, why)) from why
        run(["rm", "-r", place])


def refused(folder, rng):
    """Encrypted images and unknown features, by name."""
    path = os.path.join(folder, "image")
    run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"])
    for method in (1, 2, 3):  # AES, LUKS, and what nobody knows
        with open(path, "r+b") as f:
            f.seek(32)
            f.write(method.to_bytes(4, "big"))
        said = run([DRIVER, path, "qcow2", "ro"], "", ok=(1,))
        check("encrypt" in said, said)
    with open(path, "r+b") as f:
        f.seek(32)
        f.write(bytes(4))
    with open(path, "r+b") as f:
        f.seek(72)
        f.write((1 << 9).to_bytes(8, "big"))
    said = run([DRIVER, path, "qcow2", "ro"], "", ok=(1,))
    check("9" in said and "feature" in said, said)


def cases(rng, all_of_them):
    some = list(every()) if all_of_them else good_part(rng)
    for i in range(0, len(some), A_CASE):
        yield ("combinations %d to %d of %d" % (
            i + 1, min(i + A_CASE, len(some)), len(some)),
            combinations, some[i:i + A_CASE])
    yield "refused with a sentence", refused
