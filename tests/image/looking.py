"""info and map: what they say is what QEMU says."""

import json
import os
import re

from harness import check
from judge import info, qemu_img, qemu_io


def test_info_shows_the_whole_chain(lab):
    lab.ok("create", "-s", "1M", "0.raw")
    for i in range(1, 6):
        lab.ok("create", "-b", "%d.%s" % (i - 1, "raw" if i == 1 else "qcow2"),
               "%d.qcow2" % i)
    told = json.loads(lab.ok("image", "info", "--json", "5.qcow2"))["images"]
    check([i["path"] for i in told] ==
          ["%d.qcow2" % i for i in range(5, 0, -1)] + ["0.raw"], told)
    check([i["format"] for i in told] == ["qcow2"] * 5 + ["raw"], told)
    text = lab.ok("image", "info", "5.qcow2")
    check(all("%d.qcow2\n" % i in text for i in range(1, 6)), text)


def test_info_agrees_with_qemu(lab):
    for i, options in enumerate((
            "cluster_size=512", "compat=0.10", "lazy_refcounts=on",
            "refcount_bits=1,cluster_size=2M", "extended_l2=on",
            "compression_type=zstd", "data_file=outside.raw")):
        path = "q%d.qcow2" % i
        qemu_img(lab, "create", "-q", "-f", "qcow2", "-o", options, path, "7M")
        qemu_io(lab, path, "write 1M 1M")
        ours = json.loads(lab.ok("image", "info", "--json", path))["images"][0]
        theirs = info(lab, path)
        data = theirs["format-specific"]["data"]
        check(ours["size"] == theirs["virtual-size"], ours, theirs)
        check(ours["used"] == theirs["actual-size"], ours, theirs)
        check(ours["cluster_size"] == theirs["cluster-size"], ours, theirs)
        check(ours["refcount_bits"] == data.get("refcount-bits", 16), ours)
        check(ours["lazy_refcounts"] == data.get("lazy-refcounts", False),
              ours)
        check(ours["extended_l2"] == data.get("extended-l2", False), ours)
        check(ours["compression"] == data["compression-type"], ours)
        check(ours.get("data_file") == data.get("data-file"), ours)


def test_info_lists_snapshots(lab):
    lab.ok("create", "-s", "8M", "a.qcow2")
    for name in ("first", "second one", "dritter \u00fc"):
        qemu_io(lab, "a.qcow2", "write -P 3 0 1M")
        qemu_img(lab, "snapshot", "-c", name, "a.qcow2")
    told = json.loads(lab.ok("image", "info", "--json", "a.qcow2"))
    names = [s["name"] for s in told["images"][0]["snapshots"]]
    check(names == ["first", "second one", "dritter \u00fc"], names)
    check('"second one"' in lab.ok("image", "info", "a.qcow2"), "not listed")


def pattern(lab, path):
    qemu_io(lab, path, "write -P 1 64k 192k", "write -z 1M 128k",
            "write -P 2 3M 4k", "write -P 9 5M 1M", "discard 5M 512k")


def agree(lab, path):
    """Our map and QEMU's, byte for byte."""
    ours = json.loads(lab.ok("image", "map", "--json", path))["extents"]
    theirs = json.loads(qemu_img(lab, "map", "--output=json", path))
    end = 0
    for e in ours:
        check(e["start"] == end and e["length"] > 0, "a gap:", e)
        end += e["length"]

    def at(extents, offset):
        return next(e for e in extents
                    if e["start"] <= offset < e["start"] + e["length"])
    edges = {e["start"] for e in ours} | {e["start"] for e in theirs}
    check(end == max(e["start"] + e["length"] for e in theirs), end)
    for offset in sorted(edges):
        us, them = at(ours, offset), at(theirs, offset)
        check((us["kind"] in ("data", "compressed")) == them["data"], offset,
              us, them)
        if us["kind"] != "absent":
            check(us["depth"] == them["depth"], offset, us, them)
        if us["kind"] == "data" and "offset" in them:
            check(us["offset"] - us["start"] ==
                  them["offset"] - them["start"], offset, us, them)


