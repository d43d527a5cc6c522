"""logs.py: the view of what the backend, the guests and the screen said."""
import os
import time

from commands import at_sizes, command
from screens import GUESTS, opened
from tmux import Failed


def say(place, who, text, when=None):
    """A line of a log, as config/log.c writes them."""
    when = time.time() if when is None else when
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(when))
    path = os.path.join(place.env["VMTUI_RUNDIR"], "log." + who)
    with open(path, "a", encoding="utf-8") as f:
        f.write("%s.%03d %s\n" % (stamp, int(when * 1000) % 1000, text))


def begin(place, now):
    for i in range(60):
        say(place, "", "backend line %d" % i, now - 100 + i)
    say(place, "web1", "web1 came up", now - 99.5)
    say(place, "web1", "warning: web1 has a slow disk", now - 30)
    say(place, "db", "warning: db has no more room " + "and says so " * 20
        + "at length", now - 20)
    say(place, "db", "the last line", now - 10)


def test_the_log_has_all_in_the_order_of_time(place):
    def test(s):
        begin(place, time.time())
        s.keys("6")
        s.wait(r"^─ log: everybody ")
        s.wait(r"^\d\d:\d\d:\d\d db +the last line")
        s.wait(r"db +! db has no more room")
        s.wait(r"at length *$")
        lines = s.settled().split("\n")
        where = [i for i, l in enumerate(lines) if "backend line 5" in l]
        if not where or where != sorted(where):
            raise Failed("lines 50 to 59 at %s" % where)
        s.keys("g")
        s.wait(r"backend +backend line 0")
        s.wait(r"^\S+ web1 +web1 came up\n\S+ backend +backend line 1 *$")
        s.wait(r"more below")
    at_sizes(place, test)


def test_the_log_follows_what_comes(place):
    def test(s):
        begin(place, time.time())
        s.keys("6")
        s.wait(r"the last line")
        say(place, "web2", "something new")
        s.wait(r"web2 +something new")
        s.keys("g")
        s.wait(r"backend line 0 *$")
        say(place, "web2", "not in sight")
        s.wait(r"6[1-9] more below|[3-5]\d more below|[1-9]\d? more below")
        s.wait_not("not in sight")
        s.keys("G")
        s.wait(r"web2 +not in sight")
        s.wait_not(r"more below")
    at_sizes(place, test)


def test_the_log_of_one_guest_and_of_warnings_only(place):
    def test(s):
        begin(place, time.time())
        s.keys("6")
        s.wait(r"the last line")
        s.keys("v")
        s.wait(r"^─ log: everybody, warnings ")
        s.wait_not(r"the last line")
        s.wait(r"! web1 has a slow disk")
        s.keys("w")
        s.wait(r" the log of ")
        s.type("web1")
        s.keys("Enter")
        s.wait(r"^─ log: web1, warnings ")
        s.wait_not(r"no more room")
        s.keys("v")
        s.wait(r"web1 came up")
        s.keys("Escape")
        s.wait(r"^─ log: everybody ─")
        s.wait(r"the last line")
        s.keys("1")
        s.wait(r"▸● build")
        s.keys("j")
        s.wait(r"▸● db")
        s.keys("L")
        s.wait(r"^─ log: db ")
        s.wait(r"the last line")
        s.wait_not("backend line")
    at_sizes(place, test)


def test_the_log_is_searched(place):
    def test(s):
        begin(place, time.time())
        s.keys("6")
        s.wait(r"the last line")
        s.keys("/")
        s.wait(r"^ /")
        s.type("LINE 7")
        s.keys("Enter")
        s.wait(r"backend line 7 *$")
        s.keys("/")
        s.wait(r"^ /")
        s.type("line 1")
        s.keys("Enter")
        s.wait(r"^─ log.* /line 1 ")
        s.keys("n")
        s.wait(r"backend line 1 *$")
        s.keys("/")
        s.wait(r"^ /")
        s.type("not there")
        s.keys("Enter")
        s.wait(r'"not there" is nowhere')
    at_sizes(place, test)


def test_an_error_of_the_screen_is_in_the_log_afterwards(place):
    s = opened(place, (80, 24), *GUESTS, "--refuse",
               "start=mv1: the kernel is not there")
    command(s, "pause nobody")
    s.wait(r"no guest is called nobody")
    s.keys("j", "j", "j")
    s.wait(r"▸○ mv1")
    s.keys("s")
    s.wait(r"the kernel is not there")
    s.keys("6")
    s.wait(r"screen +! mv1: the kernel is not there")
    s.wait(r"screen +! no guest is called nobody")


def test_lines_of_a_log_that_are_no_text_do_no_harm(place):
    s = opened(place, (80, 24))
    say(place, "web1", "\x1b]0;owned\x07\x1b[31mred\x1b[2J äöü €")
    say(place, "web1", "x" * 5000)
    with open(os.path.join(place.env["VMTUI_RUNDIR"], "log.db"), "wb") as f:
        f.write(b"no time here\n\xff\xfe\x00\x01\n\n2026-99-99T99:99:99.999 "
                b"a\n2026-01-01T00:00:00.000 \n")
    say(place, "db", "after all that", time.time() + 5)
    s.keys("6")
    s.wait(r"after all that")
    s.keys("g")
    s.wait(r"no time here")
    s.keys("G")
    s.wait(r"x{60}")
