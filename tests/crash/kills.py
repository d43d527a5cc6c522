"""kill -9 of the backend, of guest processes and of clients."""

import os
import random
import signal
import socket
import statistics
import time

from harness import check, need_kvm, until
from load import Load

COUNT = 200
LEAST = 50  # on a host so slow that all of them would take
PATIENCE = 60  # more than these seconds; None: all, whatever it takes


def kills():
    """Counts them."""
    began = time.monotonic()
    for n in range(COUNT):
        if (PATIENCE is not None and n >= LEAST and
                time.monotonic() - began > PATIENCE):
            return
        yield n


def nap(most=0.12):
    time.sleep(random.random() * most)


def report(what, times, load):
    times = sorted(times)
    print("# %d kills of %s: back after %.0f ms (median), %.0f ms (most); %s"
          % (len(times), what, 1000 * statistics.median(times),
             1000 * times[-1], load.figures()), flush=True)


def refuses(lab):
    """A process that was killed listens until its last file is closed."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(os.path.join(lab.run_dir, "backend.sock"))
        return False
    except ConnectionRefusedError:
        return True
    finally:
        sock.close()


def test_backends_die_and_no_guest_does(lab):
    need_kvm()
    times = []
    with Load(lab, ["a", "b"], restless="c") as load:
        pids = {n: lab.status(n)["pid"] for n in load.names}
        for _ in kills():
            nap()
            lab.kill_backend()
            until("its socket's end", lambda: refuses(lab))
            start = time.monotonic()
            status = lab.status()
            times.append(time.monotonic() - start)
            for guest in status["guests"]:
                if guest["name"] in pids:
                    check(guest["pid"] == pids[guest["name"]] and
                          guest["state"] == "running", guest)
    report("the backend", times, load)
    load.settled()


def test_guest_processes_die_and_are_buried(lab):
    need_kvm()
    times = []
    with Load(lab, ["a", "b"], restless="c") as load:
        for _ in kills():
            nap()
            name = random.choice(load.names)
            os.kill(lab.status(name)["pid"], signal.SIGKILL)
            start = time.monotonic()
            lab.run("wait", name)
            guest = lab.status(name)
            check(guest["state"] == "crashed" and
                  "SIGKILL" in guest["reason"], guest)
            lab.ok("start", name)
            times.append(time.monotonic() - start)
    report("guest processes", times, load)
    load.settled()


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def test_clients_die_and_nobody_notices(lab):
    need_kvm()
    times = []
    clients = (["status"], ["status", "--json"], ["console", "a"],
               ["console", "b"], ["log", "-f"], ["start", "-w", "d"],
               ["stop", "-f", "d"], ["wait", "a"], ["pause", "b"],
               ["unpause", "b"])
    with Load(lab, ["a", "b"], restless="d") as load:
        backend = lab.backend()
        pids = {n: lab.status(n)["pid"] for n in load.names}
        held = [descriptors(p) for p in [backend] + list(pids.values())]
        for _ in kills():
            client = lab.popen(*random.choice(clients))
            nap()
            client.kill()
            client.communicate()
            start = time.monotonic()
            check("return" in lab.wire().ask("status"))
            times.append(time.monotonic() - start)
        check(lab.backend() == backend, "the backend is another one")
        lab.run("unpause", "b")
        for name in pids:
            check(lab.status(name)["pid"] == pids[name], name)
    report("clients", times, load)
    until("what the clients held is closed", lambda: all(
        descriptors(p) <= n + 2
        for p, n in zip([backend] + list(pids.values()), held)))
    load.settled()
