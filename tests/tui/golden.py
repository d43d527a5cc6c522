"""golden.py: what every view and form looks like, kept as text.

One file a terminal under tests/tui/golden, with one picture a scene, as tmux
has it: at each size, in UTF-8 and ASCII, the characters; at one size with 256,
8 and no colours the looks of each character too, in a line of letters below it
(the file says what they mean). Where the cursor is stands above each.

GOLDEN=renew (`make golden`) writes them anew: to be read before they are kept.
"""
import difflib
import os
import re
import time

from forms import conf
from screens import GUESTS
from tmux import HERE, Failed, look_of, until

FOLDER = os.path.join(HERE, "golden")
RENEW = os.environ.get("GOLDEN") == "renew"
PATIENCE = 20  # seconds for a picture to be as it was kept

UP = 3 * 86400 + 4 * 3600 + 1800  # "3d 4h", and stays so for half an hour
LOG = """2026-11-20T10:41:07.123 vmtui backend 0.1 begins
2026-11-20T10:41:08.001 build: started, process 1001
2026-11-20T10:41:09.250 warning: local: em0 is not there; the switch waits
2026-11-20T10:45:00.000 db: started, process 1002
"""
GUEST_LOG = """2026-11-20T10:41:08.500 one virtual cpu of four is at its limit
2026-11-20T10:42:00.000 warning: build.img: 97% full
"""


class Scenes:
    """Goes from view to view; kept(name) is called for each picture."""

    def __init__(self, s, kept):
        self.s = s
        self.kept = kept

    def do(self, *steps):
        """Keys, then what has to be seen of them, then keys, ..."""
        for i, step in enumerate(steps):
            if i % 2 == 1:
                self.s.wait(step)
            elif isinstance(step, str):
                self.s.type(step)
            else:
                self.s.keys(*step)

    def scene(self, name, *steps):
        self.do(*steps)
        self.kept(name)

    def home(self):
        """To the list, with its first guest."""
        self.do(["1"], r"(^─|^-) guests|NAME", ["g"], r"^[▸>][●*] build ")

    def list(self):
        s = self.s
        self.scene("guests")
        self.scene("guest, crashed", ["G", "k", "k"], r"^[▸>]\S test ")
        self.scene("guest, stopped", ["k"], r"^[▸>]\S mv1 ")
        self.scene("filter", ["/"], r"^ /", "web", r"^ /web")
        s.keys("Escape")
        s.wait_not(r"^ /web")
        self.home()
        self.scene("question", ["X"], r"\[y/N\]")
        s.keys("n")
        s.wait_not(r"\[y/N\]")
        self.scene("refusal", ["s"], r"nothing to start")
        self.scene("help", ["?"], r"keys: guests")
        self.scene("help, searched", ["/"], r"^ /", "log", r"^ /log",
                   ["Enter"], r"─ /log |- /log ")
        s.keys("Escape")
        s.wait_not(r"keys: guests")
        self.scene("console", ["Enter"], r"ctrl-\] list")
        self.do(["C-]"], r"(enter|↵) console")
        self.scene("command", [":"], r"^ :", "st", r"^ :st", ["Tab"],
                   r"start +stop")
        s.keys("Escape")
        s.wait_not(r"^ :")

    def consoles(self):
        self.scene("consoles", ["o"], r"^ build ", ["C-]", "a"],
                   r"a pane for", "db", r" /db", ["Enter"],
                   r"(?s)build.*this is db")
        self.scene("consoles, behind the prefix", ["C-]"], r"split|zoom")
        self.do(["g"], r"(enter|↵) console|ctrl-\] list")
        self.home()

    def switches(self):
        self.scene("switches", ["3"], r"local .*up")
        self.scene("form of a switch", ["e"], r"name +local")
        self.do(["Escape"], r"r reset")

    def config(self):
        s = self.s
        self.scene("configuration", ["4"], r"^ +1  # My machines")
        self.do(["e"], r" typing ")
        self.scene("configuration, with a mistake",
                   ["Down"] * 7 + ["End", "BSpace", "x"], r" 1 mistake ")
        s.keys("C-z", "C-z")
        s.wait_not(r" 1 mistake ")
        self.scene("configuration, what changes",
                   ["Home", "#"], r"^ +8  #cpus", ["C-s"], r"save this\?")
        s.keys("n")
        s.wait_not(r"save this\?")
        self.do(["Escape"], r"^ esc done", ["Escape"], r"^ e edit")
        s.keys("Escape")
        s.wait(r"drop what was changed")
        s.keys("y")
        s.wait(r"^ +8  cpus")

    def images(self):
        self.scene("images", ["5"], r"mv1\.img.* mv1")
        self.do(["1"], r"^[▸>][●*] build ")

    def dashboard(self):
        self.scene("dashboard", ["7"], r"^[▸>]\S build (─|-) running")
        self.do(["1"], r"^[▸>][●*] build  ")

    def log(self):
        self.scene("log", ["6"], r"97% full")
        self.scene("log of warnings", ["v"], r"97% full")
        self.s.wait_not(r"db: started")
        self.do(["v"], r"db: started")

    def forms(self):
        s = self.s
        self.home()
        self.scene("form", ["e"], r"name +build")
        self.do(["Down"], r"[▸>]memory", ["C-u"], r"memory +\* +512M")
        self.scene("form, a mistake", "12", r"memory +! 12")
        self.do(["C-u"], r"memory +\* +512M", "6G", r"memory +\* 6G")
        self.scene("form, what is saved", ["C-s"], r" save this\? ")
        s.keys("Escape")
        s.wait_not(r" save this\? ")
        self.scene("form, a choice", ["Enter"], r"take .*esc back")
        s.keys("Escape")
        s.wait(r"ctrl-s save")
        self.scene("form, left with changes", ["Escape"], r"is +lost")
        s.keys("y")
        s.wait_not(r"is +lost")
        self.scene("form of a new guest", ["n"], r" new guest ")
        s.keys("Escape")
        s.wait_not(r" new guest ")
        self.do(["G", "k", "k", "k"], r"^[▸>]\S mv1 ")
        self.scene("delete", ["d"], r"the definition only")
        self.scene("delete, with its disks", ["Down", "Enter"],
                   r"type the name of the guest:")
        s.keys("Escape")
        s.wait_not(r"type the name")
        self.home()


