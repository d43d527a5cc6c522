"""All that a definition can have wrong: each is one sentence that names the
thing, the reason and what to do, and leaves the host as it was.
"""

import os
import re
import stat
import time

import broken
from badinput import as_nobody
from broken import MIB
from cases import SWITCHES, cases
from harness import KERNEL, Skip, check, need_kvm
from network import Net


class Host:
    """What there is on this host of a lab's: the same before and after."""

    def __init__(self, lab, net=None):
        self.lab, self.net = lab, net
        self.backend = lab.backend()

    def tree(self, top):
        found = {}
        for folder, folders, files in os.walk(top):
            for name in folders + files:
                path = os.path.join(folder, name)
                st = os.lstat(path)
                # The backend writes its own memory of what failed.
                size = st.st_size if top == self.lab.dir else 0
                found[path] = (stat.S_IFMT(st.st_mode), st.st_ino, size)
        return found

    def descriptors(self):
        folder = "/proc/%d/fd" % self.backend
        found = []
        for fd in os.listdir(folder):
            try:
                found.append(os.readlink(os.path.join(folder, fd)))
            except OSError:
                pass
        return sorted(found)

    def locks(self, files):
        inodes = {str(entry[1]) for entry in files.values()}
        with open("/proc/locks") as f:
            fields = [line.split()[1:] for line in f]
        # The kernel may show one twice while others' come and go.
        return sorted({" ".join(one) for one in fields
                       if one[-3].rsplit(":", 1)[-1] in inodes})

    def look(self):
        files = self.tree(self.lab.dir)
        return {
            "files": {path: entry for path, entry in files.items()
                      if not path.startswith(self.lab.state_dir) and
                      not path.endswith(("backend.err", "vmtui.conf"))},
            "state": sorted(p for p in files
                            if p.startswith(self.lab.state_dir)),
            "locks": self.locks(files),
            "processes": sorted(self.lab.processes()),
            "descriptors": self.descriptors(),
            "links": self.net.links() if self.net else {},
        }

    def rest(self):
        """What there is once the backend has taken in who came and went."""
        before = self.look()
        end = time.monotonic() + 10
        while True:
            time.sleep(0.3)
            now = self.look()
            if not is_same(before, now) or time.monotonic() > end:
                return now
            before = now

    def differs(self, before):
        """What is_same() says once all has come to rest."""
        end = time.monotonic() + 3
        while (why := is_same(before, self.look())) and time.monotonic() < end:
            time.sleep(0.1)
        return why


def is_same(before, after):
    """None, or what there is of which, that was not, or the reverse."""
    for what, was in before.items():
        now = after[what]
        if isinstance(was, dict):
            was, now = list(was.items()), list(now.items())
        if sorted(now) != sorted(was):
            return "%s: gone %s, come %s" % (
                what, [x for x in was if x not in now],
                [x for x in now if x not in was])
    return None


# A thing, a reason, and what to do now: a sentence has a remedy in it.
REMEDY = re.compile(
    r"\b(give|write|leave|put|correct|install|change|choose|add|create|copy|"
    r"make|run|stop|say|convert|shorten|repair|unpack|meant|did you mean|"
    r"take|name|load|turn|let|use|unmount|open|as its owner|is it|link|must|"
    r"at most|is the (most|least)|needs|cannot be plugged|is in one|such as|"
    r"vmtui status)\b")


def one_sentence(text, words):
    check("\n" not in text.strip("\n"), "more than one line:", text)
    for word in words:
        check(word in text, "no", repr(word), "in:", text)
    check(REMEDY.search(text), "no remedy in:", text)
    check("(null)" not in text, text)
    check(len(text) < 420, "a sentence, not a page:", text)


def hold(lab, net):
    """A guest that has a disk and a tap that others would like to have."""
    lab.path("held.img", bytes(MIB))
    os.link(lab.path("held.img"), lab.path("held-hard.img"))
    os.symlink("held.img", lab.path("held-soft.img"))
    lab.path("on-held.qcow2", broken.qcow2(backing="held.img", format="raw"))
    net.uplink("up0")
    net.uplink("named0")
    net.ip("link", "add", "br9", "type", "bridge")
    net.uplink("elsewhere")
    net.ip("link", "set", "elsewhere", "master", "br9")
    lab.configure(SWITCHES + lab.guest(
        "holder", "disk = held.img\ninterface = tap=taken"))
    lab.ok("start", "holder")


def prefix(lab):
    """A network and a file system that cannot be written, of one's own."""
    os.mkdir(lab.path("ro"))
    return ["unshare", "-nm", "sh", "-c",
            "mount -t tmpfs -o size=2m none ro && "
            "head -c 1048576 /dev/zero >ro/raw.img && "
            'mount -o remount,ro ro && exec "$@"', "sh"]


