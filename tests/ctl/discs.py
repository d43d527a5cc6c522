"""The disc in a running guest's CD-ROM drive: insert, eject, a definition."""

import json
import os

from harness import check, need_kvm, until

ISO = bytes(16 * 2048 + 1) + b"CD001" + bytes(20 * 2048)


def disc(lab, name, data=ISO):
    return lab.path(name, data)


def drive(lab, **wanted):
    """Waits for what the backend says of the drive."""
    return until("a drive with %s" % wanted, lambda: (
        lambda d: all(d.get(k) == v for k, v in wanted.items()) and d)(
            lab.status("a").get("cdrom") or {}), 20)


def held(pid):
    """What a guest's process has open, of ours."""
    folder = "/proc/%d/fd" % pid
    return [os.readlink(folder + "/" + n) for n in os.listdir(folder)]


def test_a_disc_is_put_in_and_taken_out(lab):
    need_kvm()
    one, two = disc(lab, "one.iso"), disc(lab, "two.iso")
    lab.configure(lab.guest("a", "cdrom = empty"))
    lab.ok("start", "a")
    pid = lab.status("a")["pid"]
    drive(lab, path="", open=False, locked=False)
    check("CD-ROM: empty" in lab.ok("status", "a"))
    check(lab.ok("insert", "a", "one.iso") == "", "it says something")
    drive(lab, path=one, open=False)
    check("CD-ROM: " + one in lab.ok("status", "a"))
    check(held(pid).count(one) == 1, held(pid))
    # Another one, in place of it.
    lab.ok("insert", "a", two)
    drive(lab, path=two)
    check(one not in held(pid) and two in held(pid), held(pid))
    # The next backend knows of it.
    lab.kill_backend()
    drive(lab, path=two)
    lab.ok("eject", "a")
    drive(lab, path="", open=True)
    check("empty, the tray is open" in lab.ok("status", "a"))
    check(two not in held(pid), held(pid))
    # Again: there is nothing, and no harm in it.
    lab.ok("eject", "-f", "a")
    lab.ok("insert", "-f", "a", one)
    drive(lab, path=one, open=False)
    # What the definition says holds with the next start.
    lab.ok("stop", "-f", "a")
    lab.ok("start", "a")
    drive(lab, path="")


def test_a_bad_disc_is_refused_and_the_drive_keeps_its_own(lab):
    need_kvm()
    one = disc(lab, "one.iso")
    disc(lab, "none.iso", b"")
    disc(lab, "busy.img", bytes(1 << 20))
    os.mkfifo(lab.path("pipe"))
    lab.configure(lab.guest("a", "cdrom = one.iso") +
                  lab.guest("b", "disk = busy.img") + lab.guest("c"))
    lab.ok("start", "a", "b", "c")
    for path, word in (("on.iso", "one.iso beside it"), (".", "folder"),
                       ("none.iso", "empty"), ("busy.img", "in use"),
                       ("pipe", "pipe"), ("no/where", "no/where")):
        err = lab.fails("insert", "a", path)
        check(word in err and err.count("\n") == 1, path, err)
        check("disk line" not in err, err)
    drive(lab, path=one, open=False)
    check("no CD-ROM drive" in lab.fails("insert", "c", one))
    check("cdrom = empty" in lab.fails("eject", "c"))
    lab.ok("stop", "-f", "c")
    check("not running" in lab.fails("insert", "c", one))
    check("no guest" in lab.fails("insert", "nobody", one))
    for args in (("insert",), ("insert", "a"), ("insert", "a", one, one),
                 ("eject",), ("eject", "a", "a"), ("eject", "-x", "a")):
        check(lab.run(*args).status == 2, args)
    # Not an ISO image: somebody may want just that.
    disc(lab, "odd", b"x" * 5000)
    run = lab.run("insert", "a", "odd")
    check(run.status == 0 and "no ISO image" in run.err, run.err)
    drive(lab, path=lab.path("odd"))


