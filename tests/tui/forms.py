"""forms.py: definitions edited on the screen, field by field."""
import os
import re

from commands import SIZES
from screens import GUESTS
from tmux import Failed, until

CONF = """# My machines.

[switch local]
add = em0            ; the uplink

[vm build]
memory   = 4G        ; plenty
cpus     = 4
# The system.
disk     = %(dir)s/build.img, cache=none
disk     = %(dir)s/data.img   ; data
interface= switch=local, lladdr=00:20:91:00:00:01
enable   = yes

# Not running.
[vm mv1]
memory = 512M
disk = mv1.img
instance-of = build
"""


def conf(place):
    return CONF % {"dir": place.dir}


def opened(place, size, *args, text=None, **kw):
    place.write("vmtui.conf", conf(place) if text is None else text)
    place.backend(*(args or GUESTS), "--config", place.path("vmtui.conf"))
    s = place.screen(size, **kw)
    s.wait(r"^ vmtui  odin")
    return s


def at_sizes(place, test, *args):
    for i, size in enumerate(SIZES):
        if i > 0:
            place.again()
        test(opened(place, size, *args))


def read(place):
    with open(place.path("vmtui.conf"), encoding="utf-8") as f:
        return f.read()


def wait_file(place, text):
    until(lambda: read(place) == text,
          lambda: "the file to be\n%s\nbut it is\n%s" % (text, read(place)))


def move_to(s, key, there, what):
    """Goes on with a key until there() says so of the lines with a mark.

    What is looked at is one picture at a time: the key is for what it shows.
    """
    seen, last = [None], [None]

    def moved():
        now = [line for line in s.lines() if "▸" in line]
        # The same twice: the terminal may be in the middle of a frame.
        still, last[0] = now == last[0], now
        if not still or not now or now == seen[0]:
            return False
        seen[0] = now
        return True
    for _ in range(40):
        until(moved, "a move, on the way to %s, on:\n%s" % (what, s.text()))
        if any(there(line) for line in seen[0]):
            return
        s.keys(key)
    raise Failed("no %s on:\n%s" % (what, s.text()))


def to(s, field):
    """Goes down to a field."""
    move_to(s, "Down", re.compile(r"▸%s( |$)" % field).search, field)


def edit(s):
    s.keys("e")
    s.wait(r"─ guest \w+ ─")
    s.wait(r"ctrl-s save")


def save(s):
    s.keys("C-s")
    s.wait(r"─ save this\? ─")
    s.keys("Enter")


def test_the_form_changes_only_the_line_concerned(place):
    def test(s):
        edit(s)
        s.wait(r"▸name +build")
        to(s, "memory")
        s.keys("C-u")
        s.wait(r"▸memory +\* +512M")
        s.type("6G")
        s.wait(r"▸memory +\* 6G")
        s.keys("C-s")
        s.wait(r"build: memory, with its next start, since it runs")
        s.wait(r" - memory   = 4G        ; plenty")
        s.wait(r" \+ memory   = 6G        ; plenty")
        s.keys("Enter")
        s.wait(r"^ build is saved")
        wait_file(place, conf(place).replace("= 4G ", "= 6G "))
    at_sizes(place, test)


def test_a_new_guest_takes_few_keys(place):
    def test(s):
        # What stands in it by itself is nothing to be asked about.
        s.keys("n")
        s.wait(r"interface +\* switch=local")
        s.keys("Escape")
        s.wait_not(r"─ new guest ─")
        # n, tab, ctrl-s, enter: four, beyond the name and the kernel.
        s.keys("n")
        s.wait(r"─ new guest ─")
        s.wait(r"▸name")
        s.type("neu")
        s.keys("Tab")
        s.type("/bsd.rd")
        s.wait(r"▸kernel +\* /bsd.rd")
        s.keys("C-s")
        s.wait(r" neu is new")
        s.keys("Enter")
        s.wait(r"^ neu is saved; s starts it")
        wait_file(place, conf(place) +
                  "\n[vm neu]\nkernel = /bsd.rd\n"
                  "interface = switch=local\n")
    at_sizes(place, test)


