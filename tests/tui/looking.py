"""looking.py: looking back in a console: search, selection, files."""
import json
import os
import re
import stat
import time

from screens import opened
from tmux import Failed, until

SIZES = ((80, 24), (200, 50))
MATCH = r"\033\[(0;)?30m\033\[43m"
HERE = r"\033\[(0;)?1m\033\[30m\033\[45m"
CHOSEN = r"\033\[(\d;)*7m(\033\[39m|\033\[49m)*"


def flooded(place, size, *more, guest="build"):
    """A console with 300 lines and what more says, the keyboard in it."""
    s = opened(place, size)
    s.tmux("set", "-s", "set-clipboard", "on")
    s.keys("Enter")
    s.wait(r"build\$")
    say(s, "flood 300")
    s.wait(r"flood line 299 of 300\s*(\n|$)")
    for line in more:
        s.wait(r"build\$ *$")
        say(s, line)
        s.wait(re.escape("build$ " + line[:50]))
    s.wait(r"build\$ *$")
    return s


def say(s, line):
    s.type(line)
    s.keys("Enter")


def each_size(place, test, *more):
    for size in SIZES:
        s = flooded(place, size, *more)
        test(s)
        place.again()


def looking(s):
    """Begins to look back, by ctrl-] and [."""
    s.keys("C-]", "[")
    s.wait(r"looking back|lines? back")


def buffer(s):
    return s.tmux("show-buffer", check=False).rstrip("\n")


def wait_buffer(s, want):
    until(lambda: buffer(s) == want,
          lambda: "%r in the clipboard, it has %r" % (want, buffer(s)))


def mouse(s, button, col, row, press=True):
    """SGR 1006, which the screen asked for; col and row count from 1."""
    s.type("\033[<%d;%d;%d%s" % (button, col, row, "M" if press else "m"))


def clicks(s, n, col, row):
    """So fast that they belong together, however slow the machine is."""
    s.type(n * ("\033[<0;%d;%dM\033[<0;%d;%dm" % (col, row, col, row)))


def place_of(s, text):
    """Column and row, from 1, of the text with which a line begins."""
    found = []

    def there():
        for row, line in enumerate(s.lines()):
            match = re.search("(?:^|│)" + re.escape(text), line)
            if match:
                found[:] = [match.end() - len(text) + 1, row + 1]
                return True
        return False

    until(there, lambda: "%r on:\n%s" % (text, s.text()))
    return found


def test_look_search_has_highlights_and_a_count(place):
    def test(s):
        looking(s)
        s.keys("?")
        s.type("line 17")
        # As one types: 11 of them, the last one is nearest.
        s.wait(r"search 11/11: line 17")
        s.keys("Enter")
        s.wait(r"lines back")
        s.wait_raw(HERE + "line 17")
        s.wait_raw(MATCH + "line 17")
        s.keys("n")
        s.wait(r"search 10/11: line 17")
        s.keys("N", "N")
        s.wait(r"search 1/11: line 17")
        s.expect(r"flood line 17 of")
        s.keys("n")
        s.wait(r"search 11/11")
        # Forward, from here on.
        s.keys("/")
        s.type("LINE 200 OF")
        s.wait(r"nowhere: LINE 200 OF")
        s.keys("C-u")
        s.type("line 20 of")
        s.wait(r"search 1/1: line 20 of")
        s.keys("Escape")
        s.wait(r"lines back")
        s.wait_not(r"search \d")
        s.keys("Escape")
        s.wait_not(r"lines back")
        s.type("x")
        s.wait(r"build\$ x")
    each_size(place, test)


def test_look_esc_in_a_search_goes_back_to_where_one_was(place):
    for size in SIZES:
        s = flooded(place, size)
        s.keys("S-PPage")
        s.wait(r"\d+ lines back")
        before = flood_of(s.settled())
        s.keys("/")
        s.type("line 5 of")
        s.wait(r"(^|│)flood line 5 of")
        s.keys("Escape")
        until(lambda: flood_of(s.text()) == before,
              lambda: "%s not\n%s" % (before, s.text()))
        s.wait(r"\d+ lines back")
        place.again()


def test_look_new_output_moves_nothing_one_looks_at(place):
    def test(s):
        s.keys("C-]", "PPage")
        s.wait(r"\d+ lines back")
        text = s.settled()
        before = flood_of(text)
        back = int(re.search(r"(\d+) lines back", text).group(1))
        fake_say(s.place, "build", 40)
        s.wait(r"%d lines back" % (back + 40))
        until(lambda: flood_of(s.text()) == before,
              lambda: "what was there before on:\n" + s.text())
        s.keys("q")
        s.wait_not(r"lines back")
        s.expect(r"said 39")
    each_size(place, test)


