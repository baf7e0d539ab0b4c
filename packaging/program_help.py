"""What a program's --help says: commands, options, examples.  Help that this can't read ends it with
an error, so that nothing made of it lacks an option.
"""
import re
import subprocess
import sys

TEXT_AT = 30  # bytes: the column of the text of an option, positional or command
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
        names, text = line, ""
        told = line.encode()  # it is laid out in bytes
        if told[TEXT_AT - 1:TEXT_AT] == b" ":  # else a long name, whose text is on a line of its own
            names, text = told[:TEXT_AT].decode(), told[TEXT_AT:].decode()
        if re.fullmatch(r"  \S+(?: \S+)?", names.rstrip()):
            entries.append((names.strip(), text.strip()))
        elif entries and line.startswith(" " * TEXT_AT):
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

    def described_options(self):
        """(its names, its value's word or "", its text) of every option."""
        for _, entries in self.sections():
            for names, text in entries:
                spellings, _, value = names.partition(" ")
                if spellings.startswith("-"):
                    yield spellings.split(","), value, text

    def options(self):
        """(name, its value's word or "") of every option."""
        for names, value, _ in self.described_options():
            for name in names:
                yield name, value


def ask(program, *words):
    ran = subprocess.run([*program, *words, "--help"], capture_output=True, text=True, check=True,
                         timeout=60)
    return Help(ran.stdout)
