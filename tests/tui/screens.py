"""screens.py: what a person sees and does, on a fake backend."""
import os
import random
import signal
import time

from tmux import Failed, until

GUESTS = ["--guest", "build:running:4:4096", "--guest", "db:running:2:8192",
          "--guest", "dns:paused:1:256", "--guest", "web1:running:2:1024",
          "--guest", "web2:running:2:1024", "--guest", "mv1",
          "--guest", "test:crashed:1:512:triple fault at 0xffffffff81000123"]

SIZES = ((80, 24), (200, 50))


def opened(place, size, *args, **kw):
    place.backend(*(args or GUESTS))
    s = place.screen(size, **kw)
    s.wait(r"^ vmtui  odin")
    return s


def test_80x24_lists_guests_with_their_states(place):
    s = opened(place, (80, 24))
    s.expect(r"^ vmtui  odin .*4 running  1 paused  1 crashed  1 stopped")
    s.expect(r"^   NAME +STATE +CPU +MEM +NET +DISK +UP")
    s.expect(r"^▸● build +running")
    s.expect(r"^ ◐ dns +paused")
    s.expect(r"^ ✗ test +crashed +triple fault")
    s.expect(r"^ ○ mv1 +stopped")


def test_a_guest_paused_by_a_full_disk_says_so(place):
    why = "/vmm/mv1.img: no space left on the device; make room"
    guests = GUESTS + ["--guest", "full:paused:1:512:" + why]
    s = opened(place, (80, 24), *guests)
    s.wait(r"^ ◐ full +paused +/vmm/mv1.img")
    s.expect(r"^ ◐ dns +paused")
    s = place.screen((200, 50))
    s.wait(r"◐ full .*paused")
    s.keys("j", "j", "j")
    s.wait(r"^▸◐ full ")
    s.wait(r"│.*reason +/vmm/mv1.img.*no space left on the device; make room")


def test_200x50_has_list_console_and_figures_at_once(place):
    s = opened(place, (200, 50))
    s.wait(r"^▸● build .*│this is build")
    s.expect(r"├─ figures ─")
    s.wait(r"│ cpu .*%")
    s.keys("j")
    s.wait(r"^▸● db .*")
    s.wait(r"│this is db")


def test_names_are_in_natural_order(place):
    s = opened(place, (80, 24), "--guest", "web10", "--guest", "web2",
               "--guest", "Alpha")
    s.wait(r"○ Alpha .*\n.*○ web2 .*\n.*○ web10 ")


def test_start_shows_at_once_and_a_slow_answer_blocks_nothing(place):
    s = opened(place, (80, 24), *GUESTS, "--hold")
    s.keys("j", "j", "j")
    s.wait(r"^▸○ mv1")
    s.keys("s")
    s.wait(r"^▸◔ mv1 +starting")
    s.keys("k")
    s.wait(r"^▸◐ dns")
    s.expect(r"◔ mv1 +starting")
    place.go()
    s.wait(r"● mv1 +running")


def test_an_error_puts_the_state_back_and_stays_until_a_key(place):
    why = ("mv1: /dev/kvm cannot be opened: Permission denied; "
           "join the group kvm ") * 3
    s = opened(place, (80, 24), *GUESTS, "--refuse", "start=" + why)
    s.keys("j", "j", "j", "s")
    s.wait(r"Permission denied")
    s.expect(r"○ mv1 +stopped")
    # All of it: three sentences, on as many lines as they take.
    s.wait_count("Permission", 3)
    s.keys("j")
    s.wait_not("Permission")


def test_typing_reaches_the_guest_and_ctrl_bracket_comes_back(place):
    s = opened(place, (80, 24))
    s.keys("Enter")
    s.wait(r"build\$")
    s.expect(r"^─ build ─ running")
    s.type("print hello there")
    s.keys("Enter")
    s.wait(r"^hello there$")
    # The cursor is where typing goes.
    def behind_the_prompt():
        y, x = s.cursor()
        return s.lines()[y].startswith("build$") and x == 7

    until(behind_the_prompt, lambda: "the cursor, at %s, behind the prompt:\n%s"
          % (s.cursor(), s.text()))
    until(lambda: s.info("cursor_flag") == "1", "a cursor that is seen")
    s.keys("C-]")
    s.wait(r"^▸● build")
    s.keys("j")
    s.wait(r"^▸● db")


