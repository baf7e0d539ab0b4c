"""A feed in each form in which it is read: lines, lines packed by zstd, a tape, a store of several tapes."""
import os
import pathlib
import subprocess
import sys

import make_feed

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("SMTPTAPE", ROOT / "build/release/smtptape"))
PARTS = 4  # tapes in the store


class Feed:
    def __init__(self, work, events, bodies, name=None, alive=make_feed.ALIVE):
        self.events, self.name = events, {"none": "no bodies"}.get(bodies, bodies)
        stem = name or bodies
        self.lines, self.packed, self.tape = (work / f"{stem}.{kind}" for kind in ("jsonl", "zst", "tape"))
        self.store, self.parts = work / f"{stem}.store", []
        with open(self.lines, "w", encoding="utf-8", newline="") as out:
            make_feed.make(out, events, bodies, 1, alive)
        self.size = self.lines.stat().st_size
        pack(self.lines, self.packed)
        record(self.lines, self.tape)

    def forget(self):
        for path in (self.lines, self.packed, self.tape):
            path.unlink()

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

    def megabytes(self, seconds):
        return f"{self.size / seconds / 1e6:.0f} MB/s of JSON"

    def rate(self, seconds):
        return f"{self.events / seconds / 1e6:.2f} M events/s"


def must(command):
    ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if ran.returncode != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}\n{ran.stderr}")


def pack(lines, packed, *options):
    must(["zstd", "-3", *options, "-q", "-f", lines, "-o", packed])


def record(lines, tape):
    must([PROGRAM, "import", lines, "-o", tape, "--force"])
