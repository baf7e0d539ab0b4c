#!/usr/bin/env python3
"""smtptape top in a terminal, by tmux: what it shows, its keys, sizes and locales, and how it ends.

  top.py SMTPTAPE FEED

Each wait has a bound; talks to loopback only.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from trial import as_ended_by_signals

WITHIN = 30  # seconds


class Screen:
    """The program in a terminal of this size."""

    def __init__(self, work, words, columns=80, rows=24, environment=()):
        self.socket = work / f"tmux-{time.monotonic_ns()}"
        self.exit_file = work / f"exit-{time.monotonic_ns()}"
        self.stderr = work / f"stderr-{time.monotonic_ns()}"
        settings = {"LC_ALL": "C.UTF-8", **as_ended_by_signals(), **dict(environment)}
        line = " ".join(["env", *(shlex.quote(f"{name}={value}") for name, value in settings.items()),
                         *map(shlex.quote, map(str, [PROGRAM, "top", *words])), f"2>{self.stderr}"])
        # A shell below it, so that what is left of the terminal can be looked at.
        (work / "run.sh").write_text(f"stty -a >{work}/before; {line}; echo $? >{self.exit_file}.part; "
                                     f"stty -a >{work}/after; mv {self.exit_file}.part {self.exit_file}; "
                                     "echo THE-END; read unused\n")
        self.work = work
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, f"sh {work}/run.sh")

    def tmux(self, *words):
        ran = subprocess.run(["tmux", "-u", "-S", self.socket, *map(str, words)], capture_output=True, timeout=WITHIN,
                             env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
        return ran.stdout.decode("utf-8", "replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def text(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def wait_until(self, condition, what):
        deadline = time.monotonic() + WITHIN
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {WITHIN} s: {what}\n{self.text()}")
            time.sleep(0.02)

    def wait_for(self, pattern):
        self.wait_until(lambda: re.search(pattern, self.text()), pattern)
        return self.text()

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", columns, "-y", rows)

    def pid(self):
        shell = int(self.tmux("list-panes", "-F", "#{pane_pid}"))
        children = pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text("ascii").split()
        return int(children[0])

    def ends(self):
        self.wait_until(self.exit_file.exists, "its end")
        self.wait_for("THE-END")
        return int(self.exit_file.read_text("ascii"))

    def terminal_is_as_before(self):
        return (self.work / "before").read_text() == (self.work / "after").read_text()


class Top(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="smtptape-top-")
        self.work = pathlib.Path(self.folder.name)
        self.tape = self.work / "feed.tape"
        self.run_program("import", FEED, "-o", self.tape)

    def tearDown(self):
        self.folder.cleanup()

    @staticmethod
    def run_program(*words):
        return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, timeout=WITHIN, check=False)

    def top(self, *words, **more):
        return Screen(self.work, words or [self.tape, "--utc"], **more)

    def test_shows_sessions_and_a_story(self):
        with self.top() as screen:
            text = screen.wait_for(r"41 sessions, \d+ failed")
            self.assertRegex(text, r"sessions +.*[▁▂▃▄▅▆▇█].* max \d+ in 10 s")
            self.assertRegex(text, r"failures +.*[▁▂▃▄▅▆▇█].* max \d+ in 10 s")
            self.assertRegex(text, r"(?m)^[✓✗~!…-] 19:34:4\d ")
            self.assertRegex(text, r"(?m)^session [0-9a-f-]{36}$")
            command = re.search(r"(?m)^\$ (smtptape show .*)$", text)[1]
            self.assertEqual(24, len(text.rstrip("\n").split("\n")))
            screen.press("q")
            self.assertEqual(0, screen.ends())
            self.assertTrue(screen.terminal_is_as_before())
            self.assertNotIn("max", screen.text())  # the usual screen again
        # The command shows the same session.
        ran = self.run_program(*shlex.split(command)[1:])
        self.assertEqual(0, ran.returncode, ran.stderr)

    def test_keys(self):
        with self.top() as screen:
            screen.wait_for(r"41 sessions")
            screen.press("]")
            text = screen.wait_for(r"worst|last words")
            screen.press("Tab")
            screen.wait_for(r"── transcript")
            screen.wait_for(r"=== BeginSession")
            screen.press("Enter")
            screen.wait_until(lambda: screen.text().count("=== ") > 10, "a large transcript")
            screen.press("PageDown")
            screen.wait_until(lambda: "BeginSession" not in screen.text(), "its next page")
            screen.press("Escape")
            screen.wait_for(r"no filter")
            screen.type("/zzz")
            screen.wait_for(r"filter: zzz_")
            screen.wait_for(r"no sessions")
            screen.press("Escape")
            screen.wait_for(r"no filter")
            screen.type("/550")
            screen.press("Enter")
            text = screen.wait_for(r"filter: 550 +\d+ of 41 sessions")
            self.assertRegex(text, r"(?m)^✗ ")
            screen.press("y")
            screen.wait_for(r"copied, if this terminal takes it \(OSC 52\): smtptape show")
            screen.press("?")
            screen.wait_for(r"the next failure further up")
            screen.press("x", "Space")
            screen.wait_for(r"PAUSED")
            screen.press("q")
            self.assertEqual(0, screen.ends())

    def test_filters_by_what_came_out(self):
        def listed(*words):
            return len(self.run_program("sessions", self.tape, *words, "--json").stdout.splitlines())

        with self.top(self.tape, "--utc", "--since", "@0", "--failed", columns=200) as screen:
            failed = listed("--failed")
            self.assertGreater(failed, 0)
            screen.wait_for(rf"filter: --failed +{failed} of 41 sessions")
            screen.press("Y")
            screen.wait_for(r"copied, .*: smtptape sessions /\S+ --since @0 --failed")
            screen.press("Escape")
            screen.wait_for(r"no filter")
            for words in (["--code", "4xx"], ["--outcome", "delivered"], ["--grep", "^250[ -]"], ["--tls", "yes"],
                          ["--not-egress-pool", "pool_c"], ["--egress-pool", "pool_c", "--code", "5xx"],
                          ["--reply", "user unknown"], ["--min-duration", "1ms"], ["--slow", "banner>1ms"],
                          ["--source-name", "nobody"], ["--message-id", "nobody"], ["--session", "nobody"]):
                with self.subTest(words):
                    screen.type("/" + shlex.join(words))
                    screen.press("Enter")
                    screen.wait_for(rf"filter: {re.escape(words[0])} .* {listed(*words)} of 41 sessions")
            one = json.loads(self.run_program("sessions", self.tape, "--json").stdout.splitlines()[0])["id"]
            screen.type(f"/--session {one[:8]}")
            screen.press("Enter")
            screen.wait_for(rf"filter: --session {one[:8]} +1 of 41 sessions")
            screen.type("/--session nobody")
            screen.press("Enter")
            screen.wait_for(r"--session nobody +0 of 41")
            # None is listed: the command that lists none of them is told.
            screen.wait_for(r"(?m)^\$ smtptape sessions /\S+ --since @0 --session nobody$")
            screen.type("/--cod 4xx")
            screen.press("Enter")
            screen.wait_for(r"is no option here; did you mean --code\?")
            screen.press("Escape")
            screen.wait_for(r"no filter")
            screen.press("q")
            self.assertEqual(0, screen.ends())

    def test_copies_by_osc_52(self):
        with self.top() as screen:
            screen.tmux("set-option", "-s", "set-clipboard", "on")
            command = re.search(r"(?m)^\$ (smtptape show .*?)$", screen.wait_for(r"41 sessions(.|\n)*\$ smtptape show"))[1]
            screen.press("y")
            screen.wait_until(lambda: command in screen.tmux("show-buffer"), "the copy")
            screen.press("q")
            self.assertEqual(0, screen.ends())

    def test_sizes(self):
        with self.top(columns=200, rows=60) as screen:
            text = screen.wait_for(r"41 sessions")
            self.assertRegex(text, r"begun +took +msg/rc +worst +session +source +mx +last words")
            screen.resize(80, 24)
            screen.wait_until(lambda: "source" not in screen.text(), "fewer columns")
            screen.resize(60, 20)
            screen.wait_for(r"needs 80x24")
            screen.wait_for(r"this terminal has 60x20")
            screen.resize(120, 40)
            screen.wait_for(r"41 sessions")
            screen.press("q")
            self.assertEqual(0, screen.ends())

    def test_ascii_where_the_locale_is(self):
        with self.top(environment={"LC_ALL": "C"}.items()) as screen:
            text = screen.wait_for(r"41 sessions(.|\n)*\$ smtptape show")
            self.assertTrue(text.isascii(), text)
            self.assertRegex(text, r"(?m)^[x~+!.-] ")
            screen.press("q")
            self.assertEqual(0, screen.ends())

    def test_colours(self):
        def colours(**environment):
            with self.top(environment=environment.items()) as screen:
                screen.wait_for(r"41 sessions")
                text = screen.text("-e")
                screen.press("q")
                self.assertEqual(0, screen.ends())
                return re.findall(r"\x1b\[(?:\d+;)*3[0-7]m", text)

        self.assertTrue(colours())
        self.assertFalse(colours(NO_COLOR="1"))

    def test_terminals_that_this_machine_does_not_know(self):
        for kind in ("xterm-unheard-of", "tmux-256color-unheard-of", "linux-unheard-of"):
            with self.subTest(kind), self.top(environment={"TERM": kind}.items()) as screen:
                screen.wait_for(r"41 sessions")
                screen.press("Down")
                screen.press("q")
                self.assertEqual(0, screen.ends())
        with self.top(environment={"TERM": "unheard-of"}.items()) as screen:
            self.assertEqual(2, screen.ends())
            self.assertIn("TERM=unheard-of", screen.stderr.read_text())

    def test_signals_give_the_terminal_back(self):
        for number, exit_code in ((signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGHUP, 129),
                                  (signal.SIGQUIT, 131), (signal.SIGSEGV, 139), (signal.SIGABRT, 134)):
            with self.subTest(number), self.top() as screen:
                screen.wait_for(r"41 sessions")
                os.kill(screen.pid(), number)
                self.assertEqual(exit_code, screen.ends())
                self.assertTrue(screen.terminal_is_as_before())
                self.assertNotIn("max", screen.text())

    def test_follows_a_store(self):
        store = self.work / "store"
        store.mkdir()
        with self.top(store, "--utc", "--egress-pool", "pool_c") as screen:
            screen.wait_for(r"no sessions yet")
            screen.wait_for(r"\$ smtptape replay --follow .*store --egress-pool pool_c")
            server = subprocess.Popen([PROGRAM, "serve", FEED, "--listen", "127.0.0.1:0", "--once"],
                                      stderr=subprocess.PIPE, text=True)
            url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            self.run_program("capture", "--endpoint", url, "--store", store, "--name", "m", "--until-end")
            server.communicate(timeout=WITHIN)
            text = screen.wait_for(r"[1-9]\d* sessions, ")
            screen.press("q")
            self.assertEqual(0, screen.ends())

    def test_follows_a_feed(self):
        server = subprocess.Popen([PROGRAM, "serve", FEED, "--listen", "127.0.0.1:0", "--loop", "--speed", "20"],
                                  stderr=subprocess.PIPE, text=True)
        try:
            url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            with self.top("--endpoint", url) as screen:
                screen.wait_for(r"41 sessions, .* live")
                screen.wait_for(r"\$ smtptape --endpoint http://127.0.0.1:\d+ trace-smtp-client")
                screen.type("/--code 5xx")
                screen.press("Enter")
                screen.wait_for(r"filter: --code 5xx +[1-9]\d* of \d+ sessions")
                screen.type("/--source-name m")
                screen.press("Enter")
                screen.wait_for(r"a live feed has no recorder's sources")
                screen.press("Escape")
                server.terminate()
                screen.wait_for(r"not connected")
                screen.press("q")
                self.assertEqual(0, screen.ends())
        finally:
            server.kill()
            server.communicate(timeout=WITHIN)

    def test_what_it_can_not_do_is_told(self):
        for words, advice in (([self.tape], "this is none"), (["--endpoint", "http://127.0.0.1:1", self.tape], "leave one"),
                              (["--endpoint", "http://127.0.0.1:1", "--since", "-1h"], "leave one"),
                              (["--endpoint", "http://127.0.0.1:1", "--source-name", "m"], "no recorder's sources"),
                              (["--code", "abc", self.tape], "abc"), (["--grep", "(", self.tape], "--grep"),
                              (["-"], "can't be followed"), ([self.work / "none"], "no such file"),
                              (["--config", self.work / "none.toml"], "none.toml")):
            ran = self.run_program("top", *words)
            self.assertIn(ran.returncode, (1, 2), words)
            self.assertIn(advice, ran.stderr.decode(), words)
            self.assertEqual(b"", ran.stdout, words)
        with self.top(environment={"TERM": "dumb"}.items()) as screen:
            self.assertEqual(2, screen.ends())
            self.assertIn("can't draw", screen.stderr.read_text())


if __name__ == "__main__":
    PROGRAM, FEED = pathlib.Path(sys.argv.pop(1)).absolute(), pathlib.Path(sys.argv.pop(1)).absolute()
    if shutil.which("tmux") is None:
        print("not tried: there is no tmux")
        sys.exit(77)
    unittest.main()
