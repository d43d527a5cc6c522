"""commands.py: the prompt ":", with the command line's own commands."""
import os
import time

from screens import GUESTS, opened
from tmux import Failed, until

SIZES = ((80, 24), (120, 40), (200, 50))


def at_sizes(place, test, *args):
    """The test at each of the three sizes, from the beginning."""
    for i, size in enumerate(SIZES):
        if i > 0:
            place.again()
        test(opened(place, size, *(args or GUESTS)))


def command(s, text):
    s.keys(":")
    s.wait(r"^ :")
    s.type(text)
    s.keys("Enter")


def test_a_command_s_output_has_a_page(place):
    def test(s):
        command(s, "status")
        s.wait(r"^─ status ─")
        s.wait(r"^ +ID +NAME +STATE")
        s.wait(r"^ +\d+ +mv1 +stopped")
        s.wait(r"esc close")
        s.keys("Escape")
        s.wait(r"● build")
        s.wait_not(r"ID +NAME")
    at_sizes(place, test)


def test_a_command_does_what_the_command_line_does(place):
    def test(s):
        command(s, "start mv1")
        s.wait(r"● mv1")
        s.wait(r"^ start mv1: done")
        command(s, "stop -f mv1 db")
        s.wait(r"○ mv1")
        s.wait(r"○ db")
    at_sizes(place, test)


def test_a_failing_command_says_why_on_the_bottom_line(place):
    def test(s):
        command(s, "start nobody")
        s.wait(r"^ no guest is called nobody")
        command(s, "strat mv1")
        s.wait(r'^ there is no command "strat": is start meant\?')
        command(s, 'start "mv1')
        s.wait(r"^ a quote stays open")
    at_sizes(place, test)


def test_tab_completes_switches_templates_and_small_words(place):
    def test(s):
        s.keys(":")
        s.wait(r"^ :")
        s.type("start -n ins")
        s.keys("Tab")
        s.wait(r"^ :start -n inside *$")
        s.keys("-")
        s.type("t we")
        s.keys("Tab")
        s.wait(r"^ web1  web2 *\n :start -n inside -t web *$")
        s.keys("C-u")
        s.type("link web1 do")
        s.keys("Tab")
        s.wait(r"^ :link web1 down *$")
    at_sizes(place, test, *GUESTS, "--switch", "local:vs-local:up:",
             "--switch", "inside:vs-inside:absent:")


def test_tab_completes_commands_options_and_guests(place):
    def test(s):
        s.keys(":")
        s.wait(r"^ :")
        s.type("sta")
        s.keys("Tab")
        s.wait(r"^ status  start *\n :sta *$")
        s.type("r")
        s.keys("Tab")
        s.wait(r"^ :start $|^ :start *$")
        s.type("w")
        s.keys("Tab")
        s.wait(r"^ web1  web2 *\n :start web *$")
        s.type("1")
        s.keys("Tab")
        s.type("-")
        s.keys("Tab")
        s.wait(r"^ -c  -w .*\n( .*\n)* :start web1 - *$")
        s.keys("C-u")
        s.wait(r"^ : *$")
        s.type("nothing-like-it x")
        s.keys("Tab")
        s.wait(r"^ nothing begins like this")
        s.keys("Escape")
        s.wait_not(r"^ :")
    at_sizes(place, test)


def test_tab_completes_files(place):
    place.write("one two.conf", "[vm a]\nmemory = 1G\n")

    def test(s):
        s.keys(":")
        s.wait(r"^ :")
        s.type("check %s/on" % place.dir)
        s.keys("Tab")
        s.wait(r"one\\ two\.conf")
        s.keys("Enter")
        s.wait(r"one two.conf.* 1 guest|one two.conf: ")
    at_sizes(place, test)


