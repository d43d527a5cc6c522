"""Long work: it shows how far it is, and ended in the middle it leaves what
was there before.
"""

import fcntl
import os
import pty
import signal
import subprocess
import time

from harness import Failure, Skip, check, need_kvm, until
from judge import clean, files, qemu_img, qemu_io, same

SLOW = "cluster_size=512"  # many clusters to allocate


def source(lab, mib, path="src.raw"):
    with open(lab.path(path), "wb") as f:
        for _ in range(mib):
            f.write(b"\x5a" * (1 << 20))


# A new file: without a name, or where the file system has no such files with
# one of its own.
NEW = ("(deleted)", ".part")


def has_begun(process, words):
    """Has it opened a file whose name has one of these words?"""
    try:
        folder = "/proc/%d/fd" % process.pid
        names = [os.readlink(os.path.join(folder, fd))
                 for fd in os.listdir(folder)]
        return any(word in name for word in words for name in names)
    except OSError:
        return False


def in_the_middle(lab, number, words, make, *args):
    """Starts the command, and sends the signal once it has begun its work.
    make(size) makes its input, larger if it was too quick. The sentence."""
    size = 8
    for _ in range(7):
        make(size)
        process = lab.popen(*args)
        until("the beginning", lambda: has_begun(process, words) or
              process.poll() is not None)
        time.sleep(0.05)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
        check(b"Sanitizer" not in err, err)
        if process.returncode != 0:
            return process.returncode, err.decode()
        size *= 2
    raise Failure("it is always quicker than a signal")


def test_ctrl_c_leaves_no_half_image(lab):
    for args in (["image", "convert", "-o", SLOW, "src.raw", "new.qcow2"],
                 ["create", "-o", SLOW, "-i", "src.raw", "new.qcow2"]):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            def make(size):
                source(lab, size)
                if os.path.exists(lab.path("new.qcow2")):
                    os.unlink(lab.path("new.qcow2"))
            status, err = in_the_middle(lab, number, NEW, make, *args)
            check(status == 1, status, err)
            check("interrupted: new.qcow2 was not made" in err, err)
            check(files(lab) == ["src.raw", "vmtui.conf"], files(lab))


def test_ctrl_c_while_room_is_made_leaves_nothing(lab):
    for options in ("preallocation=full", "preallocation=full,data_file=disk"):
        status, err = in_the_middle(lab, signal.SIGINT, NEW, lambda size: 0,
                                    "create", "-s", "8G", "-o", options,
                                    "new.qcow2")
        check(status == 1, status, err)
        check("interrupted: new.qcow2 was not made" in err, err)
        check(files(lab) == ["vmtui.conf"], files(lab))


def need_nameless(lab):
    try:
        os.close(os.open(lab.dir, os.O_TMPFILE | os.O_RDWR))
    except OSError as why:
        raise Skip("no files without a name here: %s" % why.strerror) from why


def test_a_killed_copy_leaves_nothing(lab):
    def make(size):
        source(lab, size)
        if os.path.exists(lab.path("new.qcow2")):
            os.unlink(lab.path("new.qcow2"))
    for _ in range(5):
        status, _ = in_the_middle(lab, signal.SIGKILL, NEW, make, "create",
                                  "-o", SLOW, "-i", "src.raw", "new.qcow2")
        check(status == -signal.SIGKILL, status)
        if not os.path.exists(lab.path("new.qcow2")):
            break
        # It came after the last step: then it is the whole image.
        qemu_img(lab, "compare", "src.raw", "new.qcow2")
    left = [name for name in files(lab) if not name.endswith(".part")]
    check(left == ["src.raw", "vmtui.conf"], left)
    need_nameless(lab)
    check(files(lab) == left, files(lab))


def unlocked(lab, path):
    """A killed one's locks last until the kernel has ended its I/O."""
    def free():
        try:
            qemu_img(lab, "check", "-r", "leaks", path)
        except Failure as why:
            if "lock" not in str(why):
                raise
            return False
        return True
    until("the lock of " + path, free)


def half(lab, number, command):
    """Ends commit or rebase in its middle; the disk is as it was."""
    def make(size):
        for path in ("base.qcow2", "top.qcow2", "other.qcow2", "want.raw"):
            if os.path.exists(lab.path(path)):
                os.unlink(lab.path(path))
        for path in ("base.qcow2", "other.qcow2"):
            lab.ok("create", "-s", "%dM" % size, "-o", SLOW, path)
        lab.ok("create", "-b", "base.qcow2", "top.qcow2")
        wrote = "top.qcow2" if command[0] == "commit" else "other.qcow2"
        qemu_io(lab, wrote, "write -P 3 0 %dM" % size)
        qemu_io(lab, "top.qcow2", "write -P 4 0 64k", "write -P 5 7M 64k")
        qemu_img(lab, "convert", "-O", "raw", "top.qcow2", "want.raw")
    status, err = in_the_middle(lab, number, ["top.qcow2"], make, "image",
                                *command)
    unlocked(lab, "base.qcow2")
    unlocked(lab, "top.qcow2")
    same(lab, "top.qcow2", "want.raw")
    if number == signal.SIGINT:
        check(status == 1 and "interrupted" in err, status, err)
    lab.ok("image", *command)
    same(lab, "top.qcow2", "want.raw")
    clean(lab, "top.qcow2")
    clean(lab, "base.qcow2")