def section(i, text):
    return "[vm w%d]\n%s\n" % (i, text)


def test_whatever_is_wrong_is_a_sentence_and_leaves_nothing(lab):
    need_kvm()
    net = Net(lab, prefix(lab))
    hold(lab, net)
    every = cases(lab)
    text = SWITCHES + lab.guest("holder",
                                "disk = held.img\ninterface = tap=kept")
    text += "".join(section(i, case) for i, (case, _) in enumerate(every))
    lab.configure(text)
    lab.ok("check")
    lab.ok("reload")
    wire = lab.wire()
    wire.ask("status")
    host = Host(lab, net)
    before = host.rest()
    bad = []
    for i, (case, words) in enumerate(every):
        answer = wire.ask("start", name="w%d" % i)
        try:
            check("error" in answer, "it started")
            said = answer["error"]["desc"]
            one_sentence(said, words)
            if os.environ.get("SHOW"):
                print("# %s\n#    %s" % (case.replace("\n", " | "), said))
            why = host.differs(before)
            if why:
                before = host.rest()
            check(why is None, said, "\n", why)
        except Exception as reason:
            bad.append("%s\n  %s" % (case, reason))
    check(not bad, "\n" + "\n".join(bad))
    wire.sock.close()
    # All of them by the command: as many sentences, and it failed.
    names = ["w%d" % i for i in range(len(every))]
    result = lab.run("start", *names, timeout=120)
    lines = result.err.splitlines()
    check(result.status == 1 and len(lines) == len(names) and
          all(line.startswith("vmtui: ") for line in lines), result.err)


LONG = "x" * 33
SAME = "switch=lan, lladdr=02:00:00:00:00:01"

# A line of a guest's, and words of what is said of it.
LINES = [
    ("memory = lots", "512M"),
    ("memory = 17T", "16T is the most"),
    ("memory = 0", "2M is the least"),
    ("memory = 512", "did you mean 512M?"),
    ("memory = 2100000", "2M or 3M"),
    ("cpus = 65", "from 1 to 64"),
    ("cpus = 0", "from 1 to 64"),
    ("cpus = two", "from 1 to 64"),
    ("pin = 3-1", "write numbers"),
    ("pin = 4096", "from 0 to 1023"),
    ("kernel = ~other/bsd", "whole path"),
    ("initrd = ~other/initrd", "whole path"),
    ("boot = floppy", "disk, cdrom or net"),
    ("firmware = ~other/bios", "whole path"),
    ("firmware-log = loud", "write yes or no"),
    ("serial2 = /dev/ttyS1", "write yes or no"),
    ("disk = format=raw", "path of the image"),
    ("disk = a.img, format=vdi", "qcow2"),
    ("disk = a.img, format", "needs a value"),
    ("disk = a.img, cache=much", "unsafe"),
    ("disk = a.img, bus=ide", "virtio or scsi"),
    ("disk = a.img, size=1G", "no option"),
    ("disk = a.img, readonly=often", "write yes or no"),
    ("cdrom = ~other/x.iso", "whole path"),
    ("interface = lladdr=01:00:5e:00:00:01", "multicast", "must be even"),
    ("interface = lladdr=00:00:00:00:00:00", "zeroes"),
    ("interface = lladdr=02:00:00:00:00", "six pairs"),
    ("interface = tap=a/b", "network interface"),
    ("interface = tap=" + "t" * 16, "at most 15"),
    ("interface = wlan", "switch=wlan"),
    ("interface = switch=lan, local", "more than one"),
    ("interface = user, forward=tcp:0:22", "1 to 65535"),
    ("interface = switch=lan, forward=tcp:1:2", "user-mode"),
    ("enable = sometimes", "write yes or no"),
    ("restart = never", "on-failure"),
    ("owner = a b", "USER"),
    ("instance-of = 9", "a name is"),
    ("balloon = 1G", "write yes or no"),
    ("hugepages = 2M", "write yes or no"),
    ("allow = everything", "title, clipboard"),
]


