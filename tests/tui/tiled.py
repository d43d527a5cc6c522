"""tiled.py: what happens in panes side by side, on a fake backend."""
import os
import random
import re
import time

from panes import (EIGHT, SIZES, TWO, consoles, prefix, press, saved_layouts,
                   settled_at, titles, wait_focus, wait_names)
from screens import opened
from tmux import Failed, until


def test_panes_come_back_when_their_guest_does(place):
    for size in SIZES:
        s = consoles(place, size, *TWO)
        s.type("print last words")
        s.keys("Enter")
        s.wait(r"^last words")
        prefix(s, "S")
        s.wait(r"^ one ○ stopped ─")
        s.expect(r"^last words")
        s.wait(r"^one: stopped\.  s starts it")
        s.type("z")
        s.wait(r"one is stopped and hears nothing; s starts it")
        s.type("s")
        s.wait(r"^ one ● ─")
        s.wait(r"all else goes to one")
        s.type("print alive")
        s.keys("Enter")
        s.wait(r"^alive")
        prefix(s, "X")
        s.wait(r"one off at once\?")
        s.keys("y")
        s.wait(r"^ one ○ stopped ─")
        prefix(s, "s")
        s.wait(r"^ one ● ─")
        s.close()
        place.again()


def test_panes_of_one_guest_have_their_own_sizes(place):
    for cols, rows in SIZES:
        s = consoles(place, (cols, rows), *TWO, tile=False)
        s.keys("a", "Enter")
        wait_names(s, "one")
        prefix(s, "|")
        s.wait(r"a pane for")
        s.keys("Enter")
        wait_names(s, "one", "one")
        prefix(s, "C-Right", "C-Right", "C-Right", "C-Right")
        x = settled_at(s, 1)[1]
        prefix(s, "Left")
        s.wait(r"all else goes to one")
        text = "x" * (x - 9)
        s.type("print " + text)
        s.keys("Enter")
        # The wide one holds it in a row, whatever the narrow one does.
        s.wait(r"^%s *│" % text)
        # Both marked: what is typed reaches the console once.
        before = place.typed("one")
        prefix(s, "b")
        s.wait(r"● ⇶ .*● ⇶ ")
        s.type("q")
        until(lambda: place.typed("one") != before, "the key")
        # And what comes next is the next key.
        s.type("r")
        until(lambda: place.typed("one") == before + b"qr",
              lambda: "once: %r" % place.typed("one"))
        s.close()
        place.again()


