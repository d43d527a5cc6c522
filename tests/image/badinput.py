"""What a person gets wrong, and damaged images: a sentence, and the old state
intact.
"""

import hashlib
import os
import subprocess

from harness import Skip, check, need_root
from judge import files, need_qemu, poke, qemu_img, qemu_io


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).digest()


def refused(lab, *args, says=()):
    """It fails with a sentence that has these words, and changes nothing."""
    before = {name: digest(lab.path(name)) for name in files(lab)
              if os.path.isfile(lab.path(name))}
    err = lab.fails(*args)
    check(err.count("\n") == 1, "more than a line:", err)
    for word in says:
        check(word in err, "no", word, "in", err)
    after = {name: digest(lab.path(name)) for name in files(lab)
             if os.path.isfile(lab.path(name))}
    check(before == after, "something changed:", args, sorted(after))


def test_sizes_that_are_none(lab):
    refused(lab, "create", "-s", "0", "a.qcow2", says=["no bytes"])
    refused(lab, "create", "-s", "0", "a.raw", says=["no bytes"])
    for size in ("9223372036854775808", "18446744073709551616", "8388608T",
                 "99999999999999999999999999", "9223372036854775807"):
        for path in ("a.qcow2", "a.raw"):
            refused(lab, "create", "-s", size, path)
    for size in ("", "-1", "16X", "1.5G", "ten", "0x10", " 1G", "16 G"):
        refused(lab, "create", "-s", size, "a.qcow2",
                says=["is not a size"])


def test_bases_that_are_none(lab):
    lab.ok("create", "-s", "1M", "good.qcow2")
    lab.ok("create", "-s", "1M", "good.raw")
    refused(lab, "create", "-b", "missing.qcow2", "a.qcow2",
            says=["missing.qcow2 is missing"])
    refused(lab, "create", "-b", "a.qcow2", "a.qcow2",
            says=["a.qcow2 is missing"])
    refused(lab, "create", "-b", "good.qcow2", "good.qcow2",
            says=["based on"])
    refused(lab, "create", "-b", "good.qcow2", "-F", "raw", "a.qcow2",
            says=["is a qcow2 image"])
    refused(lab, "create", "-b", "good.raw", "-F", "qcow2", "a.qcow2",
            says=["not a qcow2 image"])
    refused(lab, "create", "-b", "good.qcow2", "-s", "512K", "a.qcow2",
            says=["smaller than its base"])
    refused(lab, "create", "-b", lab.dir, "a.qcow2", says=["folder"])
    lab.path("empty", b"")
    refused(lab, "create", "-b", "empty", "a.qcow2", says=["empty is empty"])
    refused(lab, "create", "-i", "empty", "a.raw", says=["empty is empty"])
    lab.ok("create", "-b", "empty", "-s", "1M", "grown.qcow2")
    os.mkfifo(lab.path("fifo"))
    refused(lab, "create", "-b", "fifo", "a.qcow2",
            says=["neither a file nor a block device"])
    os.unlink(lab.path("fifo"))


