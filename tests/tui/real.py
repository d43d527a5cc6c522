"""real.py: the project's test guest under the real program, on /dev/kvm."""
import os
import signal

from tmux import TOP, Failed, until

GUEST = os.path.join(TOP, "build/tests/guest/testguest.elf")


def skip():
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except OSError as e:
        return "/dev/kvm cannot be opened: " + e.strerror
    if not os.path.exists(GUEST):
        return "no test guest: make build/tests/guest/testguest.elf"
    return None


def defined(place, extra=""):
    place.write("vmtui.conf", "".join(
        "[vm %s]\nmemory = 64M\nkernel = %s\n%s" % (name, GUEST, extra)
        for name in ("one", "two")))


def started(place, size, extra=""):
    defined(place, extra)
    s = place.screen(size)
    s.wait(r"^▸○ one")
    s.keys("s")
    s.wait(r"^▸● one")
    return s


def session(place, size):
    """Start, type, stop; at any size."""
    s = started(place, size)
    s.keys("Enter")
    s.wait(r"vmtui>")
    s.type("echo hello from the screen")
    s.keys("Enter")
    s.wait(r"(^|│)hello from the screen")
    s.keys("C-]")
    s.wait(r"^▸● one")
    s.keys("S")
    s.wait(r"^▸○ one")
    s.keys("s")
    s.wait(r"^▸● one")
    s.keys("X")
    s.wait(r"\[y/N\]")
    s.keys("y")
    s.wait(r"^▸○ one")
    s.quit()


def test_real_session_at_80x24(place):
    session(place, (80, 24))


def test_real_session_at_200x50(place):
    session(place, (200, 50))


def test_real_guest_outlives_the_screen_and_its_history_is_there(place):
    s = started(place, (80, 24))
    s.keys("Enter")
    s.wait(r"vmtui>")
    s.type("echo remember this")
    s.keys("Enter")
    s.wait(r"^remember this")
    s.keys("C-]")
    s.wait(r"^▸● one")
    s.quit()
    t = place.screen((200, 50))
    t.wait(r"^▸● one")
    t.wait(r"│remember this")
    t.keys("Enter")
    t.type("echo again")
    t.keys("Enter")
    t.wait(r"│again")
    # The terminal is closed under it: the guest runs on.
    t.close()
    u = place.screen((80, 24))
    u.wait(r"^▸● one")
    u.keys("Enter")
    u.wait(r"^again")


def test_real_guest_prints_while_the_terminal_is_resized(place):
    s = started(place, (80, 24))
    s.keys("Enter")
    s.wait(r"vmtui>")
    s.type("flood 100000")
    s.keys("Enter")
    s.wait(r"[1-9]\d")
    for cols, rows in ((200, 50), (40, 12), (20, 5), (120, 40), (99, 13),
                       (100, 12), (80, 24)) * 3:
        s.resize(cols, rows)
    s.wait(r"^─ one ─ running")
    s.keys("C-c")
    s.wait(r"vmtui> *$")
    s.type("echo still here")
    s.keys("Enter")
    s.wait(r"^still here")


def test_real_crash_is_seen_with_its_reason(place):
    s = started(place, (80, 24))
    s.keys("Enter")
    s.wait(r"vmtui>")
    s.type("crash")
    s.keys("Enter")
    s.wait(r"^─ one ─ crashed")
    s.keys("C-]")
    s.wait(r"^▸✗ one +crashed +\w+")


def test_real_backend_killed_and_a_new_one_adopts_the_guest(place):
    s = started(place, (80, 24))
    s.keys("Enter")
    s.wait(r"vmtui>")
    os.kill(place.backend_pid(), signal.SIGKILL)
    s.wait(r"The backend is back")
    s.type("echo survived")
    s.keys("Enter")
    s.wait(r"^survived")
    s.keys("C-]")
    s.wait(r"^▸● one +running")


def test_real_poweroff_in_the_guest_is_followed(place):
    s = started(place, (120, 40))
    s.keys("Enter")
    s.wait(r"vmtui>")
    s.type("poweroff")
    s.keys("Enter")
    s.wait(r"one ─ stopped")
    if not place.vmtui("status"):
        raise Failed("vmtui status failed")
    until(lambda: "stopped" in place.vmtui("status", "one"), "stopped")


