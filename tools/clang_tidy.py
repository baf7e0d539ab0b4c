#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a build folder, several at a time.

By default those that differ from the branch main, or include a header that does; --all takes
every one.  Generated sources are left out.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import time

CLANG_TIDY = "clang-tidy-14"
ROOT = pathlib.Path(__file__).resolve().parents[1]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"', re.M)


def git(*arguments):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments],
                          capture_output=True, text=True, check=False)
    return done.stdout.split("\n") if done.returncode == 0 else []


def changed_files():
    """What differs from the point where this branch left main, and what git does not know yet."""
    base = next((line for name in ("main", "origin/main")
                 for line in git("merge-base", "HEAD", name) if line), "HEAD")
    names = git("diff", "--name-only", base) + git("ls-files", "--others", "--exclude-standard")
    return {name for name in names if name}


def reach(source):
    """The source and all files of the project that it includes, at any depth."""
    reached, ahead = set(), [source]
    while ahead:
        name = ahead.pop()
        if name not in reached and (ROOT / name).is_file():
            reached.add(name)
            ahead += INCLUDE.findall((ROOT / name).read_text(encoding="utf-8"))
    return reached


def compiled_sources(build):
    """The project's own sources in compile_commands.json, as names relative to the root."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    names = {pathlib.Path(command["file"]).resolve() for command in commands}
    return sorted(str(name.relative_to(ROOT)) for name in names
                  if name.is_relative_to(ROOT) and not name.is_relative_to(ROOT / "build"))


def tidy(build, source):
    """(source, seconds, what clang-tidy found or None)."""
    began = time.monotonic()
    # The build folder's warnings may be g++'s: clang need not know them.
    done = subprocess.run(
        [CLANG_TIDY, "-p", str(build), "--quiet", "--extra-arg=-Wno-unknown-warning-option", source],
        cwd=ROOT, capture_output=True, text=True, check=False)
    return source, time.monotonic() - began, done.stdout + done.stderr if done.returncode else None


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, required=True, help="a configured build folder")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--all", action="store_true", help="every source, not only what changed")
    chosen = options.parse_args()

    sources = compiled_sources(ROOT / chosen.build)
    if not chosen.all:
        changed = changed_files()
        sources = [source for source in sources if reach(source) & changed]
    print(f"clang-tidy: {len(sources)} sources" + ("" if chosen.all else " (--all for every one)"))

    red = 0
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for source, seconds, found in pool.map(lambda one: tidy(chosen.build, one), sources):
            print(f"  {source}, {seconds:.0f} s" + (": red" if found else ""), flush=True)
            if found:
                red += 1
                print(found)
    sys.exit(f"clang-tidy: {red} of {len(sources)} sources are red" if red else 0)


if __name__ == "__main__":
    main()
