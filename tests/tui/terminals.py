"""terminals.py: other terminals, and leaving them as they were found."""
import os
import re
import signal

from hostile import Terminal
from screens import GUESTS, opened
from tmux import Failed, ended, until


def test_every_usual_terminal_shows_the_list(place):
    place.backend(*GUESTS)
    for term in ("xterm", "xterm-256color", "screen", "tmux-256color",
                 "linux", "vt100"):
        s = place.screen((80, 24), env={"TERM": term})
        s.wait(r"^[▸>][●*] build +running")
        s.keys("Down", "Enter")
        s.wait(r"db\$")
        s.keys("C-]")
        s.wait(r"^[▸>][●*] db")
        s.quit()
        # The line where the keys stood is the shell's again.
        s.expect(r"^ended 0$")
        s.close()


def test_ascii_is_ascii(place):
    place.backend(*GUESTS)
    for env in ({"VMTUI_ASCII": "1"}, {"LC_ALL": "C"}, {"TERM": "linux"}):
        s = place.screen((120, 40), env=env)
        s.wait(r"^>\* build")
        s.wait(r"\|this is build")
        bad = [c for c in s.text() if ord(c) > 126]
        if bad:
            raise Failed("%s: %r" % (env, bad))
        s.close()


def test_no_color_is_no_colour(place):
    place.backend(*GUESTS)
    s = place.screen((120, 40), env={"NO_COLOR": "1"})
    s.wait(r"│this is build")
    for code in ("\033[3", "\033[4", "38;5", "48;5"):
        for line in s.text("-e").split("\n"):
            if code in line.replace("\033[39m", "").replace("\033[49m", ""):
                raise Failed("%r in %r" % (code, line))


def test_an_unknown_terminal_is_a_sentence(place):
    place.backend(*GUESTS)
    s = place.screen((80, 24), env={"TERM": "nosuchterm"})
    s.wait(r"TERM=nosuchterm is no terminal that this host knows")
    s.wait(r"^ended 1$")


def test_without_a_terminal_it_says_so(place):
    place.backend(*GUESTS)
    s = place.screen((80, 24), wrap="%s </dev/null")
    s.wait(r"vmtui: the screen needs a terminal")
    s.wait(r"^ended 1$")


def left(s):
    """The state of the terminal and its modes after vmtui."""
    for flag, want in (("alternate_on", "0"), ("cursor_flag", "1"),
                       ("mouse_any_flag", "0")):
        until(lambda: s.info(flag) == want, "%s %s" % (flag, want))
    until(lambda: "AFTER" in s.text(), lambda: "AFTER in\n" + s.text())
    with open(s.place.path("before")) as f, open(s.place.path("after")) as g:
        if f.read() != g.read():
            raise Failed("stty differs")


def watched(place):
    place.backend(*GUESTS)
    s = place.screen((80, 24), wrap="stty -a >%s; %%s; stty -a >%s; echo AFTER"
                     % (place.path("before"), place.path("after")))
    s.wait(r"● build +running")
    return s


def test_quitting_leaves_the_terminal_as_it_was(place):
    s = watched(place)
    s.keys("Enter")
    s.wait(r"build\$")
    s.keys("C-]", "q")
    s.wait("AFTER")
    left(s)


def test_signals_leave_the_terminal_as_it_was(place):
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT,
                signal.SIGABRT, signal.SIGSEGV):
        if place.fake:
            place.fake.kill()
            place.fake.wait()
        s = watched(place)
        os.kill(s.pid(), sig)
        s.wait("AFTER")
        left(s)
        s.close()
    for name in os.listdir(place.dir):
        # SEGV is what was asked for, so what ASan says of it is no news.
        if name.startswith("asan"):
            os.unlink(place.path(name))


def test_a_killed_screen_leaves_what_reset_puts_right(place):
    for size in ((80, 24), (200, 50)):
        place.backend("--guest", "build:running", "--allow", "build=title")
        s = place.screen(size, wrap="printf '%%s\\n' '%s' >" +
                         place.path("start") + "; exec bash --norc -i")
        s.wait(r"[#$] *$")
        s.type(". %s\r" % place.path("start"))
        s.wait(r"● build")
        s.keys("Enter")
        s.wait(r"build\$")
        # A title, a shape of the cursor, and no cursor at all.
        s.type("raw 1b5d323b7407 1b5b342071\r")
        s.wait(r"build ─ running.* t ")
        s.type("raw 1b5b342071\r")
        s.type("raw 1b5b3f32356c\r")
        until(lambda: s.info("cursor_flag") == "0", "a hidden cursor")
        pid = s.pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: ended(pid), "its end")
        s.type("reset\r")
        until(lambda: s.info("mouse_any_flag") == "0" and
              s.info("cursor_flag") == "1", "a terminal that was reset")
        s.type("stty -a >%s; echo AFT''ER\r" % place.path("after"))
        s.wait(r"^AFTER$")
        with open(place.path("after")) as f:
            words = f.read().split()
        for word in ("icanon", "echo", "isig", "icrnl", "opost", "onlcr"):
            if word not in words:
                raise Failed("no %s in %s" % (word, words))
        # Nobody else noticed.
        t = place.screen(size)
        t.wait(r"● build +.*running|● build ")
        t.keys("Enter")
        t.wait(r"build\$")
        t.type("print alive\r")
        t.wait(r"(^|│)alive")
        place.again()


