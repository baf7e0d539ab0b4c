#!/usr/bin/env python3
"""Every command of docs/three-in-the-morning.md prints what stands there.

  three_in_the_morning.py SMTPTAPE SOURCE_DIR [--write]

--write writes the page anew: what a command prints, cut to the first lines where it is long.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
PAGE = SOURCE / "docs/three-in-the-morning.md"
RECORDINGS = ("basic", "errors", "tlsauth")
BLOCK = re.compile(r"```console\n\$ (.*)\n((?:.*\n)*?)```\n")
CUT, LEFT_OUT = 18, "…"
RANDOM = re.compile(r"(?<=of capture )[0-9a-f]{32}")


def run(command, folder):
    """What the command prints, both streams in order, without what is different each time."""
    environment = {**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    ran = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    return RANDOM.sub("5d1f5fa8c1db4c8f8b0c4a3f2e6d7c90", ran.stdout)


# A tape has random ids in it, so that its size may be a few bytes more or less each time.
SIZE = re.compile(r"\d+\.\d(?= KiB)")
SIZES_DIFFER = 0.01


def is_same(one, other):
    """The same text, and the same sizes but for what ids make of them."""
    sizes = list(zip(map(float, SIZE.findall(one)), map(float, SIZE.findall(other))))
    return SIZE.sub("", one) == SIZE.sub("", other) and all(abs(a - b) <= SIZES_DIFFER * b for a, b in sizes)


def store_in(folder):
    store = pathlib.Path(folder) / "store"
    store.mkdir()
    for name in RECORDINGS:
        subprocess.run([PROGRAM, "import", SOURCE / f"tests/golden/feeds/{name}/raw.jsonl", "-o", store / f"{name}.tape",
                        "--name", name], check=True, timeout=60, stderr=subprocess.DEVNULL)


def cut(text):
    lines = text.splitlines(keepends=True)
    return text if len(lines) <= CUT + 1 else "".join(lines[:CUT]) + LEFT_OUT + "\n"


def main():
    with tempfile.TemporaryDirectory(prefix="smtptape-morning-") as folder:
        store_in(folder)
        page = PAGE.read_text(encoding="utf-8")
        made = BLOCK.sub(lambda found: f"```console\n$ {found[1]}\n{cut(run(found[1], folder))}```\n", page)
        if "--write" in sys.argv:
            PAGE.write_text(made, encoding="utf-8")
        elif not is_same(page, made):
            for stands, printed in zip(BLOCK.finditer(page), BLOCK.finditer(made)):
                if not is_same(stands[0], printed[0]):
                    print(f"the page has\n{stands[0]}\nand it prints\n{printed[2]}")
            sys.exit("docs/three-in-the-morning.md is not what the commands print: --write writes it anew")
        print(f"{len(BLOCK.findall(page))} commands print what the page says")


main()
