"""Switches and taps of guests, in a network namespace of the test's own."""

import json
import os
import shutil
import subprocess
import sys

from badinput import run_backend
from harness import Skip, check, need_kvm, need_root, until


class Net:
    """The namespace that the backend of a lab lives in."""

    def __init__(self, lab, prefix=("unshare", "-n")):
        need_root()
        if not os.path.exists("/dev/net/tun"):
            raise Skip("no /dev/net/tun")
        if shutil.which("ip") is None:
            raise Skip("no ip (iproute2)")
        made = subprocess.run(["unshare", "-n", "true"],
                              stderr=subprocess.DEVNULL)
        if made.returncode:
            raise Skip("no network namespace to be had")
        run_backend(lab, list(prefix))
        self.pid = lab.backend()

    def ip(self, *args):
        return subprocess.run(
            ["nsenter", "-t", str(self.pid), "-n", "ip"] + list(args),
            check=True, capture_output=True).stdout

    def uplink(self, name):
        """An interface as good as a card: every kernel with tap has it."""
        self.ip("tuntap", "add", "dev", name, "mode", "tap")

    def links(self):
        """Interfaces but lo, with the bridge each is a port of."""
        return {link["ifname"]: link.get("master")
                for link in json.loads(self.ip("-j", "link"))
                if link["ifname"] != "lo"}


def test_a_guests_tap_joins_its_switch_and_goes(lab):
    need_kvm()
    net = Net(lab)
    net.uplink("up0")
    lab.configure("[switch local]\nadd = up0\n" +
                  lab.guest("a", "interface = switch=local") +
                  lab.guest("b", "interface = switch=local"))
    lab.ok("start", "a", "b")
    links = net.links()
    bridge = links["up0"]
    check(bridge is not None and len(links) == 4, links)
    taps = [n for n in links if n not in ("up0", bridge)]
    check(all(links[tap] == bridge for tap in taps), links)
    nic = lab.status("a")["nics"][0]
    check(nic["tap"] in taps and nic["switch"] == "local", nic)
    switches = lab.wire().ask("switches")["return"]["switches"]
    check(switches[0]["state"] == "up" and
          sorted(switches[0]["members"]) == sorted(taps + ["up0"]), switches)
    lab.ok("stop", "-f", "a")
    check(len(net.links()) == 3, net.links())
    lab.ok("stop", "-f", "b")
    check(net.links() == {"up0": bridge, bridge: None}, net.links())


def test_taps_of_a_switch_are_for_its_guests(lab):
    need_kvm()
    net = Net(lab)
    net.uplink("tap7")
    lab.configure("[switch local]\nadd = tap7\nadd = tap0\nadd = tap1\n" +
                  "".join(lab.guest(n, "interface = switch=local")
                          for n in "abc") +
                  lab.guest("d", "interface = switch=local, tap=tap1"))
    lab.ok("start", "a", "d")
    lab.ok("start", "b", "c")
    taps = {n: lab.status(n)["nics"][0]["tap"] for n in "abcd"}
    check(taps["a"] == "tap0" and taps["d"] == "tap1", taps)
    check(taps["b"].startswith("v") and taps["c"].startswith("v"), taps)
    links = net.links()
    bridge = links["tap7"]
    check(bridge and all(links[t] == bridge for t in taps.values()), links)
    lab.ok("stop", "-f", "-a")
    check(net.links() == {"tap7": bridge, bridge: None}, net.links())
    lab.ok("start", "c")
    check(lab.status("c")["nics"][0]["tap"] == "tap0")


def test_a_missing_uplink_leaves_no_bridge(lab):
    need_kvm()
    net = Net(lab)
    net.uplink("em1")
    net.uplink("up0")
    lab.configure("[switch local]\nadd = up0\nadd = em0\n" +
                  lab.guest("a", "interface = switch=local"))
    err = lab.fails("start", "a")
    check("em0" in err and "vmtui.conf:3" in err, err)
    check(net.links() == {"em1": None, "up0": None}, net.links())
    lab.nothing_left()