def test_panes_typed_to_at_once_are_marked(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        prefix(s, "b")
        s.wait(r"⇶ typing goes to 4: g1 g2 g3 g4")
        s.wait_count("● ⇶", 4)
        s.wait_raw(r"\033\[1m\033\[35m⇶")
        s.type("ab")
        s.tmux("set-buffer", "pasted")
        s.tmux("paste-buffer", "-p")
        for i in range(1, 5):
            place.wait_typed("g%d" % i, b"abpasted")
        prefix(s, "b")
        s.wait(r"all else goes to g1")
        # One by one: this one, and where one goes.
        prefix(s, "2", "B", "3")
        s.wait(r"⇶ typing goes to 2: g3 g2")
        s.type("c")
        for name in ("g2", "g3"):
            place.wait_typed(name, b"abpastedc")
        if b"c" in place.typed("g1") + place.typed("g4"):
            raise Failed("typed to those that are not marked")
        s.close()
        place.again()


def test_panes_tell_what_happened_in_them(place):
    for size in SIZES:
        s = consoles(place, size, *TWO)
        wait_names(s, "one", "two")
        s.wait(r"one\$")
        s.type("endless")
        s.keys("Enter")
        prefix(s, "2")
        s.wait(r"one ● ! ─")
        s.wait_raw(r"\033\[1m\033\[33m!")
        s.expect(r"two ● ─")
        prefix(s, "!")
        wait_focus(s, "one")
        s.wait(r"one ● ─")
        s.keys("C-c")
        s.wait(r"one\$ *(│|$)")
        # It rings after the focus went on.
        prefix(s, "2")
        wait_focus(s, "two")
        place.say("one", b"\a")
        s.wait(r"one ● ♪ (! )?─")
        prefix(s, "1")
        s.wait(r"one ● ─")
        s.close()
        place.again()


def test_panes_borders_are_in_colour(place):
    for size in SIZES:
        s = consoles(place, size, "--guest", "one:running", "--guest",
                     "two:paused", "--guest", "three:running", tile=False)
        for name in ("one", "two", "three"):
            s.keys("C-]", "a")
            s.wait(r"a pane for")
            s.type(name)
            s.keys("Enter")
            s.wait(r" %s [●◐]" % name)
        wait_focus(s, "three")
        # The state, in the colours of the list.
        s.wait_look("(?<= one )●", 32)
        s.wait_look("(?<= two )◐", 33)
        # The focus: its title and the lines around it; the others are dim.
        s.wait_look(" three ", 1, 7, 36)
        s.wait_look("(?<= three ● )─+", 1, 36)
        s.wait_look("(?<= one ● )─", 2)
        # What happened elsewhere, and where typing goes too.
        place.say("one", b"news\a\r\n")
        s.wait_look("(?<= one ● )♪", 1, 33)
        s.wait_look("(?<=♪ )!", 1, 33)
        prefix(s, "b")
        s.wait_look("(?<= three ● )⇶", 1, 35)
        prefix(s, "b")
        prefix(s, "c")
        s.wait_look("(?<= three ● )hvc0", 2)
        prefix(s, "S")
        s.wait_look("(?<= three )○ stopped", 2)
        prefix(s, "g")
        s.wait(r"^▸○ three")
        s.keys("/")
        s.type("one")
        s.keys("Enter")
        s.wait(r"^▸● one")
        s.keys("Enter")
        s.wait(r"one\$")
        s.type("crash\r")
        s.wait(r"crashed")
        s.keys("C-]", "2")
        s.wait_look("(?<= one )✗ crashed", 1, 31)
        s.close()
        place.again()


def test_panes_focus_is_seen_without_colour(place):
    for size in SIZES:
        s = consoles(place, size, *TWO, env={"NO_COLOR": "1"})
        wait_focus(s, "one")
        prefix(s, "2")
        wait_focus(s, "two")
        s.close()
        place.again()
        s = consoles(place, size, *TWO, env={"VMTUI_ASCII": "1"}, tile=False)
        s.keys("t")
        s.wait(r"^ one \* -+")
        prefix(s, "b")
        s.wait(r"^ one \* => -")
        bad = [c for c in s.settled() if ord(c) > 126]
        if bad:
            raise Failed("not ASCII: %r" % bad)
        s.close()
        place.again()


def test_panes_prefix_twice_and_its_menu(place):
    for size in SIZES:
        s = consoles(place, size, *TWO)
        wait_names(s, "one", "two")
        s.keys("C-]", "C-]", "x")
        place.wait_typed("one", b"\x1dx")
        s.keys("C-]")
        s.wait(r"^ 1 one ● ")
        s.wait(r"^─ ctrl-\] ─")
        s.expect(r"z +zoom")
        s.expect(r"e +layouts")
        s.keys("Escape")
        s.wait_not(r"layouts")
        s.wait(r"^ one ● ")
        s.keys("C-]")
        s.wait(r"^─ ctrl-\] ─")
        s.keys("2")
        wait_focus(s, "two")
        s.wait_not(r"^─ ctrl-\] ─")
        prefix(s, "Q")
        s.wait(r"Q does nothing here; \? shows the keys")
        prefix(s, "?")
        s.wait(r"behind that key")
        s.keys("Escape")
        s.wait_not(r"behind that key")
        prefix(s, "g")
        s.wait(r"^▸● two")
        s.close()
        place.again()


def test_panes_prefix_is_what_the_configuration_says(place):
    for size in SIZES:
        place.write("vmtui.conf", "[keys]\nprefix = ctrl-a\n")
        s = consoles(place, size, *TWO, tile=False)
        s.keys("t")
        s.wait(r"ctrl-a commands")
        # Before its console is there nothing is typed into it.
        s.wait(r"this is one")
        s.keys("C-]", "C-a", "C-a")
        place.wait_typed("one", b"\x1d\x01")
        s.keys("C-a", "g")
        s.wait(r"^▸● one")
        s.keys("Enter")
        s.wait(r"ctrl-a list")
        s.keys("C-a")
        s.wait(r"^▸● one.*(\n.*)*q quit")
        s.close()
        place.again()
        place.write("vmtui.conf", "[keys]\nprefix = x\n")
        s = opened(place, size, *TWO)
        s.wait(r'conf:2: "x" cannot be the prefix; use one like\s+ctrl-a')
        s.close()
        place.again()


def test_panes_have_both_consoles_of_a_guest(place):
    for size in SIZES:
        s = consoles(place, size, *TWO)
        s.wait(r"^this is one")
        prefix(s, "c")
        s.wait(r"^ one ● hvc0 ─")
        s.wait(r"^hvc0 of one")
        s.type("print virtio")
        s.keys("Enter")
        place.wait_typed("one.hvc0", b"print virtio\r")
        prefix(s, "c")
        s.wait(r"^this is one")
        s.wait_not(r"hvc0")
        prefix(s, "c")
        # Its history was kept.
        s.wait(r"^virtio")
        s.close()
        place.again()
    # In the console beside the list by the same keys.
    s = opened(place, (120, 40), *TWO)
    s.keys("Enter")
    s.wait(r"this is one")
    s.keys("C-]", "c")
    s.wait(r"hvc0 of one")
    s.keys("C-]", "y")
    place.wait_typed("one.hvc0", b"stty rows ")


def test_panes_guests_learn_their_sizes(place):
    def last(name, rows, cols):
        size = "%d %d" % (rows, cols)
        until(lambda: told(place, name)[-1:] == [size],
              lambda: "%s as the last of %s" % (size, told(place, name)))

    for cols, rows in SIZES:
        s = consoles(place, (cols, rows), *TWO)
        prefix(s, "e")
        s.type("columns")
        s.keys("Enter")
        x = settled_at(s, 1)[1]
        last("one", rows - 2, x - 1)
        if told(place, "two"):
            raise Failed("two was told %s" % told(place, "two"))
        prefix(s, "2")
        last("two", rows - 2, cols - x)
        prefix(s, "z")
        last("two", rows - 2, cols)
        # A serial line has to be told by typing.
        prefix(s, "y")
        place.wait_typed("two", b"stty rows %d cols %d\r" % (rows - 2, cols))
        s.resize(100, 30)
        last("two", 28, 100)
        prefix(s, "y")
        place.wait_typed("two", b"stty rows 28 cols 100\r")
        # A guest that was started anew knows nothing of it.
        before = len(told(place, "two"))
        prefix(s, "S")
        s.wait(r"two ○ stopped")
        s.type("s")
        until(lambda: len(told(place, "two")) > before, "the size told again")
        # Many changes at once are not all told.
        before = len(told(place, "two"))
        s.resize(*[(80 + i, 24) for i in range(20)])
        last("two", 22, 99)
        if len(told(place, "two")) - before > 15:
            raise Failed("told %d times" % (len(told(place, "two")) - before))
        s.close()
        place.again()


def told(place, name):
    try:
        with open(os.path.join(place.env["VMTUI_RUNDIR"], "size." + name),
                  encoding="ascii") as f:
            return f.read().split("\n")[:-1]
    except FileNotFoundError:
        return []


def test_panes_of_two_screens_share_a_console_of_the_larger(place):
    place.backend(*TWO)
    large, small = place.screen((200, 50)), place.screen((80, 24))
    for s in (large, small):
        s.wait(r"● one")
        s.keys("o")
        s.wait(r"^ one ● ─")
        s.wait(r"one\$")
        prefix(s, "c")
        s.wait(r"^ one ● hvc0 ")
        s.wait(r"^hvc0 of one")
    # The small one has the keyboard in it as well, and shrinks nothing.
    until(lambda: told(place, "one")[-1:] == ["22 80"], "the small one's size")
    small.wait(r"^ one ● hvc0 200x48 ─")
    large.wait(r"^ one ● hvc0 ─")
    # All over the large one: its four corners, the cursor in the last.
    def corners(rows, cols, *where):
        data = b"\033[2J"
        for y, x, text in where:
            data += b"\033[%d;%dH%s" % (y, x, text)
        for s in (large, small):
            s.type("raw " + data.hex() + "\r")

    corners(48, 200, (1, 1, b"top"), (1, 196, b"right"), (48, 1, b"low"),
            (48, 190, b"end"))
    large.wait(r"^top +righ")
    large.wait(r"^low +end")
    small.wait(r"end")
    # The cursor is in sight, where it is in the large one's last columns.
    def seen():
        y, x = small.cursor()
        return y == 22 and small.lines()[y][:x].rstrip().endswith("one$") \
            and large.cursor()[0] == 48

    until(seen, lambda: "cursors at %s and %s of\n%s\n%s" % (
        large.cursor(), small.cursor(), large.text(), small.text()))
    if re.search(r"^top", small.text(), re.M):
        raise Failed("more than fits:\n" + small.text())
    # It follows the cursor back to the other corner, and the mouse is right.
    small.type("raw 1b5b481b5b4a\r")
    small.wait(r"^one\$")
    small.type("print in the corner\r")
    small.wait(r"^in the corner")
    # A third screen looks on without the keyboard there: nothing changes.
    until(lambda: '"hvc0"' in saved_layouts(place), "the layout in its file")
    third = place.screen((40, 12))
    third.wait(r"● one")
    third.keys("j", "o")
    third.wait(r"two ● ─")
    third.wait(r"one ● hvc0 ")
    third.wait(r"ctrl-\] commands")
    until(lambda: told(place, "two") != [], "the size of two")
    small.expect(r"^ one ● hvc0 200x48 ─")
    third.keys("C-]", "q")
    third.wait(r"^ended 0$")
    # The large one goes: now the small one is as large as can be.
    large.keys("C-]", "q")
    large.wait(r"^ended 0$")
    small.wait(r"^ one ● hvc0 ─")
    small.type("print alone\r")
    small.wait(r"^alone")
    # And back: on which screen the keyboard comes does not matter.
    again = place.screen((200, 50))
    again.wait(r"● one")
    # The layout is the third one's: one on hvc0, with two.
    again.keys("o")
    again.wait(r"one ● hvc0 ")
    prefix(again, "z")
    again.wait(r"^ one ● hvc0 ─+ zoomed")
    small.wait(r"^ one ● hvc0 200x48 ─")
    prefix(small, "g")
    again.keys("C-]", "g")
    # Nobody has the keyboard there: it stays as it was.
    again.wait(r"● one")
    small.keys("2")
    small.wait(r"^ one ● hvc0 ─")


def test_panes_open_from_the_list(place):
    for size in SIZES:
        s = opened(place, size)
        s.keys("j", "o")
        s.wait(r"^ db ● ─+$")
        s.wait(r"^this is db")
        prefix(s, "g")
        s.wait(r"^▸● db")
        s.keys("j", "j", "j", "j", "j", "o")
        wait_names(s, "db", "web2")
        prefix(s, "g")
        s.wait(r"^▸● web2")
        s.keys("g", "j", "o")
        # There already: it is turned to.
        wait_names(s, "db", "web2")
        wait_focus(s, "db")
        s.close()
        place.again()


def test_panes_look_back_each_on_its_own(place):
    for size in SIZES:
        s = consoles(place, size, *TWO)
        wait_names(s, "one", "two")
        s.type("flood 100")
        s.keys("Enter")
        s.wait(r"flood line 99")
        prefix(s, "PPage")
        s.wait(r"one ● ─+ \d+ lines back")
        s.wait(r"two ● ─+$")
        prefix(s, "2")
        s.type("print typed meanwhile")
        s.keys("Enter")
        s.wait(r"typed meanwhile *$")
        s.expect(r"one ● ─+ \d+ lines back")
        y, x = settled_at(s, 0)
        for _ in range(40):
            press(s, x + 5, y + 2, 64)
        s.wait(r"flood line 0 of 100")
        prefix(s, "1")
        s.keys("Escape")
        s.wait_not(r"lines back")
        prefix(s, "R")
        s.wait(r"record.*:")
        s.keys("C-u")
        s.type(place.path("cast%d" % size[0]))
        s.keys("Enter")
        s.wait(r"one ● ◉ ")
        prefix(s, "R")
        s.wait(r"one ● ─")
        place.again()


def test_panes_survive_a_terminal_of_2x2(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT)
        wait_names(s, *("g%d" % i for i in range(1, 9)))
        s.settled()
        before = titles(s)
        for other in ((2, 2), (40, 12), (3, 40), (200, 3), size):
            s.resize(*other)
            time.sleep(0.1)
        until(lambda: titles(s) == before, lambda: "as before:\n" + s.text())
        s.resize(40, 12)
        s.wait(r"ctrl-\] commands")
        s.type("x")
        place.wait_typed("g1", b"x")
        place.again()


def test_panes_resized_200_times_while_eight_guests_print(place):
    s = consoles(place, (120, 40), *EIGHT)
    wait_names(s, *("g%d" % i for i in range(1, 9)))
    prefix(s, "b")
    s.wait(r"typing goes to 8")
    s.type("endless")
    s.keys("Enter")
    s.wait(r"endless \d+")
    dice = random.Random(3)
    for i in range(200):
        s.resize(dice.choice((2, 40, 80, dice.randrange(2, 200))),
                 dice.choice((2, 12, 24, dice.randrange(2, 50))))
        if i % 20 == 0:
            prefix(s, dice.choice(("Space", "o", "z", "Right", "}")))
    s.resize(120, 40)
    # The bottom line may still have the name of the last layout.
    s.wait(r"g\d ● ⇶")
    s.keys("C-c")
    prefix(s, "e")
    s.type("grid")
    s.keys("Enter")
    for i in range(1, 9):
        place.wait_typed("g%d" % i, b"endless\r")
        s.wait(r"(^|│)g%d\$( |$)" % i)
    s.type("print alive")
    s.keys("Enter")
    until(lambda: len(re.findall(r"(?:^|│)alive", s.text(), re.M)) == 8,
          lambda: "eight that answer:\n" + s.text())


def test_panes_give_the_mouse_to_a_guest_that_asked(place):
    for size in SIZES:
        s = consoles(place, size, *TWO, tile=False)
        s.keys("a", "Enter")
        s.wait(r"one\$")
        s.type("raw 1b5b3f31303030681b5b3f3130303668")
        s.keys("Enter")
        s.wait(r"3668\none\$")
        press(s, 4, 7)
        place.wait_typed("one", b"\033[<0;5;7M\033[<0;5;7m")
        place.again()


def test_the_mouse_selects_in_the_list(place):
    for size in SIZES:
        s = opened(place, size)
        y = next(i for i, line in enumerate(s.settled().split("\n"))
                 if "web1" in line[:20])
        press(s, 5, y)
        s.wait(r"^▸● web1")
        press(s, 5, y, 65)
        s.wait(r"^▸● web2")
        press(s, 5, y, 64)
        s.wait(r"^▸● web1")
        s.close()
        place.again()
