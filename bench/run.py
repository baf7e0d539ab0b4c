#!/usr/bin/env python3
"""Compares smtptape with what people use today, in one run, and writes docs/performance.md.

  bench/run.py [--events N] [--runs N] [--seconds N] [--record SECONDS] [--hard SECONDS] [--quiet SECONDS]
               [--growth N] [--offline] [--output FILE]

The feeds are made by bench/make_feed.py.  What is compared runs in turn, so that whatever else the
machine does meets both alike; figures are medians.  Tools that can't be had are left out.
--output - prints the table only.
"""
import argparse
import datetime
import os
import pathlib
import platform
import shutil
import sys
import tempfile
import time

import recording
import trials
from feeds import PARTS, PROGRAM, ROOT, Feed, pack
from measure import Bench, median, milliseconds, to_first_line, to_null, to_reader
from peers import Peers

PORTABLE = PROGRAM.parent / "portable/smtptape"
PAGE = ROOT / "docs/performance.md"
RATES = {"no bodies": (2_000, 20_000, 400_000), "templated": (250_000,), "unique": (400_000,)}  # events a second
HARD = {"no bodies": 750_000, "templated": 350_000, "unique": 500_000}
BURST = 5_000_000  # events in a second: more than the sender can write
SEARCHED = 2  # times the events of the others, so that the start of the programs decides nothing
LIVE, ALIVE = 50_000, 100_000  # events a second of the live view, and where many sessions are alive

INTRODUCTION = """# How fast it is

Written by `./dev bench`; what stands here is what one machine said. Look at the ratios: both sides ran in turn, on the same bytes, within the same minutes.

The others only unpack lines and look for bytes in them. We check each group of events, give every event its metadata back and write it anew, byte for byte. Reading runs on two threads, so that a processor that others use costs us more than it costs them. Why text is written as it is: [decision 19](decisions/0019-speed-of-text.md); why tapes are: [decision 23](decisions/0023-writing.md).
"""


def search_rows(bench, work, events, peers):
    feed = Feed(work, events, "none", "searched")
    for where, tenant in (("a tenth of the mail", "acme"), ("a seventieth, in every group", "tenant-1"), ("nowhere", "nobody")):
        command = [PROGRAM, "export", feed.tape, "--scope", "strict", "--tenant", tenant]
        bench.compare(f"search {events:,} events for a tenant, {where}", command, peers.search(feed.packed, tenant), to_null,
                      milliseconds)
    bench.compare(f"table of {events:,} events: providers, sessions, messages, codes",
                  [PROGRAM, "stats", feed.tape, "--by", "provider", "--columns", "sessions,messages,codes"],
                  peers.providers(feed.packed), to_null, milliseconds)
    bench.compare(f"table of {events:,} events: sessions", [PROGRAM, "sessions", feed.tape], peers.sessions(feed.packed), to_null,
                  milliseconds)
    feed.forget()


def one_session_row(bench, plain):
    recipient = f"user1000{500:03d}.0@dest{1000500 % 300}.example"
    command = [PROGRAM, "export", plain.store, "--scope", "session", "--rcpt-to", recipient]
    other = [("zstd, grep", [["zstd", "-dcq", *plain.parts], ["grep", "-F", recipient]])]
    bench.compare(f"one session in a store of {PARTS} tapes", command, other, to_null, milliseconds)


def text_rows(bench, feeds):
    for feed in feeds:
        unpack, export = [("zstd", ["zstd", "-dcq", feed.packed])], [PROGRAM, "export", feed.tape]
        bench.compare(f"export to nowhere, {feed.name}", export, unpack, to_null, feed.speed)
        bench.compare(f"export into a pipe, {feed.name}", export, unpack, to_reader, feed.speed)
        show = feed.rate if feed.name == "no bodies" else feed.speed
        bench.compare(f"replay, {feed.name}", [PROGRAM, "replay", feed.tape, "--color", "no"], [], to_null, show)
    bench.compare("export, time to the first line", [PROGRAM, "export", feed.tape],
                  [("zstd", ["zstd", "-dcq", feed.packed])], to_first_line, milliseconds)