def test_a_tap_that_cannot_be_had_leaves_no_bridge(lab):
    need_kvm()
    net = Net(lab)
    net.ip("link", "add", "tap7", "type", "bridge")
    net.uplink("up0")
    lab.configure("[switch one]\n[switch two]\nadd = up0\n" +
                  lab.guest("a", "interface = switch=one\n"
                                 "interface = switch=two, tap=tap7"))
    err = lab.fails("start", "a")
    check("tap7" in err, err)
    check(net.links() == {"tap7": None, "up0": None}, net.links())
    lab.nothing_left()


def test_a_bridge_of_others_is_used_and_stays(lab):
    need_kvm()
    net = Net(lab)
    net.ip("link", "add", "br7", "type", "bridge")
    net.ip("tuntap", "add", "dev", "tap7", "mode", "tap")
    lab.configure("[switch local]\ninterface = br7\n" +
                  lab.guest("a", "interface = switch=local, tap=tap7"))
    lab.ok("start", "a")
    check(net.links() == {"br7": None, "tap7": "br7"}, net.links())
    lab.ok("stop", "-f", "a")
    check(net.links() == {"br7": None, "tap7": None}, net.links())


def test_bridges_go_with_the_backends_orderly_end(lab):
    need_kvm()
    net = Net(lab)
    holder = subprocess.Popen(["nsenter", "-t", str(net.pid), "-n", "sleep",
                               "60"])
    try:
        net.uplink("up0")
        lab.configure("[switch local]\nadd = up0\n" +
                      lab.guest("a", "interface = switch=local"))
        lab.ok("start", "a")
        os.kill(net.pid, 15)
        old, net.pid = net.pid, holder.pid
        os.kill(old, 15)
        until("the end", lambda: old not in lab.processes())
        check(net.links() == {"up0": None}, net.links())
    finally:
        holder.kill()
        holder.wait()


# Plays a guest that lies: from another queue of its tap, sends a frame from a
# forged source and one from its own until the latter comes out at up0, whose
# descriptor it has; says whether the forged one did too. Both ways are the
# same, so that what is sent first comes first.
LIAR = """
import fcntl, os, select, struct, sys, time

def tap(name, flags):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH22x", name, flags))
    return fd

def frame(source, mark):
    return (bytes(12) + b"\\xff" * 6 + source + b"\\x88\\xb5" +
            bytes([mark]) + bytes(45))

TAP, NO_PI, VNET_HDR, MULTI = 2, 0x1000, 0x4000, 0x100
guest = tap(b"tap7", TAP | NO_PI | VNET_HDR | MULTI)
up = tap(b"up0", TAP | NO_PI)
own, forged = bytes.fromhex(sys.argv[1]), bytes.fromhex("020000000099")
end = time.monotonic() + 30
came = set()
# The first ones may go before the bridge knows that somebody is there.
while time.monotonic() < end and not {1, 3} <= came:
    mark = 2 if 1 in came else 0
    if mark:
        os.write(guest, frame(forged, mark))
    os.write(guest, frame(own, mark + 1))
    while select.select([up], [], [], 0.2)[0]:
        data = os.read(up, 2048)
        if data[12:14] == b"\\x88\\xb5":
            came.add(data[14])
print("both" if 2 in came else "own" if 3 in came else "none")
"""


class Locked(Net):
    """A guest "a" whose tap leads to up0."""

    OWN = "02:00:00:00:00:01"

    def __init__(self, lab):
        need_kvm()
        super().__init__(lab)
        self.lab = lab
        self.holder = subprocess.Popen(
            ["nsenter", "-t", str(self.pid), "-n", "sleep", "600"])
        self.ip("link", "add", "br7", "type", "bridge")
        self.uplink("probe")
        self.ip("link", "set", "probe", "master", "br7")
        if self.port("probe").get("locked") is None:
            self.end()
            raise Skip("this kernel or ip cannot lock a port of a bridge")
        self.ip("link", "del", "probe")
        self.ip("link", "del", "br7")
        self.uplink("up0")
        self.ip("tuntap", "add", "dev", "tap7", "mode", "tap", "multi_queue")

    def end(self):
        self.holder.kill()
        self.holder.wait()

    def port(self, name):
        link, = json.loads(self.ip("-d", "-j", "link", "show", "dev", name))
        return link.get("linkinfo", {}).get("info_slave_data", {})

    def define(self, nic="", switch="", tap="tap=tap7"):
        self.lab.configure(
            "[switch local]\nadd = up0\n" + switch + "\n" + self.lab.guest(
                "a", "interface = switch=local, %s, lladdr=%s%s" %
                (tap, self.OWN, nic)))

    def passes(self):
        return subprocess.run(
            ["nsenter", "-t", str(self.holder.pid), "-n", sys.executable,
             "-c", LIAR, self.OWN.replace(":", "")],
            check=True, capture_output=True, text=True).stdout.strip()

    def holds(self, locked):
        nic = self.lab.status("a")["nics"][0]
        check(nic["locked"] is locked, nic)
        check(self.passes() == ("own" if locked else "both"), locked)