def test_a_definition_with_another_disc_is_followed_at_once(lab):
    need_kvm()
    one, two = disc(lab, "one.iso"), disc(lab, "two.iso")
    lab.configure(lab.guest("a", "cdrom = one.iso"))
    lab.ok("start", "a")
    drive(lab, path=one)

    def reload(line):
        lab.configure(lab.guest("a", line))
        return lab.ok("reload")

    text = reload("cdrom = two.iso")
    check("cdrom changed" in text and "restart" not in text, text)
    drive(lab, path=two)
    text = reload("cdrom = gone.iso")
    check("gone.iso is missing" in text, text)
    drive(lab, path=two)
    text = reload("cdrom = empty")
    check("restart" not in text, text)
    drive(lab, path="", open=True)
    # A drive cannot go.
    text = reload("")
    check("needs a restart of a" in text, text)
    drive(lab, path="")
    # Another key changes nothing about the disc that a person put in.
    lab.ok("insert", "a", one)
    reload("enable = yes")
    drive(lab, path=one)


def test_a_received_guest_has_the_disc_that_was_in_its_drive(lab):
    need_kvm()
    one = disc(lab, "one.iso")
    lab.configure(lab.guest("a", "cdrom = empty"))
    lab.ok("start", "a")
    lab.ok("insert", "a", one)
    for path in (one, ""):
        with open(lab.path("sent"), "wb") as out:
            process = lab.popen("send", "a", stdout=out)
            err = process.communicate(timeout=60)[1]
            check(process.returncode == 0, err)
        with open(lab.path("sent"), "rb") as stream:
            process = lab.popen("receive", "a", stdin=stream)
            err = process.communicate(timeout=60)[1]
            check(process.returncode == 0, err)
        drive(lab, path=path)
        lab.ok("eject", "a")
        drive(lab, path="", open=True)


def test_what_is_no_path_is_no_disc(lab):
    need_kvm()
    one = disc(lab, "one.iso")
    lab.configure(lab.guest("a", "cdrom = empty"))
    lab.ok("start", "a")
    client = lab.wire()
    answer = client.ask("insert", name="a", path="relative")
    check("absolute" in json.dumps(answer), answer)
    answer = client.ask("insert", name="a", path=7)
    check("absolute" in json.dumps(answer), answer)
    answer = client.ask("eject", name="a", force="yes")
    check("return" in answer, answer)
    answer = client.ask("insert", name="a", path=one)
    check(answer["return"] == {}, answer)


def test_a_disk_on_scsi_is_sent_received_and_grown(lab):
    need_kvm()
    disc(lab, "one.img", bytes(1 << 20))
    disc(lab, "two.img", bytes(1 << 20))
    disks = "disk = one.img\ndisk = two.img, bus=%s"
    lab.configure(lab.guest("a", disks % "scsi"))
    check([d["bus"] for d in lab.status("a")["disks"]] == ["virtio", "scsi"])
    lab.ok("start", "a")
    check([d["bus"] for d in lab.status("a")["disks"]] == ["virtio", "scsi"])
    lab.ok("grow", "a", "two.img", "2M")
    check(os.path.getsize(lab.path("two.img")) == 2 << 20)
    check("larger" in lab.fails("grow", "a", "1", "1M"))
    lab.ok("pause", "a")
    lab.ok("unpause", "a")
    with open(lab.path("sent"), "wb") as out:
        process = lab.popen("send", "a", stdout=out)
        err = process.communicate(timeout=60)[1]
        check(process.returncode == 0, err)
    for bus, status in (("virtio", 1), ("scsi", 0)):
        lab.configure(lab.guest("a", disks % bus))
        with open(lab.path("sent"), "rb") as stream:
            process = lab.popen("receive", "a", stdin=stream)
            err = process.communicate(timeout=60)[1].decode()
            check(process.returncode == status, err)
            check(status == 0 or "another bus" in err, err)
    check(lab.status("a")["state"] == "running")
    check("bus" in lab.fails("start", "-b", lab.path("one.img"), "-d",
                             "one.img,bus=ide", "x"))
