"""looks.py: keys, colours, lines, help, the dashboard, and the mouse, as the
person wants them."""
import os
import re
import time

from commands import at_sizes
from screens import GUESTS, opened
from tmux import Failed, until

SIZES = ((80, 24), (120, 40), (200, 50))
EIGHT = [w for i in range(1, 9) for w in ("--guest", "g%d:running" % i)]


def configure(s, place, text):
    """Another configuration, read again by the key for that."""
    place.write("vmtui.conf", text)
    s.keys("R")
    s.wait(r"The definitions were read again|conf:\d")
    if "qiut" not in text:
        s.keys("C-l")


def click(s, text, dx=0):
    """On the first place where that stands."""
    s.wait(re.escape(text))
    for row, line in enumerate(s.lines()):
        if text in line:
            press(s, row, line.index(text) + dx)
            return
    raise Failed("%r is not there" % text)


# A question that was there for less was not read; see bottom.c.
MEANT = 0.5


def clicked(row, col):
    return "\033[<0;%d;%dM\033[<0;%d;%dm" % (col + 1, row + 1, col + 1, row + 1)


def answers(s):
    """Where the last question has its [y/N]."""
    lines = s.lines()
    row = max(i for i, line in enumerate(lines) if "[y/N]" in line)
    return row, lines[row].index("[y/N]")


def press(s, row, col, button=0):
    s.type("\033[<%d;%d;%dM" % (button, col + 1, row + 1))
    if button < 64:
        s.type("\033[<%d;%d;%dm" % (button, col + 1, row + 1))


def test_keys_are_those_of_the_configuration(place):
    for size in SIZES:
        place.write("vmtui.conf", "[keys]\nguests-down = F7\nhelp = F1\n"
                    "view-log = F6 6\nguests-start = F5 ctrl-t\n")
        s = opened(place, size)
        s.wait(r"F1 help")
        s.keys("F7")
        s.wait(r"^▸● db ")
        s.keys("j")
        s.wait(r"^ j does nothing here; F1 shows the keys")
        s.keys("F6")
        s.wait(r"^─ log: everybody")
        s.keys("1", "F7", "F7")
        s.wait(r"^▸○ mv1")
        s.wait(r"F5 start")
        s.keys("C-t")
        s.wait(r"^▸● mv1")
        s.keys("F1")
        s.wait(r"F5 ctrl-t +start the guest")
        s.wait(r"F7 +the next guest")
        s.close()
        place.again()


def test_keys_change_when_the_file_is_read_again(place):
    s = opened(place, (80, 24))
    configure(s, place, "[keys]\nquit = F10\nguests-up = none\n")
    s.wait(r"F10 quit")
    s.keys("k")
    s.wait(r"k does nothing here")
    s.keys("q")
    s.wait(r"q does nothing here")
    configure(s, place, "")
    s.wait(r"q quit")
    configure(s, place, "[vm a]\nmemroy = 1\n[keys]\nqiut = F10\n"
              "guests-new = F4\n")
    # What is good of it is in force, and what is not is told.
    s.wait(r'conf:4: \[keys\] has nothing called "qiut"')
    s.keys("n")
    s.wait(r"n does nothing here")
    s.keys("q")
    s.wait(r"^ended 0")


def test_the_editor_finds_and_completes_keys_and_looks(place):
    place.write("vmtui.conf", "[keys]\n\n")
    conf = os.path.join(place.dir, "vmtui.conf")
    s = opened(place, (120, 40), *GUESTS, "--config", conf)
    s.keys("4")
    s.wait(r"^ +1  \[keys\]")
    s.keys("e", "Down")
    s.wait(r"typing")
    s.type("guests-sto")
    s.keys("Tab")
    s.wait(r"^ +2. guests-stop =")
    s.type("F33")
    s.wait(r'^ guests-stop: "F33" is no key: write one or two')


def test_colours_are_those_of_the_theme(place):
    s = opened(place, (80, 24))
    s.wait_look(r"running", 32)
    configure(s, place, "[theme]\nrunning = blue bold\n")
    s.wait_look(r"running", 34, 1)
    configure(s, place, "[theme]\ncolours = light\n")
    s.wait_look(r"running", 32)
    s.wait_look(r"paused", 35)
    configure(s, place, "[theme]\ncolours = mono\n")
    until(lambda: not any("\033[3%d" % n in s.text("-e") for n in range(8)),
          lambda: "no colour in %r" % s.text("-e"))
    s.wait_look(r"crashed", 1)
    configure(s, place, "[theme]\nrunning = 208\n")
    s.wait_raw(r"\033\[38;5;208m")


