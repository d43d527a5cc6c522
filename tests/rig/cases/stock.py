"""The stock kernel with four cpus and 4 GiB: clocks, a second serial port,
file systems on raw and qcow2, and a triple fault.
"""

import hashlib
import os
import subprocess

from linux import Failure, Linux, big

CONFIG = """
[vm four]
memory = {big}
cpus = 4
serial2 = yes
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=four
disk = {folder}/four.raw, format=raw
disk = {folder}/four.qcow2
disk = /guest/tools.img, readonly
disk = {folder}/small/full.img
"""


def prepare(lab):
    for name in ("four.raw", "four.qcow2"):
        subprocess.run([lab.binary, "create", "-s", "64M", lab.path(name)],
                       env=lab.env, check=True, stdout=subprocess.DEVNULL)
    os.mkdir(lab.path("small"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "small",
                    lab.path("small")], check=True)
    with open(lab.path("small/full.img"), "wb") as f:
        f.truncate(32 << 20)


def test_cpus(lab):
    """a guest of four cpus and 4 GiB has them, and each cpu works"""
    console = lab.start("four")
    console.want("nproc", "^4$")
    for cpu in range(4):
        console.sh(f"taskset -c {cpu} seq 500 >/dev/null")
    if big() == "4G":
        console.want("cat /proc/iomem", r"^100000000-13fffffff : System RAM$")


def test_modules(lab):
    """its virtio drivers are modules"""
    console = lab.consoles["four"]
    for name in ("virtio_pci", "virtio_blk", "virtio_rng"):
        console.want("lsmod", rf"^{name} ")


def test_clock(lab):
    """it has KVM's clock, and knows of time stolen from its cpus"""
    console = lab.consoles["four"]
    console.want("dmesg | grep kvm-clock", "Using msrs")
    console.want("cat /sys/devices/system/clocksource/clocksource0/"
                 "current_clocksource", "^kvm-clock$")
    # Four busy cpus on the rig's one.
    console.want("for i in 1 2 3 4; do timeout 3 sh -c 'while :; do :; done' "
                 "& done; wait; head -n 1 /proc/stat",
                 r"^cpu +(?:\d+ ){7}[1-9]\d+ ")


def serial2(lab, *args):
    return subprocess.run(
        [lab.binary, "console", "--port", "ttyS1", *args, "four"],
        env=lab.env, input="", check=True, stdout=subprocess.PIPE,
        text=True).stdout


def test_serial2(lab):
    """its second serial port is ttyS1, and another console"""
    console = lab.consoles["four"]
    console.want("dmesg | grep ttyS1", r"0x2f8 \(irq = 3.*16550A")
    console.sh("echo over there >/dev/ttyS1")
    if "over there" not in serial2(lab, "--history"):
        raise Failure("nothing came of what the guest wrote to ttyS1")
    console.want("cat /proc/interrupts", r"^ *3: [ 0]*[1-9]\d* .*3-edge")


def test_login(lab):
    """one can log in on its second serial port"""
    console = lab.consoles["four"]
    console.sh("(setsid getty -L 115200 ttyS1 vt100 &)")
    second = Linux(lab, "four", port="ttyS1")
    try:
        second.expect("four login: ", 120)
        second.type("root\r")
        second.expect("# ", 120)
        second.want("tty", "^/dev/ttyS1$")
        second.type("exit\r")
    finally:
        second.close()


def test_alarm(lab):
    """the clock's alarm comes when it was set for"""
    console = lab.consoles["four"]
    alarm = "/sys/class/rtc/rtc0/wakealarm"
    console.sh(f"echo +3 >{alarm} && test -n \"$(cat {alarm})\"")
    console.want("for i in $(seq 120); do grep -E '^ *8:' /proc/interrupts | "
                 "grep '[1-9][0-9]* .*rtc0' && break; sleep 0.5; done", "rtc0")
    console.sh(f"test -z \"$(cat {alarm})\"")


