"""convert, resize, commit and rebase: the disk stays what it was, and QEMU
finds nothing wrong.
"""

import fcntl
import json
import os
import random
import shutil

from harness import check
from judge import clean, info, qemu_img, qemu_io, same

LAYOUTS = ("cluster_size=64K", "cluster_size=512", "cluster_size=2M",
           "compat=v2", "extended_l2=on", "refcount_bits=1",
           "lazy_refcounts=on,cluster_size=4K")


def scatter(lab, path, seed, size, count=12, form="qcow2"):
    """Writes, zeroes and discards here and there."""
    rand = random.Random(seed)
    commands = []
    for i in range(count):
        at = rand.randrange(size >> 9) << 9
        most = min(size - at, rand.choice((512, 5 << 9, 64 << 10, 700 << 10)))
        what = rand.choice(("write -P %d" % (seed * 20 % 200 + i + 1),) * 3 +
                           ("write -z", "discard"))
        commands.append("%s %d %d" % (what, at, most))
    qemu_io(lab, path, *commands, form=form)


def test_convert_either_way(lab):
    size = 24 << 20
    with open(lab.path("a.raw"), "wb") as f:
        f.truncate(size)
    scatter(lab, "a.raw", 1, size, 30, "raw")
    for i, options in enumerate(LAYOUTS):
        one, two = "b%d.qcow2" % i, "c%d.raw" % i
        lab.ok("create", "-i", "a.raw", "-o", options, one)
        clean(lab, one)
        same(lab, "a.raw", one, "-f", "raw", "-F", "qcow2")
        lab.ok("image", "convert", one, two)
        same(lab, "a.raw", two)
        check(os.stat(lab.path(two)).st_size == size, "another size")
        three = "d%d.qcow2" % i
        lab.ok("image", "convert", "-o", LAYOUTS[i - 1], one, three)
        clean(lab, three)
        same(lab, one, three)
    lab.ok("image", "convert", "-O", "qcow2", "a.raw", "e.name")
    lab.ok("image", "convert", "-f", "qcow2", "-O", "raw", "e.name",
           "f.qcow2")
    same(lab, "a.raw", "f.qcow2", "-f", "raw", "-F", "raw")


def test_convert_keeps_holes(lab):
    lab.ok("create", "-s", "1G", "a.raw")
    qemu_io(lab, "a.raw", "write -P 1 100M 64k", "write -z -n 300M 64k",
            "write -P 0 500M 64k", "write -P 2 900M 4k", form="raw")
    lab.ok("create", "-i", "a.raw", "b.qcow2")
    check(info(lab, "b.qcow2")["actual-size"] < 1 << 20, "it is full")
    lab.ok("create", "-i", "b.qcow2", "c.raw")
    check(os.stat(lab.path("c.raw")).st_blocks * 512 == (64 << 10) + 4096,
          os.stat(lab.path("c.raw")))
    same(lab, "a.raw", "c.raw")


def test_convert_reads_chains_and_compressed_images(lab):
    qemu_img(lab, "create", "-q", "-f", "qcow2", "0.qcow2", "9M")
    scatter(lab, "0.qcow2", 1, 9 << 20)
    qemu_img(lab, "convert", "-c", "-O", "qcow2", "0.qcow2", "packed.qcow2")
    qemu_img(lab, "convert", "-c", "-o", "compression_type=zstd", "-O",
             "qcow2", "0.qcow2", "zstd.qcow2")
    for base in ("packed.qcow2", "zstd.qcow2"):
        top = "top-" + base
        lab.ok("create", "-b", base, "-s", "12M", "middle-" + base)
        scatter(lab, "middle-" + base, 2, 12 << 20)
        lab.ok("create", "-b", "middle-" + base, top)
        scatter(lab, top, 3, 12 << 20)
        lab.ok("image", "convert", top, base + ".flat.qcow2")
        clean(lab, base + ".flat.qcow2")
        same(lab, top, base + ".flat.qcow2")
        check("backing-filename" not in info(lab, base + ".flat.qcow2"),
              "it has a base")


def test_a_copy_may_be_larger_but_not_smaller(lab):
    lab.path("odd.raw", b"x" * 1000)
    lab.ok("create", "-i", "odd.raw", "a.qcow2")
    check(info(lab, "a.qcow2")["virtual-size"] == 1024, "not whole sectors")
    lab.ok("create", "-i", "odd.raw", "-s", "1M", "b.qcow2")
    check(info(lab, "b.qcow2")["virtual-size"] == 1 << 20, "not 1M")
    qemu_io(lab, "b.qcow2", "read -P 0x78 0 1000", "read -P 0 1000 1000000")
    lab.ok("create", "-i", "odd.raw", "-s", "1M", "c.raw")
    check(os.stat(lab.path("c.raw")).st_size == 1 << 20, "not 1M")
    err = lab.fails("create", "-i", "odd.raw", "-s", "512", "d.qcow2")
    check("would lose the end" in err, err)