def writing_rows(bench, feeds, peers, work):
    for feed in feeds:
        again, mcap = work / "again", work / "again.mcap"
        command = [PROGRAM, "import", feed.lines, "-o", again, "--force"]
        packers = [("zstd -3", ["zstd", "-3", "-q", "-f", feed.lines, "-o", again.with_suffix(".zst")]),
                   *peers.mcap(feed.lines, mcap)]
        own, others = bench.compare(f"import, {feed.name}", command, packers, to_null, feed.speed)
        mine, theirs = (min(took.processor for took in found) for found in (own, others["zstd -3"]))
        bench.add(f"– processor time, {feed.name}", milliseconds(mine), f"zstd -3: {milliseconds(theirs)}", theirs / mine)
        bench.compare(f"redact, {feed.name}", [PROGRAM, "redact", feed.tape, "-o", work / "redacted.tape", "--force"], [], to_null,
                      feed.megabytes)
        bench.compare(f"bundle, {feed.name}", [PROGRAM, "bundle", feed.tape, "-o", work / "safe.zip", "--force", "--yes"], [],
                      to_null, feed.megabytes)
        far = work / "far.zst"
        pack(feed.lines, far, "--long=27")
        sizes = [("zstd -3", feed.packed), ("zstd -3 --long=27", far), *([("mcap", mcap)] if mcap.exists() else [])]
        tape = feed.tape.stat().st_size
        for name, packed in sizes:
            other = packed.stat().st_size
            bench.add(f"size, {feed.name}", f"{tape / 1e6:.1f} MB", f"{name}: {other / 1e6:.1f} MB", other / tape)
    if mcap.exists():
        bench.compare(f"export to nowhere, {feed.name}", [PROGRAM, "export", feed.tape], peers.read_mcap(mcap), to_null, feed.speed)


def portable_rows(bench, feed, work):
    """The program that needs no shared libraries, beside the one that is linked to them."""
    words = {"import": ["import", feed.lines, "-o", work / "again", "--force"], "export": ["export", feed.tape],
             "replay": ["replay", feed.tape, "--color", "no"], "sessions": ["sessions", feed.tape]}
    for what, given in words.items():
        bench.compare(f"portable: {what}, {feed.name}", [PORTABLE, *given], [("shared libraries", [PROGRAM, *given])], to_null,
                      milliseconds)
    first = ["replay", ROOT / "samples/night.tape", "-n", "1"]
    bench.compare("portable: time to the first line of a night", [PORTABLE, *first], [("shared libraries", [PROGRAM, *first])],
                  to_first_line, milliseconds)


def trial_rows(bench, feeds, given, work):
    for feed in feeds:
        trials.import_memory(bench, feed, work)
        if given.hard:
            recording.record_at(bench, feed, HARD[feed.name], given.hard, work)
    if given.hard:
        recording.record_at(bench, feeds[0], BURST, 1, work)
        trials.live(bench, feeds[0], LIVE, given.hard)
    if given.quiet:
        trials.quiet_sources(bench, given.quiet, work)


