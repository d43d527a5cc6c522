"""inside.py GROUP: runs one group of tests/rig/cases, inside the rig, as TAP.

A group is a file with a CONFIG (vmtui.conf, with {folder} for the lab's own
folder), perhaps a VARIANT (which build of vmtui; rel) and a prepare(lab), and
test_ functions in the order they run in; they take the Lab. A test's name is
the first line of its docstring. The guests are Debian kernels with the
initramfs of tests/lib, driven over `vmtui console`.
"""

import importlib.util
import os
import re
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, TOP + "/tests/guest")

import drive  # noqa: E402
from drive import Failure  # noqa: E402

BOOT_LIMIT = 120


class Linux(drive.Console):
    """The console of a Debian guest: a shell."""

    def login(self):
        self.expect(r"\S+# ", BOOT_LIMIT)
        self.sh("stty cols 999")

    def sh(self, command, timeout=60, ok=True):
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

    def want(self, command, pattern, timeout=60):
        """Runs a command whose output must match; the match."""
        text = self.sh(command, timeout, ok=False)
        found = re.search(pattern, text, re.M)
        if not found:
            raise Failure(f"{self.name}: `{command}` printed no /{pattern}/ "
                          "but:\n" + text)
        return found


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


def load(group):
    spec = importlib.util.spec_from_file_location(
        group, f"{HERE}/cases/{group}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def say(ok, name, why=""):
    for line in why.rstrip().split("\n") if why else ():
        print("# " + line)
    print(f"{'ok' if ok else 'not ok'} - {name}", flush=True)


def failure(lab, why):
    """All that helps: what failed, what the guests and the backend say."""
    text = str(why) if isinstance(why, Failure) else traceback.format_exc()
    if lab:
        for name, console in lab.consoles.items():
            text += f"\n{name}'s console ends with:\n"
            text += drive.tail(console.text, 15)
        text += "\nthe backend says:\n" + lab.logged()
    return text


def main():
    group = sys.argv[1]
    module = load(group)
    tests = [f for name, f in vars(module).items() if name.startswith("test_")]
    binary = f"{TOP}/build/{getattr(module, 'VARIANT', 'rel')}/vmtui"

    def config(lab):
        if hasattr(module, "prepare"):
            module.prepare(lab)
        return module.CONFIG.format(folder=lab.folder)

    lab = None
    try:
        lab = Lab(binary, config)
    except Exception as why:  # whatever it is, it is the tests' failure
        text = failure(None, why)
        for test in tests:
            say(False, test.__doc__.split("\n")[0], text)
            text = "not run, as the first one"
        return 1
    failed = 0
    for test in tests:
        begin = time.monotonic()
        try:
            test(lab)
        except Exception as why:
            failed += 1
            say(False, test.__doc__.split("\n")[0], failure(lab, why))
        else:
            say(True, test.__doc__.split("\n")[0])
        print(f"# {time.monotonic() - begin:.1f} s", flush=True)
    for line in lab.close(re.findall(r"^\[vm (\S+)\]", module.CONFIG, re.M)):
        print("# left behind: " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
