#!/usr/bin/env python3
"""Which sessions of real recordings came out as they are asked for, found again by other means.

usage: choice.py SMTPTAPE GOLDEN

The frames are read here with a JSON parser; replies and lines are put together from them, and asked
with Python's own regular expressions.  Outcomes are those that stories.py counts.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import stories


class Session:
    def __init__(self):
        self.metas = []
        self.frames = []
        self.begun = {"Read": "", "Write": ""}
        self.lines = []    # of both sides and the log
        self.replies = []  # their lines with the codes
        self.reply = []

    def add(self, frame):
        self.frames.append(frame)
        meta = json.loads(frame)["conn_meta"]
        self.metas.append(meta)
        payload = json.loads(frame)["payload"]
        if payload in ("Connected", "Closed"):
            self.end()
        elif isinstance(payload, dict):
            (kind, value), = payload.items()
            if kind == "Diagnostic":
                self.lines.append(value["message"])
            elif kind in self.begun:
                self.take(kind, value)

    def take(self, kind, text):
        *whole, self.begun[kind] = (self.begun[kind] + text).split("\n")
        for line in whole:
            self.lines.append(line.removesuffix("\r"))
            if kind == "Read" and line.endswith("\r"):
                self.take_reply(line[:-1])

    def take_reply(self, line):
        if not re.match(r"[2-5]\d\d(?:[ -]|$)", line):
            self.reply = []
            return
        self.reply.append(line)
        if line[3:4] != "-":
            self.replies.append(self.reply)
            self.reply = []

    def end(self):
        self.lines += [line for line in self.begun.values() if line]
        self.begun = {"Read": "", "Write": ""}
        self.reply = []

    # ---- what is asked ----

    def code(self, pattern):
        return any(re.match(pattern, reply[-1]) for reply in self.replies)

    def enhanced(self, pattern):
        return any(re.match(r"[245]\d\d[ -]" + pattern + r"(?: |$)", reply[0])
                   for reply in self.replies)

    def said(self, text):
        joined = (" ".join([reply[0]] + [line[4:] for line in reply[1:]]) for reply in self.replies)
        apart = (line for reply in self.replies for line in reply)
        return any(text.lower() in each.lower() for each in (*joined, *apart))

    def line(self, pattern, flags=0):
        return any(re.search(pattern, line, flags) for line in self.lines)

    def has(self, key, value):
        return any(value == meta.get(key) or
                   isinstance(meta.get(key), list) and value in meta[key] for meta in self.metas)


def read(feed):
    sessions = {}
    for line in filter(None, feed.read_text(encoding="utf-8").split("\n")):
        meta = json.loads(line)["conn_meta"]
        if meta and meta.get("id"):
            sessions.setdefault(meta["id"], Session()).add(line)
    for session in sessions.values():
        session.end()
    return sessions


QUESTIONS = [
    (["--code", "550"], lambda s: s.code("550")),
    (["--code", "4xx"], lambda s: s.code("4")),
    (["--code", "421,554"], lambda s: s.code("421|554")),
    (["--code", "45x", "--code", "2x1"], lambda s: s.code(r"45\d|2\d1")),
    (["--code", "5.1.1"], lambda s: s.enhanced(r"5\.1\.1")),
    (["--code", "4.*"], lambda s: s.enhanced(r"4\.\d+\.\d+")),
    (["--code", "*.7.*"], lambda s: s.enhanced(r"\d\.7\.\d+")),
    (["--reply", "USER"], lambda s: s.said("user")),
    (["--reply", "later", "--reply", "denied"], lambda s: s.said("later") or s.said("denied")),
    (["--reply", "8bitmime"], lambda s: s.said("8bitmime")),
    (["--grep", "^MAIL FROM:<.*>"], lambda s: s.line("^MAIL FROM:<.*>")),
    (["--grep", "^mail from"], lambda s: s.line("^mail from")),
    (["--igrep", "^mail from"], lambda s: s.line("^mail from", re.I)),
    (["--grep", r"^RCPT TO:<\S+@\S+>$"], lambda s: s.line(r"^RCPT TO:<\S+@\S+>$")),
    (["--grep", "^\\.$"], lambda s: s.line(r"^\.$")),
    (["--igrep", "starttls"], lambda s: s.line("starttls", re.I)),
    (["--grep", r"^(421|45\d) "], lambda s: s.line(r"^(421|45\d) ")),
    (["--code", "5xx", "--grep", "^QUIT$"], lambda s: s.code("5") and s.line("^QUIT$")),
    (["--code", "4xx", "--not-tenant", "acme"], lambda s: s.code("4") and not s.has("tenant", "acme")),
    (["--not-tenant", "acme", "--scope", "session"], lambda s: not s.has("tenant", "acme")),
    (["--code", "5xx", "--tenant", "acme"], lambda s: s.code("5") and s.has("tenant", "acme")),
]


def exported(program, tapes, options):
    ran = subprocess.run([program, "export", *tapes, *options], capture_output=True, text=True,
                         timeout=60, check=True)
    return list(filter(None, ran.stdout.split("\n")))


def check(program, tapes, sessions, feed, totals):
    order = list(filter(None, feed.read_text(encoding="utf-8").split("\n")))
    outcomes = {name: session.outcomes for name, session in stories.count(feed).items()}
    questions = QUESTIONS + [
        (["--outcome", word], lambda s, word=word: outcomes[s.metas[0]["id"]][word] > 0)
        for word in ("delivered", "deferred", "bounced")]
    odd = {name for name, session in stories.count(feed).items() if session.odd}
    for options, holds in questions:
        lines = exported(program, tapes, options)
        chosen = {name for name, session in sessions.items() if holds(session)}
        if "--outcome" in options:  # of what is no SMTP, stories.py can't tell
            lines = [line for line in lines if json.loads(line)["conn_meta"]["id"] not in odd]
            chosen -= odd
        wanted = [line for line in order
                  if (json.loads(line)["conn_meta"] or {}).get("id") in chosen]
        assert lines == wanted, f"{options}: {len(lines)} lines, wanted {len(wanted)}"
        totals["some" if wanted else "none"] += 1


def cut(program, feed, parts, directory):
    """The same recording as several tapes, whose borders lie within sessions."""
    lines = list(filter(None, feed.read_text(encoding="utf-8").split("\n")))
    tapes = []
    for part in range(parts):
        piece = lines[len(lines) * part // parts:len(lines) * (part + 1) // parts]
        tape = f"{directory}/{part}.tape"
        subprocess.run([program, "import", "-", "-o", tape, "--force"], input="\n".join(piece) + "\n",
                       text=True, check=True, capture_output=True)
        tapes.append(tape)
    return tapes


def main():
    program, golden = sys.argv[1:]
    totals = {"some": 0, "none": 0}
    for recording in ("basic", "errors", "tlsauth"):
        feed = pathlib.Path(golden) / "feeds" / recording / "raw.jsonl"
        sessions = read(feed)
        with tempfile.TemporaryDirectory() as directory:
            for parts in (1, 7):
                check(program, cut(program, feed, parts, directory), sessions, feed, totals)
    # Else it would prove nothing.
    assert totals["some"] > 60 and totals["none"] > 10, totals
    print(totals)


if __name__ == "__main__":
    main()
