#!/usr/bin/env python3
"""Makes the man page, the bash completion and the Debian changelog.

  make_help_files.py SMTPTAPE USER_GUIDE TO --maintainer "NAME <ADDRESS>"

Everything in them comes from the program's own --help and, for the exit codes, from the user guide:
nothing is said twice by hand.  Help that this can't read ends it with an error.  The date is that of
SOURCE_DATE_EPOCH, so that the same sources give the same bytes.
"""
import argparse
import email.utils
import gzip
import os
import pathlib
import re
import subprocess
import sys
import time

ENTRY = re.compile(r"^  (\S.*?)(?:  +(\S.*))?$")  # an option, positional or command, and its text
HEADING = re.compile(r"^(\S.*):$")


class Help:
    """One --help: what it is for, examples, usage, and the entries below each heading."""

    def __init__(self, text):
        self.about, self.examples, self.usage = "", [], ""
        self.groups = []  # (heading, [(names, text)])
        for line in text.splitlines():
            self.take(line)
        if not self.about or not self.usage or not self.groups:
            sys.exit(f"this help can't be read:\n{text}")

    def take(self, line):
        heading = HEADING.match(line)
        if line.startswith("Usage: "):
            self.usage = line.removeprefix("Usage: ")
        elif heading:
            self.groups.append((heading[1], []))
        elif not self.groups:
            self.about = f"{self.about} {line}".strip()
        elif self.groups[-1][0] == "Examples":
            if line.startswith("  "):
                self.examples.append(line.strip())
        elif line.strip():
            self.take_entry(line)

    def take_entry(self, line):
        entries = self.groups[-1][1]
        entry = ENTRY.match(line)
        if entry:
            entries.append((entry[1], entry[2] or ""))
        elif entries and line.startswith("   "):  # the text of a long name, on a line of its own
            names, text = entries[-1]
            entries[-1] = names, f"{text} {line.strip()}".strip()
        else:
            sys.exit(f"this line of a help can't be read: {line!r}")

    def sections(self):
        return [(heading, entries) for heading, entries in self.groups
                if heading not in {"Examples", "Subcommands"}]

    def commands(self):
        return [entry for heading, entries in self.groups if heading == "Subcommands"
                for entry in entries]

    def options(self):
        """(name, its value's word or "") of every option."""
        for _, entries in self.sections():
            for names, _ in entries:
                spellings, _, value = names.partition(" ")
                for name in spellings.split(","):
                    if name.startswith("-"):
                        yield name, value


def ask(program, *words):
    ran = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True,
                         timeout=60)
    return Help(ran.stdout)


# --- the man page ---

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return "\\&" + text if text[:1] in {".", "'"} else text


def examples(lines):
    return [".nf", ".RS 4", *map(roff, lines), ".RE", ".fi"] if lines else []


def entries_of(entries):
    for names, text in entries:
        spellings, _, value = names.partition(" ")
        named = ", ".join(rf"\fB{roff(name)}\fR" for name in spellings.split(","))
        yield from (".TP", named + (rf" \fI{roff(value)}\fR" if value else ""), roff(text))


def command_page(name, summary, told):
    yield from (f".SS {roff(name)}", roff(summary) + ".", ".PP", rf"\fB{roff(told.usage)}\fR", ".PP")
    yield from examples(told.examples)
    for heading, entries in told.sections():
        shown = [entry for entry in entries if not entry[0].startswith("-h,")]
        if shown:
            yield from (".PP", roff(heading) + ":", *entries_of(shown))


def exit_codes(guide):
    """The rows of the table below `## Exit codes`."""
    section = re.search(r"^## Exit codes\n(.*?)^## ", guide, re.M | re.S)
    rows = re.findall(r"^\| ([0-9+n]+) \| (.*) \|$", section[1], re.M) if section else []
    if not rows:
        sys.exit("the user guide has no table of exit codes")
    for code, meaning in rows:
        yield from (".TP", rf"\fB{code}\fR", roff(meaning))


