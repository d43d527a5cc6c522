"""Guests that run: started, stopped, adopted, killed, watched."""

import os
import pty
import select
import signal
import subprocess
import termios
import time

from harness import KERNEL, PROMPT, check, need_kvm, until


def start(lab, *names):
    need_kvm()
    lab.configure("".join(lab.guest(name) for name in names))
    lab.ok("start", *names)


def prompt(lab, name):
    """Waits until the guest's own prompt is there."""
    lab.see(name, PROMPT)


def test_a_guest_starts_and_stops(lab):
    start(lab, "a")
    guest = lab.status("a")
    check(guest["state"] == "running" and guest["pid"] in lab.guests(), guest)
    check("running" in lab.ok("status", "-r"))
    check("already" in lab.fails("start", "a"))
    prompt(lab, "a")
    lab.ok("stop", "-w", "a")
    guest = lab.status("a")
    check(guest["state"] == "stopped" and guest["pid"] == 0, guest)
    lab.nothing_left()
    lab.ok("start", "a")
    lab.ok("stop", "-f", "a")
    check(lab.status("a")["state"] == "stopped")
    lab.nothing_left()


def vcpus_on(pid):
    """Where each vcpu's thread may run, by its name."""
    found = {}
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task)) as f:
            fields = dict(line.split(":", 1) for line in f)
        if fields["Name"].strip().startswith("vcpu"):
            found[fields["Name"].strip()] = \
                fields["Cpus_allowed_list"].strip()
    return found


def test_vcpus_are_pinned_to_the_cpus_that_the_host_has(lab):
    need_kvm()
    cpu = max(os.sched_getaffinity(0))
    lab.configure(lab.guest("a", "cpus = 3\npin = %d" % cpu) +
                  lab.guest("b", "pin = 0-1,1023") + lab.guest("c"))
    lab.ok("start", "a", "c")
    prompt(lab, "a")
    guest = lab.status("a")
    check(vcpus_on(guest["pid"]) ==
          {"vcpu%d" % n: str(cpu) for n in range(3)}, guest)
    check(guest["pin"] == [cpu], guest)
    words = "host's CPUs %d, %d, %d only" % (cpu, cpu, cpu)
    check(words in lab.ok("status", "a"), lab.ok("status", "a"))
    check("host's CPU" not in lab.ok("status", "c"))
    why = lab.fails("start", "b")
    check("b is pinned to CPU" in why and "change pin" in why, why)
    check(lab.status("b")["state"] == "stopped")


def test_all_at_once(lab):
    need_kvm()
    lab.configure("".join(lab.guest(n) for n in ("a", "b", "c")))
    lab.ok("start", "-a")
    check(len(lab.guests()) == 3)
    lab.ok("stop", "-f", "-a")
    lab.nothing_left()


def test_a_crash_has_a_reason(lab):
    start(lab, "a")
    prompt(lab, "a")
    lab.see("a", b"crashing", type=b"crash\r")
    result = lab.run("wait", "a")
    check(result.status == 1 and "triple fault" in result.err, result.err)
    guest = lab.status("a")
    check(guest["state"] == "crashed" and "triple fault" in guest["reason"])
    check("triple fault" in lab.ok("status"))
    lab.nothing_left()
    lab.ok("start", "a")
    check(lab.status("a")["reason"] == "")


def test_a_kvm_internal_error_leaves_the_registers(lab):
    start(lab, "a")
    prompt(lab, "a")
    lab.see("a", b"lost:", type=b"lost\r")
    result = lab.run("wait", "a")
    check(result.status == 1 and "KVM internal error" in result.err, result.err)
    guest = lab.status("a")
    check(guest["state"] == "crashed" and
          "cannot emulate" in guest["reason"], guest["reason"])
    text = lab.ok("log", "a")
    check("cpu 0: cs:rip 0008:00000000d0000000 flags" in text, text)
    check("cpu 0: ax d0000000 bx" in text and " r15 " in text, text)


def test_a_killed_process_is_a_crash(lab):
    start(lab, "a")
    os.kill(lab.status("a")["pid"], signal.SIGKILL)
    check(lab.run("wait", "a").status == 1)
    guest = lab.status("a")
    check(guest["state"] == "crashed" and "signal 9" in guest["reason"], guest)
    lab.nothing_left()


