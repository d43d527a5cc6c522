"""making.py: what a form makes, completes and says of its fields."""
import os
import re

from forms import (SIZES, at_sizes, conf, edit, opened, read, save, to,
                   wait_file)
from tmux import Failed, until


def test_a_disk_is_made_on_the_spot(place):
    def test(s):
        path = place.path("new one.qcow2")
        edit(s)
        to(s, "disk")
        to(s, "  one more")
        s.type("new one.qcow2")
        s.wait(r"▸ +\* new one.qcow2")
        s.wait(r"There is no such file yet: ctrl-o makes it")
        s.keys("C-o")
        s.wait(r"^ size of new one.qcow2 \(qcow2; tab: raw\): 16G")
        s.keys("C-u")
        s.type("64M")
        s.keys("Enter")
        s.wait(r"new one.qcow2 is +made: qcow2, +64M")
        s.wait_not(r"There is no such file yet")
        with open(path, "rb") as f:
            if f.read(4) != b"QFI\xfb":
                raise Failed("no qcow2 image")
        # One that is there stays as it is.
        s.keys("C-o")
        s.wait(r"^ size of new one.qcow2 \(qcow2; tab: raw\): 16G")
        s.keys("Enter")
        s.wait(r"exists|is there already|already")
        os.unlink(path)
        s.keys("Escape")
        s.wait(r"lost")
        s.keys("y")
        s.wait(r"▸● build")
    at_sizes(place, test)


def test_a_path_is_completed_by_enter(place):
    def test(s):
        edit(s)
        to(s, "initrd")
        s.type("boot")
        s.keys("Enter")
        # The only one that begins so; it is a folder, so what is in it.
        s.wait(r"┬ boot/ ─|─ boot/ ─")
        s.wait(r"initrd-1.img")
        s.wait(r"^ ↵ take  ↑ up  ↓ down  esc back *$")
        s.keys("Escape")
        s.wait(r"^ ctrl-s save")
        s.keys("C-u")
        s.type("boot/initrd")
        s.keys("Enter")
        s.wait(r"/initrd\S* *$")
        s.wait(r"▸initrd-1.img *$")
        s.wait(r"initrd-2.img *$")
        s.wait_not(r"vmlinuz")
        s.keys("Down", "Enter")
        s.wait(r"▸initrd +\* boot/initrd-2.img")
        s.wait(r"^ ctrl-s save")
        s.keys("C-u")
        s.type("boot/vm")
        s.keys("Enter")
        s.wait(r"▸initrd +\* boot/vmlinuz")
    os.mkdir(place.path("boot"))
    for name in ("initrd-1.img", "initrd-2.img", "vmlinuz"):
        place.write("boot/" + name, "")
    at_sizes(place, test)


def test_a_new_guest_s_disk_has_its_name_and_either_format(place):
    def test(s):
        for name in ("fresh.qcow2", "fresh.raw"):
            if os.path.exists(place.path(name)):
                os.unlink(place.path(name))
        s.keys("n")
        s.wait(r"─ new guest ─")
        to(s, "disk")
        s.keys("C-o")
        s.wait(r"or the guest's name, *\n? *first")
        s.keys("PPage")
        s.wait(r"▸name")
        s.type("fresh")
        to(s, "disk")
        s.keys("C-o")
        s.wait(r"size of fresh.qcow2 \(qcow2; tab: raw\): 16G")
        s.keys("Tab")
        s.wait(r"size of fresh.raw \(raw; tab: qcow2\): 16G")
        s.keys("Enter")
        s.wait(r"fresh.raw is +made: raw, 16G")
        s.wait(r"▸disk +\* fresh.raw")
        if os.path.getsize(place.path("fresh.raw")) != 16 << 30:
            raise Failed("another size")
    at_sizes(place, test)


def test_an_existing_vm_conf_is_taken_over(place):
    vm_conf = place.path("vm.conf")

    def test(size):
        place.backend("--config", place.path("vmtui.conf"))
        s = place.screen(size)
        s.wait(r"There is no guest yet")
        s.keys("I")
        s.wait(r"^ vm.conf to take over: /etc/vm.conf")
        s.keys("C-u")
        s.type(vm_conf)
        place.write("vm.conf", 'vm "a" {\n\tmemory 512M\n\tkernels "/bsd"\n')
        s.keys("Enter")
        s.wait(r"─ vm.conf cannot be taken over ─")
        s.wait(r"vm.conf:3")
        s.keys("Escape")
        s.wait(r"There is no guest yet")
        place.write("vm.conf",
                    'switch "local" {\n\tinterface bridge0\n}\n'
                    'vm "a" {\n\tmemory 512M\n\tboot "/bsd.rd"\n'
                    '\tinterface { switch "local" }\n}\n')
        s.keys("I")
        s.wait(r"^ vm.conf to take over: /etc/vm.conf")
        s.keys("C-u")
        s.type(vm_conf)
        s.keys("Enter")
        s.wait(r"^ +\d+  \[vm a\]")
        s.wait(r"─ changed ─")
        s.wait(r"It has no mistakes; ctrl-s shows what changes")
        s.keys("C-s")
        s.wait(r"a is new")
        s.keys("y")
        s.wait(r"is saved\.")
        until(lambda: "kernel = /bsd.rd\n" in read(place),
              lambda: "a kernel in:\n" + read(place))
        os.unlink(place.path("vmtui.conf"))
    for i, size in enumerate(SIZES):
        if i > 0:
            place.again()
        test(size)


# What is wrong in a field: the last words of the sentence that vmtui check has
# for it, which goes over lines where it is long.
WRONG = (
    ("memory", "17T", "is too much: 16T is the most"),
    ("cpus", "65", "write a whole number from 1 to 64"),
    ("pin", "9-1", "such as 0-3 or 0,2,8-11"),
    ("disk", "a, format=vdi", "write auto, raw or qcow2"),
    ("interface", "lladdr=01:00:5e:00:00:01", "the second digit must be even"),
    ("owner", "a b", "cannot be a user or a group"),
)


def test_the_form_says_what_check_says(place):
    s = opened(place, (200, 50))
    for field, text, words in WRONG:
        edit(s)
        to(s, field)
        s.keys("C-u")
        s.type(text)
        s.wait(r"▸%s +! +%s" % (field, re.escape(text)))
        s.wait(re.escape(words))
        place.write("wrong.conf", "[vm build]\n%s = %s\n" % (field, text))
        said = place.result("check", place.path("wrong.conf")).stderr
        if words not in said:
            raise Failed("vmtui check says something else: " + said)
        s.keys("Escape")
        s.wait(r"what was changed in it +is +lost")
        s.keys("y")
        s.wait(r"▸● build")
    wait_file(place, conf(place))
