"""check: what it finds is what QEMU finds, and -r puts it right."""

import json
import random
import shutil
import struct

from harness import check
from judge import (clean, info, peek, poke, qemu_img, qemu_io, same, words_of)

OFFSET = 0x00fffffffffffe00


def make(lab, path="a.qcow2", options="cluster_size=4K", size="16M"):
    qemu_img(lab, "create", "-q", "-f", "qcow2", "-o", options, path, size)
    qemu_io(lab, path, "write -P 1 0 1M", "write -P 2 5M 300k",
            "write -z 9M 64k", "write -P 3 15M 1M")
    return path


def found(lab, path, *more):
    result = lab.run("image", "check", "--json", *more, path)
    check(result.status in (0, 1), result.status, result.err)
    return json.loads(result.out)


def block_of(lab, path):
    """Where the first refcount block is, and the first L2 table."""
    head = peek(lab.path(path))[:72]
    table = struct.unpack_from(">Q", head, 48)[0]
    l1 = struct.unpack_from(">Q", head, 40)[0]
    return (words_of(lab.path(path), table, 1)[0],
            words_of(lab.path(path), l1, 1)[0] & OFFSET)


def test_clean_images_of_every_kind_are_clean(lab):
    for i, options in enumerate((
            "cluster_size=512", "cluster_size=2M", "compat=0.10",
            "refcount_bits=1", "refcount_bits=2", "refcount_bits=64",
            "extended_l2=on", "data_file=x.raw", "preallocation=metadata",
            "preallocation=falloc", "compression_type=zstd")):
        make(lab, "q%d.qcow2" % i, options)
        clean(lab, "q%d.qcow2" % i)
    qemu_img(lab, "convert", "-c", "-O", "qcow2", "q1.qcow2", "packed.qcow2")
    clean(lab, "packed.qcow2")


def test_snapshots_and_bitmaps_are_counted(lab):
    make(lab)
    for i in range(4):
        qemu_img(lab, "snapshot", "-c", "s%d" % i, "a.qcow2")
        qemu_io(lab, "a.qcow2", "write -P %d %dM 700k" % (i + 10, i))
        clean(lab, "a.qcow2")
    qemu_img(lab, "snapshot", "-d", "s1", "a.qcow2")
    clean(lab, "a.qcow2")
    qemu_img(lab, "bitmap", "--add", "-g", "64k", "a.qcow2", "b0")
    qemu_img(lab, "bitmap", "--add", "a.qcow2", "b1")
    qemu_io(lab, "a.qcow2", "write -P 9 0 8M")
    clean(lab, "a.qcow2")


def test_bitmaps_are_kept_until_the_disk_may_change(lab):
    """What we do not keep up to date must not look as if we did (autoclear)."""
    make(lab)
    qemu_img(lab, "bitmap", "--add", "a.qcow2", "bits")
    size = info(lab, "a.qcow2")["virtual-size"]
    # Looking leaves them, and so does what changes the name of a base alone.
    lab.ok("image", "info", "a.qcow2")
    lab.ok("image", "convert", "a.qcow2", "copy.raw")
    lab.ok("image", "check", "-r", "a.qcow2")
    clean(lab, "a.qcow2")
    check(info(lab, "a.qcow2")["format-specific"]["data"].get("bitmaps"),
          "they are gone")
    lab.ok("image", "resize", "a.qcow2", str(size + (1 << 20)))
    data = info(lab, "a.qcow2")["format-specific"]["data"]
    check(not data.get("bitmaps"), "QEMU still believes them:", data)
    leaks = found(lab, "a.qcow2")["leaks"]
    check(leaks > 0 and leaks == json.loads(qemu_img(
        lab, "check", "--output=json", "a.qcow2", status=3))["leaks"], leaks)
    check(found(lab, "a.qcow2", "-r")["mended"] == leaks, "still there")
    clean(lab, "a.qcow2")
    # The clusters that they had may be anything else's now.
    qemu_io(lab, "a.qcow2", "write -P 9 0 %d" % size)
    qemu_img(lab, "bitmap", "--add", "a.qcow2", "new")
    clean(lab, "a.qcow2")
    qemu_io(lab, "a.qcow2", "read -P 9 0 %d" % size)


