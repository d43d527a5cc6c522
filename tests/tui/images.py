"""images.py: the view of disk images, and what is done to them there."""
import os
import signal
import subprocess
import time

import forms
from screens import GUESTS
from tmux import VMTUI, Failed, children, ended, until

SIZES = ((80, 24), (120, 40), (200, 50))

CONF = """[vm build]
memory = 512M
disk = build.qcow2
disk = lost.raw

[vm mv1]
memory = 512M
disk = mv1.qcow2
cdrom = install.iso
"""


def tool(place, *args):
    subprocess.run([VMTUI, *args], cwd=place.dir, check=True, timeout=60,
                   stdout=subprocess.DEVNULL)


def make(place):
    """A base, two guests' disks on it, a stranger, a bad one, an ISO."""
    for name in os.listdir(place.dir):
        if name.endswith((".qcow2", ".raw", ".iso", ".img")):
            os.unlink(place.path(name))
    place.write("vmtui.conf", CONF)
    tool(place, "create", "-s", "1G", "base.raw")
    tool(place, "create", "-b", "base.raw", "build.qcow2")
    tool(place, "create", "-b", "base.raw", "mv1.qcow2")
    tool(place, "create", "-s", "2G", "spare.qcow2")
    place.write("bad.qcow2", "no image at all")
    place.write("install.iso", "x" * 4096)


def opened(place, size, **kw):
    place.backend(*GUESTS, "--config", place.path("vmtui.conf"))
    s = place.screen(size, **kw)
    s.wait(r"^ vmtui  odin")
    s.keys("5")
    return s


def at_sizes(place, test, sizes=SIZES):
    for i, size in enumerate(sizes):
        if i > 0:
            place.again()
        make(place)
        test(opened(place, size))


def to(s, name):
    """Moves to an image; what is between is not known."""
    s.keys("g")
    s.wait(r"^▸bad.qcow2")
    for _ in range(12):
        if any(line.startswith("▸") and name in line for line in s.lines()):
            return
        here = [line for line in s.lines() if line.startswith("▸")]
        s.keys("j")
        until(lambda: [line for line in s.lines() if line.startswith("▸")]
              not in ([], here), lambda: "a step on:\n" + s.text())
    raise Failed("no %s on:\n%s" % (name, s.text()))


def test_images_stand_below_what_they_are_based_on(place):
    def test(s):
        s.wait(r"^─ images ─.* format  size  used .* by ")
        s.wait(r"^▸bad.qcow2 +is not a qcow2 image, though")
        s.wait(r"^ base.raw +raw +1.0G +0.*\n"
               r" └ build.qcow2 +qcow2 +1.0G +\d+K .*● build *\n"
               r" └ mv1.qcow2 +qcow2 +1.0G +\d+K .*○ mv1 *\n")
        s.wait(r"^ install.iso +raw +4.0K +4.0K .*○ mv1 *$")
        s.wait(r"^ lost.raw +is missing *$")
        s.wait(r"^ spare.qcow2 +qcow2 +2.0G +\d+K")
        to(s, "build.qcow2")
        s.wait(r"^ /\S+/build.qcow2 *\n based on base.raw *\n"
               r" used by build \(running\) *$")
        to(s, "base.raw")
        s.wait(r"^ no definition names it; 2 images are based on it")
        s.keys("/")
        s.type("mv1")
        s.wait_not(r"spare.qcow2")
        s.keys("Enter")
        s.wait(r"─ images ─+ /mv1 ")
        s.wait(r"^▸└ mv1.qcow2")
        s.keys("Escape")
        s.wait(r"^ spare.qcow2")
        s.keys("Enter")
        s.wait(r"─ image ─")
        s.wait(r"mv1.qcow2\n? *")
        s.wait(r"cluster size +64K")
        s.keys("Escape")
        s.wait_not(r"─ image ─")
        s.keys("u")
        s.wait(r"▸○ mv1")
    at_sizes(place, test)