def test_right_arrow_turns_to_the_console_too(place):
    s = opened(place, (80, 24))
    s.keys("Right")
    s.wait(r"^─ build ─ running")


def test_ctrl_bracket_twice_sends_one(place):
    for size in SIZES:
        s = opened(place, size)
        s.keys("Enter")
        s.wait(r"build\$")
        s.keys("C-]", "C-]", "x")
        place.wait_typed("build", b"\x1dx")
        # Behind ctrl-] a "d" or esc has nothing to do: one is back already.
        s.keys("C-]", "d")
        s.wait(r"^▸● build")
        s.expect(r"quit( +1 2 3 [0-9 ]+)? *$")
        place.again()


def test_all_keys_go_to_the_guest(place):
    for size in SIZES:
        s = opened(place, size)
        s.keys("Enter")
        s.wait(r"build\$")
        for key, code in (("F1", b"\x1bOP"), ("F5", b"\x1b[15~"),
                          ("F12", b"\x1b[24~"), ("Up", b"\x1b[A"),
                          ("C-Left", b"\x1b[1;5D"), ("S-Up", b"\x1b[1;2A"),
                          ("M-x", b"\x1bx"), ("C-a", b"\x01"), ("Tab", b"\t"),
                          ("BTab", b"\x1b[Z"), ("Home", b"\x1b[H"),
                          ("DC", b"\x1b[3~"), ("PPage", b"\x1b[5~"),
                          ("BSpace", b"\x7f"), ("?", b"?"), ("q", b"q"),
                          ("Escape", b"\x1b"), ("ä", "ä".encode())):
            before = place.typed("build")
            s.keys(key)
            until(lambda: place.typed("build") == before + code,
                  lambda: "%r of the key %s, it sent %r" % (
                      code, key, place.typed("build")[len(before):]))
        place.again()


def test_application_cursor_keys_are_sent_when_the_guest_asks(place):
    s = opened(place, (80, 24))
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("raw 1b5b3f3168")
    s.keys("Enter")
    s.wait(r"raw 1b5b3f3168\nbuild\$")
    s.keys("Up")
    place.wait_typed("build", b"\x1bOA")


def test_paste_is_bracketed_when_the_guest_asks(place):
    for size in SIZES:
        s = opened(place, size)
        s.keys("Enter")
        s.wait(r"build\$")
        s.tmux("set-buffer", "a b\x1b[31m\nc")
        s.tmux("paste-buffer", "-p")
        place.wait_typed("build", b"a b[31m\rc")
        s.keys("C-u", "Enter")
        s.type("raw 1b5b3f3230303468")
        s.keys("Enter")
        s.wait(r"raw 1b5b3f3230303468 *\n(.*│)?build\$ *$")
        s.tmux("set-buffer", "more")
        s.tmux("paste-buffer", "-p")
        place.wait_typed("build", b"\x1b[200~more\x1b[201~")
        place.again()


def test_a_flood_delays_no_key(place):
    s = opened(place, (120, 40))
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("endless")
    s.keys("Enter")
    s.wait(r"endless \d+ \d+")
    begin = time.monotonic()
    s.keys("C-]")
    s.keys("j")
    s.wait(r"^▸● db")
    took = time.monotonic() - begin
    s.keys("k", "Enter", "C-c")
    s.wait(r"build\$ *$")
    return "two keys under a flood took %.2f s, tmux and all" % took


def test_a_flood_can_be_looked_back_at(place):
    s = opened(place, (80, 24))
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("flood 300")
    s.keys("Enter")
    s.wait(r"flood line 299 of 300\nbuild\$")
    s.keys("S-PPage")
    s.wait(r"\d+ lines back")
    s.expect(r"flood line 270 of")
    s.keys("PPage", "Home")
    s.wait(r"^flood line 0 of")
    s.keys("Escape")
    s.wait(r"flood line 299 of 300\nbuild\$")
    s.keys("C-]", "PPage")
    s.wait(r"\d+ lines back")
    # Keys are for looking; typing is for the present.
    s.keys("z")
    s.wait(r"z does nothing while one looks back")
    s.keys("Escape")
    s.wait_not(r"lines back")
    s.keys("z")
    s.wait(r"build\$ z")