def test_leaks_are_found_and_taken_back(lab):
    make(lab)
    shutil.copy(lab.path("a.qcow2"), lab.path("b.qcow2"))
    block, _ = block_of(lab, "a.qcow2")
    end = len(peek(lab.path("a.qcow2"))) // 4096
    with open(lab.path("a.qcow2"), "r+b") as f:
        f.truncate((end + 50) * 4096)
    for n in range(end, end + 50):
        poke(lab.path("a.qcow2"), block + 2 * n, b"\0\1")
    theirs = json.loads(qemu_img(lab, "check", "--output=json", "a.qcow2",
                                 status=3))
    ours = found(lab, "a.qcow2")
    check(ours["leaks"] == theirs["leaks"] == 50, ours, theirs)
    check(ours["damaged"] == ours["low_counts"] == 0, ours)
    check("check -r takes them back" in lab.ok("image", "check", "a.qcow2"),
          "it does not say how")
    ours = found(lab, "a.qcow2", "-r")
    check(ours["leaks"] == 0 and ours["mended"] == 50, ours)
    clean(lab, "a.qcow2")
    same(lab, "a.qcow2", "b.qcow2")
    check(len(peek(lab.path("a.qcow2"))) == end * 4096, "still as long")


def test_a_dirty_image_gets_its_counts_back(lab):
    make(lab, options="cluster_size=4K,lazy_refcounts=on", size="64M")
    shutil.copy(lab.path("a.qcow2"), lab.path("b.qcow2"))
    # As a crash leaves it: marked, and nothing counted since.
    block, _ = block_of(lab, "a.qcow2")
    poke(lab.path("a.qcow2"), 72, struct.pack(">Q", 1))
    poke(lab.path("a.qcow2"), block + 20, bytes(400))
    ours = found(lab, "a.qcow2")
    check(ours["low_counts"] > 100 and ours["dirty"], ours)
    ours = found(lab, "a.qcow2", "-r")
    check(ours["low_counts"] == 0 and not ours["dirty"], ours)
    clean(lab, "a.qcow2")
    same(lab, "a.qcow2", "b.qcow2")


def test_missing_refcount_blocks_are_made(lab):
    # 512 bytes: a block counts 256 clusters, the table names 64 blocks.
    make(lab, options="cluster_size=512,lazy_refcounts=on", size="64M")
    shutil.copy(lab.path("a.qcow2"), lab.path("b.qcow2"))
    table, clusters = struct.unpack(">QI", peek(lab.path("a.qcow2"))[48:60])
    for name, first in (("a", 3), ("b", 0)):
        path = name + ".qcow2"
        qemu_img(lab, "convert", "-O", "raw", path, name + ".raw")
        poke(lab.path(path), table + first * 8,
             bytes(clusters * 512 - first * 8))
        check(found(lab, path)["low_counts"] > 100, "nothing found")
        ours = found(lab, path, "-r")
        check(ours["low_counts"] == ours["leaks"] == 0, ours)
        clean(lab, path)
        same(lab, path, name + ".raw")


def test_a_refcount_table_that_is_too_small_is_moved(lab):
    make(lab, options="cluster_size=512,lazy_refcounts=on", size="64M")
    qemu_io(lab, "a.qcow2", "write -P 8 0 30M")
    qemu_img(lab, "convert", "-O", "raw", "a.qcow2", "a.raw")
    poke(lab.path("a.qcow2"), 56, struct.pack(">I", 1))
    ours = found(lab, "a.qcow2", "-r")
    check(ours["low_counts"] == 0 and ours["damaged"] == 0, ours)
    clean(lab, "a.qcow2")
    same(lab, "a.qcow2", "a.raw")


def test_wrong_flags_are_put_right(lab):
    make(lab)
    _, l2 = block_of(lab, "a.qcow2")
    entry = words_of(lab.path("a.qcow2"), l2, 1)[0]
    poke(lab.path("a.qcow2"), l2, struct.pack(">Q", entry & OFFSET))
    qemu_img(lab, "check", "a.qcow2", status=2)
    ours = found(lab, "a.qcow2")
    check(ours["wrong_flags"] == 1, ours)
    check(lab.run("image", "check", "a.qcow2").status == 1, "that is damage")
    found(lab, "a.qcow2", "-r")
    clean(lab, "a.qcow2")


