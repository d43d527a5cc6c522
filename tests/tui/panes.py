"""panes.py: the view of many consoles, on a fake backend."""
import os
import re
import time

from screens import opened
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
        # What is typed before a console is connected goes nowhere.
        until(lambda: 0 < len(titles(s)) <= len(
            re.findall(r"(?:^|│)\w+\$", s.text(), re.MULTILINE)),
            lambda: "a prompt in each pane:\n" + s.text())
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


def at(s, i):
    """Row and column of a title, for loops that wait."""
    found = titles(s)
    return found[i][:2] if i < len(found) else (None, None)


def settled_at(s, i):
    """The same, of titles that stand still."""
    seen = [None]

    def same():
        before, seen[0] = seen[0], titles(s)
        if before != seen[0]:
            time.sleep(0.2)
        return before == seen[0] and i < len(before)

    until(same, lambda: "title %d on:\n%s" % (i, s.text()))
    return seen[0][i][:2]


def wait_at(s, i, y=None, x=None):
    """Until a title has come to a row, to a column, or to both."""
    def there():
        row, col = at(s, i)
        return (y is None or row == y) and (x is None or col == x)

    until(there, lambda: "title %d at %s, %s on:\n%s" % (
        i, y, x, s.text()))


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


def press(s, x, y, button=0, up=True, times=1):
    """Clicks at a column and row from 0, so fast that they are one."""
    text = "\033[<%d;%d;%dM" % (button, x + 1, y + 1)
    if up and button < 64:
        text += "\033[<%d;%d;%dm" % (button, x + 1, y + 1)
    s.type(times * text)


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
        s.wait(r"all else goes to db")
        s.wait(r"db\$")
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
    for size in SIZES + ((40, 12),):
        cols, rows = size
        s = consoles(place, size, *TWO, tile=False)
        s.keys("a", "Enter")
        wait_names(s, "one")
        # Each split leaves the right or lower half, till it is too small.
        n, width, height = 1, cols, rows - 1
        for key, least in (("|", 10), ("-", 3)):
            side = width if key == "|" else height
            while (side - 1 if key == "|" else side) >= 2 * least:
                prefix(s, key)
                s.wait(r"a pane for")
                s.keys("Enter")
                n += 1
                wait_names(s, *n * ["one"])
                side = side // 2 if key == "|" else side - side // 2
            prefix(s, key)
            s.wait(r"too small to be\s+split: each half needs %d" % least)
        s.close()
        place.again()


def test_panes_refuse_what_makes_no_sense(place):
    for size in SIZES:
        s = consoles(place, size, *TWO, tile=False)
        for key in ("x", "z", "Right", "Space", "w"):
            prefix(s, key)
            s.wait(r"No pane is open\.$")
            s.keys("z")
            s.wait(r"z does nothing here")
        s.keys("a", "Enter")
        wait_names(s, "one")
        for key in ("z", "b", "B", "o", "=", "}", "C-Left", "S-Up", "Tab"):
            prefix(s, key)
            s.wait(r"There is only one pane")
            prefix(s, "1")
            s.wait_not(r"There is only one pane")
        prefix(s, "s")
        s.wait(r"one is running: nothing to start")
        prefix(s, ";")
        s.wait(r"There is no")
        prefix(s, "!")
        s.wait(r"Nothing|No ")
        prefix(s, "S")
        s.wait(r"^ one ○ stopped ─")
        prefix(s, "S")
        s.wait(r"one is stopped")
        prefix(s, "y")
        s.wait(r"There is no console to type the size into")
        if place.typed("one"):
            raise Failed("one heard %r" % place.typed("one"))
        s.close()
        place.again()


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
        y, x = settled_at(s, 3)
        press(s, x + 3, y + 2)
        wait_focus(s, "g4")
        s.type("x")
        place.wait_typed("g4", b"x")
        # The cursor is where typing goes.
        until(lambda: s.cursor() == (y + 2, x + len("g4$ x")),
              lambda: "the cursor in g4, it is at %s" % (s.cursor(),))
        s.close()
        place.again()


def test_panes_resize_by_key_and_by_dragging(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        prefix(s, "=")
        x = settled_at(s, 1)[1]
        prefix(s, "C-Right")
        wait_at(s, 1, x=x + 4)
        # Again without the prefix, for a moment: till numbers go.
        s.keys("C-Right")
        wait_at(s, 1, x=x + 8)
        s.wait(r"^ g1 ●")
        s.keys("C-Right")
        place.wait_typed("g1", b"\033[1;5C")
        prefix(s, "C-Left", ">", "<", "<")
        wait_at(s, 1, x=x)
        y = settled_at(s, 2)[0]
        prefix(s, "C-Down")
        wait_at(s, 2, y=y + 2)
        drag(s, x - 1, 3, x + 9, 3)
        wait_at(s, 1, x=x + 10)
        drag(s, 8, y + 2, 8, y - 3)
        wait_at(s, 2, y=y - 3)
        # Far beyond what is possible it stops at the least.
        drag(s, 8, y - 3, 8, 0)
        wait_at(s, 2, y=3)
        prefix(s, "=")
        wait_at(s, 1, x=x)
        wait_at(s, 2, y=y)
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
        wait_at(s, 3, x=0)
        prefix(s, "K")
        wait_names(s, "g1", "g4", "g2", "g3")
        prefix(s, "S-Left")
        s.wait(r"^ g1 ● ─+┬ g4 ● ─+$")
        s.close()
        place.again()


def test_panes_close_and_zoom_while_the_hidden_go_on(place):
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
        wait_names(s, "g1", "g2", "g3", "g4")
        prefix(s, "B", "Right", "z")
        s.wait(r"^ g2 ● ─+ zoomed, 3 more ─$")
        s.wait_look(r" g2 ", 1, 7, 36)
        s.wait(r"⇶ typing goes to 2: g2 g1")
        s.type("print while hidden")
        s.keys("Enter")
        s.wait(r"^while hidden")
        s.wait(r"zoomed, 3 more, news: !")
        prefix(s, "z")
        s.wait(r"^while hidden +│while hidden")
        s.wait(r"^ g1 ● ⇶ ! ─")
        # Two clicks on a title do it too.
        x = settled_at(s, 1)[1] + 20
        press(s, x, 0, times=2)
        s.wait(r"zoomed, 3 more")
        # Two that do not belong to these.
        time.sleep(0.5)
        press(s, x, 0, times=2)
        s.wait_not(r"zoomed")
        prefix(s, "x")
        wait_names(s, "g1", "g3", "g4")
        prefix(s, "x", "x", "x")
        s.wait(r"No pane is open")
        if place.typed("g3"):
            raise Failed("g3 heard %r" % place.typed("g3"))
        s.close()
        place.again()


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
    for size in SIZES:
        s = consoles(place, size, *EIGHT[:8])
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
        s.close()
        place.again()


def saved_layouts(place):
    path = os.path.join(place.env["VMTUI_STATEDIR"], "consoles.json")
    try:
        with open(path, encoding="ascii") as f:
            return f.read()
    except FileNotFoundError:
        return "g3"


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
    wait_at(t, 2, y=0, x=40)
    wait_at(t, 3, y=11, x=0)
    wait_focus(t, "g3")
    t.close()
    # The screen is killed: what was a moment before is there all the same.
    u = place.screen((80, 24))
    u.wait(r"vmtui  odin")
    u.keys("2")
    wait_names(u, "g1", "g2", "g3", "g4")
    prefix(u, "x")
    wait_names(u, "g1", "g2", "g4")
    until(lambda: "g3" not in saved_layouts(place), "the layout in its file")
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
