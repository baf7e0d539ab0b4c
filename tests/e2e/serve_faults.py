#!/usr/bin/env python3
"""serve as a test of clients: chosen events, at their pace, in a loop, and with faults on purpose; the
clients are our own recorder, which has to account for each of them, and trace-smtp-client.

  serve_faults.py SMTPTAPE FEED

Each wait has a bound; talks to loopback only.
"""
import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest

WITHIN = 30  # seconds


def run(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, timeout=WITHIN, check=False)


class Served:
    """serve on a port that the system chose."""

    def __init__(self, *words, once=True):
        command = [PROGRAM, "serve", *map(str, words), "--listen", "127.0.0.1:0", *(["--once"] if once else [])]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE)
        self.told = ""
        self.exit = None

    def read(self):
        """False at the end."""
        if not select.select([self.process.stderr], [], [], WITHIN)[0]:
            self.process.kill()
            raise AssertionError(f"serve did not end: {self.told}")
        piece = os.read(self.process.stderr.fileno(), 1 << 16)
        self.told += piece.decode("utf-8")
        return bool(piece)

    def __enter__(self):
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", self.told)):
            if not self.read():
                raise AssertionError("serve ended before it listened: " + self.told)
        self.url = found[0]
        return self

    def __exit__(self, *_):
        while self.read():
            pass
        self.process.stderr.close()
        self.exit = self.process.wait(timeout=WITHIN)


