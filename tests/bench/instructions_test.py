#!/usr/bin/env python3
"""The hot paths cost no more instructions an event than is written down beside this file, plus 15 %.

  instructions_test.py HOT_PATHS [--write]

Counted by valgrind's callgrind, which a busy machine does not disturb.  --write puts the counts of
now into instructions.tsv: after a change that is meant to cost more, or that made a path cheaper.
"""
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys

TABLE = pathlib.Path(__file__).resolve().parent / "instructions.tsv"
ALLOWED = 1.15
SKIPPED = 77
FEW, MANY = 1, 3  # rounds: the difference leaves out what starting costs


def count(program, path, rounds):
    """Instructions of the whole run, and its events."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, path, str(rounds)],
                          capture_output=True, text=True, timeout=300)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    events = re.search(r": (\d+) events", done.stdout)
    if done.returncode != 0 or not collected or not events:
        sys.exit(f"counting {path} failed:\n{done.stdout}{done.stderr}")
    return int(collected[1]), int(events[1])


def instructions_an_event(program, path):
    few, many = count(program, path, FEW), count(program, path, MANY)
    return (many[0] - few[0]) / (many[1] - few[1])


def main():
    program = sys.argv[1]
    if shutil.which("valgrind") is None:
        print("SKIPPED: valgrind is not installed, so that NOTHING was counted; ./dev setup installs it", file=sys.stderr)
        sys.exit(SKIPPED)
    paths = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        now = dict(zip(paths, pool.map(lambda path: instructions_an_event(program, path), paths)))
    if sys.argv[2:] == ["--write"]:
        TABLE.write_text("".join(f"{path}\t{now[path]:.0f}\n" for path in paths), encoding="utf-8")
        return
    before = dict(line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines())
    wrong = [f"{path}: {TABLE.name} does not name it" for path in paths if path not in before]
    wrong += [f"{path}: no such path any more, but {TABLE.name} names it" for path in before if path not in now]
    for path in now.keys() & before.keys():
        print(f"{path}: {now[path]:.0f} instructions an event, {before[path]} are written down")
        if now[path] > float(before[path]) * ALLOWED:
            wrong.append(f"{path}: {now[path]:.0f} instructions an event, more than {ALLOWED} times the {before[path]} of before")
    sys.exit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
