"""
Two guests on a switch, and what is beyond it; booting from it by iPXE. The
host's kernel moves the frames of the first; those of the second its process
does.
"""

import json
import os
import socket
import struct
import subprocess
import threading

from linux import Failure, Skip

ROM = "/usr/lib/ipxe/qemu/pxe-virtio.rom"
BOOT_LIMIT = 600
SCRIPT = b"#!ipxe\necho this came over the ${net0/ip} network\nprompt\n"

CONFIG = """
[switch lan]
interface = riglan
add = uplink

[vm one]
memory = 192M
cpus = 2
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=one
interface = switch=lan, lladdr=00:20:91:00:00:01

[vm two]
memory = 192M
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=two
interface = switch=lan, lladdr=00:20:91:00:00:02, vhost=no

[vm net]
memory = 64M
boot = net
interface = switch=lan, lladdr=00:20:91:00:00:07
"""

UPLINK = """
ip link add uplink type veth peer name beyond
ip link set uplink up
ip addr add 10.9.0.9/24 dev beyond
ip link set beyond up
"""


def ports():
    return sorted(os.listdir("/sys/class/net/riglan/brif"))


def prepare(_lab):
    subprocess.run(["bash", "-ec", UPLINK], check=True)


def test_boot(lab):
    """two guests with a card on a switch boot"""
    for name in ("one", "two"):
        lab.launch(name)
    for name, address in (("one", "10.9.0.1"), ("two", "10.9.0.2")):
        console = lab.consoles[name]
        console.login()
        console.sh(f"ip addr add {address}/24 dev eth0; ip link set eth0 up")


def test_vhost(lab):
    """a card is the host's vhost-net's, unless it says vhost=no"""
    for name, theirs in (("one", True), ("two", False)):
        if lab.status(name)["nics"][0]["vhost"] != theirs:
            raise Failure(f"{name}: " + json.dumps(lab.status(name)))


def test_lladdr(lab):
    """a card has the address that the configuration gives it"""
    lab.consoles["one"].want("cat /sys/class/net/eth0/address",
                             r"^00:20:91:00:00:01$")


def test_ping(lab):
    """two guests ping each other through the switch"""
    lab.consoles["one"].want("ping -c 3 -W 30 10.9.0.2", r" 3 packets received")
    lab.consoles["two"].want("ping -c 3 -W 30 10.9.0.1", r" 3 packets received")


def test_full_frames(lab):
    """frames of full size and in fragments get through"""
    for size in (1472, 9000):
        lab.consoles["one"].want(f"ping -c 3 -W 30 -s {size} 10.9.0.2",
                                 r" 3 packets received")


def test_stream(lab):
    """a megabyte over TCP arrives as it was sent, either way"""
    for here, there, address in (("one", "two", "10.9.0.2"),
                                 ("two", "one", "10.9.0.1")):
        client, server = lab.consoles[here], lab.consoles[there]
        server.sh("dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>&1")
        server.sh("httpd -p 99 -h /tmp")
        total = server.want("md5sum /tmp/data", r"^([0-9a-f]{32})")[1]
        client.sh(f"wget -q -O /tmp/got http://{address}:99/data")
        client.want("wc -c </tmp/got", r"^1048576$")
        client.want("md5sum /tmp/got", total)


def test_address(lab):
    """a guest that changes its address is heard under the new one"""
    one = lab.consoles["one"]
    for mac in ("02:20:91:00:00:77", "00:20:91:00:00:01"):
        one.sh(f"ip link set eth0 address {mac}")
        lab.consoles["two"].sh("ip neigh flush dev eth0")
        one.want("ping -c 3 -W 30 10.9.0.2", r" 3 packets received")


def test_link(lab):
    """a cable that is pulled out has no carrier; plugged in, all is well"""
    one = lab.consoles["one"]
    one.want("cat /sys/class/net/eth0/mtu", r"^1500$")
    for state, carrier in (("down", 0), ("up", 1)):
        lab.vmtui("link", "one", state)
        one.sh("i=0; while test $i -lt 60 && test $(cat "
               f"/sys/class/net/eth0/carrier) != {carrier}; do i=$((i+1)); "
               "sleep 1; done")
        one.want("cat /sys/class/net/eth0/carrier", f"^{carrier}$")
    one.want("ping -c 3 -W 30 10.9.0.2", r" 3 packets received")


def test_promiscuous(lab):
    """a card can be told to hear everything, and to stop"""
    for word in ("on", "off"):
        lab.consoles["one"].sh(f"ip link set eth0 promisc {word}")
    lab.consoles["two"].want("ping -c 3 -W 30 10.9.0.1", r" 3 packets received")


def test_msix(lab):
    """virtio-net interrupts by MSI-X"""
    lab.consoles["one"].want(
        "cat /proc/interrupts",
        r"^ *\d+: +[1-9]\d* .*PCI-MSI.* virtio\d+-input\.0")


def test_queues(lab):
    """a card has queues for each processor, and frames come by the second"""
    one = lab.consoles["one"]
    one.want("ls -d /sys/class/net/eth0/queues/rx-* | wc -l", r"^2$")
    one.sh("taskset 2 ping -c 5 -W 30 10.9.0.2")
    one.want("cat /proc/interrupts",
             r"^ *\d+: +(\d+ +)?[1-9]\d* .*PCI-MSI.* virtio\d+-input\.1")


