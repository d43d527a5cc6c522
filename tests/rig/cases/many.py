"""As many cpus as a guest can have."""

BOOT_LIMIT = 1500

CONFIG = """
[vm many]
memory = 1G
cpus = 64
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 hostname=many
"""


def test_brought_up(lab):
    """Linux brings up all of 64 cpus"""
    lab.launch("many")
    console = lab.consoles["many"]
    console.expect(r"smp: Brought up 1 node, 64 CPUs", BOOT_LIMIT)


def test_shell(lab):
    """and reaches a shell with them"""
    console = lab.consoles["many"]
    console.expect(r"64 cpu, ", BOOT_LIMIT)
    console.expect(r"\S+# ", BOOT_LIMIT)
    console.want("grep -c ^processor /proc/cpuinfo", "^64$", BOOT_LIMIT)
