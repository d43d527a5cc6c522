"""QEMU with an emulated SVM: a Linux/KVM host that is booted once, saved, and
then continues from there for each group of tests.

	boot ─ modules ─ "rig: ready" ─ [saved] ─ payload disk ─ command ─ exit
	└────────────── once a state ──────────┘ └─────── every run ─────────┘

It has one processor; a host that has more runs more rigs side by side. A guest
may have as many as it likes.

QEMU's SVM now and then loses an interrupt that comes while the guest is being
entered or left: the rig's one-shot timer then never fires again and all stands
still (seen with QEMU 7.2, every few minutes). Any other interrupt brings the
lost one along, so a byte is sent to the serial port every BEAT seconds.

The state is keyed by all that goes into it (kernel, initramfs, QEMU and its
arguments), so it is made again when one of them changes. It is QEMU's
migration stream in a file; any number of runs may start from it at once.
"""

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import common

QEMU = "qemu-system-x86_64"
MODULES = "kvm_amd tun bridge veth loop ext4 vhost_net virtio_pci virtio_blk"
CMDLINE = "console=ttyS0 reboot=t panic=-1 quiet mitigations=off"
BOOT_LIMIT = 180
BEAT = 0.2
READY = b"rig: ready\n"


def memory():
    """
    The rig's RAM: enough for a guest with memory above 4 GiB where this host
    is not a small one. What the rig does not touch costs nothing here.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return "5G" if total > 7 << 30 else "2G"


def arguments(kernel, initramfs, payload):
    return [
        QEMU, "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "EPYC,+svm,-xsave",
        "-smp", "1", "-m", memory(), "-nodefaults", "-no-user-config",
        "-display", "none", "-no-reboot", "-kernel", kernel.image,
        "-initrd", initramfs, "-append", CMDLINE,
        "-drive", f"if=none,id=payload,file={payload},format=raw,snapshot=on",
        "-device", "virtio-blk-pci,drive=payload", "-serial", "stdio",
    ]


class Machine:
    """A running QEMU: what it prints comes by read(), and end() is final."""

    running = set()

    def __init__(self, argv, log):
        self.log = open(log, "wb", buffering=0)
        # Whatever becomes of us, QEMU is not to stay behind.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *argv], cwd=common.BUILD,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.seen = b""
        self.beating = False
        Machine.running.add(self)

    @classmethod
    def end_all(cls):
        """For a signal: whoever waits for one of them sees its end."""
        for machine in list(cls.running):
            machine.process.kill()

    def read(self, deadline):
        """Some more output, b"" at its end; Failed at the deadline."""
        out = self.process.stdout.fileno()
        while True:
            if time.monotonic() > deadline:
                raise common.Failed("the rig took too long")
            if select.select([out], [], [], BEAT)[0]:
                break
            self.beat()
        data = os.read(out, 65536)
        self.log.write(data)
        return data

    def beat(self):
        """See above. Whoever types at the rig makes interrupts enough."""
        if self.beating:
            self.write(b"\n")

    def expect(self, what, deadline):
        """Reads up to and including what; returns what came before it."""
        while what not in self.seen:
            data = self.read(deadline)
            if not data:
                tail = self.seen[-500:].decode(errors="replace")
                raise common.Failed(f"the rig ended early: {tail}")
            self.seen += data
        before, _, self.seen = self.seen.partition(what)
        return before

    def write(self, data):
        os.write(self.process.stdin.fileno(), data)

    def end(self):
        Machine.running.discard(self)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


class Monitor:
    """QEMU's control socket."""

    def __init__(self, path, deadline):
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > deadline:
                    raise common.Failed("QEMU opened no monitor") from None
                time.sleep(0.05)
        self.socket.settimeout(30)
        self.file = self.socket.makefile("r")
        self.file.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments_):
        message = {"execute": command, "arguments": arguments_}
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        for line in self.file:
            answer = json.loads(line)
            if "error" in answer:
                raise common.Failed(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise common.Failed(f"{command}: QEMU is gone")


def _key(argv, files):
    digest = hashlib.sha256()
    digest.update(subprocess.run([QEMU, "--version"], check=True,
                                 stdout=subprocess.PIPE).stdout)
    digest.update("\0".join(argv).encode())
    for name in files:
        with open(name, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()[:16]


def _make_state(argv, state):
    """Boots to the point where the rig waits, and writes the state there."""
    scratch = tempfile.mkdtemp(dir=common.BUILD)
    monitor = scratch + "/qmp"
    with open(scratch + "/none", "wb") as f:
        f.truncate(1 << 20)
    argv = [a.replace("PAYLOAD", scratch + "/none") for a in argv]
    argv += ["-qmp", f"unix:{os.path.relpath(monitor, common.BUILD)},"
             "server=on,wait=off"]
    deadline = time.monotonic() + BOOT_LIMIT
    machine = Machine(argv, common.BUILD + "/state.log")
    try:
        machine.expect(READY, deadline)
        time.sleep(1)  # let it get to its read
        os.chdir(common.BUILD)
        qmp = Monitor(os.path.relpath(monitor, common.BUILD), deadline)
        qmp.ask("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        qmp.ask("migrate", uri=f"exec:cat >{os.path.basename(state)}.new")
        while True:
            status = qmp.ask("query-migrate").get("status")
            if status == "completed":
                break
            if status in ("failed", "cancelled"):
                raise common.Failed("QEMU could not save the rig")
            if time.monotonic() > deadline:
                raise common.Failed("saving the rig took too long")
            time.sleep(0.1)
    finally:
        machine.end()
        shutil.rmtree(scratch, ignore_errors=True)
    os.rename(state + ".new", state)


def prepare(kernel):
    """Makes or finds the saved machine. Returns what start() wants."""
    if not shutil.which(QEMU):
        raise common.Unavailable(f"{QEMU} is not installed")
    os.makedirs(common.BUILD, exist_ok=True)
    with open(common.BUILD + "/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        initramfs = f"{common.BUILD}/rig.cpio.gz"
        common.initramfs(initramfs, kernel.modules, "--load", MODULES,
                         "--init", common.TOP + "/tests/rig/init")
        argv = arguments(kernel, initramfs, "PAYLOAD")
        key = _key(argv, [kernel.image, initramfs])
        state = f"{common.BUILD}/state-{key}"
        if not os.path.exists(state):
            for old in glob.glob(common.BUILD + "/state-*"):
                os.unlink(old)
            _make_state(argv, state)
    return argv, state


@contextlib.contextmanager
def start(prepared, payload, command, log):
    """A restored rig that runs command (a line of shell) on the payload."""
    argv, state = prepared
    argv = [a.replace("PAYLOAD", payload) for a in argv]
    argv += ["-incoming", f"exec:cat {os.path.basename(state)}"]
    machine = Machine(argv, log)
    try:
        machine.write(b"\n" * 32)
        machine.write(f"{int(time.time())} {command}\n".encode())
        yield machine
    finally:
        machine.end()


def run(prepared, payload, command, log, limit, output):
    """
    Runs command, gives each piece of its output to output(bytes), and returns
    its exit status; Failed when the rig ends without one or at the limit.
    """
    deadline = time.monotonic() + limit
    end = re.compile(rb"rig: exit (\d+)\r?\n")
    with start(prepared, payload, command + " </dev/null", log) as machine:
        machine.beating = True
        machine.expect(b"rig: go\n", time.monotonic() + 60)
        held = machine.seen
        while True:
            found = end.search(held)
            if found:
                output(held[:found.start()])
                return int(found[1])
            cut = max(held.rfind(b"\n") + 1, len(held) - 4096)
            tail = held.rfind(b"rig: exit ")
            if tail < 0:
                tail = cut
            output(held[:min(cut, tail)])
            held = held[min(cut, tail):]
            data = machine.read(deadline)
            if not data:
                output(held)
                raise common.Failed("the rig ended before its command did")
            held += data
