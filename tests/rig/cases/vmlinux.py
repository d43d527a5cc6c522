"""The ELF kernel, uncompressed, under a vmtui with AddressSanitizer."""

from drive import Failure

VARIANT = "asan"
CONFIG = """
[vm elf]
memory = 320M
kernel = /guest/vmlinux
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=elf
"""


def test_boots(lab):
    """a stock vmlinux with its initrd boots to a shell"""
    console = lab.start("elf")
    console.want("hostname", r"^elf$")


def test_stop(lab):
    """the power button stops it"""
    lab.vmtui("stop", "-w", "elf", timeout=90)
    if lab.status("elf")["state"] != "stopped":
        raise Failure("it is not stopped")


def test_sanitizers(lab):
    """the sanitizers found nothing"""
    log = lab.logged()
    if "Sanitizer" in log or "runtime error" in log:
        raise Failure(log)
