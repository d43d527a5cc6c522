"""The ELF kernel, by its PVH entry, and its virtio console: a shell on hvc0, as
large as its pane. All under a vmtui with AddressSanitizer.
"""

import glob
import hashlib
import time

from drive import Hvc
from linux import Failure

VARIANT = "asan"
CONFIG = """
[vm elf]
memory = 320M
cpus = 2
kernel = /guest/vmlinux
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=elf
"""

BOOT_LIMIT = 300


def test_boots(lab):
    """a stock vmlinux with its initrd boots to a shell"""
    console = lab.start("elf")
    console.want("hostname", r"^elf$")


def test_cpus(lab):
    """entered by PVH it finds both cpus by ACPI, and they work"""
    console = lab.consoles["elf"]
    console.want("nproc", "^2$")
    console.want("cat /proc/interrupts", r"LOC: +[1-9]\d* +[1-9]\d* ")
    console.want("dmesg | grep 'ACPI: Interpreter'", r"Interpreter enabled")


class Shell:
    """The shell on a guest's hvc0."""

    def __init__(self, lab, name):
        self.hvc = Hvc(lab, name)
        # Nobody was there when it said hello, so it is asked again.
        self.hvc.type(b"\r")
        self.hvc.expect(b"# ", BOOT_LIMIT)

    def run(self, command, timeout=180):
        """What a command prints."""
        self.hvc.type(f'echo "<"begin">"; {command}; echo "<"end">"\r'
                      .encode())
        self.hvc.expect(b"<begin>\r\n", timeout)
        return self.hvc.expect(b"<end>", timeout).decode().replace("\r", "")


def resize(lab, rows, cols):
    lab.size("elf", rows, cols)


def shell(lab):
    if not hasattr(lab, "shell"):
        lab.shell = Shell(lab, "elf")
    return lab.shell


def test_hvc(lab):
    """a stock kernel finds hvc0, and has a shell on it"""
    said = shell(lab).run("tty; hostname")
    if said != "/dev/hvc0\nelf\n":
        raise Failure(f"tty and hostname said {said!r}")


def test_size(lab):
    """stty size on hvc0 follows the size of the pane"""
    for rows, cols in ((50, 132), (24, 80), (7, 300)):
        resize(lab, rows, cols)
        end = time.monotonic() + 120
        said = ""
        while said != f"{rows} {cols}\n":
            if time.monotonic() > end:
                raise Failure(f"stty size says {said!r}, not {rows} {cols}")
            said = shell(lab).run("stty size")


def test_sigwinch(lab):
    """a process on hvc0 gets SIGWINCH when the pane is resized"""
    hvc = shell(lab).hvc
    hvc.type(b"""sh -c 'trap "echo now; stty size; exit" WINCH; """
             b"""echo wait""ing; while :; do sleep 0.2; done'\r""")
    hvc.expect(b"waiting\r\n", 120)
    time.sleep(1)
    if hvc.read(1):
        raise Failure(f"before it was resized it said {hvc.text!r}")
    resize(lab, 44, 155)
    hvc.expect(b"now\r\n44 155\r\n", 120)
    hvc.expect(b"# ", 120)


def test_output(lab):
    """what is printed on hvc0 arrives whole and in order"""
    wanted = "".join(f"{n}\n" for n in range(1, 401))
    begin = time.monotonic()
    said = shell(lab).run("seq 400", 120)
    if said != wanted:
        raise Failure(f"{len(said)} bytes came: {said[:200]!r}")
    middle = time.monotonic()
    lab.consoles["elf"].sh("seq 400", 120)
    print(f"# 400 lines: hvc0 {middle - begin:.1f} s, "
          f"ttyS0 {time.monotonic() - middle:.1f} s")


def test_typing(lab):
    """what is typed on hvc0 arrives whole, however fast it comes"""
    typed = "".join(f"{n:05d}" for n in range(4000)).encode()
    hvc = shell(lab).hvc
    hvc.type(b"stty -icanon -echo; echo rea''dy; head -c 20000 | md5sum; "
             b"stty icanon echo\r")
    hvc.expect(b"ready\r\n", 120)
    hvc.type(typed)
    hvc.expect(hashlib.md5(typed).hexdigest().encode(), 180)
    hvc.expect(b"# ", 120)


def test_serial(lab):
    """the serial console beside it knows nothing of this"""
    lab.consoles["elf"].want("tty", r"^/dev/ttyS0$")


def test_stop(lab):
    """the power button stops it"""
    lab.vmtui("stop", "-w", "elf", timeout=300)
    if lab.status("elf")["state"] != "stopped":
        raise Failure("it is not stopped")


def test_sanitizers(lab):
    """the sanitizers found nothing"""
    logs = glob.glob(lab.folder + "/**/*.log", recursive=True)
    if len(logs) < 2:
        raise Failure(f"backend and guest have no logs: {logs}")
    for path in logs:
        with open(path, errors="replace") as f:
            text = f.read()
        if "Sanitizer" in text or "runtime error" in text:
            raise Failure(f"{path}:\n{text}")
