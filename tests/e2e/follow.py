#!/usr/bin/env python3
"""replay --follow with real recorders: what it prints, and how it ends.

  follow.py SMTPTAPE GOLDEN_DIRECTORY

Two captures, one after the other, into one store that is followed all the time; then the ways in
which following ends.  Each wait has a bound; talks to loopback only.
"""
import array
import fcntl
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import termios
import time

PROGRAM, GOLDEN = sys.argv[1], pathlib.Path(sys.argv[2]) / "feeds"
PATIENCE = 30
failures = []
running = []


def start(*words, **pipes):
    process = subprocess.Popen([PROGRAM, *map(str, words)], **pipes)
    running.append(process)
    return process


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, timeout=PATIENCE, check=False)


def check(what, good):
    if not good:
        failures.append(what)


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"not within {PATIENCE} s: {what}")
        time.sleep(0.01)


def record(feed, store, name):
    server = start("serve", feed, "--listen", "127.0.0.1:0", "--once", stderr=subprocess.PIPE, text=True)
    url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
    ran = run("capture", "--endpoint", url, "--store", store, "--name", name, "--until-end", "--rotate-size", "16K",
              "--batch-bytes", "4K")
    check(f"capture: {ran.returncode} {ran.stderr!r}", ran.returncode == 0)
    server.communicate(timeout=PATIENCE)


def follow(store, work, *options):
    out, err = (open(work / f"follow.{name}", "w+b") for name in ("out", "err"))
    return start("replay", "-f", store, "--color", "no", *options, stdout=out, stderr=err), work / "follow.out"