def test_pause_and_reset(lab):
    start(lab, "a")
    prompt(lab, "a")
    lab.ok("pause", "a")
    check(lab.status("a")["state"] == "paused")
    check("paused" in lab.fails("stop", "a"))
    lab.ok("unpause", "a")
    check(lab.status("a")["state"] == "running")
    lab.ok("reset", "a")
    until("a second boot", lambda: lab.see(
        "a", PROMPT).count("A whole machine") == 2, 20)


def test_a_new_backend_adopts_running_guests(lab):
    start(lab, "a", "b")
    prompt(lab, "a")
    lab.see("a", b"\nbefore", type=b"echo before the end\r")
    pids = sorted(lab.guests())
    lab.kill_backend()
    check(sorted(lab.guests()) == pids, "guests went with the backend")
    guest = lab.status("a")
    check(guest["state"] == "running" and guest["pid"] in pids, guest)
    check(guest["kernel"] == KERNEL and guest["memory"] == 32 << 20, guest)
    lab.see("a", b"before the end")
    check("already" in lab.fails("start", "a"))
    lab.ok("stop", "-f", "a")
    check(len(lab.guests()) == 1)
    os.kill(lab.status("b")["pid"], signal.SIGKILL)
    check(lab.run("wait", "b").status == 1)
    lab.nothing_left()


def test_sockets_of_guests_that_are_gone_are_removed(lab):
    start(lab, "a")
    lab.kill_backend()
    pid = lab.guests()[0]
    os.kill(pid, signal.SIGKILL)
    until("its end", lambda: not lab.guests())
    lab.path("run/guests/junk", b"")
    check(lab.status("a")["state"] == "crashed")
    check(lab.sockets() == ["junk"], lab.sockets())
    lab.ok("start", "a")


def test_a_guest_outlives_its_definition(lab):
    start(lab, "a", "b")
    lab.configure(lab.guest("b"))
    data = {g["name"]: g for g in lab.status()["guests"]}
    check(data["a"]["state"] == "running" and not data["a"]["defined"], data)
    lab.ok("stop", "-f", "a")
    check([g["name"] for g in lab.status()["guests"]] == ["b"])


def test_made_up_guests_come_and_go(lab):
    need_kvm()
    lab.path("link")
    os.symlink(KERNEL, lab.path("link"))
    lab.ok("start", "-m", "16M", "-b", "link", "-k", "a b", "t")
    guest = lab.status("t")
    check(guest["memory"] == 16 << 20 and not guest["defined"], guest)
    lab.ok("stop", "-f", "t")
    check(lab.status()["guests"] == [])
    lab.nothing_left()


def test_start_with_wait_and_console(lab):
    need_kvm()
    lab.configure(lab.guest("a"))
    console = lab.popen("start", "-c", "a", stdin=subprocess.PIPE)
    text = b""
    while PROMPT not in text:
        text += os.read(console.stdout.fileno(), 4096)
    out, _ = console.communicate(b"poweroff\r", timeout=60)
    check(b"switching off" in out and console.returncode == 0, out)
    until("its end", lambda: lab.status("a")["state"] == "stopped")
    waiter = lab.popen("start", "-w", "a")
    until("its start", lambda: lab.status("a")["state"] == "running")
    check(waiter.poll() is None)
    prompt(lab, "a")
    lab.ok("stop", "a")
    waiter.communicate(timeout=60)
    check(waiter.returncode == 0, waiter.returncode)


def test_a_guest_process_that_is_stuck_is_forced_off(lab):
    start(lab, "a", "b")
    os.kill(lab.status("a")["pid"], signal.SIGSTOP)
    before = time.monotonic()
    check(lab.status("b")["state"] == "running")
    lab.ok("stop", "-f", "a")
    check(time.monotonic() - before < 6)
    check(len(lab.guests()) == 1)


