"""display.py: how fast a guest's output is shown, beside tmux.

Both programs run in a terminal of this process's own, each with a pane of
120x40. The same bytes are offered to both; the clock runs from the first of
them until the marker behind the last is on the terminal. What the programs
draw is read and thrown away.

For vmtui this process is also the backend and the guest: it answers on the
backend's socket and feeds the console through a socket pair. In tmux the pane
runs `cat FILE`.
"""

import array
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import termios
import time

ROWS, COLS = 40, 120
LONGEST = 60  # seconds, of anything
MARKER = b"=Q8z$X7%K9w="
# Cleared first, so that all of the marker is drawn and nothing before it.
TAIL = b"\033[0m\033[2J\033[H" + MARKER
PRESSES = 50
PREFIX = b"\x1d"


def cpu(*pids):
    """CPU seconds of these processes, all single-threaded."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


class Terminal:
    """A program on a pty; reads all that it draws."""

    def __init__(self, argv, env, rows, cols):
        self.tail = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", rows, cols, 0, 0))
            try:
                os.execvpe(argv[0], argv, env)
            finally:
                os._exit(127)
        os.set_blocking(self.fd, False)
        self.resize(rows, cols)

    def resize(self, rows, cols):
        self.rows, self.cols = rows, cols
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))

    def read(self):
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise SystemExit("bench: the program ended: "
                             + self.tail[-500:].decode(errors="replace"))
        self.tail = (self.tail + data)[-100000:]

    def type(self, data):
        os.write(self.fd, data)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Fake:
    """A backend with one guest, whose console is fed from here."""

    def __init__(self, folder):
        os.makedirs(folder + "/run", 0o700, exist_ok=True)
        path = folder + "/run/backend.sock"
        if os.path.exists(path):
            os.unlink(path)
        self.listen = socket.socket(socket.AF_UNIX)
        self.listen.bind(path)
        self.listen.listen(8)
        self.clients = {}
        self.console = None
        self.typed = b""

    def fds(self):
        found = [self.listen] + list(self.clients)
        return found + [self.console] if self.console else found

    def guest(self):
        return {"name": "g", "state": "running", "reason": "", "since": 1,
                "memory": 1 << 29, "cpus": 1, "pid": 4711, "cpu": 0,
                "memory_used": 1 << 28, "defined": True, "kernel": "/k",
                "disks": [], "nics": []}

    def answer(self, client, msg):
        fds, ret = [], {}
        if msg.get("execute") == "status":
            ret = {"host": {"name": "h", "cpus": 2, "memory": 1 << 33,
                            "memory_used": 1 << 32, "cpu": 1},
                   "config": {"path": "/etc/vmtui.conf", "mistakes": []},
                   "guests": [self.guest()]}
        elif msg.get("execute") == "console":
            self.console, theirs = socket.socketpair()
            self.console.setblocking(False)
            fds = [theirs.fileno()]
            ret = {"history": 0}
        reply = {"return": ret, "id": msg.get("id")}
        if fds:
            reply["fds"] = 1
        client.sendmsg([(json.dumps(reply) + "\n").encode()], [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
        ] if fds else [])
        if fds:
            theirs.close()

    def read(self, sock):
        if sock is self.listen:
            self.clients[self.listen.accept()[0]] = b""
            return
        data = sock.recv(65536)
        if sock is self.console:
            self.typed += data
            return
        if not data:
            del self.clients[sock]
            return
        *lines, rest = (self.clients[sock] + data).split(b"\n")
        self.clients[sock] = rest
        for line in lines:
            self.answer(sock, json.loads(line))


class Loop:
    """vmtui and its fake, turned by hand."""

    def __init__(self, vmtui, folder):
        env = dict(os.environ, VMTUI_RUNDIR=folder + "/run", LANG="C.UTF-8",
                   VMTUI_STATEDIR=folder + "/state", TERM="xterm-256color",
                   VMTUI_CONFIG=folder + "/none.conf")
        env.pop("TMUX", None)
        with open(folder + "/none.conf", "w") as f:
            f.write("[vm g]\nkernel = /k\n")
        self.data, self.at = b"", 0
        self.fake = Fake(folder)
        self.term = Terminal([vmtui], env, ROWS + 4, COLS + 40)
        self.until(lambda: self.fake.console, "asks for the console")
        self.term.type(b"\r")
        self.fit()

    def turn(self, wait=1.0):
        sock = self.fake.console
        feeding = self.at < len(self.data)
        r, w, _ = select.select(self.fake.fds() + [self.term.fd],
                                [sock] if feeding else [], [], wait)
        for one in r:
            if one is not self.term.fd:
                self.fake.read(one)
        if w:
            try:
                self.at += sock.send(
                    memoryview(self.data)[self.at:self.at + 65536])
            except BlockingIOError:
                pass
        self.term.read()

    def until(self, true, what):
        end = time.monotonic() + LONGEST
        while not true():
            self.turn()
            if time.monotonic() > end:
                raise SystemExit(f"bench: vmtui: not within {LONGEST} s: "
                                 f"{what}; it has drawn {self.term.tail!r}")

    def settle(self):
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            self.turn(0.05)

    def offer(self, data):
        self.data, self.at = data, 0

    def pane(self):
        """Asks the pane how large it is, as resize(1) does."""
        self.fake.typed = b""
        self.offer(b"\0337\033[999;999H\033[6n\0338")
        self.until(lambda: b"R" in self.fake.typed, "tells its size")
        found = re.search(rb"\[(\d+);(\d+)R", self.fake.typed)
        return int(found.group(1)), int(found.group(2))

    def fit(self):
        """Makes the terminal as large as it takes for a pane of 120x40."""
        for _ in range(5):
            self.settle()
            rows, cols = self.pane()
            if (rows, cols) == (ROWS, COLS):
                return
            self.term.resize(self.term.rows + ROWS - rows,
                             self.term.cols + COLS - cols)
        raise SystemExit(f"bench: vmtui's pane is {cols}x{rows}, and cannot "
                         f"be made {COLS}x{ROWS}")

    def show(self, data):
        """Seconds until data is on the terminal, and CPU seconds for it."""
        self.offer(b"\033[H\033[2J")
        self.settle()
        self.term.tail = b""
        spent = cpu(self.term.pid)
        began = time.monotonic()
        self.offer(data + TAIL)
        self.until(lambda: MARKER in self.term.tail, "shows the marker")
        return time.monotonic() - began, cpu(self.term.pid) - spent

    def flood(self, data):
        if self.at >= len(self.data):
            self.offer(data)

    def delay(self, data, keys, happened, what):
        """Presses keys while data floods the pane; seconds until it shows."""
        self.flood(data)
        began = time.monotonic()
        self.term.type(keys)
        while not happened():
            self.turn(0.1)
            self.flood(data)
            if time.monotonic() > began + LONGEST:
                raise SystemExit(f"bench: vmtui: {what}")
        return time.monotonic() - began

    def run_for(self, data, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.flood(data)
            self.turn(0.01)

    def end(self):
        self.term.end()


def tmux_show(folder, path):
    """The same of tmux, client and server, for what is in the file."""
    name = f"vmtui-bench-{os.getpid()}"
    tmux = ["tmux", "-L", name, "-f", folder + "/tmux.conf"]
    go = folder + "/go"
    with open(folder + "/tmux.conf", "w") as f:
        f.write("set -g status off\nset -g history-limit 10000\n")
    if os.path.exists(go):
        os.unlink(go)
    os.mkfifo(go)
    env = dict(os.environ, TERM="xterm-256color", LANG="C.UTF-8")
    env.pop("TMUX", None)
    term = Terminal(tmux + ["new-session", f"stty raw -echo; printf ready; "
                            f"read x <{go}; cat {path}; sleep 1000"],
                    env, ROWS, COLS)

    def until(true, what):
        end = time.monotonic() + LONGEST
        while not true():
            select.select([term.fd], [], [], 1)
            term.read()
            if time.monotonic() > end:
                raise SystemExit(f"bench: tmux: not within {LONGEST} s: "
                                 + what)

    try:
        until(lambda: b"ready" in term.tail, "starts")
        time.sleep(0.3)
        size, server = subprocess.run(
            tmux + ["list-panes", "-F", "#{pane_width}x#{pane_height} #{pid}"],
            env=env, check=True, capture_output=True, text=True).stdout.split()
        if size != f"{COLS}x{ROWS}":
            raise SystemExit(f"bench: tmux's pane is {size}")
        spent = cpu(server, term.pid)
        began = time.monotonic()
        with open(go, "w") as f:
            f.write("\n")
        until(lambda: MARKER in term.tail, "shows the marker")
        return time.monotonic() - began, cpu(server, term.pid) - spent
    finally:
        subprocess.run(tmux + ["kill-server"], env=env, check=False)
        term.end()


def delays(loop, data):
    """Milliseconds, sorted, from a press to what comes of it in a flood."""
    keys, prefix = [], []
    # Nothing else draws there: the fake tells no figures.
    bottom = re.compile(rb"\033\[%d[d;]" % loop.term.rows)
    for n in range(PRESSES):
        loop.run_for(data, 0.03 + n % 7 * 0.005)
        seen = len(loop.fake.typed)
        keys.append(loop.delay(
            data, b"k", lambda: len(loop.fake.typed) > seen,
            "a key does not reach the guest"))
    for n in range(PRESSES):
        loop.run_for(data, 0.03 + n % 7 * 0.005)
        loop.term.tail = b""
        prefix.append(loop.delay(
            data, PREFIX, lambda: bottom.search(loop.term.tail),
            "ctrl-] does nothing"))
        # A second one goes to the guest, and all is as before.
        loop.delay(data, PREFIX, lambda: PREFIX in loop.fake.typed,
                   "ctrl-] twice does not reach the guest")
        loop.fake.typed = b""
        loop.run_for(data, 0.05)
    return [sorted(x * 1e3 for x in some) for some in (keys, prefix)]


def report(name, megabytes, ours, theirs):
    """Wall clock first; CPU says what a busy host hides."""
    for what, i in (("of wall clock", 0), ("of its CPU", 1)):
        a = megabytes / statistics.median(x[i] for x in ours)
        line = f"display: {name:5} 120x40, {what}: vmtui {a:.1f} MB/s"
        if theirs:
            b = megabytes / statistics.median(x[i] for x in theirs)
            line += f", tmux {b:.1f} MB/s, ratio {a / b:.2f}"
        print(line + (" (goal: at least 2)" if i == 0 else ""), flush=True)


def bench(folder, vmtui, generator, megabytes=24, rounds=5):
    inputs = {}
    for name in ("plain", "sgr", "full"):
        inputs[name] = subprocess.run([generator, "-g", name, str(megabytes)],
                                      check=True, capture_output=True).stdout
    tmux = shutil.which("tmux")
    for name, data in inputs.items():
        ours, theirs = [], []
        path = folder + "/input"
        with open(path, "wb") as f:
            f.write(data + TAIL)
        for _ in range(rounds):
            loop = Loop(vmtui, folder)
            ours.append(loop.show(data))
            loop.end()
            if tmux:
                theirs.append(tmux_show(folder, path))
        report(name, len(data) / 1e6, ours, theirs)
    for name, data in inputs.items():
        loop = Loop(vmtui, folder)
        keys, prefix = delays(loop, data)
        loop.end()
        print(f"display: {name:5} flood, {PRESSES} presses: a key reaches "
              f"the guest in {statistics.median(keys):.1f} ms, at most "
              f"{keys[-1]:.1f}; ctrl-] shows in "
              f"{statistics.median(prefix):.1f} ms, at most {prefix[-1]:.1f} "
              "(goal: at most 50)", flush=True)
