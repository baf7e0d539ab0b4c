#!/usr/bin/env python3
"""Stops a recorder in each state, and starts a second one beside it.

  stop_trial.py SMTPTAPE TAPE

SIGTERM and SIGINT end it within 5 s with 0 and sealed tapes, whatever it is doing; the second signal
ends it at once.  Two recorders of one source can't be; what a killed one leaves is in nobody's way.
TAPE is a recording to serve.  Ends by itself; talks to loopback only.
"""
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from trial import wait_until

SECONDS = 5


class Trial:
    def __init__(self, program, tape, folder):
        self.program, self.tape, self.folder = program, tape, pathlib.Path(folder)
        self.number = 0

    def start_capture(self, endpoint, *more, store=None):
        self.number += 1
        store = store or self.folder / f"store-{self.number}"
        said = self.folder / f"said-{self.number}"
        with said.open("wb") as err:
            process = subprocess.Popen([self.program, "capture", "--endpoint", endpoint, "--store", store, "--name",
                                        "m", "--keep-free", "0", *more], stderr=err)
        process.store, process.said = store, said
        return process

    def start_feed(self, *more):
        server = subprocess.Popen([self.program, "serve", self.tape, "--listen", "127.0.0.1:0", *more],
                                  stderr=subprocess.PIPE, text=True)
        url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        return server, url

    def stop(self, process, signum, state):
        began = time.monotonic()
        process.send_signal(signum)
        code = process.wait(timeout=SECONDS)
        said = process.said.read_text(encoding="utf-8")
        if code != 0:
            sys.exit(f"{state}: ended with {code} at signal {signum}: {said}")
        if " received = " not in said:
            sys.exit(f"{state}: no ledger line: {said}")
        if any(process.store.glob("*.tape")):
            verified = subprocess.run([self.program, "verify", process.store], capture_output=True, text=True, timeout=60)
            if verified.returncode != 0 or "unclosed" in verified.stdout or "torn" in verified.stdout:
                sys.exit(f"{state}: {verified.stdout}{verified.stderr}")
        return time.monotonic() - began

    def tapes(self, process):
        return process.store.exists() and any(tape.stat().st_size > 12_000 for tape in process.store.glob("*.tape"))


def states(trial, signum, silent):
    """Each state once; yields how long the stop took."""
    waiting = trial.start_capture("http://127.0.0.1:1")
    wait_until("a first try", lambda: "refused" in waiting.said.read_text(encoding="utf-8"))
    yield trial.stop(waiting, signum, "between two tries")

    asking = trial.start_capture(f"http://127.0.0.1:{silent.getsockname()[1]}")
    client, _ = silent.accept()
    client.recv(4096)
    yield trial.stop(asking, signum, "while a server never answers")
    client.close()

    server, url = trial.start_feed("--speed", "max")
    recording = trial.start_capture(url, "--rotate-size", "64K")
    wait_until("a tape", lambda: trial.tapes(recording))
    yield trial.stop(recording, signum, "while it records and changes tapes")
    again = trial.start_capture(url)
    wait_until("a tape", lambda: trial.tapes(again))
    again.send_signal(signal.SIGHUP)
    yield trial.stop(again, signum, "right behind a SIGHUP")
    server.terminate()
    server.wait(timeout=SECONDS)


def second_signal(trial):
    server, url = trial.start_feed("--speed", "max")
    process = trial.start_capture(url)
    wait_until("a tape", lambda: trial.tapes(process))
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=SECONDS)
    if code not in (0, 128 + signal.SIGTERM):  # 0: it was quicker than the second one
        sys.exit(f"the second signal: {code}")
    verified = subprocess.run([trial.program, "verify", process.store], capture_output=True, text=True, timeout=60)
    if "damaged" in verified.stdout:
        sys.exit(f"the second signal: {verified.stdout}")
    server.terminate()
    server.wait(timeout=SECONDS)


def two_recorders(trial):
    first = trial.start_capture("http://127.0.0.1:1")
    wait_until("a first try", lambda: "refused" in first.said.read_text(encoding="utf-8"))
    second = trial.start_capture("http://127.0.0.1:1", store=first.store)
    code, said = second.wait(timeout=SECONDS), second.said.read_text(encoding="utf-8")
    if code != 1 or "another recorder writes source m" not in said:
        sys.exit(f"a second recorder: {code} {said}")
    first.kill()
    first.wait(timeout=SECONDS)
    third = trial.start_capture("http://127.0.0.1:1", store=first.store)
    wait_until("a start after a kill", lambda: "refused" in third.said.read_text(encoding="utf-8"))
    trial.stop(third, signal.SIGTERM, "after a kill")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="smtptape-stop-") as folder, socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        trial = Trial(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), folder)
        times = [took for signum in (signal.SIGTERM, signal.SIGINT) for took in states(trial, signum, silent)]
        second_signal(trial)
        two_recorders(trial)
    print(f"stopped {len(times)} times, each within {max(times):.2f} s")


if __name__ == "__main__":
    main()
