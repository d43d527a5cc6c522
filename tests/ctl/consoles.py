"""vmtui console: pipes, files, the other port, terminals that are stuck."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import time

from guests import prompt, start
from harness import PROMPT, check, need_kvm, until


def test_a_console_works_in_files(lab):
    start(lab, "a")
    prompt(lab, "a")
    with open(lab.path("in", b"echo one\recho two\r"), "rb") as commands, \
            open(lab.path("out"), "wb") as out:
        process = lab.popen("console", "a", stdin=commands, stdout=out)
        check(process.wait(30) == 0, process.stderr.read())
        said = process.stderr.read()
    check(said == b"", "words of ours between a script's:", said)
    with open(lab.path("out"), "rb") as out:
        text = out.read()
    check(b"\none\r" in text and b"\ntwo\r" in text, text)
    check(text.index(b"\none\r") < text.index(b"\ntwo\r"), text)


def test_history_comes_first_and_only_when_asked(lab):
    start(lab, "a")
    prompt(lab, "a")
    lab.ok("console", "a", text=b"echo long ago\r")
    out = lab.ok("console", "a", text=b"echo now\r")
    check("long ago" not in out and "\nnow\r" in out.replace("\n\n", "\n"),
          repr(out))
    out = lab.ok("console", "--history", "a", text=b"echo later\r")
    check(out.index("\nlong ago") < out.index("\nnow") <
          out.index("\nlater"), repr(out))


def test_the_other_port_is_another_console(lab):
    start(lab, "a")
    prompt(lab, "a")
    out = lab.ok("console", "--history", "--port", "ttyS0", "a", text=b"")
    check("vmtui>" in out, repr(out))
    # Nothing was said there; then something is, and there only.
    out = lab.ok("console", "--history", "--port", "hvc0", "a", text=b"")
    check(out == "", repr(out))
    lab.ok("console", "a", text=b"hvc over there\r")
    out = lab.ok("console", "--history", "--port", "hvc0", "a", text=b"")
    check("over there" in out and "vmtui>" not in out, repr(out))
    why = lab.fails("console", "--port", "ttyS7", "a", text=b"")
    check("no console ttyS7; there are ttyS0 and hvc0" in why, why)


def test_the_second_serial_port_is_a_console_of_its_own(lab):
    need_kvm()
    lab.configure(lab.guest("a", "serial2 = yes") + lab.guest("b"))
    lab.ok("start", "a", "b")
    prompt(lab, "a")
    check(lab.status("a")["serial2"] is True)
    check(lab.status("b")["serial2"] is False)
    lab.ok("console", "a", text=b"out 0x2f8 1 0x48\rout 0x2f8 1 0x69\r")
    until("the second port's bytes", lambda: lab.ok(
        "console", "--history", "--port", "ttyS1", "a", text=b"") == "Hi")
    # What is typed there arrives there: the line status, then the byte.
    lab.ok("console", "--port", "ttyS1", "a", text=b"!")
    out = lab.ok("console", "a", text=b"in 0x2fd 1\rin 0x2f8 1\r")
    check("\n61" in out.replace("\r", "") and "\n21" in out, repr(out))
    why = lab.fails("console", "--port", "ttyS7", "a", text=b"")
    check("no console ttyS7; there are ttyS0, ttyS1 and hvc0" in why, why)
    why = lab.fails("console", "--port", "ttyS1", "b", text=b"")
    check("b has one serial port" in why and "serial2 = yes" in why, why)


class Stuck:
    """A terminal that shows nothing any more, as after ctrl-S."""

    def __init__(self, lab, *args, size=None):
        self.fd, self.tty = pty.openpty()
        if size is not None:
            self.size(*size)
        self.before = termios.tcgetattr(self.tty)
        self.process = lab.popen(*args, stdin=self.tty, stdout=self.tty,
                                 stderr=self.tty)


    def size(self, rows, cols):
        fcntl.ioctl(self.tty, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))


def test_hvc0_has_the_size_of_the_terminal_of_a_command(lab):
    start(lab, "a")
    prompt(lab, "a")

    def size():
        g = lab.status("a")
        return g["rows"], g["cols"]

    t = Stuck(lab, "console", "--port", "hvc0", "a", size=(33, 101))
    until("its size", lambda: size() == (33, 101))
    t.size(44, 120)
    t.process.send_signal(signal.SIGWINCH)
    until("its new size", lambda: size() == (44, 120))
    lab.see("a", b"hvc0 is now 33 x 101", b"hvc0 is now 44 x 120")
    # A backend that is gone is no end of a console.
    lab.kill_backend()
    t.process.send_signal(signal.SIGWINCH)
    os.write(t.fd, b"typed after\r")
    time.sleep(0.5)
    check(t.process.poll() is None, "it ended")
    os.write(t.fd, b"\x1d")
    check(t.process.wait(40) == 0, t.process.returncode)
    os.close(t.fd)
    os.close(t.tty)


def test_a_stuck_terminal_is_restored_after_sigterm(lab):
    start(lab, "a")
    prompt(lab, "a")
    stuck = Stuck(lab, "console", "a")
    check(b"leave with" in os.read(stuck.fd, 4096))
    until("raw mode", lambda: not termios.tcgetattr(stuck.tty)[3] &
          termios.ICANON)
    os.write(stuck.fd, b"flood 100000\r")
    time.sleep(2)
    stuck.process.send_signal(signal.SIGTERM)
    try:
        status = stuck.process.wait(40)
    except subprocess.TimeoutExpired:
        stuck.process.kill()
        raise
    check(status == -signal.SIGTERM, status)
    check(termios.tcgetattr(stuck.tty)[:4] == stuck.before[:4],
          "the terminal stayed raw")
    os.close(stuck.fd)
    os.close(stuck.tty)


def test_a_pipe_that_nobody_reads_holds_up_nothing_else(lab):
    start(lab, "a")
    prompt(lab, "a")
    process = lab.popen("console", "a", stdin=subprocess.PIPE)
    process.stdin.write(b"flood 100000\r")
    process.stdin.flush()
    time.sleep(1)
    # Typing still gets there: ctrl-C ends the flood.
    process.stdin.write(b"\x03")
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    check(process.wait(40) == -signal.SIGTERM)
    lab.see("a", PROMPT)


def test_a_reader_that_goes_is_said(lab):
    start(lab, "a")
    prompt(lab, "a")
    process = lab.popen("console", "a", stdin=subprocess.PIPE)
    process.stdout.close()
    process.stdin.write(b"echo x\r")
    process.stdin.close()
    check(process.wait(40) == 1)
    said = process.stderr.read()
    check(b"cannot write the console's output" in said, said)


def test_hvc0_is_as_large_as_the_largest_pane(lab):
    start(lab, "a")
    prompt(lab, "a")
    large, small, third = lab.wire(), lab.wire(), lab.wire()

    def size():
        g = lab.status("a")
        return g["rows"], g["cols"]

    def told(wire, rows, cols, **more):
        answer = wire.ask("console-size", name="a", rows=rows, cols=cols,
                          **more)
        check("return" in answer, answer)

    check(size() == (0, 0), size())
    third.ask("subscribe")
    told(small, 25, 80)
    check(size() == (25, 80), size())
    lab.see("a", b"hvc0 is now 25 x 80")
    while third.event("GUEST_STATE")["cols"] != 80:
        pass
    told(large, 50, 200)
    lab.see("a", b"hvc0 is now 50 x 200")
    # The smaller one changes, also to much the same, and shrinks nothing.
    told(small, 49, 199)
    told(small, 24, 80)
    check(size() == (50, 200), size())
    # Panes of hvc0 itself come first.
    told(small, 30, 90, port="hvc0")
    check(size() == (30, 90), size())
    told(small, 30, 90, port="ttyS0")
    check(size() == (50, 200), size())
    # Back without the larger one, by its word or by its end.
    check("return" in large.ask("console-size", name="a"))
    check(size() == (30, 90), size())
    told(large, 60, 100)
    check(size() == (60, 100), size())
    large.sock.close()
    until("the size of who is left", lambda: size() == (30, 90))
    lab.see("a", b"hvc0 is now 60 x 100", b"hvc0 is now 30 x 90")
    # Nobody: as it was. No size: a sentence.
    small.sock.close()
    for rows, cols in ((0, 80), (4097, 80), (24, -1), (1 << 40, 1), ("x", 1)):
        answer = third.ask("console-size", name="a", rows=rows, cols=cols)
        check("1 to 4096" in answer["error"]["desc"], answer)
    check(size() == (30, 90), size())
    # A new backend does not know; the guest keeps what it has.
    lab.kill_backend()
    check(size() == (0, 0), size())
    lab.ok("stop", "-f", "a")
    start(lab, "a")
    check(size() == (0, 0), size())
