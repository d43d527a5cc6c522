"""slow.py: a backend that is slow to answer, or does not answer at all.

Where it answers nothing until it is told to (--hold-all), what is seen of a
key was not waited for: no clock has to say so.
"""
import os
import signal
import time

from forms import conf, wait_file
from screens import GUESTS
from tmux import Failed, until

SWITCH = ["--switch", "local:vs-local:up:em0"]


def requests(place, command):
    """What the backend was asked, of that command."""
    with open(os.path.join(place.env["VMTUI_RUNDIR"], "requests"),
              encoding="ascii") as f:
        return [line for line in f if line.startswith(command + " ")]


def wait_asked(place, command, n):
    until(lambda: len(requests(place, command)) >= n,
          "%d times %s" % (n, command))


def asked_once(place, *commands):
    for command in commands:
        if len(requests(place, command)) != 1:
            raise Failed("%s" % requests(place, command))


class Keys:
    """Presses keys and sees what each does."""

    def __init__(self, s):
        self.s = s
        self.took = []

    def press(self, *keys, shows, gone=None):
        """Until the screen shows that (and no longer the other)."""
        begin = time.monotonic()
        self.s.keys(*keys)
        self.s.wait(shows)
        if gone:
            self.s.wait_not(gone)
        self.took.append(time.monotonic() - begin)

    def middle(self):
        return sorted(self.took)[len(self.took) // 2]

    def note(self):
        return "%d keys, tmux and all: %.0f ms in the middle, %.0f at most" % (
            len(self.took), self.middle() * 1e3, max(self.took) * 1e3)


def opened(place, *args, wrap="%s"):
    path = place.path("vmtui.conf")
    place.write("vmtui.conf", conf(place))
    place.backend(*GUESTS, *SWITCH, "--config", path, *args)
    s = place.screen((120, 40), wrap=wrap)
    # It is there before the backend has said a word.
    s.wait(r"asking the backend")
    s.wait(r"\? help")
    return s


def loaded(place, s):
    """The backend answers for a moment."""
    place.go()
    s.wait(r"^▸● build ")
    s.wait(r"this is build")
    s.wait_not(r"waiting")
    place.stop()


def test_no_view_and_no_key_waits_for_the_backend(place):
    s = opened(place, "--hold-all")
    k = Keys(s)
    k.press("3", shows=r"^─ switches ")
    s.wait(r"asking the backend")
    k.press("6", shows=r"^─ log")
    k.press("4", shows=r"^ +1  # My machines\.")
    k.press("?", shows=r"─ keys: ")
    k.press("Escape", shows=r"^ +1  # My", gone=r"─ keys: ")
    k.press("1", shows=r"^─ guests ")
    s.wait(r"^ vmtui .* waiting \d+ s")
    loaded(place, s)
    k.press("j", shows=r"^▸● db ")
    k.press("G", shows=r"^▸● web2 ")
    k.press("k", shows=r"^▸● web1 ")
    k.press("/", shows=r"^ /")
    k.press("m", shows=r"^ /m", gone=r"● web1")
    k.press("Escape", shows=r"● web1", gone=r"^ /")
    k.press("?", shows=r"─ keys: ")
    k.press("q", shows=r"├─ figures", gone=r"─ keys: ")
    k.press("G", shows=r"^▸● web2 ")
    # A console comes when it comes.
    s.wait(r"connecting")
    k.press("Enter", shows=r"ctrl-\] list")
    k.press("C-]", shows=r"S stop")
    # Forms are of the file; what is saved is saved at once.
    k.press("g", shows=r"^▸● build ")
    k.press("e", shows=r"▸name +build")
    k.press("Down", shows=r"▸memory +4G")
    k.press("C-u", shows=r"▸memory +\* +512M")
    k.press("6", "G", shows=r"▸memory +\* 6G")
    k.press("C-s", shows=r"─ save this\? ─")
    k.press("Enter", shows=r"^ build is saved")
    wait_file(place, conf(place).replace("= 4G ", "= 6G "))
    k.press("j", shows=r"^▸● db ")
    k.press("o", shows=r"^ db ")
    k.press("C-]", "g", shows=r"^▸● db ")
    # Nothing of what is waited for is left when one leaves in the middle.
    k.press("p", shows=r"◐ db ")
    k.press("3", shows=r"^─ switches ")
    s.quit()
    return k.note()


def test_what_is_waited_for_is_said_and_asked_once(place):
    s = opened(place, "--hold-all")
    loaded(place, s)
    # Shown as it will be, said to be waited for, and asked no second time.
    s.keys("S")
    s.wait(r"◕ build ")
    s.keys("S")
    s.wait(r"build: that is asked for and not answered yet")
    s.keys("j")
    s.wait(r"^▸● db ")
    for seen in (r"^▸● db ", r"db: that is asked for and not answered yet"):
        s.keys("r")
        s.wait(r"reset db\?")
        s.keys("y")
        s.wait_not(r"reset db\?")
        s.wait(seen)
    s.keys("R")
    s.wait_not(r"not answered yet")
    s.keys("R")
    s.wait(r"That is asked for and not answered yet")
    s.wait(r"^ vmtui .* waiting \d+ s")
    # Asked for every three seconds: not faster than it is answered.
    s.keys("3")
    wait_asked(place, "switches", 1)
    time.sleep(4)
    asked_once(place, "stop", "reset", "reload", "subscribe", "switches")
    place.go()
    s.wait(r"● local ")
    s.wait_not(r"waiting")
    wait_asked(place, "switches", 2)
    s.keys("1")
    s.wait(r"○ build ")


def test_esc_gives_up_waiting(place):
    s = opened(place, "--hold-all")
    loaded(place, s)
    s.keys("p")
    s.wait(r"◐ build ")
    s.wait(r"^ vmtui .* waiting \d+ s")
    s.wait(r"esc give up")
    s.keys("Escape")
    s.wait(r"No longer waited for")
    s.wait_not(r"waiting \d")
    # As it was; and what comes of it later is seen as it comes.
    s.wait(r"● build ")
    s.keys("j")
    s.wait(r"^▸● db ")
    s.wait_not(r"esc give up")
    s.keys(":")
    s.wait(r"^ :")
    s.type("start mv1")
    s.keys("Enter")
    s.wait(r"^ vmtui .* waiting \d+ s")
    s.keys("Escape")
    s.wait(r"start mv1: no longer waited for")
    s.wait_not(r"waiting \d")
    place.go()
    s.wait(r"◐ build ")
    s.wait(r"● mv1 ")
    s.quit()


def test_answers_that_take_five_seconds_delay_no_key(place):
    s = opened(place, "--delay", "5")
    k = Keys(s)
    for _ in range(4):
        k.press("3", shows=r"^─ switches ")
        k.press("6", shows=r"^─ log")
        k.press("1", shows=r"^─ guests ")
    s.wait(r"^▸● build ")
    k.press("p", shows=r"◐ build ")
    for _ in range(4):
        k.press("j", shows=r"^▸● db ")
        k.press("j", shows=r"^▸◐ dns ")
        k.press("g", shows=r"^▸◐ build ")
    s.wait(r"^ vmtui .* waiting \d s")
    s.wait(r"^ vmtui .* 3 running  2 paused")
    s.wait_not(r"waiting \d")
    # Of each that waited it would be seconds.
    if k.middle() > 1:
        raise Failed(k.note())
    return k.note()


def test_a_slow_backend_is_still_the_one_asked_for(place):
    """Another one than reads the file of -f is left again."""
    s = opened(place, "--hold-all", wrap="%%s -f %s" % place.path("other.conf"))
    place.go()
    s.wait(r"^vmtui: the backend that runs .* reads .*vmtui\.conf")
    s.wait(r"^ended 1$")
    place.stop()
    t = place.screen((120, 40), wrap="%%s -f %s" % place.path("vmtui.conf"))
    t.wait(r"asking the backend")
    loaded(place, t)


def test_a_backend_of_a_named_file_is_found_again(place):
    """The real one, killed under a screen that was started with -f."""
    place.write("other.conf", "[vm a]\nkernel = /nowhere\n")
    s = place.screen((120, 40), wrap="%%s -f %s" % place.path("other.conf"))
    s.wait(r"^▸○ a ")
    os.kill(place.backend_pid(), signal.SIGKILL)
    s.wait(r"The backend is back")
    s.keys("s")
    s.wait(r"/nowhere")
    s.quit()
