"""Commands beyond start and stop: numbers, reload, load, import, lists."""

import json
import os

from harness import KERNEL, Wire, check, need_kvm

VM_CONF = b"""switch "local" {
    add em0
    add tap0
}
vm "mv1" {
    memory 512M
    kernel "/bsd.rd"
    disk "/vmm/mv1.img"
    interface {
        switch "local"
        lladdr 00:20:91:00:00:01
    }
}
"""


def test_an_imported_vm_conf_passes_the_check(lab):
    lab.path("vm.conf", VM_CONF)
    text = lab.ok("import", "vm.conf")
    check("\n[vm mv1]\nmemory = 512M\nkernel = /bsd.rd\n" in text, text)
    lab.ok("import", "-o", "new.conf", "vm.conf")
    check("guests: 1, switches: 1" in lab.ok("check", "new.conf"))
    with open(lab.path("new.conf")) as f:
        check(f.read() == text)
    check("exists" in lab.fails("import", "-o", "new.conf", "vm.conf"))
    check(not os.path.exists(lab.run_dir), "import started a backend")


def test_a_bad_vm_conf_is_not_half_imported(lab):
    lab.path("vm.conf", b"vm a {\nmemmory 5\n}\nvm b {\n")
    result = lab.run("import", "-o", "new.conf", "vm.conf")
    check(result.status == 1)
    lines = result.err.splitlines()
    check(lines[0] == 'vm.conf:2: a guest has no "memmory" (did you mean '
          '"memory"?)' and lines[1].startswith("vm.conf:4:"), lines)
    check(not os.path.exists(lab.path("new.conf")))


def test_guests_go_by_numbers_that_stay(lab):
    lab.configure(lab.guest("b") + lab.guest("a"))
    ids = {g["name"]: g["id"] for g in lab.status()["guests"]}
    check(sorted(ids.values()) == [1, 2], ids)
    check(lab.status(str(ids["a"]))["name"] == "a")
    check("number 7" in lab.fails("status", "7"))
    check("number 1x" in lab.fails("status", "1x"))
    lab.configure(lab.guest("a") + lab.guest("c"))
    again = {g["name"]: g["id"] for g in lab.status()["guests"]}
    check(again == {"a": ids["a"], "c": 3}, again)
    lab.kill_backend()
    lab.configure(lab.guest("c") + lab.guest("b") + lab.guest("a"))
    after = {g["name"]: g["id"] for g in lab.status()["guests"]}
    check(after == {"a": ids["a"], "b": ids["b"], "c": 3}, after)


def test_a_guest_is_started_and_stopped_by_number(lab):
    need_kvm()
    lab.configure(lab.guest("a"))
    lab.ok("start", "1")
    check(lab.status("1")["state"] == "running")
    lab.ok("reset", "1")
    lab.ok("stop", "-f", "1")
    check(lab.status("a")["state"] == "stopped")
    lab.nothing_left()


def test_broken_numbers_are_begun_anew(lab):
    lab.configure(lab.guest("a"))
    os.makedirs(lab.run_dir, mode=0o700)
    for text in ("[]", "{", '{"a": -1, "x": "y", "z": 99999999999}'):
        with open(os.path.join(lab.run_dir, "numbers"), "w") as f:
            f.write(text)
        check(lab.status("a")["id"] == 1)
        lab.kill_backend()


def test_reload_says_what_changed(lab):
    lab.configure(lab.guest("a") + lab.guest("b"))
    lab.status()
    check(lab.ok("reload") == "nothing changed\n")
    lab.configure(lab.guest("a", "cpus = 2\nenable = no") + lab.guest("c") +
                  "[switch s]\nadd = foo0\n[vmtui]\nstart-delay = 3\n")
    lab.status()  # reads the file as well
    out = lab.ok("reload")
    check(out.splitlines() == ["[vmtui]: start-delay changed",
                               "switch s: added", "guest b: removed",
                               "guest a: cpus changed", "guest c: added"], out)
    check(lab.ok("reload") == "nothing changed\n")
    lab.configure("[vm a]\nmemroy = 3\n")
    result = lab.run("reload")
    check(result.status == 1 and ":2: " in result.err, result.err)
    data = json.loads(lab.run("reload", "--json").out)
    check(data["changes"] == [] and len(data["mistakes"]) == 1, data)


