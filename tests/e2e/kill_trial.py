#!/usr/bin/env python3
"""Kills a recorder at random times and looks at what is left.

  kill_trial.py SMTPTAPE [--kills N] [--seed S]

`smtptape serve` plays a numbered feed at its own pace, `smtptape capture` records it and is killed.
After each kill what can be read must be a prefix of the feed, without a hole, and `verify` must call
the tape unclosed or torn at its end, never damaged.  The next capture of the same store must begin
with the gap that says that nobody was recording.  Ends by itself; talks to loopback only.
"""
import argparse
import json
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

EVENTS = 40_000


def numbered_feed(path):
    with open(path, "w", encoding="utf-8") as out:
        for number in range(EVENTS):
            session = number // 50
            micros = number * 25 + 1  # 40,000 events a second
            out.write(
                f'{{"conn_meta":{{"id":"s-{session}","tenant":"t-{session % 7}"}},'
                f'"payload":{{"Write":"NOOP {number}\\r\\n"}},"when":"2026-08-04T13:54:50.{micros:06}Z"}}\n')


def start_server(program, feed):
    server = subprocess.Popen([program, "serve", feed, "--listen", "127.0.0.1:0", "--once", "--speed", "1"],
                              stderr=subprocess.PIPE, text=True)
    for line in server.stderr:
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            return server, found[0]
    sys.exit("the server did not start")


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait(timeout=20)


def run(program, *arguments):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def trial(program, feed, lines, store, wait, earlier):
    """One capture, killed after `wait` seconds of recording; returns how many events are there."""
    known = set(store.glob("*.tape")) if store.exists() else set()
    server, url = start_server(program, feed)
    capture = subprocess.Popen(
        [program, "capture", "--endpoint", url, "--store", store, "--name", "m", "--flush-interval", "50ms",
         "--batch-bytes", "8K", "--rotate-size", "64K"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (set(store.glob("*.tape")) - known if store.exists() else None):
        if time.monotonic() > deadline:
            sys.exit("nothing was recorded within 20 s")
        time.sleep(0.001)
    time.sleep(wait)
    capture.send_signal(signal.SIGKILL)
    capture.wait(timeout=20)
    end(server)
    fresh = sorted(set(store.glob("*.tape")) - known)
    frames = run(program, "export", *fresh).stdout.splitlines()
    if frames != lines[: len(frames)]:
        at = next(i for i, (a, b) in enumerate(zip(frames, lines)) if a != b)
        sys.exit(f"not a prefix: event {at} is {frames[at][:200]}")
    verified = run(program, "verify", *fresh)
    if verified.returncode not in (0, 3) or "damaged" in verified.stdout or "hole" in verified.stdout:
        sys.exit(f"verify after a kill: {verified.returncode}\n{verified.stdout}{verified.stderr}")
    if earlier and frames:  # else it was killed before anything was written
        info = run(program, "info", "--json", fresh[0])
        causes = [gap["cause"] for gap in json.loads(info.stdout)["gaps"]]
        if "not recording" not in causes:
            sys.exit(f"the gap of the time before is missing: {causes}")
    return len(frames), "torn tail" in verified.stdout


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    chance = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="smtptape-kill-") as folder:
        work = pathlib.Path(folder)
        feed = work / "feed.jsonl"
        numbered_feed(feed)
        lines = feed.read_text(encoding="utf-8").splitlines()
        store = work / "store"
        counts, torn = [], 0
        for kill in range(given.kills):
            count, was_torn = trial(given.program, feed, lines, store, chance.uniform(0, 0.25), kill > 0)
            counts.append(count)
            torn += was_torn
        print(f"{given.kills} kills: each left a prefix of {min(counts)} to {max(counts)} of {EVENTS} events; "
              f"{torn} tails were torn inside a batch")


if __name__ == "__main__":
    main()
