"""The ELF kernel, by its PVH entry, under a vmtui with AddressSanitizer."""

import glob

from linux import Failure

VARIANT = "asan"
CONFIG = """
[vm elf]
memory = 320M
cpus = 2
kernel = /guest/vmlinux
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=elf
"""


def test_boots(lab):
    """a stock vmlinux with its initrd boots to a shell"""
    console = lab.start("elf")
    console.want("hostname", r"^elf$")


def test_cpus(lab):
    """entered by PVH it finds both cpus by ACPI, and they work"""
    console = lab.consoles["elf"]
    console.want("nproc", "^2$")
    console.want("cat /proc/interrupts", r"LOC: +[1-9]\d* +[1-9]\d* ")
    console.want("dmesg | grep 'ACPI: Interpreter'", r"Interpreter enabled")


def test_stop(lab):
    """the power button stops it"""
    lab.vmtui("stop", "-w", "elf", timeout=90)
    if lab.status("elf")["state"] != "stopped":
        raise Failure("it is not stopped")


def test_sanitizers(lab):
    """the sanitizers found nothing"""
    logs = glob.glob(lab.folder + "/**/*.log", recursive=True)
    if len(logs) < 2:
        raise Failure(f"backend and guest have no logs: {logs}")
    for path in logs:
        with open(path, errors="replace") as f:
            text = f.read()
        if "Sanitizer" in text or "runtime error" in text:
            raise Failure(f"{path}:\n{text}")
