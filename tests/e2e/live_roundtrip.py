#!/usr/bin/env python3
"""Every recording over real sockets: serve plays it, capture records it, export gives back the same
frames; and trace-smtp-client prints what the real kcli printed.

  live_roundtrip.py PROGRAM GOLDEN_DIRECTORY [RUNNER...]

RUNNER is put before the program, as an emulator.
"""
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

PROGRAM, GOLDEN = [*sys.argv[3:], sys.argv[1]], pathlib.Path(sys.argv[2])
failures = []


def rows(folder):
    with open(GOLDEN / "feeds" / folder / "INDEX.tsv", encoding="utf-8") as table:
        for row in [line.rstrip("\n").split("\t") for line in table][1:]:
            if folder in ("slices", "handmade"):
                yield row[1], row[0], shlex.split(row[2]), int(row[3])
            else:
                yield "raw.jsonl", row[0], shlex.split(row[1]), 0


class Served:
    """serve --once on a port that the system chose."""

    def __init__(self, path, *options):
        command = [*PROGRAM, "serve", str(path), "--listen", "127.0.0.1:0", "--once", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8")

    def __enter__(self):
        for line in self.process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                told = self.process.stderr.readline()
                check(f"serve does not tell how to connect: {told!r}",
                      told == f"smtptape:   kcli --endpoint {found[0]} trace-smtp-client\n")
                return found[0]
        sys.exit("serve ended before it listened")

    def __exit__(self, *_):
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            failures.append("serve --once did not end")


def run(*words):
    return subprocess.run([*PROGRAM, *map(str, words)], capture_output=True, timeout=60, check=False)


def check(what, good):
    if not good:
        failures.append(what)


def check_capture(feed, work):
    store = work / f"store-{feed.parent.name}-{feed.stem}"
    with Served(feed) as url:
        ran = run("capture", "--endpoint", url, "--until-end", "--store", store, "--name", "test")
    check(f"capture of {feed}: exit {ran.returncode} {ran.stderr!r}", ran.returncode == 0)
    check(f"{feed}: export differs from what was served", run("export", store).stdout == feed.read_bytes())


def check_live(folder, name, output, options, exit_code):
    feed = GOLDEN / "feeds" / folder / name
    with Served(feed, "--as-live") as url:
        ran = run("--endpoint", url, "trace-smtp-client", "--as-live", "--kcli-profile", "halfeven", *options)
    want = (GOLDEN / "feeds" / folder / output).read_bytes()
    check(f"{folder}/{output}: exit {ran.returncode}, not {exit_code}: {ran.stderr!r}", ran.returncode == exit_code)
    check(f"{folder}/{output}: printed something else", ran.stdout == want)


def main():
    with tempfile.TemporaryDirectory(prefix="smtptape-live-") as directory:
        work = pathlib.Path(directory)
        count = 0
        for folder in ("basic", "tlsauth", "errors", "slices", "handmade"):
            feeds = set()
            for name, output, options, exit_code in rows(folder):
                if name not in feeds:
                    feeds.add(name)
                    check_capture(GOLDEN / "feeds" / folder / name, work)
                check_live(folder, name, output, options, exit_code)
                count += 1
    print("\n".join(failures) or f"{count} outputs and every recording: the same")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