def test_a_guest_process_that_hangs_is_noticed_and_shown(lab):
    start(lab, "a", "b")
    lab.see("b", PROMPT)
    lab.see("b", b"hang", type=b"hang\r")  # a busy cpu is no hang
    pid = lab.status("a")["pid"]
    os.kill(pid, signal.SIGSTOP)
    lab.ok("status")
    guest = until("that it is noticed", lambda: [
        g for g in [lab.status("a")] if "does not answer" in g["reason"]],
        15)[0]
    check(guest["state"] == "running" and "stop -f a" in guest["reason"], guest)
    check(lab.status("b")["reason"] == "", "only its cpu is busy")
    os.kill(pid, signal.SIGCONT)
    until("that it is over", lambda: lab.status("a")["reason"] == "")
    lab.ok("stop", "-f", "b")


def test_an_adopted_process_that_is_stuck_is_forced_off(lab):
    start(lab, "a")
    pid = lab.guests()[0]
    os.kill(pid, signal.SIGSTOP)
    lab.kill_backend()
    guest = lab.status("a")
    check(guest["pid"] == pid and "not told" in guest["reason"], guest)
    os.kill(pid, signal.SIGCONT)
    until("its word", lambda: lab.status("a")["reason"] == "")
    os.kill(pid, signal.SIGSTOP)
    lab.ok("stop", "-f", "a")
    lab.nothing_left()


def test_waiting_tells_how_a_guest_ended(lab):
    need_kvm()
    waiter = lab.popen("start", "-w", "-m", "16M", "-b", KERNEL, "t")
    until("its start", lab.guests)
    until("its console", lambda: lab.status("t")["state"] == "running")
    prompt(lab, "t")
    lab.see("t", b"switching off", type=b"poweroff\r")
    check(waiter.communicate(timeout=60)[1] == b"")
    check(waiter.returncode == 0)
    waiter = lab.popen("start", "-w", "-m", "16M", "-b", KERNEL, "t")
    until("its start", lab.guests)
    until("its console", lambda: lab.status("t")["state"] == "running")
    prompt(lab, "t")
    lab.see("t", b"crashing", type=b"crash\r")
    check(b"triple fault" in waiter.communicate(timeout=60)[1])
    check(waiter.returncode == 1)
    check(lab.status("t")["state"] == "crashed")
    lab.ok("reload")
    check(lab.status()["guests"] == [])


def test_the_backends_end_shuts_guests_down(lab):
    start(lab, "a")
    prompt(lab, "a")
    pid = lab.backend()
    os.kill(pid, signal.SIGTERM)
    until("the end", lambda: pid not in lab.processes(), 20)
    lab.nothing_left()


def test_a_second_signal_forces_the_end(lab):
    start(lab, "a")
    prompt(lab, "a")
    lab.see("a", b"hang\r", type=b"hang\r")
    pid = lab.backend()
    os.kill(pid, signal.SIGTERM)

    def ending():
        with open(os.path.join(lab.state_dir, "log", "backend.log")) as f:
            return "ending: guests have 30 seconds" in f.read()
    until("the first was taken", ending)
    time.sleep(0.5)
    check(pid in lab.processes(), "it did not wait for its guest")
    os.kill(pid, signal.SIGTERM)
    until("the end", lambda: pid not in lab.processes(), 25)
    lab.nothing_left()


def test_enabled_guests_start_with_the_backend_but_not_after_a_kill(lab):
    need_kvm()
    lab.configure("[vmtui]\nstart-parallel = 2\nstart-delay = 1\n" + "".join(
        lab.guest(n, "enable = yes") for n in ("a", "b", "c")) +
        lab.guest("d"))
    lab.ok("status")
    until("three of them", lambda: len(lab.guests()) == 3)
    check(lab.status("d")["state"] == "stopped")
    lab.ok("stop", "-f", "a")
    lab.kill_backend()
    check(lab.status("a")["state"] == "stopped")
    time.sleep(0.5)
    check(lab.status("a")["state"] == "stopped", "started again")


