"""File systems that have no files without a name, or no hard links: an image is
made under a name of its own and appears whole under the final one all the same.
"""

import ctypes
import errno
import os
import signal
import struct

from harness import Skip, check
from judge import clean, files, qemu_img
from stopping import SLOW, in_the_middle, source

O_TMPFILE = 0o20000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
LOAD, EQUAL, SET, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, ERRNO = 0x7fff0000, 0x00050000
OPENAT, LINKAT = 257, 265  # x86-64
NUMBER, THIRD = 0, 32  # in struct seccomp_data; the low half of an argument


def without(links):
    """For the child: O_TMPFILE is unknown, and so are hard links."""
    op = struct.Struct("HBBI")
    no_links = () if links else (
        (EQUAL, 0, 1, LINKAT),
        (RETURN, 0, 0, ERRNO | errno.EPERM))
    program = b"".join(op.pack(*one) for one in (
        (LOAD, 0, 0, NUMBER), *no_links,
        (EQUAL, 0, 3, OPENAT),
        (LOAD, 0, 0, THIRD),
        (SET, 0, 1, O_TMPFILE),
        (RETURN, 0, 0, ERRNO | errno.EOPNOTSUPP),
        (RETURN, 0, 0, ALLOW)))
    space = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(space))
    libc = ctypes.CDLL(None, use_errno=True)

    def child():
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
                libc.prctl(PR_SET_SECCOMP, FILTER, head, 0, 0) != 0:
            os._exit(99)
    child.keep = space
    return child


def on_such(lab, links):
    """The lab's commands run there from now on."""
    if os.uname().machine != "x86_64":
        raise Skip("the filter is for x86-64")
    plain, child = lab.popen, without(links)

    def popen(*args, **more):
        return plain(*args, preexec_fn=child, **more)
    lab.popen = popen


def test_images_are_made_without_nameless_files_and_without_links(lab):
    for links in (True, False):
        plain = lab.popen
        on_such(lab, links)
        try:
            before = files(lab)
            lab.ok("create", "-s", "8M", "a.qcow2")
            lab.ok("create", "-s", "8M", "-o", "data_file=d", "b.qcow2")
            lab.ok("create", "-i", "a.qcow2", "c.raw")
            check(files(lab) == sorted(
                before + ["a.qcow2", "b.qcow2", "c.raw", "d"]), files(lab))
            # Never in the place of another file, there neither.
            old = os.stat(lab.path("c.raw")).st_ino
            for path in ("c.raw", "a.qcow2"):
                err = lab.fails("create", "-s", "1M", path)
                check("exists already" in err, err)
            err = lab.fails("create", "-s", "1M", "-o", "data_file=c.raw",
                            "e.qcow2")
            check("exists already" in err, err)
            check(os.stat(lab.path("c.raw")).st_ino == old, "replaced")
        finally:
            lab.popen = plain
        clean(lab, "a.qcow2")
        clean(lab, "b.qcow2")
        for name in ("a.qcow2", "b.qcow2", "c.raw", "d"):
            os.unlink(lab.path(name))


def test_ctrl_c_leaves_no_part_there(lab):
    on_such(lab, True)

    def make(size):
        source(lab, size)
        if os.path.exists(lab.path("new.qcow2")):
            os.unlink(lab.path("new.qcow2"))
    args = ["create", "-o", SLOW, "-i", "src.raw", "new.qcow2"]
    status, err = in_the_middle(lab, signal.SIGINT, [".part"], make, *args)
    check(status == 1 and "new.qcow2 was not made" in err, status, err)
    check(files(lab) == ["src.raw", "vmtui.conf"], files(lab))
    # Killed, it can leave only what says that it is a part.
    status, _ = in_the_middle(lab, signal.SIGKILL, [".part"], make, *args)
    check(status == -signal.SIGKILL, status)
    for name in files(lab):
        check(name in ("src.raw", "vmtui.conf") or name.endswith(".part") or
              name == "new.qcow2", files(lab))
    if "new.qcow2" in files(lab):
        qemu_img(lab, "compare", "src.raw", "new.qcow2")
