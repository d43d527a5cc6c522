"""badfiles.py: what can be wrong with the file that is edited."""
import ctypes
import os

from forms import (SIZES, begin_change, conf, edit, opened, read, save, to,
                   wait_file)
from tmux import Failed, until

CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 32, 0x4000, 1 << 18


def skip():
    return None if os.geteuid() == 0 else "only root can mount"


class Disk:
    """A context: the place's files on a file system of their own, small."""

    def __init__(self, place, size="256k"):
        self.folder = place.path("disk").encode()
        self.size = size.encode()
        self.libc = ctypes.CDLL(None, use_errno=True)
        place.env["VMTUI_CONFIG"] = place.path("disk/vmtui.conf")

    def call(self, what, *args):
        if getattr(self.libc, what)(*args) == -1:
            raise Failed("%s: %s" % (what, os.strerror(ctypes.get_errno())))

    def __enter__(self):
        os.mkdir(self.folder)
        self.before = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        self.call("unshare", CLONE_NEWNS)
        self.call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        self.call("mount", b"vmtui-test", self.folder, b"tmpfs", 0,
                  b"size=" + self.size)
        return self

    def __exit__(self, *_):
        self.libc.setns(self.before, CLONE_NEWNS)
        os.close(self.before)

    def writable(self, yes):
        self.call("mount", b"vmtui-test", self.folder, b"tmpfs",
                  MS_REMOUNT | (0 if yes else MS_RDONLY),
                  b"size=" + self.size)

    def fill(self):
        fd = os.open(self.folder + b"/ballast", os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(fd, bytes(4096))
        except OSError:
            pass
        os.close(fd)

    def empty(self):
        os.unlink(self.folder + b"/ballast")

    def alone(self):
        """Nothing half-written lies beside the file."""
        there = sorted(os.listdir(self.folder))
        if there not in ([b"vmtui.conf"], [b"ballast", b"vmtui.conf"]):
            raise Failed("left behind: %s" % there)


class Moved:
    """The place, its file being on that disk."""

    def __init__(self, place):
        self.place = place
        self.dir = place.dir

    def path(self, name):
        return self.place.path(os.path.join("disk", name))

    def write(self, name, text):
        self.place.write(os.path.join("disk", name), text)

    def __getattr__(self, name):
        return getattr(self.place, name)


def cannot_be_saved(place, hinder, allow, why):
    """In the form and as text: said, nothing lost, and saved once it can."""
    with Disk(place) as disk:
        moved = Moved(place)
        for size in SIZES[:2]:
            if place.fake is not None:
                place.again()
            s = opened(moved, size)
            begin_change(moved, s)
            hinder(disk)
            save(s)
            s.wait(why)
            wait_file(moved, conf(moved))
            disk.alone()
            s.keys("Left")  # any key: the sentence was read
            s.wait(r"memory +\* 6G")
            allow(disk)
            save(s)
            s.wait(r"^ build is saved")
            wait_file(moved, conf(moved).replace("= 4G ", "= 6G "))
        s.keys("4")
        s.wait(r"^ +1  # My machines\.")
        s.keys("e")
        s.wait(r"─ typing ─")
        s.type("# new ")
        s.wait(r"^ +1  # new # My")
        hinder(disk)
        s.keys("C-s")
        s.wait(r"^ save this\?")
        s.keys("y")
        s.wait(why)
        s.keys("Left")
        s.wait(r"─ changed ─")
        wait_file(moved, conf(moved).replace("= 4G ", "= 6G "))
        disk.alone()
        allow(disk)
        s.keys("C-s")
        s.wait(r"^ save this\?")
        s.keys("y")
        s.wait(r"is saved\.")
        wait_file(moved, "# new " + conf(moved).replace("= 4G ", "= 6G "))


def test_a_file_that_cannot_be_written_is_said_and_nothing_lost(place):
    cannot_be_saved(place, lambda disk: disk.writable(False),
                    lambda disk: disk.writable(True),
                    r"(?s)[Rr]ead-only\s+file\s+system")


def test_a_full_disk_leaves_the_old_file(place):
    cannot_be_saved(place, lambda disk: disk.fill(),
                    lambda disk: disk.empty(),
                    r"(?s)[Nn]o\s+space\s+left\s+on\s+(the\s+)?device")


def test_a_definition_deleted_by_another_while_its_form_is_open(place):
    """With the real backend, which forgets it meanwhile."""
    gone = "[vm one]\nmemory = 64M\nkernel = /k\n"
    place.write("vmtui.conf", gone + "\n[vm two]\nmemory = 64M\nkernel = /k\n")
    s = place.screen((120, 40))
    s.wait(r"^▸○ one")
    for answer in ("r", "k"):
        place.write("vmtui.conf",
                    gone + "\n[vm two]\nmemory = 64M\nkernel = /k\n")
        until(lambda: place.vmtui("reload") is not None, "a reload")
        s.wait(r"○ two")
        s.keys("G")
        s.wait(r"^▸○ two")
        edit(s)
        s.wait(r"▸name +two")
        to(s, "memory")
        s.keys("C-u")
        s.type("96M")
        s.wait(r"▸memory +\* 96M")
        place.write("vmtui.conf", gone)
        until(lambda: place.vmtui("reload") is not None, "a reload")
        s.wait_not(r"○ two")
        # The form is still there, and what was typed.
        s.wait(r"▸memory +\* 96M")
        save(s)
        s.wait(r"\[vm two\] is no longer in it")
        s.keys(answer)
        if answer == "r":
            s.wait(r"two is not in the file any more")
            wait_file(place, gone)
    s.wait(r"two is new")
    s.keys("Enter")
    s.wait(r"^ two is saved")
    s.wait(r"○ two")
    until(lambda: "[vm two]\nmemory = 96M\n" in read(place),
          lambda: "two in the file:\n" + read(place))
    s.quit()
