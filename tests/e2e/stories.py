#!/usr/bin/env python3
"""What `smtptape show --json` tells of real sessions, counted again by other means.

usage: stories.py SMTPTAPE GOLDEN

The frames of the recordings are read here with a JSON parser, replies and commands are found with
regular expressions, and outcomes follow from the order of the commands alone.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

REPLY = re.compile(r"^(\d{3})(?: |$)")
COMMAND = re.compile(r"^(EHLO|LHLO|STARTTLS|AUTH|RSET|MAIL|RCPT|DATA|QUIT)\b")
WORDS = {"2": "delivered", "3": "unknown", "4": "deferred", "5": "bounced"}


class Session:
    def __init__(self):
        self.events = 0
        self.connections = 0
        self.messages = 0
        self.commands = collections.Counter()
        self.codes = []
        self.attempts = 0
        self.text = ""       # of the server, not yet taken apart
        self.waiting = []    # commands
        self.outcomes = collections.Counter()
        self.taken = []      # whether each recipient of the transaction may still succeed
        self.refused = None  # the MAIL's code when it was no success
        self.odd = False     # the server sent what is no reply

    def add(self, payload):
        self.events += 1
        if payload == "Connected":
            self.connections += 1
            self.waiting, self.text = ["banner"], ""
        elif payload == "Closed":
            self.end()
        elif payload == "MessageObtained":
            self.messages += 1
        elif isinstance(payload, dict):
            (kind, value), = payload.items()
            if kind == "Read":
                self.read(value)
            elif kind == "Write":
                self.write(value)
            elif kind == "Diagnostic" and value["message"].startswith("Attempting connection to"):
                self.attempts += 1

    def write(self, text):
        if text in (".\r\n", "\r\n.\r\n"):
            self.waiting.append("body")
            return
        command = COMMAND.match(text)
        if command and text.count("\n") == 1:
            self.commands[command[1]] += 1
            self.waiting.append(command[1])

    def read(self, text):
        *lines, self.text = (self.text + text).split("\r\n")
        for line in lines:
            reply = REPLY.match(line)
            self.odd = self.odd or not re.match(r"^\d{3}(?:[ -]|$)", line)
            if reply:
                self.codes.append(int(reply[1]))
            if reply and not self.odd:
                self.answer(self.waiting.pop(0) if self.waiting else None, reply[1])

    def answer(self, command, code):
        good = code[0] == "2"
        if command == "MAIL":
            self.taken = []
            self.refused = None if good else code
        elif command == "RCPT":
            if self.refused or not good:
                self.outcomes[WORDS[(self.refused or code)[0]]] += 1
            else:
                self.taken.append(True)
        elif command == "DATA" and code != "354" or command == "body":
            self.outcomes[WORDS[code[0]]] += len(self.taken)
            self.taken = []

    def end(self):
        self.outcomes["unfinished"] += len(self.taken) + self.waiting.count("RCPT")
        self.taken, self.waiting, self.text = [], [], ""


def count(feed):
    sessions = collections.defaultdict(Session)
    for line in filter(None, feed.read_text(encoding="utf-8").split("\n")):
        frame = json.loads(line)
        if frame["conn_meta"]:
            sessions[frame["conn_meta"]["id"]].add(frame["payload"])
    for session in sessions.values():
        session.end()
    return sessions


def check(program, tape, name, mine):
    shown = subprocess.run([program, "show", name, tape, "--json"], capture_output=True, text=True,
                           timeout=60, check=True)
    story, = map(json.loads, filter(None, shown.stdout.split("\n")))
    assert story["schema"] == "smtptape.show/1"
    exchanges = story["exchanges"]
    commands = collections.Counter(each["command"].split()[0] for each in exchanges
                                   if each["kind"] == "command" and each["command"])
    theirs = {
        "events": story["events"],
        "connections": story["connections"],
        "attempts": len(story["attempts"]),
        "messages": len(story["messages"]),
        "codes": sorted(each["code"] for each in exchanges
                        if each["code"] and each["answer"] != "none"),
        "commands": commands,
        # One whose RCPT was never sent is not seen by us.
        "outcomes": collections.Counter(
            each["outcome"] for message in story["messages"] for each in message["recipients"]
            if each["sent"]),
    }
    ours = {
        "events": mine.events,
        "connections": mine.connections,
        "attempts": mine.attempts,
        "messages": mine.messages,
        "codes": sorted(mine.codes),
        "commands": mine.commands,
        "outcomes": +mine.outcomes,
    }
    if mine.odd:  # what is then answered is not known, and said so
        assert story["missing"]["pairing_uncertain"], name
        del theirs["outcomes"], ours["outcomes"]
    assert theirs == ours, f"{name}:\n  show {theirs}\n  here {ours}"
    assert mine.odd or not story["missing"]["pairing_uncertain"], name


def main():
    program, golden = sys.argv[1:]
    total = collections.Counter()
    for recording in ("basic", "errors", "tlsauth"):
        feed = pathlib.Path(golden) / "feeds" / recording / "raw.jsonl"
        with tempfile.TemporaryDirectory() as directory:
            tape = f"{directory}/{recording}.tape"
            subprocess.run([program, "import", feed, "-o", tape], check=True, capture_output=True)
            for name, session in count(feed).items():
                check(program, tape, name, session)
                total["sessions"] += 1
                total["replies"] += len(session.codes)
                total.update(+session.outcomes)
    # Else it would prove nothing.
    assert total["sessions"] > 30 and total["replies"] > 300, total
    assert total["delivered"] and total["deferred"] and total["bounced"], total
    print(dict(total))


if __name__ == "__main__":
    main()