def growth_rows(bench, work, events):
    """Ten times the events: what each of them costs, against before."""
    few = Feed(work, events // 10, "none", "few")
    many = Feed(work, events, "none", "many")
    for what, command in (("import", lambda feed: [PROGRAM, "import", feed.lines, "-o", work / "grown", "--force"]),
                          ("export", lambda feed: [PROGRAM, "export", feed.tape]),
                          ("replay", lambda feed: [PROGRAM, "replay", feed.tape, "--color", "no"])):
        costs = []
        for feed in (few, many):
            took = [to_null(command(feed)) for _ in range(bench.runs)]
            costs.append((median(took) / feed.events * 1e9, max(one.mib for one in took)))
        bench.add(f"{what}, {few.events:,} and {many.events:,} events", f"{costs[1][0]:.0f} ns an event",
                  f"{few.events:,}: {costs[0][0]:.0f} ns", costs[0][0] / costs[1][0], costs[1][1])


def machine():
    try:
        cpu = next(line for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")).split(":")[1].strip()
    except (OSError, StopIteration):
        cpu = platform.machine()
    load = os.getloadavg()
    kernel = platform.release().partition("-")[0]
    return f"{cpu}, {os.cpu_count()} processors, Linux {kernel}; load {load[0]:.1f} before and {{after:.1f}} after"


def page(rows, feeds, about, runs):
    table = "| what | smtptape | beside it | times as fast | peak memory, MiB |\n| --- | --- | --- | --- | --- |\n"
    table += "".join(f"| {' | '.join(row)} |\n" for row in rows)
    sizes = "; ".join(f"{feed.name}: {feed.events:,} events, {feed.size / 1e6:.0f} MB of lines" for feed in feeds)
    return f"""{INTRODUCTION}
## Figures

{table}
Times as fast is the other's time through ours, for sizes the other's size through ours: above 1 we are better. GB/s are of the lines, unpacked. Peak memory (`VmHWM`) is that of smtptape, pages of mapped files included.

## How they were measured

On {datetime.date.today():%Y-%m-%d}, on {about.format(after=os.getloadavg()[0])}. Of {runs} runs the median, one run for what takes more than five seconds; the files were in the page cache. The feeds are made by `bench/make_feed.py` ({sizes}); nothing of it is anybody's mail. The reader behind the pipe reads and drops. A live feed comes from `bench/feed_sender.cc` on the same processors, one event a write; the time is that of the recorder from its start to its end. The sender keeps 131,072 events for a slow recorder and then drops the oldest, as kumod does; the tapes tell exactly what was stored, lost and dropped, or the run fails. What a program has of its own is what it holds at most beside pages of files, looked at fifty times a second. duckdb, chdb and mcap run in Python, whose start is in their time (0.1 to 0.2 s). They and jq make tables of the lines by one query, which knows what the final reply looks like in this feed; smtptape works it out from the dialogue. mcap is written and read by Python alone. What single functions cost says `bench/hot_paths.cc`; its instructions are counted in `./dev check`.
"""


def arguments():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=int, default=300, help="after so long each comparison runs once")
    options.add_argument("--record", type=int, default=10, help="so many seconds at each rate; 0: none")
    options.add_argument("--hard", type=int, default=6, help="so many seconds at rates that are too much for a few processors; 0: none")
    options.add_argument("--quiet", type=int, default=5, help="so many seconds of quiet sources; 0: none")
    options.add_argument("--growth", type=int, default=1_000_000, help="events; 0: none")
    options.add_argument("--offline", action="store_true", help="compare only with what is installed")
    options.add_argument("--output", default=str(PAGE))
    given = options.parse_args()
    if shutil.which("zstd") is None:
        sys.exit("bench: zstd is not installed; ./dev setup installs it")
    return given


def main():
    given = arguments()
    peers = Peers(not given.offline)
    bench, about = Bench(given.runs, time.monotonic() + given.seconds), machine()
    with tempfile.TemporaryDirectory(prefix="smtptape-bench-") as folder:
        work = pathlib.Path(folder)
        feeds = [Feed(work, given.events, bodies) for bodies in ("none", "templated", "unique")]
        plain = feeds[0]
        plain.split()
        search_rows(bench, work, SEARCHED * given.events, peers)
        one_session_row(bench, plain)
        text_rows(bench, feeds)
        writing_rows(bench, feeds, peers, work)
        if PORTABLE.exists():
            portable_rows(bench, plain, work)
        recording.serve(bench, plain)
        for feed in feeds if given.record else []:
            for rate in RATES[feed.name]:
                recording.record_at(bench, feed, rate, given.record, work)
        trial_rows(bench, feeds, given, work)
        if given.growth:
            growth_rows(bench, work, given.growth)
            trials.sessions_alive(bench, work, given.growth, ALIVE, min(given.record, 5))
    if given.output != "-":
        pathlib.Path(given.output).write_text(page(bench.rows, feeds, about, given.runs), encoding="utf-8")


if __name__ == "__main__":
    main()