def test_history_goes_up_and_down_and_lasts(place):
    s = opened(place, (80, 24))
    command(s, "pause web1")
    s.wait(r"◐ web1")
    command(s, "unpause web1")
    s.wait(r"● web1")
    s.keys(":")
    s.wait(r"^ :")
    s.type("begun")
    s.keys("Up")
    s.wait(r"^ :unpause web1")
    s.keys("Up")
    s.wait(r"^ :pause web1")
    s.keys("Down", "Down")
    s.wait(r"^ :begun")
    s.keys("Escape")
    s.wait_not(r"^ :")
    s.quit()
    path = os.path.join(place.env["VMTUI_STATEDIR"], "commands")

    def history():
        with open(path) as f:
            return f.read()

    until(lambda: os.path.exists(path) and
          history() == "pause web1\nunpause web1\n",
          "the history in its file")
    t = place.screen((80, 24))
    t.wait(r"^ vmtui  odin")
    t.keys(":")
    t.wait(r"^ :")
    t.keys("Up")
    t.wait(r"^ :unpause web1")
    t.keys("Up", "Up", "Enter")
    t.wait(r"◐ web1")


def test_a_line_is_edited_in_its_middle(place):
    s = opened(place, (80, 24))
    s.keys(":")
    s.wait(r"^ :")
    s.type("start web1")
    s.keys("C-a", "DC", "DC", "DC")
    s.wait(r"^ :rt web1")
    s.type("sta")
    s.keys("C-e", "C-w")
    s.type("mv1")
    s.keys("Left", "Left", "Left", "Enter")
    s.wait(r"● mv1")


def test_a_slow_command_blocks_nothing(place):
    def test(s):
        command(s, "start mv1")
        # Its answer is held back; the keys go on.
        s.keys("j")
        s.wait(r"▸.*db")
        s.keys("k")
        s.wait(r"▸.*build")
        place.go()
        s.wait(r"^ start mv1: done")
    at_sizes(place, test, *GUESTS, "--hold")


def test_console_turns_to_the_guest_s_own(place):
    s = opened(place, (80, 24))
    command(s, "console nobody")
    s.wait(r"^ no guest is called nobody")
    command(s, "console db")
    s.wait(r"^─ db ─ running")
    s.type("print here")
    s.keys("Enter")
    s.wait(r"^here$")
    s.keys("C-]")
    s.wait(r"▸● db")


def test_a_disc_is_put_in_and_taken_out(place):
    place.write("one two.iso", "")

    def test(s):
        s.keys("E")
        s.wait(r"^ There is no disc in the CD-ROM drive of build")
        s.keys("i")
        s.wait(r"^ :insert build *$")
        s.type("%s/on" % place.dir)
        s.keys("Tab")
        s.wait(r"one\\ two\.iso")
        s.keys("Enter")
        s.wait(r"^ insert build .*: done")
        if s.size[0] == 200:
            s.wait(r"cdrom +%s/one two.iso" % place.dir)
        s.keys("E")
        if s.size[0] >= 120:
            s.wait(r"cdrom +empty")

        # Where that is not to be seen, it may not be answered yet.
        def refused():
            s.keys("E")
            time.sleep(0.2)
            return "There is no disc in the CD-ROM drive of build" in s.text()

        until(refused, lambda: "no disc on:\n" + s.text())
        # db: its system has locked it.
        s.keys("j")
        s.wait(r"▸● db")
        s.keys("E")
        s.wait(r"take the disc out of db\?.*\[y/N\]")
        s.keys("n")
        s.wait_not(r"\[y/N\]")
        s.keys("E")
        s.wait(r"\[y/N\]")
        s.keys("y")
        s.wait_not(r"\[y/N\]")
        s.keys("j")
        s.wait(r"▸◐ dns")
        s.keys("i")
        s.wait(r"^ dns has no CD-ROM drive: cdrom = empty")
    at_sizes(place, test, *GUESTS, "--cdrom", "build=", "--cdrom",
             "db=locked")


def test_quit_at_the_prompt(place):
    s = opened(place, (80, 24))
    command(s, "q")
    s.wait(r"^ended 0$")