def test_the_first_guest_makes_the_file(place):
    def test(s):
        path = place.path("vmtui.conf")
        os.unlink(path)
        s.keys("n")
        s.wait(r"▸name")
        s.type("a")
        s.keys("Tab", "Tab")
        s.type("x.iso")
        s.wait(r"▸cdrom +\* x.iso")
        save(s)
        s.wait(r"^ a is saved")
        wait_file(place, "[vm a]\ncdrom = x.iso\n")
        os.unlink(path)
    at_sizes(place, test)


def test_mistakes_are_said_as_they_are_typed(place):
    def test(s):
        edit(s)
        to(s, "memory")
        s.keys("C-u")
        s.type("12")
        s.wait(r"did you mean +12M\?|did you *\n.*mean +12M\?")
        s.wait(r"▸memory +! 12")
        # It is not saved like this: the keyboard goes to the mistake.
        to(s, "cpus")
        s.keys("C-s")
        s.wait(r"▸memory +! 12")
        s.keys("C-u")
        s.type("1G")
        s.wait(r"▸memory +\* 1G")
        # What only the whole file can tell.
        to(s, "interface")
        s.keys("C-u")
        s.type("switch=locl")
        s.wait(r'did you mean "local"')
        s.wait(r"▸interface +! switch=locl")
        s.keys("Escape")
        s.wait(r"what was changed in it +is +lost")
        s.keys("y")
        s.wait(r"▸● build")
        wait_file(place, conf(place))
    at_sizes(place, test)


def test_disks_are_added_removed_and_reordered(place):
    def test(s):
        edit(s)
        to(s, "disk")
        s.keys("M-Down")
        s.wait(r" disk +\* \S+/data.img")
        to(s, "  one more")
        s.type("third.img")
        s.wait(r"▸ +\* third.img")
        s.wait(r"^.*third.img.*\n.*one more")
        s.keys("Up")
        s.wait(r"▸ +\* \S+/build.img, cache=none")
        s.keys("C-x")
        s.wait_not(r"build.img, cache")
        save(s)
        s.wait(r"^ build is saved")
        old = conf(place)
        one = "disk     = %s/build.img, cache=none\n" % place.dir
        two = "disk     = %s/data.img   ; data\n" % place.dir
        wait_file(place, old.replace(one, "").replace(
            two, two + "disk     = third.img\n"))
    at_sizes(place, test)


def test_values_are_chosen_from_what_there_is(place):
    place.write("root.img", "")

    def test(s):
        edit(s)
        to(s, "kernel")
        s.keys("Enter")
        s.wait(r"root.img")
        s.type("root")
        s.wait(r"/root")
        s.keys("Enter")
        s.wait(r"▸kernel +\* root.img")
        to(s, "boot")
        s.keys("Space")
        s.wait(r"▸boot +\* cdrom")
        to(s, "  one more")
        to(s, "cdrom")
        s.keys("Enter")
        s.wait(r"\(empty\) +no file")
        s.type("(em")
        s.keys("Enter")
        s.wait(r"▸cdrom +\* empty")
        to(s, "interface")
        s.keys("Down")
        s.wait(r"▸  one more")
        s.keys("Enter")
        s.wait(r"interface on")
        s.wait(r"switch=local .*a switch")
        s.type("user")
        s.keys("Enter")
        s.wait(r"▸ +\* user")
        to(s, "instance-of")
        s.keys("Enter")
        s.wait(r"mv1 .*guest")
        s.keys("Escape")
        s.wait_not(r"mv1 .*guest")
        s.keys("Escape")
        s.wait(r"lost")
        s.keys("y")
        s.wait(r"▸● build")
    at_sizes(place, test)


