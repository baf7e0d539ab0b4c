#!/usr/bin/env python3
"""What the documents point at is there.

Relative links lead to files, and their #fragments to headings.  In README, CONTRIBUTING and docs/:
every `./dev X` is a command of ./dev, every `smtptape X` one of the program, and a path in
backticks that begins with a folder of the project exists.
"""
import pathlib
import posixpath
import re

import checkout

LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.M | re.S)
CODE = re.compile(r"`([^`\n]+)`")
DEV = re.compile(r"(?:^|[\s`(])\./dev +([a-z][\w-]*)", re.M)
PROGRAM = re.compile(r"(?:^[ \t]*(?:\$ )?|`|[|;&] *|\bsudo )(?:\S*/)?smtptape +([a-z][\w-]+)", re.M)
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def prose_of(text):
    """The text without code, lines kept."""
    return CODE.sub(blank, FENCE.sub(blank, text))


def code_of(text):
    """(offset, code) of every fence and every span in backticks."""
    for match in FENCE.finditer(text):
        yield match.start(), match[0]
    for match in CODE.finditer(FENCE.sub(blank, text)):
        yield match.start(), match[0]


def anchors(text):
    """The fragments that the headings of a page answer to."""
    found = set()
    for heading in re.findall(r"^#+[ \t]+(.*?)[ \t#]*$", FENCE.sub(blank, text), re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number, name = 0, slug
        while name in found:
            number, name = number + 1, f"{slug}-{number + 1}"
        found.add(name)
    return found


class Project:
    """What documents may point at."""

    def __init__(self, texts, paths, dev_commands, subcommands):
        self.texts = texts  # path → text of every document
        self.paths = {str(path) for path in paths}
        self.folders = {str(parent) for path in paths for parent in path.parents}
        self.dev_commands, self.subcommands = dev_commands, subcommands

    def has(self, path):
        return path in self.paths or path.rstrip("/") in self.folders

    def why_not_link(self, page, target):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            return None
        file, _, fragment = target.partition("#")
        path = posixpath.normpath(posixpath.join(page.parent, file)) if file else str(page)
        if not self.has(path):
            return f"the link to {target} leads nowhere"
        text = self.texts.get(pathlib.PurePosixPath(path))
        if fragment and text is not None and fragment not in anchors(text):
            return f"{path} has no heading #{fragment}"
        return None

    def whys_not_code(self, code):
        for command in DEV.findall(code):
            if command not in self.dev_commands:
                yield f"./dev has no command {command}"
        for command in PROGRAM.findall(code):
            if command not in self.subcommands:
                yield f"smtptape has no command {command}"
        span = code.strip("`")
        if PATH.fullmatch(span) and "/" in span.rstrip("/"):
            folder = span.split("/")[0]
            if folder in self.folders and not self.has(posixpath.normpath(span)):
                yield f"{span} is not there"


def problems(project):
    for page, text in project.texts.items():
        if page.parts[:2] == ("tests", "golden"):
            continue
        for match in LINK.finditer(prose_of(text)):
            why = project.why_not_link(page, match[1])
            if why:
                yield f"{page}:{text.count(chr(10), 0, match.start()) + 1}: {why}"
        if page.name in {"README.md", "CONTRIBUTING.md"} or page.parts[0] == "docs":
            for offset, code in code_of(text):
                for why in project.whys_not_code(code):
                    yield f"{page}:{text.count(chr(10), 0, offset) + 1}: {why}"


def this_project():
    paths = checkout.files()
    texts = {path: checkout.read(path) for path in paths if path.suffix == ".md"}
    dev = set(re.findall(r"^#:: ([\w-]+)", (checkout.ROOT / "dev").read_text(encoding="utf-8"), re.M))
    literals = {literal for path in paths if path.parts[0] == "cli" and path.suffix == ".cc"
                for literal in re.findall(r'"([a-z][\w-]+)"', checkout.read(path))}
    return Project(texts, paths, dev, literals)


if __name__ == "__main__":
    checkout.finish(problems(this_project()))
