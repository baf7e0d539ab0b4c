#!/usr/bin/env python3
"""zsh and fish complete command lines of smtptape as its help says.

  shells_trial.py SMTPTAPE SOURCE_DIR
"""
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
SECONDS = 60
SKIPPED = 77

# Tab completes; what then stands on the line is printed between brackets.
ZSH_SETUP = """
PS1= PS2= RPS1=
fpath=({to} $fpath)
autoload -Uz compinit && compinit -u -d {to}/dump
tell() {{ print -r -- "[[$BUFFER]]"; zle kill-whole-line }}
zle -N tell && bindkey '^X' tell
print ready-$((6 * 7))
"""


class Zsh:
    """An interactive zsh on a terminal of its own."""

    def __init__(self, to):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(to)
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**os.environ, "TERM": "dumb", "HOME": str(to)})
        self.heard = ""
        setup = to / "setup"
        setup.write_text(ZSH_SETUP.format(to=to), encoding="utf-8")
        self.type(f". {setup}\n")
        self.hear("ready-42")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def hear(self, mark):
        until = time.monotonic() + SECONDS
        while mark not in self.heard:
            ready, _, _ = select.select([self.terminal], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise AssertionError(f"zsh did not say {mark!r} but {self.heard!r}")
            self.heard += os.read(self.terminal, 4096).decode(errors="replace")
        before, _, self.heard = self.heard.partition(mark)
        return before

    def complete(self, line):
        self.type(f"{line}\t\x18")
        self.hear("[[")
        return self.hear("]]")

    def end(self):
        os.close(self.terminal)  # a shell without a terminal ends
        os.waitpid(self.process, 0)


class Shells(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="smtptape-shells-")
        cls.to = pathlib.Path(cls.directory.name)
        subprocess.run([sys.executable, "-B", SOURCE / "packaging/make_help_files.py", PROGRAM,
                        SOURCE / "docs/user-guide.md", cls.to, "--maintainer", "a <a@example>"],
                       check=True, timeout=SECONDS)
        (cls.to / "smtptape.zsh").rename(cls.to / "_smtptape")
        (cls.to / "night.tape").touch()

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_zsh(self):
        zsh = Zsh(self.to)
        self.addCleanup(zsh.end)
        for typed, there in [
                ("smtptape sho", "smtptape show "),
                ("smtptape show --js", "smtptape show --json "),
                ("smtptape replay --as", "smtptape replay --as-live "),
                ("smtptape replay --scope str", "smtptape replay --scope strict "),
                ("smtptape replay --scope=str", "smtptape replay --scope=strict "),
                ("smtptape replay --tenant a --tena", "smtptape replay --tenant a --tenant="),
                ("smtptape info nig", "smtptape info night.tape "),
                ("smtptape export -o nig", "smtptape export -o night.tape ")]:
            self.assertEqual(there, zsh.complete(typed))

    def fish(self, line):
        ran = subprocess.run(["fish", "--no-config", "-c", f"source {self.to}/smtptape.fish; complete -C $argv[1]",
                              line], cwd=self.to, capture_output=True, text=True, check=True, timeout=SECONDS,
                             env={**os.environ, "HOME": str(self.to)})
        return {offered.split("\t")[0] for offered in ran.stdout.splitlines()}

    def test_fish(self):
        for typed, offered in [
                ("smtptape sho", {"show"}),
                ("smtptape show --js", {"--json"}),
                ("smtptape replay --scope str", {"strict"}),
                ("smtptape replay --scope=str", {"--scope=strict"}),
                ("smtptape replay --scope ", {"event", "strict", "session"}),
                ("smtptape replay --tenant ", set()),
                ("smtptape info nig", {"night.tape"}),
                ("smtptape export -o nig", {"night.tape"})]:
            self.assertEqual(offered, self.fish(typed), typed)


if __name__ == "__main__":
    if missing := [name for name in ("zsh", "fish") if shutil.which(name) is None]:
        print(f"not tried: {' and '.join(missing)} is not here")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
