#!/usr/bin/env python3
"""The progress of a long command: a line on a terminal, gone at the end; nothing anywhere else.

  progress.py SMTPTAPE FEED
"""
import os
import pathlib
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM, FEED = sys.argv[1], pathlib.Path(sys.argv[2])
WITHIN = 30  # seconds


class Progress(unittest.TestCase):
    def import_slowly(self, stderr, until, term="xterm"):
        """Feeds half of the feed, waits until `until` says so, and gives the rest."""
        frames = FEED.read_bytes()
        with tempfile.TemporaryDirectory(prefix="smtptape-progress-") as directory:
            program = subprocess.Popen(
                [PROGRAM, "import", "-", "-o", pathlib.Path(directory) / "night.tape"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
                env={**os.environ, "TERM": term})
            program.stdin.write(frames[:len(frames) // 2])
            program.stdin.flush()
            until()
            program.stdin.write(frames[len(frames) // 2:])
            out, _ = program.communicate(timeout=WITHIN)
            self.assertEqual(0, program.returncode)
            self.assertEqual(b"", out)

    def on_terminal(self, term, wanted):
        """What a terminal got; the rest of the feed is given when `wanted` was in it."""
        mine, its = pty.openpty()
        got = bytearray()

        def read(seconds):
            if not select.select([mine], [], [], seconds)[0]:
                return False
            got.extend(os.read(mine, 4096))
            return True

        def until():
            end = time.monotonic() + WITHIN
            while wanted not in got and time.monotonic() < end and wanted:
                read(0.1)

        self.import_slowly(its, until, term)
        os.close(its)
        try:
            while read(0):
                pass
        except OSError:  # the other side is closed
            pass
        os.close(mine)
        return bytes(got)

    def test_it_is_drawn_and_gone_before_the_result(self):
        got = self.on_terminal("xterm", b"/s")
        drawn, _, result = got.rpartition(b"\r\x1b[K")
        self.assertRegex(drawn, rb"\r\x1b\[Kimport: [0-9.]+ KiB, [0-9.]+ (KiB|bytes)/s")
        self.assertRegex(result, rb"^smtptape: .*night\.tape: [0-9]+ events")
        self.assertNotIn(b"import:", result)
        self.assertEqual(1, got.count(b"\n"))

    def test_a_dumb_terminal_gets_none(self):
        self.assertNotIn(b"\r\x1b", self.on_terminal("dumb", b""))

    def test_a_pipe_gets_none(self):
        read_end, write_end = os.pipe()
        # Longer than it takes on a terminal.
        self.import_slowly(write_end, lambda: select.select([read_end], [], [], 1.5))
        os.close(write_end)
        with os.fdopen(read_end, "rb") as told:
            lines = told.read()
        self.assertNotIn(b"\r", lines)
        self.assertEqual(1, lines.count(b"\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
