"""Drives vmtui and its guests: a backend of one's own in a temporary folder,
guests' consoles over pseudo terminals, and TAP output. Standard library only.
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
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tty

PROMPT = r"vmtui> "
KVM_GET_API_VERSION = 0xAE00
KVM_CREATE_VM = 0xAE01


class Failure(Exception):
    """A test's expectation that did not hold."""


def kvm_problem():
    """Why no guest can run here, or None."""
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return "no /dev/kvm here; runs in the rig"
    try:
        if fcntl.ioctl(kvm, KVM_GET_API_VERSION, 0) != 12:
            return "/dev/kvm is too old here; runs in the rig"
        os.close(fcntl.ioctl(kvm, KVM_CREATE_VM, 0))
    except OSError as why:
        return "/dev/kvm refuses (%s); runs in the rig" % why.strerror
    finally:
        os.close(kvm)
    return None


def own_network():
    """As root, starts over in a new network namespace."""
    if os.geteuid() != 0 or os.environ.get("VMTUI_TEST_NETNS") == "1" or \
       not shutil.which("unshare") or os.system("unshare -n true") != 0:
        return
    os.environ["VMTUI_TEST_NETNS"] = "1"
    os.execvp("unshare", ["unshare", "-n", sys.executable] + sys.argv)


def check(condition, text):
    if not condition:
        raise Failure(text)


def until(what, probe, timeout=20):
    """Waits until probe() gives something that is true; that."""
    end = time.monotonic() + timeout
    while True:
        found = probe()
        if found:
            return found
        check(time.monotonic() < end, "it never came to: " + what)
        time.sleep(0.1)


def tail(text, lines=12):
    return "\n".join(text.replace("\r", "").split("\n")[-lines:])


