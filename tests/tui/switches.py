"""switches.py: the view of the switches and what is plugged into them."""
import socket
import threading
import time

from commands import at_sizes
from screens import GUESTS

SWITCHES = ["--switch", "local:vs-local:up:vmt-web1.0=10.0.0.3,vmt-db.0,lo=",
            "--switch", "inside:vs-inside:absent:"]


def test_switches_have_their_members_below_them(place):
    def test(s):
        s.keys("3")
        s.wait(r"^─ switches ─")
        s.wait(r"^▸● local +vs-local, up")
        s.wait(r"^     vmt-web1.0 +web1  \S+  10\.0\.0\.3")
        s.wait(r"^     vmt-db.0 +db  ")
        s.wait(r"^     lo +of the host, 1 heard")
        s.wait(r"^ ○ inside +vs-inside, absent")
        s.keys("j")
        s.wait(r"^▸    vmt-web1.0")
        s.wait(r"guest")
        s.keys("Enter")
        s.wait(r"^▸● web1 ")
    at_sizes(place, test, *GUESTS, *SWITCHES)


def test_members_have_their_rates(place):
    over = threading.Event()

    def traffic():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out, \
             socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
            to.bind(("127.0.0.1", 0))
            while not over.is_set():
                out.sendto(b"x" * 1000, to.getsockname())
                time.sleep(0.02)

    def test(s):
        s.keys("3")
        s.wait(r"^     lo +of the host, 1 heard +\d[\d.]*[KM]/s +\d[\d.]*[KM]/s *$")
    t = threading.Thread(target=traffic)
    t.start()
    try:
        at_sizes(place, test, *GUESTS, *SWITCHES)
    finally:
        over.set()
        t.join()


def test_no_switch_says_what_one_is(place):
    def test(s):
        s.keys("3")
        s.wait(r"No switch is defined yet")
        s.keys("j", "k")
        s.wait(r"No switch is defined yet")
    at_sizes(place, test)


def test_resetting_switches_asks_first(place):
    def test(s):
        s.keys("3")
        s.wait(r"vs-local")
        s.keys("r")
        s.wait(r"plugged in +by hand goes|by hand goes")
        s.keys("y")
        s.wait(r"The switches are as they are defined")
    at_sizes(place, test, *GUESTS, *SWITCHES)
