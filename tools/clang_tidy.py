#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a build folder, several at a time.

By default those that differ from the branch main, or include a header that does; --all takes
every one.  Generated sources are left out.  What was green stays green until its text, a header
of the project that it includes, its compile command or a .clang-tidy changes.
"""
import argparse
import concurrent.futures
import hashlib
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


def compile_commands(build):
    """{source relative to the root: how it is compiled} for the project's own sources."""
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    named = {pathlib.Path(command["file"]).resolve(): command["command"] for command in commands}
    return {str(name.relative_to(ROOT)): command for name, command in sorted(named.items())
            if name.is_relative_to(ROOT) and not name.is_relative_to(ROOT / "build")}


def fingerprint(source, command):
    """Changes with everything of ours that clang-tidy's answer depends on."""
    folders = pathlib.PurePath(source).parents
    rules = [folder / ".clang-tidy" for folder in folders if (ROOT / folder / ".clang-tidy").is_file()]
    digest = hashlib.sha256(f"{CLANG_TIDY} {command}".encode())
    for name in (*map(str, rules), *sorted(reach(source))):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def tidy(build, source, command):
    """(source, seconds or None if it was green before, what clang-tidy found or None)."""
    green = build / "tidy" / fingerprint(source, command)
    if green.exists():
        return source, None, None
    began = time.monotonic()
    done = subprocess.run([CLANG_TIDY, "-p", str(build), "--quiet", source],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        green.parent.mkdir(exist_ok=True)
        green.touch()
    return source, time.monotonic() - began, done.stdout + done.stderr if done.returncode else None


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--build", type=pathlib.Path, required=True, help="a configured build folder")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--all", action="store_true", help="every source, not only what changed")
    chosen = options.parse_args()

    build = ROOT / chosen.build
    commands = compile_commands(build)
    sources = list(commands)
    if not chosen.all:
        changed = changed_files()
        sources = [source for source in sources if reach(source) & changed]
    print(f"clang-tidy: {len(sources)} sources" + ("" if chosen.all else " (--all for every one)"))

    red = 0
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for source, seconds, found in pool.map(
                lambda one: tidy(build, one, commands[one]), sources):
            took = "green before" if seconds is None else f"{seconds:.0f} s"
            print(f"  {source}: {took}" + (", red" if found else ""), flush=True)
            if found:
                red += 1
                print(found)
    sys.exit(f"clang-tidy: {red} of {len(sources)} sources are red" if red else 0)


if __name__ == "__main__":
    main()
