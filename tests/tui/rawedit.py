"""rawedit.py: the view of the configuration's own text."""
import os
import signal

from commands import SIZES
from forms import conf, opened, read, wait_file
from screens import GUESTS
from tmux import Failed, ended, until


def at_sizes(place, test, *args):
    for i, size in enumerate(SIZES):
        if i > 0:
            place.again()
        s = opened(place, size, *args)
        s.keys("4")
        s.wait(r"^ +1  # My machines\.")
        test(s)


def save(s):
    s.keys("C-s")
    s.wait(r"─ what changes ─")
    s.wait(r"^ save this\?")
    s.keys("y")
    s.wait(r"is saved\.")


def find(s, text):
    s.keys("/")
    s.wait(r"^ /")
    s.type(text)
    s.keys("Enter")
    s.wait_not(r"^ /")


def test_the_text_is_typed_and_saved(place):
    def test(s):
        find(s, "4G")
        s.keys("e")
        s.wait(r"─ typing ─")
        s.keys("DC")
        s.type("6")
        s.wait(r"memory   = 6G        ; plenty")
        s.keys("End", "Enter")
        s.type("balloon = yes")
        s.wait(r"^ +8  balloon = yes")
        s.keys("Escape")
        s.wait_not(r"─ typing ─")
        s.keys("C-s")
        s.wait(r"build: memory, balloon, with its next start, since it runs")
        s.wait(r" \+ balloon = yes")
        s.wait(r"^ save this\?")
        s.keys("y")
        s.wait(r"is saved\.")
        wait_file(place, conf(place).replace("= 4G ", "= 6G ").replace(
            "plenty\n", "plenty\nballoon = yes\n"))
        s.wait_not(r"─ changed ─")
    at_sizes(place, test)


def test_mistakes_in_the_text_are_shown_and_not_saved(place):
    def test(s):
        find(s, "cpus")
        s.keys("e")
        s.wait(r"─ typing ─")
        s.keys("DC")
        s.wait(r"^ +8! pus     = 4")
        s.wait(r'has no key "pus" \(did you *mean *"cpus"')
        s.wait(r"─ 1 mistake ─")
        s.keys("Up", "Up", "C-s")
        s.wait(r"vmtui.conf:8:|:8:\s")
        s.keys("Right")
        s.wait_not(r"vmtui.conf:8:")
        s.keys("C-z")
        s.wait(r"^ +8  cpus     = 4")
        s.wait_not(r"mistake")
        s.wait_not(r"─ changed ─")
        s.keys("C-y")
        s.wait(r"^ +8! pus")
        s.keys("Escape")
        s.wait_not(r"─ typing ─")
        s.keys("Escape")
        s.wait(r"drop what was changed")
        s.keys("y")
        s.wait(r"^ +8  cpus     = 4")
        wait_file(place, conf(place))
    at_sizes(place, test)


def test_tab_completes_sections_keys_and_values(place):
    def test(s):
        s.keys("G")
        s.keys("e")
        s.wait(r"─ typing ─")
        s.type("[sw")
        s.keys("Tab")
        s.wait(r"^ +\d+[ !] \[switch$|^ +\d+[ !] \[switch *$")
        s.type("x]")
        s.keys("Enter")
        s.type("loc")
        s.keys("Tab")
        s.wait(r"^ +\d+[ !] locked =")
        s.type("y")
        s.keys("Tab")
        s.wait(r"^ +\d+  locked = yes")
        s.keys("Enter")
        s.type("[vm z]")
        s.keys("Enter")
        s.type("c")
        s.keys("Tab")
        s.wait(r"^ cpus = +cmdline = +cdrom =")
        s.keys("BSpace")
        s.type("disk = /z, for")
        s.keys("Tab")
        s.wait(r"disk = /z, format=")
        s.keys("Escape")
        s.wait_not(r"─ typing ─")
        s.keys("u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u", "u")
        s.wait_not(r"─ changed ─")
    at_sizes(place, test)


def test_the_text_that_others_changed_meanwhile(place):
    def test(s):
        theirs = conf(place) + "\n[vm more]\n"
        find(s, "4G")
        s.keys("e")
        s.wait(r"─ typing ─")
        s.keys("DC")
        s.type("6")
        s.wait(r"memory   = 6G")
        place.write("vmtui.conf", theirs)
        s.keys("C-s")
        s.wait(r"^ save this\?")
        s.keys("y")
        s.wait(r"─ somebody else changed the file ─")
        s.wait(r" \+ \[vm more\]")
        s.type("r")
        s.keys("Enter")
        s.wait(r"This is what the file says now")
        s.wait(r"memory   = 4G")
        wait_file(place, theirs)
        s.keys("Escape")
        s.wait_not(r"─ typing ─")
        find(s, "4G")
        s.keys("e")
        s.wait(r"─ typing ─")
        s.keys("DC")
        s.type("7")
        s.wait(r"memory   = 7G")
        place.write("vmtui.conf", conf(place))
        s.keys("C-s")
        s.wait(r"^ save this\?")
        s.keys("y")
        s.wait(r"─ somebody else changed the file ─")
        s.wait(r"^ k writes over it")
        s.type("k")
        s.keys("Enter")
        s.wait(r"^ save this\?")
        s.wait(r" \+ \[vm more\]")
        s.keys("y")
        s.wait(r"is saved\.")
        wait_file(place, theirs.replace("= 4G ", "= 7G "))
    at_sizes(place, test)