def test_an_image_is_made_resized_copied_checked_and_deleted(place):
    def test(s):
        s.wait(r"^ spare.qcow2")
        s.keys("n")
        s.wait(r"^ new image:")
        s.type("fresh")
        s.keys("Enter")
        s.wait(r"^ size of fresh.qcow2 \(qcow2\): 16G")
        s.keys("C-u")
        s.type("64M")
        s.keys("Enter")
        s.wait(r"^▸fresh.qcow2 +qcow2 +64M ")
        s.keys("r")
        s.wait(r"^ size of fresh.qcow2, now 64M: 64M")
        s.keys("C-u")
        s.type("1G")
        s.keys("Enter")
        s.wait(r"^▸fresh.qcow2 +qcow2 +1.0G ")
        s.keys("r")
        s.wait(r"now 1G: 1G")
        s.keys("C-u")
        s.type("32M")
        s.keys("Enter")
        s.wait(r"make it smaller\?")
        s.keys("y")
        s.wait(r"^▸fresh.qcow2 +qcow2 +32M ")
        s.keys("v")
        s.wait(r"copy fresh.qcow2 to \(.qcow2 or .raw\): fresh.raw")
        s.keys("Enter")
        s.wait(r"^ fresh.raw +raw +32M ")
        s.wait(r"copied in")
        s.keys("c")
        s.wait(r"^ fresh.qcow2 has no mistakes")
        s.keys("d")
        s.wait(r"delete fresh.qcow2\? its \d+K go for good")
        s.keys("n")
        s.wait(r"^▸fresh.qcow2")
        s.keys("d")
        s.wait(r"delete fresh.qcow2\?")
        s.keys("y")
        s.wait_not(r"^.fresh.qcow2")
        until(lambda: not os.path.exists(place.path("fresh.qcow2")),
              "the end of the file")
    at_sizes(place, test, SIZES[:1])


def test_an_image_is_based_on_another_and_given_back_to_it(place):
    def test(s):
        s.wait(r"^ spare.qcow2")
        to(s, "spare.qcow2")
        s.keys("b")
        s.wait(r"new image based on spare.qcow2:")
        s.type("try")
        s.keys("Enter")
        s.wait(r"^▸└ try.qcow2 +qcow2 +2.0G")
        s.keys("C")
        s.wait(r"write all that it holds into spare.qcow2, and empty it\?")
        s.keys("y")
        s.wait(r"all of it is in")
        s.keys("B")
        s.wait(r"base it on \(nothing: on none\): spare.qcow2")
        s.keys("C-u", "Enter")
        s.wait(r"based on nothing any more")
        s.wait(r"^▸try.qcow2 +qcow2")
        os.unlink(place.path("try.qcow2"))
    at_sizes(place, test, SIZES[2:])


def test_what_is_in_use_is_left_alone(place):
    make(place)
    s = opened(place, (80, 24))
    s.wait(r"^ spare.qcow2")
    to(s, "build.qcow2")
    for key in "rvcCB":
        s.keys(key)
        s.wait(r"^ build runs with it: stop it first")
        s.keys("/")
        s.wait(r"^ /")
        s.keys("Escape")
        s.wait(r"^ . info")
    s.keys("d")
    s.wait(r"^ The definition of build names it")
    to(s, "base.raw")
    s.keys("d")
    s.wait(r"^ Another image is based on it")
    to(s, "lost.raw")
    s.keys("r")
    s.wait(r"/lost.raw is missing")
    # A new one is offered in its place.
    s.keys("n")
    s.wait(r"^ new image: lost.raw")
    s.keys("Enter")
    s.wait(r"size of lost.raw \(raw\): 16G")
    s.keys("Enter")
    s.wait(r"^▸lost.raw +raw +16G")


def catch(s, word, late=lambda: False):
    """Holds the screen's child that has the word among its arguments."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not late():
        for pid in children(s.pid()):
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if word in words:
                os.kill(pid, signal.SIGSTOP)
                return pid
        time.sleep(0.001)
    if late():
        return None
    raise Failed("no child with %r" % word)


def begin_copy(place, s):
    """A long copy that stands still after a while; its process."""
    s.wait(r"^ spare.qcow2")
    to(s, "large.raw")
    s.keys("v")
    s.wait(r"copy large.raw to \(.qcow2 or .raw\): large.qcow2")
    s.keys("Enter")
    pid = catch(s, b"convert")
    for _ in range(200):
        if any("copying" in line and "%" in line for line in s.lines()):
            return pid
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.01)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
    raise Failed("no progress on:\n" + s.text())


def large(place):
    """Data that takes a while: 512M, most of it on no disk of the host's."""
    with open(place.path("large.raw"), "wb") as f:
        for at in range(0, 512 << 20, 64 << 10):
            f.seek(at)
            f.write(b"data" * 1024)
        f.truncate(512 << 20)