def test_a_larger_disk_has_zeroes_at_its_end(lab):
    for i, options in enumerate(LAYOUTS):
        path = "a%d.qcow2" % i
        lab.ok("create", "-s", "3M", "-o", options, path)
        scatter(lab, path, i, 3 << 20)
        shutil.copy(lab.path(path), lab.path("old.qcow2"))
        for size in ("+512", "5M", "+100M", "2G"):
            lab.ok("image", "resize", path, size)
            clean(lab, path)
        check(info(lab, path)["virtual-size"] == 2 << 30, "not 2G")
        qemu_img(lab, "resize", "-q", "old.qcow2", "2G")
        same(lab, path, "old.qcow2")
        qemu_io(lab, path, "read -P 0 3M 200M", "write -P 5 1900M 1M",
                "read -P 5 1900M 1M")
        clean(lab, path)


def test_growth_shows_nothing_of_a_larger_base(lab):
    lab.ok("create", "-s", "4M", "base.qcow2")
    qemu_io(lab, "base.qcow2", "write -P 7 0 4M")
    for options in ("cluster_size=64K", "cluster_size=2M", "extended_l2=on",
                    "cluster_size=512"):
        lab.ok("create", "-b", "base.qcow2", "-o", options, "top.qcow2")
        lab.ok("image", "resize", "--shrink", "--lose-data", "top.qcow2",
               "1000K")
        lab.ok("image", "resize", "top.qcow2", "6M")
        qemu_io(lab, "top.qcow2", "read -P 7 0 1000K",
                "read -P 0 1000K %dK" % (6 * 1024 - 1000))
        clean(lab, "top.qcow2")
        # QEMU's own images may be shorter than their base too.
        os.unlink(lab.path("top.qcow2"))
        qemu_img(lab, "create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F",
                 "qcow2", "-o", options, "top.qcow2",
                 "1000K")
        lab.ok("image", "resize", "top.qcow2", "6M")
        qemu_io(lab, "top.qcow2", "read -P 7 0 1000K",
                "read -P 0 1000K %dK" % (6 * 1024 - 1000))
        clean(lab, "top.qcow2")
        os.unlink(lab.path("top.qcow2"))


def test_a_smaller_disk_only_where_nothing_is_lost(lab):
    lab.ok("create", "-s", "8M", "a.qcow2")
    lab.ok("create", "-s", "8M", "a.raw")
    for path, form in (("a.qcow2", "qcow2"), ("a.raw", "raw")):
        qemu_io(lab, path, "write -P 1 1M 64k", "write -P 0 6M 1M",
                "write -P 2 3000K 1K", form=form)
        for args, words in ((["2M"], "say --shrink"),
                            (["--shrink", "2M"], "holds data up to 3001K"),
                            (["--shrink", "3000K"], "up to 3001K")):
            before = open(lab.path(path), "rb").read()
            err = lab.fails("image", "resize", *args[:-1], path, args[-1])
            check(words in err, words, err)
            check(before == open(lab.path(path), "rb").read(), "changed")
        lab.ok("image", "resize", "--shrink", path, "3001K")
        check(info(lab, path)["virtual-size"] == 3001 << 10, "not 3001K")
        lab.ok("image", "resize", "--shrink", "--lose-data", path, "1100K")
        lab.ok("image", "resize", path, "8M")
        qemu_io(lab, path, "read -P 1 1M 64k", "read -P 0 1100K 5M",
                form=form)
    clean(lab, "a.qcow2")


def test_a_smaller_disk_gives_its_room_back(lab):
    lab.ok("create", "-s", "64M", "a.qcow2")
    qemu_io(lab, "a.qcow2", "write -P 1 0 64M")
    lab.ok("image", "resize", "--shrink", "--lose-data", "a.qcow2", "1M")
    check(info(lab, "a.qcow2")["actual-size"] < 8 << 20, "still large")
    clean(lab, "a.qcow2")


def test_resize_keeps_snapshots(lab):
    lab.ok("create", "-s", "8M", "a.qcow2")
    scatter(lab, "a.qcow2", 1, 8 << 20)
    qemu_img(lab, "snapshot", "-c", "s", "a.qcow2")
    qemu_img(lab, "convert", "-l", "s", "-O", "raw", "a.qcow2", "s.raw")
    scatter(lab, "a.qcow2", 2, 8 << 20)
    lab.ok("image", "resize", "a.qcow2", "6G")
    clean(lab, "a.qcow2")
    lab.ok("image", "resize", "--shrink", "--lose-data", "a.qcow2", "2M")
    clean(lab, "a.qcow2")
    qemu_img(lab, "snapshot", "-a", "s", "a.qcow2")
    clean(lab, "a.qcow2")
    same(lab, "s.raw", "a.qcow2")