def man_page(version, date, main, commands, guide):
    lines = [
        f'.TH SMTPTAPE 1 "{date}" "smtptape {version}" "User Commands"',
        ".SH NAME", roff("smtptape - record and replay the SMTP sessions of KumoMTA"),
        ".SH SYNOPSIS", rf"\fB{roff(main.usage)}\fR",
        ".SH DESCRIPTION", roff(main.about),
        ".SH EXAMPLES", *examples(main.examples),
        ".SH OPTIONS"]
    for _, entries in main.sections():
        lines += entries_of(entries)
    lines.append(".SH COMMANDS")
    for (name, summary), told in commands:
        lines += command_page(name, summary, told)
    lines += [".SH EXIT STATUS", *exit_codes(guide), ".SH FILES"]
    for path, text in [("/etc/smtptape/smtptape.toml", "The configuration of the service."),
                       ("/var/lib/smtptape", "Where the service keeps its tapes."),
                       ("/usr/share/doc/smtptape", "The user guide, the service, the format of tapes.")]:
        lines += [".TP", rf"\fI{roff(path)}\fR", text]
    lines += [".SH SEE ALSO", r"\fBsystemctl\fR(1), \fBjournalctl\fR(1), \fBzstd\fR(1), \fBcapnp\fR(1)"]
    return "\n".join(lines) + "\n"


# --- completion ---

COMPLETION = r"""# Completion of smtptape for bash; made from the program's --help.
_smtptape() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= options= at
  for ((at = 1; at < COMP_CWORD; ++at)); do
    case ${COMP_WORDS[at]} in
      @COMMANDS_BAR@) command=${COMP_WORDS[at]}; break ;;
    esac
  done
  case $command in
@OPTIONS_OF@
    *) options="@MAIN@" ;;
  esac
  COMPREPLY=()
  # bash takes --color=yes for three words.
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $command$before in
@VALUES@
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W "@COMMANDS@" -- "$word")
  else
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -F _smtptape smtptape
"""
OF_FILES = re.compile(r"\b(?:FILE|DIR|PATH|TAPE)\b|\.tape$")  # the word of a value that is a file


def words_of(value):
    """The words of "tty|yes|no"; those in capitals stand for something else."""
    return [word for word in value.split("|") if word.islower()]


def completion(main, commands):
    names = [name for (name, _), _ in commands]
    options_of, values = [], []
    for name, told in [("", main), *((name, told) for (name, _), told in commands)]:
        options = list(told.options())
        if name:
            options_of.append(f'    {name}) options="{" ".join(option for option, _ in options)}" ;;')
        for option, value in options:
            if words := words_of(value):
                values.append(f'    {name}{option}) mapfile -t COMPREPLY < <(compgen -W "{" ".join(words)}"'
                              ' -- "$word"); return ;;')
        # Nothing is offered for a value that is neither a word nor a file.
        free = [f"{name}{option}" for option, value in options
                if value and not OF_FILES.search(value) and not words_of(value)]
        if free:
            values.append(f'    {" | ".join(free)}) return ;;')
    text = COMPLETION
    for key, value in {"COMMANDS_BAR": " | ".join(names), "COMMANDS": " ".join(names),
                       "OPTIONS_OF": "\n".join(options_of), "VALUES": "\n".join(values),
                       "MAIN": " ".join(option for option, _ in main.options())}.items():
        text = text.replace(f"@{key}@", value)
    return text


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
    given = words.parse_args()
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    version = subprocess.run([given.program, "--version"], capture_output=True, text=True, check=True,
                             timeout=60).stdout.split()[1]

    told = ask(given.program)
    commands = [(entry, ask(given.program, entry[0])) for entry in told.commands()]
    date = time.strftime("%Y-%m-%d", time.gmtime(seconds))
    page = man_page(version, date, told, commands, given.guide.read_text(encoding="utf-8"))
    given.to.mkdir(parents=True, exist_ok=True)
    (given.to / "smtptape.1.gz").write_bytes(squeezed(page))
    (given.to / "smtptape.bash").write_text(completion(told, commands), encoding="utf-8")
    (given.to / "changelog.gz").write_bytes(squeezed(changelog(version, seconds, given.maintainer)))


if __name__ == "__main__":
    main()