def test_damage_is_told_and_left_alone(lab):
    damages = {
        "an entry behind the end":
            lambda f, l2: poke(f, l2, struct.pack(">Q", 1 << 63 | 1 << 50)),
        "an entry at no cluster":
            lambda f, l2: poke(f, l2, struct.pack(
                ">Q", words_of(f, l2, 1)[0] + 512)),
        "two entries for one cluster":
            lambda f, l2: poke(f, l2 + 8, struct.pack(
                ">Q", words_of(f, l2, 1)[0])),
        "an entry on the header":
            lambda f, l2: poke(f, l2, struct.pack(
                ">Q", 1 << 63 | words_of(f, 48, 1)[0])),
        "an L2 table behind the end":
            lambda f, l2: poke(f, words_of(f, 40, 1)[0], struct.pack(
                ">Q", 1 << 63 | 1 << 50)),
        "an L2 table twice":
            lambda f, l2: poke(f, words_of(f, 40, 1)[0] + 8, struct.pack(
                ">Q", 1 << 63 | l2)),
        "a refcount block behind the end":
            lambda f, l2: poke(f, words_of(f, 48, 1)[0], struct.pack(
                ">Q", 1 << 50)),
    }
    for what, damage in damages.items():
        make(lab)
        _, l2 = block_of(lab, "a.qcow2")
        damage(lab.path("a.qcow2"), l2)
        result = lab.run("image", "check", "a.qcow2")
        check(result.status == 1 and "vmtui: a.qcow2 " in result.err, what,
              result.out, result.err)
        ours = found(lab, "a.qcow2")
        check(ours["damaged"] + ours["low_counts"] > 0, what, ours)
        if ours["damaged"] > 0:
            before = peek(lab.path("a.qcow2"))
            check(lab.run("image", "check", "-r", "a.qcow2").status == 1,
                  what)
            check(peek(lab.path("a.qcow2")) == before, "changed:", what)


def damage_at_random(rand, path, cluster, entry):
    """Counts, flags or entries of L2 tables, a few of them."""
    head = peek(path)[:72]
    entries, l1, table = (struct.unpack_from(">I", head, 36)[0],
                          struct.unpack_from(">Q", head, 40)[0],
                          struct.unpack_from(">Q", head, 48)[0])
    block = words_of(path, table, 1)[0]
    l2s = [w & OFFSET for w in words_of(path, l1, entries) if w & OFFSET]
    what = rand.choice(("counts", "counts", "flags", "entries"))
    for _ in range(rand.choice((1, 3, 20))):
        if what == "counts":
            poke(path, block + rand.randrange(min(cluster, 300)),
                 bytes([rand.randrange(256)]))
            continue
        at = rand.choice(l2s) + rand.randrange(cluster // entry) * entry
        word = words_of(path, at, 1)[0]
        if what == "flags":
            word ^= (word != 0) << 63
        else:
            word = rand.choice((0, word ^ 1 << rand.randrange(9, 30)))
        poke(path, at, struct.pack(">Q", word))
    return what


def test_damage_is_judged_as_qemu_judges_it(lab):
    """And what is put right QEMU finds clean, with the same disk."""
    rand = random.Random(11)
    mended = 0
    for i in range(16):
        cluster, bits = (512, 4096, 65536)[i % 3], (1, 2, 16, 64)[i % 4]
        extended = cluster == 65536 and i % 2 == 1
        make(lab, options="cluster_size=%d,refcount_bits=%d,extended_l2=%s" %
             (cluster, bits, "on" if extended else "off"))
        if bits > 1 and i % 5 == 0:
            qemu_img(lab, "snapshot", "-c", "s", "a.qcow2")
            qemu_io(lab, "a.qcow2", "write -P 9 2M 700k")
        what = damage_at_random(rand, lab.path("a.qcow2"), cluster,
                                16 if extended else 8)
        shutil.copy(lab.path("a.qcow2"), lab.path("b.qcow2"))
        theirs = json.loads(qemu_img(lab, "check", "--output=json", "a.qcow2",
                                     status=None))
        ours = found(lab, "a.qcow2")
        mistakes = ours["low_counts"] + ours["wrong_flags"] + ours["damaged"]
        check((mistakes > 0) == (theirs.get("corruptions", 0) > 0), what,
              ours, theirs)
        check(ours["leaks"] >= theirs.get("leaks", 0) or ours["damaged"] > 0,
              what, ours, theirs)
        if ours["damaged"] == 0:
            found(lab, "a.qcow2", "-r")
            clean(lab, "a.qcow2")
            same(lab, "a.qcow2", "b.qcow2")
            mended += mistakes + ours["leaks"] > 0
    check(mended > 3, "nothing was put right:", mended)


def test_noise_in_metadata_never_crashes(lab):
    """Every command ends by itself, without a sanitizer's word."""
    make(lab, "good.qcow2", "cluster_size=512")
    qemu_img(lab, "snapshot", "-c", "s", "good.qcow2")
    whole = peek(lab.path("good.qcow2"))
    noise = random.Random(5)
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(noise.choice((1, 3, 30))):
            at = noise.choice((noise.randrange(0, 112),
                               noise.randrange(0, 60000)))
            data[at] = noise.choice((0, 255, noise.randrange(256)))
        if noise.randrange(5) == 0:
            del data[noise.randrange(512, len(data)):]
        for command in (["check"], ["map"], ["info"], ["check", "-r"]):
            lab.path("bad.qcow2", bytes(data))
            result = lab.run("image", *command, "bad.qcow2")
            check(result.status in (0, 1), command, result.status, result.err)