def pair(lab, n, options, base_form="qcow2", grown="10M"):
    """A base and an image on it; what the disk holds as raw."""
    base = "base%d.%s" % (n, base_form)
    top = "top%d.qcow2" % n
    lab.ok("create", "-s", "9M", base)
    scatter(lab, base, n, 9 << 20, form=base_form)
    lab.ok("create", "-b", base, "-s", grown, "-o", options, top)
    scatter(lab, top, n + 50, 9 << 20, 20)
    qemu_img(lab, "convert", "-O", "raw", top, "want%d.raw" % n)
    return base, top, "want%d.raw" % n


def test_commit_moves_all_into_the_base(lab):
    for n, options in enumerate(LAYOUTS):
        base, top, want = pair(lab, n, options, ("qcow2", "raw")[n % 2])
        lab.ok("image", "commit", top)
        same(lab, top, want)
        same(lab, base, want, "-f", ("qcow2", "raw")[n % 2])
        clean(lab, top)
        if n % 2 == 0:
            clean(lab, base)
        told = json.loads(lab.ok("image", "map", "--json", top))["extents"]
        check(all(e["depth"] > 0 or e["kind"] == "absent" for e in told),
              "not empty:", told)


def test_commit_keeps_snapshots(lab):
    base, top, want = pair(lab, 1, "cluster_size=4K")
    qemu_img(lab, "snapshot", "-c", "s", top)
    qemu_io(lab, top, "write -P 77 2M 1M")
    qemu_img(lab, "convert", "-O", "raw", top, "now.raw")
    lab.ok("image", "commit", top)
    same(lab, top, "now.raw")
    clean(lab, top)
    qemu_img(lab, "snapshot", "-a", "s", top)
    qemu_io(lab, top, "read 2M 1M")
    clean(lab, top)


def test_commit_needs_a_base(lab):
    lab.ok("create", "-s", "1M", "a.qcow2")
    lab.ok("create", "-s", "1M", "a.raw")
    for path in ("a.qcow2", "a.raw"):
        err = lab.fails("image", "commit", path)
        check("based on nothing" in err, err)


def test_rebase_keeps_the_disk(lab):
    for n, options in enumerate(LAYOUTS):
        base, top, want = pair(lab, n, options, ("qcow2", "raw")[n % 2])
        lab.ok("create", "-s", "11M", "other.qcow2")
        scatter(lab, "other.qcow2", 99, 11 << 20, 20)
        lab.ok("image", "rebase", "-b", "other.qcow2", top)
        check(info(lab, top)["backing-filename"] == "other.qcow2", "not it")
        os.rename(lab.path(base), lab.path("gone"))
        same(lab, top, want)
        clean(lab, top)
        os.rename(lab.path("gone"), lab.path(base))
        lab.ok("image", "rebase", "-b", "", top)
        check("backing-filename" not in info(lab, top), "still based")
        os.unlink(lab.path("other.qcow2"))
        same(lab, top, want)
        clean(lab, top)
        lab.ok("image", "rebase", "-b", base, top)
        same(lab, top, want)
        clean(lab, top)


def test_rebase_of_an_image_without_a_base_keeps_its_zeroes(lab):
    for n, options in enumerate(LAYOUTS):
        lab.ok("create", "-s", "4M", "-o", options, "a.qcow2")
        qemu_io(lab, "a.qcow2", "write -P 1 1M 64k", "write -z 2M 64k")
        lab.ok("create", "-s", "4M", "b.qcow2")
        qemu_io(lab, "b.qcow2", "write -P 2 0 3M")
        qemu_img(lab, "convert", "-O", "raw", "a.qcow2", "want.raw")
        lab.ok("image", "rebase", "-b", "b.qcow2", "a.qcow2")
        same(lab, "a.qcow2", "want.raw")
        clean(lab, "a.qcow2")
        os.unlink(lab.path("a.qcow2"))
        os.unlink(lab.path("b.qcow2"))


