"""Linux on the virtio console: a shell on hvc0, as large as its pane."""

import hashlib
import time

from drive import Failure, Hvc

CONFIG = """
[vm hvc]
memory = 256M
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=hvc
"""

BOOT_LIMIT = 120


class Shell:
    """The shell on a guest's hvc0."""

    def __init__(self, lab, name):
        self.hvc = Hvc(lab, name)
        # Nobody was there when it said hello, so it is asked again.
        self.hvc.type(b"\r")
        self.hvc.expect(b"# ", BOOT_LIMIT)

    def run(self, command, timeout=60):
        """What a command prints."""
        self.hvc.type(f'echo "<"begin">"; {command}; echo "<"end">"\r'
                      .encode())
        self.hvc.expect(b"<begin>\r\n", timeout)
        return self.hvc.expect(b"<end>", timeout).decode().replace("\r", "")


def resize(lab, rows, cols):
    lab.size("hvc", rows, cols)


def shell(lab):
    if not hasattr(lab, "shell"):
        lab.shell = Shell(lab, "hvc")
    return lab.shell


def test_boots(lab):
    """a stock kernel finds hvc0, and has a shell on it"""
    lab.start("hvc")
    said = shell(lab).run("tty; hostname")
    if said != "/dev/hvc0\nhvc\n":
        raise Failure(f"tty and hostname said {said!r}")


def test_size(lab):
    """stty size on hvc0 follows the size of the pane"""
    for rows, cols in ((50, 132), (24, 80), (7, 300)):
        resize(lab, rows, cols)
        end = time.monotonic() + 20
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
    hvc.expect(b"waiting\r\n")
    time.sleep(1)
    if hvc.read(1):
        raise Failure(f"before it was resized it said {hvc.text!r}")
    resize(lab, 44, 155)
    hvc.expect(b"now\r\n44 155\r\n", 20)
    hvc.expect(b"# ", 20)


def test_output(lab):
    """what is printed on hvc0 arrives whole and in order"""
    wanted = "".join(f"{n}\n" for n in range(1, 401))
    begin = time.monotonic()
    said = shell(lab).run("seq 400", 120)
    if said != wanted:
        raise Failure(f"{len(said)} bytes came: {said[:200]!r}")
    middle = time.monotonic()
    lab.consoles["hvc"].sh("seq 400", 120)
    print(f"# 400 lines: hvc0 {middle - begin:.1f} s, "
          f"ttyS0 {time.monotonic() - middle:.1f} s")


def test_typing(lab):
    """what is typed on hvc0 arrives whole, however fast it comes"""
    typed = "".join(f"{n:05d}" for n in range(4000)).encode()
    hvc = shell(lab).hvc
    hvc.type(b"stty -icanon -echo; echo rea''dy; head -c 20000 | md5sum; "
             b"stty icanon echo\r")
    hvc.expect(b"ready\r\n")
    hvc.type(typed)
    hvc.expect(hashlib.md5(typed).hexdigest().encode(), 60)
    hvc.expect(b"# ", 20)


def test_serial(lab):
    """the serial console beside it knows nothing of this"""
    lab.consoles["hvc"].want("tty", r"^/dev/ttyS0$")


def test_poweroff(lab):
    """a shell on hvc0 powers the guest off"""
    shell(lab).hvc.type(b"poweroff\r")
    lab.wait_state("hvc", "stopped", 60)