def flood_of(text):
    return re.findall(r"flood line \d+ of 300", text)


def fake_say(place, guest, lines):
    """Has the guest print lines by itself."""
    place.say(guest, b"".join(b"said %d\r\n" % i for i in range(lines)))


def test_look_keys_move_as_in_vi(place):
    for size in SIZES:
        s = flooded(place, size, "print one two-three four_4")
        left = place_of(s, "one two-three four_4")[0] - 1
        looking(s)
        s.keys("k")

        def cursor(row_text, col):
            where = []

            def there():
                y, x = s.cursor()
                where[:] = [y]
                return s.lines()[y][left:].startswith(row_text) and \
                    x == left + col
            until(there, lambda: "%r at %d, not at %s of\n%s" % (
                row_text, col, s.cursor(), s.text()))
            return where[0]

        s.keys("0")
        cursor("one two", 0)
        for key, col in (("w", 4), ("w", 7), ("w", 8), ("e", 12), ("e", 19),
                         ("b", 14), ("0", 0), ("$", 19), ("h", 18), ("l", 19),
                         ("b", 14), ("Left", 13), ("Right", 14)):
            s.keys(key)
            cursor("one two", col)
        s.keys("g")
        top = cursor("this is build", 0)
        s.keys("G")
        cursor("build$", 0)
        s.keys("H", "0")
        until(lambda: s.cursor()[0] == top,
              lambda: "H is not at the top, row %d, in\n%s" % (top, s.text()))
        s.keys("G")
        cursor("build$", 0)
        s.keys("C-u", "C-u", "C-d", "C-d")
        s.wait(r"looking back")
        s.keys("NPage")
        s.keys("L", "k", "k", "j")
        cursor("one two", 0)
        s.keys("M")
        s.keys("Z")
        s.wait(r"Z does nothing while one looks back")
        place.again()


def test_look_selects_characters_words_and_lines_by_keys(place):
    def test(s):
        looking(s)
        s.keys("k", "0", "w", "v", "e")
        s.wait(r"y copy")
        s.wait_raw(CHOSEN + "quick")
        s.keys("y")
        s.wait(r"copied 5 characters in 1 line")
        wait_buffer(s, "quick")
        s.keys("V", "k")
        s.wait_raw(CHOSEN)
        s.keys("y")
        s.wait(r"in 2 lines")
        wait_buffer(s, "build$ print the quick brown fox\n"
                    "the quick brown fox")
        # o goes to the other end; Enter copies and leaves.
        s.keys("k", "v", "j", "o", "$", "Enter")
        s.wait_not(r"looking back")
        s.type("x")
        s.wait(r"build\$ x")
    each_size(place, test, "print the quick brown fox")


def test_look_esc_drops_the_selection_first(place):
    for size in SIZES:
        s = flooded(place, size)
        looking(s)
        s.keys("v", "k")
        s.wait_raw(CHOSEN + "ine 299")
        s.keys("Escape")
        s.wait_not(r"y copy")
        s.expect(r"looking back")
        s.keys("y")
        s.wait(r"Nothing is selected; v begins")
        s.keys("Escape")
        s.wait_not(r"looking back")
        place.again()


def test_look_copies_wrapped_lines_whole_and_wide_characters(place):
    def test(s):
        s.wait(r"日本語")
        looking(s)
        s.keys("?")
        s.type("abc")
        s.wait(r"search \d+/\d+: abc")
        s.keys("Enter", "V", "y")
        # In rows of 80 columns or of less than 200.
        wait_buffer(s, ("abc " * 60).rstrip())
        s.keys("/")
        s.type("本")
        s.wait(r"search 1/1: 本")
        s.keys("Enter", "v", "l", "y")
        wait_buffer(s, "本語")
        s.keys("0", "v", "y")
        wait_buffer(s, "日")
    each_size(place, test, "print " + "abc " * 60, "wide")


def test_look_mouse_drags_and_clicks_select_and_copy(place):
    def test(s):
        col, row = place_of(s, "see /usr/share/doc")
        mouse(s, 0, col, row)
        mouse(s, 32, col + 5, row)
        mouse(s, 32, col + 7, row)
        mouse(s, 0, col + 7, row, press=False)
        wait_buffer(s, "see /usr")
        # In the present: typing goes on at once.
        s.wait_not(r"looking back")
        # A double click is a word, a third one makes it the line.
        for n, want in ((2, "/usr/share/doc"), (3, "see /usr/share/doc now")):
            clicks(s, n, col + 6, row)
            wait_buffer(s, want)
            # Later clicks do not belong to these.
            time.sleep(0.5)
        s.type("typed")
        s.wait(r"build\$ typed")
    each_size(place, test, "print see /usr/share/doc now")


