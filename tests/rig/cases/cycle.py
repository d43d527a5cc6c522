"""Two processors, sixteen disks; reboot, panic and the power button."""

import glob
import os
import string
import time

from linux import Failure

MIB = 1 << 20
WRITTEN = 1 << 16  # bytes of each disk
DISKS = ["vd" + letter for letter in string.ascii_lowercase[:16]]
QCOW2 = ("vdb", "vdp")
CONFIG = """
[vm mv2]
memory = 256M
cpus = 2
balloon = yes
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=mv2 panic=1
""" + "".join("disk = {folder}/%s%s\n" % (
    disk, ".qcow2" if disk in QCOW2 else ".img") for disk in DISKS)


def initially(disk):
    return (disk.encode() * MIB)[:MIB]


def prepare(lab):
    for disk in DISKS:
        if disk in QCOW2:
            lab.vmtui("create", "-s", "1M", lab.path(disk + ".qcow2"))
        else:
            with open(lab.path(disk + ".img"), "wb") as f:
                f.write(initially(disk))


def test_cpus(lab):
    """a guest of two cpus has two, and both work"""
    console = lab.start("mv2")
    console.want("nproc", r"^2$")
    for cpu in (0, 1):
        console.sh(f"taskset -c {cpu} seq 1000 >/dev/null")
    console.want("cat /proc/interrupts", r"LOC: +[1-9]\d* +[1-9]\d* ")


def test_disks(lab):
    """sixteen disks are there, each with what is its own"""
    console = lab.consoles["mv2"]
    serials = console.sh("for d in /sys/block/vd?; do cat $d/serial; echo; "
                         "done").split()
    if serials != DISKS:
        raise Failure(f"the serials are {serials}")
    text = console.sh("for d in /dev/vd?; do dd if=$d bs=3 count=1 "
                      "2>/dev/null | tr '\\0' -; echo; done").split()
    if text != [d if d not in QCOW2 else "---" for d in DISKS]:
        raise Failure(f"they begin with {text}")
    # All at once.
    console.sh("for d in /sys/block/vd?; do (d=${d##*/}; yes it is $d | "
               f"dd of=/dev/$d bs={WRITTEN} count=1 iflag=fullblock "
               "conv=fsync 2>/dev/null) & done; wait")
    console.sh("echo 3 >/proc/sys/vm/drop_caches; for d in /sys/block/vd?; do "
               f"d=${{d##*/}}; yes it is $d | head -c {WRITTEN} >/tmp/want; "
               f"head -c {WRITTEN} /dev/$d | cmp - /tmp/want || exit 1; done")


def test_queues(lab):
    """each cpu has a queue of the disk, with an interrupt of its own"""
    console = lab.consoles["mv2"]
    console.want("ls /sys/block/vda/mq | wc -w", r"^2$")
    for cpu in (0, 1):
        console.sh(f"taskset -c {cpu} dd if=/dev/vda of=/dev/null bs=4k "
                   "count=8 iflag=direct 2>/dev/null")
    for queue in (0, 1):
        console.want(f"grep 'virtio[0-9]*-req[.]{queue}' /proc/interrupts",
                     r"^ *\d+: .*[1-9]\d* .*PCI-MSI")
    text = console.sh("dmesg | grep -E 'virtio_blk.*(fail|error)|I/O error'",
                      ok=False)
    if text.strip():
        raise Failure("dmesg has:\n" + text)


def test_grow(lab):
    """a disk that grows is larger at once, and all of it is used"""
    console = lab.consoles["mv2"]
    for disk, name in (("vda", "vda.img"), ("vdp", "vdp.qcow2")):
        lab.vmtui("grow", "mv2", name, "+1M")
        console.want(f"for i in $(seq 100); do grep -x 4096 /sys/block/{disk}/"
                     "size && break; sleep 0.1; done", r"^4096$")
        console.sh(f"yes more | dd of=/dev/{disk} bs=4k seek=511 count=1 "
                   "iflag=fullblock conv=fsync 2>/dev/null")
    if os.path.getsize(lab.path("vda.img")) != 2 * MIB:
        raise Failure("the file has not grown")


