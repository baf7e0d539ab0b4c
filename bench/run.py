#!/usr/bin/env python3
"""Compares smtptape with what people use today, in one run, and writes docs/performance.md.

  bench/run.py [--events N] [--runs N] [--seconds N] [--output FILE]

The feeds are made by bench/make_feed.py.  What is compared runs in turn, so that whatever else the
machine does meets both alike; figures are medians.  Tools that are not installed are left out.
--output - prints the table only.
"""
import argparse
import datetime
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import make_feed

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build/release/smtptape"
PAGE = ROOT / "docs/performance.md"
PARTS = 4  # tapes in the store

INTRODUCTION = """# How fast it is

Written by `./dev bench`; what stands here is what one machine said. Look at the ratios: both sides ran in turn, on the same bytes, within the same minutes.

The others only unpack lines and look for bytes in them. We check each group of events, give every event its metadata back and write it anew, byte for byte. Reading runs on two threads, so that a processor that others use costs us more than it costs them. Why text is written as it is: [decision 19](decisions/0019-speed-of-text.md).
"""


class Bench:
    def __init__(self, runs, deadline):
        self.runs, self.deadline, self.rows = runs, deadline, []

    def compare(self, what, ours, peers, measure, show):
        """`peers`: (name, command) pairs; `measure` gives (seconds, MiB) of a command."""
        figures = {name: [] for name, _ in [("smtptape", ours), *peers]}
        for turn in range(self.runs):
            if turn > 0 and time.monotonic() > self.deadline:
                break
            for name, command in [("smtptape", ours), *peers]:
                if name not in figures or (figures[name] and figures[name][0][0] > 5):
                    continue  # one look at what takes long is enough
                result = measure(command)
                if result is not None:
                    figures[name].append(result)
                elif name == "smtptape":
                    sys.exit(f"failed: {command}")
                else:
                    print(f"{name} failed and is left out: {what}", file=sys.stderr)
                    del figures[name]
        own = statistics.median(seconds for seconds, _ in figures["smtptape"])
        memory = max(mib for _, mib in figures["smtptape"])
        others = [(name, statistics.median(s for s, _ in found)) for name, found in figures.items() if name != "smtptape"]
        for name, seconds in others or [("", None)]:
            theirs = "" if seconds is None else f"{name}: {show(seconds)}"
            ratio = "" if seconds is None else f"{seconds / own:.2f}"
            self.rows.append((what, show(own), theirs, ratio, f"{memory:.0f}"))
            print(" | ".join(self.rows[-1]), flush=True)


def finished(start, processes):
    """Seconds since `start` and the peak of the first one's memory, VmHWM, when all have ended."""
    _, status, usage = os.wait4(processes[0].pid, 0)
    processes[0].returncode = os.waitstatus_to_exitcode(status)
    codes = [processes[0].returncode] + [process.wait() for process in processes[1:]]
    if codes[0] not in (0, -13, 141) or any(code not in (0, 1) for code in codes[1:]):
        return None  # grep says 1 where nothing was found
    return time.monotonic() - start, usage.ru_maxrss / 1024


def to_null(command):
    """A command, or several that are piped together."""
    stages = command if isinstance(command[0], list) else [command]
    start, processes, source = time.monotonic(), [], None
    for stage in stages:
        last = stage is stages[-1]
        process = subprocess.Popen(stage, stdin=source, stdout=subprocess.DEVNULL if last else subprocess.PIPE, stderr=subprocess.DEVNULL)
        if source is not None:
            source.close()
        source = process.stdout
        processes.append(process)
    return finished(start, processes)


READER = "import os\nroom = bytearray(1 << 17)\nwhile os.readv(0, [room]): pass"


