"""Disk images: qcow2 beside raw, and beside QEMU on the same file system."""

import os
import statistics
import subprocess

MIB = 1 << 20
READ_DISK = 256 * MIB
ROUNDS = 7


def ours(bench, *args):
    out = subprocess.run([bench] + [str(a) for a in args], check=True,
                         capture_output=True, text=True).stdout
    return tuple(map(float, out.split()))


def qemu(path, kind, mode, count, depth, size, step, flush):
    """The same by QEMU's block layer; the seconds that it counts itself."""
    argv = ["qemu-img", "bench", "-f", kind, "-t", "writeback", "-i",
            "io_uring", "-c", str(count), "-d", str(depth), "-s", str(size),
            "-S", str(step)]
    if mode == "w":
        argv += ["-w", "--pattern=90"]
    if flush:
        argv += ["--flush-interval=%d" % flush, "--no-drain"]
    out = subprocess.run(argv + [path], check=True, capture_output=True,
                         text=True).stdout
    return float(out.split("completed in ")[1].split()[0])


def create(path, kind, size):
    options = ["-o", "cluster_size=64k"] if kind == "qcow2" else []
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, *options, path,
                    str(size)], check=True)


def reads(folder, bench):
    """The same file both ways: how it lies in the page cache counts, too."""
    raw, qcow2 = folder + "/disk.raw", folder + "/disk.qcow2"
    with open(raw, "wb") as f:
        for _ in range(READ_DISK // MIB):
            f.write(os.urandom(MIB))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw,
                    qcow2], check=True)
    os.unlink(raw)
    count, times = 300000, {"raw": [], "qcow2": []}
    for _ in range(ROUNDS):
        for kind in times:
            times[kind].append(ours(bench, qcow2, kind, "r", count, 32, 4096,
                                    0, 0))
    # The best of each, as others use this machine too.
    (a, cpu_a), (b, cpu_b) = (map(min, zip(*times[kind]))
                              for kind in ("raw", "qcow2"))
    print("disk: random reads of 4 KiB, 32 at once, from the page cache: raw "
          "%.0f thousand a second, qcow2 %.0f, ratio %.3f (goal: at least "
          "0.95); CPU a request %.2f and %.2f us, ratio %.3f" % (
              count / a / 1e3, count / b / 1e3, a / b, cpu_a / count * 1e6,
              cpu_b / count * 1e6, cpu_a / cpu_b))
    os.unlink(qcow2)


def writes(folder, bench, what, count, size, step, flush, kinds=("qcow2",)):
    """Into a new image; raw, too, shows what the host's page cache allows."""
    path, times = folder + "/disk", {}
    for _ in range(ROUNDS):
        for kind in kinds:
            pair = times.setdefault(kind, ([], []))
            create(path, kind, 512 * MIB)
            pair[0].append(ours(bench, path, kind, "w", count, 32, size, step,
                                flush)[0])
            os.unlink(path)
            create(path, kind, 512 * MIB)
            pair[1].append(qemu(path, kind, "w", count, 32, size, step, flush))
            os.unlink(path)
    for kind, pair in times.items():
        a, b = min(pair[0]), min(pair[1])
        middle = statistics.median(y / x for x, y in zip(*pair))
        goal = "goal: at least 1.2; " if kind == "qcow2" else ""
        print("disk: allocating writes, %s, %s: vmtui %.0f a second, QEMU "
              "%.0f, ratio %.2f (%smedian of %d pairs %.2f)" % (
                  what, kind, count / a, count / b, b / a, goal, ROUNDS,
                  middle))


def measure(folder, bench):
    reads(folder, bench)
    writes(folder, bench, "64 KiB in a row", 4096, 65536, 65536, 0,
           ("qcow2", "raw"))
    # An odd number of clusters apart: one request a cluster, all over.
    step = 65536 * 1237
    writes(folder, bench, "4 KiB, each in a cluster of its own", 8000, 4096,
           step, 0)
    writes(folder, bench, "4 KiB, each in a cluster of its own, a flush after "
           "each 64", 4000, 4096, step, 64)
