#!/usr/bin/env python3
"""Includes point down, heavy libraries stay where they are at home, and no two types have one name.

BELOW is the architecture: a folder includes itself and what is listed for it.  AT_HOME keeps
libraries that cost seconds in every file, or that should stay replaceable, in few folders.
"""
import pathlib
import re

import checkout

BELOW = {
    "base": set(),
    "base/net": {"base"},
    "smtp": {"base"},
    "format": {"base", "smtp"},
    "filters": {"base", "smtp", "format"},
    "sessions": {"base", "smtp", "format", "filters"},
    "store": {"base", "smtp", "format", "filters"},
    "capture": {"base", "base/net", "smtp", "format", "filters", "store"},
    "replay": {"base", "base/net", "smtp", "format", "filters", "sessions", "store"},
    "share": {"base", "smtp", "format", "filters", "sessions", "store", "replay"},
    "cli": {"base", "smtp", "format", "filters", "sessions", "store", "capture", "replay", "share"},
}
# The first pattern that fits decides.
AT_HOME = [
    (r"boost/beast", {"base/net"}),
    (r"boost/json", {"base", "capture", "cli", "replay", "share"}),
    (r"boost/asio", {"base/net", "capture", "replay", "share"}),
    (r"openssl/", {"base", "base/net"}),
    (r"ares\.h", {"base/net"}),
    (r"archive(_entry)?\.h", {"base"}),
    (r"idn2\.h", {"base"}),
    (r"zlib", {"format", "share"}),
    (r"capnp/|kj/|zstd", {"format"}),
    (r"re2/", {"sessions"}),
    (r"xxhash", {"base"}),
    (r"immintrin|emmintrin", {"format"}),
    (r"CLI/", {"cli"}),
    (r"toml\+\+/", {"cli"}),
    (r"gtest|gmock", set()),
]
GENERATED = re.compile(r"\w+\.(?:capnp\.h|inc)")  # by the build, for the folder that includes it
NAMESPACE = re.compile(r"(?:inline )?namespace ?(\S*) ?\{")
TYPE = re.compile(r"(?:class|struct|union) (\w+)(?: final)?(?: : .*)? \{")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"([^"\n]+)"|<([^>\n]+)>)', re.M)


def folder_of(path):
    """The layer that a file belongs to, or None for what stands outside of them."""
    parts = pathlib.PurePosixPath(path).parts
    if parts[:2] == ("base", "net"):
        return "base/net"
    return parts[0] if parts[0] in BELOW and len(parts) > 1 else None


def includes(text):
    """(line, path, is it in quotes?) for every include."""
    for match in INCLUDE.finditer(text):
        ours, theirs = match.groups()
        yield text.count("\n", 0, match.start()) + 1, ours or theirs, ours is not None


def why_not(path, included, quoted, known):
    """What is wrong with this include in this file; None if nothing."""
    mine = folder_of(path)
    if quoted:
        if GENERATED.fullmatch(included):
            return None
        if included not in known:
            return f'"{included}" is not a file of this project, named from its root'
        if mine and folder_of(included) not in BELOW[mine] | {mine}:
            return f"{mine} must not include {included}: includes point down"
        return None
    if not mine:
        return None
    if included in known:
        return f'<{included}> is ours: write "{included}"'
    for pattern, homes in AT_HOME:
        if re.match(pattern, included):
            where = "only in " + ", ".join(sorted(homes)) if homes else "not outside of tests"
            return None if mine in homes else f"<{included}> may be included {where}"
    return None


def types(text):
    """(line, name) of every type of a named namespace: one that other files would take for theirs."""
    spaces = []
    for number, line in enumerate(text.splitlines(), 1):
        if begins := NAMESPACE.match(line):
            spaces.append(begins[1])
        elif line.startswith("}  // namespace"):
            spaces = spaces[:-1]
        elif (found := TYPE.match(line)) and "" not in spaces:
            yield number, found[1]


def doubles(texts):
    """Types of one name in two files: the linker keeps one of each function, whichever it likes."""
    known = {}
    for path, text in texts.items():
        for line, name in types(text) if folder_of(path) else []:
            other = known.setdefault(name, path)
            if other != path:
                yield f"{path}:{line}: {name} is a type of {other}, too: name one of them otherwise"


def problems(texts, paths):
    """texts: path → text of every C++ file; paths: all files."""
    yield from doubles(texts)
    known = {str(path).removesuffix(".in") for path in paths}  # x.h.in is configured to x.h
    for path, text in texts.items():
        for line, included, quoted in includes(text):
            why = why_not(path, included, quoted, known)
            if why:
                yield f"{path}:{line}: {why}"


if __name__ == "__main__":
    checkout.finish(problems(
        {path: checkout.read(path) for path in checkout.sources()}, checkout.files()))