def test_a_base_that_is_written_now_is_none(lab):
    need_qemu()
    lab.ok("create", "-s", "1M", "busy.qcow2")
    holder = subprocess.Popen(["qemu-io", "busy.qcow2"], cwd=lab.dir,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        holder.stdin.write(b"read 0 512\n")
        holder.stdin.flush()
        holder.stdout.readline()
        refused(lab, "create", "-b", "busy.qcow2", "a.qcow2",
                says=["in use", "stop that first"])
        refused(lab, "image", "check", "busy.qcow2", says=["in use"])
        refused(lab, "image", "check", "-r", "busy.qcow2", says=["in use"])
        refused(lab, "image", "map", "busy.qcow2", says=["in use"])
        refused(lab, "image", "convert", "busy.qcow2", "a.raw",
                says=["in use"])
        check("1M" in lab.ok("image", "info", "busy.qcow2"), "no info")
    finally:
        holder.stdin.close()
        holder.wait()


def test_folders_that_cannot_take_it(lab):
    refused(lab, "create", "-s", "1M", "no/such/folder/a.qcow2",
            says=["folder", "does not exist"])
    refused(lab, "create", "-s", "1M", lab.dir + "/", says=["folder"])
    refused(lab, "create", "-s", "1M", "", says=["needs a name"])
    lab.path("file", b"x")
    refused(lab, "create", "-s", "1M", "file/a.qcow2", says=["folder"])
    refused(lab, "create", "-s", "1M", "a" * 300 + ".qcow2",
            says=["too long"])


def test_no_permission(lab):
    need_root()
    lab.ok("create", "-s", "1M", "secret.qcow2")
    os.chmod(lab.dir, 0o755)
    plain = lab.popen

    def popen(*args, **more):
        return plain(*args, user=65534, group=65534, extra_groups=[], **more)
    lab.popen = popen
    refused(lab, "create", "-s", "1M", "a.qcow2", says=["uid 65534"])
    for command in ("info", "check", "map"):
        refused(lab, "image", command, "secret.qcow2",
                says=["uid 65534", "reading"])
    refused(lab, "image", "check", "-r", "secret.qcow2", says=["uid 65534"])
    refused(lab, "create", "-i", "secret.qcow2", "/tmp/a.qcow2",
            says=["uid 65534"])


def test_options_that_are_none(lab):
    for options, word in (("cluster_size=3K", "power of two"),
                          ("cluster_size=4M", "power of two"),
                          ("cluster_size=256", "power of two"),
                          ("refcount_bits=3", "refcount_bits is"),
                          ("refcount_bits=128", "refcount_bits is"),
                          ("compat=v4", "v2 or v3"),
                          ("lazy_refcounts=maybe", "on or off"),
                          ("cluster_sise=64K", "is cluster_size meant"),
                          ("zzz=1", "there is no option"),
                          ("cluster_size", "NAME=VALUE"),
                          ("compat=v2,lazy_refcounts=on", "compat=v2"),
                          ("compat=v2,refcount_bits=1", "compat=v2"),
                          ("extended_l2=on,cluster_size=4K", "16K"),
                          ("preallocation=some", "preallocation is off"),
                          ("preallocation=", "preallocation is off"),
                          ("compression_type=lzo", "zlib or zstd"),
                          ("data_file=", "path of a file"),
                          ("data_file=" + "d" * 5000, "path of a file"),
                          ("data_file=" + "d" * 300, "too long"),
                          ("data_file=a.qcow2", "its own data file"),
                          ("data_file=no/d", "folder"),
                          ("data_file_raw=on", "name that"),
                          ("data_file_raw=1,data_file=d", "on or off"),
                          ("compat=v2,data_file=d", "compat=v2"),
                          ("compat=v2,compression_type=zstd", "compat=v2"),
                          ("cluster_size=512,data_file=/" + "d" * 500,
                           "does not fit"),
                          ("cluster_size=512", "128G at most")):
        size = "1T" if word == "128G at most" else "1G"
        result = lab.run("create", "-s", size, "-o", options, "a.qcow2")
        check(result.status in (1, 2) and word in result.err, options,
              result.err)
        check(not os.path.exists(lab.path("a.qcow2")), "it was made")
    for options, path, word in (("preallocation=metadata", "a.raw", "falloc"),
                                ("cluster_size=4K", "a.raw", "no option"),
                                ("data_file=d", "a.raw", "no option")):
        result = lab.run("create", "-s", "1M", "-o", options, path)
        check(result.status == 2 and word in result.err, result.err)
    lab.ok("create", "-s", "1M", "base.qcow2")
    for options, word in (("preallocation=metadata", "hide the base"),
                          ("data_file=d,data_file_raw=on", "based on")):
        refused(lab, "create", "-b", "base.qcow2", "-o", options, "a.qcow2",
                says=[word])
    refused(lab, "create", "-s", "1048576T", "-o",
            "cluster_size=2M,preallocation=metadata", "a.qcow2",
            says=["too large to be preallocated"])


def test_misuse_shows_how_it_is_used(lab):
    for args in (["create"], ["create", "a.qcow2"], ["create", "-s", "1G"],
                 ["create", "-s", "1G", "a", "b"], ["image"],
                 ["image", "info"], ["image", "check", "-x", "a"],
                 ["image", "nothing", "a"], ["image", "map"],
                 ["create", "-b", "a", "-i", "b", "c"],
                 ["create", "-b", "a", "-f", "raw", "c"],
                 ["create", "-s", "1G", "-f", "vmdk", "c"]):
        result = lab.run(*args)
        check(result.status == 2 and "usage: vmtui" in result.err, args,
              result.status, result.err)
    check(files(lab) == ["vmtui.conf"], files(lab))


def test_no_room_is_said_and_leaves_nothing(lab):
    need_root()
    need_qemu()
    os.mkdir(lab.path("small"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none",
                              lab.path("small")], check=False)
    if mounted.returncode != 0:
        raise Skip("nothing may be mounted here")
    try:
        lab.path("data.raw", os.urandom(1 << 20))
        for args in (["create", "-i", "data.raw", "small/a.raw"],
                     ["create", "-i", "data.raw", "small/a.qcow2"],
                     ["create", "-s", "2T", "-o", "cluster_size=2M,"
                      "refcount_bits=64", "small/a.qcow2"],
                     ["image", "convert", "data.raw", "small/a.raw"]):
            err = lab.fails(*args)
            check("no room" in err, err)
            check(os.listdir(lab.path("small")) == [],
                  os.listdir(lab.path("small")))
        # The base is full: the image still holds everything.
        lab.ok("create", "-s", "1M", "small/base.qcow2")
        lab.ok("create", "-b", "small/base.qcow2", "top.qcow2")
        qemu_io(lab, "top.qcow2", "write -P 5 0 1M")
        err = lab.fails("image", "commit", "top.qcow2")
        check("no room" in err, err)
        qemu_io(lab, "top.qcow2", "read -P 5 0 1M")
        os.unlink(lab.path("small/base.qcow2"))
        # So is the image: it keeps the base that it had.
        lab.ok("create", "-s", "1M", "base.qcow2")
        qemu_io(lab, "base.qcow2", "write -P 6 0 1M")
        lab.ok("create", "-b", lab.path("base.qcow2"), "small/top.qcow2")
        err = lab.fails("image", "rebase", "-b", "", "small/top.qcow2")
        check("no room" in err, err)
        qemu_io(lab, "small/top.qcow2", "read -P 6 0 1M")
        check("base.qcow2" in lab.ok("image", "info", "small/top.qcow2"),
              "it lost its base")
    finally:
        subprocess.run(["umount", lab.path("small")], check=True)


def test_images_that_are_none(lab):
    lab.path("text.qcow2", b"hello\n" * 1000)
    lab.path("empty.qcow2", b"")
    lab.path("tiny.qcow2", b"QFI\xfb\0\0\0\3")
    lab.path("guest.raw", b"QFI\xfb" + bytes(1 << 20))
    for command in ("info", "check", "map"):
        for name in ("text", "empty", "tiny"):
            refused(lab, "image", command, name + ".qcow2")
        refused(lab, "image", command, "missing.qcow2", says=["missing"])
        refused(lab, "image", command, "guest.raw",
                says=["say -f qcow2 or -f raw"])
        lab.ok("image", command, "-f", "raw", "guest.raw")


def test_encrypted_and_unknown_images_are_refused_by_name(lab):
    # By hand: qemu-img times its key function, and fails on a busy machine.
    for name, method in (("aes.qcow2", 1), ("luks.qcow2", 2)):
        qemu_img(lab, "create", "-q", "-f", "qcow2", name, "1M")
        poke(lab.path(name), 32, method.to_bytes(4, "big"))
        refused(lab, "image", "info", name, says=["encrypted"])
    qemu_img(lab, "create", "-q", "-f", "qcow2", "new.qcow2", "1M")
    poke(lab.path("new.qcow2"), 72, (1 << 40).to_bytes(8, "big"))
    refused(lab, "image", "check", "new.qcow2", says=["feature", "40"])


def test_chains_that_bite_their_tail(lab):
    lab.ok("create", "-s", "1M", "a.qcow2")
    lab.ok("create", "-b", "a.qcow2", "b.qcow2")
    qemu_img(lab, "rebase", "-u", "-b", "b.qcow2", "-F", "qcow2", "a.qcow2")
    for command in ("map", "info"):
        err = lab.fails("image", command, "b.qcow2")
        check("based on itself" in err, err)
    qemu_img(lab, "rebase", "-u", "-b", "nbd://host/x", "-F", "raw",
             "a.qcow2")
    err = lab.fails("image", "info", "b.qcow2")
    check("only files" in err, err)
    os.unlink(lab.path("a.qcow2"))
    result = lab.run("image", "info", "b.qcow2")
    check(result.status == 1 and "a.qcow2 is missing" in result.err and
          "based on" in result.out, result.out, result.err)
