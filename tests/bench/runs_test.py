#!/usr/bin/env python3
"""The comparison with other tools runs through on a small feed, and its page has every row.

  runs_test.py SOURCE_DIR SMTPTAPE FEED_SENDER
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE, PROGRAM, SENDER = sys.argv[1:4]
ROWS = ["search 4,000 events for a tenant, a tenth", "for a tenant, nowhere", "providers, sessions, messages, codes",
        "4,000 events: sessions", "one session in a store",
        "export to nowhere, unique", "export into a pipe, templated", "replay, no bodies", "time to the first line",
        "import, templated", "processor time, unique", "size, no bodies", "serve to one client",
        "record no bodies, 2,000 events/s", "record templated, 250,000 events/s", "import, 200 and 2,000 events",
        "record unique, 500,000 events/s asked for 1 s", "record no bodies, 5,000,000 events/s", "trace-smtp-client live",
        "50 quiet sources", "memory of import, templated", "record, 1,000 sessions alive", "replay, 100 sessions alive"]


class Runs(unittest.TestCase):
    def test_through(self):
        with tempfile.TemporaryDirectory(prefix="smtptape-bench-test-") as folder:
            page = pathlib.Path(folder) / "page.md"
            subprocess.run([sys.executable, "-B", pathlib.Path(SOURCE) / "bench/run.py", "--events", "2000", "--runs", "1",
                            "--record", "1", "--hard", "1", "--quiet", "1", "--growth", "2000", "--offline", "--output", page],
                           env={**os.environ, "SMTPTAPE": PROGRAM, "FEED_SENDER": SENDER}, check=True, timeout=240,
                           stdout=subprocess.DEVNULL)
            text = page.read_text(encoding="utf-8")
        for row in ROWS:
            self.assertRegex(text, rf"\| [^|]*{re.escape(row)}[^|]* \| [^|]*\d", row)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
