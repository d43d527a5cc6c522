"""Booting from the network: SeaBIOS and iPXE over virtio-net."""

import os
import socket
import struct
import subprocess
import threading

from linux import Skip

ROM = "/usr/lib/ipxe/qemu/pxe-virtio.rom"
BOOT_LIMIT = 300
SCRIPT = b"#!ipxe\necho this came over the ${net0/ip} network\nprompt\n"

CONFIG = """
[switch lan]
interface = rignet

[vm net]
memory = 64M
boot = net
interface = switch=lan, lladdr=00:20:91:00:00:07
"""


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
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"rignet")
    sock.bind(("0.0.0.0", port))
    threading.Thread(target=function, args=(sock,), daemon=True).start()


def test_boot(lab):
    """with boot = net iPXE gets an address and a file, and runs it"""
    if not os.path.exists(ROM):
        raise Skip("ipxe-qemu was not installed where the rig was made")
    lab.launch("net")
    subprocess.run(["ip", "addr", "add", "10.8.0.1/24", "dev", "rignet"],
                   check=True)
    serve(67, dhcp)
    serve(69, tftp)
    console = lab.consoles["net"]
    console.expect("iPXE", BOOT_LIMIT)
    console.expect("this came over the 10.8.0.7 network", BOOT_LIMIT)
