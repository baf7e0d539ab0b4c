#!/usr/bin/env python3
"""What `smtptape sessions --json` and `stats --json` count, counted again by other means.

usage: session_counts.py SMTPTAPE GOLDEN

The lines of `smtptape export` are read here with a JSON parser, replies and commands are found with
regular expressions, and outcomes follow from the order of the commands alone, as stories.py has it.
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import stories  # noqa: E402

OUTCOMES = ("delivered", "deferred", "bounced", "unfinished", "unknown")


class Session(stories.Session):
    def __init__(self):
        super().__init__()
        self.rcpt = 0
        self.read_bytes = 0
        self.written = 0
        self.host = None
        self.pool = None
        self.unsent = set()  # recipients of the message whose RCPT was not sent

    def take(self, frame):
        meta, payload = frame["conn_meta"], frame["payload"]
        self.pool = meta.get("egress_pool")
        if payload == "Connected":
            self.host = meta["mx_host"]
        if payload in ("MessageObtained", "Closed"):
            self.end_message()
        if payload == "MessageObtained":
            self.unsent = {each.lower() for each in meta["recipient"]}
        if isinstance(payload, dict):
            (kind, value), = payload.items()
            if kind == "Read":
                self.read_bytes += len(value.encode())
            if kind == "Write":
                self.written += len(value.encode())
                if value.startswith("RCPT TO:<"):
                    self.rcpt += 1
                    self.unsent.discard(value[9:value.index(">")].lower())
        self.add(payload)

    def end_message(self):
        self.outcomes["unfinished"] += len(self.unsent)
        self.unsent = set()


def run(program, *arguments):
    ran = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                         timeout=60, check=True)
    return [json.loads(line) for line in ran.stdout.split("\n") if line]


def count(program, tape):
    sessions = collections.defaultdict(Session)
    for frame in run(program, "export", tape):
        if frame["conn_meta"]:
            sessions[frame["conn_meta"]["id"]].take(frame)
    for session in sessions.values():
        session.end()
        session.end_message()
    return sessions


def worst(session):
    """The greatest from 400 on, else the last success: what asks to go on (3xx) is no answer."""
    answers = [code for code in session.codes if code // 100 in (2, 4, 5)]
    return max((code for code in answers if code >= 400), default=answers[-1] if answers else None)


def check_sessions(program, tape, mine):
    told = {each["id"]: each for each in run(program, "sessions", tape, "--json")}
    assert told.keys() == mine.keys()
    for name, session in mine.items():
        theirs = told[name]
        ours = {"connections": session.connections, "messages": session.messages,
                "rcpt_commands": session.rcpt, "bytes_read": session.read_bytes,
                "bytes_written": session.written, "egress_pool": session.pool}
        if session.host:
            ours["mx_host"] = session.host
        if not session.odd:
            ours["worst_reply"] = worst(session)
            ours["recipients"] = {each: session.outcomes[each] for each in OUTCOMES}
        differ = {key: (theirs[key], value) for key, value in ours.items() if theirs[key] != value}
        assert not differ, f"{name}: {differ}"
    return told


def check_stats(program, tape, mine, told):
    by_pool = collections.defaultdict(collections.Counter)
    for name, session in mine.items():
        counts = by_pool[session.pool or "(none)"]
        counts["sessions"] += 1
        counts["messages"] += session.messages
        # Of one whose replies are none, what became of it is said by nobody.
        outcomes = told[name]["recipients"] if session.odd else session.outcomes
        counts.update({each: outcomes[each] for each in OUTCOMES})
    for columns in ("sessions,messages,codes", "sessions,messages,codes,phases"):
        lines = run(program, "stats", tape, "--by", "pool", "--json", "--columns", columns)
        theirs = {each["key"]["pool"]: collections.Counter(
            sessions=each["sessions"], messages=each["messages"], **each["recipients"])
            for each in lines}
        assert theirs == by_pool, f"{columns}\n{theirs}\n{dict(by_pool)}"
    codes = collections.Counter(code for session in mine.values() for code in session.codes)
    lines = run(program, "stats", tape, "--by", "code", "--json")
    theirs = {int(each["key"]["code"]): each["replies"] for each in lines}
    assert theirs == dict(codes), f"codes\n{theirs}\n{dict(codes)}"
    return sum(codes.values())


def main():
    program, golden = sys.argv[1:]
    total = collections.Counter()
    for recording in ("basic", "errors", "tlsauth"):
        feed = pathlib.Path(golden) / "feeds" / recording / "raw.jsonl"
        with tempfile.TemporaryDirectory() as directory:
            tape = f"{directory}/{recording}.tape"
            subprocess.run([program, "import", feed, "-o", tape], check=True, capture_output=True)
            mine = count(program, tape)
            told = check_sessions(program, tape, mine)
            total["sessions"] += len(mine)
            total["replies"] += check_stats(program, tape, mine, told)
            for session in mine.values():
                total.update(+session.outcomes)
    # Else it would prove nothing.
    assert total["sessions"] > 70 and total["replies"] > 300, total
    assert all(total[each] for each in ("delivered", "deferred", "bounced", "unfinished")), total
    print(dict(total))


if __name__ == "__main__":
    main()