def test_real_panes_of_one_guest_its_sizes_and_its_hvc0(place):
    s = started(place, (100, 30))
    s.keys("o")
    s.wait(r"^ one ● ─")
    s.wait(r"^vmtui>")
    s.keys("C-]", "|")
    s.wait(r"a pane for")
    s.keys("Enter")
    s.wait(r"^ one ● ─+┬ one ● ─+$")
    s.wait(r"hvc0 is now 28 x (49|50) *│.*hvc0 is now")
    # Both show what one of them typed.
    s.type("echo in both")
    s.keys("Enter")
    s.wait(r"^in both *│in both *$")
    s.keys("C-]", "z")
    s.wait(r"zoomed, 1 more")
    # Again, that is: it was before there were two panes.
    s.wait(r"(?s)hvc0 is now 28 x (49|50).*hvc0 is now 28 x 100")
    s.type("hvc to the other side")
    s.keys("Enter")
    s.wait(r"hvc to the other side *\nvmtui>")
    s.keys("C-]", "c")
    s.wait(r"^ one ● hvc0 ─")
    s.wait(r"^to the other side")
    s.keys("C-]", "c")
    s.wait(r"^(vmtui> )?hvc to the other side")
    s.keys("C-]", "S")
    s.wait(r"^ one ○ stopped ─")
    s.wait(r"^one: stopped\.  s starts it")
    s.type("s")
    s.wait(r"^ one ● ─")

    # It runs a moment before its console is connected: till then a key is
    # lost, and that is said.
    def echoed():
        s.type("echo back")
        s.keys("Enter")
        try:
            s.wait(r"^back", 2)
        except Failed:
            return False
        return True

    until(echoed, lambda: "back on:\n" + s.text())


def test_real_second_serial_port_is_one_of_the_guest_s_consoles(place):
    s = started(place, (100, 30), "serial2 = yes\n")
    s.keys("o")
    s.wait(r"^ one ● ─")
    s.wait(r"^vmtui>")
    for byte in b"Hi":
        s.type("out 0x2f8 1 %#x" % byte)
        s.keys("Enter")
    s.wait(r"(?s)0x48.*0x69 *\nvmtui>")
    s.keys("C-]", "c")
    s.wait(r"^ one ● ttyS1 ─")
    s.wait(r"^Hi *$")
    s.keys("C-]", "c")
    s.wait(r"^ one ● hvc0 ─")
    s.keys("C-]", "c")
    s.wait(r"^ one ● ─")
    s.wait(r"0x69 *\n")


RUNNING = """[vm one]
memory = 64M
kernel = %s

[vm two]
memory = 64M
kernel = %s
""" % (GUEST, GUEST)


def pid_of(place, name):
    until(lambda: place.vmtui("status", name), "the status of " + name)
    return place.vmtui("status", "--json", name).split('"pid":')[1].split(
        ",")[0]


def test_real_file_mangled_by_hand_leaves_guests_running(place):
    """And opens at the first mistake."""
    place.write("vmtui.conf", RUNNING)
    s = place.screen((120, 40))
    s.wait(r"^▸○ one")
    s.keys("s")
    s.wait(r"^▸● one")
    s.wait(r"vmtui>")
    pid = pid_of(place, "one")
    place.write("vmtui.conf", RUNNING.replace(
        "[vm two]", "# x\n" * 60 + "[vm two").replace("kernel", "kernl", 1))
    s.keys("R")
    s.wait(r"vmtui\.conf:3: ")
    s.wait(r"mistakes? \(m\)")
    s.wait(r"^▸● one")
    if pid_of(place, "one") != pid:
        raise Failed("the guest was started again")
    # Its definition would be edited: the text is shown, at the mistake.
    s.keys("e")
    s.wait(r"^ +3! kernl = ")
    until(lambda: s.lines()[s.cursor()[0]].lstrip().startswith("3!"),
          lambda: "the cursor in line 3, not at %s" % (s.cursor(),))
    place.write("vmtui.conf", RUNNING)
    s.keys("1")
    s.wait(r"^▸● one")
    s.keys("R")
    s.wait_not(r"mistakes? \(m\)")
    if pid_of(place, "one") != pid:
        raise Failed("the guest was started again")
    s.keys("Enter")
    s.type("echo untouched")
    s.keys("Enter")
    s.wait(r"│untouched")
