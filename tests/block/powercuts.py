"""Some 10,000 states after a power cut: powercut.c, one setup after another;
and some 1,000 in the middle of a command: toolcut.c."""

import os
import re

from images import Failure, ROOT, run

POWERCUT = os.path.join(ROOT, "build/asan/tests/block/powercut")
STATES = int(os.environ.get("POWERCUT_STATES", "10000"))
TOOLCUT = os.path.join(ROOT, "build/asan/tests/block/toolcut")
TOOL_STATES = int(os.environ.get("TOOLCUT_STATES", "1000"))
found = []  # (states, judged, resumed, leaky, dirty) of each setup


def power_cuts(folder, rng, name, states):
    seed = rng.randrange(1 << 40)
    out = run([POWERCUT, str(states), str(seed), name], ok=(0, 1))
    counts = re.findall(r"(\d+) states, (\d+) .*, (\d+) .*, (\d+) .*, (\d+)",
                        out)
    if not counts or "\nthe recorded" in out:
        raise Failure("powercut %d %d '%s'\n%s" % (states, seed, name, out))
    found.append([int(n) for n in counts[0]])


tools_found = []  # (states, judged, leaky)


def tool_cuts(folder, rng, name, states):
    seed = rng.randrange(1 << 40)
    out = run([TOOLCUT, str(states), str(seed), name], ok=(0, 1))
    counts = re.findall(r"(\d+) states, (\d+) judged .*, (\d+) with", out)
    if not counts or "\nthe recorded" in out:
        raise Failure("toolcut %d %d '%s'\n%s" % (states, seed, name, out))
    tools_found.append([int(n) for n in counts[0]])


def cases():
    names = run([POWERCUT, "-l"]).split("\n")[:-1]
    share = -(-STATES // len(names))
    commands = run([TOOLCUT, "-l"]).split("\n")[:-1]
    each = -(-TOOL_STATES // len(commands))
    return [("power cuts: " + n, power_cuts, n, share) for n in names] + [
        ("power cuts during a command: " + n, tool_cuts, n, each)
        for n in commands]


def report():
    if found:
        print("# %d states after a power cut, no corruption, every flushed "
              "byte right: %d judged by qemu-img as well, %d gone on with, %d "
              "with leaks, %d dirty" % tuple(map(sum, zip(*found))))
    if tools_found:
        print("# %d states after a power cut during resize, commit, rebase "
              "and check -r: no corruption, the same disk; %d judged and "
              "repaired by qemu-img, %d with leaks" % tuple(
                  map(sum, zip(*tools_found))))
