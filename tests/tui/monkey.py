"""monkey.py: random keys and mouse events in all views, test guests running.

MONKEY_KEYS says how many (4,000 by default; 100,000 were), MONKEY_SEED where
they begin: each STRETCH of them has a seed of its own, printed if it fails.
"""
import ctypes
import fcntl
import os
import random
import re
import signal
import struct
import subprocess
import termios
import time

import real
from hostile import Terminal
from real import GUEST
from tmux import VMTUI, Failed, until

KEYS = int(os.environ.get("MONKEY_KEYS", 4000))
SEED = int(os.environ.get("MONKEY_SEED", 1))
STRETCH = 2000
BURST = 10
# The last part of each stretch may delete definitions as a person may.
DELETING = 0.2
LEFT = b"\033[?1049l"  # the terminal is given back
MOMENT = 0.05  # seconds; more than an esc is waited for
CLONE_NEWNET, CLONE_NEWNS = 0x40000000, 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
SIZES = ((80, 24), (80, 24), (120, 40), (200, 50), (100, 30), (40, 12),
         (20, 5), (99, 13))

CONF = """# Three that run, two that do not.
[switch local]
address = 10.9.8.1/24

""" + "".join("[vm %s]\nmemory = 32M\nkernel = %s\n%s\n" % (name, GUEST, more)
              for name, more in (
    ("one", ""), ("two", "balloon = yes\n"), ("three", "cpus = 2\n"),
    ("four", "disk = four.img\n"),
    ("five", "instance-of = four\ninterface = switch=local\n")))

ESC = "\033"
NAMED = [ESC + "[" + c for c in "ABCDABCDHFZ"] + [
    ESC + "[%d~" % n for n in (1, 2, 3, 4, 5, 6, 11, 15, 24)] + [
    ESC + "O" + c for c in "PQRS"] + [
    ESC + "[1;%d%s" % (m, c) for m in (2, 3, 5) for c in "ABCD"] + [
    ESC + c for c in "xnp"]
# What turns views, opens forms, pages and prompts, and leaves them again.
FREQUENT = ["1", "2", "3", "4", "5", "6", "7", "\035", "\t", "\r", ESC, " ", "e",
            "n", "c", "/", "?", ":", "j", "k", "s", "p", "o", "v", "w", "m",
            "\023", "\177", "|", "-", "z", "g", "G"]
# Out of a console, a prompt or a form, and on to something else: or most keys
# would be typed into one of them.
# Those of several parts wait a moment between them: for a form that is opened,
# or because an esc with a key right behind it is an alt.
CLOSE = (ESC, "y")  # and yes to "what was changed in it is lost"
WALKS = [CLOSE] * 4 + ["\035g%d" % n for n in range(1, 8)] + [ESC] * 3 + [
    "\035g", "\035ge", "\035gn", "\035g?", "\035g:", "\035g4e", "\035g3e",
    "\035gj", "\035gke", "\023\r", "\023\r", "\r", "\0352t", "\035|\r",
    (*CLOSE, ESC, "\035g", "1n", "zz%d\t/k\023", "\r"),
    (*CLOSE, ESC, "\035g", "1e", "\t\025%dM\023", "\r")]
WORDS = ["one", "64M", "/tmp", "switch=local", "status", "start four",
         "help", "[vm x]", "memory = 1G\n", "x" * 200, "ä日本", "\0\001"]
SAFE = [chr(c) for c in range(32, 127) if chr(c) not in "dyYX"] + [
    chr(c) for c in range(1, 32)]
DEADLY = ["d", "d\r", "y", "Y", "X", "y", "\023y"]


def skip():
    return real.skip() or (
        None if os.geteuid() == 0 else "only root has a network of its own")


class Monkey:
    def __init__(self, rng):
        self.rng = rng
        self.cols, self.rows = 80, 24

    def mouse(self):
        rng = self.rng
        button = rng.choice((0, 0, 0, 1, 2, 64, 65, 64, 65, 32, 35, 4, 16))
        at = ";%d;%d" % (rng.randint(1, self.cols), rng.randint(1, self.rows))
        press = "%s[<%d%sM" % (ESC, button, at)
        if button < 3 and rng.random() < 0.8:
            return press + "%s[<%d%sm" % (ESC, button, at)
        return press

    def key(self, deleting):
        rng = self.rng
        n = rng.random()
        if n < 0.15:
            return self.mouse()
        if n < 0.25:
            return rng.choice(WALKS)
        if n < 0.50:
            return rng.choice(FREQUENT)
        if n < 0.65:
            return rng.choice(NAMED)
        if n < 0.68:
            return rng.choice(WORDS)
        if n < 0.69:
            return ESC + "[200~" + rng.choice(WORDS) + ESC + "[201~"
        if deleting and n < 0.80:
            return rng.choice(DEADLY)
        return rng.choice(SAFE)


def sections(text):
    return len(re.findall(r"^\s*\[(?:vm|switch) ", text, re.MULTILINE))


class Watch:
    """The file that is edited: always a good one, and none is lost."""

    def __init__(self, place):
        self.place = place
        self.path = place.path("vmtui.conf")
        self.seen = None
        self.least = 0
        self.saved = 0

    def look(self, deleting):
        st = os.stat(self.path)
        now = (st.st_ino, st.st_mtime_ns, st.st_size)
        if now == self.seen:
            return
        self.seen = now
        self.saved += 1
        with open(self.path, encoding="utf-8") as f:
            text = f.read()
        r = subprocess.run([VMTUI, "check", self.path], env=self.place.env,
                           capture_output=True, text=True, timeout=60)
        if r.returncode != 0:
            raise Failed("not a good file: %s\n%s" % (r.stderr, text))
        if not deleting and sections(text) < self.least:
            raise Failed("%d definitions, after %d:\n%s" % (
                sections(text), self.least, text))
        self.least = sections(text)


