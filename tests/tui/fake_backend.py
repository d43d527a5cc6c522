#!/usr/bin/env python3
"""fake_backend.py: a backend without guests, for tests of the screen.

Speaks backend/proto/proto.h on $VMTUI_RUNDIR/backend.sock. Its guests are
names with a state; their consoles are a toy shell that prints what a test
wants to see, and keeps what was typed in $VMTUI_RUNDIR/typed.NAME (of hvc0
in typed.NAME.hvc0), and the sizes that hvc0 was given in size.NAME.

    fake_backend.py [--guest NAME[:STATE[:CPUS[:MEMORY[:REASON]]]]]...
        [--cdrom NAME=DISC]... [--many N] [--hold] [--hold-all] [--delay SECONDS]
        [--refuse COMMAND=SENTENCE] [--mistake TEXT]... [--idle]
        [--config PATH] [--steady] [--past]

What it was asked stands in $VMTUI_RUNDIR/requests, a line each: the command
and its arguments. SIGUSR1 drops all its clients. Prints "ready" when it listens.
"""
import argparse
import array
import functools
import json
import os
import selectors
import signal
import socket
import sys
import time

GIB = 1 << 30


class Console:
    """One client's stream into a guest's console: a toy shell."""

    def __init__(self, guest, history, port="ttyS0"):
        ours, self.theirs = socket.socketpair()
        ours.setblocking(False)
        self.sock = ours
        self.guest = guest
        self.port = port
        self.past = guest.history if port == "ttyS0" else guest.virtio
        self.line = b""
        self.out = bytearray()
        self.endless = False
        if history:
            self.out += self.past
        else:
            self.out += guest.prompt()

    def say(self, data):
        self.past += data
        self.out += data

    def command(self, words):
        g = self.guest
        if words[0] == "flood":
            n = int(words[1])
            for i in range(n):
                self.say(b"flood line %d of %d\r\n" % (i, n))
        elif words[0] == "endless":
            self.endless = True
        elif words[0] == "colours":
            for i in range(256):
                self.say(b"\033[48;5;%dm \033[0m" % i)
                if i % 64 == 63:
                    self.say(b"\r\n")
            self.say(b"\033[1mbold\033[0m \033[4munder\033[0m "
                     b"\033[7mreverse\033[0m \033[31mred\033[0m "
                     b"\033[38;2;255;128;0mtrue\033[0m\r\n")
        elif words[0] == "evil":
            # What must never reach the person's own terminal.
            self.say(b"\033]0;owned\007\033]52;c;ZXZpbA==\007\033[?1049h"
                     b"\033[?1000h\033[5i\033P+q\033\\\x0e\x9b31mEVIL\x0f"
                     b"\033[2J\033[Hafter evil\r\n")
        elif words[0] == "wide":
            self.say("日本語 e\u0301 \u200b\u202e|\r\n".encode())
        elif words[0] == "print":
            self.say(" ".join(words[1:]).encode() + b"\r\n")
        elif words[0] == "raw":
            self.say(bytes.fromhex(words[1]))
        elif words[0] == "later":
            data = bytes.fromhex(words[2])
            self.guest.backend.later.append((
                time.monotonic() + float(words[1]), lambda: self.say(data)))
        elif words[0] == "exit":
            g.set("stopped")
            return False
        elif words[0] == "crash":
            g.set("crashed", "triple fault at 0xffffffff81000123")
            return False
        else:
            self.say(b"%s: what?\r\n" % words[0].encode())
        return True

    def typed(self, data):
        name = "typed." + self.guest.name
        if self.port != "ttyS0":
            name += "." + self.port
        with open(self.guest.backend.path(name), "ab") as f:
            f.write(data)
        for b in data:
            c = bytes([b])
            if c in b"\r":
                self.say(b"\r\n")
                words = self.line.decode(errors="replace").split()
                self.line = b""
                if words and not self.command(words):
                    return
                self.say(self.guest.prompt())
            elif c == b"\x03":
                self.endless = False
                self.say(b"^C\r\n" + self.guest.prompt())
            elif c in b"\x7f":
                if self.line:
                    self.line = self.line[:-1]
                    self.say(b"\b \b")
            elif b >= 32:
                self.line += c
                self.say(c)

    def pump(self):
        if self.endless and len(self.out) < 65536:
            n = int(time.monotonic() * 1000)
            self.out += b"".join(
                b"endless %d %d\r\n" % (n, i) for i in range(2000))
        if self.out:
            try:
                n = self.sock.send(self.out[:65536])
                del self.out[:n]
            except BlockingIOError:
                pass
            except OSError:  # gone: the reader finds that out
                self.endless = False
                self.out.clear()

    def wants_write(self):
        return bool(self.out) or self.endless


