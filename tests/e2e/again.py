#!/usr/bin/env python3
"""replay as if live: its pace, its keys, and what it leaves of a terminal.

  again.py SMTPTAPE FEED

Each wait has a bound.  On a terminal the program is started as a shell would: in a group of its own,
in the foreground, below a leader that is told when it stops.
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from trial import as_ended_by_signals

WITHIN = 30  # seconds


def lead(words):
    """The leader of a session: runs the program in the foreground, says when it stops and how it ends."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(words[0], words)
    print(f"pid {child}", file=sys.stderr, flush=True)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            print(f"ended {os.waitstatus_to_exitcode(status)}", file=sys.stderr, flush=True)
            return
        print("stopped", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)  # until the test wakes us
        os.tcsetpgrp(0, child)
        os.kill(child, signal.SIGCONT)


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *words, term="xterm"):
        self.mine, its = pty.openpty()
        self.its = its
        self.before = termios.tcgetattr(its)
        self.screen = ""
        self.said = ""
        self.leader = subprocess.Popen(
            [sys.executable, "-B", __file__, "--lead", PROGRAM, *map(str, words)], stdin=its, stdout=its,
            stderr=subprocess.PIPE, env={**os.environ, **as_ended_by_signals(), "TERM": term},
            preexec_fn=lambda: (os.setsid(), fcntl.ioctl(its, termios.TIOCSCTTY, 0)))
        self.pid = int(self.wait_for_word(r"pid (\d+)"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if "ended" not in self.said:
            os.kill(self.pid, signal.SIGKILL)
        self.leader.send_signal(signal.SIGCONT)
        self.leader.wait(timeout=WITHIN)
        self.leader.stderr.close()
        os.close(self.mine)
        os.close(self.its)

    def read(self, condition, what):
        """Until the condition holds of the screen, or of what the leader says."""
        deadline = time.monotonic() + WITHIN
        while not (found := condition()):
            left = deadline - time.monotonic()
            watched = [self.mine] if "ended" in self.said else [self.mine, self.leader.stderr]
            ready = select.select(watched, [], [], max(left, 0))[0]
            if not ready:
                raise AssertionError(f"not within {WITHIN} s: {what}; on the screen: {self.screen!r}; {self.said!r}")
            if self.mine in ready:
                self.screen += os.read(self.mine, 65536).decode("utf-8", "replace")
            if self.leader.stderr in ready:
                self.said += os.read(self.leader.stderr.fileno(), 4096).decode()
        return found

    def wait_for_word(self, pattern):
        return self.read(lambda: re.search(pattern, self.said), pattern)[1]

    def wait_for(self, text):
        """And forgets the screen up to there."""
        self.read(lambda: text in self.screen, text)
        seen, self.screen = self.screen.split(text, 1)
        return seen + text

    def press(self, keys):
        os.write(self.mine, keys.encode())

    def settings(self):
        return termios.tcgetattr(self.its)

    def takes_keys(self):
        return not self.settings()[3] & termios.ICANON

    def ends(self):
        return int(self.wait_for_word(r"ended (-?\d+)"))

    def wait_until_stopped(self):
        self.said = self.said.replace("stopped", "")
        self.wait_for_word("(stopped)")
        # The leader, too, so that it can be woken.
        os.waitid(os.P_PID, self.leader.pid, os.WSTOPPED | os.WNOWAIT)


def frame(session, payload, seconds):
    clock = time.strftime("2026-08-04T%H:%M:%S", time.gmtime(seconds))
    return json.dumps({"conn_meta": {"id": session}, "payload": payload,
                       "when": f"{clock}.{round(seconds % 1 * 1000):03}Z"}, separators=(",", ":")) + "\n"


HOUR = 3600


class Again(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="smtptape-again-")
        work = pathlib.Path(cls.folder.name)
        # Nothing of it comes by itself while a test runs.
        slow = [frame("A", "BeginSession", HOUR), frame("A", "Connected", 2 * HOUR),
                frame("A", {"Read": "220 one\r\n"}, 3 * HOUR), frame("B", "BeginSession", 4 * HOUR),
                frame("A", {"Write": "QUIT\r\n"}, 5 * HOUR), frame("B", {"Read": "421 4.7.28 Slow\r\n"}, 6 * HOUR),
                frame("A", "Closed", 7 * HOUR), frame("B", "Closed", 8 * HOUR)]
        (work / "slow.jsonl").write_text("".join(slow), "utf-8")
        cls.slow = cls.tape_of(work / "slow.jsonl", work / "slow.tape")
        cls.feed = cls.tape_of(FEED, work / "feed.tape")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @staticmethod
    def tape_of(feed, tape):
        subprocess.run([PROGRAM, "import", feed, "-o", tape], check=True, capture_output=True, timeout=WITHIN)
        return tape

    @staticmethod
    def replay(*words):
        return subprocess.run([PROGRAM, "replay", *map(str, words)], check=False, capture_output=True, timeout=WITHIN)

    # ---- pace ----

    def duration(self, *words):
        """From the first bytes to the last."""
        program = subprocess.Popen([PROGRAM, "replay", self.feed, *words], stdout=subprocess.PIPE)
        text = os.read(program.stdout.fileno(), 1 << 20)
        first = last = time.monotonic()
        while piece := os.read(program.stdout.fileno(), 1 << 20):
            last = time.monotonic()
            text += piece
        program.stdout.close()
        self.assertEqual(0, program.wait(timeout=WITHIN))
        self.assertEqual(self.replay(self.feed).stdout, text)
        return last - first

    def assert_lasts(self, seconds, *words):
        """Within one percent; on a machine that others use, too, one time of several."""
        durations = []
        while len(durations) < 5:
            durations.append(self.duration(*words))
            self.assertGreater(durations[-1], 0.99 * seconds, words)
            if durations[-1] < 1.01 * seconds:
                return
        self.fail(f"{words}: {durations} instead of {seconds}")

    def test_takes_its_time(self):
        whens = [json.loads(line)["when"] for line in FEED.read_text("utf-8").rstrip("\n").split("\n")]
        seconds = [int(when[14:16]) * 60 + float(when[17:-1]) for when in whens]
        span = max(seconds) - seconds[0]
        self.assertGreater(span, 1)
        self.assert_lasts(span, "--speed", "1")
        self.assert_lasts(span / 4, "--speed", "4")

    def test_full_speed_waits_for_nothing(self):
        self.assertEqual(self.replay(self.slow).stdout, self.replay(self.slow, "--speed", "max").stdout)

    def test_pauses_have_a_limit(self):
        ran = self.replay(self.slow, "--speed", "1", "--idle-limit", "10ms")
        self.assertEqual(self.replay(self.slow).stdout, ran.stdout)

    def test_loops_until_nobody_reads(self):
        for options in (["--speed", "1", "--idle-limit", "1ms"], []):
            program = subprocess.Popen([PROGRAM, "replay", self.slow, "--loop", *options], stdout=subprocess.PIPE)
            text = self.replay(self.slow).stdout
            self.assertEqual(3 * text, program.stdout.read(3 * len(text)))
            program.stdout.close()
            self.assertEqual(0, program.wait(timeout=WITHIN))

    def test_ends_at_once_when_nobody_reads(self):
        program = subprocess.Popen([PROGRAM, "replay", self.slow, "--speed", "1"], stdout=subprocess.PIPE)
        program.stdout.readline()
        program.stdout.close()
        self.assertEqual(0, program.wait(timeout=WITHIN))

    # ---- keys ----

    def watch(self, *words, **more):
        return Terminal("replay", self.slow, "--color", "no", *words, **more)

    def test_a_dot_shows_one_event(self):
        with self.watch("--speed", "1") as terminal:
            terminal.wait_for("=== conn_meta id=\"A\"\r\n")
            for text in ("=== Connected\r\n", "220 one\r\n", "[B]       === BeginSession", "QUIT\r\n"):
                terminal.press(".")
                terminal.wait_for(text)
                self.assertNotIn("[", terminal.wait_for("paused").split("\x1b[K")[-1])
            terminal.press("q")
            self.assertEqual(0, terminal.ends())
            self.assertNotIn("421", terminal.screen)
            self.assertEqual(terminal.before, terminal.settings())

    def test_n_goes_to_the_next_session(self):
        with self.watch("--speed", "1") as terminal:
            terminal.wait_for("BeginSession")
            terminal.press(" ")
            terminal.wait_for("paused")
            terminal.press("n")
            self.assertIn("220 one", terminal.wait_for("[B]       === BeginSession"))
            terminal.wait_for("paused")
            self.assertNotIn("QUIT", terminal.screen)
            terminal.press("n")  # there is none: to the end
            terminal.wait_for("[B] 14400s === Closed")
            self.assertEqual(0, terminal.ends())

    def test_a_slash_looks_for_text(self):
        with self.watch("--speed", "1") as terminal:
            terminal.wait_for("BeginSession")
            terminal.press("/slowx\x7f")
            terminal.wait_for("/slow")
            terminal.press("\r")
            self.assertIn("QUIT", terminal.wait_for("421 4.7.28 Slow"))
            terminal.wait_for("paused")
            terminal.press("/nothing of that\r")
            self.assertEqual(0, terminal.ends())
            self.assertIn('"nothing of that" did not come any more', terminal.said)
            self.assertEqual(terminal.before, terminal.settings())

    def test_plus_is_faster(self):
        with self.watch("--speed", "1") as terminal:
            terminal.wait_for("BeginSession")
            terminal.press("+")
            terminal.wait_for("speed 2")
            terminal.press("-" * 2)
            terminal.wait_for("speed 0.5")
            terminal.press("+" * 20)
            terminal.wait_for("[B] 14400s === Closed")
            self.assertEqual(0, terminal.ends())

    def test_a_dumb_terminal_is_told_in_lines(self):
        with self.watch("--speed", "1", term="dumb") as terminal:
            terminal.wait_for("BeginSession")
            terminal.press(" ")
            terminal.wait_for("paused")
            terminal.press("q")
            self.assertEqual(0, terminal.ends())
            self.assertNotIn("\x1b", terminal.screen)

    def test_what_is_typed_can_not_control_the_terminal(self):
        with self.watch("--speed", "1") as terminal:
            terminal.wait_for("BeginSession")
            terminal.press("/\u009b2J")
            self.assertIn("\\u{9b}2", terminal.wait_for("J"))
            terminal.press("\x1bq")
            self.assertEqual(0, terminal.ends())

    def test_without_a_speed_no_keys_are_read(self):
        with self.watch() as terminal:
            self.assertEqual(0, terminal.ends())
            self.assertFalse(terminal.takes_keys())
            self.assertNotIn("keys", terminal.said + terminal.screen)

    def test_grouped_sessions_have_their_own_pace(self):
        with self.watch("--speed", "1", "--group") as terminal:
            terminal.wait_for("=== conn_meta id=\"A\"\r\n")
            terminal.press("n")
            self.assertIn("[A] 21600s === Closed", terminal.wait_for("[B]       === BeginSession"))
            terminal.press("q")
            self.assertEqual(0, terminal.ends())
        # No hours lie between them: the last session's first event comes at once.
        with self.watch("--speed", "1000000", "--reverse") as terminal:
            self.assertEqual(0, terminal.ends())

    # ---- the terminal is as it was ----

    def test_signals_leave_the_terminal_as_it_was(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(number), self.watch("--speed", "1") as terminal:
                terminal.wait_for("BeginSession")
                self.assertTrue(terminal.takes_keys())
                os.kill(terminal.pid, number)
                self.assertEqual(-number, terminal.ends())
                self.assertEqual(terminal.before, terminal.settings())

    def test_ctrl_c_ends_it(self):
        with self.watch("--speed", "1") as terminal:
            terminal.wait_for("BeginSession")
            terminal.press("\x03")
            self.assertEqual(-signal.SIGINT, terminal.ends())
            self.assertEqual(terminal.before, terminal.settings())

    def test_ctrl_z_stops_it(self):
        with self.watch("--speed", "1") as terminal:
            terminal.wait_for("BeginSession")
            terminal.press("\x1a")
            terminal.wait_until_stopped()
            self.assertEqual(terminal.before, terminal.settings())
            terminal.leader.send_signal(signal.SIGCONT)
            terminal.press(".")
            terminal.wait_for("=== Connected")
            self.assertTrue(terminal.takes_keys())
            terminal.press("q")
            self.assertEqual(0, terminal.ends())
            self.assertEqual(terminal.before, terminal.settings())


if __name__ == "__main__":
    if sys.argv[1] == "--lead":
        lead(sys.argv[2:])
    else:
        PROGRAM, FEED = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
        unittest.main()
