#!/usr/bin/env python3
"""Nothing stands outside of the build: a test that no CMakeLists.txt names never fails.

Every *.cc of the project is named in a CMakeLists.txt of its folder or one above; every fuzz
target is added by name and has inputs.
"""
import pathlib
import re

import checkout

BUILT = {"base", "smtp", "format", "filters", "sessions", "store", "capture", "replay", "cli",
         "tests", "bench"}


def words_of(cmake):
    """The arguments of a CMake file, comments dropped."""
    return set(re.split(r'[\s()"]+', re.sub(r"#.*", "", cmake)))


def is_built(path, lists):
    """Is the source named, as seen from a CMakeLists.txt in its folder or above?"""
    return any(str(path.relative_to(folder)) in words
               for folder, words in lists.items() if folder in path.parents)


def fuzz_problems(path, paths, cmake):
    name = path.name.removesuffix("_fuzz.cc")
    if not re.search(rf"^\s*add_fuzz_target\(\s*{re.escape(name)}\b", cmake, re.M):
        yield f"{path}: no add_fuzz_target({name} …) in tests/fuzz/CMakeLists.txt"
    corpus = pathlib.PurePosixPath("tests/fuzz/corpus") / name
    if not any(corpus in other.parents for other in paths):
        yield f"{path}: no inputs in {corpus}"


def problems(paths, cmakes):
    """paths: the files; cmakes: path → text of every CMakeLists.txt."""
    lists = {path.parent: words_of(text) for path, text in cmakes.items()}
    for path in paths:
        if path.suffix != ".cc" or path.parts[0] not in BUILT:
            continue
        if path.name.endswith("_fuzz.cc"):
            yield from fuzz_problems(path, paths, cmakes.get(path.parent / "CMakeLists.txt", ""))
        elif not is_built(path, lists):
            yield f"{path}: no CMakeLists.txt names it, so that it is never built"


if __name__ == "__main__":
    PATHS = checkout.files()
    checkout.finish(problems(
        PATHS, {path: checkout.read(path) for path in PATHS if path.name == "CMakeLists.txt"}))
