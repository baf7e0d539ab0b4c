#!/usr/bin/env python3
"""The C++ sources are as clang-format writes them; --fix rewrites those that are not.

The version is part of the rule: another one formats differently.
"""
import subprocess
import sys

import checkout

CLANG_FORMAT = "clang-format-14"


def run(*options):
    paths = [str(path) for path in checkout.sources()]
    return subprocess.run([CLANG_FORMAT, "--style=file", *options, *paths],
                          cwd=checkout.ROOT, check=False).returncode


if __name__ == "__main__":
    fix = sys.argv[1:] == ["--fix"]
    status = run("-i") if fix else run("--dry-run", "-Werror", "--ferror-limit=3")
    if status and not fix:
        print("`./dev format` rewrites them")
    sys.exit(1 if status else 0)
