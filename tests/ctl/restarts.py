"""restart =, and what the next backend knows of the ends of guests."""

import json
import os
import signal
import time

from harness import PROMPT, check, need_kvm, until


def running(lab, name):
    """Its status, once it runs."""
    return until(name + " runs", lambda: (
        lambda g: g["state"] == "running" and g["pid"] and g)(
            lab.status(name)), 30)


def crash(lab, name):
    """Kills it; its status as it was told when that was seen."""
    pid = running(lab, name)["pid"]
    wire = lab.wire()
    wire.ask("subscribe")
    os.kill(pid, signal.SIGKILL)
    while True:
        guest = wire.event("GUEST_STATE", 30)
        if guest["name"] == name and guest["state"] == "crashed":
            wire.sock.close()
            return guest


def ended(lab, name):
    return until("the end of " + name,
                 lambda: lab.status(name)["state"] in ("crashed", "stopped"))


def again(lab, name, count):
    """Its status, once it was started again so many times and runs."""
    return until("restart %d of %s" % (count, name), lambda: (
        lambda g: g["state"] == "running" and
        g["restarts"]["count"] == count and g)(lab.status(name)), 30)


def stop_backend(lab):
    pid = lab.backend()
    os.kill(pid, signal.SIGTERM)
    until("the backend's end", lambda: pid not in lab.processes(), 30)


