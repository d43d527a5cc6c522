"""200 guests defined, 100 of them running: `status`, and an idle backend."""

import os
import signal
import statistics
import subprocess
import time

DEFINED = 200
RUNNING = 100
ROUNDS = 20
IDLE_S = 10


class Backend:
    """A backend of its own in a folder."""

    def __init__(self, folder, vmtui, kernel):
        self.vmtui = vmtui
        self.env = dict(os.environ, VMTUI_RUNDIR=folder + "/run",
                        VMTUI_STATEDIR=folder + "/state",
                        VMTUI_CONFIG=folder + "/vmtui.conf")
        with open(folder + "/vmtui.conf", "w") as f:
            for n in range(DEFINED):
                f.write(f"[vm g{n}]\nmemory = 64M\nkernel = {kernel}\n")
        self.run("status")
        with open(folder + "/run/backend.lock") as f:
            self.pid = int(f.read())

    def run(self, *args):
        subprocess.run([self.vmtui, *args], env=self.env, check=True,
                       stdout=subprocess.DEVNULL)

    def time(self, *args):
        start = time.monotonic()
        self.run(*args)
        return 1000 * (time.monotonic() - start)

    def end(self):
        for _ in range(2):  # the second signal forces guests off
            os.kill(self.pid, signal.SIGTERM)
            time.sleep(0.2)
        while os.path.exists(f"/proc/{self.pid}/fd"):
            time.sleep(0.05)


def rss_kib(pid):
    with open(f"/proc/{pid}/status") as f:
        return [int(x.split()[1]) for x in f if x.startswith("VmRSS")][0]


def measure(folder, vmtui, kernel, cpu_ms):
    backend = Backend(folder, vmtui, kernel)
    try:
        empty = statistics.median(backend.time("status")
                                  for _ in range(ROUNDS))
        start = time.monotonic()
        for n in range(0, RUNNING, 10):
            backend.run("start", *(f"g{i}" for i in range(n, n + 10)))
        took = time.monotonic() - start
        time.sleep(2)
        times = sorted(backend.time("status") for _ in range(ROUNDS))
        before = cpu_ms(backend.pid)
        for _ in range(ROUNDS):
            backend.run("status")
        each = (cpu_ms(backend.pid) - before) / ROUNDS
        time.sleep(1)
        before = cpu_ms(backend.pid)
        time.sleep(IDLE_S)
        idle = cpu_ms(backend.pid) - before
        print(f"many: {DEFINED} guests defined, {RUNNING} started in "
              f"{took:.1f} s\n"
              f"many: vmtui status {statistics.median(times):.1f} ms (median), "
              f"{times[-1]:.1f} ms (most), {empty:.1f} ms while none ran; "
              f"{each:.2f} ms of CPU in the backend\n"
              f"many: the idle backend {100 * idle / (1000 * IDLE_S):.3f} % of "
              f"a CPU, {rss_kib(backend.pid)} KiB")
    finally:
        backend.end()
