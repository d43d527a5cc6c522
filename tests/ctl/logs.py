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
    # Not said twice: once what was there before it was made shorter is out,
    # what comes now is at its end.
    for command, word in (("pause", "a: paused"), ("unpause", "a: running")):
        if lab.run(command, "a").status != 0:
            continue

        def at_the_end():
            with open(out) as f:
                return word in f.read().rstrip().rsplit("\n", 1)[-1]
        until("%s is followed" % word, at_the_end, 30)
    with open(out) as f:
        lines = f.read().split("\n")
    reader.kill()
    reader.communicate()
    at = lines.index("the line before")
    check(lines.count("the line before") == 1, "said twice")
    with open(path) as f:
        kept = f.read().split("\n")
    check(kept[kept.index("the line before"):] == lines[at:],
          "what came after it is not all there")
