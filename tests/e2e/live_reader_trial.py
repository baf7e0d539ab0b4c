#!/usr/bin/env python3
"""Reads a store in every way while it is recorded at full rate, and nothing may be called wrong.

  live_reader_trial.py SMTPTAPE [--seconds N] [--seed S]

`smtptape serve` plays a numbered feed as fast as it is taken, again and again; `smtptape capture`
records it into tapes that are small.  Meanwhile `verify` of the store runs in a loop and must find
nothing; `replay --follow` must print every event once and in order, as `export` gives them
afterwards; copies of the tape that is being written must hold a prefix of it, torn at most; and tapes
that the follower has passed are deleted, the one it reads, too.  Ends by itself; talks to loopback
only.
"""
import argparse
import array
import collections
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from trial import keep

EVENTS = 400_000
PATIENCE = 120  # seconds for the follower to print the last event
NUMBER = re.compile(rb"NOOP (\d+)\\?")


def numbered_feed(path):
    with open(path, "w", encoding="utf-8") as out:
        for number in range(EVENTS):
            session = number // 50
            out.write(
                f'{{"conn_meta":{{"id":"s-{session}","tenant":"t-{session % 7}"}},'
                f'"payload":{{"Write":"NOOP {number}\\r\\n"}},'
                f'"when":"2026-08-04T13:54:50.{number:06}Z"}}\n')


