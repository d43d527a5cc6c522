"""tmux.py: vmtui in a terminal that a program can look at and type into."""
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
VMTUI = os.environ.get("VMTUI") or os.path.join(TOP, "build/asan/vmtui")
# Seconds for what should be at once, on a machine that may be very busy.
# Nothing is to be read from a screen once: a frame may be on its way, and
# tmux may have taken half of one. Wait until it is there.
PATIENCE = int(os.environ.get("TMUX_PATIENCE", 60))


class Failed(Exception):
    pass


class Place:
    """A runtime directory of its own, and all that runs in it."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="vmtui-tui.")
        self.fake = None
        self.screens = []
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": self.dir,
            "LC_ALL": "C.UTF-8",
            "VMTUI_RUNDIR": os.path.join(self.dir, "run"),
            "VMTUI_STATEDIR": os.path.join(self.dir, "state"),
            "VMTUI_CONFIG": os.path.join(self.dir, "vmtui.conf"),
            "ASAN_OPTIONS": "log_path=%s/asan" % self.dir,
            "UBSAN_OPTIONS": "log_path=%s/ubsan" % self.dir,
        }
        os.mkdir(self.env["VMTUI_RUNDIR"], 0o700)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def backend(self, *args):
        """Starts the fake backend."""
        self.fake = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "fake_backend.py"), *args],
            env=self.env, stdout=subprocess.PIPE)
        if self.fake.stdout.readline().strip() != b"ready":
            raise Failed("the fake backend did not start")

    def again(self):
        """As at the beginning: for a test that runs at two sizes."""
        for s in self.screens:
            s.close()
        self.screens = []
        self.fake.kill()
        self.fake.wait()
        self.fake.stdout.close()
        self.fake = None
        for name in ("VMTUI_RUNDIR", "VMTUI_STATEDIR"):
            shutil.rmtree(self.env[name], ignore_errors=True)
        os.mkdir(self.env["VMTUI_RUNDIR"], 0o700)

    def typed(self, guest):
        """What the fake guest's console was sent."""
        try:
            with open(os.path.join(self.env["VMTUI_RUNDIR"],
                                   "typed." + guest), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return b""

    def say(self, guest, data):
        """Has the fake guest print that by itself; returns when it did."""
        path = os.path.join(self.env["VMTUI_RUNDIR"], "say." + guest)
        with open(self.path("say"), "wb") as f:
            f.write(data)
        os.rename(self.path("say"), path)
        until(lambda: not os.path.exists(path), "the guest's words")

    def go(self):
        """What the fake backend held back happens."""
        with open(os.path.join(self.env["VMTUI_RUNDIR"], "go"), "w"):
            pass

    def stop(self):
        """And from now on it holds back again (--hold-all)."""
        os.unlink(os.path.join(self.env["VMTUI_RUNDIR"], "go"))

    def wait_typed(self, guest, what):
        until(lambda: what in self.typed(guest),
              lambda: "%r in %r" % (what, self.typed(guest)))

    def screen(self, size, **kw):
        s = Screen(self, size, **kw)
        self.screens.append(s)
        return s

    def vmtui(self, *args):
        """A command; its output, or None if it failed."""
        r = self.result(*args)
        return r.stdout if r.returncode == 0 else None

    def result(self, *args):
        """A command's status, output and sentences."""
        return subprocess.run([VMTUI, *args], env=self.env, text=True,
                              capture_output=True, timeout=PATIENCE)

    def backend_pid(self):
        """Of the real backend, if one listens."""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(os.path.join(self.env["VMTUI_RUNDIR"],
                                       "backend.sock"))
                s.sendall(b'{"execute":"version","id":1}\n')
                m = re.search(rb'"pid": *(\d+)', s.recv(4096))
                return int(m.group(1)) if m else None
        except OSError:
            return None

    def complaints(self):
        """What a sanitizer had to say."""
        text = ""
        for name in os.listdir(self.dir):
            if name.startswith(("asan", "ubsan")):
                with open(self.path(name), errors="replace") as f:
                    text += f.read()
        return text

    def end(self):
        """Ends all that runs in it; the folder stays."""
        for s in self.screens:
            s.close()
        if self.fake:
            self.fake.kill()
            self.fake.wait()
            self.fake.stdout.close()
        else:
            self.vmtui("stop", "-f", "-a")
            pid = self.backend_pid()
            if pid and pid != os.getpid():
                os.kill(pid, signal.SIGTERM)
                deadline = time.monotonic() + 10
                while self.backend_pid() and time.monotonic() < deadline:
                    time.sleep(0.05)


def until(test, what, patience=PATIENCE):
    """Waits for test(); else fails with what() or what."""
    deadline = time.monotonic() + patience
    while True:
        if test():
            return
        if time.monotonic() > deadline:
            raise Failed("waited %ds for %s" % (
                patience, what() if callable(what) else what))
        time.sleep(0.02)


class Screen:
    """One vmtui in one tmux of its own."""

    count = 0

    def __init__(self, place, size, wrap="%s", env=None):
        Screen.count += 1
        self.place = place
        self.name = "vmtui-%d-%d" % (os.getpid(), Screen.count)
        cols, rows = self.size = size
        environment = dict(place.env, **(env or {}))
        command = "env -i %s TERM=${TERMWANT:-$TERM} %s" % (
            " ".join("%s=%s" % (k, shlex.quote(v))
                     for k, v in environment.items() if k != "TERM"),
            shlex.quote(VMTUI))
        if "TERM" in environment:
            command = "TERMWANT=%s; %s" % (environment["TERM"], command)
        # The shell stays, so that what vmtui leaves behind can be seen.
        script = wrap % command + '; echo "ended $?"; exec sleep 1000'
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(cols),
                  "-y", str(rows), script,
                  ";", "set", "-g", "status", "off",
                  ";", "set", "-g", "default-terminal", "tmux-256color",
                  ";", "set", "-s", "escape-time", "0",
                  ";", "resize-window", "-x", str(cols), "-y", str(rows))

    def tmux(self, *args, check=True):
        r = subprocess.run(["tmux", "-L", self.name, *args], text=True,
                           env=self.place.env, capture_output=True,
                           timeout=PATIENCE)
        if check and r.returncode != 0:
            raise Failed("tmux %s: %s" % (args, r.stderr.strip()))
        return r.stdout

    def text(self, *flags):
        return self.tmux("capture-pane", "-p", *flags)

    def lines(self):
        return self.text().split("\n")

    def info(self, what, check=True):
        return self.tmux("display", "-p", "#{%s}" % what,
                         check=check).strip()

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def resize(self, *sizes):
        """To each (cols, rows) in turn, or to cols, rows."""
        if isinstance(sizes[0], int):
            sizes = [sizes]
        words = []
        for cols, rows in sizes:
            words += [";", "resize-window", "-x", str(cols), "-y", str(rows)]
        self.tmux(*words[1:])

    def wait(self, pattern, patience=PATIENCE):
        regex = re.compile(pattern, re.MULTILINE)
        until(lambda: regex.search(self.text()),
              lambda: "%r on:\n%s" % (pattern, self.text()), patience)

    def wait_not(self, pattern, patience=PATIENCE):
        regex = re.compile(pattern, re.MULTILINE)
        until(lambda: not regex.search(self.text()),
              lambda: "no %r on:\n%s" % (pattern, self.text()), patience)

    def wait_raw(self, pattern, patience=PATIENCE):
        """The same with colours and looks, as tmux writes them."""
        regex = re.compile(pattern)
        until(lambda: regex.search(self.text("-e")),
              lambda: "%r in %r" % (pattern, self.text("-e")), patience)

    def wait_look(self, text, *codes):
        """Until text (a regular expression) stands there, all of it with
        these codes of SGR in force: 1 bold, 32 green, ...
        """
        def there():
            plain, looks = look_of(self.text("-e"))
            return any(all(set(codes) <= look for look in
                           looks[match.start():match.end()])
                       for match in re.finditer(text, plain, re.MULTILINE))

        until(there, lambda: "%r with %s in\n%s\n%r" % (
            text, codes, self.text(), self.text("-e")))

    def wait_count(self, text, n):
        until(lambda: self.text().count(text) == n,
              lambda: "%d times %r on:\n%s" % (n, text, self.text()))

    # What comes with what was waited for, perhaps in the next frame.
    expect = wait

    def settled(self):
        """The text when it stays the same for a moment."""
        seen = [None]

        def same():
            before, seen[0] = seen[0], self.text()
            if before != seen[0]:
                time.sleep(0.2)
            return before == seen[0]

        until(same, "a screen that stays the same")
        return seen[0]

    def cursor(self):
        """Row and column, from 0."""
        where = self.tmux("display", "-p", "#{cursor_y} #{cursor_x}")
        y, x = where.split()
        return int(y), int(x)

    def pid(self):
        """Of vmtui, a child of the pane's shell."""
        pane = self.info("pane_pid", check=False)
        if pane == "":
            return None
        pane = int(pane)
        for pid in [pane] + children(pane):
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    if f.read().split(b"\0")[0] == VMTUI.encode():
                        return pid
            except OSError:
                pass
        return None

    def alive(self):
        """Whether its tmux still runs."""
        return self.info("pane_pid", check=False) != ""

    def quit(self):
        self.keys("q")
        self.wait(r"^ended 0$")

    def close(self):
        """Ends it; the layout of its panes is its last word."""
        if not self.alive():
            return
        pid = self.pid()
        self.tmux("kill-server", check=False)
        until(lambda: pid is None or ended(pid), "the end of a screen")


# What a code of SGR takes back.
BACK = {22: (1, 2), 23: (3,), 24: (4,), 25: (5,), 27: (7,), 29: (9,),
        39: tuple(range(30, 38)), 49: tuple(range(40, 48))}


def look_of(raw):
    """Lines as tmux writes them: the text, and the codes of each character."""
    plain, looks, now = "", [], set()
    for sgr, char in re.findall(r"\033\[([0-9;]*)m|([^\033])", raw):
        if char:
            plain += char
            looks.append(frozenset(now))
            continue
        codes = [int(c or 0) for c in sgr.split(";")]
        while codes:
            code = codes.pop(0)
            if code in (38, 48):  # of 256 colours, or more
                del codes[:2 if codes[:1] == [5] else 4]
            elif code == 0:
                now.clear()
            elif code in BACK:
                now.difference_update(BACK[code])
            else:
                if code // 10 in (3, 4):
                    now.difference_update(range(code // 10 * 10,
                                                code // 10 * 10 + 8))
                now.add(code)
    return plain, looks


def ended(pid):
    """Whether it ended, though nobody may have asked yet how."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