def to_reader(command):
    """Through a pipe into a process that reads and drops it; the clock starts when it is there."""
    reader = subprocess.Popen([sys.executable, "-IS", "-c", "print(flush=True)\n" + READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader.stdout.readline()
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=reader.stdin, stderr=subprocess.DEVNULL)
    reader.stdin.close()
    result = finished(start, [process, reader])
    reader.stdout.close()
    return result


def to_first_line(command):
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    took = time.monotonic() - start
    process.stdout.close()  # what writes on finds nobody
    result = finished(start, [process])
    return None if result is None else (took, result[1])


class Feed:
    """A feed in each form: lines, lines packed by zstd, a tape, a store of several tapes."""

    def __init__(self, work, events, bodies):
        self.events = events
        self.lines, self.packed, self.tape = work / f"{bodies}.jsonl", work / f"{bodies}.zst", work / f"{bodies}.tape"
        self.store, self.parts = work / f"{bodies}.store", []
        with open(self.lines, "w", encoding="utf-8", newline="") as out:
            make_feed.make(out, events, bodies, 1)
        self.size = self.lines.stat().st_size
        pack(self.lines, self.packed)
        record(self.lines, self.tape)

    def split(self):
        self.store.mkdir()
        with open(self.lines, "rb") as lines:
            for part in range(PARTS):
                path = self.store.with_suffix(f".{part}.jsonl")
                with open(path, "wb") as out:
                    for _ in range(self.events // PARTS):
                        out.write(lines.readline())
                record(path, self.store / f"{part}.tape")
                pack(path, path.with_suffix(".zst"))
                self.parts.append(path.with_suffix(".zst"))
                path.unlink()

    def speed(self, seconds):
        return f"{self.size / seconds / 1e9:.2f} GB/s"

    def rate(self, seconds):
        return f"{self.events / seconds / 1e6:.2f} M events/s"


def must(command):
    if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False).returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")


def pack(lines, packed):
    must(["zstd", "-3", "-q", "-f", lines, "-o", packed])


def record(lines, tape):
    must([PROGRAM, "import", lines, "-o", tape, "--force"])


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def installed(peers):
    """Of (name, tool, command) those whose tool is there."""
    return [(name, command) for name, tool, command in peers if shutil.which(tool)]


def searchers(packed, tenant):
    unpack = ["zstd", "-dcq", *packed]
    sql = f"select * from read_ndjson_objects('{packed[0]}') where json->'conn_meta'->>'tenant' = '{tenant}'"
    return installed([
        ("zstd, grep", "grep", [unpack, ["grep", "-F", f'"tenant":"{tenant}"']]),
        ("zstd, jq", "jq", [unpack, ["jq", "-c", f'select(.conn_meta.tenant == "{tenant}")']]),
        ("duckdb", "duckdb", ["duckdb", "-c", sql]),
    ])


def search_rows(bench, plain):
    for where, tenant in (("in every group", "acme"), ("nowhere", "nobody")):
        bench.compare(f"search for a tenant, {where}", [PROGRAM, "export", plain.tape, "--scope", "strict", "--tenant", tenant],
                      searchers([plain.packed], tenant), to_null, milliseconds)
    recipient = f"user1000{500:03d}.0@dest{1000500 % 300}.example"
    peers = installed([("zstd, grep", "grep", [["zstd", "-dcq", *plain.parts], ["grep", "-F", recipient]])])
    bench.compare(f"one session in a store of {PARTS} tapes", [PROGRAM, "export", plain.store, "--scope", "session", "--rcpt-to", recipient],
                  peers, to_null, milliseconds)


def text_rows(bench, plain, bodies):
    for feed, name in ((plain, "no bodies"), (bodies, "bodies")):
        unpack, export = ["zstd", "-dcq", feed.packed], [PROGRAM, "export", feed.tape]
        bench.compare(f"export to nowhere, {name}", export, [("zstd", unpack)], to_null, feed.speed)
        bench.compare(f"export into a pipe, {name}", export, [("zstd", unpack)], to_reader, feed.speed)
        bench.compare(f"replay, {name}", [PROGRAM, "replay", feed.tape, "--color", "no"], [], to_null, feed.rate)
    bench.compare("export, time to the first line", [PROGRAM, "export", bodies.tape], [("zstd", ["zstd", "-dcq", bodies.packed])],
                  to_first_line, milliseconds)
    bench.compare("import, bodies", [PROGRAM, "import", bodies.lines, "-o", bodies.tape, "--force"],
                  [("zstd -3", ["zstd", "-3", "-q", "-f", bodies.lines, "-o", bodies.packed])], to_null, bodies.speed)


def size_rows(bench, feeds):
    for feed, name in feeds:
        tape, packed = feed.tape.stat().st_size, feed.packed.stat().st_size
        bench.rows.append((f"size, {name}", f"{tape / 1e6:.1f} MB", f"zstd -3: {packed / 1e6:.1f} MB", f"{packed / tape:.2f}", ""))
        print(" | ".join(bench.rows[-1]), flush=True)


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
    sizes = "; ".join(f"{name}: {feed.events:,} events, {feed.size / 1e6:.0f} MB of lines" for feed, name in feeds)
    return f"""{INTRODUCTION}
## Figures

{table}
Times as fast is the other's time through ours, for sizes the other's size through ours: above 1 we are better. GB/s are of the lines, unpacked. Peak memory (`VmHWM`) is that of smtptape.

## How they were measured

On {datetime.date.today():%Y-%m-%d}, on {about.format(after=os.getloadavg()[0])}. Of {runs} runs the median, one run for what takes more than five seconds; the files were in the page cache. The feeds are made by `bench/make_feed.py` ({sizes}); nothing of it is anybody's mail. The reader behind the pipe reads and drops. What single functions cost says `bench/hot_paths.cc`; its instructions are counted in `./dev check`.
"""


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=200_000)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=int, default=200, help="after so long each comparison runs once")
    options.add_argument("--output", default=str(PAGE))
    given = options.parse_args()
    if shutil.which("zstd") is None:
        sys.exit("bench: zstd is not installed; ./dev setup installs it")
    bench, about = Bench(given.runs, time.monotonic() + given.seconds), machine()
    with tempfile.TemporaryDirectory(prefix="smtptape-bench-") as folder:
        work = pathlib.Path(folder)
        plain, bodies = Feed(work, given.events, "none"), Feed(work, given.events, "templated")
        plain.split()
        feeds = ((plain, "no bodies"), (bodies, "bodies"))
        search_rows(bench, plain)
        text_rows(bench, plain, bodies)
        size_rows(bench, feeds)
    if given.output != "-":
        pathlib.Path(given.output).write_text(page(bench.rows, feeds, about, given.runs), encoding="utf-8")


if __name__ == "__main__":
    main()