def test_rebase_past_an_image_copies_only_what_differs(lab):
    lab.ok("create", "-s", "64M", "a.qcow2")
    qemu_io(lab, "a.qcow2", "write -P 1 0 64M")
    lab.ok("create", "-b", "a.qcow2", "b.qcow2")
    qemu_io(lab, "b.qcow2", "write -P 2 8M 64k")
    lab.ok("create", "-b", "b.qcow2", "c.qcow2")
    qemu_io(lab, "c.qcow2", "write -P 3 9M 64k")
    qemu_img(lab, "convert", "-O", "raw", "c.qcow2", "want.raw")
    lab.ok("image", "rebase", "-b", "a.qcow2", "c.qcow2")
    os.unlink(lab.path("b.qcow2"))
    same(lab, "c.qcow2", "want.raw")
    clean(lab, "c.qcow2")
    told = json.loads(lab.ok("image", "map", "--json", "c.qcow2"))["extents"]
    check([e["start"] >> 20 for e in told if e["depth"] == 0] == [8, 9], told)


def test_rebase_u_changes_the_name_alone(lab):
    base, top, want = pair(lab, 1, "cluster_size=64K")
    os.mkdir(lab.path("moved"))
    os.rename(lab.path(base), lab.path("moved/b.qcow2"))
    lab.fails("image", "rebase", "-b", "moved/b.qcow2", top)
    lab.ok("image", "rebase", "-u", "-b", "moved/b.qcow2", top)
    check(info(lab, top)["backing-filename"] == "moved/b.qcow2", "not it")
    same(lab, top, want)
    # Back and forth, with names longer and shorter.
    for name in ("x" * 200 + ".qcow2", "y.qcow2", "z" * 100 + ".raw",
                 "moved/b.qcow2"):
        lab.ok("image", "rebase", "-u", "-b", name, top)
        check(info(lab, top)["backing-filename"] == name, name)
    same(lab, top, want)
    clean(lab, top)
    lab.ok("image", "rebase", "-u", "-b", "", top)
    check("backing-filename" not in info(lab, top), "still based")


def test_rebase_keeps_what_others_wrote_in_the_header(lab):
    """Feature names, bitmaps, unknown extensions."""
    for compat in ("0.10", "1.1"):
        qemu_img(lab, "create", "-q", "-f", "qcow2", "-o", "compat=" + compat,
                 "a.qcow2", "4M")
        qemu_img(lab, "create", "-q", "-f", "raw", "b.raw", "4M")
        if compat == "1.1":
            qemu_img(lab, "bitmap", "--add", "a.qcow2", "bits")
        before = open(lab.path("a.qcow2"), "rb").read(4096)
        lab.ok("image", "rebase", "-u", "-b", "b.raw", "-F", "raw",
               "a.qcow2")
        found = info(lab, "a.qcow2")
        check(found["backing-filename-format"] == "raw", found)
        if compat == "1.1":
            check(found["format-specific"]["data"]["bitmaps"], found)
        clean(lab, "a.qcow2")
        lab.ok("image", "rebase", "-u", "-b", "", "a.qcow2")
        after = open(lab.path("a.qcow2"), "rb").read(4096)
        if compat == "1.1":
            # What is behind the last extension means nothing.
            check(before[:536] == after[:536], "not as it was")
        clean(lab, "a.qcow2")
        os.unlink(lab.path("a.qcow2"))


def test_rebase_refuses_what_cannot_be(lab):
    base, top, want = pair(lab, 1, "cluster_size=64K")
    lab.ok("create", "-b", top, "above.qcow2")
    lab.ok("create", "-s", "1M", "a.raw")
    for args, word in ((["-b", top, top], "cannot be the base"),
                       (["-b", "above.qcow2", top], "cannot be the base"),
                       (["-b", "missing.qcow2", top], "is missing"),
                       (["-b", base, "-F", "raw", top], "is a qcow2 image"),
                       (["-b", "a.raw", "-F", "qcow2", top], "not a qcow2"),
                       (["-b", base, "a.raw"], "raw image")):
        err = lab.fails("image", "rebase", *args)
        check(word in err, args, err)
        same(lab, top, want)
        check(info(lab, top)["backing-filename"] == base, "it changed")


def test_delete_leaves_what_is_in_use(lab):
    lab.ok("create", "-s", "1M", "a.qcow2")
    with open(lab.path("a.qcow2"), "rb") as f:
        # As who writes it does: backend/block/lock.c.
        fcntl.lockf(f, fcntl.LOCK_SH, 1, 100 + 1)
        why = lab.fails("image", "delete", "a.qcow2")
        check("in use" in why, why)
    check(os.path.exists(lab.path("a.qcow2")), "it is gone")
    lab.ok("image", "delete", "a.qcow2")
    check(not os.path.exists(lab.path("a.qcow2")), "it is still there")
    check("cannot be deleted" in lab.fails("image", "delete", "a.qcow2"), "")
    check("is not a file" in lab.fails("image", "delete", "."), "")
    with open(lab.path("bad.qcow2"), "wb") as f:
        f.write(b"QFI\xfb and nothing more")
    lab.ok("image", "delete", "bad.qcow2")