def sleeps(process):
    """How often it went to sleep."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text("ascii")
    return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.MULTILINE)[1])


def has_looked(follower):
    """It looks what is there, then sleeps and looks again: a few times more than what starting takes."""
    wait_for("it looks for what comes", lambda: sleeps(follower) > 0)
    before = sleeps(follower)
    wait_for("it looks again", lambda: sleeps(follower) >= before + 10)


def ends(follower, how):
    """Its exit code."""
    try:
        return follower.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        sys.exit(f"the follower did not end: {how}")


def check_what_it_prints(work):
    """A store that is empty at first; a recorder, another, another source."""
    store = work / "store"
    store.mkdir()
    follower, out = follow(store, work)
    for feed, name in (("basic", "m"), ("errors", "m"), ("tlsauth", "n")):
        record(GOLDEN / feed / "raw.jsonl", store, name)
        recorded = run("replay", store, "--color", "no").stdout
        wait_for(f"{feed} printed", lambda: out.stat().st_size >= len(recorded))
        check(f"after {feed}: something else is printed than replay prints", out.read_bytes() == recorded)
    follower.send_signal(signal.SIGTERM)
    told = (work / "follow.err").read_text("utf-8")
    # Between the two recorders of m nobody recorded, and that is told.
    check("SIGTERM: exit code", ends(follower, "SIGTERM") == 3)
    check(f"the gap is told: {told}", "not recording" in told and told.count("\n") == 1)
    return store


def check_filters(store, work):
    follower, out = follow(store, work, "--source", "10.99.0.0/16", "--scope", "strict", "--as-live")
    wanted = run("replay", store, "--color", "no", "--source", "10.99.0.0/16", "--scope", "strict").stdout
    wait_for("the filtered text", lambda: out.stat().st_size >= len(wanted))
    follower.send_signal(signal.SIGINT)
    check("--as-live: exit code", ends(follower, "SIGINT") == 0)
    check("filtered", out.read_bytes() == wanted)


def check_the_last_sessions(work):
    """-n: of what is there the last sessions, then all that comes; of a store that is empty, too."""
    store = work / "growing"
    store.mkdir()
    first, first_out = follow(store, work, "-n", "2")
    has_looked(first)
    record(GOLDEN / "tlsauth" / "raw.jsonl", store, "m")
    whole = run("replay", store, "--color", "no").stdout
    wait_for("all of what was not there at the start", lambda: first_out.stat().st_size >= len(whole))
    first.send_signal(signal.SIGTERM)
    ends(first, "SIGTERM")
    check("-n 2 of an empty store: all that comes", first_out.read_bytes() == whole)
    last = run("replay", store, "--color", "no", "-n", "2").stdout
    check("-n 2: less than all", 0 < len(last) < len(whole))
    follower, out = follow(store, work, "-n", "2")
    wait_for("what is there", lambda: out.stat().st_size >= len(last))
    comes = record_another("basic", store, "n")
    wait_for("what comes", lambda: out.stat().st_size >= len(last) + len(comes))
    follower.send_signal(signal.SIGTERM)
    ends(follower, "SIGTERM")
    check("-n 2: the last sessions, then what comes", out.read_bytes() == last + comes)
    # When it has looked what is there, nothing tells: something is recorded until it shows some.
    follower, out = follow(store, work, "-n", "0")
    for number in range(50):
        record_another("basic", store, f"o{number}")
        if out.stat().st_size > 0:
            break
    comes = record_another("errors", store, "p")
    wait_for("what comes", lambda: out.read_bytes().endswith(comes))
    check("-n 0: nothing of what is there", last not in out.read_bytes())
    follower.send_signal(signal.SIGTERM)
    ends(follower, "SIGTERM")


def record_another(feed, store, name):
    """Its text."""
    record(GOLDEN / feed / "raw.jsonl", store, name)
    return run("replay", *store.glob(f"{name}-*"), "--color", "no").stdout


def check_how_it_ends(store, work):
    tape = sorted(store.glob("n-*.tape"))[-1]
    ran = run("replay", "--follow", tape)
    check("a sealed tape: exit code", ran.returncode == 0)
    check("a sealed tape: its text", ran.stdout == run("replay", tape).stdout)
    one = work / "one"
    one.mkdir()
    run("import", GOLDEN / "tlsauth" / "raw.jsonl", "-o", one / "x.tape")
    ran = run("replay", "--follow", one, "--only-one")
    check("--only-one: exit code", ran.returncode == 0)
    check("--only-one: its text", ran.stdout == run("replay", one, "--only-one").stdout)
    ran = run("replay", "--follow", store, "--until", "2020-01-01")
    check("--until in the past", ran.returncode == 0 and ran.stdout == b"")


def check_closed_output(work):
    """Nobody reads, and nothing is printed: it ends all the same."""
    empty = work / "empty"
    empty.mkdir()
    follower = start("replay", "-f", empty, stdout=subprocess.PIPE)
    follower.stdout.close()
    check("output closed: exit code", ends(follower, "output closed") == 0)
    follower = start("replay", "-f", empty, "--as-live", stdout=subprocess.PIPE)
    follower.stdout.close()
    check("output closed, --as-live: exit code", ends(follower, "output closed") == 101)


def check_full_output(work):
    """The output is full, and nobody takes it: a signal ends it all the same."""
    large = work / "large.jsonl"
    with open(large, "w", encoding="utf-8") as feed:
        for number in range(60_000):  # more text than a pipe holds
            feed.write(f'{{"conn_meta":{{"id":"s"}},"payload":{{"Write":"NOOP {number}\\r\\n"}},'
                       '"when":"2026-08-04T13:54:50Z"}\n')
    run("import", large, "-o", work / "large.tape")
    follower = start("replay", "-f", work / "large.tape", stdout=subprocess.PIPE)
    waiting = array.array("i", [0])

    def is_full():
        """What waits in the pipe grows no more."""
        before = waiting[0]
        fcntl.ioctl(follower.stdout, termios.FIONREAD, waiting)
        return waiting[0] == before > 0

    wait_for("a full pipe", is_full)
    follower.send_signal(signal.SIGINT)
    check("output full: exit code", ends(follower, "output full") == 0)


def main():
    with tempfile.TemporaryDirectory(prefix="smtptape-follow-") as folder:
        work = pathlib.Path(folder)
        try:
            store = check_what_it_prints(work)
            check_filters(store, work)
            check_the_last_sessions(work)
            check_how_it_ends(store, work)
            check_closed_output(work)
            check_full_output(work)
        finally:
            for process in running:
                if process.poll() is None:
                    process.kill()
                    process.wait(timeout=PATIENCE)
    print("\n".join(failures) or "followed: the same as replayed, and it ends as it should")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