def test_what_a_template_gives_stands_in_the_field(place):
    s = opened(place, (80, 24))
    s.keys("j", "j", "j")
    s.wait(r"▸○ mv1")
    edit(s)
    s.wait(r"cpus +4  \(as build\)")
    s.wait(r"enable +yes  \(as build\)")


def test_a_hardware_address_is_made_up(place):
    s = opened(place, (80, 24))
    s.keys("j", "j", "j")
    s.wait(r"▸○ mv1")
    edit(s)
    to(s, "interface")
    s.keys("Enter")
    s.wait(r"switch=local")
    s.keys("Enter")
    s.wait(r"▸interface +\* switch=local")
    s.keys("C-g")
    s.wait(r"▸interface +\* switch=local, lladdr=fe:e1:bb:\w\w:\w\w:\w\w")
    save(s)
    s.wait(r"^ mv1 is saved")


def test_a_new_name_follows_those_who_say_it(place):
    def test(s):
        edit(s)
        s.keys("C-u")
        s.type("base")
        s.wait(r"▸name +\* base")
        s.keys("C-s")
        # One that runs keeps its name.
        s.wait(r"build runs: stop it before")
        s.keys("Escape")
        s.wait(r"lost")
        s.keys("y")
        s.wait(r"▸● build")
        s.keys("S")
        s.wait(r"▸○ build")
        edit(s)
        s.keys("C-u")
        s.type("base")
        save(s)
        s.wait(r"^ base is saved")
        wait_file(place, conf(place).replace("[vm build]", "[vm base]")
                  .replace("instance-of = build", "instance-of = base"))
    at_sizes(place, test)


def test_a_clone_is_asked_for_its_disks(place):
    def test(s):
        s.keys("c")
        s.wait(r"^ clone build as:")
        s.type("second")
        s.keys("Enter")
        s.wait(r"─ guest second, as build ─")
        s.wait(r"▸disk +\? ")
        s.wait(r"build has this disk too")
        s.keys("C-x")
        s.wait(r"▸disk +\? \S+data.img")
        s.keys("C-u")
        s.type("second.img")
        s.wait(r"▸disk +\* second.img")
        save(s)
        s.wait(r"^ second is saved; s starts it")
        wait_file(place, conf(place).replace(
            "enable   = yes\n",
            "enable   = yes\n\n[vm second]\nmemory   = 4G        ; plenty\n"
            "cpus     = 4\n# The system.\n"
            "disk     = second.img   ; data\n"
            "interface= switch=local\nenable   = yes\n"))
    at_sizes(place, test)


def down_to(s, name):
    move_to(s, "j", lambda line: " %s " % name in line, "guest " + name)


def test_deleting_asks_and_may_take_the_disks(place):
    def test(s):
        image = place.path("mv1.img")
        place.write("mv1.img", "data")
        s.keys("d")
        s.wait(r"It runs: stop it first")
        down_to(s, "mv1")
        s.keys("d")
        s.wait(r"the definition only")
        s.wait(r"the definition and its disks .*1 disk")
        s.keys("Down", "Enter")
        s.wait(r"type the name of +the +guest:|type the\n? *name of the guest")
        s.type("mv2")
        s.keys("Enter")
        s.wait(r"nothing is deleted")
        if not os.path.exists(image):
            raise Failed("the disk is gone")
        s.keys("d")
        s.wait(r"the definition only")
        s.keys("Down", "Enter")
        s.wait(r"goes for good")
        s.type("mv1")
        s.keys("Enter")
        s.wait(r"^ mv1 is deleted")
        if os.path.exists(image):
            raise Failed("the disk is still there")
        wait_file(place, conf(place)[:conf(place).index("\n# Not running.")])
    at_sizes(place, test)


def test_deleting_the_definition_leaves_the_disk(place):
    s = opened(place, (80, 24))
    place.write("mv1.img", "data")
    down_to(s, "mv1")
    s.keys("d")
    s.wait(r"the definition only")
    s.keys("Enter")
    s.wait(r"^ mv1 is deleted")
    if not os.path.exists(place.path("mv1.img")):
        raise Failed("the disk is gone")


