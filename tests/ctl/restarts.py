"""restart =, and what the next backend knows of the ends of guests."""

import os
import signal
import time

from harness import PROMPT, check, need_kvm, until


def crash(lab, name):
    os.kill(lab.status(name)["pid"], signal.SIGKILL)


def ended(lab, name):
    return until("the end of " + name,
                 lambda: lab.status(name)["state"] in ("crashed", "stopped"))


def test_a_crashed_guest_starts_again_and_says_so(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure") + lab.guest("b"))
    lab.ok("start", "a", "b")
    crash(lab, "a")
    crash(lab, "b")
    ended(lab, "b")
    guest = lab.status("a")
    check(guest["state"] != "crashed" or "starts again at" in guest["reason"],
          guest)
    until("the restart", lambda: lab.status("a")["state"] == "running")
    guest = lab.status("a")
    check(guest["restarts"]["count"] == 1 and guest["reason"] == "", guest)
    check("SIGKILL" in guest["restarts"]["ends"][0]["reason"], guest)
    text = lab.ok("status", "a")
    check("started again 1 times" in text and "signal 9 (SIGKILL)" in text,
          text)
    check(lab.status("b")["state"] == "crashed", "restart = no is the default")
    # Each time it takes longer.
    crash(lab, "a")
    ended(lab, "a")
    restarts = lab.status("a")["restarts"]
    check(restarts["next"] - restarts["ends"][1]["when"] == 2, restarts)


def test_a_person_who_stops_a_guest_is_obeyed(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = always"))
    lab.ok("start", "a")
    lab.see("a", PROMPT)
    lab.ok("stop", "-w", "a")
    guest = lab.status("a")
    check(guest["state"] == "stopped" and guest["restarts"]["next"] == 0 and
          not guest["restarts"]["ends"], guest)
    lab.ok("start", "a")
    lab.ok("stop", "-f", "a")
    check(lab.status("a")["restarts"]["next"] == 0)
    # One that waits for its restart does not start any more.
    lab.ok("start", "a")
    crash(lab, "a")
    ended(lab, "a")
    lab.ok("stop", "a")
    guest = lab.status("a")
    check(guest["restarts"]["next"] == 0 and "again" not in guest["reason"],
          guest)
    time.sleep(1.5)
    lab.nothing_left()


def test_a_stop_is_forgotten_by_the_next_start_with_the_backend(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure\nenable = yes"))
    lab.ok("status")
    until("its start", lambda: lab.status("a")["state"] == "running")
    crash(lab, "a")
    until("the restart", lambda: lab.status("a")["restarts"]["count"] == 1 and
          lab.status("a")["state"] == "running")
    lab.ok("stop", "-f", "a")
    pid = lab.backend()
    os.kill(pid, signal.SIGTERM)
    until("the backend's end", lambda: pid not in lab.processes())
    lab.ok("status")
    until("its start", lambda: lab.status("a")["state"] == "running")
    crash(lab, "a")
    ended(lab, "a")
    check("starts again" in lab.status("a")["reason"], lab.status("a"))


def test_always_is_also_after_a_power_off(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = always") +
                  lab.guest("b", "restart = on-failure"))
    lab.ok("start", "a", "b")
    for name in "ab":
        lab.see(name, PROMPT)
        lab.see(name, b"poweroff", type=b"poweroff\r")
        ended(lab, name)
    until("the restart", lambda: lab.status("a")["state"] == "running")
    check(lab.status("b")["state"] == "stopped")
    check(lab.status("b")["restarts"]["next"] == 0)


def test_too_many_crashes_are_the_last(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure"))
    lab.ok("start", "a")
    # The pauses are 1, 2, 4, 8 s: a person is quicker, and keeps the count.
    for _ in range(5):
        if lab.status("a")["state"] == "crashed":
            lab.ok("start", "a")
        crash(lab, "a")
        ended(lab, "a")
    guest = lab.status("a")
    check("5 times within 10 minutes" in guest["reason"] and
          guest["restarts"]["next"] == 0, guest)


def test_the_next_backend_knows_what_happened(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure") + lab.guest("b") +
                  lab.guest("c") + lab.guest("d"))
    lab.ok("start", "a", "b", "c")
    lab.see("b", PROMPT)
    crash(lab, "a")
    crash(lab, "c")
    ended(lab, "c")
    since = lab.status("c")["since"]
    until("the restart", lambda: lab.status("a")["state"] == "running")
    lab.kill_backend()
    # Ends that nobody saw.
    pid = [p for p, argv in lab.processes().items()
           if argv[1:3] == [b"guest", b"b"]][0]
    os.kill(pid, signal.SIGKILL)
    until("its end", lambda: pid not in lab.processes())
    guest = lab.status("c")
    check(guest["state"] == "crashed" and "SIGKILL" in guest["reason"] and
          guest["since"] == since, guest)
    guest = lab.status("b")
    check(guest["state"] == "crashed" and "ended" in guest["reason"],
          guest)
    guest = lab.status("a")
    check(guest["state"] == "running" and guest["restarts"]["count"] == 1 and
          len(guest["restarts"]["ends"]) == 1, guest)
    check(lab.status("d")["state"] == "stopped" and
          lab.status("d")["reason"] == "")
