#!/usr/bin/env python3
"""Records a gigabyte into a store that may hold 64 MiB.

  limit_trial.py SMTPTAPE [--megabytes N]

The store is looked at all the time: it must never be larger than it may be.  At the end the ledger must
be exact and what is left sound.  Ends by itself; talks to loopback only.
"""
import argparse
import base64
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

from trial import keep

LIMIT = 64 << 20
FEED_EVENTS = 20_000
TEXT_BYTES = 12_000


def incompressible_feed(path):
    chance = random.Random(1)
    with open(path, "w", encoding="utf-8") as out:
        for number in range(FEED_EVENTS):
            text = base64.b64encode(chance.randbytes(TEXT_BYTES * 3 // 4)).decode()
            out.write(f'{{"conn_meta":{{"id":"s-{number // 50}"}},"payload":{{"Write":"{number} {text}"}},'
                      f'"when":"2026-08-04T13:54:50Z"}}\n')


class Watch(threading.Thread):
    """The largest that the store has been."""

    def __init__(self, store):
        super().__init__()
        self.store, self.largest, self.looks, self.over = store, 0, 0, threading.Event()

    def run(self):
        while not self.over.is_set():
            size = 0
            for tape in self.store.glob("*.tape"):
                try:
                    size += tape.stat().st_size
                except FileNotFoundError:
                    pass  # deleted meanwhile
            self.largest = max(self.largest, size)
            self.looks += 1
            time.sleep(0.002)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--megabytes", type=int, default=1000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="smtptape-limit-") as folder:
        work = pathlib.Path(folder)
        feed, store = work / "feed.jsonl", work / "store"
        incompressible_feed(feed)
        rounds = max(2, given.megabytes * 1_000_000 // feed.stat().st_size)
        server = subprocess.Popen([given.program, "serve", feed, "--listen", "127.0.0.1:0"],
                                  stderr=subprocess.PIPE, text=True)
        url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        watch = Watch(store)
        watch.start()
        # The feed ends and is played again each time the recorder comes back.
        capture = subprocess.run([given.program, "capture", "--endpoint", url, "--store", store, "--name", "m",
                                  "--max-bytes", "64M", "--keep-free", "0", "--stop-after", f"events:{rounds * FEED_EVENTS}"],
                                 capture_output=True, text=True, timeout=600)
        watch.over.set()
        watch.join()
        server.terminate()
        server.wait(timeout=20)
        ledger = re.search(r"(\d+) received = (\d+) stored \+ 0 not selected \+ (\d+) lost", capture.stderr)
        if capture.returncode != 0 or not ledger:
            sys.exit(f"the recorder: {capture.returncode} {capture.stderr[-2000:]}")
        received, stored, lost = map(int, ledger.groups())
        if received != stored + lost or stored < rounds * FEED_EVENTS:
            sys.exit(f"the ledger: {ledger[0]}")
        if watch.largest > LIMIT:
            sys.exit(f"the store was {watch.largest} bytes large, and may be {LIMIT}")
        verified = subprocess.run([given.program, "verify", store], capture_output=True, text=True, timeout=120)
        if verified.returncode != 0:
            sys.exit(f"verify: {verified.stdout}{verified.stderr}")
        figures = {
            "megabytes of frames": rounds * feed.stat().st_size // 1_000_000,
            "events stored": stored,
            "events lost": lost,
            "limit, bytes": LIMIT,
            "largest store, bytes": watch.largest,
            "looks": watch.looks,
            "tapes deleted": capture.stderr.count("deleted m-"),
        }
        keep("store_limit", figures)


if __name__ == "__main__":
    main()
