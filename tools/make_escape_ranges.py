#!/usr/bin/env python3
"""Writes replay/escape_ranges.inc: which characters kcli prints as \\u{...}.

The input tables hold, for one version of Unicode, the ranges for the first character of a line
and for any other.  Run from the project's root after the tables have changed:

    tools/make_escape_ranges.py
"""

import pathlib

GOLDEN = pathlib.Path("tests/golden/kcli")
OUTPUT = pathlib.Path("replay/escape_ranges.inc")
PROFILES = [(16, "escape-ranges.tsv"), (17, "escape-ranges-unicode17.tsv")]
POSITIONS = [("first", "First"), ("nonfirst", "Later")]
RANGES_PER_LINE = 4


def read_ranges(path):
    """{position: [(start, end), ...]}, ascending, neighbours merged."""
    ranges = {position: [] for position, _ in POSITIONS}
    for row in path.read_text().splitlines()[1:]:
        position, start, end = row.split("\t")
        ranges[position].append((int(start, 16), int(end, 16)))
    return {position: merge(sorted(pairs)) for position, pairs in ranges.items()}


def merge(pairs):
    merged = []
    for start, end in pairs:
        if start > end:
            raise ValueError(f"range {start:X}-{end:X} ends before it starts")
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def table(name, pairs):
    cells = [f"{{0x{start:X}, 0x{end:X}}}," for start, end in pairs]
    rows = [cells[at : at + RANGES_PER_LINE] for at in range(0, len(cells), RANGES_PER_LINE)]
    body = "\n".join("    " + " ".join(row) for row in rows)
    return f"constexpr EscapeRange {name}[] = {{\n{body}\n}};\n"


def main():
    parts = [
        "// Written by tools/make_escape_ranges.py; not edited by hand.\n"
        "// Inclusive, ascending, disjoint; `First` is for the first character of a line.\n"
    ]
    for version, file_name in PROFILES:
        ranges = read_ranges(GOLDEN / file_name)
        for position, suffix in POSITIONS:
            parts.append(table(f"kUnicode{version}{suffix}", ranges[position]))
    OUTPUT.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
