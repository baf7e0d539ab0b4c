#!/usr/bin/env python3
"""Makes the man pages, the completions for bash, zsh and fish, and the Debian changelog.

  make_help_files.py SMTPTAPE USER_GUIDE TO --maintainer "NAME <ADDRESS>"

Everything in them comes from the program's own --help and, for the exit codes, from the user guide:
nothing is said twice by hand.  The date is that of SOURCE_DATE_EPOCH, so that the same sources give
the same bytes.
"""
import argparse
import email.utils
import gzip
import os
import pathlib
import subprocess
import time

import completions
import man_pages
from program_help import ask


def changelog(version, seconds, maintainer):
    date = email.utils.formatdate(seconds)
    return (f"smtptape ({version}) stable; urgency=medium\n\n"
            f"  * The history of the project says what changed.\n\n -- {maintainer}  {date}\n")


def squeezed(text):
    return gzip.compress(text.encode(), 9, mtime=0)


def main():
    words = argparse.ArgumentParser(description=__doc__)
    for name in ("program", "guide", "to"):
        words.add_argument(name, type=pathlib.Path)
    words.add_argument("--maintainer", required=True)
    words.add_argument("--emulator", action="append", default=[], help="what runs the program")
    given = words.parse_args()
    program = [*filter(None, given.emulator), given.program]
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    version = subprocess.run([*program, "--version"], capture_output=True, text=True, check=True,
                             timeout=60).stdout.split()[1]

    told = ask(program)
    commands = [(entry, ask(program, entry[0])) for entry in told.commands()]
    names = [name for (name, _), _ in commands]
    date = time.strftime("%Y-%m-%d", time.gmtime(seconds))
    guide = given.guide.read_text(encoding="utf-8")
    man = given.to / "man"
    man.mkdir(parents=True, exist_ok=True)
    (man / "smtptape.1.gz").write_bytes(
        squeezed(man_pages.main_page(version, date, told, commands, guide)))
    for command in commands:
        page = man_pages.command_page(version, date, command, names, guide)
        (man / f"smtptape-{command[0][0]}.1.gz").write_bytes(squeezed(page))
    for shell in ("bash", "zsh", "fish"):
        text = getattr(completions, shell)(told, commands)
        (given.to / f"smtptape.{shell}").write_text(text, encoding="utf-8")
    (given.to / "changelog.gz").write_bytes(squeezed(changelog(version, seconds, given.maintainer)))


if __name__ == "__main__":
    main()