def check_disk(lab, device):
    """mkfs, dd, checksums and fsck."""
    console = lab.consoles["four"]
    tool = "chroot /tools /usr/sbin/"
    console.sh(f"{tool}mke2fs -q -t ext4 /dev/{device}")
    console.sh(f"mkdir -p /m && mount -t ext4 /dev/{device} /m")
    console.sh("dd if=/dev/urandom of=/tmp/x bs=64k count=128 2>/dev/null")
    console.sh("dd if=/tmp/x of=/m/x bs=4k conv=fsync 2>/dev/null")
    console.sh("echo 3 >/proc/sys/vm/drop_caches; cmp /tmp/x /m/x")
    console.sh("mkdir /m/many; for i in $(seq 200); do echo $i >/m/many/$i; "
               "done; umount /m")
    console.sh(f"{tool}e2fsck -fn /dev/{device}")
    return console.want("md5sum /tmp/x", "^[0-9a-f]{32}")[0]


def test_raw(lab):
    """mkfs, dd and fsck on a raw image, and nothing is changed on the way"""
    console = lab.consoles["four"]
    console.sh("mkdir /tools && mount -t ext4 -o ro /dev/vdc /tools && "
               "mount -o bind /dev /tools/dev")
    lab.sums = {"raw": check_disk(lab, "vda")}


def test_qcow2(lab):
    """the same on qcow2"""
    lab.sums["qcow2"] = check_disk(lab, "vdb")


def test_full(lab):
    """a host disk that is full pauses it, and unpause goes on where it was"""
    console = lab.consoles["four"]
    tool = "chroot /tools /usr/sbin/"
    console.sh(f"{tool}mke2fs -q -t ext4 /dev/vdd")
    console.sh("mount -t ext4 /dev/vdd /m")
    console.sh("dd if=/dev/urandom of=/tmp/x bs=64k count=192 2>/dev/null")
    console.sh("({ dd if=/tmp/x of=/m/x bs=64k conv=fsync; "
               "echo $? >/tmp/done; } >/dev/null 2>&1 &)")
    state = lab.wait_state("four", "paused", 180)
    if "no space left" not in state["reason"]:
        raise Failure(f"the reason is {state['reason']!r}")
    subprocess.run(["mount", "-o", "remount,size=40m", lab.path("small")],
                   check=True)
    lab.vmtui("unpause", "four")
    console.want("while ! test -e /tmp/done; do sleep 0.2; done; cat /tmp/done",
                 "^0$")
    console.sh("echo 3 >/proc/sys/vm/drop_caches; cmp /tmp/x /m/x; umount /m")
    console.sh(f"{tool}e2fsck -fn /dev/vdd")
    console.no_error()


def test_triple_fault(lab):
    """a triple fault ends the guest, and status says so"""
    console = lab.consoles["four"]
    console.sh("sync; echo triple >/sys/kernel/reboot/type")
    console.type("reboot -f\r")
    state = lab.wait_state("four", "crashed", 180)
    if "triple fault" not in state["reason"]:
        raise Failure(f"the reason is {state['reason']!r}")


def test_images(lab):
    """the host finds in both images what the guest wrote"""
    subprocess.run(["umount", lab.path("small")], check=True)
    lab.vmtui("image", "check", lab.path("four.qcow2"))
    lab.vmtui("image", "convert", "-O", "raw", lab.path("four.qcow2"),
              lab.path("four.qcow2.raw"))
    os.makedirs("/mnt", exist_ok=True)
    for name, image in (("raw", "four.raw"), ("qcow2", "four.qcow2.raw")):
        subprocess.run(["mount", "-o", "loop", lab.path(image), "/mnt"],
                       check=True)
        with open("/mnt/x", "rb") as f:
            found = hashlib.md5(f.read()).hexdigest()
        subprocess.run(["umount", "/mnt"], check=True)
        if found != lab.sums[name]:
            raise Failure(f"{image} has {found}, not {lab.sums[name]}")