def test_map_agrees_with_qemu(lab):
    for i, options in enumerate((
            "cluster_size=4K", "cluster_size=64K", "cluster_size=2M",
            "extended_l2=on,cluster_size=64K", "compat=0.10",
            "data_file=outside.raw", "refcount_bits=64,cluster_size=512")):
        path = "q%d.qcow2" % i
        qemu_img(lab, "create", "-q", "-f", "qcow2", "-o", options, path, "9M")
        pattern(lab, path)
        agree(lab, path)
        if "0.10" in options or "data_file" in options:
            continue
        child = "c%d.qcow2" % i
        lab.ok("create", "-b", path, "-s", "20M", child)
        qemu_io(lab, child, "write -P 4 128k 64k", "write -z 6M 1M",
                "write -P 5 18M 64k")
        agree(lab, child)
    qemu_img(lab, "convert", "-c", "-O", "qcow2", "c1.qcow2", "packed.qcow2")
    agree(lab, "packed.qcow2")


def test_map_shows_the_holes_of_a_raw_image(lab):
    lab.ok("create", "-s", "9M", "a.raw")
    qemu_io(lab, "a.raw", "write -P 1 2M 1M", "write -P 1 8M 1M", form="raw")
    told = json.loads(lab.ok("image", "map", "--json", "a.raw"))["extents"]
    check([(e["start"] >> 20, e["kind"]) for e in told] ==
          [(0, "zero"), (2, "data"), (3, "zero"), (8, "data")], told)


def listed(lab, *args, rc=0):
    """What list says, by the name of the file."""
    done = lab.run("image", "list", "--json", *args)
    check(done.status == rc, done.status, done.err)
    told = json.loads(done.out)["images"]
    return {os.path.basename(i["path"]): i for i in told}


def test_list_shows_what_definitions_name_and_what_lies_beside_it(lab):
    lab.ok("create", "-s", "1M", "base.raw")
    lab.ok("create", "-b", "base.raw", "top.qcow2")
    lab.ok("create", "-s", "2M", "other.qcow2")
    lab.ok("create", "-s", "3M", "no-ending")
    with open(lab.path("bad.qcow2"), "w", encoding="utf-8") as f:
        f.write("nothing of the kind")
    lab.configure("[vm a]\nmemory = 64M\ndisk = top.qcow2\n"
               "disk = lost.qcow2, readonly\n"
               "[vm b]\nmemory = 64M\ndisk = ./top.qcow2\ncdrom = no-ending\n")
    told = listed(lab)
    check(sorted(told) == ["bad.qcow2", "base.raw", "lost.qcow2", "no-ending",
                           "other.qcow2", "top.qcow2"], told)
    top = told["top.qcow2"]
    check([(u["guest"], u["as"]) for u in top["users"]] ==
          [("a", "disk"), ("b", "disk")], top)
    check(os.path.basename(top["base"]) == "base.raw", top)
    check(top["size"] == 1 << 20 and top["format"] == "qcow2", top)
    check("is missing" in told["lost.qcow2"]["error"], told)
    check(told["lost.qcow2"]["users"][0]["readonly"], told)
    check("not a qcow2 image" in told["bad.qcow2"]["error"], told)
    check(told["no-ending"]["users"] ==
          [{"guest": "b", "as": "cdrom", "readonly": True}], told)
    check(told["other.qcow2"]["users"] == [], told)
    text = lab.ok("image", "list")
    check("a, b; based on " in text and "is missing" in text, text)


def test_list_goes_on_where_something_is_wrong(lab):
    lab.ok("create", "-s", "1M", "base.raw")
    lab.ok("create", "-b", "base.raw", "top.qcow2")
    os.unlink(lab.path("base.raw"))
    lab.configure("[vm a]\nmemori = 64M\n")
    told = listed(lab, lab.path("."), rc=1)
    check(list(told) == ["top.qcow2"], told)
    check("base.raw is missing" in told["top.qcow2"]["error"], told)
    check(told["top.qcow2"]["format"] == "qcow2", told)


def test_progress_is_told_to_programs_that_ask(lab):
    lab.ok("create", "-s", "8G", "large.qcow2")
    qemu_io(lab, "large.qcow2", "write -P 7 1M 8M")
    lab.env["VMTUI_PROGRESS"] = "1"
    done = lab.run("image", "convert", "large.qcow2", "copy.raw")
    check(done.status == 0, done.err)
    lines = done.err.splitlines()
    check(lines and all(re.fullmatch(r"progress: \d+ 8589934592 copying", one)
                        for one in lines), done.err[:500])
