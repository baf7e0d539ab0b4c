#!/usr/bin/env python3
"""Puts the page's script and style together, for the program to write them into each page.

    assemble.py share/page OUTPUT-DIRECTORY

The script is what main.js imports, each module once and before those that need it, in one scope:
so their top-level names have to differ, and imports are plain (`import {a, b} from "./x.js";`).
The policy allows these two texts by their hashes, and nothing else.
"""
import base64
import hashlib
import pathlib
import re
import sys

IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+\.js)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?function\b|class\b|const\b)", re.M)
NAME = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.M)
UNSAFE = re.compile(r"</?script|<!--|</style|[\u2028\u2029]", re.I)
POLICY = ("default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; "
          "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'")


class Mistake(Exception):
    """Something in the modules that can't be put together."""


def in_order(folder, name, done, path=()):
    """The names of the modules that `name` needs, and itself, the needed ones first."""
    if name in path:
        raise Mistake(f"{name} imports itself by way of {' → '.join(path)}")
    if name in done:
        return
    text = (folder / name).read_text(encoding="utf-8")
    for _, needed in IMPORT.findall(text):
        in_order(folder, needed, done, (*path, name))
    done[name] = text


def script_of(folder):
    modules = {}
    in_order(folder, "main.js", modules)
    unused = sorted(path.name for path in folder.glob("*.js") if path.name not in modules)
    if unused:
        raise Mistake(f"nothing imports {', '.join(unused)}")
    owner, parts = {}, []
    for name, text in modules.items():
        for defined in NAME.findall(text):
            if defined in owner:
                raise Mistake(f"{name} and {owner[defined]} both have a {defined}")
            owner[defined] = name
        for names, needed in IMPORT.findall(text):
            for wanted in filter(None, (word.strip() for word in names.split(","))):
                if owner.get(wanted) != needed:
                    raise Mistake(f"{name}: {needed} has no {wanted}")
        text = EXPORT.sub("", IMPORT.sub("", text))
        if left := re.search(r"^(?:import|export)\b.*", text, re.M):
            raise Mistake(f"{name}: not understood: {left[0]}")
        parts.append(text.strip())
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "\n})();\n"


def checked(text, what):
    if found := UNSAFE.search(text):
        raise Mistake(f"{what}: {found[0]!r} would end it, or more")
    return text


def source_of(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def as_bytes(text):
    """As C++ wants a long text: numbers."""
    return "".join(f"0x{byte:02x}U,\n" if at % 20 == 19 else f"0x{byte:02x}U,"
                   for at, byte in enumerate(text.encode())) + "\n"


def main(source, output):
    script = checked(script_of(source / "js"), "the script")
    style = checked((source / "style.css").read_text(encoding="utf-8"), "style.css")
    policy = POLICY.replace("'{script}'", source_of(script)).replace("'{style}'", source_of(style))
    output.mkdir(parents=True, exist_ok=True)
    for name, text in (("script", as_bytes(script)), ("style", as_bytes(style)),
                       ("policy", f'"{policy}"\n')):
        (output / f"page_{name}.inc").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        main(*map(pathlib.Path, sys.argv[1:]))
    except Mistake as mistake:
        sys.exit(f"assemble.py: {mistake}")
