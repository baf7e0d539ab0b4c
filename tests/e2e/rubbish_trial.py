#!/usr/bin/env python3
"""A directory full of rubbish: the recorder starts and records, readers say what they passed over.

  rubbish_trial.py SMTPTAPE TAPE [--files N]

N files that are no tapes lie in the store, and beside them everything that can be in the way: links, a
socket, a pipe, a directory, empty, cut, damaged and foreign tapes, one that nobody may read.
TAPE is a recording to serve.  Ends by itself; talks to loopback only.
"""
import argparse
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile

from trial import keep

DATE = "20260804T210000Z"


def fill(store, tape, files):
    whole = tape.read_bytes()
    store.mkdir(mode=0o700)
    for number in range(files):
        (store / f"rubbish-{number}.tape").write_bytes(b"rubbish" if number % 2 else b"")
    (store / f"m-00000001-{DATE}.tape").write_bytes(b"")
    (store / f"m-00000002-{DATE}.tape").write_bytes(whole[: len(whole) // 2])
    (store / f"m-00000003-{DATE}.tape").write_bytes(b"no tape at all")
    (store / f"m-00000004-{DATE}.tape").mkdir()
    (store / f"m-00000005-{DATE}.tape").symlink_to("/etc/passwd")
    (store / f"m-00000006-{DATE}.tape").symlink_to("nowhere")
    os.mkfifo(store / f"m-00000007-{DATE}.tape")
    listener = socket.socket(socket.AF_UNIX)
    os.chdir(store)  # its address has to be short
    listener.bind(f"m-00000008-{DATE}.tape")
    listener.close()
    unreadable = store / f"m-00000009-{DATE}.tape"
    unreadable.write_bytes(whole)
    unreadable.chmod(0)
    (store / f"m-00000010-{DATE}.tape").write_bytes(whole[:16] + b"\xff\xff" + whole[18:])  # its version
    (store / f"other-00000011-{DATE}.tape").write_bytes(whole)
    (store / f"m-99999999999999999999999-{DATE}.tape").write_bytes(b"")


def content_of(store):
    found = {}
    for entry in store.iterdir():
        if entry.is_file() and not entry.is_symlink() and os.access(entry, os.R_OK):
            found[entry.name] = entry.read_bytes()
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("tape", type=pathlib.Path)
    options.add_argument("--files", type=int, default=1000)
    given = options.parse_args()
    program, tape = given.program.resolve(), given.tape.resolve()

    def run(*arguments):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=300)

    with tempfile.TemporaryDirectory(prefix="smtptape-rubbish-") as folder:
        store = pathlib.Path(folder) / "store"
        fill(store, tape, given.files)
        before = content_of(store)

        server = subprocess.Popen([program, "serve", tape, "--listen", "127.0.0.1:0", "--once"],
                                  stderr=subprocess.PIPE, text=True)
        url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        captured = run("capture", "--endpoint", url, "--store", store, "--name", "m", "--until-end")
        server.wait(timeout=60)
        if captured.returncode != 0 or " 0 lost" not in captured.stderr:
            sys.exit(f"the recorder did not record: {captured.returncode} {captured.stderr}")
        fresh = [entry for entry in store.iterdir() if entry.name not in before and "T2100" not in entry.name
                 and entry.suffix == ".tape"]
        if len(fresh) != 1:
            sys.exit(f"one new tape was expected: {fresh}")
        if run("export", fresh[0]).stdout != run("export", tape).stdout:
            sys.exit("the new tape does not hold what was sent")

        told = {}
        for command in ("replay", "export", "info", "verify"):
            ran = run(command, store)
            if ran.returncode not in (0, 3):
                sys.exit(f"{command}: {ran.returncode} {ran.stderr[-2000:]}")
            told[command] = ran.stdout + ran.stderr
            for name in (f"m-00000003-{DATE}", f"m-00000010-{DATE}", "rubbish-1.tape"):
                if name not in told[command]:
                    sys.exit(f"{command} says nothing of {name}:\n{told[command][-3000:]}")
            if "passwd" in told[command]:
                sys.exit(f"{command} followed a link")
        after = content_of(store)
        changed = [name for name, bytes in before.items() if after.get(name) != bytes]
        if changed:
            sys.exit(f"changed or gone: {changed}")

        keep("rubbish", {"files in the store": len(before), "files changed or gone": len(changed)})


if __name__ == "__main__":
    main()