def test_look_wheel_goes_back_and_to_the_present(place):
    def test(s):
        col, row = place_of(s, "flood line 299")
        mouse(s, 64, col, row)
        s.wait(r" 3 lines back")
        mouse(s, 64, col, row)
        s.wait(r" 6 lines back")
        # A selection in the past stays there when it is copied.
        col, row = place_of(s, "flood line 29")
        mouse(s, 0, col, row)
        mouse(s, 32, col + 4, row)
        mouse(s, 0, col + 4, row, press=False)
        wait_buffer(s, "flood")
        s.expect(r" 6 lines back")
        s.keys("Escape")
        s.wait(r"v select")
        s.expect(r" 6 lines back")
        mouse(s, 65, col, row)
        s.wait(r" 3 lines back")
        mouse(s, 65, col, row)
        s.wait_not(r"lines back")
        s.type("x")
        s.wait(r"build\$ x")
    each_size(place, test)


def test_look_mouse_is_the_guests_if_it_asked(place):
    for size in SIZES:
        s = flooded(place, size)
        # CSI ? 1000 h, CSI ? 1006 h
        say(s, "raw 1b5b3f313030306c1b5b3f31303030681b5b3f3130303668")
        s.wait(r"build\$ *$")
        s.settled()
        col, row = place_of(s, "flood line")
        mouse(s, 0, col + 4, row + 3)
        mouse(s, 0, col + 4, row + 3, press=False)
        place.wait_typed("build", b"\033[<0;5;4M\033[<0;5;4m")
        # With shift it is the person's.
        mouse(s, 4 + 64, col, row)
        s.wait(r" 3 lines back")
        place.again()


def test_look_survives_other_sizes(place):
    s = flooded(place, (80, 24), "print " + "needle " * 20)
    s.keys("C-]", "[")
    s.keys("?")
    s.type("line 123 ")
    s.wait(r"search 1/1")
    s.keys("Enter", "v", "e", "e")
    for cols, rows in ((200, 50), (41, 13), (100, 30), (80, 24)):
        s.resize(cols, rows)
        s.wait(r"flood line 123 of")
        s.wait(r"search 1/1|earch")
    s.keys("y")
    wait_buffer(s, "line 123")


def test_look_saves_the_whole_history(place):
    def test(s):
        path = s.place.path("history %s.txt" % s.name)
        looking(s)
        s.keys("s")
        s.wait(r"save the history of build to: build-\d{8}-\d{6}\.txt")
        s.keys("C-u")
        say(s, path)
        s.wait(r"saved \S+ to ")
        with open(path, encoding="utf-8") as f:
            lines = f.read().split("\n")
        want = ["this is build", "build$ flood 300"] + \
            ["flood line %d of 300" % i for i in range(300)] + ["build$", ""]
        if lines != want:
            raise Failed("saved %r" % lines)
        if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
            raise Failed("mode %o" % os.stat(path).st_mode)
        # Once more: it asks, and n keeps the file.
        s.keys("s", "C-u")
        say(s, path)
        s.wait(r"exists: overwrite it\?\s+\[y/N\]")
        s.keys("n")
        s.wait_not(r"\[y/N\]")
        # Only the selection this time.
        s.keys("k", "V", "s")
        s.wait(r"save the selection of build to: ")
        s.keys("C-u")
        say(s, path)
        s.wait(r"exists: overwrite it\?")
        s.keys("y")
        s.wait(r"saved 22\S* to ")
        with open(path, encoding="utf-8") as f:
            if f.read() != "flood line 299 of 300\n":
                raise Failed("the selection was not saved")
    each_size(place, test)


def test_look_says_why_a_file_cannot_be_written(place):
    s = flooded(place, (80, 24))
    looking(s)
    os.mkdir(place.path("folder"))
    os.symlink("/nowhere", place.path("link"))
    for path, why in (("/nowhere/at/all", "No such file or directory"),
                      ("/proc/x", r"(Permission denied|No such file)"),
                      (place.path("folder"), r"exists: overwrite it")):
        s.keys("s", "C-u")
        say(s, path)
        s.wait(why)
    s.keys("y")
    s.wait(r"cannot be made: Is a directory")
    s.keys("s", "C-u")
    say(s, "/dev/full")
    s.wait(r"exists: overwrite it")
    s.keys("y")
    s.wait(r"/dev/full is no regular file; choose another name")