def test_the_guests_cursor_shape_is_the_terminals_while_one_types(place):
    def shape(t):
        found = re.findall(rb"\033\[(\d) q", t.said)
        return found[-1] if found else b"0"

    def wait_shape(t, want):
        until(lambda: t.read() or shape(t) == want,
              lambda: "shape %r, it is %r" % (want, shape(t)))

    for size in ((80, 24), (200, 50)):
        for keys, back in (("\r", "\x1d"), ("o", "\x1dg")):
            place.backend("--guest", "build:running")
            t = Terminal(place, *size)
            t.wait(b"build")
            t.type(keys)
            t.wait(b"build$")
            # CSI 4 SP q: an underline, steady.
            t.type("raw 1b5b342071\r")
            wait_shape(t, b"4")
            # Not the guest's while one looks back.
            t.type("\x1d[")
            wait_shape(t, b"0")
            t.type("q")
            wait_shape(t, b"4")
            t.type("raw 1b5b352071\r")
            wait_shape(t, b"5")
            t.type(back)
            wait_shape(t, b"0")
            t.type(keys)
            wait_shape(t, b"5")
            t.end()
            if shape(t) != b"0":
                raise Failed("the shape stays %r" % shape(t))
            place.again()
    # A terminal that knows no shapes is told of none.
    place.backend("--guest", "build:running")
    t = Terminal(place, 80, 24, term="linux")
    t.wait(b"build")
    t.type("\r")
    t.wait(b"build$")
    t.type("raw 1b5b342071\rprint then\r")
    place.wait_typed("build", b"print then\r")
    t.quiet()
    t.end()
    if b" q" in t.said:
        raise Failed("a Linux console was told of shapes")


def test_a_hang_up_ends_the_screen_alone(place):
    s = opened(place, (80, 24))
    pid = s.pid()
    s.close()
    until(lambda: ended(pid), "the screen's end")
    t = place.screen((80, 24))
    t.wait(r"● build +running")


def test_ctrl_l_draws_all_anew(place):
    s = opened(place, (80, 24))
    s.tmux("send-keys", "-R")
    s.wait_not("build")
    s.keys("C-l")
    s.wait(r"^▸● build")


def test_ctrl_z_stops_the_screen_and_fg_brings_it_back(place):
    place.backend(*GUESTS)
    # A shell with job control between tmux and vmtui.
    s = place.screen((80, 24), wrap="printf '%%s\\n' '%s' >" +
                     place.path("start") + "; exec bash --norc -i")
    s.wait(r"[#$] *$")
    s.type(". %s" % place.path("start"))
    s.keys("Enter")
    s.wait(r"● build +running")
    s.keys("C-z")
    s.wait(r"Stopped")
    s.type("fg")
    s.keys("Enter")
    s.wait(r"^▸● build +running")
    s.keys("j")
    s.wait(r"^▸● db")


def test_a_stopped_terminal_stops_neither_console_nor_screen(place):
    """A terminal that takes nothing: what the guest prints is still read."""
    import pty
    import select
    import subprocess
    import time
    from tmux import VMTUI
    place.backend(*GUESTS)
    ours, theirs = pty.openpty()
    env = dict(place.env, TERM="xterm")
    p = subprocess.Popen([VMTUI], stdin=theirs, stdout=theirs, env=env)
    os.close(theirs)
    seen = b""
    while b"build" not in seen:
        if not select.select([ours], [], [], 30)[0]:
            raise Failed("no screen")
        seen += os.read(ours, 65536)
    # From here on nobody reads the terminal.
    os.write(ours, b"\rendless\r")
    time.sleep(1)
    for _ in range(3):
        os.write(ours, b"\x03print x\rendless\r")
        time.sleep(0.3)
    os.write(ours, b"\x03still typing\r")
    place.wait_typed("build", b"still typing")
    os.close(ours)
    try:
        p.wait(60)
    except subprocess.TimeoutExpired:
        p.kill()
        raise Failed("it outlived its terminal") from None
