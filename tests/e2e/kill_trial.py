#!/usr/bin/env python3
"""Kills a recorder and looks at what is left.

  kill_trial.py SMTPTAPE SMTPTAPE_FAILPOINTS [--kills N] [--failpoint-kills N] [--seed S]

`smtptape serve` plays a numbered feed at its own pace; a build of smtptape with failpoints records it
and is killed: N times at random, and N times at each failpoint.  It keeps the count of frames taken
from its queue in shared memory.  After each kill

- what can be read is a prefix of the feed, without a hole, and short of what was taken by less than
  a batch;
- `verify` calls the tapes sealed, unclosed or torn at the end, never damaged;
- the next capture of the same store begins with the gap that says that nobody was recording.

Ends by itself; talks to loopback only.
"""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

from trial import keep, wait_until

EVENTS = 40_000
BATCH_BYTES = 8 * 1024
FAILPOINTS = ["tape-created", "before-write", "after-write", "before-sync", "after-sync", "rotated", "before-seal",
              "after-footer", "after-seal"]


def numbered_feed(path):
    with open(path, "w", encoding="utf-8") as out:
        for number in range(EVENTS):
            session = number // 50
            micros = number * 25 + 1  # 40,000 events a second
            out.write(
                f'{{"conn_meta":{{"id":"s-{session}","tenant":"t-{session % 7}"}},'
                f'"payload":{{"Write":"NOOP {number}\\r\\n"}},"when":"2026-08-04T13:54:50.{micros:06}Z"}}\n')


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait(timeout=20)


class Trial:
    def __init__(self, program, failpoints, work):
        self.program, self.failpoints, self.work = program, failpoints, work
        self.feed, self.store = work / "feed.jsonl", work / "store"
        numbered_feed(self.feed)
        self.lines = self.feed.read_text(encoding="utf-8").splitlines()
        self.counts, self.shorts, self.starts, self.torn = [], [], [], 0

    def run(self, *arguments):
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True, timeout=60)

    def tapes(self):
        return set(self.store.glob("*.tape"))

    def start_server(self):
        server = subprocess.Popen(
            [self.program, "serve", self.feed, "--listen", "127.0.0.1:0", "--once", "--speed", "1"],
            stderr=subprocess.PIPE, text=True)
        for line in server.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                return server, found[0]
        sys.exit("the server did not start")

    def kill_once(self, wait, failpoint=None):
        """One capture, killed after `wait` seconds of recording, or by itself at the failpoint."""
        known = self.tapes()
        taken_file = self.work / "taken"
        taken_file.write_bytes(bytes(8))
        server, url = self.start_server()
        environment = dict(os.environ, SMTPTAPE_TAKEN=str(taken_file))
        if failpoint:
            environment["SMTPTAPE_FAILPOINT"] = failpoint
        started = time.monotonic()
        capture = subprocess.Popen(
            [self.failpoints, "capture", "--endpoint", url, "--store", self.store, "--name", "m",
             "--flush-interval", "50ms", "--sync-interval", "20ms", "--batch-bytes", str(BATCH_BYTES),
             "--rotate-size", "16K"], stderr=subprocess.DEVNULL, env=environment)
        if failpoint:
            wait_until(f"killed at {failpoint}", lambda: capture.poll() is not None)
        else:
            wait_until("a tape", lambda: self.tapes() - known)
            self.starts.append(time.monotonic() - started)
            time.sleep(wait)
            capture.send_signal(signal.SIGKILL)
        if capture.wait(timeout=20) != -signal.SIGKILL:
            sys.exit(f"the recorder ended by itself: {capture.returncode}")
        end(server)
        self.look_at(sorted(self.tapes() - known), struct.unpack("<Q", taken_file.read_bytes())[0], bool(known))

    def look_at(self, fresh, taken, earlier):
        frames = self.run("export", *fresh).stdout.splitlines() if fresh else []
        if frames != self.lines[: len(frames)]:
            at = next(i for i, (a, b) in enumerate(zip(frames, self.lines)) if a != b)
            sys.exit(f"not a prefix: event {at} is {frames[at][:200]}")
        if len(frames) > taken + 1:  # killed between the two
            sys.exit(f"{len(frames)} events are there, and {taken} were taken")
        # The last one is the one that filled the batch, and its write had not begun or not ended.
        short = self.lines[len(frames):taken]
        if sum(map(len, short[:-1])) >= BATCH_BYTES:
            sys.exit(f"short by {len(short)} events, more than a batch: {len(frames)} of {taken}")
        self.counts.append(len(frames))
        self.shorts.append(len(short))
        if not fresh:
            return
        verified = self.run("verify", *fresh)
        if verified.returncode not in (0, 3) or "damaged" in verified.stdout or "hole" in verified.stdout:
            sys.exit(f"verify after a kill: {verified.returncode}\n{verified.stdout}{verified.stderr}")
        self.torn += "torn tail" in verified.stdout
        if earlier and frames:  # else it was killed before anything was written
            info = self.run("info", "--json", fresh[0])
            causes = [gap["cause"] for gap in json.loads(info.stdout)["gaps"]]
            if "not recording" not in causes:
                sys.exit(f"the gap of the time before is missing: {causes}")

    def figures(self, random_kills, failpoint_kills):
        return {
            "kills at random times": random_kills,
            "kills at failpoints": failpoint_kills,
            "events recorded before a kill, least": min(self.counts),
            "events recorded before a kill, most": max(self.counts),
            "holes, wrong or doubled events": 0,  # else it would have ended above
            "most events short of what was taken": max(self.shorts),
            "tails torn inside a batch": self.torn,
            "slowest start until a tape is there, ms": round(1000 * max(self.starts)),
        }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("failpoints", type=pathlib.Path)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--failpoint-kills", type=int, default=1)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="smtptape-kill-") as folder:
        trial = Trial(given.program, given.failpoints, pathlib.Path(folder))
        for _ in range(given.kills):
            trial.kill_once(chance.uniform(0, 0.25))
        for name in FAILPOINTS:
            for _ in range(given.failpoint_kills):
                trial.kill_once(0, f"{name}:{chance.randint(1, 3)}")
    figures = trial.figures(given.kills, given.failpoint_kills * len(FAILPOINTS))
    keep("kill", figures)


if __name__ == "__main__":
    main()