def scrubbed(place, text):
    """Without what differs from run to run, in as many columns."""
    name = os.path.basename(place.dir).split(".")[1]
    for n in range(len(name), 1, -1):
        text = text.replace("vmtui-tui." + name[:n],
                            "vmtui-tui." + "x" * n)
    return text


# What a letter below a character means.
KNOWN = {(1,): "b", (2,): "d", (7,): "r", (1, 7): "R", (4,): "u",
         (1, 31): "E", (31,): "e", (32,): "g", (33,): "y", (1, 33): "Y",
         (34,): "l", (35,): "m", (1, 35): "M", (36,): "c", (1, 36): "C",
         (1, 7, 36): "T", (1, 4): "U", (30, 43): "f", (1, 30, 45): "F"}
WORDS = {1: "bold", 2: "dim", 3: "italic", 4: "underlined", 7: "reverse"}
COLOURS = "black red green yellow blue magenta cyan white".split()


def named(look):
    return " ".join(
        WORDS.get(c) or ("on " if c >= 40 else "") + COLOURS[c % 10]
        for c in sorted(look))


def seen_of(char, look):
    """What can be seen of a look: of a blank its background only."""
    if char != " " or 7 in look:
        return look
    return frozenset(c for c in look if c == 4 or c >= 40)


class Picture:
    """A screen as text, lines of looks below those of characters."""

    def __init__(self, s, looks):
        self.s = s
        self.looks = looks
        self.letters = dict(KNOWN)
        self.used = {}

    def letter(self, look):
        key = tuple(sorted(look))
        if not key:
            return " "
        if key not in self.letters:
            rest = [c for c in "ABDGHIJKLNOPQSVWXZahijknopqstvwxz0123456789"
                    if c not in self.letters.values()]
            self.letters[key] = rest[0]
        self.used[self.letters[key]] = named(key)
        return self.letters[key]

    def take(self):
        raw = self.s.text("-e")
        y, x = self.s.cursor()
        seen = self.s.info("cursor_flag") == "1"
        plain, looks = look_of(raw)
        out = ["cursor: %s" % ("line %d, column %d" % (y + 1, x + 1)
                               if seen else "hidden")]
        at = 0
        for line in plain.rstrip("\n").split("\n"):
            out.append(("  " if self.looks else "") + line.rstrip())
            below = "".join(self.letter(seen_of(*both)) for both in zip(
                line, looks[at:at + len(line)])).rstrip()
            if self.looks and below:
                out.append(": " + below)
            at += len(line) + 1
        return "\n".join(scrubbed(self.s.place, line).rstrip()
                         for line in out) + "\n"

    def legend(self):
        return "".join("%s %s\n" % (c, self.used[c]) for c in sorted(
            self.used))