def test_a_guest_that_others_need_is_not_deleted(place):
    s = opened(place, (80, 24))
    s.keys("S")
    s.wait(r"▸○ build")
    s.keys("d")
    s.wait(r"the definition only")
    s.keys("Enter")
    s.wait(r"build cannot be deleted yet: [^─]*instance-of")
    wait_file(place, conf(place))


def begin_change(place, s):
    """A form with one change, then somebody else's change of the file."""
    edit(s)
    to(s, "memory")
    s.keys("C-u")
    s.type("6G")
    s.wait(r"▸memory +\* 6G")


def test_others_changes_are_kept_beside_one_s_own(place):
    def test(s):
        begin_change(place, s)
        theirs = conf(place).replace("cpus     = 4", "cpus     = 2") + \
            "\n[vm more]\n"
        place.write("vmtui.conf", theirs)
        save(s)
        s.wait(r"─ somebody else changed the file ─")
        s.wait(r" - cpus     = 4")
        s.wait(r" \+ cpus     = 2")
        s.wait(r" \+ \[vm more\]")
        s.keys("k")
        s.wait(r"─ save this\? ─")
        s.wait_not(r"cpus     = 4")
        s.keys("Enter")
        s.wait(r"^ build is saved")
        wait_file(place, theirs.replace("= 4G ", "= 6G "))
    at_sizes(place, test)


def test_others_changes_are_taken_instead(place):
    def test(s):
        begin_change(place, s)
        theirs = conf(place).replace("= 4G ", "= 2G ")
        place.write("vmtui.conf", theirs)
        save(s)
        s.wait(r"─ somebody else changed the file ─")
        s.keys("r")
        s.wait(r" memory +2G")
        s.wait(r"This is what the file says now")
        s.keys("Escape")
        s.wait(r"▸● build")
        wait_file(place, theirs)
    at_sizes(place, test)


def test_a_definition_that_others_deleted_can_be_put_back(place):
    gone = "[switch local]\nadd = em0\n"
    s = opened(place, (80, 24))
    begin_change(place, s)
    place.write("vmtui.conf", gone)
    save(s)
    s.wait(r"\[vm build\] is no longer in it")
    s.keys("r")
    s.wait(r"build is not in the file any more")
    wait_file(place, gone)
    place.write("vmtui.conf", conf(place))
    begin_change(place, s)
    place.write("vmtui.conf", gone)
    save(s)
    s.wait(r"\[vm build\] is no longer in it")
    s.keys("k")
    s.wait(r"build is new")
    s.keys("Enter")
    s.wait(r"^ build is saved")
    until(lambda: "[vm build]\nmemory = 6G\n" in read(place),
          lambda: "build in the file:\n" + read(place))


def test_a_file_that_cannot_be_saved_loses_nothing(place):
    s = opened(place, (80, 24))
    begin_change(place, s)
    path = place.path("vmtui.conf")
    os.rename(path, path + ".old")
    os.mkdir(path)
    save(s)
    s.wait(r"cannot be edited: it is not a regular file")
    s.wait(r"memory +\* 6G")
    os.rmdir(path)
    os.rename(path + ".old", path)
    save(s)
    s.wait(r"^ build is saved")
    wait_file(place, conf(place).replace("= 4G ", "= 6G "))


def test_a_form_waits_for_no_backend(place):
    s = opened(place, (80, 24), *GUESTS, "--hold")
    begin_change(place, s)
    s.keys("C-s")
    s.wait(r"─ save this\? ─")
    s.keys("Enter")
    s.wait(r"^ build is saved")
    s.keys("j")
    s.wait(r"▸● db")


