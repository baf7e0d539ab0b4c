#!/usr/bin/env python3
"""Writes a feed as KumoMTA would have sent it, made up and always the same: one event a line.

  make_feed.py EVENTS none|templated|unique [SEED]

Sessions run side by side, each with a few messages; `templated` gives each message a body of a
campaign with personal lines in it, `unique` prose of its own.  A recipient occurs in one session
only.
"""
import datetime
import json
import random
import sys
import uuid

ALIVE = 100  # sessions at a time
BODIES = ("none", "templated", "unique")
TENANTS = ("acme", "globex", "initech", "umbrella", "hooli")
SMALL_TENANTS = tuple(f"tenant-{number}" for number in range(35))  # a half of the mail together
WORDS = ("time year people's way day man thing woman life child world school state family student group country caf\u00e9 hand part "
         "place case week company system program question work government number night point home water room mother").split()


def encode(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def make_templates(rng):
    return [[" ".join(rng.choices(WORDS, k=rng.randint(5, 13))) for _ in range(rng.randint(60, 250))] for _ in range(40)]


def body_of(rng, template, recipient):
    lines = list(template)
    for _ in range(8):
        lines[rng.randrange(len(lines))] = f"Dear {recipient}, your number is {rng.randrange(10 ** 9)} \"{rng.choice(WORDS)}\""
    return "\r\n".join([f"To: <{recipient}>", "Subject: " + template[0], "", *lines, ".", ""])


def prose(rng, recipient):
    lines = (" ".join(rng.choices(WORDS, k=rng.randint(8, 16))) for _ in range(rng.randint(4, 20)))
    return "\r\n".join([f"To: <{recipient}>", "Subject: " + rng.choice(WORDS), "", *lines, ".", ""])


def session(rng, number, bodies, templates):
    """(metadata as JSON, payload as JSON) of each event."""
    host, source = f"mx{rng.randint(1, 3)}.dest{number % 300}.example", f"ip-{rng.randint(1, 8)}"
    plan = [{"addr": f"203.0.113.{i}:25", "name": f"mx{i}.dest{number % 300}.example."} for i in (1, 2, 3)]
    meta = {"egress_pool": f"pool{number % 4}", "egress_source": source, "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "mx_plan": {"Addresses": plan}, "ready_queue_name": f"{source}->(mx1|mx2|mx3).dest{number % 300}.example@smtp_client"}
    yield encode(meta), '"BeginSession"'
    meta |= {"mx_address": "203.0.113.2:25", "mx_host": host + ".", "source_address": f"198.51.100.{number % 250}:{20000 + number % 40000}"}
    text = encode(meta)
    yield text, '"Connected"'
    yield text, encode({"Read": f"220 {host} ESMTP ready\r\n"})
    yield text, encode({"Write": "EHLO mail.sender.example\r\n"})
    yield text, encode({"Read": f"250-{host}\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n"})
    for message in range(rng.randint(1, 3)):
        tenant, recipient = rng.choice(rng.choice((TENANTS, SMALL_TENANTS))), f"user{number}.{message}@dest{number % 300}.example"
        sender = f"bounce-{rng.randrange(10 ** 6)}@{tenant}.example"
        meta |= {"domain": f"dest{number % 300}.example", "message_id": f"{rng.getrandbits(128):032x}", "queue_name": f"{tenant}@dest{number % 300}.example",
                 "recipient": [recipient], "routing_domain": None, "sender": sender, "tenant": tenant}
        text = encode(meta)
        yield text, '"MessageObtained"'
        yield text, encode({"Write": f"MAIL FROM:<{sender}>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n"})
        yield text, encode({"Read": "250 2.1.0 sender ok\r\n"})
        yield text, encode({"Read": f"250 2.1.5 <{recipient}> ok\r\n"})
        yield text, encode({"Read": "354 go ahead\r\n"})
        if bodies == "templated":
            yield text, encode({"Write": body_of(rng, rng.choice(templates), recipient)})
        elif bodies == "unique":
            yield text, encode({"Write": prose(rng, recipient)})
        yield text, encode({"Read": f"250 2.0.0 queued as {rng.getrandbits(64):016x}\r\n"})
    yield text, encode({"Write": "QUIT\r\n"})
    yield text, '"Closed"'


def make(out, events, bodies, seed, alive_at_once=ALIVE):
    rng = random.Random(seed)
    templates = make_templates(rng) if bodies == "templated" else None
    number, alive, now = seed * 10 ** 6, [], datetime.datetime(2026, 8, 4, 21, 0, tzinfo=datetime.timezone.utc)
    for _ in range(events):
        now += datetime.timedelta(microseconds=rng.randint(50, 900))
        while True:
            if len(alive) < alive_at_once:
                alive.append(session(rng, number, bodies, templates))
                number += 1
            at = rng.randrange(len(alive))
            event = next(alive[at], None)
            if event is not None:
                break
            del alive[at]
        when = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond:06d}{rng.randint(1, 999):03d}Z"
        out.write(f'{{"conn_meta":{event[0]},"payload":{event[1]},"when":"{when}"}}\n')


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[2] not in BODIES:
        sys.exit(__doc__)
    with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as OUT:
        make(OUT, int(sys.argv[1]), sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 1)