MARK = "=" * 20 + " "


def kept_before(path):
    """Name of a scene: its picture."""
    try:
        with open(path, encoding="utf-8") as f:
            parts = ("\n" + f.read()).split("\n" + MARK)[1:]
    except FileNotFoundError:
        return {}
    return dict(part.split("\n", 1) if "\n" in part else (part, "")
                for part in (p.rstrip("\n") + "\n" for p in parts))


class Gallery:
    """The pictures of one terminal: compared, or made anew."""

    def __init__(self, s, name, looks):
        self.s = s
        self.path = os.path.join(FOLDER, name + ".txt")
        self.picture = Picture(s, looks)
        self.before = kept_before(self.path)
        self.now = {}
        self.wrong = []

    def shows(self, s):
        """From now on on that screen."""
        self.s = self.picture.s = s

    def kept(self, name):
        if RENEW:
            self.s.settled()
            self.now[name] = self.picture.take()
            return
        # Once one differs, others may: a moment each is enough for those.
        deadline = time.monotonic() + (2 if self.wrong else PATIENCE)
        while True:
            self.now[name] = self.picture.take()
            if self.now[name] == self.before.get(name):
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        self.wrong += difflib.unified_diff(
            self.before.get(name, "").split("\n"),
            self.now[name].split("\n"), name + ", kept",
            name + ", now", lineterm="", n=2)

    def close(self):
        if RENEW:
            os.makedirs(FOLDER, exist_ok=True)
            if self.picture.looks:
                self.now["what the letters mean"] = self.picture.legend()
            with open(self.path, "w", encoding="utf-8") as f:
                for name, text in self.now.items():
                    f.write(MARK + name + "\n" + text)
        elif self.wrong:
            raise Failed("%s is another than it was; if it is better, renew "
                         "with `make golden` and look at what git diff "
                         "says:\n%s" % (os.path.relpath(self.path),
                                        "\n".join(self.wrong)))


def beginnings(place, gallery, size, env):
    """Without a guest; and with a file that somebody got wrong."""
    def begin(*args):
        place.again()
        place.backend("--config", place.path("vmtui.conf"), *args)
        return place.screen(size, env=env)

    place.write("vmtui.conf", "")
    gallery.shows(begin())
    gallery.s.wait(r"There is no guest yet")
    gallery.kept("first start")
    text = conf(place).replace("cpus", "cpsu", 1)
    line = text[:text.index("cpsu")].count("\n") + 1
    place.write("vmtui.conf", text)
    gallery.shows(begin(*GUESTS, "--mistake", "%s:%d: no key \"cpsu\" here" % (
        place.path("vmtui.conf"), line)))
    gallery.s.wait(r"^[▸>][●*] build ")
    gallery.s.keys("e")
    gallery.s.wait(r"^ +%d! cpsu" % line)
    gallery.kept("a file with a mistake, edited")