def test_colours_fit_terminals_that_have_few(place):
    place.write("vmtui.conf", "[theme]\nrunning = 208\npaused = #00ff00\n")
    # 8 colours: what is bright is bold.
    s = opened(place, (80, 24), env={"TERM": "screen"})
    s.wait_look(r"running", 33)
    s.wait_look(r"paused", 32, 1)
    s.close()
    s = place.screen((80, 24), env={"NO_COLOR": "1"})
    s.wait(r"running")
    until(lambda: not any("\033[3%d" % n in s.text("-e") for n in range(9)),
          lambda: "no colour in %r" % s.text("-e"))


def test_lines_are_drawn_as_the_theme_says(place):
    s = opened(place, (120, 40))
    s.wait(r"^─ guests ─+┬─")
    configure(s, place, "[theme]\nborders = double\n")
    s.wait(r"^═ guests ═+╦═")
    configure(s, place, "[theme]\nborders = ascii\n")
    s.wait(r"^- guests -+\+-")
    configure(s, place, "[theme]\nborders = none\n")
    s.wait(r"^  guests  +build")
    configure(s, place, "")
    s.wait(r"^─ guests ─+┬─")


def test_help_is_searched_and_scrolled(place):
    def test(s):
        s.keys("?")
        s.wait(r"keys: guests ")
        s.keys("/")
        s.wait(r"^ /")
        s.type("other end")
        s.keys("Enter")
        s.wait(r"/other end ─")
        s.wait(r"o +go to the selection's other end")
        s.keys("n")
        s.wait(r"o +go to the selection's other end")
        s.keys("G")
        s.wait(r"7 +to the view: dashboard")
        s.keys("/")
        s.type("nowhere at all")
        s.keys("Enter")
        s.wait(r'"nowhere at all" is not on this page')
        s.keys("g")
        s.wait(r"in the list *$")
        press(s, 10, 60, 65)
        s.wait(r" 4-\d+ of ")
        press(s, 10, 60, 64)
        s.wait(r" 1-\d+ of ")
        s.keys("Escape")
        s.wait(r"q quit")
    at_sizes(place, test)


def test_dashboard_shows_eight_guests_at_once(place):
    for size in SIZES:
        s = opened(place, size, *EIGHT, "--guest", "off", "--past",
                   "--steady")
        s.keys("7")
        for i in range(1, 9):
            s.wait(r"[─▸]● g%d ─ running 1:0\d ─" % i)
        s.wait_count("of 512M", 8)
        s.wait_count("w 128K/s", 8)
        s.wait_not(r"○ off ")
        # All of a graph at once: the backend knows the last minutes.
        s.wait(r"^ disk +[▁▂▃▄▅▆▇█]{8,}  +r +\d")
        s.keys("l")
        s.wait(r"▸● g2 ─")
        s.keys("j", "k", "h")
        s.wait(r"^▸● g1 ─")
        s.keys("G")
        s.wait(r"▸● g8 ─")
        s.keys("p")
        s.wait(r"▸◐ g8 ─ paused")
        s.keys("p")
        s.wait(r"▸● g8 ─ running")
        click(s, "● g3 ─")
        s.wait(r"▸● g3 ─")
        s.keys("Enter")
        s.wait(r"this is g3")
        s.keys("C-]")
        s.wait(r"^▸● g3 ")
        s.close()
        place.again()


def test_dashboard_scrolls_and_says_why(place):
    many = [w for i in range(1, 31) for w in ("--guest", "m%d:running" % i)]
    s = opened(place, (40, 12), *many, "--guest",
               "zz:crashed:1:512:triple fault at 0x123")
    s.keys("7")
    s.wait(r"^▸● m1 ")
    s.keys("j", "j")
    s.wait(r"^▸● m3 ")
    s.wait_not(r"● m1 ")
    s.keys("G")
    s.wait(r"^▸✗ zz ─ crashed")
    s.wait(r"^ triple fault at 0x123")
    s.keys("PageUp", "g")
    s.wait(r"^▸● m1 ")
    press(s, 3, 3, 65)
    s.wait(r"^▸● m2 ")