def test_a_form_in_ascii_without_colours_and_small(place):
    s = opened(place, (40, 12), env={"VMTUI_ASCII": "1", "NO_COLOR": "1"})
    s.keys("e")
    s.wait(r">name +build")
    s.keys("Down")
    s.wait(r">memory +4G")
    s.keys("C-u")
    s.type("7G")
    s.keys("C-s")
    s.wait(r"save this\?")
    s.resize(130, 30)
    s.wait(r"\+ memory   = 7G        ; plenty")
    s.keys("Enter")
    s.wait(r"build is saved")
    wait_file(place, conf(place).replace("= 4G ", "= 7G "))


def test_the_form_has_its_keys_on_a_page(place):
    s = opened(place, (80, 24))
    edit(s)
    s.keys("F1")
    s.wait(r"─ keys: form ─")
    s.wait(r"make up a hardware address")
    s.keys("Escape")
    s.wait(r"▸name +build")


def test_switches_are_edited_in_the_same_form(place):
    def test(s):
        s.keys("3")
        s.wait(r"▸. local ")
        s.keys("e")
        s.wait(r"─ switch local ─")
        to(s, "add")
        s.wait(r"▸add +em0")
        s.keys("Down")
        s.wait(r"▸  one more")
        s.type("tap7")
        s.wait(r"▸.* tap7")
        to(s, "locked")
        s.keys("Space")
        s.wait(r"▸locked +\* yes")
        s.keys("C-s")
        # What a guest may send is changed while it runs, alone.
        s.wait(r"local: locked, at once")
        s.wait(r"local: add, when the next guest on it starts")
        s.wait(r"mv1: interface, at once")
        s.keys("Escape")
        s.wait(r"▸locked +\* yes")
        save(s)
        s.wait(r"^ local is saved")
        wait_file(place, conf(place).replace(
            "the uplink\n",
            "the uplink\nadd = tap7\nlocked = yes\n"))
        s.keys("n")
        s.wait(r"─ new switch ─")
        s.type("inside")
        to(s, "address")
        s.type("10.0.0.0/24")
        s.wait(r"address of the +whole network|whole +network")
        s.keys("BSpace", "BSpace", "BSpace", "BSpace")
        s.type("1/24")
        s.wait(r"▸address +\* 10.0.0.1/24")
        save(s)
        s.wait(r"^ inside is saved")
        until(lambda: "\n\n[switch inside]\naddress = 10.0.0.1/24\n\n"
              in read(place), lambda: "inside in:\n" + read(place))
        # Guests are on it: it stays.
        s.keys("d")
        s.wait(r"2 guests are on local: take")
        s.keys("3")
        s.wait(r"▸. local ")
    at_sizes(place, test, *GUESTS, "--switch", "local:vs-local:up:")


def test_a_guest_defined_here_is_there_and_gone_again(place):
    """With the real backend, which reads what was saved."""
    s = place.screen((80, 24))
    s.wait(r"There is no guest yet")
    s.keys("n")
    s.wait(r"▸name")
    s.type("first")
    s.keys("Tab")
    s.type("/nowhere/bzImage")
    save(s)
    s.wait(r"^▸○ first +stopped")
    s.keys("s")
    s.wait(r"/nowhere/bzImage")
    s.keys("c")
    s.wait(r"^ clone first as:")
    s.type("second")
    s.keys("Enter")
    s.wait(r"─ guest second, as first ─")
    save(s)
    s.wait(r"^▸○ second +stopped")
    s.wait(r"^ ○ first +")
    s.keys("e")
    s.wait(r"▸name +second")
    s.keys("C-u")
    s.type("other")
    save(s)
    s.wait(r"^▸○ other +stopped")
    s.wait_not(r"○ second")
    s.keys("d")
    s.wait(r"^ delete other\?")
    s.keys("y")
    s.wait_not(r"○ other")
    s.wait(r"^▸○ first +stopped")
    s.keys("6")
    s.wait(r"backend ")
    s.wait(r"screen +! .*/nowhere/bzImage")
    s.keys("3")
    s.wait(r"No switch is defined yet|No switch|netlink|permission")
    s.keys("1")
    s.wait(r"^▸○ first")
    s.quit()
