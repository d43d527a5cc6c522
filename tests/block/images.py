"""Images, QEMU's tools that judge them, and the driver that is judged."""

import concurrent.futures
import os
import random
import subprocess
import tempfile
import threading
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
DRIVER = os.path.join(ROOT, "build/asan/tests/block/driver")
KIB = 1024
# How the driver is told to use the image, most of all around the cache.
CACHES = ({}, {"CACHE": "unsafe"}, {"CACHE": "none"},
          {"CACHE": "none", "GRAIN": "512"}, {"CACHE": "none", "GRAIN": "4096"})
LIMIT = 900  # seconds for any one command, on a slow machine too


class Failure(Exception):
    """An expectation that did not hold."""


class Skip(Exception):
    """What this machine lacks."""


def check(truth, *words):
    if not truth:
        raise Failure(" ".join(str(w) for w in words))


def run(argv, text=None, cwd=None, ok=(0,), **more):
    env = dict(os.environ, **more) if more else None
    done = subprocess.run(argv, input=text, cwd=cwd, timeout=LIMIT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True, env=env,
                          stdin=None if text is not None else
                          subprocess.DEVNULL)
    check(done.returncode in ok, " ".join(argv), "ended with",
          done.returncode, done.stdout[-1500:])
    return done.stdout


def sanity(path, cwd=None):
    """Neither corruption nor a leak, says QEMU."""
    run(["qemu-img", "check", "-f", "qcow2", path], cwd=cwd)


class Disk:
    """What a disk should hold: bytes, and which of them nobody can know."""

    def __init__(self, size, below=b""):
        self.bytes = bytearray(size)
        below = below[:size]
        self.bytes[:len(below)] = below
        self.unknown = []  # (offset, length) that were discarded

    def write(self, at, data):
        self.bytes[at:at + len(data)] = data

    def resize(self, size):
        self.bytes = self.bytes[:size]
        self.bytes += bytes(size - len(self.bytes))

    def known(self, at, length):
        return not any(a < at + length and at < a + n
                       for a, n in self.unknown)

    def crc(self, at, length):
        return "%08x" % zlib.crc32(bytes(self.bytes[at:at + length]))


class Work:
    """Random operations, as our driver's words and as qemu-io's."""

    def __init__(self, rng, disk, grain):
        self.rng, self.disk, self.grain = rng, disk, grain
        self.ours, self.theirs, self.reads = [], [], []

    def place(self):
        rng, size = self.rng, len(self.disk.bytes)
        at = rng.randrange(size // 512) * 512
        length = 512 * rng.choice((1, 1, 2, 3, 7, 8, 16, 31, 128))
        if rng.random() < 0.3:  # whole clusters
            at -= at % self.grain
            length = self.grain * rng.randint(1, 3)
        elif rng.random() < 0.1:
            length = size // rng.randint(2, 9) // 512 * 512
        return at, max(512, min(length, size - at))

    def write(self, at, length, byte):
        self.ours.append("w %d %d %d" % (at, length, byte))
        self.theirs.append("write -q -P %d %d %d" % (byte, at, length))
        self.disk.write(at, bytes([byte]) * length)

    def zero(self, at, length, unmap):
        self.ours.append("z %d %d%s" % (at, length, " u" if unmap else ""))
        self.theirs.append("write -q -z %s %d %d" % (
            "-u" if unmap else "", at, length))
        self.disk.write(at, bytes(length))

    def discard(self, at, length):
        self.ours.append("d %d %d" % (at, length))
        self.theirs.append("discard -q %d %d" % (at, length))
        self.disk.unknown.append((at, length))

    def read(self, at, length):
        self.ours.append("r %d %d" % (at, length))
        self.reads.append(self.disk.crc(at, length)
                          if self.disk.known(at, length) else None)

    def flush(self):
        self.ours.append("f")
        self.theirs.append("flush")

    def step(self):
        rng = self.rng
        dice = rng.random()
        at, length = self.place()
        if dice < 0.5:
            self.write(at, length, rng.randrange(1, 256))
        elif dice < 0.65:
            self.zero(at, length, rng.random() < 0.5)
        elif dice < 0.75:
            self.discard(at, length)
        elif dice < 0.92:
            self.read(at, length)
        else:
            self.flush()

    def settle(self):
        """What was discarded is written, so that the twins compare."""
        for at, length in self.disk.unknown:
            self.write(at, length, self.rng.randrange(1, 256))
        self.disk.unknown = []

    def apply_ours(self, path, kind="qcow2", cwd=None):
        """Through backend/block; what it reads must be right."""
        how = dict(self.rng.choice(CACHES))
        if self.rng.random() < 0.5:
            how["SMALL_CACHE"] = "1"
        out = run([DRIVER, path, kind], "\n".join(self.ours) + "\n", cwd,
                  **how)
        lines = out.split("\n")
        check(lines[0] == "size %d" % len(self.disk.bytes), how, out[:500])
        got = [li.split() for li in lines if li.startswith("r ")]
        check(len(got) == len(self.reads), how, "reads:", out[-500:])
        for words, want in zip(got, self.reads):
            check(want is None or words[3] == want, how, "wrong bytes read:",
                  " ".join(words), "not", want)
        self.ours, self.reads = [], []

    def apply_theirs(self, path, cwd=None):
        out = run(["qemu-io", "-f", "qcow2", path],
                  "\n".join(self.theirs) + "\n", cwd)
        check("rror" not in out and "ailed" not in out, out[-1000:])
        self.theirs = []


def resize(ours, theirs, disk, rng):
    """Both twins longer or shorter, to any sector."""
    old = len(disk.bytes)
    size = rng.choice((rng.randrange(old // 3, old), old + rng.randrange(
        1, old))) // 512 * 512
    out = run([DRIVER, "image", "qcow2"], "R %d\n" % size, ours)
    check(out == "size %d\n" % old, out)
    run(["qemu-img", "resize", "-q", "--shrink", "image", str(size)],
        cwd=theirs)
    disk.resize(size)


def reads_as(path, disk, cwd=None, kind="qcow2"):
    """Our driver reads the whole disk right, opened for reading alone."""
    size = len(disk.bytes)
    out = run([DRIVER, path, kind, "ro"], "r 0 %d\n" % size, cwd)
    check(out.split()[-1] == disk.crc(0, size), path, "reads wrong:", out)


class Tap:
    """Runs cases, two at a time; a case is a name and a function that takes
    a folder of its own and a random generator."""

    def __init__(self, seed, wanted):
        self.seed, self.wanted = seed, wanted
        self.count = self.failed = 0
        self.lock = threading.Lock()

    def say(self, ok, name, notes=""):
        with self.lock:
            self.count += 1
            self.failed += not ok
            for line in notes.rstrip("\n").split("\n") if notes else ():
                print("# " + line)
            print("%s %d - %s" % ("ok" if ok else "not ok", self.count, name),
                  flush=True)

    def case(self, name, function, args):
        with tempfile.TemporaryDirectory(prefix="vmtui-block.", dir="/tmp",
                                         ignore_cleanup_errors=True) as folder:
            try:
                note = function(folder, random.Random(
                    "%d %s" % (self.seed, name)), *args)
                self.say(True, name, note or "")
            except Skip as why:
                self.say(True, "%s # SKIP %s" % (name, why))
            except Exception as why:  # every failure is a result
                self.say(False, name, "%s: %s" % (type(why).__name__, why))

    def run(self, cases, at_once=os.cpu_count() or 2):
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for name, function, *args in cases:
                if not self.wanted or any(w in name for w in self.wanted):
                    pool.submit(self.case, name, function, args)