def test_a_guests_sequences_never_reach_the_terminal(place):
    s = opened(place, (120, 40))
    title = s.info("pane_title")
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("evil")
    s.keys("Enter")
    s.wait(r"after evil")
    s.keys("C-]")
    s.wait(r"^▸● build")
    if s.info("pane_title") != title or s.info("mouse_standard_flag") != "0":
        raise Failed("the terminal took it: %r" % s.info("pane_title"))
    if s.tmux("show-buffer", check=False).strip() == "evil":
        raise Failed("the clipboard was written")
    s.expect(r"^▸● build")


def test_colours_and_wide_characters_are_drawn_in_place(place):
    s = opened(place, (120, 40))
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("colours")
    s.keys("Enter")
    s.wait(r"bold under reverse red true")
    for want in (r"\033\[1m", "48;5;200m", r"\033\[31m"):
        s.wait_raw(want)
    s.type("wide")
    s.keys("Enter")
    s.wait("│日本語 e\u0301 \\|")


def test_stop_asks_the_guest_and_force_asks_the_person(place):
    s = opened(place, (80, 24), *GUESTS, "--hold-stop")
    s.keys("S")
    s.wait(r"build +stopping")
    place.go()
    s.wait(r"○ build +stopped")
    s.keys("j", "X")
    s.wait(r"db off at once\?.*\[y/N\]")
    s.keys("n")
    s.wait_not(r"\[y/N\]")
    s.expect(r"● db +running")
    s.keys("X")
    s.wait(r"\[y/N\]")
    s.keys("y")
    s.wait(r"○ db +stopped")


def test_pause_and_unpause_are_one_key(place):
    s = opened(place, (80, 24))
    s.expect(r"p pause")
    s.keys("p")
    s.wait(r"◐ build +paused")
    s.wait(r"p unpause")
    s.keys("p")
    s.wait(r"● build +running")


def test_reset_asks_first(place):
    s = opened(place, (80, 24))
    s.keys("r")
    s.wait(r"reset build\?.*\[y/N\]")
    s.keys("Escape")
    s.wait_not(r"\[y/N\]")


def test_a_key_that_cannot_work_says_why(place):
    s = opened(place, (80, 24))
    s.keys("s")
    s.wait(r"build is running: nothing to start")
    s.keys("d")
    s.wait(r"It runs: stop it first")
    s.keys("Z")
    s.wait(r"Z does nothing here; \? shows the keys")


def test_a_stopped_guest_keeps_its_last_words(place):
    s = opened(place, (80, 24))
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("print last words")
    s.keys("Enter")
    s.wait(r"^last words$")
    s.type("crash")
    s.keys("Enter")
    s.wait(r"^─ build ─ crashed")
    s.expect(r"^last words$")
    s.keys("a")
    s.wait(r"build is crashed and hears nothing; ctrl-\] goes back")
    s.keys("C-]")
    s.wait(r"✗ build +crashed +triple fault")
    s.keys("s")
    s.wait(r"● build +running")
    s.keys("Enter")
    s.wait(r"^this is build$")
    s.type("print alive")
    s.keys("Enter")
    s.wait(r"^alive$")


def test_filter_shows_some_and_esc_shows_all(place):
    s = opened(place, (80, 24))
    s.keys("/")
    s.type("web")
    s.wait(r"^ /web")
    s.wait_not(r"build")
    s.expect(r"^▸● web1")
    s.keys("Enter")
    s.wait(r"NAME /web")
    s.keys("j")
    s.wait(r"^▸● web2")
    s.keys("Escape")
    s.wait(r"build")
    # The selection stays on its guest.
    s.expect(r"^▸● web2")
    s.keys("/")
    s.type("nothing")
    s.wait(r'no guest has "nothing" in its name')
    s.keys("Escape")
    s.wait(r"build")


def test_sixty_guests_scroll(place):
    s = opened(place, (80, 24), "--many", "60")
    s.keys("G")
    s.wait(r"^▸. guest60")
    s.keys("g")
    s.wait(r"^▸. guest1 ")
    s.keys("NPage")
    s.wait_not(r"^▸. guest1 ")
    for _ in range(40):
        s.keys("j")
    s.keys("G")
    s.wait(r"^▸. guest60")


def test_help_shows_the_keys_of_where_one_is(place):
    s = opened(place, (120, 40))
    s.keys("?")
    s.wait(r"keys: guests")
    s.expect(r"S +ask the guest to shut down")
    s.expect(r"in a console")
    # The list stays in sight.
    s.expect(r"^▸● build")
    s.keys("Escape")
    s.wait(r"├─ figures")


