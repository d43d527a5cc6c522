"""Linux' own drivers, all at once: every disk written and compared while the
balloon moves, both guests' cards are busy, and they are paused."""

import base64
import os
import random
import re
import subprocess
import time

from linux import Failure

SECONDS = 120

CONFIG = """
[switch lan]
interface = riglan

[vm busy]
memory = 384M
cpus = 2
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=busy
balloon = yes
disk = {folder}/busy.raw, format=raw
disk = {folder}/busy.qcow2
disk = {folder}/top.qcow2
disk = {folder}/scsi.qcow2, bus=scsi
interface = switch=lan

[vm peer]
memory = 192M
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=peer
interface = switch=lan
"""

# $1 is a disk, $2 its number. Blocks of 64 KiB, each of a file of its own that
# is written somewhere at random, straight to the disk; all that is there is
# compared at the end of each round.
SCRIPT = r"""
n=0 d=/tmp/$1
mkdir -p $d
end=$(($(cut -d. -f1 /proc/uptime) + SECONDS_TO_GO))
while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do
	for i in 1 2 3 4 5 6 7 8; do
		at=$((RANDOM % 256))
		dd if=/dev/urandom of=$d/$at bs=64k count=1 2>/dev/null
		dd if=$d/$at of=/dev/$1 bs=64k seek=$at oflag=direct \
		    conv=notrunc 2>/dev/null || echo BAD write $1 $at
		n=$((n + 1))
	done
	for f in $d/*; do
		dd if=/dev/$1 bs=64k skip=${f##*/} count=1 iflag=direct \
		    2>/dev/null | cmp -s - $f || echo BAD $1 ${f##*/}
	done
done
sync
echo $n blocks on $1
"""


def prepare(lab):
    with open(lab.path("base.raw"), "wb") as f:
        f.write(os.urandom(16 << 20))
    for name, extra in (("busy.raw", ()), ("busy.qcow2", ()),
                        ("scsi.qcow2", ()),
                        ("top.qcow2", ("-b", lab.path("base.raw")))):
        size = () if extra else ("-s", "16M")
        subprocess.run([lab.binary, "create", *extra, *size, lab.path(name)],
                       env=lab.env, check=True, stdout=subprocess.DEVNULL)


def test_boot(lab):
    """two guests boot that will have much to do"""
    for name in ("busy", "peer"):
        lab.launch(name)
    for name, address in (("busy", "10.9.0.1"), ("peer", "10.9.0.2")):
        console = lab.consoles[name]
        console.login()
        console.sh(f"ip addr add {address}/24 dev eth0; ip link set eth0 up")
    console = lab.consoles["busy"]
    lab.consoles["busy"].sh("while [ ! -b /dev/sda ]; do sleep 1; done")


def test_stress(lab):
    """what is on four disks is what was written, whatever else goes on"""
    console = lab.consoles["busy"]
    script = SCRIPT.replace("SECONDS_TO_GO", str(SECONDS))
    console.sh("echo %s | base64 -d >/tmp/s" %
               base64.b64encode(script.encode()).decode())
    console.sh("ping -q -s 1400 -A 10.9.0.2 >/tmp/ping & "
               "for d in vda vdb vdc sda; do sh /tmp/s $d & done >/tmp/out")
    choice = random.Random(1)
    begin = time.monotonic()
    while time.monotonic() - begin < SECONDS:
        lab.vmtui("balloon", "busy", choice.choice(("256M", "320M", "384M")))
        name = choice.choice(("busy", "peer"))
        lab.vmtui("pause", name)
        time.sleep(choice.random())
        lab.vmtui("unpause", name)
        time.sleep(3 * choice.random())
    lab.vmtui("balloon", "busy", "384M")
    text = console.want(
        "while [ $(grep -c blocks /tmp/out) -lt 4 ]; do sleep 1; done; "
        "kill -INT $(pidof ping); sleep 1; cat /tmp/out /tmp/ping; echo end",
        "(?s)(.*)^end", 4 * SECONDS + 300)[0]
    print("# " + text.replace("\r", "").replace("\n", "\n# "))
    if "BAD" in text:
        raise Failure(text)
    if not re.search(r"[1-9]\d* packets received", text):
        raise Failure("no ping came back:\n" + text)


def test_images(lab):
    """the images are sound"""
    for name in ("busy", "peer"):
        lab.vmtui("stop", "-f", "-w", name)
    for name in ("busy.qcow2", "top.qcow2", "scsi.qcow2"):
        lab.vmtui("image", "check", lab.path(name))