def test_wrong_words_are_one_sentence_in_a_file_and_on_the_spot(lab):
    lab.configure("[switch lan]\n" + lab.guest("good"))
    lab.ok("status")
    wire = lab.wire()
    wire.ask("status")
    host = Host(lab)
    before = host.rest()
    lab.configure("[switch lan]\n" + lab.guest("good") + "".join(
        "[vm l%d]\n%s\n" % (i, line) for i, (line, *_) in enumerate(LINES)))
    result = lab.run("check")
    said = result.err.splitlines()
    check(result.status == 1 and len(said) == len(LINES), result.err)
    for i, (line, *words) in enumerate(LINES):
        start = "%s:%d: " % (lab.conf, 7 + 2 * i)
        check(said[i].startswith(start), line, said[i])
        one_sentence(said[i], words)
        # As somebody's own guest it is told the same.
        key, value = line.split(" = ", 1)
        answer = wire.ask("start", folder=lab.dir,
                          definition={"name": "spot", key: value})
        check("error" in answer, line, answer)
        check(answer["error"]["desc"] == "spot: " + said[i][len(start):],
              answer, said[i])
    # A file that is read again changes nothing, and the reason is told.
    result = lab.run("reload")
    check(result.status == 1 and said[0] in result.err, result.err)
    check([g["name"] for g in lab.status()["guests"]] == ["good"])
    lab.configure("[switch lan]\n" + lab.guest("good"))
    lab.ok("reload")
    why = host.differs(before)
    check(why is None, why)


# Whole files, the line that is wrong, and words.
FILES = [
    ("[vm %s]\n" % LONG, 1, "at most 32 letters"),
    ("[vm 9lives]\n", 1, "a name is a letter"),
    ("[vm a/b]\n", 1, "a name is a letter"),
    ("[vm ../../etc]\n", 1, "a name is a letter"),
    ("[vm ]\n", 1, "no name"),
    ("[vm a]\n[vm a]\n", 2, "choose another"),
    ("[vm a]\ninstance-of = b\n[vm b]\ninstance-of = a\n", 2, "circle"),
    ("[vm a]\ninstance-of = a\n", 2, "circle"),
    ("[vm a]\ninstance-of = gone\n", 2, "add [vm gone]"),
    ("[vm a]\ninterface = switch=gone\n", 2, "add [switch gone]"),
    ("[vm a]\n" + "".join("disk = %d\n" % i for i in range(17)), 18,
     "at most 16"),
    ("[vm a]\n" + "interface = locked\n" * 9, 10, "at most 8"),
    ("[vm a]\ndisk = a\ndisk = ./a\n", 3, "has that disk already"),
    ("[vm a]\n" + ("cmdline = " + "x" * 180 + "\n") * 23, 24, "longer than"),
    ("[vm a]\nkernel = " + "x" * 200 + "\n", 2, "199"),
    ("[switch lan]\n[vm a]\ninterface = %s\n[vm b]\ninterface = %s\n" % (
        SAME, SAME), 5, "choose another"),
    ("[vm a]\ninterface = tap=t\n[vm b]\ninterface = tap=t\n", 4, "choose"),
    ("[vm a]\nmemory = 1G\nmemory = 2G\n", 3, "leave one out"),
    ("[vm a]\nmemroy = 1G\n", 2, "memory"),
    ("[switch s]\ninterface = " + "s" * 16 + "\n", 2, "at most 15"),
    ("[switch s]\ninterface = br0\nadd = br0\n", 3, "cannot be plugged"),
    ("[switch s]\nadd = e/0\n", 2, "network interface"),
    ("[switch s]\nadd = e0\nadd = e0\n", 3, "once"),
    ("[switch s]\naddress = 10.0.0.1\n", 2, "10.0.0.1/24"),
    ("[switch s]\naddress = 10.0.0.0/24\n", 2, "host's own"),
    ("[switch s]\naddress = 300.0.0.1/24\n", 2, "not an IPv4"),
    ("[switch s]\nnat = yes\n", 2, "add address"),
    ("[switch s]\nlocked = maybe\n", 2, "write yes or no"),
    ("[switch s]\nenable = 2\n", 2, "write yes or no"),
    ("[switch %s]\n" % LONG, 1, "at most 32 letters"),
]


def test_a_wrong_file_is_read_by_nobody(lab):
    lab.configure(lab.guest("good"))
    lab.ok("status")
    wire = lab.wire()
    wire.ask("status")
    host = Host(lab)
    before = host.rest()
    for text, line, *words in FILES:
        lab.configure(text)
        answer = wire.ask("reload")
        said = answer["return"]["mistakes"]
        check(len(said) == 1 and
              said[0].startswith("%s:%d: " % (lab.conf, line)), text, said)
        one_sentence(said[0], words)
    check([g["name"] for g in lab.status()["guests"]] == ["good"])
    now = host.look()["processes"]
    check(before["processes"] == now, before["processes"], now)
    check(lab.run("check").status == 1)


