"""export --format swaks: the lines that it prints, run by a shell with the real swaks, repeat the
dialogue of the recording against a server on the loopback; and any shell reads them alike.  Usage: swaks.py PROGRAM"""
import base64
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

PROGRAM = sys.argv[1]
TIMEOUT = 30
PASSWORD = "s3cr3t-word"
PLAIN = base64.b64encode(b"\0alice\0" + PASSWORD.encode()).decode()
EHLO = "250-mx.dest.example\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
HELLO = [("EHLO me.example", EHLO)]
FROM = ("MAIL FROM:<a'b@sender.example>", "250 ok\r\n")
DATA = ("DATA", "354 go on\r\n")
QUIT = ("QUIT", "221 bye\r\n")

# What the client says and what the server answers; the banner answers nothing.  "." ends a mail.
DIALOGUES = {
    "banner": [("", "554 no service\r\n")],
    "hello": [("", "220 mx\r\n"), ("EHLO me.example", "500 what\r\n"),
              ("HELO me.example", "550 I don't like you\r\n"), QUIT],
    "sender": [("", "220 mx\r\n"), *HELLO, FROM[:1] + ("550 5.7.1 blocked\r\n",), QUIT],
    "recipient": [("", "220 mx\r\n"), *HELLO, FROM, ("RCPT TO:<x y@dest.example>", "550 5.1.1 no\r\n"), QUIT],
    "recipients": [("", "220 mx\r\n"), *HELLO, ("MAIL FROM:<>", "250 ok\r\n"),
                   ("RCPT TO:<$(x)@dest.example>", "250 ok\r\n"),
                   ("RCPT TO:<y@dest.example>", "451 4.7.1 later\r\n"), DATA,
                   (".", "250 ok\r\n"), QUIT],
    "data": [("", "220 mx\r\n"), *HELLO, FROM, ("RCPT TO:<x@dest.example>", "250 ok\r\n"),
             ("DATA", "554 no\r\n"), QUIT],
    "mail": [("", "220 mx\r\n"), *HELLO, FROM, ("RCPT TO:<x@dest.example>", "250 ok\r\n"), DATA,
             (".", "550-spam\r\n550 see https://postmaster.example\r\n"), QUIT],
    "login": [("", "220 mx\r\n"), *HELLO, ("AUTH PLAIN " + PLAIN, "535 5.7.8 wrong\r\n"), QUIT],
    "encrypted": [("", "220 mx\r\n"), *HELLO, ("STARTTLS", "220 go\r\n"), *HELLO,
                  ("MAIL FROM:<a@sender.example>", "550 no\r\n"), QUIT],
    "lmtp": [("", "220 mx\r\n"), ("LHLO me.example", "250 mx\r\n"), FROM,
             ("RCPT TO:<x@dest.example>", "550 no\r\n"), QUIT],
}
PIPELINED = {"recipients"}


def fail(text):
    sys.exit(f"swaks.py: {text}")


class Server:
    """Answers one client as a dialogue has it, and keeps what it said."""

    def __init__(self, dialogue, certificate):
        self.dialogue, self.certificate, self.said = dialogue, certificate, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(TIMEOUT)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with self.listener:
            try:
                client, _ = self.listener.accept()
                with client:
                    client.settimeout(TIMEOUT)
                    self.serve(client)
            except OSError as error:
                self.said.append(f"(server: {error})")

    def serve(self, client):
        replies = dict(self.dialogue)
        client.sendall(replies[""].encode())
        lines, in_mail = client.makefile("rb"), False
        while line := lines.readline():
            text = line.decode().rstrip("\r\n")
            if in_mail and text != ".":
                continue
            in_mail = text == "DATA" and replies.get(text, "").startswith("354")
            self.said.append(text)
            client.sendall(replies.get(text, "500 what?\r\n").encode())
            if text == "STARTTLS":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.certificate)
                client = context.wrap_socket(client, server_side=True)
                lines = client.makefile("rb")
            if text == "QUIT":
                return


def feed(name, port):
    meta = {"id": name, "egress_source": "src", "mx_host": "mx.dest.example.",
            "mx_address": f"127.0.0.1:{port}", "source_address": "127.0.0.1:40000"}
    events = ["BeginSession", {"Diagnostic": {"level": "INFO",
              "message": f"Attempting connection to 127.0.0.1:{port}"}}, "Connected"]
    late = []
    for said, reply in DIALOGUES[name]:
        if said == ".":
            events += [{"Write": "Subject: x\r\n\r\nbody\r\n"}, {"Write": ".\r\n"}]
        elif said:
            events.append({"Write": said + "\r\n"})
        waits = name in PIPELINED and said.split(" ")[0] in {"MAIL", "RCPT"}
        late.append({"Read": reply})
        if not waits:
            events += late
            late = []
    events.append("Closed")
    lines = []
    for number, payload in enumerate(events):
        lines.append(json.dumps({"conn_meta": dict(sorted(meta.items())), "payload": payload,
                                 "when": f"2026-08-04T13:54:50.{number:03}Z"}, separators=(",", ":")))
    return "\n".join(lines) + "\n"