def test_a_file_with_mistakes_opens_at_the_first_one(place):
    s = opened(place, (80, 24), text="[vm build]\nmemory = 1G\n" +
               "# x\n" * 40 + "memroy = 1G\n")
    s.keys("e")
    s.wait(r"memroy")
    s.wait(r"^ +43! memroy = 1G")
    s.keys("j")
    s.wait(r"─ 1 mistake ─")
    wait_file(place, "[vm build]\nmemory = 1G\n" + "# x\n" * 40 +
              "memroy = 1G\n")


def test_changed_text_is_not_lost_by_turning_or_leaving(place):
    s = opened(place, (80, 24))
    s.keys("4")
    s.wait(r"^ +1  # My machines\.")
    s.keys("e")
    s.wait(r"─ typing ─")
    s.type("# new ")
    s.wait(r"^ +1  # new # My")
    s.keys("Escape")
    s.wait_not(r"─ typing ─")
    s.keys("1")
    s.wait(r"▸● build")
    s.keys("4")
    s.wait(r"^ +1  # new # My")
    s.keys("q")
    s.wait(r"leave\? what was changed")
    s.keys("n")
    s.wait(r"─ changed ─")
    save(s)
    wait_file(place, "# new " + conf(place))
    s.keys("q")
    s.wait(r"^ended 0$")


def test_text_is_pasted_and_long_lines_scroll(place):
    s = opened(place, (80, 24), *GUESTS)
    s.keys("4")
    s.wait(r"^ +1  # My machines\.")
    s.keys("e")
    s.wait(r"─ typing ─")
    s.tmux("set-buffer", "# " + "0123456789" * 15 + "end\n# äö€\tx\n")
    s.tmux("paste-buffer", "-p")
    s.wait(r"^ +2  # äö€ +x")
    s.keys("Up", "Up", "End")
    s.wait(r"789end")
    s.keys("Home")
    s.wait(r"^ +1  # 0123")
    if read(place) != conf(place):
        raise AssertionError("saved without being asked")


def test_one_s_own_editor_has_the_terminal_and_gives_it_back(place):
    def run(s, what):
        """The editor does that with the file, $1."""
        place.write("what", what + "\n")
        s.keys("E")

    def test(size):
        s = opened(place, size, env={"EDITOR": "sh %s" % place.path("ed")})
        s.keys("4")
        s.wait(r"^ +1  # My machines\.")
        run(s, "sed -i 's/= 4G/= 6G/' \"$1\"")
        s.wait(r"It has no mistakes; ctrl-s shows what changes")
        s.wait(r"memory   = 6G        ; plenty")
        s.wait(r"─ changed ─")
        run(s, "true")
        s.wait(r"^ Nothing changed")
        run(s, "echo gone > \"$1\"; exit 3")
        s.wait(r"ended with 3: nothing is taken over")
        run(s, "kill -9 $$")
        s.wait(r"was ended by signal 9: nothing is taken over")
        # It has the keys, ctrl-c and the whole screen.
        run(s, "trap 'echo no' INT; clear; echo here; while ! read x; do :; "
            "done; echo \"# $x\" > \"$1\"")
        s.wait(r"^here$")
        s.wait_not(r"vmtui  odin")
        s.keys("C-c")
        s.wait(r"no$")
        s.type("from me")
        s.keys("Enter")
        s.wait(r"^ +1  # from me")
        s.keys("u")
        s.wait(r"memory   = 6G        ; plenty")
        run(s, "sed -i 's/^cpus/cpux/' \"$1\"")
        s.wait(r"^ +8! cpux     = 4")
        s.wait(r'has no key "cpux"')
        s.keys("u")
        s.wait(r"^ +8  cpus     = 4")
        wait_file(place, conf(place))
        # A screen that ends takes its editor along.
        run(s, "clear; echo $$ > %s; sleep 1000" % place.path("pid"))
        until(lambda: os.path.exists(place.path("pid")), "the editor")
        os.kill(s.pid(), signal.SIGTERM)
        s.wait(r"^ended 0$")
        with open(place.path("pid")) as f:
            pid = int(f.read())
        until(lambda: ended(pid), "the editor's end")
        os.unlink(place.path("pid"))
    place.write("ed", ". %s\n" % place.path("what"))
    test((80, 24))


def test_an_editor_that_is_not_there_is_said(place):
    s = opened(place, (80, 24), env={"VISUAL": "/nowhere/ed -x"})
    s.keys("4")
    s.wait(r"^ +1  # My machines\.")
    s.keys("E")
    s.wait(r"There is no editor /nowhere/ed -x: choose one with the variable")
    s.keys("j")
    s.wait(r"^ +1  # My machines\.")


def test_tab_completes_switches_formats_and_files(place):
    s = opened(place, (80, 24))
    os.mkdir(place.path("pictures"))
    place.write("pictures/one.raw", "")
    s.keys("4")
    s.wait(r"^ +1  # My machines\.")
    s.keys("G", "e")
    s.wait(r"─ typing ─")
    s.type("interface = sw")
    s.keys("Tab")
    s.wait(r"^ +\d+. interface = switch=")
    s.keys("Tab")
    s.wait(r"^ +\d+. interface = switch=local")
    s.keys("Enter")
    s.type("disk = pic")
    s.keys("Tab")
    s.wait(r"^ +\d+. disk = pictures/")
    s.keys("Tab")
    s.wait(r"^ +\d+. disk = pictures/one.raw")
    s.type(", format=r")
    s.keys("Tab")
    s.wait(r"^ +\d+. disk = pictures/one.raw, format=raw")
    s.keys("Enter")
    s.type("instance-of = bu")
    s.keys("Tab")
    s.wait(r"^ +\d+. instance-of = build")
