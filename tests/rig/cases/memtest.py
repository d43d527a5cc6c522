"""Kernels that are not Linux: memtest86+, and Xen, for Multiboot."""

import os

from linux import Failure, Skip

BOOT_LIMIT = 600

CONFIG = """
[vm mt]
memory = 64M
cpus = 2
kernel = /guest/memtest
cmdline = console=ttyS0,115200 nopause nobench

[vm one]
memory = 64M
kernel = /guest/memtest
cmdline = console=ttyS0,115200 nopause nobench

[vm xen]
memory = 400M
kernel = /guest/xen.gz
initrd = /guest/vmlinuz
cmdline = console=com1 com1=115200,8n1 noreboot loglvl=all
"""


def need_memtest():
    if not os.path.exists("/guest/memtest"):
        raise Skip("memtest86+ was not to be had where the rig was made")


def test_boots(lab):
    """memtest86+ draws its screen on the serial console"""
    need_memtest()
    lab.launch("mt")
    console = lab.consoles["mt"]
    console.expect(r"Memtest86\+ v", BOOT_LIMIT)


def test_machine(lab):
    """it finds the memory, both cpus and what SMBIOS says"""
    need_memtest()
    console = lab.consoles["mt"]
    console.expect(r"Memory  : +64MB", BOOT_LIMIT)
    console.expect("vmtui Virtual Machine", BOOT_LIMIT)
    console.expect(r"2 Cores +2 Threads", BOOT_LIMIT)


def test_reset(lab):
    """with Esc it resets the machine, and comes again"""
    need_memtest()
    console = lab.consoles["mt"]
    console.type("\033")
    # What it draws at once is the whole screen, cleared before.
    console.expect(r"\033\[2J[^|]*Memtest86\+ v", BOOT_LIMIT)
    lab.vmtui("stop", "-f", "-w", "mt", timeout=60)


def test_tests(lab):
    """it tests memory, and what it reads is what it wrote"""
    need_memtest()
    # Two that wait for each other take turns on the rig's one processor.
    lab.launch("one")
    console = lab.consoles["one"]
    # Its first tests are of addresses, its third one inverts all of memory.
    console.expect(r"#3 +\[Moving inversions", BOOT_LIMIT)
    if console.expect(r"Errors: (\d+)", BOOT_LIMIT)[1] != "0":
        raise Failure("it found errors in the memory")
    lab.vmtui("stop", "-f", "-w", "one", timeout=60)


def test_multiboot(lab):
    """Xen has its command line, the memory map, ACPI, and a kernel as module"""
    if not os.path.exists("/guest/xen.gz"):
        raise Skip("Xen was not to be had where the rig was made")
    lab.launch("xen")
    console = lab.consoles["xen"]
    console.expect(r"Bootloader: vmtui", BOOT_LIMIT)
    console.expect(r"Command line: console=com1 com1=115200,8n1 noreboot loglvl",
                   BOOT_LIMIT)
    console.expect(r"Multiboot-e820 RAM map", BOOT_LIMIT)
    console.expect(r"0000000000100000, 0000000018ffffff\] \(usable\)",
                   BOOT_LIMIT)
    console.expect(r"Using ACPI \(MADT\) for SMP", BOOT_LIMIT)
    console.expect(r"Dom0 kernel: 64-bit", BOOT_LIMIT)
    lab.vmtui("stop", "-f", "-w", "xen", timeout=60)
