"""A server that sends events and a recorder that takes them, for the trials here that look at a recorder
while it runs.  Loopback only; every wait has a bound."""
import base64
import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

WAIT = 30  # seconds, at most, for anything


def wait_for(condition, what="something"):
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    sys.exit(f"waited in vain for {what}")


def expect(good, what):
    if not good:
        sys.exit("FAILED: " + what)


def ledger(said):
    """received, stored, lost: of all sources"""
    found = re.findall(r"(\d+) received = (\d+) stored \+ \d+ not selected \+ (\d+) lost", said)
    expect(found, "no ledger in: " + said)
    return tuple(int(number) for number in found[-1])


def frame(text):
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


def event(number, text="x" * 100):
    return frame('{"conn_meta":{"id":"s-%d"},"payload":{"Read":"%s %d"},"when":"2026-08-04T13:54:50Z"}'
                 % (number // 50, text, number))


class Server(threading.Thread):
    """Plays for one client: play(server, client) sends, and counts what it sent in server.sent."""

    def __init__(self, play):
        super().__init__(daemon=True)
        self.play, self.sent, self.over = play, 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += client.recv(4096)
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", request).group(1)
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                       b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        client.recv(4096)
        try:
            self.play(self, client)
            self.over.wait()
        except OSError:
            pass  # the recorder has gone
        client.close()


def steadily(rate, text="x" * 100):
    """So many events a second, until it is over."""
    def play(server, client):
        began = time.monotonic()
        while not server.over.wait(0.01):
            due = int((time.monotonic() - began) * rate)
            client.sendall(b"".join(event(number, text) for number in range(server.sent, due)))
            server.sent = due
    return play


def at_once(*frames, after=None):
    """These, when `after` is set, and then nothing more."""
    def play(server, client):
        if after:
            after.wait(WAIT)
        for one in frames:
            client.sendall(one)
            server.sent += 1
    return play


class Recorder:
    """`capture` with what is preloaded; `disk` tells that what to do, by variables (stalling_disk.cc)."""

    def __init__(self, given, store, servers, *options, names=("mta",), **disk):
        environment = dict(os.environ, LD_PRELOAD=str(given.disk))
        environment.update({name.upper(): str(value) for name, value in disk.items()})
        self.program, self.store = given.program, store
        sources = [word for server, name in zip(servers, names) for word in ("--endpoint", server.url, "--name", name)]
        self.told = open(store.parent / f"told-{time.monotonic_ns()}", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [given.program, "capture", *sources, "--store", store, "--listen-metrics", "127.0.0.1:0",
             "--keep-free", "0", *options],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.told)

    def said(self):
        self.told.seek(0)
        return self.told.read()

    def ask(self, path):
        """(status, body) of the server for metrics."""
        port = wait_for(lambda: re.search(r"http://127\.0\.0\.1:(\d+)/metrics", self.said()), "metrics").group(1)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=WAIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, pattern):
        """The sum of all samples whose name and labels match."""
        found = re.findall(rf"^smtptape_{pattern} (\S+)$", self.ask("/metrics")[1], re.MULTILINE)
        return sum(float(value) for value in found)

    def memory(self, which):
        """VmRSS or VmHWM, in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"{which}:\s+(\d+) kB", status.read()).group(1)) / 1024

    def tapes(self):
        return sorted(self.store.glob("*.tape"))

    def stop(self, within=WAIT):
        """Its exit code; ends the trial when it is still there then."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            sys.exit(f"not stopped within {within} s: {self.said()[-2000:]}")
        finally:
            self.process.kill()

    def expect_sealed(self):
        verified = subprocess.run([self.program, "verify", self.store], capture_output=True, text=True, check=False)
        expect(verified.returncode == 0 and "unclosed" not in verified.stdout and "torn" not in verified.stdout,
               verified.stdout[-2000:] + verified.stderr[-2000:])
