"""window.py: what a guest may do to the person's terminal: nothing, unless
its definition allows it.
"""
import base64

from hostile import Terminal, examine
from screens import opened
from tmux import Failed, until

SIZES = ((80, 24), (200, 50))
TWO = ["--guest", "one:running", "--guest", "two:running"]
ALLOWED = TWO + ["--allow", "one=title,clipboard"]


def osc(text):
    """A command of the toy shell that prints an OSC."""
    return "raw " + (b"\033]" + text + b"\007").hex() + "\r"


def title(s):
    return s.info("pane_title")


def wait_title(s, want):
    until(lambda: title(s) == want,
          lambda: "%r as the title, it is %r" % (want, title(s)))


def copied(s):
    return s.tmux("show-buffer", check=False).rstrip("\n")


def consoles(place, size, *args):
    s = opened(place, size, *args)
    s.tmux("set", "-s", "set-clipboard", "on")
    s.keys("2", "t")
    s.wait(r"ctrl-\] commands")
    s.wait(r"one\$")
    s.wait(r"two\$")
    return s


def test_window_titles_are_shown_if_allowed(place):
    for size in SIZES:
        s = consoles(place, size, *ALLOWED)
        before = title(s)
        s.type(osc(b"2;my title"))
        s.wait(r"one ● ─+ my title ─")
        wait_title(s, "one: my title")
        # Only while the keyboard is there.
        s.keys("C-]", "2")
        wait_title(s, before)
        s.expect(r"one ● ! ─+ my title ─|one ● ─+ my title ─")
        # The other one may not, though it has the keyboard.
        s.type(osc(b"2;evil title"))
        s.wait(r"two\$ *$(\n|.)*two\$|two\$.*evil|two\$ raw")
        place.wait_typed("two", b"\r")
        s.type("print then\r")
        s.wait(r"(^|│)then *(│|$)")
        if "evil title" in s.text() or title(s) != before:
            raise Failed("the title got through: %r\n%s" % (
                title(s), s.text()))
        s.keys("C-]", "1")
        wait_title(s, "one: my title")
        # Beside the list as well.
        s.keys("C-]", "g")
        wait_title(s, before)
        s.keys("Enter")
        s.wait(r"─ one ─ running")
        s.wait(r"all else goes to one")
        s.type(osc(b"2;another"))
        s.wait(r"─ one ─ running.* another ")
        wait_title(s, "one: another")
        # No control character, and none that turns text around.
        s.type(osc("0;a\u202eb\u009bc\x01d".encode()))
        wait_title(s, "one: abcd")
        s.keys("C-]", "q")
        s.wait(r"^ended 0$")
        wait_title(s, before)
        s.close()
        place.again()


def test_window_clipboard_is_written_if_allowed(place):
    for size in SIZES:
        s = consoles(place, size, *ALLOWED)
        # A whole OSC of bytes, never the guest's own.
        s.type(osc(b"52;c;" + base64.b64encode("from the gu\x1bést".encode())))
        s.wait(r"one wrote 15 bytes to the clipboard")
        until(lambda: copied(s) == "from the guést",
              lambda: "the clipboard has %r" % copied(s))
        # What it may not: not base64, a question, and for the other guest.
        s.type(osc(b"52;c;!!!!"))
        s.type(osc(b"52;c;?"))
        s.type("print asked\r")
        s.wait(r"(^|│)asked *(│|$)")
        s.keys("C-]", "2")
        s.type(osc(b"52;c;" + base64.b64encode(b"evil")))
        s.type("print then\r")
        s.wait(r"(^|│)then *(│|$)")
        # Nor if it is allowed and the keyboard is elsewhere.
        place.say("one", b"\033]52;c;" + base64.b64encode(b"late") +
                  b"\007late\r\n")
        s.wait(r"one\$ late *(│|$)")
        if copied(s) != "from the guést":
            raise Failed("the clipboard has %r" % copied(s))
        if b"]52" in place.typed("one"):
            raise Failed("it was answered")
        s.close()
        place.again()


def test_window_every_byte_of_an_allowed_guest(place):
    """The bytes themselves, with a guest that writes all the time."""
    place.backend("--guest", "build:running",
                  "--allow", "build=title,clipboard")
    t = Terminal(place)
    t.wait(b"build")
    t.type("\r")
    t.wait(b"build$")
    t.type(osc(b"2;title"))
    t.wait(b"\033]2;build: title\033\\")
    t.quiet()
    for i in range(5):
        t.type(osc(b"52;c;" + base64.b64encode(b"text %d" % i)))
    last = base64.b64encode(b"text 4")
    t.wait(b"\033]52;c;" + last + b"\007")
    t.quiet()
    t.end()
    if not t.said.index(b"\033[22;2t") < t.said.index(b"\033]2;"):
        raise Failed("the title before was not kept")
    if t.said.rindex(b"\033[23;2t") < t.said.rindex(b"\033]2;"):
        raise Failed("the title stays")
    said = t.said.replace(b"\033]2;build: title\033\\", b"")
    for stack in (b"\033[22;2t", b"\033[23;2t"):
        said = said.replace(stack, b"")
    strings = examine(said)
    if not strings or len(strings) > 5:
        raise Failed("%d writes" % len(strings))