def test_mistakes_are_counted_said_and_listed(place):
    s = opened(place, (80, 24), *GUESTS, "--mistake",
               "/etc/vmtui.conf:12: memroy is no key of a [vm] section",
               "--mistake", "/etc/vmtui.conf:20: second mistake")
    s.wait(r"2 mistakes \(m\)")
    s.expect(r"vmtui.conf:12: memroy is no key .*\(and 1 more: m\)")
    s.keys("m")
    s.wait(r"vmtui.conf:20: second mistake")
    s.keys("q")
    s.wait(r"^▸● build")


def test_without_guests_it_says_how_to_come_by_one(place):
    for size in ((120, 30), (80, 24), (40, 12)):
        if place.fake is None:
            place.backend("--config", "/home/me/vmtui.conf")
        s = place.screen(size)
        s.wait(r"There is no guest yet")
        for want in (r"/home/me/vmtui.conf", r"\[vm first\]", r"kernel = ",
                     r"n defines"):
            s.expect(want)
        s.quit()


def test_40x12_is_whole(place):
    s = opened(place, (40, 12))
    s.expect(r"^▸● build +running")
    s.expect(r"q quit")
    s.keys("Enter")
    s.wait(r"^─ build ─ running")
    s.keys("C-]", "?")
    s.wait(r"keys: guests")
    s.keys("q", "X")
    s.wait(r"build off at once")


def test_20x5_says_what_is_needed_and_comes_back(place):
    place.backend(*GUESTS)
    s = place.screen((20, 5))
    s.wait(r"vmtui needs 40x12")
    s.expect("20x5")
    s.keys("j", "X", "y")
    s.resize(1, 1)
    s.resize(20, 5)
    s.wait(r"vmtui needs 40x12")
    s.resize(80, 24)
    s.wait(r"● build +running")
    s.resize(20, 5)
    s.wait(r"vmtui needs 40x12")
    s.keys("q")
    s.resize(80, 24)
    s.wait(r"^ended 0$")


def test_resizing_under_a_flood_breaks_nothing(place):
    s = opened(place, (80, 24))
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("endless")
    s.keys("Enter")
    s.wait(r"endless \d+")
    rng = random.Random(7)
    for _ in range(40):
        s.resize(rng.randint(2, 220), rng.randint(2, 60))
    for cols, rows in ((80, 24), (200, 50), (100, 12), (99, 40)):
        s.resize(cols, rows)
        s.wait(r"─ build ─ running")
        s.wait(r"endless \d+")
    s.keys("C-c")
    s.resize(80, 24)
    s.wait(r"^build\$ *$")
    s.keys("C-]")
    s.wait(r"^▸● build")
    s.quit()


def test_a_lost_backend_is_found_again_and_panes_stay(place):
    s = opened(place, (80, 24))
    s.keys("Enter")
    s.wait(r"build\$")
    s.type("print before")
    s.keys("Enter")
    s.wait(r"^before$")
    os.kill(place.fake.pid, signal.SIGUSR1)
    s.wait(r"The backend is (gone|back)")
    s.wait(r"The backend is back")
    s.expect(r"^before$")
    s.type("print after")
    s.keys("Enter")
    s.wait(r"^after$")
    # Its history is not there twice.
    s.wait_count("this is build", 1)


def test_two_screens_see_the_same(place):
    s = opened(place, (80, 24))
    t = place.screen((120, 40))
    t.wait(r"● build")
    s.keys("j", "S")
    t.wait(r"○ db ")
    s.keys("k", "Enter")
    s.wait(r"build\$")
    t.wait(r"│this is build")


def test_an_idle_screen_uses_no_cpu(place):
    s = opened(place, (120, 40), "--many", "10", "--idle")
    s.wait(r"guest1: stopped")
    return measure(s, 4, 2)


def test_ten_running_guests_cost_next_to_nothing(place):
    s = opened(place, (120, 40), *sum(
        [["--guest", "g%d:running" % i] for i in range(10)], []))
    s.wait(r"│g0\$")
    return measure(s, 4, 40)


def measure(s, seconds, most):
    """Clock ticks of CPU, of which there are 100 a second."""
    from tmux import cpu_ticks
    pid = s.pid()
    begin = cpu_ticks(pid)
    time.sleep(seconds)
    ticks = cpu_ticks(pid) - begin
    if ticks > most:
        raise Failed("%d ticks of CPU in %d s" % (ticks, seconds))
    return "%.1f %% CPU over %d s" % (ticks / seconds, seconds)