def test_a_crashed_guest_starts_again_and_says_so(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure") + lab.guest("b"))
    lab.ok("start", "a", "b")
    guest = crash(lab, "a")
    check("starts again at" in guest["reason"], guest)
    crash(lab, "b")
    guest = again(lab, "a", 1)
    check(guest["reason"] == "", guest)
    check("SIGKILL" in guest["restarts"]["ends"][0]["reason"], guest)
    text = lab.ok("status", "a")
    check("\na is running since 20" in text, text)
    check("started again 1 time" in text and "signal 9 (SIGKILL)" in text,
          text)
    check(lab.status("b")["state"] == "crashed", "restart = no is the default")
    # Each time it takes longer.
    restarts = crash(lab, "a")["restarts"]
    check(restarts["next"] - restarts["ends"][1]["when"] == 2, restarts)


def test_another_policy_by_reload_counts_at_once(lab):
    need_kvm()
    lab.configure(lab.guest("a") + lab.guest("b", "restart = always"))
    lab.ok("start", "a", "b")
    pids = {name: running(lab, name)["pid"] for name in "ab"}
    lab.configure(lab.guest("a", "restart = on-failure") + lab.guest("b"))
    changes = json.loads(lab.ok("reload", "--json"))["changes"]
    check([(c["name"], c["keys"], c["restart"]) for c in changes] ==
          [("a", ["restart"], []), ("b", ["restart"], [])], changes)
    for name, policy in ("a", "on-failure"), ("b", "no"):
        guest = lab.status(name)
        check(guest["restarts"]["policy"] == policy, guest)
        check(guest["pid"] == pids[name], "the guest was started again")
    # The policy of the end is the one in the file then, not that of the start.
    guest = crash(lab, "b")
    check(guest["restarts"]["next"] == 0, guest)
    guest = crash(lab, "a")
    check(guest["restarts"]["next"] > 0 and
          "starts again at" in guest["reason"], guest)
    again(lab, "a", 1)
    check(lab.status("b")["state"] == "crashed", lab.status("b"))


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
    for _ in range(3):  # now it is a pause of 4 s
        guest = crash(lab, "a")
    lab.ok("stop", "a")
    stopped = lab.status("a")
    check(stopped["state"] == "crashed" and
          stopped["restarts"]["next"] == 0 and
          "again" not in stopped["reason"], stopped)
    until("the time of the restart is over",
          lambda: time.time() > guest["restarts"]["next"] + 1)
    lab.nothing_left()


def test_a_stop_is_forgotten_by_the_next_start_with_the_backend(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure\nenable = yes"))
    lab.ok("status")
    crash(lab, "a")
    again(lab, "a", 1)
    lab.ok("stop", "-f", "a")
    stop_backend(lab)
    lab.ok("status")
    guest = crash(lab, "a")
    check("starts again" in guest["reason"], guest)


def test_always_is_also_after_a_power_off(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = always") +
                  lab.guest("b", "restart = on-failure"))
    lab.ok("start", "a", "b")
    for name in "ab":
        lab.see(name, PROMPT)
        lab.see(name, b"poweroff", type=b"poweroff\r")
    ended(lab, "b")
    again(lab, "a", 1)
    check(lab.status("b")["state"] == "stopped")
    check(lab.status("b")["restarts"]["next"] == 0)


def test_a_first_start_that_fails_is_tried_again(lab):
    need_kvm()
    disk = lab.path("late.img")
    lab.configure(
        lab.guest("a", "enable = yes\nrestart = on-failure\ndisk = " + disk) +
        lab.guest("b", "enable = yes\nrestart = always\ndisk = " + disk) +
        lab.guest("c", "enable = yes\ndisk = " + disk))
    lab.ok("status")
    for name in "ab":
        guest = until("it was tried", lambda: (
            lambda g: "late.img" in g["reason"] and g)(lab.status(name)))
        check("starts again at" in guest["reason"] and
              guest["state"] == "stopped", guest)
    guest = until("it was tried", lambda: (
        lambda g: "late.img" in g["reason"] and g)(lab.status("c")))
    check("again" not in guest["reason"], guest)
    until("a second try", lambda: lab.status("a")["restarts"]["failed"] >= 2)
    check(len(lab.status("a")["restarts"]["ends"]) == 1, "the same, noted twice")
    check("not started" in lab.ok("status", "a"), lab.ok("status", "a"))
    # The next backend goes on with it.
    lab.kill_backend()
    check("starts again at" in lab.status("a")["reason"], lab.status("a"))
    lab.path("late.img", b"\0" * (1 << 20))
    # An image has one user: whoever comes second goes on trying.
    until("one runs", lambda: "running" in (
        lab.status("a")["state"], lab.status("b")["state"]), 40)
    name = "ab"[lab.status("b")["state"] == "running"]
    guest = lab.status(name)
    check(guest["restarts"]["failed"] == 0 and guest["restarts"]["count"] == 0,
          guest)
    check(lab.status("c")["state"] == "stopped")
    # A person can end the trying.
    other = "ba"["ab".index(name)]
    until("it waits", lambda: "again" in lab.status(other)["reason"])
    lab.ok("stop", other)
    check("again" not in lab.status(other)["reason"], lab.status(other))
    # A person's own start that fails is not tried again.
    lab.fails("start", "c")
    check("again" not in lab.status("c")["reason"], lab.status("c"))


def test_a_killed_backends_autostart_is_finished_by_the_next(lab):
    need_kvm()
    names = ["g%d" % n for n in range(4)]
    lab.configure("[vmtui]\nstart-parallel = 1\nstart-delay = 3\n" +
                  "".join(lab.guest(n, "enable = yes") for n in names))
    lab.ok("status")
    until("the first", lambda: lab.status("g0")["state"] == "running")
    lab.ok("stop", "-f", "g0")
    lab.kill_backend()
    check(lab.status("g0")["state"] == "stopped", "nobody wanted it")
    for name in names[1:]:
        until("the others", lambda: lab.status(name)["state"] == "running", 30)
    check(lab.status("g0")["state"] == "stopped", "nobody wanted it")
    until("it is done", lambda: not os.path.exists(
        os.path.join(lab.run_dir, "autostart")), 20)
    lab.ok("stop", "-f", "g1")
    lab.kill_backend()
    lab.ok("status")
    time.sleep(1)
    check(lab.status("g1")["state"] == "stopped", "it was started once more")


def test_too_many_crashes_are_the_last(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure"))
    lab.ok("start", "a")
    # The pauses are 1, 2, 4, 8 s: a person is quicker, and keeps the count.
    for n in range(5):
        if n > 0:
            lab.run("start", "a")
        guest = crash(lab, "a")
    check("5 times within 10 minutes" in guest["reason"] and
          guest["restarts"]["next"] == 0, guest)


def test_the_next_backend_knows_what_happened(lab):
    need_kvm()
    lab.configure(lab.guest("a", "restart = on-failure") + lab.guest("b") +
                  lab.guest("c") + lab.guest("d"))
    lab.ok("start", "a", "b", "c")
    lab.see("b", PROMPT)
    crash(lab, "a")
    since = crash(lab, "c")["since"]
    again(lab, "a", 1)
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