class Console:
    """A `vmtui console --history NAME` on a pseudo terminal of its own."""

    def __init__(self, lab, name, port="ttyS0"):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, 80, 0, 0))
        tty.setraw(slave)
        self.name = name
        self.fd = master
        self.text = ""   # all that was ever read
        self.seen = 0    # how much of it expect() has used up
        self.process = subprocess.Popen(
            [lab.binary, "console", "--history", "--port", port, name],
            env=lab.env,
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)

    def read(self, seconds):
        """Takes what is there, waiting for it; False at end of file."""
        if not select.select([self.fd], [], [], max(seconds, 0))[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.text += data.decode("latin-1")
        return bool(data)

    def expect(self, pattern, timeout=60):
        """Waits for the pattern behind what was expected last."""
        end = time.monotonic() + timeout
        alive = True
        while True:
            found = re.search(pattern, self.text[self.seen:])
            if found:
                self.seen += found.end()
                return found
            if not alive or time.monotonic() > end:
                raise Failure("%s: no /%s/ %s; it ends with:\n%s" % (
                    self.name, pattern,
                    "in %d s" % timeout if alive else "before the end",
                    tail(self.text[self.seen:])))
            alive = self.read(min(0.2, end - time.monotonic()))

    def type(self, keys):
        data = keys.encode("latin-1")
        while data:
            data = data[os.write(self.fd, data):]

    def run(self, command, timeout=60):
        """Types a command at the prompt; what it prints, up to the prompt."""
        self.type(command + "\r")
        self.expect(re.escape(command) + r"\r?\n", timeout)
        start = self.seen
        found = self.expect(PROMPT + r"$", timeout)
        text = self.text[start:self.seen - len(found.group())]
        return text.replace("\r", "")

    def want(self, command, pattern, timeout=60):
        """Runs a command whose output must match."""
        text = self.run(command, timeout)
        found = re.search(pattern, text, re.M)
        if not found:
            raise Failure("%s: `%s` printed no /%s/ but:\n%s" % (
                self.name, command, pattern, text))
        return found

    def close(self):
        os.close(self.fd)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Hvc:
    """A guest's hvc0, straight from the backend: bytes as they come."""

    def __init__(self, lab, name, history=False):
        self.text = b""
        fds = lab.call("console", name=name, port="hvc0", history=history)[1]
        self.sock = socket.socket(fileno=fds[0])

    def read(self, seconds=0.0, most=65536):
        """Takes at most so much of what comes; None at the end."""
        if not select.select([self.sock], [], [], seconds)[0]:
            return b""
        data = self.sock.recv(most)
        self.text += data
        return data or None

    def expect(self, wanted, timeout=60):
        """Waits for the bytes; what came before them is used up, too."""
        end = time.monotonic() + timeout
        while wanted not in self.text:
            if time.monotonic() > end or self.read(0.2) is None:
                raise Failure("hvc0: no %r in %d bytes, the last are %r" % (
                    wanted, len(self.text), self.text[-200:]))
        before, self.text = self.text.split(wanted, 1)
        return before

    def type(self, data):
        self.sock.sendall(data)

    def close(self):
        self.sock.close()


class Lab:
    """A backend with a folder, a configuration and sockets of its own."""

    def __init__(self, binary, config):
        self.binary = binary
        self.folder = tempfile.mkdtemp(prefix="vmtui-guest-")
        self.env = dict(os.environ)
        for key in ("RUNDIR", "STATEDIR"):
            self.env["VMTUI_" + key] = self.path(key.lower())
        self.env["VMTUI_CONFIG"] = self.path("vmtui.conf")
        with open(self.path("vmtui.conf"), "w") as f:
            f.write(config(self))
        self.consoles = {}
        self.screen = None  # the connection of size()
        self.log = open(self.path("backend.log"), "w")
        self.backend = subprocess.Popen(
            [binary, "backend"], env=self.env, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log)
        end = time.monotonic() + 60
        while self.vmtui("status", check=False)[0] != 0:
            if self.backend.poll() is not None or time.monotonic() > end:
                log = self.logged()
                self.close([])
                raise Failure("the backend does not answer: " + log)
            time.sleep(0.1)

    def path(self, name):
        return os.path.join(self.folder, name)

    def logged(self):
        with open(self.path("backend.log")) as f:
            return tail(f.read(), 20)

    def vmtui(self, *args, check=True, timeout=180):
        """Runs a command of the command line; (status, output, errors)."""
        done = subprocess.run(
            [self.binary] + list(args), env=self.env, timeout=timeout,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True)
        if check and done.returncode != 0:
            raise Failure("vmtui %s: status %d: %s%s" % (
                " ".join(args), done.returncode, done.stdout, done.stderr))
        return done.returncode, done.stdout, done.stderr

    def call(self, command, at="backend.sock", **args):
        """
        Asks the backend itself, or whose socket that is: the answer, and
        descriptors with it.
        """
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            sock.connect(os.path.join(self.env["VMTUI_RUNDIR"], at))
            sock.sendall(json.dumps({"execute": command, "arguments": args,
                                     "id": 1}).encode() + b"\n")
            text, fds = b"", array.array("i")
            while not text.endswith(b"\n"):
                data, extra, _, _ = sock.recvmsg(65536, 256)
                text += data
                for level, kind, body in extra:
                    if (level, kind) == (socket.SOL_SOCKET,
                                         socket.SCM_RIGHTS):
                        fds.frombytes(body)
                if not data:
                    break
        answer = json.loads(text)
        if "return" not in answer:
            raise Failure("%s: %s" % (command, answer["error"]["desc"]))
        return answer["return"], list(fds)

    def size(self, name, rows, cols):
        """
        Tells how large hvc0 is shown, on a connection that stays: what a
        client said of a size is forgotten when it goes.
        """
        if self.screen is None:
            self.screen = socket.socket(socket.AF_UNIX)
            self.screen.settimeout(60)
            self.screen.connect(os.path.join(self.env["VMTUI_RUNDIR"],
                                             "backend.sock"))
        self.screen.sendall(json.dumps(
            {"execute": "console-size", "id": 1, "arguments":
             {"name": name, "port": "hvc0", "rows": rows, "cols": cols}}
        ).encode() + b"\n")
        with self.screen.makefile("r") as lines:
            for line in lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise Failure(answer["error"]["desc"])
                if "return" in answer:
                    return
        raise Failure("the backend is gone")

    def status(self, name):
        """The guest's object in `vmtui status --json`."""
        def find(node):
            if isinstance(node, dict):
                if node.get("name") == name and "state" in node:
                    return node
                node = list(node.values())
            if isinstance(node, list):
                for one in node:
                    found = find(one)
                    if found:
                        return found
            return None

        found = find(json.loads(self.vmtui("status", "--json")[1]))
        if not found:
            raise Failure("status --json does not list " + name)
        return found

    def wait_state(self, name, state, timeout=60):
        end = time.monotonic() + timeout
        while True:
            now = self.status(name)
            if now["state"] == state:
                return now
            if time.monotonic() > end:
                raise Failure("%s is %s (%s), not %s, after %d s" % (
                    name, now["state"], now.get("reason"), state, timeout))
            time.sleep(0.1)

    def start(self, name):
        """Starts a guest; its console, at the first prompt."""
        self.detach(name)
        self.vmtui("start", name)
        console = self.consoles[name] = Console(self, name)
        console.expect(PROMPT + r"$", 120)
        return console

    def guest(self, name):
        """The console of a running guest, started if it is not."""
        console = self.consoles.get(name)
        if console and self.status(name)["state"] == "running":
            return console
        return self.start(name)

    def detach(self, name):
        console = self.consoles.pop(name, None)
        if console:
            console.close()

    def reports(self):
        """What sanitizers have said in the logs of the backend and guests."""
        found, folder = [], self.path("statedir/log")
        for path in [self.path("backend.log")] + sorted(
                os.path.join(folder, name) for name in (
                    os.listdir(folder) if os.path.isdir(folder) else ())):
            with open(path, errors="replace") as f:
                text = f.read()
            at = re.search("WARNING: ThreadSanitizer|ERROR: [A-Z]\\w+Sanitizer"
                           "|runtime error:", text)
            if at:
                found.append("%s: %s" % (path, self.named(
                    text[at.start():][:8000])))
        return found

    def named(self, report):
        """With lines of the source: a guest process could not look them up."""
        at = sorted(set(re.findall(r"\(vmtui\+(0x[0-9a-f]+)\)", report)))
        told = subprocess.run(
            ["addr2line", "-sfe", self.binary] + at, stdout=subprocess.PIPE,
            universal_newlines=True).stdout.split("\n") if at else []
        for i, one in enumerate(at):
            report = report.replace("<null> <null> (vmtui+%s)" % one,
                                    " ".join(told[2 * i:2 * i + 2]))
        return report

    def close(self, names):
        """Ends guests and backend; what could not be ended in good order."""
        left = []
        if self.screen:
            self.screen.close()
        for name in list(self.consoles):
            self.detach(name)
        for name in names:
            try:
                now = self.status(name)
                if now["state"] not in ("stopped", "crashed"):
                    self.vmtui("stop", "-f", "-w", name)
            except (Failure, subprocess.TimeoutExpired, ValueError) as why:
                left.append("%s: %s" % (name, why))
        self.backend.send_signal(signal.SIGTERM)
        try:
            self.backend.wait(10)
        except subprocess.TimeoutExpired:
            left.append("the backend did not end on SIGTERM")
            self.backend.kill()
            self.backend.wait()
        self.log.close()
        left += self.reports()
        shutil.rmtree(self.folder)
        return left


class Tap:
    """Numbered results. With skip set, tests are not run but named."""

    def __init__(self, skip=None):
        self.count = 0
        self.failed = 0
        self.skip = skip

    def test(self, name, function, *args, skip=None):
        self.count += 1
        skip = self.skip or skip
        if skip:
            print("ok %d - %s # SKIP %s" % (self.count, name, skip),
                  flush=True)
            return
        try:
            function(*args)
        except (Failure, subprocess.TimeoutExpired, OSError, KeyError,
                ValueError) as why:
            self.failed += 1
            for line in (str(why) or repr(why)).split("\n"):
                print("# " + line)
            print("not ok %d - %s" % (self.count, name), flush=True)
        else:
            print("ok %d - %s" % (self.count, name), flush=True)

    def done(self):
        print("1..%d" % self.count)
        return 1 if self.failed else 0
