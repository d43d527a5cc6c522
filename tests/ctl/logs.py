"""Logs: shown, followed, and never larger than they may be."""

import os
import time

from harness import check, need_kvm, until


def test_logs_are_shown(lab):
    need_kvm()
    lab.configure(lab.guest("a") + lab.guest("b"))
    check("never ran" in lab.fails("log", "b"))
    check("b" in lab.fails("log", "bb"))
    lab.ok("start", "a")
    check("a: running" in lab.ok("log", "a"))
    check("listens on" in lab.ok("log"))


def test_a_followed_log_goes_on_when_it_is_made_shorter(lab):
    need_kvm()
    lab.configure(lab.guest("a"))
    lab.ok("start", "a")
    path = os.path.join(lab.state_dir, "log", "guest-a.log")
    with open(path, "a") as f:
        f.write("".join("line %d of old\n" % n for n in range(60000)))
        f.write("the line before\n")
    check(os.stat(path).st_size > 1 << 20)
    out = lab.path("out", b"")
    with open(out, "wb") as f:
        reader = lab.popen("log", "-f", "a", stdout=f)
    until("what was there", lambda: os.stat(out).st_size > 1 << 20)
    # The process that outlives backends keeps its log in bounds by itself.
    for n in range(300):
        lab.ok("unpause" if n % 2 else "pause", "a")
        if os.stat(path).st_size < 1 << 19:
            break
    check(os.stat(path).st_size < 1 << 19, os.stat(path).st_size)
    # Not said twice, and nothing left out: from the mark on it is the log.
    for command in ("pause", "unpause"):
        lab.run(command, "a")

    def lines_of(name):
        with open(name) as f:
            return f.read().split("\n")

    def all_there():
        lines, kept = lines_of(out), lines_of(path)
        check(lines.count("the line before") <= 1, "said twice")
        mark = "the line before"
        return "a: running" in kept[-2] and mark in lines and \
            kept[kept.index(mark):] == lines[lines.index(mark):]
    until("what came after the mark is all there", all_there, 30)
    reader.kill()
    reader.communicate()
