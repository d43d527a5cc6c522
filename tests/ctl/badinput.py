"""What a person gets wrong: a sentence that names the thing, the reason and
the next step, and nothing half-started left behind.
"""

import os
import struct
import subprocess

from harness import BINARY, KERNEL, check, need_kernel, need_kvm, need_root


def refused(lab, name, *words):
    err = lab.fails("start", name)
    for word in words:
        check(word in err, "no", word, "in", err)
    check(err.count("\n") == 1, "more than a line:", err)
    guest = lab.status(name)
    check(guest["state"] == "stopped" and guest["pid"] == 0, guest)
    check(guest["reason"] in err, "the list says otherwise:", guest["reason"])
    lab.nothing_left()


def test_bytes_that_are_no_text_are_a_mistake_that_arrives(lab):
    lab.configure("[vm a]\nkern\udcffel = x\n")
    mistakes = lab.status()["config"]["mistakes"]
    check(len(mistakes) == 1 and ":2: " in mistakes[0], mistakes)


def test_a_truncated_kernel_is_refused(lab):
    need_kernel()
    with open(KERNEL, "rb") as f:
        whole = f.read()
    names = []
    # ELF-64: where the file's part of the last segment to load ends.
    offset, count = (struct.unpack_from("<Q", whole, 32)[0],
                     struct.unpack_from("<H", whole, 56)[0])
    heads = [struct.unpack_from("<IIQQQQ", whole, offset + 56 * i)
             for i in range(count)]
    need = max(h[2] + h[5] for h in heads if h[0] == 1)
    for size in (16, 64, 300, 5000, need // 2, need - 1):
        names.append("cut%d" % size)
        lab.path(names[-1], whole[:size])
    lab.configure("".join(lab.guest(n, kernel=n) for n in names))
    for name in names:
        refused(lab, name, lab.path(name))


def as_nobody(lab, prefix=()):
    """Has the backend run without privileges, beside clients of root."""
    need_root()
    os.chmod(lab.dir, 0o755)
    os.mkdir(lab.run_dir, 0o700)
    os.mkdir(lab.state_dir, 0o700)
    os.chown(lab.run_dir, 65534, 65534)
    os.chown(lab.state_dir, 65534, 65534)
    run_backend(lab, list(prefix) + ["setpriv", "--reuid=65534", "--regid=65534",
                      "--clear-groups"])
    # Root's own clients would refuse the folder of another user.
    for name in ("run", "popen"):
        setattr(lab, "plain_" + name, getattr(lab, name))

    def popen(*args, **more):
        return lab.plain_popen(*args, user=65534, group=65534,
                               extra_groups=[], **more)
    lab.popen = popen


def run_backend(lab, prefix):
    """A backend in the foreground under a command of its own."""
    ready, ours = os.pipe()
    subprocess.Popen(
        prefix + [BINARY, "backend", "--ready-fd=%d" % ours],
        env=lab.env, cwd=lab.dir, pass_fds=[ours],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=open(lab.path("backend.err"), "wb"))
    os.close(ours)
    said = os.read(ready, 1)
    os.close(ready)
    with open(lab.path("backend.err")) as f:
        check(said == b"\0", "the backend did not start:", f.read())


def test_no_permission_for_kvm_names_the_group(lab):
    need_kvm()
    as_nobody(lab)
    lab.configure(lab.guest("a"))
    refused(lab, "a", "/dev/kvm", "permission")


def test_no_kvm_at_all_says_what_to_load(lab):
    need_kernel()
    need_root()
    probe = ["unshare", "-m", "sh", "-c",
             "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && "
             'exec "$@"', "sh"]
    if subprocess.run(probe + ["true"], stderr=subprocess.DEVNULL).returncode:
        from harness import Skip
        raise Skip("no mount namespace to be had")
    run_backend(lab, probe)
    lab.configure(lab.guest("a"))
    refused(lab, "a", "/dev/kvm", "kvm-amd", "kvm-intel", "nested")


def test_a_disk_in_use_is_refused(lab):
    need_kvm()
    lab.path("d.img", bytes(1 << 20))
    lab.configure(lab.guest("a", "disk = d.img") +
                  lab.guest("b", "disk = d.img"))
    lab.ok("start", "a")
    err = lab.fails("start", "b")
    check(lab.path("d.img") in err and "use" in err, err)
    check(len(lab.guests()) == 1 and len(lab.sockets()) == 2)
    lab.ok("stop", "-f", "a")
    lab.ok("start", "b")


def test_guests_made_up_on_the_spot_are_checked_like_others(lab):
    lab.configure("[vm defined]\nkernel = /k\n")
    for args, word in (
            (["-m", "0", "-b", "/k", "x"], "memory"),
            (["-m", "much", "-b", "/k", "x"], "memory"),
            (["-b", "missing", "x"], lab.path("missing")),
            (["-d", "missing", "x"], lab.path("missing")),
            (["-b", "/k", "-n", "none", "x"], "none"),
            (["-b", "/k", "-t", "nobody", "x"], "nobody"),
            (["-b", "/k", "9x"], "9x"),
            (["-b", "/k", "defined"], "defined in")):
        err = lab.fails("start", *args)
        check(word in err, args, err)
    check(lab.run("start", "-b", "/k", "-i", "99", "x").status == 2)
    check(lab.run("start", "-b", "/k", "x", "y").status == 2)
    lab.nothing_left()
    names = [g["name"] for g in lab.status()["guests"]]
    check(names == ["defined"], names)


def test_a_guest_process_that_dies_at_birth_leaves_nothing(lab):
    need_kvm()
    # Its memory is a file as well, and longer than a file may be.
    run_backend(lab, ["prlimit", "--fsize=16777216"])
    lab.configure(lab.guest("a"))
    err = lab.fails("start", "a")
    check("too large" in err, err)
    lab.nothing_left()
    guest = lab.status("a")
    check(guest["state"] == "stopped" and "too large" in guest["reason"], guest)
