"""Who may use an image beside whom: we and QEMU's programs refuse each other
by the same rule, and resizes are no exception."""

import fcntl
import os
import struct
import subprocess
import time

from images import DRIVER, ROOT, check, run

VMTUI = os.environ.get("VMTUI", os.path.join(ROOT, "build/asan/vmtui"))
READ, WRITE, RESIZE = 0, 1, 3
R, RW, ALL = {READ}, {READ, WRITE}, {READ, WRITE, RESIZE}
DENY = {WRITE, RESIZE}

# By program and mode: what it uses of the file, and denies to others.
RAW = {
    "qemu-io rw": (RW, set()), "qemu-io ro": (R, set()),
    "nbd rw": (RW, {RESIZE}), "nbd ro": (R, {RESIZE}),
    "qemu-img resize": (ALL, set()),
    "driver rw": (RW, DENY), "driver ro": (R, DENY),
    "vmtui resize": (ALL, DENY), "driver resize": (ALL, DENY),
}
QCOW2 = {
    "qemu-io rw": (ALL, DENY), "qemu-io ro": (R, DENY),
    "nbd rw": (ALL, DENY), "nbd ro": (R, DENY),
    "qemu-img resize": (ALL, DENY),
    "driver rw": (ALL, DENY), "driver ro": (R, DENY),
    "vmtui resize": (ALL, DENY), "driver resize": (ALL, DENY),
}
# The data file of a qcow2 image, which others take for a raw image.
DATA = {"qemu-io rw": (ALL, {RESIZE}), "qemu-io ro": (R, {RESIZE}),
        "driver rw": (ALL, DENY), "driver ro": (R, DENY)}


def locked(path, byte):
    with open(path, "r+b") as f:
        ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, byte, 1, 0)
        answer = fcntl.fcntl(f, 36, ask)  # F_OFD_GETLK
    return struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK


def held(path):
    return tuple({n for n in range(5) if locked(path, base + n)}
                 for base in (100, 200))


def wait_for(path, want, *words):
    """Who ended keeps its locks until the kernel has closed its ring."""
    end = time.monotonic() + 30
    while held(path) != want:
        check(time.monotonic() < end, *words, held(path), "not", want)
        time.sleep(0.01)


class Holder:
    """A program that has the image open until it is told to go."""

    def __init__(self, who, image, kind, folder):
        program, mode = who.split()
        self.stop = b""
        if program == "nbd":
            argv = self.nbd(image, kind, mode)
        elif program == "driver":
            argv = [DRIVER, image, kind] + (["ro"] if mode == "ro" else [])
        else:
            argv = ["qemu-io", "-f", kind] + (
                ["-r"] if mode == "ro" else []) + [image]
            self.stop = b"q\n"
        self.process = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        if program == "qemu-io":
            self.process.stdin.write(b"read 0 512\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        check(line.startswith((b"size", b"qemu-io> read", b"read", b"{")),
              who, "does not hold", image, line)

    @staticmethod
    def nbd(image, kind, mode):
        more = "" if mode == "rw" else ",read-only=on"
        return ["qemu-storage-daemon", "--chardev", "stdio,id=m", "--blockdev",
                "file,node-name=f,filename=" + image + more, "--blockdev",
                kind + ",node-name=n,file=f" + more, "--nbd-server",
                "addr.type=unix,addr.path=nbd.socket", "--export",
                "nbd,id=e,node-name=n,writable=" +
                ("on" if mode == "rw" else "off"), "--monitor", "m"]

    def end(self):
        if self.process.poll() is None and self.process.args[0] == \
                "qemu-storage-daemon":
            self.process.terminate()
        self.process.communicate(self.stop)


def come(who, image, kind, folder, size):
    """Does it what it wants to? None, or what it says."""
    program, mode = who.split()
    if who == "qemu-img resize":
        argv, text = ["qemu-img", "resize", "-f", kind, image, str(size)], ""
    elif who == "vmtui resize":
        argv, text = [VMTUI, "image", "resize", "-f", kind, image,
                      str(size)], ""
    elif program == "driver":
        argv = [DRIVER, image, kind] + (["ro"] if mode == "ro" else [])
        text = "R %d\n" % size if mode == "resize" else "r 0 512\n"
    else:
        argv = ["qemu-io", "-f", kind] + (
            ["-r"] if mode == "ro" else []) + [image]
        text = "read 0 512\n"
    done = subprocess.run(argv, input=text, cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    return None if done.returncode == 0 else done.stdout


def refuse(one, other):
    return bool(one[0] & other[1] or one[1] & other[0])


def beside(folder, rng, kind):
    """Every holder, and everyone who comes while it holds."""
    image, rules = "image", {"raw": RAW, "qcow2": QCOW2, "data": DATA}[kind]
    comers, form = rules, kind
    if kind == "data":
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-o",
             "data_file=data", "image", "1M"], cwd=folder)
        comers, form = RAW, "qcow2"
    else:
        run(["qemu-img", "create", "-q", "-f", kind, "image", "1M"],
            cwd=folder)
    watched = os.path.join(folder, "data" if kind == "data" else "image")
    size, count = 1 << 20, 0
    for who in [w for w in rules if not w.endswith("resize")]:
        holder = Holder(who, image, form, folder)
        try:
            for comer in [c for c in comers if not c.startswith("nbd")]:
                size += 512
                # They are as the table has them, else it proves nothing.
                wait_for(watched, rules[who], "before", comer, who, "holds")
                no = come(comer, os.path.basename(watched),
                          "raw" if kind == "data" else kind, folder, size)
                check((no is not None) == refuse(rules[who], comers[comer]),
                      comer, "beside", who, "of", kind, "says:", no)
                check(no is None or "lock" in no or "in use" in no, no)
                count += 1
        finally:
            holder.end()
        wait_for(watched, (set(), set()), "after", who)
    return "%d pairs of programs beside each other on %s" % (count, kind)


def cases():
    for kind in ("raw", "qcow2", "data"):
        yield "locks: who may use a %s file beside whom" % kind, beside, kind
