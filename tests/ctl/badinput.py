"""What a person gets wrong: a sentence that names the thing, the reason and
the next step, and nothing half-started left behind.
"""

import os
import struct
import subprocess

from harness import (BINARY, KERNEL, check, need_kernel, need_kvm, need_root,
                     until)


def refused(lab, name, *words):
    err = lab.fails("start", name)
    for word in words:
        check(word in err, "no", word, "in", err)
    check(err.count("\n") == 1, "more than a line:", err)
    guest = lab.status(name)
    check(guest["state"] == "stopped" and guest["pid"] == 0, guest)
    check(guest["reason"] in err, "the list says otherwise:", guest["reason"])
    lab.nothing_left()


def test_a_missing_kernel_names_its_neighbour(lab):
    lab.path("vmlinuz-6.1", b"x")
    lab.configure(
        lab.guest("near", kernel="vmlinux-6.1") +
        lab.guest("far", kernel="/nowhere/at/all") +
        lab.guest("dir", kernel=lab.dir) +
        lab.guest("alone", kernel="qqqqqqqqqqqqqqqqqqqqq"))
    refused(lab, "near", lab.path("vmlinux-6.1"), "vmlinuz-6.1 meant?")
    refused(lab, "far", "/nowhere/at/all", "does not exist")
    refused(lab, "dir", lab.dir, "folder")
    refused(lab, "alone", "there is no kernel", "kernel =")


def test_bytes_that_are_no_text_are_a_mistake_that_arrives(lab):
    lab.configure("[vm a]\nkern\udcffel = x\n")
    mistakes = lab.status()["config"]["mistakes"]
    check(len(mistakes) == 1 and ":2: " in mistakes[0], mistakes)


def test_a_missing_or_empty_initrd_is_refused(lab):
    need_kernel()
    lab.configure(lab.guest("a", "initrd = initrd.img"))
    refused(lab, "a", "initrd", lab.path("initrd.img"))


def test_a_file_that_is_no_kernel_is_refused(lab):
    lab.path("text", b"hello\n" * 1000)
    lab.path("empty", b"")
    lab.path("zeroes", bytes(100000))
    os.mkfifo(lab.path("fifo"))
    lab.configure("".join(lab.guest(n, kernel=n)
                          for n in ("text", "empty", "zeroes", "fifo")))
    refused(lab, "text", lab.path("text"), "no kernel")
    refused(lab, "empty", lab.path("empty"), "empty")
    refused(lab, "zeroes", lab.path("zeroes"))
    refused(lab, "fifo", lab.path("fifo"), "not a file")


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


def test_no_permission_for_a_file_is_a_sentence(lab):
    if os.geteuid() == 0:
        # Root may read everything: ask as somebody else.
        as_nobody(lab)
    lab.path("secret", b"x")
    os.chmod(lab.path("secret"), 0)
    lab.configure(lab.guest("a", kernel="secret"))
    refused(lab, "a", lab.path("secret"), "permission")


def as_nobody(lab):
    """Has the backend run without privileges, beside clients of root."""
    need_root()
    os.chmod(lab.dir, 0o755)
    os.mkdir(lab.run_dir, 0o700)
    os.mkdir(lab.state_dir, 0o700)
    os.chown(lab.run_dir, 65534, 65534)
    os.chown(lab.state_dir, 65534, 65534)
    run_backend(lab, ["setpriv", "--reuid=65534", "--regid=65534",
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


def test_more_memory_than_the_host_has_is_refused(lab):
    need_kernel()
    lab.configure(lab.guest("a", memory="15T"))
    refused(lab, "a", "15T", "this host has", "memory =")


def test_more_cpus_than_a_guest_can_have_are_a_mistake(lab):
    lab.configure(lab.guest("a", "cpus = 65"))
    result = lab.run("check")
    check(result.status == 1 and ":4: " in result.err, result.err)


def test_keys_of_later_versions_are_refused_when_needed(lab):
    need_kernel()
    lab.path("q", b"QFI\xfb" + bytes(600))
    extra = {"user": "interface = user", "local": "interface = local"}
    lab.configure("".join(
        lab.guest(name, text) for name, text in extra.items()))
    lab.ok("check")
    for name in extra:
        refused(lab, name, "later version")


def test_a_disk_that_cannot_go_around_the_cache_is_refused(lab):
    need_kernel()
    lab.path("odd.img", bytes(10000))
    lab.configure(lab.guest("a", "disk = odd.img, cache=none"))
    lab.ok("check")
    refused(lab, "a", lab.path("odd.img"), "10000 bytes", "cache=none")


def test_firmware_that_is_none_is_refused(lab):
    need_kernel()
    lab.path("disk", bytes(1 << 16))
    lab.path("bios.bin", b"x" * 1000)
    lab.path("zeroes", bytes(1 << 17))
    lab.configure("".join(
        "[vm %s]\ndisk = disk\nfirmware = %s\n" % (name, path)
        for name, path in (("near", "bios.bim"), ("dir", lab.dir),
                           ("short", "bios.bin"), ("none", "zeroes"))))
    lab.ok("check")
    refused(lab, "near", lab.path("bios.bim"), "bios.bin meant?")
    refused(lab, "dir", "a folder", "firmware =")
    refused(lab, "short", lab.path("bios.bin"), "no PC firmware", "1000")
    refused(lab, "none", lab.path("zeroes"), "no code")


def test_a_cdrom_that_is_none_is_refused(lab):
    need_kernel()
    lab.path("disc.iso", b"x" * 2048)
    lab.path("empty", b"")
    lab.configure(lab.guest("near", "cdrom = disk.iso") +
                  lab.guest("dir", "cdrom = .") +
                  lab.guest("empty", "cdrom = ./empty"))
    lab.ok("check")
    refused(lab, "near", "cdrom", lab.path("disk.iso"), "disc.iso beside it")
    refused(lab, "dir", "cdrom", "folder")
    refused(lab, "empty", "cdrom", "empty")


def test_a_missing_disk_names_its_neighbour(lab):
    need_kernel()
    lab.path("mv1.qcow2", b"x" * 512)
    lab.configure(lab.guest("a", "disk = mv1.img"))
    refused(lab, "a", lab.path("mv1.img"), "mv1.qcow2")


def test_a_raw_disk_that_begins_as_qcow2_needs_its_format(lab):
    need_kernel()
    lab.path("q", b"QFI\xfb" + bytes(600))
    lab.configure(lab.guest("a", "disk = q"))
    refused(lab, "a", lab.path("q"), "format=raw", "format=qcow2")


def test_disks_that_are_no_disks_are_refused(lab):
    need_kernel()
    lab.path("empty", b"")
    lab.configure(lab.guest("a", "disk = empty") +
                  lab.guest("b", "disk = " + lab.dir))
    refused(lab, "a", lab.path("empty"))
    refused(lab, "b", lab.dir)


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


def test_an_undefined_switch_is_a_mistake_with_its_line(lab):
    lab.configure("[switch local]\n" +
                  lab.guest("a", "interface = switch=locla"))
    result = lab.run("check")
    check(":5: " in result.err and "local" in result.err, result.err)


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
    # Too little for a kernel's machine, but not for the definition's rules.
    lab.configure(lab.guest("a", "hugepages = yes", memory="4G"))
    with open("/proc/sys/vm/nr_hugepages") as f:
        if f.read().strip() != "0":
            from harness import Skip
            raise Skip("this host has huge pages to give")
    err = lab.fails("start", "a")
    check("huge" in err, err)
    lab.nothing_left()
    guest = lab.status("a")
    check(guest["state"] == "stopped" and "huge" in guest["reason"], guest)