class Guest:
    def __init__(self, backend, name, state="stopped", cpus="1",
                 memory="512", reason=""):
        self.backend = backend
        self.name = name
        self.cpus = int(cpus)
        self.memory = int(memory) << 20
        self.pid = 0
        self.consoles = []
        self.history = bytearray()
        self.virtio = bytearray()
        self.tick = sum(name.encode())
        self.used = 7 * self.cpus
        self.size, self.sizes = (0, 0), {}  # hvc0's, and who said what
        self.defined = True
        discs = [c.split("=")[1] for c in backend.args.cdrom
                 if c.split("=")[0] == name]
        self.locked = "locked" in discs
        self.disc = "/iso/locked.iso" if self.locked else "".join(discs)
        self.drive = bool(discs)
        self.state, self.reason = "stopped", ""
        self.set(state, reason, tell=False)
        self.since -= backend.args.up

    def prompt(self):
        return b"%s$ " % self.name.encode()

    def set(self, state, reason="", tell=True):
        up = ("running", "paused", "stopping", "starting")
        if state in up and self.state not in up:
            self.pid = self.backend.next_pid()
            self.history = bytearray(
                b"this is " + self.name.encode() + b"\r\n" + self.prompt())
            self.virtio = bytearray(
                b"hvc0 of " + self.name.encode() + b"\r\n" + self.prompt())
        self.state, self.reason = state, reason
        self.since = int(time.time())
        if state not in up:
            self.pid = 0
            self.size, self.sizes = (0, 0), {}
            for c in self.consoles:
                self.backend.drop_console(c)
            self.consoles = []
        if tell:
            self.backend.event("GUEST_STATE", self.json())

    def cpu(self):
        if not self.backend.args.steady:
            self.tick += 1
        self.used = (self.tick * 37 % 97) * self.cpus
        return self.used

    def rates(self, tick=None):
        """A second's work; with --steady that of every second is one."""
        n = self.tick if tick is None else tick
        if self.backend.args.steady:
            n = len(self.name)
        return {"exits": n * 53 % 2900, "disk_read": n * 4099 % 90000,
                "disk_written": n * 65521 % 1500000,
                "net_received": n * 911 % 30000, "net_sent": n * 77 % 900}

    def past(self):
        """Of four minutes, as the history has it."""
        each = [dict(self.rates(i), cpu=i * 37 % 97 * self.cpus)
                for i in range(240)]
        return dict({k: [one[k] for one in each] for k in each[0]},
                    memory_used=[self.memory * (20 + i // 12) // 100
                                 for i in range(240)],
                    memory_taken=[self.taken() * (i // 60) // 3
                                  for i in range(240)], name=self.name)

    def taken(self):
        """By its balloon; one large enough has one."""
        return self.memory // 4 if self.memory >= 8 * GIB else 0

    def balloon(self):
        return {"balloon": {"taken": self.taken()}} if self.taken() else {}

    def json(self):
        up = self.pid != 0
        return {
            "name": self.name, "state": self.state, "reason": self.reason,
            "since": self.since, "memory": self.memory, "cpus": self.cpus,
            "allow": self.backend.allowed(self.name),
            "rows": self.size[0], "cols": self.size[1],
            "pid": self.pid or None, "cpu": self.used if up else None,
            "memory_used": self.memory // 3 if up else 0,
            "defined": self.defined, "kernel": "/boot/vmlinuz",
            "disks": [{"path": "/vmm/%s.img" % self.name}],
            "nics": [{"tap": "vmt-%s.0" % self.name, "switch": "local",
                      "lladdr": "00:20:91:00:00:01"}],
            "cdrom": {"path": self.disc, "open": False,
                      "locked": self.locked} if self.drive else None,
        }


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.buf = b""
        self.figures = False
        self.subscribed = False


class Backend:
    def __init__(self, args):
        self.args = args
        self.sel = selectors.DefaultSelector()
        self.clients = []
        self.consoles = []
        self.later = []  # (when, function)
        self.held = []  # functions, until there is a file "go"
        self.pid = 1000
        self.guests = [Guest(self, *g.split(":", 4)) for g in args.guest]
        self.guests += [Guest(self, "guest%d" % i,
                              ("running", "stopped", "paused")[i % 3])
                        for i in range(1, args.many + 1)]
        path = self.path("backend.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.listen = socket.socket(socket.AF_UNIX)
        self.listen.bind(path)
        self.listen.listen(16)
        self.sel.register(self.listen, selectors.EVENT_READ, None)

    @staticmethod
    def path(name):
        return os.path.join(os.environ["VMTUI_RUNDIR"], name)

    def next_pid(self):
        self.pid += 1
        return self.pid

    def host(self):
        cpu = 23 if any(g.pid for g in self.guests) else 1
        return {"name": "odin", "cpus": 8, "memory": 31 * GIB,
                "memory_used": 9 * GIB, "cpu": cpu}

    def allowed(self, name):
        for words in self.args.allow:
            if words.startswith(name + "="):
                return words.split("=")[1].split(",")
        return []

    def find(self, name):
        return next((g for g in self.guests if g.name == name), None)

    def send(self, client, msg, fds=()):
        data = (json.dumps(msg) + "\n").encode()
        try:
            if fds:
                client.sock.sendmsg([data], [(
                    socket.SOL_SOCKET, socket.SCM_RIGHTS,
                    array.array("i", fds))])
            else:
                client.sock.sendall(data)
        except OSError:
            self.drop(client)

    def event(self, name, data):
        now = time.time()
        for c in list(self.clients):
            if c.subscribed and (name != "FIGURES" or c.figures):
                self.send(c, {"event": name, "data": data, "timestamp": {
                    "seconds": int(now), "microseconds": 0}})

    def settle(self, g):
        """hvc0 is as large as the largest pane, as tui/size.h has it."""
        best = max(g.sizes.values(), default=(0, 0) + g.size)[2:]
        if best != g.size:
            g.size = best
            self.event("GUEST_STATE", g.json())

    def drop(self, client):
        if client in self.clients:
            for g in self.guests:
                g.sizes.pop(client, None)
            self.clients.remove(client)
            self.sel.unregister(client.sock)
            client.sock.close()
            for g in self.guests:
                self.settle(g)

    def drop_console(self, console):
        if console in self.consoles:
            self.consoles.remove(console)
            self.sel.unregister(console.sock)
            try:  # the last words, as far as they fit
                console.sock.send(console.out)
            except OSError:
                pass
            console.sock.close()

    def request(self, client, msg):
        name, args = msg.get("execute"), msg.get("arguments") or {}
        for refusal in self.args.refuse:
            command, sentence = refusal.split("=", 1)
            if command == name:
                self.error(client, msg, sentence)
                return
        with open(self.path("requests"), "a", encoding="ascii") as f:
            f.write("%s %s\n" % (name, json.dumps(args)))
        if self.args.hold_all and not os.path.exists(self.path("go")):
            self.held.append(lambda: self.execute(client, msg, name, args))
        elif self.args.delay:
            self.later.append((time.monotonic() + self.args.delay,
                               lambda: self.execute(client, msg, name, args)))
        elif name in ("start", "stop", "pause", "unpause", "reset") and \
                self.args.hold:
            self.held.append(lambda: self.execute(client, msg, name, args))
        else:
            self.execute(client, msg, name, args)

    def error(self, client, msg, text):
        self.send(client, {"error": {"class": "GenericError", "desc": text},
                           "id": msg.get("id")})

    def execute(self, client, msg, name, args):
        ret, fds, after = {}, [], None
        if name == "status":
            ret = {"host": self.host(), "config": {
                "path": self.args.config, "mistakes": self.args.mistake},
                "guests": [g.json() for g in self.guests]}
        elif name == "subscribe":
            client.subscribed = True
            client.figures = args.get("figures", False)
        elif name == "history":
            ret = {"guests": [g.past() for g in self.guests
                              if g.pid and self.args.past]}
        elif name == "reload":
            ret = {"mistakes": self.args.mistake}
        elif name == "version":
            ret = {"version": "fake", "pid": os.getpid(),
                   "config": self.args.config}
        elif name == "reset-switches":
            ret = {}
        elif name == "switches":
            # NAME:INTERFACE:STATE:MEMBER,MEMBER; MEMBER=ADDRESS... for who
            # is heard there
            ret = {"switches": [
                dict(zip(("name", "interface", "state"), words[:3]),
                     members=[m.split("=")[0]
                              for m in words[3].split(",") if m],
                     stations=[{"member": m.split("=")[0],
                                "lladdr": "00:20:91:00:00:01",
                                "address": a}
                               for m in words[3].split(",")
                               for a in m.split("=")[1:]])
                for words in (s.split(":") for s in self.args.switch)]}
        elif name == "log":
            # Made if need be; a test writes into it.
            path = self.path("log." + args.get("name", ""))
            fds = [os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)]
            after = functools.partial(os.close, fds[0])
        else:
            g = self.find(args.get("name"))
            if g is None:
                self.error(client, msg, "no guest is called %s"
                           % args.get("name"))
                return
            if name == "console":
                if not g.pid:
                    self.error(client, msg, "%s is not running" % g.name)
                    return
                console = Console(g, args.get("history"),
                                  args.get("port", "ttyS0"))
                g.consoles.append(console)
                self.consoles.append(console)
                self.sel.register(console.sock, selectors.EVENT_READ,
                                  console)
                fds = [console.theirs.fileno()]
                after = console.theirs.close
            elif name == "console-size":
                if "rows" in args:
                    g.sizes[client] = (args.get("port") == "hvc0",
                                       args["rows"] * args["cols"],
                                       args["rows"], args["cols"])
                else:
                    g.sizes.pop(client, None)
                self.settle(g)
                with open(self.path("size." + g.name), "a",
                          encoding="ascii") as f:
                    if "rows" in args:
                        f.write("%d %d\n" % (args["rows"], args["cols"]))
            elif name == "start":
                g.set("starting")
                g.set("running")
            elif name == "stop" and args.get("force"):
                g.set("stopped")
            elif name == "stop":
                g.set("stopping")
                if self.args.hold_stop:
                    self.held.append(lambda: g.set("stopped"))
                else:
                    self.later.append((time.monotonic() + 0.1,
                                       lambda: g.set("stopped")))
            elif name == "pause":
                g.set("paused")
            elif name == "unpause":
                g.set("running")
            elif name == "reset":
                g.set("running")
            elif name in ("insert", "eject"):
                if g.locked and not args.get("force"):
                    self.error(client, msg, "its system has locked it")
                    return
                g.disc = args.get("path", "")
                self.event("GUEST_STATE", g.json())
            else:
                self.error(client, msg, "no command %s" % name)
                return
        answer = {"return": ret, "id": msg.get("id")}
        if fds:
            answer["fds"] = len(fds)
        self.send(client, answer, fds)
        if after:
            after()
        if name == "status":
            for _ in range(self.args.still):
                self.figures(still=True)

    def readable(self, who):
        if who is None:
            sock, _ = self.listen.accept()
            client = Client(sock)
            self.clients.append(client)
            self.sel.register(sock, selectors.EVENT_READ, client)
            return
        try:
            data = who.sock.recv(65536)
        except OSError:
            data = b""
        if isinstance(who, Console):
            if data:
                who.typed(data)
            else:
                self.drop_console(who)
            return
        if not data:
            self.drop(who)
            return
        who.buf += data
        while b"\n" in who.buf:
            line, who.buf = who.buf.split(b"\n", 1)
            self.request(who, json.loads(line))

    def figures(self, still=False):
        silent = (self.args.idle or self.args.still) and not still
        if silent or not any(g.pid for g in self.guests):
            return
        self.event("FIGURES", {"host": self.host(), "guests": [
            dict(g.rates(), name=g.name, cpu=g.cpu(), threads=7,
                 memory_used=g.memory // 3, **g.balloon())
            for g in self.guests if g.pid]})

    def say_asked(self):
        """What a test put into say.NAME, the guest prints by itself."""
        for g in self.guests:
            path = self.path("say." + g.name)
            if os.path.exists(path):
                with open(path, "rb") as f:
                    data = f.read()
                os.unlink(path)
                g.history += data
                for c in g.consoles:
                    c.out += data

    def drop_clients(self):
        for c in list(self.clients):
            self.drop(c)

    def run(self):
        next_figures = time.monotonic() + 1
        while True:
            now = time.monotonic()
            if now >= next_figures:
                self.figures()
                next_figures = now + 1
            for item in [i for i in self.later if i[0] <= now]:
                self.later.remove(item)
                item[1]()
            self.say_asked()
            while self.held and os.path.exists(self.path("go")):
                self.held.pop(0)()
            for c in list(self.consoles):
                c.pump()
                self.sel.modify(c.sock, selectors.EVENT_READ | (
                    selectors.EVENT_WRITE if c.wants_write() else 0), c)
            wait = max(0, min([next_figures] + [i[0] for i in self.later])
                       - time.monotonic())
            for key, _ in self.sel.select(min(wait, 0.2)):
                if _ & selectors.EVENT_READ:
                    self.readable(key.data)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--guest", action="append", default=[])
    p.add_argument("--switch", action="append", default=[])
    p.add_argument("--many", type=int, default=0)
    p.add_argument("--hold", action="store_true",
                   help="do nothing asked for before there is a file go")
    p.add_argument("--hold-all", action="store_true",
                   help="the same of everything, as long as there is none")
    p.add_argument("--hold-stop", action="store_true",
                   help="end no guest before there is a file go")
    p.add_argument("--refuse", action="append", default=[])
    p.add_argument("--allow", action="append", default=[])
    p.add_argument("--cdrom", action="append", default=[],
                   help="NAME= a drive, NAME=PATH with a disc, NAME=locked")
    p.add_argument("--mistake", action="append", default=[])
    p.add_argument("--still", type=int, default=0,
                   help="after each status that many figures, then none")
    p.add_argument("--up", type=int, default=4000,
                   help="seconds since the guests are as they are")
    p.add_argument("--delay", type=float, default=0,
                   help="answer, and do, everything that much later")
    p.add_argument("--config", default="/etc/vmtui.conf")
    p.add_argument("--steady", action="store_true",
                   help="figures are the same each second")
    p.add_argument("--past", action="store_true",
                   help="guests have four minutes of history")
    p.add_argument("--idle", action="store_true",
                   help="send no figures, whatever runs")
    backend = Backend(p.parse_args())
    signal.signal(signal.SIGUSR1, lambda *_: backend.drop_clients())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)
    backend.run()


if __name__ == "__main__":
    main()
