"""Every register of every device, on a guest that has all of them."""

import re

from drive import Failure

FAMILIES = ("serial", "clock", "keyboard", "power", "firmware", "nobody",
            "config", "bars", "messages", "modern", "legacy", "window")


def config(lab, kernel, net):
    """The guest `all', with one of each device that there is."""
    for name, size in (("all", 4 << 20), ("scsi", 1 << 20), ("disc", 1 << 20)):
        with open(lab.path(name + ".img"), "wb") as f:
            f.truncate(size)
    with open(lab.path("disc.img"), "r+b") as f:
        f.seek(16 * 2048)
        f.write(b"\1CD001\1")
    text = ("\n[vm all]\nmemory = 64M\nkernel = %s\ncmdline = quiet vmmci\n"
            "serial2 = yes\nballoon = yes\ndisk = %s, format=raw\n"
            "disk = %s, format=raw, bus=scsi\ncdrom = %s\n"
            % ((kernel,) + tuple(lab.path(name + ".img")
                                 for name in ("all", "scsi", "disc"))))
    if net:
        text += "interface = switch=lan, lladdr=00:20:91:00:00:0a\n"
    return text


def test_family(lab, family):
    """The guest compares: see tests/guest/regs*.c."""
    text = lab.guest("all").run("regs " + family, 60)
    found = re.search(r"^%s: ok, wrong are 0 of (\d+), (\d+) ms$" % family,
                      text, re.M)
    if not found or int(found.group(1)) == 0:
        raise Failure("regs %s printed:\n%s" % (family, text))
    print("# %s: %s steps, %s ms" % (family, found.group(1), found.group(2)))
    if lab.status("all")["state"] != "running":
        raise Failure("the guest is not running")


def tests(test):
    for family in FAMILIES:
        test("registers, %s: right and wrong uses" % family, test_family,
             family)
