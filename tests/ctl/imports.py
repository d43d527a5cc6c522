"""vm.conf(5) as people have it: what import makes of it starts."""

import os
import subprocess

from badinput import run_backend
from harness import KERNEL, Skip, check, need_kvm, need_root

# The file of 2017, from which this project grew, and as it is written today.
OLD = b"""switch "local" {
    add em0
    add tap0
    add tap1
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
NEW = b"""switch "local" {
    interface bridge0
}
vm "mv1" {
    memory 512M
    boot "/bsd.rd"
    disk "/vmm/mv1.img"
    interface tap {
        switch "local"
        lladdr 00:20:91:00:00:01
    }
}
"""
# A root of its own, so that /bsd.rd can be there, and a network.
INSIDE = r"""
set -e
root=$1 kernel=$2
shift 2
mount -t tmpfs none "$root"
for d in /*; do
	if [ -L "$d" ]; then
		cp -d "$d" "$root$d"
	elif [ -d "$d" ]; then
		mkdir "$root$d"
		mount --rbind "$d" "$root$d"
	fi
done
cp "$kernel" "$root/bsd.rd"
mkdir "$root/vmm"
truncate -s 8M "$root/vmm/mv1.img"
ip tuntap add dev em0 mode tap
exec chroot "$root" "$@"
"""


# Whole files, and what they become, comments left out. "@" is a guest's
# folder, where the files that are included stand as well.
STOCK = {
    "a guest in a few words": (
        'vm "a" { disk "/d" }', "[vm a] disk = /d"),
    "macros, also of several words": (
        'ram = "1G"\nroot="/vm/root.img"\nlan_nic = "interface { switch lan }"\n'
        'switch "lan" { interface veb0 }\n'
        'vm "a" {\n\tmemory $ram\n\tdisk $root\n\t$lan_nic\n}\n',
        "[switch lan] interface = veb0 [vm a] memory = 1G "
        "disk = /vm/root.img interface = switch=lan"),
    "an include, with a macro for it": (
        'kernel_path = "/bsd.rd"\ninclude "@/guests.conf"\n',
        "[vm inside] kernel = /bsd.rd memory = 64M"),
    "instances of instances": (
        'vm "t" { memory 1G\n boot "/bsd"\n disable }\n'
        'vm "t" instance "u" { memory 2G }\n'
        'vm "u" instance "w" { disk "/w.img" }\n',
        "[vm t] memory = 1G kernel = /bsd enable = no "
        "[vm u] instance-of = t memory = 2G "
        "[vm w] instance-of = u disk = /w.img"),
    "local interfaces beside others": (
        'switch s { interface bridge3 add em1 }\n'
        'vm "a" {\n  boot /bsd\n  local interface\n'
        '  interface tap2 { switch s\n locked lladdr 02:11:22:33:44:55 }\n}',
        "[switch s] interface = bridge3 add = em1 "
        "[vm a] kernel = /bsd interface = local "
        "interface = switch=s, lladdr=02:11:22:33:44:55, locked, tap=tap2"),
    "a switch that is locked, in a group and a routing domain": (
        'switch "s" {\n interface switch0\n locked lladdr\n group dmz\n'
        ' rdomain 4\n disable\n}\nvm a { boot /k }',
        "[switch s] interface = switch0 locked = yes enable = no "
        "[vm a] kernel = /k"),
    "owners of every form": (
        "vm a { boot /k owner joe }\nvm b { boot /k owner joe:staff }\n"
        "vm c { boot /k owner :staff }\nvm d { boot /k owner 1000 }\n"
        "vm e { boot /k owner 1000:1000 }",
        "[vm a] kernel = /k owner = joe [vm b] kernel = /k owner = joe:staff "
        "[vm c] kernel = /k owner = :staff [vm d] kernel = /k owner = 1000 "
        "[vm e] kernel = /k owner = 1000:1000"),
    "disks with and without a format, and where to boot from": (
        'vm a {\n disk "/a.qcow2" format qcow2\n disk /b.img format "raw"\n'
        ' disk \'/with a space.img\'\n cdrom "/install.iso"\n'
        ' boot device cdrom\n}',
        "[vm a] disk = /a.qcow2, format=qcow2 disk = /b.img, format=raw "
        'disk = "/with a space.img" cdrom = /install.iso boot = cdrom'),
    "booted from the network": (
        'switch s {}\nvm a { boot "/bsd.rd" boot device net\n'
        'interface { switch s } }',
        "[switch s] [vm a] kernel = /bsd.rd boot = net interface = switch=s"),
    "comments, long lines, line ends of another system": (
        '# vm x {\r\nvm a { # }\r\n\tboot \\\r\n\t\t"/bsd" # "\r\n'
        '\tmemory \\\r\n 96M\r\n}\r\n# the end \\\r\n vm y { }',
        "[vm a] kernel = /bsd memory = 96M"),
    "sizes": (
        "vm a { memory 1536M disk /d }\nvm b { memory 2G disk /d }\n"
        "vm c { memory 67108864 disk /d }\nvm d { memory 1.5g disk /d }\n"
        "vm e { memory 131072K disk /d }",
        "[vm a] memory = 1536M disk = /d [vm b] memory = 2G disk = /d "
        "[vm c] memory = 64M disk = /d [vm d] memory = 1536M disk = /d "
        "[vm e] memory = 128M disk = /d"),
    "settings of all": (
        'socket owner root:vmusers\nstaggered start parallel 2 delay 45\n'
        'local inet prefix 100.64.0.0/10\nlocal inet6\n'
        'agentx path "/var/agentx/sock"\nvm a { boot /k enable }',
        "[vmtui] group = vmusers start-parallel = 2 start-delay = 45 "
        "[vm a] kernel = /k enable = yes"),
}


def test_a_stock_of_vm_confs_becomes_what_it_says(lab):
    lab.path("guests.conf", b"vm inside { boot $kernel_path memory 64M }\n")
    for what, (text, want) in STOCK.items():
        lab.path("vm.conf", text.replace("@", lab.dir).encode())
        out = lab.ok("import", "vm.conf")
        got = " ".join(line for line in out.split("\n")
                       if line and not line.startswith("#"))
        check(got == want, what, "\n", got, "\n", want)
        lab.path("new.conf", out.encode())
        lab.ok("check", "new.conf")


def test_what_has_no_counterpart_is_said_in_a_comment(lab):
    lab.path("vm.conf", b"local inet6\nagentx\nswitch s { rdomain 4 group g }\n"
             b"vm a { boot /k sev\ninterface { rdomain 1 group h }\n"
             b"allow instance { owner joe }\n}\n")
    out = lab.ok("import", "vm.conf")
    for words in ("local inet6", "agentx", "rdomain 4", "group g", "sev",
                  "interface rdomain 1", "interface group h",
                  "allow instance"):
        check("# vm.conf: " + words in out, words, out)
    check(all(len(line) <= 80 for line in out.split("\n")), out)


def test_the_vm_conf_of_the_issue_starts_in_both_spellings(lab):
    need_kvm()
    need_root()
    if subprocess.run(["unshare", "-m", "-n", "true"],
                      stderr=subprocess.DEVNULL).returncode:
        raise Skip("no namespaces to be had")
    os.mkdir(lab.path("root"))
    for name, text in (("old", OLD), ("new", NEW)):
        lab.path(name + ".vm.conf", text)
        lab.ok("import", "-o", name + ".conf", name + ".vm.conf")
        lab.ok("check", name + ".conf")
    script = ["unshare", "-m", "-n", "bash", "-c", INSIDE, "bash",
              lab.path("root"), KERNEL]
    run_backend(lab, script)
    for name in ("old", "new"):
        lab.ok("load", name + ".conf")
        lab.ok("start", "mv1")
        lab.see("mv1", b"512 MiB: 1 cpu, 1 disk, 1 network card", b"vmtui> ")
        lab.see("mv1", b"00:20:91:00:00:01", type=b"info\r")
        guest = lab.status("mv1")
        check(guest["kernel"] == "/bsd.rd" and guest["memory"] == 512 << 20 and
              guest["disks"][0]["path"] == "/vmm/mv1.img" and
              guest["nics"][0]["switch"] == "local", guest)
        # As vmd, which plugs a guest in by the next tap that is free.
        check((guest["nics"][0]["tap"] == "tap0") == (name == "old"), guest)
        switch = lab.wire().ask("switches")["return"]["switches"][0]
        check(switch["state"] == "up" and
              guest["nics"][0]["tap"] in switch["members"], switch)
        check(name == "new" or "em0" in switch["members"], switch)
        check(name == "old" or switch["interface"] == "bridge0", switch)
        lab.ok("stop", "-f", "mv1")