def test_commit_ended_in_its_middle_can_be_done_again(lab):
    for number in (signal.SIGINT, signal.SIGKILL):
        half(lab, number, ["commit", "top.qcow2"])


def test_rebase_ended_in_its_middle_can_be_done_again(lab):
    for number in (signal.SIGINT, signal.SIGKILL):
        half(lab, number, ["rebase", "-b", "other.qcow2", "top.qcow2"])


def on_terminal(lab, *args):
    """Runs it with a terminal as its standard error; what that got."""
    master, slave = pty.openpty()
    process = lab.popen(*args, stderr=slave, stdout=subprocess.DEVNULL)
    os.close(slave)
    text = b""
    while True:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        text += data
    os.close(master)
    check(process.wait(60) == 0, "it failed:", text)
    return text.decode("utf-8", "replace")


def test_more_than_a_second_shows_progress(lab):
    mib = 32
    while True:
        source(lab, mib)
        began = time.monotonic()
        text = on_terminal(lab, "create", "-o", SLOW, "-i", "src.raw",
                           "new.qcow2")
        if time.monotonic() - began > 2.5:
            break
        check(mib < 4096, "it never takes a second")
        os.unlink(lab.path("new.qcow2"))
        mib *= 2
    check("\rcopying: " in text and "%" in text and "/s" in text, text)
    check(text.endswith("\r\x1b[K"), "the line stays:", text[-80:])
    same(lab, "src.raw", "new.qcow2", "-f", "raw", "-F", "qcow2")


def test_less_than_a_second_shows_nothing(lab):
    source(lab, 1)
    check(on_terminal(lab, "create", "-i", "src.raw", "new.qcow2") == "",
          "it was noisy")


def test_a_running_guests_image_is_left_alone(lab):
    need_kvm()
    lab.ok("create", "-s", "8M", "base.qcow2")
    lab.ok("create", "-b", "base.qcow2", "disk.qcow2")
    lab.ok("create", "-b", "base.qcow2", "other.qcow2")
    lab.ok("create", "-s", "8M", "disk.raw")
    lab.configure(lab.guest("a", "disk = disk.qcow2\ndisk = disk.raw"))
    lab.ok("start", "a")
    lab.see("a", "vmtui>".encode())
    for path in ("disk.qcow2", "disk.raw"):
        for args in (["check", path], ["check", "-r", path], ["map", path],
                     ["resize", path, "9M"], ["convert", path, "new.raw"],
                     ["rebase", "-b", "", path], ["commit", path]):
            err = lab.fails("image", *args)
            check("in use by a guest" in err and "stop that first" in err,
                  args, err)
        check("8M" in lab.ok("image", "info", path), "no info")
        err = lab.fails("create", "-b", path, "new.qcow2")
        check("in use" in err, err)
    # What the guest's image is based on may be read, not written.
    lab.ok("image", "check", "base.qcow2")
    lab.ok("image", "convert", "base.qcow2", "copy.raw")
    lab.ok("create", "-b", "base.qcow2", "third.qcow2")
    for args in (["commit", "other.qcow2"], ["resize", "base.qcow2", "9M"],
                 ["check", "-r", "base.qcow2"]):
        err = lab.fails("image", *args)
        check("base.qcow2 is in use" in err, args, err)
    lab.ok("stop", "-f", "-w", "a")
    lab.ok("image", "check", "-r", "disk.qcow2")
    lab.ok("image", "commit", "other.qcow2")
    lab.ok("image", "resize", "disk.qcow2", "9M")


def test_a_guest_finds_its_image_locked_by_a_tool(lab):
    need_kvm()
    lab.ok("create", "-s", "8M", "disk.qcow2")
    lab.configure(lab.guest("a", "disk = disk.qcow2"))
    with open(lab.path("disk.qcow2"), "r+b") as f:
        # As a tool that writes: byte 101 is "I write".
        lock = __import__("struct").pack("hhqqi4x", fcntl.F_RDLCK, 0, 101, 1,
                                         0)
        fcntl.fcntl(f, 37, lock)  # F_OFD_SETLK
        err = lab.fails("start", "a")
        check("in use" in err, err)
        err = lab.fails("image", "check", "disk.qcow2")
        check("in use" in err, err)
    lab.ok("image", "check", "disk.qcow2")
