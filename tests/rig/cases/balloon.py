"""Linux' own driver: memory goes to the host and comes back."""

import re
import time

from linux import Failure

CONFIG = """
[vm air]
memory = 512M
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=air
balloon = yes
"""

MIB = 1 << 20


def until(what, probe, timeout=300):
    end = time.monotonic() + timeout
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure("it never came to: " + what)
        time.sleep(0.5)


def balloon(lab):
    return lab.status("air").get("balloon") or {}


def free(lab):
    """MiB that the guest has free."""
    return int(lab.consoles["air"].want(
        "cat /proc/meminfo", r"^MemFree: +(\d+) kB").group(1)) >> 10


def test_down(lab):
    """vmtui balloon takes 256 MiB from a Debian kernel"""
    console = lab.start("air")
    console.sh("lsmod | grep virtio_balloon || modprobe virtio_balloon")
    until("a driver", lambda: balloon(lab).get("driver"))
    before = free(lab)
    lab.vmtui("balloon", "air", "256M")
    until("256 MiB", lambda: balloon(lab)["taken"] == 256 * MIB)
    after = free(lab)
    if before - after < 200:
        raise Failure(f"it has {after} MiB free, and had {before}")
    used = lab.status("air")["memory_used"]
    if used > 256 * MIB:
        raise Failure(f"the process still has {used >> 20} MiB")


def test_statistics(lab):
    """the guest says what is available to it"""
    told = until("figures", lambda: (
        lambda b: b if b.get("available") else None)(balloon(lab)))
    if not 0 < told["available"] <= told["total"] <= 512 * MIB:
        raise Failure(f"it says {told}")


def test_up(lab):
    """and gives it back"""
    lab.vmtui("balloon", "air", "512M")
    until("none of it", lambda: balloon(lab)["taken"] == 0)
    if free(lab) < 256:
        raise Failure("it does not have it again")


def test_reporting(lab):
    """pages that the guest frees go to the host by themselves"""
    console = lab.consoles["air"]
    console.sh("mkdir -p /t && mount -t tmpfs -o size=300m t /t")
    console.sh("dd if=/dev/zero bs=1M count=128 of=/t/x", 180)
    full = until("128 MiB in use", lambda: (
        lambda n: n > 128 * MIB and n)(lab.status("air")["memory_used"]))
    console.sh("rm /t/x")
    until("100 MiB less", lambda: lab.status("air")["memory_used"] <
          full - 100 * MIB)
    if balloon(lab)["returned"] < 100 * MIB:
        raise Failure(f"it says {balloon(lab)}")


def host():
    """The host's memory, and what of it is available, in bytes."""
    with open("/proc/meminfo", encoding="ascii") as f:
        text = f.read()
    return [int(re.search(rf"^{name}: +(\d+)", text, re.M)[1]) << 10
            for name in ("MemTotal", "MemAvailable")]


def test_low(lab):
    """on a host that runs low a guest gives memory back, and has it again"""
    total, available = host()
    with open("/proc/sys/vm/nr_hugepages", "w", encoding="ascii") as f:
        f.write(str((available - total // 24) >> 21))
    try:
        if host()[1] >= total // 16:
            raise Failure("the host could not be made to run low")
        until("100 MiB", lambda: balloon(lab)["taken"] >= 100 * MIB)
    finally:
        with open("/proc/sys/vm/nr_hugepages", "w", encoding="ascii") as f:
            f.write("0")
    until("none of it", lambda: balloon(lab)["taken"] == 0)
    lab.consoles["air"].no_error()


def test_oom(lab):
    """a guest that runs out of memory takes some back"""
    console = lab.consoles["air"]
    lab.vmtui("balloon", "air", "256M")
    until("all of it", lambda: balloon(lab)["taken"] == 256 * MIB)
    more = free(lab) + 40
    console.sh("mount -o remount,size=400m /t")
    console.want(f"dd if=/dev/zero bs=1M count={more} of=/t/x; "
                 "wc -c </t/x; rm -f /t/x", str(more * MIB), 300)
    lab.vmtui("balloon", "air", "512M")
    until("none of it", lambda: balloon(lab)["taken"] == 0)