def walk(place, name, size, looks=False, env=None):
    place.env["TZ"] = "UTC"
    place.write("vmtui.conf", conf(place))
    for image in ("build.img", "mv1.img"):
        place.write(image, "x" * 4096)
        os.truncate(place.path(image), 1 << 30)
    for guest, text in (("", LOG), ("build", GUEST_LOG)):
        with open(os.path.join(place.env["VMTUI_RUNDIR"], "log." + guest),
                  "w", encoding="ascii") as f:
            f.write(text)
    place.backend(*GUESTS, "--switch", "local:vs-local:up:em9,vmt-build.0",
                  "--config", place.path("vmtui.conf"), "--still", "30", "--past",
                  "--up", str(UP))
    s = place.screen(size, env=env)
    s.wait(r"^ vmtui  odin")
    s.wait(r"^[▸>][●*] build ")
    if size[0] >= 100:
        s.wait(r"this is build")
    gallery = Gallery(s, name, looks)
    scenes = Scenes(s, gallery.kept)
    begin = time.monotonic()
    for part in (scenes.list, scenes.consoles, scenes.switches,
                 scenes.config, scenes.images, scenes.dashboard, scenes.log,
                 scenes.forms):
        part()
    beginnings(place, gallery, size, env)
    gallery.close()
    return "%d pictures in %.1f s" % (
        len(gallery.now), time.monotonic() - begin)


ASCII = {"VMTUI_ASCII": "1"}


def test_golden_utf8_80x24(place):
    return walk(place, "utf8-80x24", (80, 24))


def test_golden_utf8_120x40(place):
    return walk(place, "utf8-120x40", (120, 40))


def test_golden_utf8_200x50(place):
    return walk(place, "utf8-200x50", (200, 50))


def test_golden_ascii_80x24(place):
    return walk(place, "ascii-80x24", (80, 24), env=ASCII)


def test_golden_ascii_120x40(place):
    return walk(place, "ascii-120x40", (120, 40), env=ASCII)


def test_golden_ascii_200x50(place):
    return walk(place, "ascii-200x50", (200, 50), env=ASCII)


def test_golden_looks_256_colours(place):
    return walk(place, "looks-256", (100, 24), True,
                {"TERM": "tmux-256color"})


def test_golden_looks_8_colours(place):
    return walk(place, "looks-8", (100, 24), True, {"TERM": "screen"})


def test_golden_looks_without_colours(place):
    return walk(place, "looks-none", (100, 24), True, {"NO_COLOR": "1"})


def test_forms_are_read_without_colours(place):
    """The focus and a mistake are seen by more than a colour, with any."""
    for env in ({"TERM": "tmux-256color"}, {"TERM": "screen"},
                {"NO_COLOR": "1"}, {"NO_COLOR": "1", "VMTUI_ASCII": "1"}):
        if place.fake is not None:
            place.again()
        place.write("vmtui.conf", conf(place))
        place.backend(*GUESTS, "--config", place.path("vmtui.conf"))
        s = place.screen((80, 24), env=env)
        s.wait(r"^[▸>][●*] build ")
        s.keys("e")
        # The one row that is marked is the one one types into.
        s.wait(r"^[▸>]name +build")
        until(lambda: s.cursor()[0] == 2 and s.info("cursor_flag") == "1",
              "the cursor in the first field")
        s.wait_look(r"name", 1)
        s.keys("Down")
        s.wait(r"^[▸>]memory")
        s.wait_not(r"^[▸>]name")
        until(lambda: s.cursor()[0] == 3, "the cursor in the second field")
        s.keys("C-u")
        s.wait(r"memory +\* +512M")
        s.type("12")
        s.wait(r"^[▸>]memory +! 12")
        s.wait(r"did you mean 12M\?")
        if "NO_COLOR" in env:
            s.wait_look(r"did you mean 12M\?", 7)
            _, looks = look_of(s.text("-e"))
            if any(c >= 30 for look in looks for c in look):
                raise Failed("colours in\n%r" % s.text("-e"))
        # What is asked is asked in words, and a key answers it.
        s.keys("Escape")
        s.wait(r"is +lost  \[y/N\]")
        s.wait_look(r"is +lost", 1)
        s.keys("y")
        s.wait_not(r"lost")
        # What stands for a state is a glyph and a word, not a colour.
        s.wait(r"[✗x] test +crashed")
        s.wait(r"[◐=] dns +paused")
        s.wait(r"[○o] mv1 +stopped")
