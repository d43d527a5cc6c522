"""hostile.py: what a hostile guest prints, and every byte that the screen
then writes to the person's terminal.
"""
import base64
import fcntl
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import termios
import time

from tmux import VMTUI, Failed, until

GUEST = ["--guest", "build:running:4:4096"]
# What ncurses may say on an xterm: cursor, erasing, scrolling, attributes,
# and the modes that the screen sets for itself.
MODES = {1, 7, 12, 25, 1000, 1002, 1003, 1006, 1034, 1049, 2004}
FINALS = b"@ABCDGHJKLMPSTXZbdfmr`"
SEQUENCE = re.compile(
    rb"\033(?:\[([0-?]*)([ -/]*)([@-~])|\][^\007\033]*(?:\007|\033\\)"
    rb"|([ -/])([0-~])|([0-Z\\^-~]))")


class Terminal:
    """A terminal that keeps every byte it is sent."""

    def __init__(self, place, cols=80, rows=24, term="xterm-256color"):
        self.fd, self.tty = pty.openpty()
        self.size(cols, rows, tell=False)
        self.said = b""
        self.process = subprocess.Popen(
            [VMTUI], stdin=self.tty, stdout=self.tty,
            env=dict(place.env, TERM=term))

    def size(self, cols, rows, tell=True):
        fcntl.ioctl(self.tty, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, cols, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def read(self, seconds=0.05):
        while select.select([self.fd], [], [], seconds)[0]:
            self.said += os.read(self.fd, 65536)

    def wait(self, what):
        def there():
            self.read(0.02)
            return what in self.said
        until(there, lambda: "%r in %r" % (what, self.said[-2000:]))

    def quiet(self, seconds=0.3):
        """Until it says nothing for a while."""
        end = time.monotonic() + 30
        before = -1
        while len(self.said) != before and time.monotonic() < end:
            before = len(self.said)
            self.read(seconds)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        until(lambda: self.read() or self.process.poll() is not None,
              "the screen's end")
        self.read()
        os.close(self.fd)
        os.close(self.tty)
        if self.process.returncode != 0:
            raise Failed("the screen ended with %d" % self.process.returncode)


def allowed(match):
    """Whether a sequence is one that the screen itself may use."""
    params, inter, final, charset, which, plain = match.groups()
    if match.group().startswith(b"\033]"):
        return False
    if charset is not None:
        return charset in b"()" and which in b"0AB"
    if plain is not None:
        return plain in b"78=>M"
    if inter == b" ":  # the cursor's shape, made from a number
        return final == b"q" and params in {b"%d" % n for n in range(7)}
    if inter:
        return inter == b"!" and final == b"p"
    if params.startswith(b"?"):
        return final in b"hl" and {
            int(p) for p in params[1:].split(b";")} <= MODES
    if final == b"h" or final == b"l":
        return params in (b"4", b"20")
    if final == b"t":  # xterm's smcup and rmcup keep the title
        return params in (b"22;0;0", b"23;0;0")
    return final in FINALS and re.fullmatch(rb"[0-9;]*", params) is not None


def examine(said):
    """Fails if a byte stream holds what a guest may not have said; returns
    the OSC strings in it, which only copying writes.
    """
    at, text, strings = 0, b"", []
    while at < len(said):
        if said[at] != 0x1b:
            text += said[at:at + 1]
            at += 1
            continue
        match = SEQUENCE.match(said, at)
        if match is None:
            raise Failed("no sequence: %r" % said[at - 20:at + 40])
        if match.group().startswith(b"\033]52;c;"):
            strings.append(match.group())
        elif not allowed(match):
            raise Failed("%r got through, in %r" % (
                match.group(), said[max(0, at - 40):at + 60]))
        at = match.end()
    bad = set(text) & (set(range(32)) | {127}) - set(b"\r\n\b\t\a\x0e\x0f")
    if bad:
        raise Failed("control characters %s" % bad)
    for c in text.decode():  # fails if it is no UTF-8
        if 0x80 <= ord(c) < 0xa0 or c in "\u200e\u200f\u2028\u2029" or \
                "\u202a" <= c <= "\u202e" or "\u2066" <= c <= "\u2069":
            raise Failed("U+%04X in the text" % ord(c))
    return strings


def attacks():
    esc = b"\033"
    evil = b"EVIL"
    secret = base64.b64encode(evil)
    yield b"".join(esc + b"]%d;" % n + evil + end for n in (
        0, 1, 2, 4, 7, 8, 9, 10, 11, 50, 104, 133, 777, 1337)
        for end in (b"\a", esc + b"\\"))
    yield esc + b"]52;c;" + secret + b"\a" + esc + b"]52;;?" + esc + b"\\"
    yield esc + b"]8;;http://evil/" + esc + b"\\link" + esc + b"]8;;\a"
    yield esc + b"Ptmux;" + esc + esc + b"]52;c;" + secret + b"\a" + \
        esc + b"\\"
    yield esc + b"Pq#0;2;0;0;0~~@@vv" + esc + b"\\" + esc + b"P$qm" + \
        esc + b"\\" + esc + b"P+q544e" + esc + b"\\"
    yield b"".join(esc + c + evil + esc + b"\\" for c in (b"_", b"^", b"X"))
    yield bytes(range(0x80, 0xa0)) + b"\x9d0;" + evil + b"\x9c\x9b31m"
    yield "".join(chr(c) for c in range(0x80, 0xa0)).encode() + \
        "\u009d52;c;RVZJTA==\u009c\u009b5i".encode()
    yield "\u202eevil\u202c\u2066x\u2069\u200f\u2028y\ufeff".encode()
    yield b"".join(esc + b"[?%dh" % n for n in (
        1, 3, 5, 9, 12, 47, 66, 1000, 1001, 1003, 1004, 1005, 1006, 1007,
        1015, 1047, 1048, 1049, 2004, 2026, 9001))
    yield b"".join(esc + b"[" + p for p in (
        b"5i", b"?5i", b"8;3;3t", b"20t", b"21t", b"c", b">c", b"=c", b"5n",
        b"6n", b"?26n", b"18t", b">4;2m", b"?u", b">1u", b"!p", b"61\"p",
        b"2 q", b"1$r", b"11h", b"20h", b"2h", b"4i", b"1;1'z"))
    yield esc + b"c" + esc + b"#8" + esc + b" G" + esc + b"%@" + esc + \
        b"n" + esc + b"o" + esc + b"|" + esc + b"}" + esc + b"~"
    yield b"\x05\x0e\x0f\x11\x13\x1a\x1c\x7f\a" * 20
    # Cut in the middle, and never ended.
    yield esc + b"]2;" + evil * (16 << 10)
    yield b"\a" + esc + b"[" + b"1;" * (512 << 10) + b"m"
    yield esc + b"P" + b"x" * (1 << 20) + esc + b"\\"
    yield b"y" * (1 << 20) + b"\r\n"
    noise = random.Random(5)
    yield noise.randbytes(200 << 10)
    yield bytes(noise.choice(b"\033\033[]P_^;?0152cmhltq\a\\\x9b\x9d A")
                for _ in range(100 << 10))


def hostile(place, keys, sizes):
    place.backend(*GUEST)
    t = Terminal(place)
    t.wait(b"build")
    t.type(keys)
    t.quiet()
    for n, attack in enumerate(attacks()):
        place.say("build", attack)
        cols, rows = sizes[n % len(sizes)]
        t.size(cols, rows)
        # For more frames than one; which, makes no difference.
        t.quiet(0.1)
    place.say("build", b"\033\\\030\033c\r\nstill here\r\n")
    t.size(100, 30)
    t.wait(b"still here")
    if examine(t.said):
        raise Failed("the clipboard was written")
    t.end()
    note = "%d bytes, each looked at" % len(t.said)
    if b"\a" in t.said.replace(b"\a", b"", 200):
        raise Failed("it rang too often")
    examine(t.said)
    return note


def test_hostile_guest_in_the_list(place):
    return hostile(place, "", ((120, 40), (200, 50), (100, 12)))


def test_hostile_guest_in_its_console(place):
    return hostile(place, "\r", ((80, 24), (2, 2), (40, 12), (200, 50)))


def test_hostile_guest_among_tiles(place):
    return hostile(place, "o", ((80, 24), (120, 40), (2, 2)))


def test_hostile_text_is_searched_and_copied_as_text(place):
    place.backend(*GUEST)
    t = Terminal(place)
    t.wait(b"build")
    t.type("\r")
    t.wait(b"build$")
    for attack in attacks():
        place.say("build", attack)
    place.say("build", b"\033\\\030\033c\033[2J\033[Hstill here\033]52;c;RVZJTA==\a"
        b"\x9d52;c;RVZJTA==\x9c\r\n")
    t.wait(b"still here")
    t.quiet()
    t.type("\x1d[")
    t.quiet()
    t.type("?EVIL\r")
    t.quiet()
    t.type("gVGy")
    t.quiet()
    # No more of that selection. An esc might be taken for an alt.
    t.type("V")
    t.quiet()
    t.type("?still\r")
    t.quiet()
    t.type("V")
    t.quiet()
    t.type("y")
    t.wait(b"\033]52;c;")
    t.quiet()
    strings = examine(t.said)
    copied = base64.b64decode(strings[-1][len(b"\033]52;c;"):-1]).decode()
    if "still here" not in copied or len(strings) != 1 or \
            copied.count("\n") > 1:
        raise Failed("copied %r" % copied)
    for string in strings:
        text = base64.b64decode(string[len(b"\033]52;c;"):-1]).decode()
        bad = [c for c in text if ord(c) < 32 and c != "\n" or
               127 <= ord(c) < 160]
        if bad:
            raise Failed("copied %r" % bad)
    t.end()
    return "%d copies, %d bytes" % (len(strings), len(t.said))
