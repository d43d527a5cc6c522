"""Two processors; reboot, panic and the power button."""

import glob

from linux import Failure

CONFIG = """
[vm mv2]
memory = 256M
cpus = 2
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=mv2 panic=1
"""


def test_cpus(lab):
    """a guest of two cpus has two, and both work"""
    console = lab.start("mv2")
    console.want("nproc", r"^2$")
    for cpu in (0, 1):
        console.sh(f"taskset -c {cpu} seq 1000 >/dev/null")
    console.want("cat /proc/interrupts", r"LOC: +[1-9]\d* +[1-9]\d* ")


def test_smbios(lab):
    """a kernel that is booted directly finds SMBIOS tables"""
    console = lab.consoles["mv2"]
    console.want("cat /sys/class/dmi/id/sys_vendor", "^vmtui$")
    console.want("cat /sys/class/dmi/id/product_name", "^Virtual Machine$")
    console.want("cat /sys/class/dmi/id/product_uuid",
                 r"^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]")


def test_reboot(lab):
    """reboot comes back, with nothing of before"""
    console = lab.consoles["mv2"]
    console.sh("touch /tmp/before")
    console.type("reboot\r")
    console.expect("reboot: Restarting system", 120)
    console.login()
    console.sh("test ! -e /tmp/before")
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
    lab.vmtui("stop", "-w", "mv2", timeout=90)
    console.expect("reboot: Power down", 5)
    now = lab.status("mv2")
    if now["state"] != "stopped":
        raise Failure(f"it is {now}")


def test_nothing_left(lab):
    """a stopped guest leaves no process"""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with open(path, "rb") as f:
            if b"\0guest\0" in f.read():
                found.append(path)
    if found:
        raise Failure(f"still there: {found}")
