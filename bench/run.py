#!/usr/bin/env python3
"""Compares smtptape with what people use today, in one run, as ratios.

  bench/run.py [FEED.jsonl ...]

Without a feed: the recordings under tests/golden, over and over with fresh session ids, until there
are --events of them.  Each figure is the median of --runs; the machine should be otherwise idle.

  import     against `zstd -3` of the same lines: time, and size against `zstd -3 --long=27`
  replay     --color no, through a pipe: events a second
  memory     the largest resident set of each
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/smtptape"


def make_feed(path, events):
    """The recordings, repeated; every session id is new in each round."""
    lines = []
    for name in ("basic", "tlsauth", "errors"):
        lines += (ROOT / f"tests/golden/feeds/{name}/raw.jsonl").read_text(encoding="utf-8").splitlines()
    pattern = re.compile(r'"id":"([0-9a-f-]{36})"')
    written = 0
    with open(path, "w", encoding="utf-8") as out:
        while written < events:
            fresh = {}
            for line in lines[: events - written]:
                out.write(pattern.sub(lambda m: f'"id":"{fresh.setdefault(m[1], str(uuid.uuid4()))}"', line) + "\n")
            written += len(lines[: events - written])


def run(command, pipe=False):
    """Wall seconds and peak memory in MiB; with a pipe the output is read and dropped by another process."""
    start = time.monotonic()
    if pipe:
        reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process = subprocess.Popen(command, stdout=reader.stdin, stderr=subprocess.DEVNULL)
        reader.stdin.close()
    else:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if pipe:
        reader.wait()
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return time.monotonic() - start, usage.ru_maxrss / 1024


def median(runs, command, pipe=False):
    results = [run(command, pipe) for _ in range(runs)]
    return statistics.median(r[0] for r in results), max(r[1] for r in results)


def bench(feed, runs, work):
    tape, small, long = work / "x.tape", work / "x.zst", work / "x.long.zst"
    with open(feed, "rb") as lines:
        events = sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))
    import_time, import_memory = median(runs, [PROGRAM, "import", feed, "-o", tape, "--force"])
    zstd_time, _ = median(runs, ["zstd", "-3", "-q", "-f", feed, "-o", small])
    run(["zstd", "-3", "--long=27", "-q", "-f", feed, "-o", long])
    replay_time, replay_memory = median(runs, [PROGRAM, "replay", tape, "--color", "no"], pipe=True)
    size = feed.stat().st_size
    print(f"{feed.name}: {events:,} events, {size / 1e6:.1f} MB, {size / events:.0f} bytes an event")
    print(f"  import   {events / import_time:,.0f} events/s, {zstd_time / import_time:.2f} times as fast as zstd -3, {import_memory:.0f} MiB")
    print(f"  tape     {tape.stat().st_size / 1e6:.2f} MB, {tape.stat().st_size / long.stat().st_size:.3f} of zstd -3 --long=27, "
          f"{tape.stat().st_size / small.stat().st_size:.3f} of zstd -3")
    print(f"  replay   {events / replay_time:,.0f} events/s, {size / replay_time / 1e6:,.0f} MB/s of frames, {replay_memory:.0f} MiB")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("feeds", nargs="*", type=pathlib.Path)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="smtptape-bench-") as folder:
        work = pathlib.Path(folder)
        feeds = given.feeds
        if not feeds:
            feeds = [work / "recorded.jsonl"]
            make_feed(feeds[0], given.events)
        for feed in feeds:
            bench(feed, given.runs, work)


if __name__ == "__main__":
    main()