def test_look_a_full_disk_is_a_sentence(place):
    if os.geteuid() != 0:
        return "not root: no small disk"
    os.mkdir(place.path("small"))
    place.backend("--guest", "build:running")
    # The disk is in a mount namespace of the screen's own.
    s = place.screen((80, 24), wrap="unshare -m sh -c 'mount -t tmpfs "
                     "-o size=8k none %s && exec \"$@\"' sh %%s"
                     % place.path("small"))
    s.wait(r"build")
    s.keys("Enter")
    s.wait(r"build\$")
    say(s, "flood 3000")
    s.wait(r"flood line 2999 of 3000\s")
    looking(s)
    s.keys("s", "C-u")
    say(s, place.path("small/x"))
    s.wait(r"cannot be written: No space left on device;\s+free some")
    s.keys("R", "C-u")
    say(s, place.path("small/y"))
    s.wait(r"The recording ended")
    s.wait_not("◉")


def cast_of(path):
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    if lines.pop() != "":
        raise Failed("the last line is not whole")
    return json.loads(lines[0]), [json.loads(line) for line in lines[1:]]


def test_look_a_recording_plays_back_to_the_same_screen(place):
    for size in SIZES:
        s = flooded(place, size, "colours")
        s.wait(r"bold under")
        # In the console of the list, and in a pane as wide as the screen.
        tile = size[0] > 100
        if tile:
            s.keys("C-]", "o")
            s.wait(r"^ build ● ─+$")
            s.wait(r"^build\$ *$")
        path = place.path("a%d.cast" % size[0])
        s.keys("C-]", *("R" if tile else "[R"))
        s.wait(r"record build to: build-\S+\.cast")
        s.keys("C-u")
        say(s, path)
        s.wait(r"recording build to ")
        s.wait_look("◉", 1, 31)
        if not tile:
            s.keys("q")
        say(s, "wide")
        say(s, "raw fffec3281b5b33316d41c3a4e282")
        s.wait(r"Aä")
        s.resize(90, 30)
        s.wait(r"^ build ● ◉ ─+$" if tile else r"^─ build")
        say(s, "colours")
        say(s, "flood 5")
        s.wait(r"flood line 4 of 5\s")
        s.wait(r"build\$ *$")
        shown = s.settled().split("\n")[1:]
        s.keys("C-]", *("R" if tile else "[R"))
        s.wait(r"recorded to .*cast; asciinema play shows it")
        s.wait_not(r"◉")
        head, events = cast_of(path)
        if (head["version"], head["width"], head["height"]) != (
                2, size[0], size[1] - 2) or \
                abs(head["timestamp"] - os.stat(path).st_mtime) > 3600 or \
                "TERM" not in head["env"]:
            raise Failed("header %r" % head)
        if stat.S_IMODE(os.stat(path).st_mode) != 0o600:
            raise Failed("mode %o" % os.stat(path).st_mode)
        times = [e[0] for e in events]
        if times != sorted(times) or {e[1] for e in events} != {"o", "r"}:
            raise Failed("events %r" % [e[:2] for e in events])
        if [e[2] for e in events if e[1] == "r"][-1] != "90x28":
            raise Failed("the size it was last is not in it")
        played(place, head, events, shown[:28])
        place.again()


def played(place, head, events, shown):
    """A terminal that is not ours plays it: tmux, in a pane of that size."""
    t = replayed(place, head, events)

    def plain(lines):
        # What our screen leaves out: characters that turn text around.
        return [re.sub("[\u200b\u202e]", "", line) for line in lines]

    until(lambda: plain(t.lines()[:28]) == plain(shown),
          lambda: "the same:\n%s\nas\n%s" % ("\n".join(shown), t.text()))