def test_figures_of_the_selected_guest_have_minutes(place):
    for size in SIZES:
        s = opened(place, size, *EIGHT, "--past", "--steady")
        s.wait(r"cpu +[▁▂▃▄▅▆▇█]{10,} +\d+% of 1 cpu")
        s.wait(r"mem +[▁▂▃▄▅▆▇█]{10,} +171M of 512M")
        s.wait(r"disk +[▁▂▃▄▅▆▇█]{10,} +r +8.0K/s +w +128K/s")
        s.wait(r"net +[▁▂▃▄▅▆▇█]{10,} +in 1.8K/s out +154/s")
        if size[1] >= 40:
            s.wait(r"exits +106/s +pid \d+, 7 threads")
            s.wait(r"disk +/vmm/g1.img")
        s.close()
        place.again()


def test_dashboard_in_ascii(place):
    s = opened(place, (80, 24), *EIGHT, "--past", "--steady",
               env={"LC_ALL": "C", "LANG": "C"})
    s.keys("7")
    s.wait(r"^>\* g1 - running 1:0\d -")
    s.wait(r"^ cpu +[.:=+*#-]{8} +\d+% of 1 cpu")
    s.wait(r"^ mem +[.:=+*#-]{8} +171M of 512M")


def test_mouse_is_on_unless_it_is_not_wanted(place):
    s = opened(place, (80, 24))
    until(lambda: s.info("mouse_button_flag") == "1", "the mouse")
    s.keys("M")
    s.wait(r"The mouse is the terminal's")
    until(lambda: s.info("mouse_button_flag") == "0", "no mouse")
    s.keys("M")
    until(lambda: s.info("mouse_button_flag") == "1", "the mouse again")
    s.quit()
    until(lambda: s.info("mouse_button_flag") == "0", "no mouse in a shell")
    s.close()
    place.write("vmtui.conf", "[keys]\nmouse = no\n")
    s = place.screen((80, 24))
    s.wait(r"q quit")
    until(lambda: s.info("mouse_button_flag") == "0", "no mouse at all")
    s.quit()


def test_a_question_is_answered_by_a_click_on_its_letters(place):
    for size in SIZES[:2]:
        s = opened(place, size)
        s.keys("X")
        s.wait(r"build off at once\?.*\[y/N\]")
        row, col = answers(s)
        time.sleep(MEANT)
        # What is no letter is no answer, and nothing behind it hears it.
        press(s, row, col)
        press(s, 2, 3)
        press(s, row, col + 3)
        s.wait_not(r"\[y/N\]")
        s.wait(r"^▸● build")
        s.keys("X")
        s.wait(r"build off at once\?.*\[y/N\]")
        time.sleep(MEANT)
        press(s, row, col + 1)
        s.wait_not(r"\[y/N\]")
        s.wait(r"^▸○ build")
        place.again()


def test_the_second_of_two_clicks_is_no_answer(place):
    for size in SIZES[:2]:
        s = opened(place, size)
        s.keys("X")
        s.wait(r"build off at once\?.*\[y/N\]")
        row, col = answers(s)
        s.keys("n")
        s.wait(r"q quit")
        # Where the answer is going to be, before anybody can have read it.
        s.type("X" + 2 * clicked(row, col + 1))
        s.wait(r"build off at once\?.*\[y/N\]")
        time.sleep(MEANT)
        s.wait(r"build off at once\?.*\[y/N\]")
        press(s, row, col + 3)
        s.wait(r"^▸● build")
        s.wait(r"q quit")
        place.again()


def test_bottom_line_is_clicked(place):
    for size in SIZES:
        s = opened(place, size)
        click(s, "p pause")
        s.wait(r"^▸◐ build ")
        click(s, "p unpause")
        s.wait(r"^▸● build ")
        click(s, "? help")
        s.wait(r"keys: guests ")
        click(s, "esc close")
        s.wait(r"q quit")
        if size[0] >= 120:
            click(s, "1 2 3 4", 4)
            s.wait(r"^─ switches ─")
            click(s, "1 2 3 4", 0)
            s.wait(r"^▸● build ")
            s.wait(r"q quit")
        click(s, "q quit")
        s.wait(r"^ended 0")
        s.close()
        place.again()