class Numbers(threading.Thread):
    """The numbers of the events in a stream of lines, in order."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.found = stream, array.array("I")
        self.start()

    def run(self):
        rest = b""
        while chunk := os.read(self.stream.fileno(), 1 << 20):
            whole, newline, rest = (rest + chunk).rpartition(b"\n")
            if newline:
                self.found.extend(map(int, NUMBER.findall(whole)))
        self.found.extend(map(int, NUMBER.findall(rest)))


class Trial:
    def __init__(self, program, work, chance):
        self.program, self.work, self.chance = program, work, chance
        self.store, self.kept, self.copies = work / "store", work / "kept", work / "copies"
        for folder in (self.store, self.kept, self.copies):
            folder.mkdir()
        self.running = []
        self.alarms, self.verified, self.deleted, self.copied, self.torn = [], 0, 0, {}, 0
        self.over = threading.Event()

    def start(self, *words, **pipes):
        process = subprocess.Popen([self.program, *map(str, words)], **pipes)
        self.running.append(process)
        return process

    def run(self, *words):
        return subprocess.run([self.program, *map(str, words)], capture_output=True, timeout=PATIENCE, check=False)

    def serve(self, feed):
        server = self.start("serve", feed, "--listen", "127.0.0.1:0", stderr=subprocess.PIPE, text=True)
        for line in server.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                threading.Thread(target=server.stderr.read, daemon=True).start()
                return found[0]
        sys.exit("the server did not start")

    def tapes(self):
        return sorted(self.store.glob("*.tape"))

    # ---- what goes on meanwhile ----

    def guarded(self, work):
        try:
            while not self.over.is_set():
                work()
        except Exception as error:  # in a thread: told at the end
            self.alarms.append(f"{work.__name__}: {error!r}")

    def verify_once(self):
        if not self.tapes():
            return self.over.wait(0.01)
        ran = self.run("verify", "--quiet", self.store)
        self.verified += 1
        if ran.returncode != 0:
            self.alarms.append(f"verify {ran.returncode}: {ran.stdout.decode()}{ran.stderr.decode()}")

    def copy_once(self):
        self.over.wait(0.1)
        newest = self.tapes()[-1:]
        if not newest:
            return
        copy = self.copies / f"{len(self.copied)}.tape"
        shutil.copyfile(newest[0], copy)
        ran = self.run("verify", copy)
        self.torn += b"torn tail" in ran.stdout
        if ran.returncode not in (0, 3) or b"damaged" in ran.stdout:
            self.alarms.append(f"a copy: {ran.returncode} {ran.stdout.decode()}{ran.stderr.decode()}")
        self.copied[copy] = newest[0].name

    def tape_that_is_read(self):
        """Of the follower, by its descriptors; None: between two tapes."""
        folder = f"/proc/{self.follower.pid}/fd"
        for entry in os.listdir(folder):
            try:
                found = re.match(rf"{re.escape(str(self.store))}/m-(\d+)-", os.readlink(f"{folder}/{entry}"))
            except FileNotFoundError:
                continue
            if found:
                return int(found[1])
        return None

    def delete_once(self):
        self.over.wait(0.05)
        current = self.tape_that_is_read()
        if current is None:
            return
        tapes = self.tapes()
        last = current - self.chance.randrange(8)
        for tape in tapes[:-2]:  # of the last two, the older may still be on its way to be sealed
            if int(tape.name.split("-")[1]) > last:
                break
            os.link(tape, self.kept / tape.name)
            tape.unlink()
            self.deleted += 1

    # ---- the trial ----

    def record(self, feed, seconds):
        self.follower = self.start("replay", "--follow", self.store, "--color", "no",
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        followed = Numbers(self.follower.stdout)
        capture = self.start("capture", "--endpoint", self.serve(feed), "--store", self.store, "--name", "m",
                             "--flush-interval", "20ms", "--batch-bytes", "64K", "--rotate-size", "24K",
                             stderr=subprocess.DEVNULL)
        meanwhile = [threading.Thread(target=self.guarded, args=(work,), daemon=True)
                     for work in (self.verify_once, self.copy_once, self.delete_once)]
        for thread in meanwhile:
            thread.start()
        time.sleep(seconds)
        capture.send_signal(signal.SIGTERM)
        if capture.wait(timeout=PATIENCE) != 0:
            sys.exit(f"capture ended with {capture.returncode}")
        self.over.set()
        for thread in meanwhile:
            thread.join(timeout=PATIENCE)
        return followed

    def recorded(self):
        export = self.start("export", self.kept, self.store, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        numbers = Numbers(export.stdout)
        numbers.join(timeout=PATIENCE)
        export.wait(timeout=PATIENCE)
        return numbers.found

    def end_follower(self, followed, wanted):
        deadline = time.monotonic() + PATIENCE
        while len(followed.found) < wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        memory = re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{self.follower.pid}/status").read_text("utf-8"))
        self.follower.send_signal(signal.SIGINT)
        exit_code = self.follower.wait(timeout=PATIENCE)
        followed.join(timeout=PATIENCE)
        if exit_code not in (0, 3):
            self.alarms.append(f"the follower ended with {exit_code}")
        return int(memory[1]) // 1024

    def check_copies(self):
        for copy, name in self.copied.items():
            whole = self.kept / name
            whole = whole if whole.exists() else self.store / name
            of_copy, of_whole = (self.run("export", path).stdout for path in (copy, whole))
            if not of_whole.startswith(of_copy):
                self.alarms.append(f"a copy of {name} holds something that the tape does not")

    def end(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=20)


def run_trial(trial, seconds):
    feed = trial.work / "feed.jsonl"
    numbered_feed(feed)
    followed = trial.record(feed, seconds)
    recorded = trial.recorded()
    memory = trial.end_follower(followed, len(recorded))
    trial.check_copies()
    had, got = collections.Counter(recorded), collections.Counter(followed.found)
    figures = {
        "seconds": seconds,
        "verify runs": trial.verified,
        "false alarms": len(trial.alarms),
        "tapes": len(list(trial.kept.iterdir())) + len(trial.tapes()),
        "tapes deleted behind the follower": trial.deleted,
        "events followed": len(followed.found),
        "events missed": (had - got).total(),
        "events doubled": (got - had).total(),
        "copies read": len(trial.copied),
        "copies with a torn tail": trial.torn,
        "follower's memory at most, MiB": memory,
    }
    keep("live-reader", figures)
    if trial.alarms:
        sys.exit("\n".join(trial.alarms[:10]))
    if followed.found != recorded:
        sys.exit("the follower printed something else than was recorded")
    if not (recorded and trial.verified and trial.copied and trial.deleted):
        sys.exit("the trial tried nothing")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--seconds", type=float, default=5)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="smtptape-live-reader-") as folder:
        trial = Trial(given.program.resolve(), pathlib.Path(folder), random.Random(given.seed))
        try:
            run_trial(trial, given.seconds)
        finally:
            trial.end()


if __name__ == "__main__":
    main()
