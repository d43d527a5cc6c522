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
# Seconds for what should be at once, on a machine that may be busy.
PATIENCE = 30


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
        pids = [s.pid() for s in self.screens if s.alive()]
        for s in self.screens:
            s.close()
        self.screens = []
        # Its last words are the layout of its panes.
        until(lambda: not any(p and os.path.exists("/proc/%d" % p)
                              for p in pids), "the end of screens")
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

    def wait_typed(self, guest, what):
        until(lambda: what in self.typed(guest),
              lambda: "%r in %r" % (what, self.typed(guest)))

    def screen(self, size, **kw):
        s = Screen(self, size, **kw)
        self.screens.append(s)
        return s

    def vmtui(self, *args):
        """A command; its output, or None if it failed."""
        r = subprocess.run([VMTUI, *args], env=self.env, text=True,
                           capture_output=True, timeout=PATIENCE)
        return r.stdout if r.returncode == 0 else None

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

    def close(self):
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
        shutil.rmtree(self.dir, ignore_errors=True)


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
        cols, rows = size
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

    def resize(self, cols, rows):
        self.tmux("resize-window", "-x", str(cols), "-y", str(rows))

    def wait(self, pattern, patience=PATIENCE):
        regex = re.compile(pattern, re.MULTILINE)
        until(lambda: regex.search(self.text()),
              lambda: "%r on:\n%s" % (pattern, self.text()), patience)

    def wait_not(self, pattern, patience=PATIENCE):
        regex = re.compile(pattern, re.MULTILINE)
        until(lambda: not regex.search(self.text()),
              lambda: "no %r on:\n%s" % (pattern, self.text()), patience)

    def expect(self, pattern):
        text = self.text()
        if not re.search(pattern, text, re.MULTILINE):
            raise Failed("no %r on:\n%s" % (pattern, text))

    def pid(self):
        """Of vmtui, a child of the pane's shell."""
        pane = int(self.info("pane_pid"))
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
        self.tmux("kill-server", check=False)


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
