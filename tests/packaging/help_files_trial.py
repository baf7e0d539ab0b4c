#!/usr/bin/env python3
"""Man pages, completions and changelog have everything that the program's --help has.

  help_files_trial.py SMTPTAPE SOURCE_DIR
"""
import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
MAINTAINER = "somebody <somebody@example>"


def make(to, program=PROGRAM):
    return subprocess.run(
        [sys.executable, "-B", SOURCE / "packaging/make_help_files.py", program,
         SOURCE / "docs/user-guide.md", to, "--maintainer", MAINTAINER],
        env={**os.environ, "SOURCE_DATE_EPOCH": "1763762400"}, capture_output=True, text=True,
        check=False, timeout=60)


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True,
                          timeout=60).stdout


def options_in(text):
    return set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", text, re.M))


class HelpFiles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="smtptape-help-")
        cls.to = pathlib.Path(cls.directory.name)
        ran = make(cls.to)
        assert ran.returncode == 0, ran.stderr
        cls.pages = {path.name.removesuffix(".1.gz"): gzip.decompress(path.read_bytes()).decode()
                     for path in (cls.to / "man").iterdir()}
        commands = help_of().split("Subcommands:\n")[1]
        cls.commands = re.findall(r"^  (\S+) ", commands, re.M)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def complete(self, *words):
        """What bash would offer for the last word."""
        script = (f". {self.to}/smtptape.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _smtptape; "
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        ran = subprocess.run(["bash", "-c", script, "bash", "smtptape", *words], cwd=self.to,
                             capture_output=True, text=True, check=True, timeout=60)
        return set(ran.stdout.split())

    def test_every_command_has_a_page_with_every_option(self):
        self.assertGreater(len(self.commands), 10)
        self.assertEqual({"smtptape", *(f"smtptape-{command}" for command in self.commands)}, set(self.pages))
        for command in self.commands:
            page = self.pages[f"smtptape-{command}"].replace("\\-", "-")
            self.assertIn(f"\n.SH NAME\nsmtptape-{command} - ", page)
            for option in options_in(help_of(command)) - {"--help"}:
                entry = re.search(rf"^\.TP\n(?:\\fB-\w\\fR, )?\\fB{option}\\fR(?: \\fI\S+\\fR)?\n(.*)$", page, re.M)
                self.assertTrue(entry and entry[1], f"{command} {option}")
            self.assertIn(f"smtptape-{command}".replace("-", "\\-"), self.pages["smtptape"])

    def test_the_exit_codes_are_those_of_the_guide(self):
        for name, page in self.pages.items():
            shown = page.split(".SH EXIT STATUS")[1].split(".SH")[0]
            codes = re.findall(r"\\fB(\S+)\\fR", shown)
            self.assertEqual(["0", "1", "2", "3", "4", "101", "128+n"], codes, name)

    def test_zsh_and_fish_know_every_command_and_option(self):
        zsh = (self.to / "smtptape.zsh").read_text(encoding="utf-8")
        fish = (self.to / "smtptape.fish").read_text(encoding="utf-8")
        for command in self.commands:
            of_zsh = zsh.split(f"\n        {command})\n")[1].split(";;")[0]
            for option in options_in(help_of(command)):
                self.assertRegex(of_zsh, rf"'[^']*\){option}\[|'\*{option}=\[", command)
                self.assertRegex(fish, rf"_from {command}'(?: -s \w)? -l {option[2:]} ", command)

    def test_commands_are_completed(self):
        self.assertEqual(set(self.commands), self.complete(""))
        self.assertEqual({"replay", "recover", "redact"}, self.complete("re"))
        self.assertEqual({"serve"}, self.complete("--endpoint", "http://mta:8000", "ser"))

    def test_options_are_those_of_the_command(self):
        for command in self.commands:
            offered = self.complete(command, "--")
            self.assertEqual(options_in(help_of(command)), offered, command)

    def test_values_are_the_words_of_the_help(self):
        for words, offered in [
                (["capture", "--on-full", ""], {"drop", "delete-oldest", "stop"}),
                (["capture", "--bodies", "h"], {"headers"}),
                (["capture", "--secrets", ""], {"keep", "mask"}),
                (["replay", "--scope", ""], {"event", "strict", "session"}),
                (["replay", "--color", "=", "y"], {"yes"}),
                (["replay", "--color", "="], {"tty", "yes", "no"}),
                (["export", "--format", ""],
                 {"jsonl", "jsonl.zst", "frames", "html", "csv", "sessions.jsonl", "swaks", "pcapng"}),
                (["serve", "--speed", ""], {"max"})]:
            self.assertEqual(offered, self.complete(*words), words)

    def test_help_is_followed_by_a_command(self):
        self.assertEqual({"replay", "recover", "redact"}, self.complete("help", "re"))

    def test_values_are_files_or_nothing(self):
        self.assertIn("smtptape.bash", self.complete("import", "x", "-o", ""))
        self.assertIn("smtptape.bash", self.complete("replay", ""))
        self.assertEqual(set(), self.complete("replay", "--tenant", ""))

    def test_the_same_again(self):
        with tempfile.TemporaryDirectory(prefix="smtptape-help-") as again:
            self.assertEqual(0, make(again).returncode)
            files = [path for path in self.to.rglob("*") if path.is_file()]
            self.assertGreater(len(files), len(self.commands))
            for path in files:
                self.assertEqual(path.read_bytes(), (pathlib.Path(again) / path.relative_to(self.to)).read_bytes())

    def test_a_help_that_it_does_not_know_is_an_error(self):
        with tempfile.TemporaryDirectory(prefix="smtptape-help-") as other:
            program = pathlib.Path(other) / "odd"
            program.write_text("#!/bin/sh\necho odd 1.2.3\n", encoding="utf-8")
            program.chmod(0o755)
            ran = make(other, program)
            self.assertEqual(1, ran.returncode)
            self.assertIn("can't be read", ran.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
