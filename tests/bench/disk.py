"""Disk images: qcow2 beside raw, and beside QEMU on the same file system."""

import os
import subprocess

MIB = 1 << 20
READ_DISK = 256 * MIB
ROUNDS = 7


def ours(bench, *args):
    out = subprocess.run([bench] + [str(a) for a in args], check=True,
                         capture_output=True, text=True).stdout
    return tuple(map(float, out.split()))


def qemu(path, mode, count, depth, size, step, flush):
    """The same by QEMU's block layer; the seconds that it counts itself."""
    argv = ["qemu-img", "bench", "-f", "qcow2", "-t", "writeback", "-i",
            "io_uring", "-c", str(count), "-d", str(depth), "-s", str(size),
            "-S", str(step)]
    if mode == "w":
        argv += ["-w", "--pattern=90"]
    if flush:
        argv += ["--flush-interval=%d" % flush, "--no-drain"]
    out = subprocess.run(argv + [path], check=True, capture_output=True,
                         text=True).stdout
    return float(out.split("completed in ")[1].split()[0])


def create(path, size, options="cluster_size=64k"):
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", options,
                    path, str(size)], check=True)


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


def writes(folder, bench, what, count, size, step, flush):
    path, disk = folder + "/disk.qcow2", 512 * MIB
    times = {"ours": [], "qemu": []}
    for _ in range(ROUNDS):
        for who in times:
            create(path, disk)
            if who == "ours":
                took = ours(bench, path, "qcow2", "w", count, 32, size, step,
                            flush)[0]
            else:
                took = qemu(path, "w", count, 32, size, step, flush)
            times[who].append(took)
            os.unlink(path)
    a, b = min(times["ours"]), min(times["qemu"])
    print("disk: allocating writes, %s: vmtui %.0f a second, QEMU %.0f, ratio "
          "%.2f (goal: at least 1.2)" % (what, count / a, count / b, b / a))


def measure(folder, bench):
    reads(folder, bench)
    writes(folder, bench, "64 KiB in a row", 4096, 65536, 65536, 0)
    # An odd number of clusters apart: one request a cluster, all over.
    step = 65536 * 1237
    writes(folder, bench, "4 KiB, each in a cluster of its own", 8000, 4096,
           step, 0)
    writes(folder, bench, "4 KiB, each in a cluster of its own, a flush after "
           "each 64", 4000, 4096, step, 64)
