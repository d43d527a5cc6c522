"""A backend of one's own for each test: temporary folders, the command line,
a bare connection to its socket. Standard library only.
"""

import fcntl
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
import beside  # noqa: E402

BINARY = os.path.abspath(
    os.environ.get("VMTUI", os.path.join(ROOT, "build/asan/vmtui")))
KERNEL = os.path.join(ROOT, "build/tests/guest/testguest.elf")
PROMPT = b"vmtui> "


class Failure(Exception):
    """An expectation that did not hold."""


class Skip(Exception):
    """What this machine lacks."""


def check(truth, *words):
    if not truth:
        raise Failure(" ".join(str(w) for w in words))


def until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise Failure("%s: not within %d s" % (what, seconds))


def need_kernel():
    if not os.path.exists(KERNEL):
        raise Skip("no test guest was built")


def need_kvm():
    need_kernel()
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
        os.close(fcntl.ioctl(kvm, 0xAE01, 0))  # KVM_CREATE_VM
        os.close(kvm)
    except OSError as why:
        raise Skip("/dev/kvm: %s" % why.strerror)


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


class Result:
    def __init__(self, process, out, err):
        self.status = process.returncode
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")


class Wire:
    """A client without any of the program's own code."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.sock.settimeout(30)
        self.buf = b""
        self.id = 0
        self.events = []

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        while b"\n" not in self.buf:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buf += data
        line, self.buf = self.buf.split(b"\n", 1)
        return json.loads(line)

    def ask(self, command, **arguments):
        self.id += 1
        self.send(json.dumps({"execute": command, "arguments": arguments,
                              "id": self.id}).encode() + b"\n")
        while True:
            answer = self.line()
            check(answer is not None, "the backend hung up on", command)
            if "event" in answer:
                self.events.append(answer)
            elif answer.get("id") == self.id:
                return answer

    def console(self, name, history=True):
        """A socket into the guest."""
        self.send(json.dumps({"execute": "console", "arguments": {
            "name": name, "history": history}}).encode() + b"\n")
        data, fds, _, _ = socket.recv_fds(self.sock, 65536, 1)
        check(len(fds) == 1, "no console:", data)
        return socket.socket(fileno=fds[0])

    def event(self, name, seconds=30):
        """The next event of that name that was not taken before."""
        self.sock.settimeout(seconds)
        while True:
            for i, event in enumerate(self.events):
                if event["event"] == name:
                    return self.events.pop(i)["data"]
            message = self.line()
            check(message is not None, "the backend hung up")
            self.events.append(message)

    def closed(self, seconds=30):
        """Whether the other end hangs up."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except socket.timeout:
            return False


