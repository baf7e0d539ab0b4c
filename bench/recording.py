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

SENDER = os.environ.get("FEED_SENDER", ROOT / "build/release/bench/feed_sender")
ENDING = 60  # seconds that a program may take to end


def wait_for(process):
    """Waits for its end; what it used."""
    deadline = time.monotonic() + ENDING
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid != 0:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > deadline:
            raise TimeoutError(f"{process.args[1]} does not end")
        time.sleep(0.05)


def record_at(bench, feed, rate, seconds, work):
    """Records so long from a sender that sends one event a write, on the same processors."""
    store = work / "recorded"
    sender = subprocess.Popen([SENDER, feed.lines, str(rate), str(seconds)], stdout=subprocess.PIPE, text=True)
    recorder = subprocess.Popen([PROGRAM, "capture", "--endpoint", f"http://127.0.0.1:{int(sender.stdout.readline())}",
                                 "--store", store, "--name", "bench", "--until-end"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        words = sender.stdout.readline().split()
        sent, took = int(words[0]), float(words[1])
        usage = wait_for(recorder)
    finally:
        for process in (sender, recorder):
            if process.poll() is None:
                process.kill()
                process.wait()
        sender.stdout.close()
    stored, lost = ledger_of(store)
    if stored + lost != sent:
        sys.exit(f"bench: of {sent} events {stored} are stored and {lost} are told as lost")
    processor = (usage.ru_utime + usage.ru_stime) / sent * 1e6
    bench.add(f"record {feed.name}, {rate:,} events/s asked for {seconds} s",
              f"{sent / took:,.0f} events/s, {lost:,} lost, {processor:.2f} µs of processor time each",
              mib=usage.ru_maxrss / 1024)
    shutil.rmtree(store)


def ledger_of(store):
    """(stored, lost) of all tapes of a store."""
    ran = subprocess.run([PROGRAM, "info", "--json", store], capture_output=True, text=True, check=False, timeout=ENDING)
    ledgers = [json.loads(line)["ledger"] for line in ran.stdout.splitlines()]
    lost = sum(cause["count"] for one in ledgers for cause in one["lost"].values())
    return sum(one["stored"] for one in ledgers), lost


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
        return seconds, wait_for(server).ru_maxrss / 1024
    except BaseException:
        server.kill()
        raise
    finally:
        server.stderr.close()


def serve(bench, feed):
    took = [serve_to_nobody(feed) for _ in range(bench.runs)]
    bench.add(f"serve to one client, {feed.name}", feed.rate(statistics.median(seconds for seconds, _ in took)),
              mib=max(mib for _, mib in took))