def test_a_copy_shows_how_far_it_is_and_can_be_stopped(place):
    def test(s):
        pid = begin_copy(place, s)
        s.wait(r"^▸large.raw +copying [█▁]+ +\d+%")
        # The rest goes on meanwhile.
        s.keys("d")
        s.wait(r"vmtui is copying it; esc stops that")
        s.keys("1")
        s.wait(r"▸● build")
        s.keys("q")
        s.wait(r"leave\? vmtui is not done with \S+large.raw, and stops")
        s.keys("n")
        s.keys("5")
        s.wait(r"^▸large.raw +copying")
        s.keys("Escape")
        s.wait(r"^▸large.raw +stopping")
        os.kill(pid, signal.SIGCONT)
        s.wait(r"interrupted: \S+large.qcow2 +was not made")
        s.wait(r"^▸large.raw +raw +512M")
        if os.path.exists(place.path("large.qcow2")):
            raise Failed("half a copy is there")
        # It does not outlive the screen.
        pid = begin_copy(place, s)
        s.keys("q")
        s.wait(r"leave\?")
        s.keys("y")
        s.wait(r"^ended 0$")
        wake(pid)
        until(lambda: ended(pid), "the end of the copy")
        if os.path.exists(place.path("large.qcow2")):
            raise Failed("half a copy is there")
    make(place)
    large(place)
    test(opened(place, SIZES[0]))


def wake(pid):
    """One that stands still, unless it has ended all the same."""
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        pass


def begin_making(place, s, path):
    """Of an image from a form, which stands still before it is there."""
    for _ in range(20):
        s.keys("C-o")
        s.wait(r"^ size of late.qcow2 \(qcow2; tab: raw\): 16G")
        s.keys("Enter")
        pid = catch(s, b"create", lambda: os.path.exists(path))
        if pid is not None and not os.path.exists(path):
            return pid
        # Too late: it is made, or about to be. Once more.
        if pid is not None:
            wake(pid)
        s.wait(r"late.qcow2 is +made")
        os.unlink(path)
    raise Failed("it is always made before it can be seen")


def test_the_making_of_a_form_s_disk_can_be_stopped(place):
    make(place)
    path = place.path("late.qcow2")
    place.backend(*GUESTS, "--config", place.path("vmtui.conf"))
    s = place.screen(SIZES[0])
    s.wait(r"^▸● build")
    forms.edit(s)
    forms.to(s, "disk")
    forms.to(s, "  one more")
    s.type("late.qcow2")
    s.wait(r"There is no such file yet: ctrl-o makes it")
    pid = begin_making(place, s, path)
    s.wait(r"making .*esc stops that")
    s.keys("C-o")
    s.wait(r"It is being made")
    # esc is for that first; the form and what was typed stay.
    s.keys("Escape")
    s.wait(r"stopping .*esc stops that")
    os.kill(pid, signal.SIGCONT)
    s.wait(r"late.qcow2: +it was stopped|interrupted")
    s.wait(r"▸ +\* late.qcow2")
    s.wait(r"There is no such file yet: ctrl-o makes it")
    until(lambda: ended(pid), "the end of the making")
    if os.path.exists(path):
        raise Failed("half an image is there")
    # Nothing of it is in the way of the next one, nor of leaving.
    s.keys("C-o")
    s.wait(r"^ size of late.qcow2 \(qcow2; tab: raw\): 16G")
    s.keys("Enter")
    s.wait(r"late.qcow2 is +made: qcow2, +16G")
    s.keys("Escape")
    s.wait(r"is +lost")
    s.keys("y")
    s.wait(r"^▸● build")


def test_no_image_says_how_one_comes_to_be(place):
    place.write("vmtui.conf", "")
    s = opened(place, (40, 12), env={"VMTUI_ASCII": "1", "NO_COLOR": "1"})
    s.wait(r"There is no disk image yet")
    s.keys("n")
    s.wait(r"^ new image:")
    s.type("%s/images/" % place.dir)
    s.keys("Enter")
    s.wait(r"It needs a name behind its folder")
    s.keys("n")
    s.wait(r"^ new image:")
    s.type("one.img")
    s.keys("Enter")
    s.wait(r"size of one.img \(raw\): 16G")
    s.keys("Enter")
    s.wait(r"^>one.img +raw +16G")
    s.resize(130, 30)
    s.wait(r"^>one.img +raw +16G +0 +[.]{8} *$")


def test_a_configuration_with_mistakes_says_so_among_the_images(place):
    make(place)
    s = opened(place, (80, 24))
    s.wait(r"^ spare.qcow2")
    place.write("vmtui.conf", "[vm build]\nmemori = 5\n")
    s.keys("1")
    s.wait(r"▸● build")
    s.keys("5")
    s.wait(r"vmtui.conf:2: .*memori|memori")


def test_a_path_is_completed(place):
    make(place)
    os.makedirs(place.path("some folder/deeper"))
    s = opened(place, (80, 24))
    s.wait(r"^ spare.qcow2")
    s.keys("n")
    s.wait(r"^ new image:")
    s.type("som")
    s.keys("Tab")
    s.wait(r"^ new image: some folder/ *$")
    s.keys("Tab")
    s.wait(r"^ new image: some folder/deeper/ *$")