def test_reload_says_who_must_restart(lab):
    need_kvm()
    lab.configure(lab.guest("a") + lab.guest("b"))
    lab.ok("start", "a", "b")
    lab.configure(lab.guest("a", memory="33M", extra="restart = always") +
                  lab.guest("b", "restart = always\nallow = title,clipboard"))
    data = json.loads(lab.ok("reload", "--json"))
    check([(c["name"], c["keys"], c["restart"]) for c in data["changes"]] ==
          [("a", ["memory", "restart"], ["a"]), ("b", ["restart", "allow"], [])], data)
    # What applies at once is there at once.
    check(lab.status("a")["allow"] == [], lab.status("a"))
    check(lab.status("b")["allow"] == ["title", "clipboard"], lab.status("b"))
    lab.configure(lab.guest("b"))
    out = lab.ok("reload")
    check("guest a: removed\n    a still runs without it\n" in out, out)
    lab.ok("stop", "-f", "a", "b")


def test_load_changes_to_another_file(lab):
    lab.configure(lab.guest("a"))
    lab.status()
    lab.path("other.conf", lab.guest("x").encode())
    out = lab.ok("load", "other.conf")
    check(out == "guest a: removed\nguest x: added\n", out)
    data = lab.status()
    check([g["name"] for g in data["guests"]] == ["x"], data)
    check(data["config"]["path"] == lab.path("other.conf"), data)
    lab.path("bad.conf", b"[vm y]\nmemroy = 1\n")
    result = lab.run("load", "bad.conf")
    check(result.status == 1 and "bad.conf:2:" in result.err, result.err)
    check(lab.status("x")["name"] == "x")
    check("No such file" in lab.fails("load", "none.conf"))
    check("absolute" in lab.wire().ask("load", path="x")["error"]["desc"])
    check("absolute" in lab.wire().ask("load")["error"]["desc"])


def test_reset_of_all_guests(lab):
    need_kvm()
    lab.configure(lab.guest("a") + lab.guest("b"))
    lab.ok("start", "a")
    lab.ok("reset", "vms")
    lab.configure(lab.guest("a") + lab.guest("vms"))
    check("guest called vms" in lab.fails("reset", "vms"))
    lab.ok("stop", "-f", "a")


def test_names_are_listed_without_a_backend(lab):
    lab.configure(lab.guest("web1") + lab.guest("db"))
    check(lab.ok("status", "--names") == "web1\ndb\n")
    check(not os.path.exists(os.path.join(lab.run_dir, "backend.sock")))
    lab.status()
    check(lab.ok("status", "--names") == "db\nweb1\n")
    lab.configure("[vm")
    lab.kill_backend()
    check(lab.ok("status", "--names") == "")


def test_lists_fit_80_columns(lab):
    name = "a" * 32
    lab.configure(lab.guest(name) + lab.guest("b", kernel="/" + "x" * 60) +
                  "[switch %s]\ninterface = abcdefghijklmno\n" % name)
    lab.run("start", "b")
    for command in (["status"], ["show"], ["status", name], ["switches"]):
        for line in lab.ok(*command).splitlines():
            check(len(line) <= 80 and line == line.rstrip(), repr(line))
    check(name in lab.ok("status"))
    data = json.loads(lab.ok("switches", "--json"))
    check([s["name"] for s in data["switches"]] == [name], data)


def test_what_is_booted_first_can_be_chosen(lab):
    lab.status()
    err = lab.fails("start", "-B", "nte", "x")
    check("boot = nte: write disk, cdrom or net" in err, err)
    err = lab.fails("start", "-B", "net", "x")
    check("has no interface" in err, err)
    err = lab.fails("start", "-B", "cdrom", "-d", "/x.img", "x")
    check("boots from its CD-ROM and has none" in err, err)
    need_kvm()
    # What is told to a kernel that asks; the others start as ever.
    for device in ("disk", "net"):
        lab.ok("start", "-B", device, "-i", "1", "-b", KERNEL, "-m", "32M",
               device)
        wire = Wire(os.path.join(lab.run_dir, "guests", device + ".sock"))
        spec = wire.ask("status")["return"]["spec"]
        check(spec["boot"] == ["disk", "cdrom", "net"].index(device), spec)
    lab.ok("stop", "-f", "disk", "net")
