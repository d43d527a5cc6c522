"""Memory that guests give back: by hand, and when the host runs low."""

import os

from harness import check, need_kvm, until

MIB = 1 << 20


def meminfo(lab, available):
    """The host has 1 GiB, and so many MiB of it available."""
    new = lab.path("meminfo.new", b"MemTotal:        1048576 kB\n"
                   b"MemFree:           1000 kB\n"
                   b"MemAvailable: %d kB\n" % (available << 10))
    os.rename(new, lab.path("meminfo"))


def balloon(lab, name, **wanted):
    return until("%s with %s" % (name, wanted), lambda: (
        lambda b: b and all(b.get(k) == v for k, v in wanted.items()) and b)(
            lab.status(name).get("balloon")), 20)


def start(lab):
    need_kvm()
    meminfo(lab, 512)
    lab.env["VMTUI_TEST_MEMINFO"] = lab.path("meminfo")
    lab.configure(lab.guest("a", "balloon = yes", memory="128M") +
                  lab.guest("b", memory="128M"))
    lab.ok("start", "a", "b")
    lab.see("a", b"vmtui> ")
    balloon(lab, "a", driver=True, limit=128 * MIB, size=128 * MIB, wanted=0)


def test_memory_goes_back_to_a_host_that_runs_low(lab):
    start(lab)
    meminfo(lab, 10)
    now = until("a lower limit", lambda: (
        lambda b: b["limit"] < 128 * MIB and b)(lab.status("a")["balloon"]),
        20)
    check(now["limit"] == 64 * MIB and now["wanted"] == 64 * MIB, now)
    check(now["size"] == 128 * MIB, now)
    check("balloon" not in lab.status("b"))
    text = lab.ok("status", "a")
    check("runs low" in text and "on its way to 64M" in text, text)
    check("asked to give some back" in lab.ok("log"))
    # It outlives the backend.
    lab.kill_backend()
    check(balloon(lab, "a", limit=64 * MIB)["wanted"] == 64 * MIB)
    lab.see("a", b"ok: the host has", type=b"balloon\r")
    balloon(lab, "a", taken=64 * MIB)
    check(" BACK " in lab.ok("status"), "no column")
    # The backend after it has seen it as well.
    until("a second line", lambda: lab.ok("log").count(
        "asked to give some back") == 2, 20)
    meminfo(lab, 600)
    balloon(lab, "a", limit=128 * MIB, wanted=0)
    check("of memory again" in lab.ok("log"))


def test_memory_that_a_person_took_is_not_taken_twice(lab):
    start(lab)
    lab.ok("balloon", "a", "32M")
    now = balloon(lab, "a", size=32 * MIB)
    check(now["wanted"] == 96 * MIB and now["limit"] == 128 * MIB, now)
    meminfo(lab, 10)
    until("it is told", lambda: "asked to give some back" in lab.ok("log"))
    check(lab.status("a")["balloon"]["limit"] == 128 * MIB, "taken twice")
    lab.ok("balloon", "a", "128M")
    balloon(lab, "a", size=128 * MIB)


def test_memory_sizes_that_cannot_be_are_refused(lab):
    start(lab)
    for size in (-1, 0, 1 << 62, "64M", None, 1.5):
        wire = lab.wire()
        answer = wire.ask("balloon", name="a", size=size)
        check("error" in answer, size, answer)
    check("error" in lab.wire().ask("balloon", name="a"))
    # The host's limit is not for clients.
    lab.wire().ask("balloon", name="a", size=128 * MIB, limit=64 * MIB)
    check(balloon(lab, "a")["limit"] == 128 * MIB)