def test_discard(lab):
    """what is discarded gives its room back to the host"""
    console = lab.consoles["mv2"]
    before = os.stat(lab.path("vdc.img")).st_blocks
    console.sh("blkdiscard /dev/vdc")
    after = os.stat(lab.path("vdc.img")).st_blocks
    if after >= before:
        raise Failure(f"{before} blocks became {after}")
    console.sh("echo 3 >/proc/sys/vm/drop_caches; "
               f"head -c {WRITTEN} /dev/vdc | tr -d '\\0' | cmp - /dev/null")


def test_smbios(lab):
    """a kernel that is booted directly finds SMBIOS tables"""
    console = lab.consoles["mv2"]
    console.want("cat /sys/class/dmi/id/sys_vendor", "^vmtui$")
    console.want("cat /sys/class/dmi/id/product_name", "^Virtual Machine$")
    console.want("cat /sys/class/dmi/id/product_uuid",
                 r"^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]")


def wait_taken(lab, taken):
    """Waits until the balloon has so many bytes."""
    end = time.monotonic() + 180
    while lab.status("mv2")["balloon"]["taken"] != taken:
        if time.monotonic() > end:
            raise Failure(f"the balloon is {lab.status('mv2')['balloon']}")
        time.sleep(0.5)


def test_reboot(lab):
    """reboot comes back, with nothing of before but its balloon's size"""
    console = lab.consoles["mv2"]
    lab.vmtui("balloon", "mv2", "192M")
    wait_taken(lab, 64 * MIB)
    console.sh("touch /tmp/before")
    console.type("reboot\r")
    console.expect("reboot: Restarting system", 120)
    console.login()
    console.sh("test ! -e /tmp/before")
    wait_taken(lab, 64 * MIB)
    lab.vmtui("balloon", "mv2", "256M")
    console.no_error()
    console.want("nproc", r"^2$")
    if lab.status("mv2")["state"] != "running":
        raise Failure("status does not say running")


def test_panic(lab):
    """a kernel that panics, and was told to reboot then, comes again"""
    console = lab.consoles["mv2"]
    console.type("echo c >/proc/sysrq-trigger\r")
    console.expect("Kernel panic - not syncing", 120)
    console.expect("Rebooting in 1 seconds", 120)
    console.login()
    if lab.status("mv2")["state"] != "running":
        raise Failure("status does not say running")


def test_power_button(lab):
    """vmtui stop asks the guest, which goes down by itself"""
    console = lab.consoles["mv2"]
    lab.vmtui("stop", "-w", "mv2", timeout=300)
    console.expect("reboot: Power down", 60)
    now = lab.status("mv2")
    if now["state"] != "stopped":
        raise Failure(f"it is {now}")


def test_images(lab):
    """the images have what the guest wrote, and are whole"""
    for disk in DISKS:
        path = lab.path(disk + (".qcow2" if disk in QCOW2 else ".img"))
        if disk in QCOW2:
            lab.vmtui("image", "check", path)
            lab.vmtui("image", "convert", "-O", "raw", path, path + ".raw")
            path += ".raw"
        with open(path, "rb") as f:
            data = f.read()
        line = f"it is {disk}\n".encode()
        want = (line * WRITTEN)[:WRITTEN] + bytes(MIB - WRITTEN)
        if disk == "vdc":
            want = bytes(MIB)
        elif disk not in QCOW2:
            want = want[:WRITTEN] + initially(disk)[WRITTEN:]
        if disk in ("vda", "vdp"):
            want += bytes(MIB - 4096) + (b"more\n" * 4096)[:4096]
        if data != want:
            at = next((i for i, (a, b) in enumerate(zip(data, want)) if a != b),
                      None)
            raise Failure(f"{disk} has other bytes: {len(data)} of "
                          f"{len(want)}, from {at} on {data[at:][:40]}")


def test_nothing_left(lab):
    """a stopped guest leaves no process"""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with open(path, "rb") as f:
            if b"\0guest\0" in f.read():
                found.append(path)
    if found:
        raise Failure(f"still there: {found}")
