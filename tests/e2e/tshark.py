"""export --format pcapng as tshark reads it: the bytes of each connection, the commands and replies,
the mail.  Usage: tshark.py PROGRAM GOLDEN_DIRECTORY"""
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter

PROGRAM, GOLDEN = sys.argv[1:]
TIMEOUT = 120
FEEDS = ["feeds/basic/raw.jsonl", "feeds/errors/raw.jsonl", "feeds/tlsauth/raw.jsonl",
         "feeds/slices/terse.jsonl", "feeds/slices/lag-inside.jsonl"]


def fail(text):
    sys.exit(f"tshark.py: {text}")


def run(*words, **more):
    ran = subprocess.run(words, capture_output=True, timeout=TIMEOUT, check=False, **more)
    if ran.returncode not in (0, 3):
        fail(f"{' '.join(words)}: {ran.stderr.decode()}")
    return ran.stdout.decode()


def tshark(file, *words):
    return run("tshark", "-n", "-r", file, "-d", "tcp.port==1-9999,smtp", *words)


def connections(frames):
    """What each side said on each connection, from the events themselves."""
    all_of_them, open_now = [], {}
    for frame in frames:
        event = json.loads(frame)
        name, payload = (event["conn_meta"] or {}).get("id"), event["payload"]
        if name is None:
            continue
        kind, value = next(iter(payload.items())) if isinstance(payload, dict) else (payload, None)
        if kind == "Closed":
            open_now.pop(name, None)
        text = {"Read": value, "Write": value}.get(kind)
        if kind == "AbbreviatedWrite":
            text = value["snippet"]
        if kind == "Connected" or (text is not None and name not in open_now):
            open_now[name] = {"Write": b"", "Read": b""}
            all_of_them.append(open_now[name])
        if text is not None:
            open_now[name]["Read" if kind == "Read" else "Write"] += text.encode()
    return all_of_them


def followed(file, streams):
    """The same of each stream, as tshark follows it: lines that begin with a tab are the second
    node's."""
    wanted = [word for stream in streams for word in ("-z", f"follow,tcp,raw,{stream}")]
    found = []
    for text in tshark(file, "-q", *wanted).split("Follow: tcp,raw\n")[1:]:
        nodes = [line.split(": ", 1)[1] for line in text.splitlines() if line.startswith("Node ")]
        # Ours is a port that the system gave us.
        ours = "Node 0" if int(nodes[0].rsplit(":", 1)[1]) > 9999 else "Node 1"
        sides = {"Write": b"", "Read": b""}
        for line in text.splitlines():
            digits = line.strip()
            if digits and all(digit in "0123456789abcdef" for digit in digits):
                first = not line.startswith("\t")
                sides["Write" if first == (ours == "Node 0") else "Read"] += bytes.fromhex(digits)
        found.append(sides)
    return found


def compare(name, found, expected):
    def counted(all_of_them):
        counts = Counter((sides["Write"], sides["Read"]) for sides in all_of_them)
        del counts[(b"", b"")]
        return counts
    for what, differing in (("not followed", counted(expected) - counted(found)),
                            ("followed", counted(found) - counted(expected))):
        if differing:
            fail(f"{name}: {what}: {list(differing)[0]}")


def try_feed(name, directory):
    tape, file = os.path.join(directory, "x.tape"), os.path.join(directory, "x.pcapng")
    run(PROGRAM, "import", os.path.join(GOLDEN, name), "-o", tape, "--force")
    run(PROGRAM, "export", tape, "--format", "pcapng", "-o", file, "--force")
    expected = connections(run(PROGRAM, "export", tape).strip("\n").split("\n"))
    streams = {line for line in tshark(file, "-T", "fields", "-e", "tcp.stream").split()}
    found = followed(file, sorted(streams, key=int))
    if "terse" not in name:  # what is missing is told between the bytes
        compare(name, found, expected)
    dissected(name, file, expected)
    print(f"{name}: {len(found)} streams, the same bytes")


def commands_before_refused_data(sides):
    """tshark takes what follows a DATA that was refused for mail, also in a capture from a wire."""
    lines = sides["Write"].split(b"\r\n")
    taken = sum(1 for line in sides["Read"].split(b"\r\n") if line.startswith(b"354"))
    asked = [i for i, line in enumerate(lines) if line == b"DATA"]
    return lines if len(asked) <= taken else lines[:asked[taken]]


def dissected(name, file, expected):
    wrong = tshark(file, "-Y", "tcp.checksum.status==0 or ip.checksum.status==0 or _ws.malformed",
                   "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    if wrong:
        fail(f"{name}: {wrong}")
    commands = Counter(tshark(file, "-Y", "smtp.req.command", "-T", "fields", "-e",
                              "smtp.req.command").replace(",", "\n").split())
    for verb in ("EHLO", "MAIL", "RCPT", "STARTTLS", "AUTH"):
        there = sum(1 for sides in expected for line in commands_before_refused_data(sides)
                    if line.split(b" ")[0] == verb.encode())
        if "terse" not in name and commands[verb[:4]] < there:
            fail(f"{name}: tshark sees {commands[verb[:4]]} of {there} {verb}")
    mails = sum(1 for sides in expected if b"\r\nSubject:" in sides["Write"])
    subjects = len(tshark(file, "-Y", "imf.subject", "-T", "fields", "-e", "frame.number").split())
    if "terse" not in name and subjects < mails:
        fail(f"{name}: tshark sees {subjects} mails of {mails} or more")
    if not tshark(file, "-Y", "frame.comment contains \"session \"") and expected:
        fail(f"{name}: no comment names a session")


def main():
    with tempfile.TemporaryDirectory() as directory:
        for name in FEEDS:
            if os.path.exists(os.path.join(GOLDEN, name)):
                try_feed(name, directory)


main()
