"""A live feed on this machine: recorded at a rate, and served."""
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time

from feeds import PROGRAM, ROOT
from measure import PeakOfOwn, watched

SENDER = os.environ.get("FEED_SENDER", ROOT / "build/release/bench/feed_sender")
ENDING = 120  # seconds that a program may take to end


class Sending:
    """A sender that serves one client, on the same processors, one event a write; it drops as kumod does."""

    def __init__(self, feed, rate, seconds):
        self.process = subprocess.Popen([SENDER, feed.lines, str(rate), str(seconds)], stdout=subprocess.PIPE, text=True)
        self.endpoint = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def to(self, command, **options):
        """(what the receiver used, its peak of own memory)"""
        receiver = subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)
        peak = PeakOfOwn(receiver.pid)
        try:
            usage = watched(receiver, ENDING, peak)
            words = self.process.stdout.readline().split()
            self.sent, self.seconds, self.missed = int(words[0]), float(words[1]), int(words[2])
        finally:
            for process in (self.process, receiver):
                if process.poll() is None:
                    process.kill()
                    process.wait()
            self.process.stdout.close()
        return usage, peak


def processor(usage, events):
    return (usage.ru_utime + usage.ru_stime) / events * 1e6


def record_at(bench, feed, rate, seconds, work):
    """Records so long; every event must be accounted for."""
    store = work / "recorded"
    sending = Sending(feed, rate, seconds)
    usage, peak = sending.to([PROGRAM, "capture", "--endpoint", sending.endpoint, "--store", store, "--name", "bench",
                              "--until-end"], stdout=subprocess.DEVNULL)
    stored, lost, dropped = ledger_of(store)
    if (stored + lost, dropped) != (sending.sent, sending.missed):
        sys.exit(f"bench: of {sending.sent} events, and {sending.missed} that the sender dropped, {stored} are stored, "
                 f"{lost} are told as lost and {dropped} as dropped")
    upstream = f", {dropped:,} dropped by the sender" if dropped else ""
    bench.add(f"record {feed.name}, {rate:,} events/s asked for {seconds} s",
              f"{sending.sent / sending.seconds:,.0f} events/s, {lost:,} lost{upstream}, "
              f"{processor(usage, sending.sent):.2f} µs of processor time each; {peak.mib:.0f} MiB its own",
              mib=usage.ru_maxrss / 1024)
    shutil.rmtree(store)


def ledger_of(store):
    """(stored, lost, dropped by the server) of all tapes of a store."""
    ran = subprocess.run([PROGRAM, "info", "--json", store], capture_output=True, text=True, check=False, timeout=ENDING)
    ledgers = [json.loads(line)["ledger"] for line in ran.stdout.splitlines()]
    lost, dropped = (sum(cause.get("count", 0) for one in ledgers for cause in one[of].values()) for of in ("lost", "upstream"))
    return sum(one["stored"] for one in ledgers), lost, dropped


class DroppingClient:
    """Subscribes to everything and drops it; counts bytes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ENDING)
        self.socket.sendall(b"GET /api/admin/trace-smtp-client/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
                            b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += self.socket.recv(1)
        if not heard.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(f"not served: {heard[:100]!r}")
        self.send(0x81, b"{}")  # no filter

    def send(self, opcode, payload):
        """A masked frame whose mask changes nothing."""
        self.socket.sendall(bytes([opcode, 0x80 | len(payload)]) + bytes(4) + payload)

    def drop_all(self):
        room, total = bytearray(1 << 20), 0
        while got := self.socket.recv_into(room):
            total += got
        return total


def serve_to_nobody(feed):
    """Seconds from the request to the end of the feed, and the server's memory."""
    server = subprocess.Popen([PROGRAM, "serve", feed.tape, "--listen", "127.0.0.1:0", "--once"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r"http://127\.0\.0\.1:(\d+)", server.stderr.readline())[1])
        client = DroppingClient(port)
        began = time.monotonic()
        total = client.drop_all()
        seconds = time.monotonic() - began
        client.socket.close()
        if total < feed.size:
            raise RuntimeError(f"{total} bytes were served of {feed.size}")
        return seconds, watched(server, ENDING).ru_maxrss / 1024
    except BaseException:
        server.kill()
        raise
    finally:
        server.stderr.close()


def serve(bench, feed):
    took = [serve_to_nobody(feed) for _ in range(bench.runs)]
    bench.add(f"serve to one client, {feed.name}", feed.rate(statistics.median(seconds for seconds, _ in took)),
              mib=max(mib for _, mib in took))
