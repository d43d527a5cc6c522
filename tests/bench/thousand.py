"""1,000 guests defined: how soon the screen is there, and how it scrolls.

The screen runs in a terminal of this process's own. A frame is what it costs
the screen's process to take a key and draw what came of it, in CPU time; what
a person waits for is measured from the key to the last byte of the picture,
in which the pause between two frames (16 ms) is included.
"""

import os
import select
import statistics
import subprocess
import time

import display

DEFINED = 1000
ROUNDS = 15
KEYS = 100
SIZES = ((24, 80), (50, 200))
QUIET = 0.03  # no more bytes for so long: the picture is complete


class Backend:
    def __init__(self, folder, vmtui):
        self.vmtui = vmtui
        self.env = dict(
            os.environ, VMTUI_RUNDIR=folder + "/run", LANG="C.UTF-8",
            VMTUI_STATEDIR=folder + "/state", TERM="xterm-256color",
            VMTUI_CONFIG=folder + "/vmtui.conf")
        self.env.pop("TMUX", None)
        with open(folder + "/vmtui.conf", "w") as f:
            for n in range(1, DEFINED + 1):
                f.write(f"[vm guest{n}]\nmemory = 512M\n"
                        f"disk = {folder}/system{n}.qcow2\n"
                        f"disk = {folder}/data{n}.img, format=raw\n"
                        "interface = local\n\n")
        subprocess.run([vmtui, "status"], env=self.env, check=True,
                       stdout=subprocess.DEVNULL)
        with open(folder + "/run/backend.lock") as f:
            self.pid = int(f.read())

    def end(self):
        os.kill(self.pid, 15)
        while os.path.exists(f"/proc/{self.pid}/fd"):
            time.sleep(0.05)


class Screen(display.Terminal):
    def until(self, true):
        end = time.monotonic() + display.LONGEST
        while not true():
            select.select([self.fd], [], [], 1)
            self.read()
            if time.monotonic() > end:
                raise SystemExit("bench: thousand: it shows %r" %
                                 self.tail[-2000:])

    def picture(self):
        """Reads until it is complete; when its last byte came."""
        last = time.monotonic()
        while select.select([self.fd], [], [], QUIET)[0]:
            self.read()
            last = time.monotonic()
        return last

    def press(self, keys):
        """Seconds until the picture that comes of it, and CPU seconds."""
        self.picture()
        self.tail = b""
        spent = display.cpu(self.pid)
        began = time.monotonic()
        self.type(keys)
        self.until(lambda: self.tail)
        last = self.picture()
        return last - began, display.cpu(self.pid) - spent


def opening(backend, rows, cols):
    """Seconds from exec to the first complete picture, CPU seconds."""
    began = time.monotonic()
    s = Screen([backend.vmtui], backend.env, rows, cols)
    # The last row of the list, and the last line.
    last = rows - (8 if cols < 100 else 4)
    s.until(lambda: b"guest%d" % last in s.tail and b"quit" in s.tail and
            b"1000 stopped" in s.tail)
    took, spent = s.picture() - began, display.cpu(s.pid)
    return s, took, spent


def say(what, some, goal):
    ms = sorted(1e3 * x for x in some)
    print(f"thousand: {what}: {statistics.median(ms):.1f} ms (median), "
          f"{ms[-1]:.1f} (most){goal}", flush=True)


def keys_of(what):
    if what == "scrolling":
        return [b"j", b"j", b"\033[6~", b"j", b"\033[5~"] * (KEYS // 10) + \
            [b"G", b"k", b"\033[5~", b"g", b"j"] * (KEYS // 10)
    return [b"/"] + [b"9", b"\177"] * (KEYS // 4) + \
        [b"9", b"9", b"9", b"\177", b"\177", b"\177"] * (KEYS // 12)


def measure(folder, vmtui):
    backend = Backend(folder, vmtui)
    try:
        for rows, cols in SIZES:
            took, spent = [], []
            for _ in range(ROUNDS):
                s, a, b = opening(backend, rows, cols)
                took.append(a)
                spent.append(b)
                s.end()
            size = f"{DEFINED} guests, {cols}x{rows}"
            say(f"{size}: from exec to the first complete picture", took,
                " (goal: under 100)")
            say(f"{size}: CPU of that in the screen", spent, "")
            s, _, _ = opening(backend, rows, cols)
            for what in ("scrolling", "filtering"):
                both = [s.press(key) for key in keys_of(what)]
                say(f"{size}: {what}, CPU of a frame", [b for _, b in both],
                    " (goal: under 16)")
                say(f"{size}: {what}, from key to picture",
                    [a for a, _ in both], "")
            s.end()
    finally:
        backend.end()
