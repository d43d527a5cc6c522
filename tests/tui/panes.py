"""panes.py: the view of many consoles, on a fake backend."""
import os
import random
import re
import time

from screens import GUESTS, opened
from tmux import Failed, until

SIZES = ((80, 24), (200, 50))
TWO = ["--guest", "one:running", "--guest", "two:running"]
EIGHT = [a for i in range(1, 9) for a in ("--guest", "g%d:running" % i)]


def consoles(place, size, *args, tile=True, **kw):
    """The view with a pane for each guest that runs."""
    s = opened(place, size, *args, **kw)
    s.keys("2")
    s.wait(r"No pane is open")
    if tile:
        s.keys("t")
        s.wait(r"ctrl-\] commands")
    return s


def prefix(s, *keys):
    """Each key as a command of its own."""
    for key in keys:
        s.keys("C-]", "\\;" if key == ";" else key)


def titles(s):
    """(row, column, name) of each title, as they stand."""
    found = []
    for y, line in enumerate(s.lines()[:-1]):
        for m in re.finditer(r"(?:^|[┬┼├┴┤]) (?:\d )?(\w+) [●◐○✗]", line):
            x = m.start() if m.start() == 0 else m.start() + 1
            found.append((y, x, m.group(1)))
    return found


def names(s):
    return [t[2] for t in titles(s)]


def row(s, i):
    found = titles(s)
    return found[i][0] if i < len(found) else None


def wait_names(s, *want):
    until(lambda: names(s) == list(want),
          lambda: "%s as titles on:\n%s" % (list(want), s.text()))


def focus(s):
    """The name in reverse: focus is seen without colour."""
    m = re.search(r"\033\[[0-9;]*7m(?:\033\[[0-9;]*m)* (?:\d )?(\w+)", s.text("-e"))
    return m.group(1) if m else None


def wait_focus(s, name):
    until(lambda: focus(s) == name,
          lambda: "focus on %s, it is on %s:\n%s" % (
              name, focus(s), s.text("-e")))


def press(s, x, y, button=0, up=True):
    """A click at a column and row from 0."""
    s.type("\033[<%d;%d;%dM" % (button, x + 1, y + 1))
    if up and button < 64:
        s.type("\033[<%d;%d;%dm" % (button, x + 1, y + 1))


def drag(s, x, y, to_x, to_y):
    press(s, x, y, up=False)
    s.type("\033[<32;%d;%dM" % (to_x + 1, to_y + 1))
    s.type("\033[<0;%d;%dm" % (to_x + 1, to_y + 1))


def test_panes_of_all_that_run_with_joined_lines(place):
    s = consoles(place, (200, 50))
    wait_names(s, "build", "db", "dns", "web1", "web2")
    s.expect(r"^ build ● ─+┬ db ● ─+$")
    s.expect(r"^ dns ◐ paused ─+┬ web1 ● ─+┴─+┬ web2 ● ─+$")
    s.wait(r"^this is build +│this is db$")
    s.wait(r"^ ctrl-\] commands  all else goes to build$")
    # A second time there is nothing to add.
    prefix(s, "t")
    s.type("print here")
    place.wait_typed("build", b"print here")
    wait_names(s, "build", "db", "dns", "web1", "web2")


def test_panes_split_both_ways_for_a_guest_from_a_list(place):
    for size in SIZES:
        s = consoles(place, size, tile=False)
        s.keys("a")
        s.wait(r"a pane for .*\n.*/\n")
        s.type("web")
        s.wait_not(r" db ")
        s.keys("Down", "Enter")
        s.wait(r"^ web2 ● ─+$")
        prefix(s, "|")
        s.type("buil")
        s.keys("Enter")
        s.wait(r"^ web2 ● ─+┬ build ● ─+$")
        prefix(s, "-")
        s.type("db")
        s.keys("Enter")
        s.wait(r"├ db ● ─+$")
        s.type("hello")
        place.wait_typed("db", b"hello")
        if b"hello" in place.typed("build") + place.typed("web2"):
            raise Failed("typed to one, another heard it")
        # Esc and the prefix leave the list, and nothing is opened.
        for key in ("Escape", "C-]"):
            prefix(s, "-")
            s.wait(r"a pane for")
            s.keys(key)
            s.wait_not(r"a pane for")
        wait_names(s, "web2", "build", "db")
        s.close()
        place.again()