def is_over(pid):
    """Has it let go of all? One that dies loses its memory, with it what
    processes() knows it by, before its sockets: those still take connections
    until then."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


class Lab:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="vmtui-ctl.", dir="/tmp")
        self.run_dir = os.path.join(self.dir, "run")
        self.state_dir = os.path.join(self.dir, "state")
        self.conf = os.path.join(self.dir, "vmtui.conf")
        self.env = dict(os.environ, VMTUI_RUNDIR=self.run_dir,
                        VMTUI_STATEDIR=self.state_dir, VMTUI_CONFIG=self.conf,
                        LC_ALL="C.UTF-8",
                        # What ASan keeps of freed memory is not to be
                        # taken for the program's.
                        ASAN_OPTIONS="quarantine_size_mb=8")
        self.configure("")

    def path(self, name, content=None):
        path = os.path.join(self.dir, name)
        if content is not None:
            with open(path, "wb") as f:
                f.write(content)
        return path

    def configure(self, text):
        # A file of the same size within the clock's grain is a new inode.
        with open(self.conf + ".new", "w", encoding="utf-8",
                  errors="surrogateescape") as f:
            f.write(text)
        os.rename(self.conf + ".new", self.conf)

    def guest(self, name, extra="", kernel=KERNEL, memory="32M"):
        return "[vm %s]\nmemory = %s\nkernel = %s\n%s\n" % (
            name, memory, kernel, extra)

    def popen(self, *args, **more):
        options = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, env=self.env, cwd=self.dir)
        options.update(more)
        return subprocess.Popen([BINARY] + list(args), **options)

    def run(self, *args, text=None, timeout=60):
        process = self.popen(*args, stdin=subprocess.PIPE)
        try:
            out, err = process.communicate(text, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failure("vmtui %s did not end" % " ".join(args))
        result = Result(process, out, err)
        check("Sanitizer" not in result.err, "vmtui", *args, result.err)
        return result

    def ok(self, *args, **more):
        result = self.run(*args, **more)
        check(result.status == 0, "vmtui", *args, "ended with", result.status,
              result.err)
        return result.out

    def fails(self, *args, **more):
        """Runs a command that has to fail; returns its sentence."""
        result = self.run(*args, **more)
        check(result.status == 1, "vmtui", *args, "ended with", result.status,
              result.out, result.err)
        check(result.err.startswith("vmtui: "), "no sentence:", result.err)
        return result.err

    def status(self, name=None):
        data = json.loads(self.ok("status", "--json", *([name] if name else [])))
        return data["guests"][0] if name else data

    def wire(self):
        return Wire(os.path.join(self.run_dir, "backend.sock"))

    def see(self, name, *words, type=b"", seconds=40):
        """Waits until the guest's console, history included, says words."""
        wire = self.wire()
        console = wire.console(name)
        wire.sock.close()
        console.sendall(type)
        console.settimeout(seconds)
        text = b""
        while not all(word in text for word in words):
            try:
                data = console.recv(65536)
            except socket.timeout:
                data = b""
            check(data, "no", words, "on the console of", name, text[-500:])
            text += data
        console.close()
        return text.decode()

    def backend(self):
        """The backend's process id."""
        with open(os.path.join(self.run_dir, "backend.lock")) as f:
            return int(f.read())

    def processes(self):
        """Ids and arguments of all processes of this lab's."""
        found = {}
        mark = ("VMTUI_RUNDIR=" + self.run_dir).encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as f:
                    if mark not in f.read().split(b"\0"):
                        continue
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    found[int(pid)] = f.read().split(b"\0")
            except OSError:
                continue
        return found

    def sleeps(self, pid):
        """Waits until the process does nothing at all for two seconds."""
        def wakes():
            with open("/proc/%d/status" % pid) as f:
                return [int(s.split()[1]) for s in f
                        if s.startswith("voluntary_ctxt")][0]

        def quiet():
            before = wakes()
            time.sleep(2)
            return wakes() == before
        until("two seconds without a wake-up", quiet, 20)

    def guests(self):
        return [pid for pid, argv in self.processes().items()
                if argv[1:2] == [b"guest"]]

    def sockets(self):
        folder = os.path.join(self.run_dir, "guests")
        return os.listdir(folder) if os.path.isdir(folder) else []

    def nothing_left(self):
        check(not self.guests(), "a process stayed behind:", self.guests())
        check(not self.sockets(), "a socket stayed behind:", self.sockets())

    def kill_backend(self):
        pid = self.backend()
        os.kill(pid, signal.SIGKILL)
        until("the backend's end", lambda: is_over(pid))

    def end(self):
        """Ends all that the test started, by its id."""
        try:
            if os.path.exists(os.path.join(self.run_dir, "backend.sock")):
                pid = self.backend()
                for _ in range(2):
                    if pid not in self.processes():
                        break
                    try:
                        os.kill(pid, signal.SIGTERM)
                    except ProcessLookupError:  # it has just ended
                        break
                    time.sleep(0.1)
                until("the backend's orderly end",
                      lambda: pid not in self.processes(), 60)
            self.read_logs()
        finally:
            for pid in self.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            shutil.rmtree(self.dir, ignore_errors=True)

    def read_logs(self):
        folder = os.path.join(self.state_dir, "log")
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), errors="replace") as f:
                text = f.read()
            check("Sanitizer" not in text and "runtime error" not in text,
                  name, "\n", text[-4000:])


def run_test(number, test):
    """Runs one in a Lab of its own and prints how it went."""
    name = test.__name__[len("test_"):].replace("_", " ")
    lab = Lab()
    begin = time.monotonic()
    why = skip = None
    try:
        test(lab)
    except Skip as reason:
        skip = reason
    except Exception as reason:  # every failure is a result
        why = "%s: %s" % (type(reason).__name__, reason)
        import traceback
        where = traceback.extract_tb(reason.__traceback__)
        why += "\n" + "\n".join(
            "%s:%d" % (os.path.basename(f.filename), f.lineno)
            for f in where[1:])
    try:
        lab.end()
    except Exception as reason:
        why = "%s\nin the end: %s" % (why or "", reason)
    if why is not None:
        lines = ["# " + line for line in why.split("\n")]
        lines.append("not ok %d - %s" % (number, name))
    elif skip is not None:
        lines = ["ok %d - %s # SKIP %s" % (number, name, skip)]
    else:
        lines = ["ok %d - %s # %.1f s" % (
            number, name, time.monotonic() - begin)]
    print("\n".join(lines), flush=True)
    return why is None


def run_tests(tests, wanted, jobs=1):
    """Runs functions that take a Lab, as many as jobs beside each other;
    prints TAP. Returns the exit status."""
    tests = [t for t in tests
             if not wanted or any(w in t.__name__ for w in wanted)]
    good = beside.run([functools.partial(run_test, n, test)
                       for n, test in enumerate(tests, 1)], jobs)
    print("1..%d" % len(tests), flush=True)
    return 0 if good else 1
