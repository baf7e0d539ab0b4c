#!/usr/bin/env python3
"""A recorder that falls behind, and one whose tape or store somebody takes away.

  behind_trial.py SMTPTAPE STALLING_DISK [--long]

With the real program, real time and a disk that stands still.  Ends by itself; talks to loopback only.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

WAIT = 30  # seconds, at most, for anything


def frame(text):
    payload = text.encode()
    assert 126 <= len(payload) < 65536
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


def event(number):
    return frame('{"conn_meta":{"id":"s-%d"},"payload":{"Read":"%s %d"},"when":"2026-08-04T13:54:50Z"}'
                 % (number // 50, "x" * 100, number))


class Server(threading.Thread):
    """Sends so many events a second to one client, until it is told to end."""

    def __init__(self, rate):
        super().__init__(daemon=True)
        self.rate, self.sent, self.over = rate, 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]

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
        began = time.monotonic()
        while not self.over.wait(0.01):
            due = int((time.monotonic() - began) * self.rate)
            client.sendall(b"".join(event(number) for number in range(self.sent, due)))
            self.sent = due
        client.close()


class Recorder:
    def __init__(self, given, store, server, *options, flag=None, slow_sync_ms=0):
        environment = dict(os.environ, LD_PRELOAD=str(given.disk))
        if flag:
            environment["STALLED_WHILE"] = str(flag)
        if slow_sync_ms:
            environment["SLOW_SYNC_MS"] = str(slow_sync_ms)
        self.store = store
        self.told = open(store.parent / "told", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [given.program, "capture", "--endpoint", server.url, "--store", store, "--name", "mta",
             "--listen-metrics", "127.0.0.1:0", *options],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.told)

    def said(self):
        self.told.seek(0)
        return self.told.read()

    def ask(self, path):
        """(status, body) of the server for metrics."""
        port = wait_for(lambda: re.search(r"http://127\.0\.0\.1:(\d+)/metrics", self.said())).group(1)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=WAIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(WAIT)
        finally:
            self.process.kill()


def wait_for(condition):
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    sys.exit("waited in vain")


def expect(good, what):
    if not good:
        sys.exit("FAILED: " + what)


def ledger(said):
    """received, stored, lost"""
    found = re.findall(r"(\d+) received = (\d+) stored \+ \d+ not selected \+ (\d+) lost", said)
    expect(found, "no ledger in: " + said)
    return tuple(int(number) for number in found[-1])


def stalled(given, directory, seconds, interval):
    """The tapes are those of one on time, and health tells the truth meanwhile."""
    store, flag = directory / "store", directory / "flag"
    server = Server(200)
    server.start()
    recorder = Recorder(given, store, server, "--rotate-interval", f"{interval}s", "--max-tapes", "100", flag=flag)
    began = time.monotonic()
    wait_for(lambda: list(store.glob("*.tape")) and server.sent > 100)
    flag.touch()
    time.sleep(seconds)
    status, body = recorder.ask("/readyz")
    expect(status == 503 and "nothing was written for" in body, f"/readyz {status} {body}")
    expect("nothing was written" in recorder.said(), "not a line: " + recorder.said())
    flag.unlink()
    wait_for(lambda: recorder.ask("/readyz")[0] == 200)
    wait_for(lambda: "writing goes on" in recorder.said())
    took = time.monotonic() - began
    code = recorder.stop()
    server.over.set()
    received, stored, lost = ledger(recorder.said())
    expect(code == 0 and lost == 0 and received == stored, recorder.said())
    tapes, on_time = len(list(store.glob("*.tape"))), int(took / interval) + 1
    expect(abs(tapes - on_time) <= 1, f"{tapes} tapes in {took:.1f} s of {interval} s each")
    expect("deleted" not in recorder.said(), recorder.said())
    print(f"stalled for {seconds} s: {stored} events in {tapes} tapes, none deleted, {on_time} expected")


def taken_away(given, directory):
    """A deleted tape, then the store: told, counted, and recorded anew."""
    store = directory / "store"
    server = Server(200)
    server.start()
    recorder = Recorder(given, store, server, "--flush-interval", "50ms")
    first = wait_for(lambda: list(store.glob("*.tape")))[0]
    wait_for(lambda: server.sent > 50 and first.stat().st_size > 6000)
    first.unlink()
    wait_for(lambda: list(store.glob("*-00000002-*.tape")))
    shutil.rmtree(store)
    third = wait_for(lambda: list(store.glob("*-00000003-*.tape")))[0]
    wait_for(lambda: third.exists() and third.stat().st_size > 6000)
    said = recorder.said()
    wait_for(lambda: "taken anew" in recorder.said())
    wait_for(lambda: subprocess.run([given.program, "status", store], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, check=False).returncode == 0)
    code = recorder.stop()
    server.over.set()
    said = recorder.said()
    received, stored, lost = ledger(said)
    expect(code == 0 and lost > 0 and received == stored + lost, said)
    expect(said.count("was deleted while it was written") >= 2, said)
    expect((store / "mta.lock").exists(), "no lock")
    shown = subprocess.run([given.program, "info", third], capture_output=True, text=True, check=False).stdout
    expect(f"{lost} events missing" in shown or "disk" in shown, shown)
    replayed = subprocess.run([given.program, "export", store], capture_output=True, text=True, check=False)
    expect(replayed.stdout.count("\n") == stored and replayed.returncode == 3,
           f"{replayed.returncode}: {replayed.stderr}")
    print(f"taken away: {received} = {stored} stored + {lost} lost, told")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("disk", type=pathlib.Path)
    options.add_argument("--long", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        taken_away(given, pathlib.Path(one))
        stalled(given, pathlib.Path(two), 20 if given.long else 6, 2)


if __name__ == "__main__":
    main()
