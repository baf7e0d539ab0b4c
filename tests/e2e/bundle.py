#!/usr/bin/env python3
"""What bundle asks a person, what is left of it when it is killed, and what it says of a full page.

usage: bundle.py SMTPTAPE GOLDEN_DIR
"""
import os
import pty
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

PROGRAM, GOLDEN = sys.argv[1:3]
WITHIN = 30  # s, that anything may take


def check(what, condition, detail=""):
    if not condition:
        sys.exit(f"{what}: {detail}")


def in_terminal(arguments, answer):
    """Runs the program in a terminal, answers its question; returns what it showed and its exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(PROGRAM, [PROGRAM, *arguments])
    shown, answered, until = b"", False, time.monotonic() + WITHIN
    while time.monotonic() < until:
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if b"[y/N]" in shown and not answered:
            os.write(fd, answer)
            answered = True
    else:
        os.kill(pid, signal.SIGKILL)
    return shown.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), answered


def asks(tape, directory):
    archive = os.path.join(directory, "asked.trace.zip")
    for answer in (b"n\n", b"\n", b"\x04", b"yesterday\n"):
        shown, code, answered = in_terminal(["bundle", tape, "-o", archive], answer)
        check("it asks", answered, shown)
        check("it is not written", code == 1 and not os.path.exists(archive), f"{answer} {code}")
        for words in ("it will hold", "taken out: local-parts", "for example", " → ", "nothing was written"):
            check("it shows what it will hold", words in shown, f"{words!r} is not in {shown}")
    check("there are three samples", shown.count(" → ") == 3, shown)
    shown, code, answered = in_terminal(["bundle", tape, "-o", archive, "--no-redact"], b"y\n")
    check("it says that nothing is taken out", answered and "NOTHING is taken out" in shown, shown)
    check("it is written", code == 0 and os.path.exists(archive), shown)
    os.remove(archive)
    shown, code, answered = in_terminal(["bundle", tape, "-o", archive, "--yes"], b"n\n")
    check("--yes is asked nothing", code == 0 and not answered and " → " not in shown, shown)
    os.remove(archive)


def tells_of_sessions_that_the_page_has_no_room_for(directory):
    feed, tape, archive = (os.path.join(directory, name) for name in ("many.jsonl", "many.tape", "many.trace.zip"))
    with open(feed, "w", encoding="utf-8") as out:
        for session in range(6):
            for event in range(20_000):
                out.write(f'{{"conn_meta":{{"id":"session-{session}"}},"payload":{{"Write":"NOOP\\r\\n"}},'
                          f'"when":"2026-08-04T21:{session:02}:{event // 400:02}.{event % 400:03}Z"}}\n')
    subprocess.run([PROGRAM, "import", feed, "-o", tape], check=True, capture_output=True, timeout=WITHIN)
    ran = subprocess.run([PROGRAM, "bundle", tape, "--yes", "--no-redact", "-o", archive],
                         check=True, capture_output=True, text=True, timeout=WITHIN)
    words = "the page has no room for 1 session of them; the tape has all"
    check("it says what the page lacks", words in ran.stderr, ran.stderr)
    with zipfile.ZipFile(archive) as whole:
        report = whole.read("report.md").decode()
        check("the report says so, too", "The page has no room for 1 session; the tape has them" in report, report)
        check("the figures have it", whole.read("sessions.jsonl").count(b"\n") == 6)
    os.remove(archive)


def is_whole_or_nothing_when_killed(tape, directory):
    archive = os.path.join(directory, "killed.trace.zip")
    arguments = [PROGRAM, "bundle", tape, "--yes", "-o", archive]
    began = time.monotonic()
    subprocess.run(arguments, check=True, capture_output=True, timeout=WITHIN)
    takes = time.monotonic() - began
    os.remove(archive)
    randomness = random.Random(1)
    written = 0
    for _ in range(25):
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
        try:
            process.wait(randomness.uniform(0, 1.3 * takes))
        except subprocess.TimeoutExpired:
            process.send_signal(randomness.choice((signal.SIGKILL, signal.SIGTERM)))
            process.wait(WITHIN)
        if os.path.exists(archive):
            written += 1
            with zipfile.ZipFile(archive) as whole:
                check("the archive is whole", whole.testzip() is None and len(whole.namelist()) == 5)
                check("nobody else reads what is unpacked",
                      all(member.external_attr >> 16 == 0o100600 for member in whole.infolist()))
            os.remove(archive)
        left = [name for name in os.listdir(directory) if name.endswith(".zip")]
        check("nothing partial has its name", not left, left)
    print(f"25 times killed: {written} archives were whole, of the others nothing was there")


with tempfile.TemporaryDirectory() as directory:
    tape = os.path.join(directory, "night.tape")
    subprocess.run([PROGRAM, "import", os.path.join(GOLDEN, "feeds/errors/raw.jsonl"), "-o", tape],
                   check=True, capture_output=True, timeout=WITHIN)
    asks(tape, directory)
    is_whole_or_nothing_when_killed(tape, directory)
    tells_of_sessions_that_the_page_has_no_room_for(directory)