def replayed(place, head, events):
    """Plays a recording in a tmux of its own."""
    script = place.path("play.py")
    place.write("play.json", json.dumps([head, events]))
    place.write("play.py", """
import json, os, sys, time
head, events = json.load(open(%r))
for when, kind, data in events:
    if kind == "o":
        sys.stdout.write(data)
        sys.stdout.flush()
        continue
    # tmux has to take what came before the new size.
    time.sleep(1)
    with open(%r, "w") as f:
        f.write(data)
    os.rename(%r, %r)
    while "%%dx%%d" %% os.get_terminal_size() != data:
        time.sleep(0.02)
time.sleep(1000)
""" % (place.path("play.json"), place.path("size.new"),
       place.path("size.new"), place.path("size")))
    s = place.screen((head["width"], head["height"]),
                     wrap="stty raw -echo; python3 %s; true %%s" % script)
    for kind in [e[1] for e in events]:
        if kind == "r":
            until(lambda: os.path.exists(place.path("size")), "a size")
            with open(place.path("size")) as f:
                cols, rows = map(int, f.read().split("x"))
            os.unlink(place.path("size"))
            s.resize(cols, rows)
    return s


def test_look_in_a_tile_is_as_in_a_console_of_its_own(place):
    for size in SIZES:
        s = opened(place, size, "--guest", "one:running", "--guest",
                   "two:running")
        s.tmux("set", "-s", "set-clipboard", "on")
        s.keys("2")
        s.wait(r"No pane is open")
        s.keys("t")
        s.wait(r"one\$")
        s.wait(r"two\$")
        for pane, name in ("1", "one"), ("2", "two"):
            s.keys("C-]", pane)
            say(s, "flood 200")
            s.wait(r"%s\$ *(│|$)" % name)
            say(s, "print only in " + name)
            s.wait("only in %s *(│|$)" % name)
        s.keys("C-]", "1")
        s.keys("C-]", "/")
        s.type("line 19 ")
        s.wait(r"search 1/1: line 19")
        s.keys("Enter")
        s.wait_raw(HERE + "line 19 ")
        # The other one is typed into meanwhile, and this one stays.
        s.keys("C-]", "2")
        say(s, "print meanwhile")
        s.wait_count("meanwhile", 2)
        s.expect(r"search 1/1: line 19")
        # The mouse copies in the one it is in.
        col, row = place_of(s, "meanwhile")
        clicks(s, 2, col + 1, row)
        wait_buffer(s, "meanwhile")
        s.expect(r"search 1/1: line 19")
        path = place.path("tile %s.txt" % s.name)
        s.keys("C-]", "f")
        s.wait(r"save the history of \w+ to: ")
        s.keys("C-u")
        say(s, path)
        s.wait(r"saved \S+ to ")
        with open(path, encoding="utf-8") as f:
            if "\nmeanwhile\n" not in f.read():
                raise Failed("the other pane was saved")
        place.again()


def test_look_a_flood_delays_no_key_of_a_search(place):
    s = opened(place, (120, 40))
    s.keys("Enter")
    s.wait(r"build\$")
    say(s, "print needle in a haystack")
    s.wait(r"│needle in")
    say(s, "endless")
    s.wait(r"endless \d+ \d+")
    s.keys("C-]", "PPage")
    s.wait(r"\d+ lines back")
    worst = 0
    for keys, want in (("?", r"search back: *$"), ("1", r"search back: 1"),
                       ("2", r"search back: 12"), ("Enter", r"esc present")):
        begin = time.monotonic()
        s.keys(keys)
        s.wait(want)
        worst = max(worst, time.monotonic() - begin)
    # The search ends, too, though the history changes all the time.
    s.wait(r"search \d+(/\d+\+?)?: 12|nowhere: 12")
    s.keys("n", "N", "Escape")
    s.wait_not(r"lines back")
    s.keys("C-c")
    s.wait(r"build\$ *$")
    return "the slowest key took %.2f s, tmux and all" % worst


def test_look_a_recording_is_whole_when_the_screen_ends(place):
    for view, size in (("list", (80, 24)), ("tile", (200, 50))):
        s = opened(place, size, "--guest", "build:running")
        if view == "tile":
            s.keys("2", "t")
            s.wait(r"ctrl-\] commands")
            s.wait(r"build\$")
            s.keys("C-]", "R")
        else:
            s.keys("Enter")
            s.wait(r"build\$")
            looking(s)
            s.keys("R")
        s.wait(r"record build to: ")
        s.keys("C-u")
        path = place.path(view + ".cast")
        say(s, path)
        s.wait("◉")
        if view == "list":
            s.keys("q")
            s.wait_not(r"looking back")
        say(s, "flood 1000")
        s.wait(r"flood line 999 of 1000\s")
        os.kill(s.pid(), 15)
        s.wait(r"^ended 0$")
        head, events = cast_of(path)
        said = "".join(e[2] for e in events)
        for i in range(1000):
            if "flood line %d of 1000" % i not in said:
                raise Failed("line %d is not in %s" % (i, path))
        place.again()