def moved(lab, name):
    """How many frames a guest's process has moved."""
    card = lab.call("status", at=f"guests/{name}.sock")[0]["nics"][0]
    return card["in_ops"] + card["out_ops"]


def test_user_space(lab):
    """no frame of a card that vhost-net has comes to user space"""
    for name, theirs in (("one", True), ("two", False)):
        if (moved(lab, name) == 0) != theirs:
            raise Failure(f"{name} has moved {moved(lab, name)} frames")


def test_move(lab):
    """a guest is sent and received amid a download, which then ends well"""
    one, two = lab.consoles["one"], lab.consoles["two"]
    two.sh("dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>&1")
    total = two.want("md5sum /tmp/data", r"^([0-9a-f]{32})")[1]
    one.sh("(wget -q -O /tmp/got http://10.9.0.2:99/data; "
           "echo $? >/tmp/done) & sleep 1")
    lab.move("one")
    one = lab.consoles["one"]
    one.sh("i=0; while test $i -lt 150 && ! test -s /tmp/done; do "
           "i=$((i+1)); sleep 1; done")
    one.want("cat /tmp/done", "^0$")
    one.want("md5sum /tmp/got", total)


def test_rough(lab):
    """interrupts change processors and the driver comes and goes amid traffic"""
    one = lab.consoles["one"]
    one.sh("(ping -q -A -c 150 -W 5 10.9.0.2 >/tmp/pinged) & "
           "for m in 1 2 1 2 1 2 1 2; do for i in /proc/irq/*/virtio*put*; do "
           "echo $m >${i%/*}/smp_affinity; done; done; wait")
    one.want("cat /tmp/pinged", r" 150 packets received")
    one.sh("ping -q -A -c 1000 10.9.0.2 >/dev/null 2>&1 & "
           "cd /sys/bus/virtio/drivers/virtio_net; d=$(ls -d virtio*); "
           "for i in 1 2; do echo $d >unbind; echo $d >bind; "
           "ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 up; done; "
           "kill $!; cd /")
    one.want("ping -c 3 -W 5 10.9.0.2", r" 3 packets received")


def test_uplink(lab):
    """a guest reaches what is behind the switch's uplink"""
    lab.consoles["two"].want("ping -c 3 -W 30 10.9.0.9", r" 3 packets received")


def test_port_goes(lab):
    """a guest's port on the bridge goes with the guest"""
    if len(ports()) != 3 or "uplink" not in ports():
        raise Failure(f"the bridge has ports {ports()}")
    lab.vmtui("stop", "-w", "one", timeout=300)
    if len(ports()) != 2:
        raise Failure(f"the bridge still has ports {ports()}")
    text = subprocess.run(["ip", "link"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    if len([x for x in text.split("\n") if "riglan" in x and "@" not in x
            and "uplink" not in x]) > 2:
        raise Failure("a tap is left:\n" + text)


def test_stop(lab):
    """the other guest goes down too, and its kernel has no error to report"""
    lab.consoles["two"].no_error()
    lab.vmtui("stop", "-w", "two", timeout=300)
    if lab.status("two")["state"] != "stopped":
        raise Failure("it is " + json.dumps(lab.status("two")))


def dhcp(sock):
    """Gives everybody 10.8.0.7 and the file's name (RFC 2131)."""
    while True:
        data, _ = sock.recvfrom(2048)
        kind = data[242] if data[236:242] == b"\x63\x82\x53\x63\x35\x01" else 1
        options = bytes([53, 1, 2 if kind == 1 else 5])
        for code, value in ((54, "10.8.0.1"), (1, "255.255.255.0")):
            options += bytes([code, 4]) + socket.inet_aton(value)
        options += bytes([51, 4]) + struct.pack(">I", 3600) + b"\xff"
        sock.sendto(b"\2" + data[1:16] + socket.inet_aton("10.8.0.7")
                    + socket.inet_aton("10.8.0.1") + data[24:44]
                    + bytes(64) + b"boot.ipxe".ljust(128, b"\0")
                    + b"\x63\x82\x53\x63" + options, ("255.255.255.255", 68))


def tftp(sock):
    """Gives everybody the script (RFC 1350), which is less than a block."""
    while True:
        data, peer = sock.recvfrom(2048)
        if data[:2] == b"\0\1":
            sock.sendto(b"\0\3\0\1" + SCRIPT, peer)


def serve(port, function):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"riglan")
    sock.bind(("0.0.0.0", port))
    threading.Thread(target=function, args=(sock,), daemon=True).start()


def test_netboot(lab):
    """with boot = net iPXE gets an address and a file, and runs it"""
    if not os.path.exists(ROM):
        raise Skip("ipxe-qemu was not installed where the rig was made")
    lab.launch("net")
    subprocess.run(["ip", "addr", "add", "10.8.0.1/24", "dev", "riglan"],
                   check=True)
    serve(67, dhcp)
    serve(69, tftp)
    console = lab.consoles["net"]
    console.expect("iPXE", BOOT_LIMIT)
    console.expect("this came over the 10.8.0.7 network", BOOT_LIMIT)
    lab.vmtui("stop", "-f", "-w", "net", timeout=60)
