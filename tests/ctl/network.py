"""Switches and taps of guests, in a network namespace of the test's own."""

import json
import os
import shutil
import subprocess

from badinput import run_backend
from harness import Skip, check, need_kvm, need_root, until


class Net:
    """The namespace that the backend of a lab lives in."""

    def __init__(self, lab):
        need_root()
        if not os.path.exists("/dev/net/tun"):
            raise Skip("no /dev/net/tun")
        if shutil.which("ip") is None:
            raise Skip("no ip (iproute2)")
        made = subprocess.run(["unshare", "-n", "true"],
                              stderr=subprocess.DEVNULL)
        if made.returncode:
            raise Skip("no network namespace to be had")
        run_backend(lab, ["unshare", "-n"])
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
