"""Debian guests under vmtui, for the groups of tests/rig/cases: a backend of
one's own (tests/guest/drive.py) and shells on its guests' consoles.
"""

import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE) + "/guest")

import drive  # noqa: E402
from drive import Failure, tail  # noqa: E402,F401

BOOT_LIMIT = 600
MOVE_LIMIT = 600
SH_LIMIT = 300  # a command on a host that has much else to do


class Skip(Exception):
    """The rig is too small for a test."""


class Linux(drive.Console):
    """The console of a Debian guest: a shell."""

    def login(self):
        self.expect(r"\S+# ", BOOT_LIMIT)
        self.sh("stty cols 999")

    def sh(self, command, timeout=SH_LIMIT, ok=True):
        """Runs a line of shell in the guest; what it prints."""
        self.type(f'echo "<"begin">"; {command}; echo "<"end $?">"\r')
        self.expect(r"<begin>\r*\n", timeout)
        start = self.seen
        found = self.expect(r"<end (\d+)>", timeout)
        text = self.text[start:self.seen - len(found.group())]
        text = text.replace("\r", "")
        if ok and found[1] != "0":
            raise Failure(f"{self.name}: `{command}` ended with {found[1]}:\n"
                          + text)
        return text

    def want(self, command, pattern, timeout=SH_LIMIT):
        """Runs a command whose output must match; the match."""
        text = self.sh(command, timeout, ok=False)
        found = re.search(pattern, text, re.M)
        if not found:
            raise Failure(f"{self.name}: `{command}` printed no /{pattern}/ "
                          "but:\n" + text)
        return found

    def no_error(self):
        """The kernel has said nothing of level error or worse."""
        text = self.sh("dmesg -r | grep '^<[0-3]>'", ok=False)
        if text.strip():
            raise Failure(f"{self.name}'s kernel said:\n" + text)


class Lab(drive.Lab):
    """A backend with Debian guests."""

    def start(self, name):
        """Starts a guest; its console at a shell."""
        self.launch(name)
        self.consoles[name].login()
        return self.consoles[name]

    def launch(self, name):
        """Starts a guest, and leaves it booting."""
        self.detach(name)
        self.vmtui("start", name)
        self.consoles[name] = Linux(self, name)

    def move(self, name):
        """Sends a guest to a file, and receives it from there."""
        path = self.path(name + ".guest")
        self.pipe("send", name, stdout=path)
        self.detach(name)
        self.pipe("receive", name, stdin=path)
        os.unlink(path)
        console = self.consoles[name] = Linux(self, name)
        console.type("\r")
        console.expect(r"\S+# ", SH_LIMIT)

    def pipe(self, command, name, stdin="/dev/null", stdout="/dev/null"):
        with open(stdin, "rb") as source, open(stdout, "wb") as sink:
            done = subprocess.run(
                [self.binary, command, name], env=self.env, stdin=source,
                stdout=sink, stderr=subprocess.PIPE, timeout=MOVE_LIMIT,
                check=False, text=True)
        if done.returncode != 0:
            raise Failure(f"vmtui {command} {name}: {done.stderr}")


def big():
    """The memory of a guest that is to have some above 4 GiB, if it can."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return "4G" if total > 4 << 30 else "256M"