def run(words, text=None, **more):
    return subprocess.run(words, input=text, capture_output=True, text=True, timeout=TIMEOUT, **more)


def try_dialogue(name, directory):
    certificate = os.path.join(directory, "pair.pem")
    server = Server(DIALOGUES[name], certificate)
    tape = os.path.join(directory, f"{name}.tape")
    made = run([PROGRAM, "import", "-", "-o", tape], feed(name, server.port))
    if made.returncode:
        fail(f"{name}: {made.stderr}")
    exported = run([PROGRAM, "export", tape, "--format", "swaks"])
    script = exported.stdout
    if PASSWORD in script or PLAIN in script:
        fail(f"{name}: the password stands in {script}")
    if "--auth-user 'alice'" in script:
        script = script.rstrip("\n") + f" --auth-password {PASSWORD}\n"
    home = {**os.environ, "HOME": directory}
    ran = run(["/bin/sh", "-c", script], cwd=directory, env=home)
    server.thread.join(TIMEOUT)
    expected = [said for said, _ in DIALOGUES[name] if said]
    said = server.said if expected and expected[-1] == "QUIT" else [x for x in server.said if x != "QUIT"]
    if said != expected:
        fail(f"{name}: {script}\nsaid {server.said}\nexpected {expected}\n{ran.stdout}{ran.stderr}")
    print(f"{name}: {len(expected)} commands, the same")


def feed_of_words(words):
    meta = {"id": "a" + words[0], "mx_address": "127.0.0.1", "mx_host": words[1],
            "source_address": words[2]}
    events = ["Connected", {"Read": "220 mx\r\n"}, {"Write": f"EHLO {words[0]}\r\n"},
              {"Read": "250 ok\r\n"}, {"Write": f"MAIL FROM:<{words[1]}>\r\n"},
              {"Read": "250 ok\r\n"}, {"Write": f"RCPT TO:<{words[2]}>\r\n"},
              {"Read": f"550 {words[1]}\r\n"}]
    return "".join(json.dumps({"conn_meta": dict(sorted(meta.items())), "payload": payload,
                               "when": f"2026-08-04T13:54:50.{number:03}Z"},
                              separators=(",", ":")) + "\n" for number, payload in enumerate(events))


def try_shells(directory):
    """Each shell sees the words as they are, in comments, too, which some of them run."""
    pieces = ["'", "\\", '"', "$(touch canary)", "`touch canary`", ";touch canary;", "|cat", "&",
              ">canary", "!", "!!", "#", "*", "~", "{a..c}", "$HOME", "(touch canary)", "\\'", "^a^b^"]
    script, expected = [], []
    for piece in pieces:
        words = [f"x{piece}{other}y" for other in ("", "'", "\\")]
        tape = os.path.join(directory, "words.tape")
        made = run([PROGRAM, "import", "-", "-o", tape, "--force"], feed_of_words(words))
        if made.returncode:
            fail(made.stderr)
        lines = run([PROGRAM, "export", tape, "--format", "swaks"]).stdout.splitlines()
        script += ["./words " + line.removeprefix("# ").removeprefix("swaks ") for line in lines]
        expected += [f"--ehlo\n{words[0]}\n--from\n{words[1]}\n--to\n{words[2]}\n"]
    words = os.path.join(directory, "words")
    with open(words, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    os.chmod(words, 0o700)
    for shell in ["sh", "bash", "zsh", "fish", "tcsh"]:
        ran = run([shell], "\n".join(script) + "\n", cwd=directory,
                  env={**os.environ, "HOME": directory})
        missing = [words for words in expected if words not in ran.stdout]
        if missing or os.path.exists(os.path.join(directory, "canary")):
            fail(f"{shell}: {missing[:1]} {ran.stdout[:2000]}{ran.stderr[:2000]}")
        print(f"{shell}: {len(expected)} commands, word for word")


def main():
    with tempfile.TemporaryDirectory() as directory:
        pair = run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mx",
                    "-keyout", "key.pem", "-out", "cert.pem"], cwd=directory)
        if pair.returncode:
            fail(pair.stderr)
        run(["/bin/sh", "-c", "cat key.pem cert.pem > pair.pem"], cwd=directory)
        for name in DIALOGUES:
            try_dialogue(name, directory)
        try_shells(directory)


main()
