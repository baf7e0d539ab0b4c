"""Times of whole programs, run in turn with what they are compared with."""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
import typing

LONG = 5  # seconds; one look at what takes longer is enough


class Took(typing.NamedTuple):
    seconds: float
    processor: float  # seconds of it, user and system
    mib: float  # the peak of the memory


class Bench:
    """Collects the rows of the page."""

    def __init__(self, runs, deadline):
        self.runs, self.deadline, self.rows = runs, deadline, []

    def add(self, what, ours, beside="", ratio=None, mib=None):
        self.rows.append((what, ours, beside, "" if ratio is None else f"{ratio:.2f}",
                          "" if mib is None else f"{mib:.0f}"))
        print(" | ".join(self.rows[-1]), flush=True)

    def compare(self, what, ours, peers, measure, show):
        """`peers`: (name, command) pairs; `measure` gives what a command Took, or None."""
        figures = {name: [] for name, _ in [("smtptape", ours), *peers]}
        for turn in range(self.runs):
            if turn > 0 and time.monotonic() > self.deadline:
                break
            for name, command in [("smtptape", ours), *peers]:
                if name not in figures or (figures[name] and figures[name][0].seconds > LONG):
                    continue
                took = measure(command)
                if took is not None:
                    figures[name].append(took)
                elif name == "smtptape":
                    sys.exit(f"failed: {command}")
                else:
                    print(f"{name} failed and is left out: {what}", file=sys.stderr)
                    del figures[name]
        own = figures.pop("smtptape")
        seconds, memory = median(own), max(took.mib for took in own)
        if not figures:
            self.add(what, show(seconds), mib=memory)
        for name, found in figures.items():
            self.add(what, show(seconds), f"{name}: {show(median(found))}", median(found) / seconds, memory)
        return own, figures


class PeakOfOwn:
    """Watches what a process has in memory that is no page of a file; the kernel keeps the peak of all pages only."""

    def __init__(self, pid):
        self.status, self.kib = pathlib.Path(f"/proc/{pid}/status"), 0

    def look(self):
        try:
            found = re.search(r"^RssAnon:\s+(\d+)", self.status.read_text(encoding="ascii"), re.M)
        except OSError:
            return  # it has ended
        self.kib = max(self.kib, int(found[1]) if found else 0)

    @property
    def mib(self):
        return self.kib / 1024


def watched(process, within, peak=None):
    """Waits for its end; what it used."""
    deadline = time.monotonic() + within
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > deadline:
            raise TimeoutError(f"{process.args[1]} does not end")
        if peak is not None:
            peak.look()
        time.sleep(0.02)


def median(figures):
    return statistics.median(took.seconds for took in figures)


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def finished(start, processes):
    """What the first of them took, when all have ended."""
    _, status, usage = os.wait4(processes[0].pid, 0)
    processes[0].returncode = os.waitstatus_to_exitcode(status)
    codes = [processes[0].returncode] + [process.wait() for process in processes[1:]]
    if codes[0] not in (0, -13, 141) or any(code not in (0, 1) for code in codes[1:]):
        return None  # grep says 1 where nothing was found
    return Took(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def to_null(command):
    """A command, or several that are piped together."""
    stages = command if isinstance(command[0], list) else [command]
    start, processes, source = time.monotonic(), [], None
    for stage in stages:
        output = subprocess.DEVNULL if stage is stages[-1] else subprocess.PIPE
        process = subprocess.Popen(stage, stdin=source, stdout=output, stderr=subprocess.DEVNULL)
        if source is not None:
            source.close()
        source = process.stdout
        processes.append(process)
    return finished(start, processes)


READER = "import os\nprint(flush=True)\nroom = bytearray(1 << 17)\nwhile os.readv(0, [room]): pass"


def to_reader(command):
    """Through a pipe into a process that reads and drops it; the clock starts when it is there."""
    reader = subprocess.Popen([sys.executable, "-IS", "-c", READER], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    reader.stdout.readline()
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=reader.stdin, stderr=subprocess.DEVNULL)
    reader.stdin.close()
    took = finished(start, [process, reader])
    reader.stdout.close()
    return took


def to_first_line(command):
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    seconds = time.monotonic() - start
    process.stdout.close()  # what writes on finds nobody
    took = finished(start, [process])
    return None if took is None else took._replace(seconds=seconds)
