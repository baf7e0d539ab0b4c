#!/usr/bin/env python3
"""Writes the figures of the last trials into docs/durability.md.

  durability.py TRIALS      a directory of NAME.tsv files, which the trials wrote

Each file becomes a row for each of its lines; a trial that did not run keeps its rows of before.
"""
import pathlib
import re
import sys

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent / "docs" / "durability.md"
BEGIN, END = "<!-- figures: written by tools/durability.py -->", "<!-- end of figures -->"
HEAD = "| trial | what | figure |\n| --- | --- | --- |\n"


def rows_of(text):
    rows = {}
    for line in text.splitlines():
        found = re.fullmatch(r"\| ([^|]+) \| ([^|]+) \| ([^|]+) \|", line)
        if found and found[1] not in ("trial", "---"):
            rows.setdefault(found[1], []).append((found[2], found[3]))
    return rows


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    table, after = rest.split(END)
    rows = rows_of(table)
    for file in sorted(pathlib.Path(sys.argv[1]).glob("*.tsv")):
        lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
        rows[file.stem.replace("_", " ")] = [(what, value) for what, value in lines]
    body = "".join(f"| {trial} | {what} | {value} |\n" for trial in sorted(rows) for what, value in rows[trial])
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{HEAD}{body}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
