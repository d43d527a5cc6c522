"""A card and a disk with one queue and with several, used by one processor
that asks for them in turn: what more queues cost, and more threads bring."""

import os
import re
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "guest"))

from drive import Lab  # noqa: E402

ROUNDS, MS, MANY = 7, 700, (1, 2, 4)


def config(kernel):
    def text(lab):
        with open(lab.path("disk"), "wb") as f:
            f.write(os.urandom(64 << 20))
        return ("[switch lan]\ninterface = benchlan\n\n[vm q]\nmemory = 64M\n"
                "cpus = 4\nkernel = %s\ncmdline = quiet mq\ninterface = "
                "switch=lan\ndisk = %s, format=raw\n" % (
                    kernel, lab.path("disk")))
    return text


def measure(vmtui, kernel):
    lab = Lab(vmtui, config(kernel))
    try:
        console = lab.guest("q")
        for command, what in (("netbench", "frames sent"),
                              ("diskbench", "reads of 4 KiB, 32 at once,")):
            rates = {n: [] for n in MANY}
            for _ in range(ROUNDS):
                for n in MANY:
                    found = console.want("%s %d %d" % (command, MS, n),
                                         r"^(\d+) in (\d+) us$")
                    rates[n].append(int(found[1]) / int(found[2]) * 1e3)
            one = rates[1]
            print("queues: %s a second: %s" % (what, "; ".join(
                "%d %s %.1f thousand%s" % (
                    n, "queue" if n == 1 else "queues",
                    statistics.median(rates[n]),
                    "" if n == 1 else ", ratio %.2f" % statistics.median(
                        a / b for a, b in zip(rates[n], one)))
                for n in MANY)))
    finally:
        for line in lab.close(["q"]):
            print("queues: " + line)