class ServeFaults(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="smtptape-faults-")
        self.work = pathlib.Path(self.folder.name)
        self.tape = self.work / "feed.tape"
        self.assertEqual(0, run("import", FEED, "-o", self.tape).returncode)
        self.frames = run("export", self.tape).stdout.splitlines()
        self.assertGreater(len(self.frames), 300)

    def tearDown(self):
        self.folder.cleanup()

    def trace(self, *options, serve=()):
        """What trace-smtp-client prints of what is served, the server, and how the client ended."""
        with Served(*(serve or [self.tape]), *options) as served:
            client = run("--endpoint", served.url, "trace-smtp-client")
        return client, served

    def record(self, *options):
        """What a recorder makes of it: its exit code, what info says, its frames."""
        store = self.work / f"store-{len(list(self.work.iterdir()))}"
        with Served(self.tape, *options) as served:
            ran = run("capture", "--endpoint", served.url, "--store", store, "--name", "m", "--until-end")
        tapes = [json.loads(line) for line in run("info", *store.glob("*.tape"), "--json").stdout.splitlines()]
        self.assertEqual(1, len(tapes), ran.stderr)
        return ran, tapes[0], run("export", store).stdout.splitlines(), served

    # ---- what is served ----

    def test_options_choose(self):
        for options in (["--since", "2026-11-22T19:34:40.5Z"], ["--until", "2026-11-22T19:34:40.5Z"],
                        ["--egress-pool", "pool_c", "--scope", "strict"],
                        ["--egress-pool", "pool_c", "--scope", "session"], ["--terse"]):
            client, served = self.trace(*options)
            wanted = run("replay", self.tape, *options).stdout
            self.assertEqual(wanted, client.stdout, options)
            self.assertNotEqual(run("replay", self.tape).stdout, wanted)
            self.assertEqual(0, served.exit, served.told)

    def test_files_of_frames_are_chosen_from_too(self):
        options = ["--egress-pool", "pool_c", "--scope", "strict"]
        client, _ = self.trace(*options, serve=[FEED])
        self.assertEqual(run("replay", self.tape, *options).stdout, client.stdout)
        refused = run("serve", FEED, "--egress-pool", "pool_c", "--scope", "session", "--listen", "127.0.0.1:0")
        self.assertEqual(2, refused.returncode)
        self.assertIn(b"smtptape import makes a tape of it", refused.stderr)

    def test_an_empty_choice_is_told(self):
        client, served = self.trace("--since", "2030-01-01")
        self.assertEqual(b"", client.stdout)
        self.assertEqual(0, served.exit)
        client, served = self.trace("--tenant", "none", "--scope", "strict")
        self.assertEqual(b"", client.stdout)
        self.assertIn("nothing was chosen of 520 events", served.told)

    def test_loops_while_the_client_stays(self):
        text = run("replay", self.tape).stdout
        with Served(self.tape, "--loop", "--speed", "20") as served:
            client = subprocess.Popen([PROGRAM, "--endpoint", served.url, "trace-smtp-client"],
                                      stdout=subprocess.PIPE)
            self.assertEqual(text, client.stdout.read(len(text)))
            # Sessions that did not close go on in the second round, as kcli sees it.
            begins = text.split(b"===", 2)[1].splitlines()[0]
            self.assertIn(begins, client.stdout.read(len(text)))
            client.stdout.close()
            client.wait(timeout=WITHIN)
        self.assertIn("it left before the end", served.told)

    def test_pauses_have_a_limit(self):
        hour = self.work / "hour.jsonl"
        hour.write_text("".join(json.dumps({"conn_meta": {"id": "A"}, "payload": payload, "when": f"2026-08-04T{hour}:00:00Z"},
                                           separators=(",", ":")) + "\n"
                                for hour, payload in (("10", "BeginSession"), ("11", "Connected"), ("12", "Closed"))))
        client, _ = self.trace("--speed", "1", "--idle-limit", "20ms", serve=[hour])
        self.assertEqual(4, len(client.stdout.splitlines()), client)

    # ---- what goes wrong ----

    def test_what_lags_is_missing_and_accounted_for(self):
        every = 100
        missing = len(self.frames) // every
        ran, info, frames, served = self.record("--lag-every", every)
        self.assertEqual(0, ran.returncode, ran.stderr)
        lag = b'"Tracer Lagged behind and missed 1 events"'
        kept = [frame for number, frame in enumerate(self.frames, 1) if number % every]
        self.assertEqual(kept, [frame for frame in frames if lag not in frame])
        self.assertEqual(missing, sum(lag in frame for frame in frames))
        lagged = [gap for gap in info["gaps"] if gap["count"] == 1]
        self.assertEqual(missing, len(lagged), info)
        self.assertEqual({"server lag": {"count": missing, "gaps": missing, "unknown": 0}},
                         info["ledger"]["upstream"])
        self.assertIn("on purpose, --lag-every: one event of 100", served.told)
        self.assertEqual(1, served.told.count("on purpose, "))
        self.assertIn(f"{missing} of them lag notices", served.told)

    def test_a_lag_is_shown_as_kcli_shows_it(self):
        client, _ = self.trace("--lag-every", "100")
        shown = [line for line in client.stdout.splitlines() if b"missed 1 events" in line]
        self.assertEqual(len(self.frames) // 100, len(shown))
        self.assertEqual(b"[]       === ERROR: Tracer Lagged behind and missed 1 events", shown[0])

    def test_what_is_dropped_depends_on_the_seed(self):
        def left(*options):
            ran, info, frames, served = self.record("--drop", "5%", *options)
            self.assertEqual(0, ran.returncode, ran.stderr)
            dropped = int(re.search(r"(\d+) dropped on purpose", served.told)[1])
            self.assertEqual(len(self.frames), len(frames) + dropped)
            self.assertLess(set(frames), set(self.frames))
            # Nobody told the recorder, and nothing that it got is lost.
            self.assertEqual(len(frames), info["ledger"]["received"])
            return frames

        first = left()
        self.assertEqual(first, left("--seed", "1"))
        self.assertNotEqual(first, left("--seed", "2"))

    def test_a_connection_that_breaks_is_noticed(self):
        for after in (0, 1, 200):
            ran, info, frames, served = self.record("--disconnect-after", after)
            self.assertEqual(1, ran.returncode, ran.stderr)
            self.assertEqual(self.frames[:after], frames)
            self.assertEqual(after, info["ledger"]["received"])
            self.assertIn("disconnected", json.dumps(info), "the gap is recorded")
            self.assertIn("disconnected on purpose", served.told)

    def test_a_client_that_was_cut_off_says_so(self):
        client, served = self.trace("--disconnect-after", "200")
        wanted = run("replay", self.tape).stdout
        self.assertTrue(wanted.startswith(client.stdout))
        self.assertLess(len(client.stdout), len(wanted))
        self.assertNotEqual(b"", client.stderr)
        self.assertIn("200 events sent; disconnected on purpose", served.told)

    def test_after_the_last_event_there_is_nothing_to_break(self):
        ran, _, frames, _ = self.record("--disconnect-after", len(self.frames))
        self.assertEqual(0, ran.returncode, ran.stderr)
        self.assertEqual(self.frames, frames)

    def test_a_stall_is_behind_the_first_event(self):
        with Served(self.tape, "--stall", "300ms") as served:
            client = subprocess.Popen([PROGRAM, "--endpoint", served.url, "trace-smtp-client"],
                                      stdout=subprocess.PIPE)
            text = os.read(client.stdout.fileno(), 1 << 16)
            began = time.monotonic()
            self.assertIn(b"BeginSession", text)
            self.assertNotIn(b"Connected", text)
            text += os.read(client.stdout.fileno(), 1)
            self.assertGreater(time.monotonic() - began, 0.2)
            text += client.stdout.read()
            client.stdout.close()
            client.wait(timeout=WITHIN)
        self.assertEqual(run("replay", self.tape).stdout, text)
        self.assertIn("--stall: behind the first event nothing is sent for 0.3 s", served.told)

    def test_faults_can_be_had_together(self):
        ran, info, frames, served = self.record("--lag-every", "50", "--drop", "0.1", "--disconnect-after", "300",
                                                "--stall", "10ms")
        self.assertEqual(1, ran.returncode)
        self.assertEqual(300, len(frames))
        self.assertEqual(4, served.told.count("on purpose, --"))

    def test_nonsense_is_wrong_usage(self):
        for words, advice in ((["--lag-every", "0"], "1 or more"), (["--drop", "2"], "from 0 to 1"),
                              (["--drop", "x"], "from 0 to 1"), (["--drop", "nan"], "from 0 to 1"),
                              (["--drop", "-1%"], "from 0 to 1"),
                              (["--seed", "1"], "give --drop"), (["--stall", "soon"], "--stall"),
                              (["--disconnect-after", "-1"], "0 or more"),
                              (["--idle-limit", "1s"], "add --speed 1")):
            ran = run("serve", self.tape, "--listen", "127.0.0.1:0", *words)
            self.assertEqual(2, ran.returncode, words)
            self.assertIn(advice, ran.stderr.decode(), words)

    # ---- a client that is slow ----

    def test_a_slow_client_gets_all_of_it(self):
        """Nothing is dropped for it: it is waited for, at any speed."""
        large = self.work / "large.jsonl"
        with open(large, "w", encoding="utf-8") as feed:
            for number in range(2000):
                feed.write(f'{{"conn_meta":{{"id":"s"}},"payload":{{"Write":"{"x" * 10000}{number}"}},'
                           '"when":"2026-08-04T13:54:50Z"}\n')
        for options in ([], ["--speed", "1"]):
            with Served(large, *options) as served:
                client = subprocess.Popen([PROGRAM, "--endpoint", served.url, "trace-smtp-client", "--as-live"],
                                          stdout=subprocess.PIPE)
                size = 0
                while piece := os.read(client.stdout.fileno(), 1000 if size < 100_000 else 1 << 20):
                    size += len(piece)
                client.stdout.close()
                client.wait(timeout=WITHIN)
            self.assertGreater(size, 20_000_000)
            self.assertIn("2000 events sent", served.told)


if __name__ == "__main__":
    PROGRAM, FEED = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
    unittest.main()
