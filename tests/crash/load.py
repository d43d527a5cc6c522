"""Guests that work: consoles that print, disks that are written, one guest
that starts and stops, while a test kills what it likes."""

import json
import os
import random
import socket
import threading
import time

from harness import Failure, check, until

DISK = 1 << 20


def taps():
    return sorted(name for _, name in socket.if_nameindex() if name != "lo")


class Load:
    """A context: guests of the lab under load."""

    def __init__(self, lab, names, restless=None):
        self.lab = lab
        self.names = names
        self.restless = restless
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.bytes = self.fills = self.starts = self.refused = 0
        self.threads = []

    def define(self):
        text = ""
        net = os.geteuid() == 0
        if net:
            text += "[switch s]\ninterface = crash0\n"
        every = self.names + ([self.restless] if self.restless else [])
        for name in every:
            with open(self.lab.path(name + ".img"), "wb") as f:
                f.truncate(DISK)
            text += self.lab.guest(
                name, "disk = %s.img\n%s" % (
                    name, "interface = switch=s\n" if net else ""),
                memory="16M")
        self.lab.configure(text)

    def __enter__(self):
        self.define()
        self.before = taps()
        self.lab.ok("start", *self.names)
        for name in self.names:
            self.begin(self.work, name)
        if self.restless:
            self.begin(self.stir, self.restless)
        return self

    def begin(self, run, name):
        thread = threading.Thread(target=run, args=(name,), daemon=True)
        self.threads.append(thread)
        thread.start()

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(20)

    def work(self, name):
        """Types commands and reads what they print, through every crash."""
        while not self.over.is_set():
            try:
                wire = self.lab.wire()
                console = wire.console(name, history=False)
                wire.sock.close()
                console.settimeout(1)
                self.talk(console)
                console.close()
            except (OSError, Failure, ValueError):
                time.sleep(0.05)

    def talk(self, console):
        commands = ((b"flood 40\r", 0), (b"fill %d 8 7\r", 1))
        while not self.over.is_set():
            text, fill = random.choice(commands)
            if fill:
                text %= random.randrange(1000)
            console.sendall(text)
            seen = b""
            while b"vmtui> " not in seen and not self.over.is_set():
                data = console.recv(65536)
                if not data:
                    return
                seen = seen[-64:] + data
                with self.lock:
                    self.bytes += len(data)
            with self.lock:
                self.fills += fill

    def stir(self, name):
        """Starts and stops a guest over and over."""
        while not self.over.is_set():
            try:
                wire = self.lab.wire()
                while not self.over.is_set():
                    for command, args in (("start", {}),
                                          ("stop", {"force": True})):
                        answer = wire.ask(command, name=name, **args)
                        with self.lock:
                            self.starts += "return" in answer
                            self.refused += "error" in answer
                        time.sleep(random.random() * 0.05)
            except (OSError, Failure, json.JSONDecodeError):
                time.sleep(0.02)

    def settled(self):
        """The load is over: every guest is where it belongs."""
        lab = self.lab

        def fits():
            guests = lab.status()["guests"]
            running = {g["name"]: g["pid"] for g in guests if g["pid"]}
            states = {g["state"] for g in guests}
            return (states <= {"running", "stopped", "crashed"} and
                    sorted(lab.guests()) == sorted(running.values()) and
                    sorted(n[:-5] for n in lab.sockets()
                           if n.endswith(".sock")) == sorted(running) and
                    running)
        running = until("guests, processes and sockets that fit", fits, 20)
        check(set(self.names) <= set(running), "lost:", running)
        lab.ok("stop", "-f", "-a")
        lab.nothing_left()
        until("the taps' end", lambda: not [
            t for t in taps() if t != "crash0" and t not in self.before])

    def figures(self):
        return ("%d KB of console, %d disk writes, %d starts and stops, "
                "%d refused meanwhile" % (self.bytes // 1024, self.fills,
                                          self.starts, self.refused))