# Options of vmtui start, the status it ends with, and words.
OPTIONS = [
    (["-m", "1T"], 1, "this host has"),
    (["-m", "x"], 1, "memory = x"),
    (["-p", "65"], 1, "from 1 to 64"),
    (["-p", "-1"], 1, "from 1 to 64"),
    (["-b", "."], 1, "folder"),
    (["-b", "x" * 300], 1, "kernel ="),
    (["-b", "x" * 5000], 1, "too long"),
    (["-I", "gone"], 1, "initrd"),
    (["-k", "x" * 5000], 1, "cmdline", "4095"),
    (["-d", "gone"], 1, "vmtui create"),
    (["-d", "x" * 300], 1, "too long"),
    (["-d", "a", "-d", "a"], 1, "already"),
    (["-d", "a.img,b.img"], 1, "in quotes"),
    ([x for i in range(17) for x in ("-d", "d%d" % i)], 1, "at most 16"),
    (["-r", "."], 1, "folder"),
    (["-r", "gone.iso"], 1, "gone.iso"),
    (["-B", "tape"], 1, "disk, cdrom or net"),
    (["-B", "net"], 1, "interface"),
    (["-n", "gone"], 1, "add [switch gone]"),
    (["-n", "a b"], 1, "a name is"),
    ([x for i in range(9) for x in ("-n", "lan")], 1, "at most 8"),
    (["-t", "gone"], 1, "gone"),
    (["-t", "9"], 1, "a name is"),
    (["-i", "100"], 2, "0 to 8"),
    (["-i", "x"], 2, "0 to 8"),
]


def test_wrong_options_are_one_sentence_each(lab):
    need_kvm()
    lab.configure("[switch lan]\n[vm defined]\nkernel = /k\n")
    lab.ok("status")
    host = Host(lab)
    before = host.rest()
    for options, status, *words in OPTIONS + [
            ([], 1, "at most 32")]:
        kernel = [] if "-b" in options else ["-b", KERNEL]
        name = "spot" if options else LONG
        result = lab.run("start", *options, *kernel, name)
        check(result.status == status, options, result.status, result.err)
        said = result.err
        check(said.startswith("vmtui: ") and said.count("\n") == 1, said)
        one_sentence(said if len(said) < 400 else said[:200] + said[-200:],
                     words)
    why = host.differs(before)
    check(why is None, why)
    check([g["name"] for g in lab.status()["guests"]] == ["defined"])


def test_addresses_of_guests_that_run_are_not_given_twice(lab):
    need_kvm()
    net = Net(lab)
    lab.configure("[switch lan]\n" + lab.guest("a", "interface = " + SAME))
    lab.ok("start", "a")
    before, wire = net.links(), lab.wire()
    for nics, words in (([SAME], ["that of a", "lladdr="]),
                        ([SAME.replace(":01", ":02")] * 2, ["interface 1"])):
        answer = wire.ask("start", folder=lab.dir, definition={
            "name": "spot", "kernel": KERNEL, "memory": "32M",
            "interface": nics})
        check("error" in answer, answer)
        one_sentence(answer["error"]["desc"], words)
    check(net.links() == before, net.links())
    check(len(lab.guests()) == 1)


def test_whoever_may_not_is_told_what_to_do(lab):
    need_kvm()
    if not os.path.exists("/dev/net/tun"):
        raise Skip("no /dev/net/tun")
    # Not so much as an interface of the host's own is in reach.
    as_nobody(lab, ["unshare", "-nm", "sh", "-c",
                    "mknod -m 666 kvm c 10 232 && "
                    "mount --bind kvm /dev/kvm && "
                    "mknod -m 666 tun c 10 200 && "
                    "mount --bind tun /dev/net/tun && "
                    "ip tuntap add dev theirs mode tap user 1 && "
                    'exec "$@"', "sh"])
    tests = []
    for name in ("kernel", "initrd", "disk", "cdrom", "firmware"):
        os.chmod(lab.path(name, bytes(MIB)), 0)
        lines = "%s = %s" % (name, name)
        if name == "firmware":
            lines += "\ndisk = open"
        elif name != "kernel":
            lines += "\nkernel = " + KERNEL
        tests.append((lines, name))
    os.chmod(lab.path("open", bytes(MIB)), 0o666)
    tests.append(("kernel = %s\ninterface = tap=mine" % KERNEL, "mine"))
    tests.append(("kernel = %s\ninterface = tap=theirs" % KERNEL,
                  "theirs is another user's"))
    tests.append(("kernel = %s\ninterface = switch=lan" % KERNEL, "lan"))
    lab.configure("[switch lan]\n" + "".join(
        section(i, text) for i, (text, _) in enumerate(tests)))
    lab.ok("status")
    lab.wire().ask("switches")
    host = Host(lab)
    before = host.rest()
    for i, (text, word) in enumerate(tests):
        said = lab.fails("start", "w%d" % i)
        one_sentence(said, [word])
        check("ermission" in said or "may not be opened" in said or
              "another user's" in said, said)
    why = host.differs(before)
    check(why is None, why)