def test_states_and_figures_reach_subscribers(lab):
    need_kvm()
    lab.configure(lab.guest("a"))
    lab.ok("status")
    wire = lab.wire()
    wire.ask("subscribe", figures=True)
    lab.ok("start", "a")
    states = [wire.event("GUEST_STATE")["state"] for _ in range(2)]
    check(states == ["starting", "running"], states)
    for _ in range(20):
        figures = wire.event("FIGURES")
        check(figures["host"]["cpus"] >= 1, figures)
        guest = (figures["guests"] or [{"cpu": None}])[0]
        if guest["cpu"] is not None and "exits" in guest:
            break
    check(guest["cpu"] is not None and guest["name"] == "a" and
          guest["memory_used"] > 0 and guest["threads"] > 1, guest)
    check(guest["exits"] >= 0 and guest["disk_read"] == 0, guest)
    past = wire.ask("history")["return"]["guests"]
    check([g["name"] for g in past] == ["a"] and
          len(past[0]["cpu"]) == len(past[0]["net_sent"]) ==
          len(past[0]["memory_used"]) > 0, past)
    check(0 < past[0]["memory_used"][-1] <= 64 << 20 and
          set(past[0]["memory_taken"]) == {0}, past)
    check("error" in wire.ask("history", name="nobody"))
    prompt(lab, "a")
    lab.ok("stop", "-w", "a")
    states = [wire.event("GUEST_STATE")["state"] for _ in range(2)]
    check(states == ["stopping", "stopped"], states)


def test_a_running_guest_nobody_watches_costs_no_wakeups(lab):
    start(lab, "a")
    prompt(lab, "a")
    lab.sleeps(lab.backend())


def test_two_consoles_see_the_same(lab):
    start(lab, "a")
    prompt(lab, "a")
    watcher = lab.popen("console", "a", stdin=subprocess.PIPE)
    watcher.stdin.write(b"echo it is there\r")
    watcher.stdin.flush()
    early = b""
    while b"\nit is there" not in early:
        early += os.read(watcher.stdout.fileno(), 4096)
    out = lab.ok("console", "a", text=b"echo twice\r")
    watcher.stdin.close()
    seen = watcher.stdout.read().decode()
    watcher.wait(60)
    check("twice" in out and "twice" in seen, out, seen)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, lab, *args):
        self.fd, self.tty = pty.openpty()
        self.before = termios.tcgetattr(self.tty)
        self.process = lab.popen(*args, stdin=self.tty, stdout=self.tty,
                                 stderr=self.tty, start_new_session=True)
        self.text = b""

    def expect(self, what, seconds=40):
        end = time.monotonic() + seconds
        while what not in self.text:
            check(time.monotonic() < end, "no", what, "in", self.text[-500:])
            if select.select([self.fd], [], [], 0.1)[0]:
                self.text += os.read(self.fd, 65536)

    def type(self, keys):
        os.write(self.fd, keys)

    def ends(self):
        """Its exit status; the terminal must be as it was."""
        def over():
            if select.select([self.fd], [], [], 0)[0]:
                self.text += os.read(self.fd, 65536)
            return self.process.poll() is not None
        until("the end of the console", over)
        after = termios.tcgetattr(self.tty)
        check(after[:4] == self.before[:4], "the terminal stayed raw")
        os.close(self.fd)
        os.close(self.tty)
        return self.process.returncode


def test_a_console_on_a_terminal_is_left_by_its_escapes(lab):
    start(lab, "a")
    prompt(lab, "a")
    for keys in (b"\x1d", b"~.", b"echo x~.y\r~."):
        tty = Terminal(lab, "console", "--history", "a")
        tty.expect(PROMPT)
        tty.type(keys)
        check(tty.ends() == 0)
        check(lab.status("a")["state"] == "running")
    tty = Terminal(lab, "console", "a")
    tty.expect(b"leave with")
    tty.type(b"\recho x~.y ~~\r")
    tty.expect(b"\nx~.y ~~")
    tty.type(b"~~~.\x7f\x7f\x7f\x1d")
    check(tty.ends() == 0)


def test_the_terminal_is_restored_whatever_ends_the_console(lab):
    start(lab, "a")
    prompt(lab, "a")
    for sig in (signal.SIGTERM, signal.SIGHUP):
        tty = Terminal(lab, "console", "a")
        tty.expect(b"leave with")
        time.sleep(0.1)
        tty.process.send_signal(sig)
        check(tty.ends() == -sig)
    tty = Terminal(lab, "console", "a")
    tty.expect(b"leave with")
    lab.ok("stop", "-f", "a")
    check(tty.ends() == 0)
