"""QEMU's own tools as the judge of our images, and what a test needs of them.
"""

import json
import os
import shutil
import struct
import subprocess

from harness import Skip, check

MAGIC = b"QFI\xfb"


def need_qemu():
    for program in ("qemu-img", "qemu-io"):
        if shutil.which(program) is None:
            raise Skip("no " + program)


def qemu_img(lab, *args, status=0):
    need_qemu()
    result = subprocess.run(["qemu-img"] + list(args), cwd=lab.dir,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, check=False)
    if status is not None:
        check(result.returncode == status, "qemu-img", *args, "ended with",
              result.returncode, result.stdout, result.stderr)
    return result.stdout


def qemu_io(lab, path, *commands, form="qcow2"):
    need_qemu()
    words = []
    for command in commands:
        words += ["-c", command]
    result = subprocess.run(["qemu-io", "-f", form] + words + [path],
                            cwd=lab.dir, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False)
    check(result.returncode == 0 and "rror" not in result.stdout, "qemu-io",
          path, *commands, result.stdout)
    return result.stdout


def clean(lab, path):
    """QEMU finds neither damage nor a leak, and nor do we."""
    qemu_img(lab, "check", "-f", "qcow2", path)
    found = json.loads(lab.ok("image", "check", "--json", "-f", "qcow2", path))
    check(found["leaks"] == found["low_counts"] == found["wrong_flags"] ==
          found["damaged"] == 0, found)


def same(lab, one, other, *formats):
    qemu_img(lab, "compare", *formats, one, other)


def info(lab, path):
    return json.loads(qemu_img(lab, "info", "--output=json", path))


def words_of(path, at, count):
    """Big-endian words of 8 bytes."""
    with open(path, "rb") as f:
        f.seek(at)
        return struct.unpack(">%dQ" % count, f.read(8 * count))


def poke(path, at, data):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(data)


def peek(path):
    with open(path, "rb") as f:
        return f.read()


def files(lab):
    """Names in the lab's folder, and those of files without their own."""
    return sorted(os.listdir(lab.dir))
