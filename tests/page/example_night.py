"""Feeds for trying the page, as lines of JSON: a hostile one, and one of any size."""
import datetime
import json

START = datetime.datetime(2026, 11, 22, 19, 0, tzinfo=datetime.timezone.utc)

NASTY = [
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 2'>",
    "<style>*{display:none}</style><!-- ",
    "\"><b onload=window.hacked=3>'",
    "javascript:window.hacked=4",
    "\u202egnp.exe\u202c \u2066x\u2069 \u2028line\u2029",
    "\x00\x01\x1b[31m\x07\x7f\x85\ufeff\u200b",
    "${window.hacked=5} {{7*7}} __proto__ constructor",
    "اختبار עברית 漢字 😀 " + "é" * 200,
    "x" * 3000,
]


def frame(session, at, payload, **meta):
    when = START + datetime.timedelta(seconds=at)
    return json.dumps({"conn_meta": dict(sorted({"id": session, **meta}.items())), "payload": payload,
                       "when": when.strftime("%Y-%m-%dT%H:%M:%S.%f") + "001Z"},
                      ensure_ascii=False, separators=(",", ":"))


def session(name, began, words, **meta):
    """`words`: payloads, a millisecond apart."""
    return [frame(name, began + i / 1000, payload, **meta) for i, payload in enumerate(words)]


def read(text):
    return {"Read": text + "\r\n"}


def write(text):
    return {"Write": text + "\r\n"}


def dialogue(text, address="a@b.example"):
    return ["BeginSession", {"Diagnostic": {"level": "INFO", "message": f"Attempting connection to {text}"}},
            "Connected", read(f"220 {text}"), write("EHLO us.example"), read("250-mx\r\n250 PIPELINING"),
            "MessageObtained", write(f"MAIL FROM:<{address}>"), read("250 2.1.0 Ok"), write(f"RCPT TO:<{address}>"),
            read(f"550 5.1.1 {text}"), {"Diagnostic": {"level": "ERROR", "message": text}}, "Closed"]


def hostile_night():
    lines = []
    for i, text in enumerate(NASTY):
        lines += session(f"{i} {text}", i, dialogue(text, text), egress_pool=text, egress_source=text,
                         mx_host=text, mx_address=text, source_address=text, ready_queue_name=text, tenant=text,
                         campaign=text, sender=text, recipient=[text], message_id=text, **{text: text})
    everything = "\u202e".join(NASTY)
    lines += session("long", 20, ["BeginSession", "Connected", read("220 " + "x" * (1 << 20)),
                                  write("EHLO " + everything), read("250 " + everything), "Closed"])
    return lines


def large_night(sessions, events):
    """Sessions that run one after another; each has so many events, a message of four each."""
    lines = []
    for i in range(sessions):
        name = f"{i:08x}-0000-4000-8000-000000000000"
        meta = {"egress_pool": "pool", "egress_source": f"src-{i % 8}", "mx_host": f"mx{i % 3}.dest{i % 97}.example",
                "mx_address": f"192.0.2.{i % 250}:25", "source_address": "198.51.100.7:41000"}
        words = ["BeginSession", "Connected", read("220 mx ESMTP ready"), write("EHLO us.example"), read("250 mx")]
        message = 0
        while len(words) < events - 1:
            code = ["250 2.1.5 Ok", "450 4.2.1 Mailbox busy", "550 5.1.1 No such user"][(i + message) % 7 % 3]
            words += [write(f"MAIL FROM:<bounce@acme{i % 11}.example>"), read("250 2.1.0 Ok"),
                      write(f"RCPT TO:<user{i}@dest{i % 97}.example>"), read(code)][:events - 1 - len(words)]
            message += 1
        lines += session(name, i * 0.5, words + ["Closed"], **meta)
    return lines