def unread(t):
    """Bytes typed that the screen has not read yet."""
    buf = fcntl.ioctl(t.tty, termios.FIONREAD, b"\0\0\0\0")
    return struct.unpack("i", buf)[0]


def state(pid):
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def take(t):
    """Lets the screen read what was typed, and draw; False: it ended."""
    deadline = time.monotonic() + 60
    while True:
        t.read(0.005)
        t.said = t.said[-4096:]
        if t.process.poll() is not None:
            return False
        if state(t.process.pid) == "T":  # ctrl-z
            t.process.send_signal(signal.SIGCONT)
        if unread(t) == 0:
            return True
        if time.monotonic() > deadline:
            raise Failed("the keys are not read any more: %r" % t.said[-500:])


def leave(t):
    """Its end by a signal, or by itself, is an orderly one."""
    if t.process.poll() is None:
        t.process.send_signal(signal.SIGTERM)
        until(lambda: t.read() or t.process.poll() is not None,
              "the screen's end")
    t.read()
    os.close(t.fd)
    os.close(t.tty)
    # One that was leaving by itself has the terminal given back by then.
    if t.process.returncode == -signal.SIGTERM and LEFT in t.said:
        return
    if t.process.returncode != 0:
        raise Failed("the screen ended with %d: %r" % (
            t.process.returncode, t.said[-1000:]))


def stretch(place, seed, watch):
    """So many keys from one seed. Returns how often the screen was left."""
    monkey = Monkey(random.Random(seed))
    place.write("vmtui.conf", CONF)
    place.vmtui("reload")
    place.vmtui("start", "one", "two", "three")
    watch.seen, watch.least = None, 0
    watch.look(True)
    t, left = None, 0
    for n in range(0, STRETCH, BURST):
        deleting = n >= STRETCH * (1 - DELETING)
        if t is None:
            t = Terminal(place, monkey.cols, monkey.rows)
            t.wait(b"\033")
            t.quiet(0.1)
        for _ in range(BURST):
            key = monkey.key(deleting)
            parts = key if isinstance(key, tuple) else (key,)
            for part in parts:
                if "%d" in part:
                    part = part % monkey.rng.randint(32, 999)
                os.write(t.fd, part.encode())
                if part is not parts[-1] or (
                        part == ESC and monkey.rng.random() < 0.5):
                    time.sleep(MOMENT)
        if monkey.rng.random() < 0.05:
            monkey.cols, monkey.rows = monkey.rng.choice(SIZES)
            t.size(monkey.cols, monkey.rows)
        if not take(t):
            leave(t)
            t, left = None, left + 1
        watch.look(deleting)
        if place.complaints():
            raise Failed("a sanitizer's word")
    if t is not None:
        leave(t)
    if place.complaints():
        raise Failed("a sanitizer's word")
    return left


class Apart:
    """A context: a network of its own, for switches that are made up, and no
    files to be written but the place's, whatever paths are.
    """

    def __init__(self, place):
        self.folder = place.dir.encode()

    def mount(self, source, target, flags):
        if self.libc.mount(source, target, None, flags, None) == -1:
            raise Failed("%s: %s" % (target, os.strerror(
                ctypes.get_errno())))

    def __enter__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.before = [os.open("/proc/self/ns/" + kind, os.O_RDONLY)
                       for kind in ("net", "mnt")]
        if self.libc.unshare(CLONE_NEWNET | CLONE_NEWNS) == -1:
            raise Failed("nothing of its own: " + os.strerror(
                ctypes.get_errno()))
        try:
            self.mount(b"none", b"/", MS_REC | MS_PRIVATE)
            self.mount(self.folder, self.folder, MS_BIND)
            self.mount(b"none", b"/", MS_REMOUNT | MS_BIND | MS_RDONLY)
        except Failed:
            self.__exit__()
            raise

    def __exit__(self, *_):
        for fd in self.before:
            self.libc.setns(fd, 0)
            os.close(fd)


def test_random_keys_and_clicks_break_nothing(place):
    place.env.update(EDITOR="true", VISUAL="true")
    place.write("four.img", "")
    os.truncate(place.path("four.img"), 1 << 20)
    place.write("vmtui.conf", CONF)
    watch = Watch(place)
    left, here = 0, os.getcwd()
    with Apart(place):
        os.chdir(place.dir)
        try:
            for seed in range(SEED, SEED + max(1, KEYS // STRETCH)):
                try:
                    left += stretch(place, seed, watch)
                except Failed as e:
                    raise Failed("MONKEY_SEED=%d: %s" % (seed, e)) from e
                if KEYS > 10 * STRETCH:
                    print("# seed %d: good; %d times saved" % (
                        seed, watch.saved), flush=True)
            place.vmtui("stop", "-f", "-a")
            until(lambda: '"running"' not in (place.vmtui(
                "status", "--json") or ""), "the guests' end")
        finally:
            os.chdir(here)
    return "%d keys from seed %d on, the file saved %d times, left %d times" % (
        KEYS, SEED, watch.saved, left)