def test_a_locked_interface_sends_from_its_own_address_only(lab):
    net = Locked(lab)
    try:
        net.define(", locked")
        lab.ok("start", "a")
        net.holds(True)

        def reload(*words):
            net.define(*words)
            text = lab.ok("reload")
            check("restart" not in text, text)

        reload("")
        net.holds(False)
        reload(", locked")
        net.holds(True)
        reload(", locked", "locked = yes")
        reload("", "locked = yes")
        net.holds(True)
        reload("", "")
        net.holds(False)
        # With something else it is for the next start.
        net.define(", locked", tap="tap=tap8")
        text = lab.ok("reload")
        check("needs a restart of a" in text, text)
        check(lab.status("a")["nics"][0]["locked"] is False)
        # Nor is what runs taken for what is defined meanwhile.
        net.define(tap="tap=tap8")
        net.define(", locked", tap="tap=tap8")
        lab.ok("reload")
        net.define("", tap="tap=tap8")
        lab.ok("reload")
        net.define(", locked", tap="tap=tap8")
        text = lab.ok("reload")
        check("with its next start" in text, text)
        net.holds(False)
    finally:
        net.end()


def test_the_next_backend_keeps_a_locked_interface_right(lab):
    net = Locked(lab)
    try:
        net.define(", locked")
        lab.ok("start", "a")
        net.holds(True)
        for nic, locked in ((", locked", True), ("", False),
                            (", locked", True)):
            lab.kill_backend()
            net.define(nic)
            run_backend(lab, ["nsenter", "-t", str(net.holder.pid), "-n"])
            until("the adoption", lambda:
                  lab.status("a")["state"] == "running" and
                  lab.status("a")["reason"] == "")
            net.holds(locked)
        # A tap that stays is nobody's when its guest is gone.
        net.pid = net.holder.pid
        net.ip("link", "set", "tap7", "nomaster")
        net.ip("link", "set", "tap7", "master", net.links()["up0"])
        lab.ok("reset", "switches")
        net.holds(True)
        lab.ok("stop", "-f", "a")
        check(not net.port("tap7").get("locked"), net.port("tap7"))
    finally:
        net.end()


def test_a_locked_interface_that_cannot_be_is_refused(lab):
    net = Locked(lab)
    net.end()
    switch = "[switch one]\nlocked = yes\n"

    def on(name, number):
        return lab.guest(name, "interface = switch=one, "
                               "lladdr=02:00:00:00:00:0%d" % number)

    lab.configure(switch + on("b", 1) +
                  lab.guest("a", "interface = tap=tap8, locked"))
    links = net.links()
    err = lab.fails("start", "a")
    check("switch=NAME" in err, err)
    check(net.links() == links, net.links())
    lab.ok("start", "b")
    links = net.links()
    # What runs has its address until it ends, whatever its definition says.
    lab.configure(switch + on("b", 2) + on("c", 1))
    lab.ok("reload")
    err = lab.fails("start", "c")
    check("is that of b" in err and "leave lladdr= out" in err, err)
    check(net.links() == links, net.links())
    lab.ok("stop", "-f", "b")
    lab.ok("start", "c")
    check(lab.status("c")["nics"][0]["locked"] is True)


def test_switches_with_keys_of_later_versions_are_refused(lab):
    need_kvm()
    net = Net(lab)
    lab.configure("[switch off]\nenable = no\n[switch nat]\nnat = yes\n"
                  "address = 10.0.0.1/24\n" +
                  lab.guest("a", "interface = switch=off") +
                  lab.guest("b", "interface = switch=nat"))
    check("enable = yes" in lab.fails("start", "a"))
    check("later version" in lab.fails("start", "b"))
    check(net.links() == {}, net.links())
    lab.nothing_left()