def test_panes_too_small_are_refused_with_a_sentence(place):
    s = consoles(place, (40, 12), *TWO, tile=False)
    s.keys("a", "Enter")
    wait_names(s, "one")
    prefix(s, "|")
    s.wait(r"a pane for")
    s.keys("Enter")
    wait_names(s, "one", "one")
    prefix(s, "|")
    s.wait(r"too small to be\s+split: each half needs 10 columns")
    prefix(s, "-")
    s.wait(r"a pane for")
    s.keys("Enter")
    wait_names(s, "one", "one", "one")
    prefix(s, "-")
    s.wait(r"a pane for")
    s.keys("Enter")
    wait_names(s, "one", "one", "one", "one")
    prefix(s, "-")
    s.wait(r"too small to be\s+split: each half needs 3 lines")


def test_panes_focus_by_direction_number_order_and_mouse(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        wait_focus(s, "g1")
        for key, name in (("Right", "g2"), ("Down", "g4"), ("Left", "g3"),
                          ("Up", "g1"), ("l", "g2"), ("j", "g4"), ("h", "g3"),
                          ("k", "g1"), ("3", "g3"), ("Tab", "g4"),
                          ("n", "g1"), ("BTab", "g4"), (";", "g1")):
            prefix(s, key)
            wait_focus(s, name)
        prefix(s, "Up")
        s.wait(r"There is no pane on that side")
        prefix(s, "7")
        s.wait(r"There is no pane 7")
        y, x, _ = titles(s)[3]
        press(s, x + 3, y + 2)
        wait_focus(s, "g4")
        s.type("x")
        place.wait_typed("g4", b"x")
        # The cursor is where typing goes.
        until(lambda: (int(s.info("cursor_y")), int(s.info("cursor_x"))) ==
              (y + 2, x + len("g4$ x")), "the cursor in g4")
        s.close()
        place.again()


def test_panes_resize_by_key_and_by_dragging(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        prefix(s, "=")
        x = titles(s)[1][1]
        prefix(s, "C-Right")
        until(lambda: titles(s)[1][1] == x + 4, "the border to move")
        # Again without the prefix, for a moment.
        s.keys("C-Right")
        until(lambda: titles(s)[1][1] == x + 8, "the border to move again")
        time.sleep(0.8)
        s.keys("C-Right")
        place.wait_typed("g1", b"\033[1;5C")
        prefix(s, "C-Left", ">", "<", "<")
        until(lambda: titles(s)[1][1] == x, "the border to come back")
        y = titles(s)[2][0]
        prefix(s, "C-Down")
        until(lambda: titles(s)[2][0] == y + 2, "the lower border to move")
        drag(s, x - 1, 3, x + 9, 3)
        until(lambda: titles(s)[1][1] == x + 10, "the dragged border")
        drag(s, 8, y + 2, 8, y - 3)
        until(lambda: titles(s)[2][0] == y - 3, "the dragged title")
        # Far beyond what is possible it stops at the least.
        drag(s, 8, y - 3, 8, 0)
        until(lambda: row(s, 2) == 3, "the least height")
        prefix(s, "=")
        until(lambda: titles(s)[1][1] == x and titles(s)[2][0] == y,
              "even panes")
        # The pane goes while its border is held.
        press(s, x - 1, 2, up=False)
        prefix(s, "x", "x", "x")
        s.type("\033[<32;20;3M\033[<0;20;3m")
        s.wait(r"^ g\d ● ─+$")
        s.close()
        place.again()


def test_panes_move_swap_rotate(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        prefix(s, "}")
        wait_names(s, "g2", "g1", "g3", "g4")
        wait_focus(s, "g1")
        prefix(s, "{")
        wait_names(s, "g1", "g2", "g3", "g4")
        prefix(s, "o")
        wait_names(s, "g4", "g1", "g2", "g3")
        wait_focus(s, "g1")
        prefix(s, "L")
        wait_names(s, "g4", "g1", "g2", "g3")
        s.expect(r"^ g4 ● ─+┬ g1 ● ─+$")
        prefix(s, "J")
        wait_names(s, "g4", "g2", "g3", "g1")
        if titles(s)[3][1] != 0:
            raise Failed("g1 is not at the lower edge:\n" + s.text())
        prefix(s, "K")
        wait_names(s, "g1", "g4", "g2", "g3")
        prefix(s, "S-Left")
        s.wait(r"^ g1 ● ─+┬ g4 ● ─+$")
        s.close()
        place.again()


def test_panes_close_and_zoom_while_the_hidden_go_on(place):
    s = consoles(place, (80, 24), *EIGHT[:8])
    wait_names(s, "g1", "g2", "g3", "g4")
    prefix(s, "B", "Right", "z")
    s.wait(r"^ g2 ● ─+ zoomed, 3 more ─$")
    s.wait(r"⇶ typing goes to 2: g2 g1")
    s.type("print while hidden")
    s.keys("Enter")
    s.wait(r"^while hidden")
    s.wait(r"zoomed, 3 more, news: !")
    prefix(s, "z")
    s.wait(r"^while hidden +│while hidden")
    s.expect(r"^ g1 ● ⇶ ! ─")
    # Two clicks on a title do it too.
    press(s, 60, 0)
    press(s, 60, 0)
    s.wait(r"zoomed, 3 more")
    press(s, 60, 0)
    press(s, 60, 0)
    s.wait_not(r"zoomed")
    prefix(s, "x")
    wait_names(s, "g1", "g3", "g4")
    prefix(s, "x", "x", "x")
    s.wait(r"No pane is open")
    if place.typed("g3"):
        raise Failed("g3 heard %r" % place.typed("g3"))


def test_panes_in_ready_made_layouts(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        cols, rows = size
        shapes = {
            "columns": r"^ g1 ● ─+┬ g2 ● ─+┬ g3 ● ─+┬ g4 ● ─+$",
            "rows": r"^ g1 ● ─+$(\n.*)+^ g2 ● ─+$(\n.*)+^ g4 ● ─+$",
            "grid": r"^ g1 ● ─+┬ g2 ● ─+$(\n.*)+^ g3 ● ─+┼ g4 ● ─+$",
            "main and side": r"^ g1 ● ─+┬ g2 ● ─+$(\n.*)+ +├ g4 ● ─+$",
            "one": r"^ g1 ● ─+ zoomed, 3 more ─$",
        }
        for name, look in shapes.items():
            prefix(s, "Space")
            s.wait(r"^ %s *$" % name)
            s.wait(look)
        prefix(s, "e")
        s.wait(r"layout \(del deletes\)")
        s.type("row")
        s.keys("Enter")
        s.wait(shapes["rows"])
        s.close()
        place.again()


def test_panes_layouts_are_saved_loaded_and_deleted(place):
    s = consoles(place, (80, 24), *EIGHT[:8])
    wait_names(s, "g1", "g2", "g3", "g4")
    prefix(s, "w")
    s.wait(r"save this layout as:")
    s.type("four")
    s.keys("Enter")
    s.wait(r"The layout is saved as four")
    prefix(s, "x", "x", "o")
    wait_names(s, "g4", "g3")
    prefix(s, "w")
    s.type("rows")
    s.keys("Enter")
    s.wait(r"rows is ready-made; take another name")
    prefix(s, "e")
    s.wait(r"four +saved")
    s.type("fo")
    s.keys("Enter")
    wait_names(s, "g1", "g2", "g3", "g4")
    s.wait(r"this is g1")
    prefix(s, "e")
    s.type("four")
    s.keys("DC")
    s.wait(r"delete the layout four\?")
    s.keys("y")
    s.wait(r"The layout four is deleted")
    prefix(s, "e")
    s.wait(r"ready-made")
    s.wait_not(r"four")


def test_panes_layout_survives_closing_and_reopening(place):
    s = consoles(place, (200, 50), *EIGHT[:8])
    wait_names(s, "g1", "g2", "g3", "g4")
    prefix(s, "3", "c", "L", "z")
    s.wait(r"^ g3 ● hvc0 ─+ zoomed")
    prefix(s, "q")
    s.wait(r"^ended 0$")
    s.close()
    t = place.screen((80, 24))
    t.wait(r"vmtui  odin")
    t.keys("2")
    t.wait(r"^ g3 ● hvc0 ─+ zoomed, 3 more")
    t.wait(r"^hvc0 of g3")
    prefix(t, "z")
    # It was moved to the right edge, and stands there from top to bottom.
    wait_names(t, "g1", "g2", "g3", "g4")
    if titles(t)[2][:2] != (0, 40) or titles(t)[3][:2] != (11, 0):
        raise Failed("places are %s" % titles(t))
    wait_focus(t, "g3")
    t.close()
    # The screen is killed: what was a moment before is there all the same.
    u = place.screen((80, 24))
    u.wait(r"vmtui  odin")
    u.keys("2")
    wait_names(u, "g1", "g2", "g3", "g4")
    prefix(u, "x")
    wait_names(u, "g1", "g2", "g4")
    time.sleep(1)
    os.kill(u.pid(), 9)
    v = place.screen((80, 24))
    v.wait(r"vmtui  odin")
    v.keys("2")
    wait_names(v, "g1", "g2", "g4")


def test_panes_of_a_damaged_file_are_none_and_it_is_kept(place):
    state = place.env["VMTUI_STATEDIR"]
    os.makedirs(state, exist_ok=True)
    path = os.path.join(state, "consoles.json")
    for text, what in (
            ("{ not json", r"consoles.json is damaged"),
            ('{"current": {"tree": {"split": "rows", "panes": []}}}',
             r"makes no sense"),
            ('{"current": {"tree": %s{"guest": "a"}%s}}' % (
                '{"split": "rows", "panes": [' * 40, "]}" * 40),
             r"makes no sense")):
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        s = opened(place, (80, 24), *TWO)
        s.wait(what)
        s.keys("2")
        s.wait(r"No pane is open")
        with open(path, encoding="ascii") as f:
            if f.read() != text:
                raise Failed("the file was written over")
        s.close()
        place.fake.kill()
        place.fake.wait()


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
        s.wait_not(r"stopped")
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
    s = consoles(place, (100, 30), *TWO, tile=False)
    s.keys("a", "Enter")
    prefix(s, "|")
    s.keys("Enter")
    wait_names(s, "one", "one")
    prefix(s, "C-Right", "C-Right", "C-Right", "C-Right", "Left")
    s.type("print " + "x" * 60)
    s.keys("Enter")
    # The wide one holds it in a row, whatever the narrow one does.
    s.wait(r"^x{60} *│")
    # Both marked: what is typed reaches the console once.
    before = place.typed("one")
    prefix(s, "b")
    s.type("q")
    until(lambda: place.typed("one") != before, "the key")
    time.sleep(0.3)
    if place.typed("one")[len(before):] != b"q":
        raise Failed("typed twice: %r" % place.typed("one"))


def test_panes_typed_to_at_once_are_marked(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        prefix(s, "b")
        s.wait(r"⇶ typing goes to 4: g1 g2 g3 g4")
        if s.text().count("● ⇶") != 4:
            raise Failed("not marked:\n" + s.text())
        if "\033[1m\033[35m⇶" not in s.text("-e"):
            raise Failed("no colour:\n" + s.text("-e"))
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
        if not re.search(r"\033\[1m\033\[33m!", s.text("-e")):
            raise Failed("no colour:\n" + s.text("-e"))
        s.expect(r"two ● ─")
        prefix(s, "!")
        wait_focus(s, "one")
        s.wait(r"one ● ─")
        s.keys("C-c")
        s.wait(r"one\$ *(│|$)")
        # It rings after the focus went on.
        s.type("later 0.7 07")
        s.keys("Enter")
        prefix(s, "2")
        s.wait(r"one ● ♪ (! )?─")
        prefix(s, "1")
        s.wait(r"one ● ─")
        s.close()
        place.again()


def test_panes_focus_is_in_colour_and_seen_without(place):
    s = consoles(place, (80, 24), *TWO)
    wait_names(s, "one", "two")
    raw = s.text("-e")
    if "\033[1;7m\033[36m one " not in raw or "\033[2m──" not in raw:
        raise Failed("no colour of focus:\n" + raw)
    s.close()
    place.again()
    s = consoles(place, (80, 24), *TWO, env={"NO_COLOR": "1"})
    wait_focus(s, "one")
    prefix(s, "2")
    wait_focus(s, "two")
    s.close()
    place.again()
    s = consoles(place, (80, 24), *TWO, env={"VMTUI_ASCII": "1"}, tile=False)
    s.keys("t")
    s.wait(r"^ one \* -+")
    prefix(s, "b")
    s.wait(r"^ one \* => -")
    bad = [c for c in s.text() if ord(c) > 126]
    if bad:
        raise Failed("not ASCII: %r" % bad)


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
    place.write("vmtui.conf", "[keys]\nprefix = ctrl-a\n")
    s = consoles(place, (80, 24), *TWO, tile=False)
    s.keys("t")
    s.wait(r"ctrl-a commands")
    s.keys("C-]", "C-a", "C-a")
    place.wait_typed("one", b"\x1d\x01")
    s.keys("C-a", "g")
    s.wait(r"^▸● one")
    s.keys("Enter")
    s.wait(r"ctrl-a list")
    s.keys("C-a")
    s.wait(r"^▸● one")
    s.close()
    place.again()
    place.write("vmtui.conf", "[keys]\nprefix = x\n")
    s = opened(place, (120, 40), *TWO)
    s.wait(r'conf:2: "x" cannot be the prefix; use one like ctrl-a')


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
    def last(name, size):
        until(lambda: told(place, name)[-1:] == [size],
              lambda: "%s as the last of %s" % (size, told(place, name)))

    s = consoles(place, (81, 24), *TWO)
    prefix(s, "e")
    s.type("columns")
    s.keys("Enter")
    last("one", "22 40")
    if told(place, "two"):
        raise Failed("two was told %s" % told(place, "two"))
    prefix(s, "2")
    last("two", "22 40")
    prefix(s, "z")
    last("two", "22 81")
    s.resize(100, 30)
    last("two", "28 100")
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
    for i in range(20):
        s.resize(80 + i, 24)
    last("two", "22 99")
    if len(told(place, "two")) - before > 15:
        raise Failed("told %d times" % (len(told(place, "two")) - before))


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
    def cursor(s):
        return int(s.info("cursor_y")), int(s.info("cursor_x"))

    def seen():
        y, x = cursor(small)
        return y == 22 and small.lines()[y][:x].rstrip().endswith("one$") \
            and cursor(large)[0] == 48

    until(seen, lambda: "cursors at %s and %s of\n%s\n%s" % (
        cursor(large), cursor(small), large.text(), small.text()))
    if re.search(r"^top", small.text(), re.M):
        raise Failed("more than fits:\n" + small.text())
    # It follows the cursor back to the other corner, and the mouse is right.
    small.type("raw 1b5b481b5b4a\r")
    small.wait(r"^one\$")
    small.type("print in the corner\r")
    small.wait(r"^in the corner")
    # A third screen looks on without the keyboard there: nothing changes.
    before = len(told(place, "one"))
    third = place.screen((40, 12))
    third.wait(r"● one")
    third.keys("j", "o")
    third.wait(r"^ two ● ─")
    prefix(third, "-")
    third.wait(r"a pane for")
    third.type("one")
    third.keys("Enter")
    third.wait(r"one ● ─")
    prefix(third, "Up")
    third.wait(r"^ctrl|ctrl-\] commands")
    until(lambda: told(place, "two") != [], "the size of two")
    small.expect(r"^ one ● hvc0 200x48 ─")
    # The large one goes: now the small one is as large as can be.
    large.keys("C-]", "q")
    large.wait(r"^ended 0$")
    small.wait(r"^ one ● hvc0 ─")
    small.type("print alone\r")
    small.wait(r"^alone")
    # And back: on which screen the keyboard comes does not matter.
    again = place.screen((200, 50))
    again.wait(r"● one")
    again.keys("2")
    again.wait(r"one ● hvc0 ")
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
    s = consoles(place, (120, 30), *TWO)
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
    y, x, _ = titles(s)[0]
    for _ in range(40):
        press(s, x + 5, y + 2, 64)
    s.wait(r"flood line 0 of 100")
    prefix(s, "1")
    s.keys("Escape")
    s.wait_not(r"lines back")
    prefix(s, "R")
    s.wait(r"record.*:")
    s.keys("C-u")
    s.type(place.path("cast"))
    s.keys("Enter")
    s.wait(r"one ● ◉ ")
    prefix(s, "R")
    s.wait(r"one ● ─")


def test_panes_survive_a_terminal_of_2x2(place):
    s = consoles(place, (200, 50), *EIGHT)
    wait_names(s, *("g%d" % i for i in range(1, 9)))
    before = titles(s)
    for size in ((2, 2), (40, 12), (3, 40), (200, 3), (200, 50)):
        s.resize(*size)
        time.sleep(0.1)
    until(lambda: titles(s) == before, lambda: "as before:\n" + s.text())
    s.resize(40, 12)
    s.wait(r"ctrl-\] commands")
    s.type("x")
    place.wait_typed("g1", b"x")


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
    s.wait(r"⇶ typing goes to 8")
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
    s = consoles(place, (80, 24), *TWO, tile=False)
    s.keys("a", "Enter")
    s.wait(r"one\$")
    s.type("raw 1b5b3f31303030681b5b3f3130303668")
    s.keys("Enter")
    s.wait(r"3668\none\$")
    press(s, 4, 7)
    place.wait_typed("one", b"\033[<0;5;7M\033[<0;5;7m")


def test_the_mouse_selects_in_the_list(place):
    for size in SIZES:
        s = opened(place, size)
        y = next(i for i, line in enumerate(s.lines()) if "web1" in line[:20])
        press(s, 5, y)
        s.wait(r"^▸● web1")
        press(s, 5, y, 65)
        s.wait(r"^▸● web2")
        press(s, 5, y, 64)
        s.wait(r"^▸● web1")
        s.close()
        place.again()
