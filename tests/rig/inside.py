"""inside.py GROUP: runs one group of tests/rig/cases, inside the rig, as TAP.

A group is a file with a CONFIG (vmtui.conf, with {folder} for the lab's own
folder and {big} for as much memory as there can be), perhaps a VARIANT (which
build of vmtui; rel) and a prepare(lab), and test_ functions in the order they
run in; they take the Lab (linux.py). A test's name is the first line of its
docstring.
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

import linux  # noqa: E402
from linux import Failure, Skip  # noqa: E402


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


def failure(lab, why, said):
    """
    All that helps: what failed, what the guests and the backend say; but not
    what they said already when an earlier test failed.
    """
    text = str(why) if isinstance(why, Failure) else traceback.format_exc()
    if not lab:
        return text
    words = {f"{name}'s console ends with": linux.tail(console.text, 15)
             for name, console in lab.consoles.items()}
    words["the backend says"] = lab.logged()
    for who, what in words.items():
        if what not in said:
            text += f"\n{who}:\n{what}"
            said.append(what)
    return text


def main():
    group = sys.argv[1]
    module = load(group)
    tests = [f for name, f in vars(module).items() if name.startswith("test_")]
    binary = f"{TOP}/build/{getattr(module, 'VARIANT', 'rel')}/vmtui"

    def config(lab):
        if hasattr(module, "prepare"):
            module.prepare(lab)
        return module.CONFIG.format(folder=lab.folder, big=linux.big())

    lab = None
    try:
        lab = linux.Lab(binary, config)
    except Exception as why:  # whatever it is, it is the tests' failure
        text = failure(None, why, [])
        for test in tests:
            say(False, test.__doc__.split("\n")[0], text)
            text = "not run, as the first one"
        return 1
    failed, said = 0, []
    for test in tests:
        begin = time.monotonic()
        try:
            test(lab)
        except Skip as why:
            say(True, f"{test.__doc__.split(chr(10))[0]} # SKIP {why}")
        except Exception as why:
            failed += 1
            say(False, test.__doc__.split("\n")[0], failure(lab, why, said))
        else:
            say(True, test.__doc__.split("\n")[0])
        print(f"# {time.monotonic() - begin:.1f} s", flush=True)
    for line in lab.close(re.findall(r"^\[vm (\S+)\]", module.CONFIG, re.M)):
        print("# left behind: " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
