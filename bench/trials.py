"""Trials of a recorder that are no comparison of rates: quiet sources, a live view, many sessions, memory."""
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from hashlib import sha1

from feeds import PROGRAM, Feed
from measure import PeakOfOwn, READER, to_null, watched
from recording import ENDING, Sending, ledger_of, processor

QUIET_SOURCES = 50
PATIENCE = 30  # seconds for all of them to connect
# What kcli takes for an event, and its memory: measured with a kcli that was built with full optimisation.
KCLI_MICROSECONDS, KCLI_MIB = 18, 400
ALIVE = (100, 1_000, 10_000, 100_000)  # sessions at once
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class SilentServers:
    """Open a feed for whoever asks, and say nothing."""

    def __init__(self, count):
        self.listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self.clients = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def endpoints(self):
        return [f"http://127.0.0.1:{one.getsockname()[1]}" for one in self.listeners]

    def serve(self):
        waiting = list(self.listeners)
        while waiting:
            for one in select.select(waiting, [], [], PATIENCE)[0]:
                client, _ = one.accept()
                heard = b""
                while b"\r\n\r\n" not in heard:
                    heard += client.recv(4096)
                key = heard.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
                client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                               b"sec-websocket-accept: " + b64encode(sha1(key + ACCEPT).digest()) + b"\r\n\r\n")
                self.clients.append(client)
                waiting.remove(one)

    def close(self):
        for one in [*self.clients, *self.listeners]:
            one.close()


def seconds_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quiet_sources(bench, seconds, work):
    """What a recorder costs while nothing happens."""
    servers = SilentServers(QUIET_SOURCES)
    words = [word for number, url in enumerate(servers.endpoints()) for word in ("--endpoint", url, "--name", f"quiet{number}")]
    recorder = subprocess.Popen([PROGRAM, "capture", *words, "--store", work / "quiet"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        servers.thread.join(PATIENCE)
        if len(servers.clients) != QUIET_SOURCES:
            sys.exit(f"bench: {len(servers.clients)} of {QUIET_SOURCES} quiet sources are connected")
        time.sleep(1)  # their tapes begin
        began, peak = seconds_of(recorder.pid), PeakOfOwn(recorder.pid)
        time.sleep(seconds)
        used = seconds_of(recorder.pid) - began
        peak.look()
        recorder.terminate()
        usage = watched(recorder, ENDING)
    finally:
        if recorder.poll() is None:
            recorder.kill()
            recorder.wait()
        servers.close()
    bench.add(f"{QUIET_SOURCES} quiet sources for {seconds} s", f"{used * 1000:.0f} ms of processor time; {peak.mib:.0f} MiB its own",
              mib=usage.ru_maxrss / 1024)


def live(bench, feed, rate, seconds):
    """A live view into a pipe, beside what kcli takes."""
    reader = subprocess.Popen([sys.executable, "-IS", "-c", READER], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    sending = Sending(feed, rate, seconds)
    usage, peak = sending.to([PROGRAM, "--endpoint", sending.endpoint, "trace-smtp-client"], stdout=reader.stdin)
    reader.stdin.close()
    reader.wait(ENDING)
    took = processor(usage, sending.sent)
    dropped = f", {sending.missed:,} dropped by the sender" if sending.missed else ""
    bench.add(f"trace-smtp-client live, {feed.name}, {rate:,} events/s for {seconds} s",
              f"{took:.2f} µs of processor time an event{dropped}; {peak.mib:.0f} MiB its own",
              f"kcli, as published: {KCLI_MICROSECONDS} µs, {KCLI_MIB} MiB", KCLI_MICROSECONDS / took, usage.ru_maxrss / 1024)


def import_memory(bench, feed, work):
    again = work / "again"
    importer = subprocess.Popen([PROGRAM, "import", feed.lines, "-o", again, "--force"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = PeakOfOwn(importer.pid)
    usage = watched(importer, ENDING, peak)
    bench.add(f"memory of import, {feed.name}", f"{peak.mib:.0f} MiB its own", mib=usage.ru_maxrss / 1024)
    again.unlink()


def record_cost(feed, rate, seconds, work):
    store, sending = work / "grown.store", Sending(feed, rate, seconds)
    usage, _ = sending.to([PROGRAM, "capture", "--endpoint", sending.endpoint, "--store", store, "--until-end", "--name", "bench"],
                          stdout=subprocess.DEVNULL)
    stored, lost, _ = ledger_of(store)
    if stored + lost != sending.sent:
        sys.exit(f"bench: of {sending.sent} events {stored} are stored and {lost} are told as lost")
    shutil.rmtree(store)
    return processor(usage, sending.sent) * 1000, usage.ru_maxrss / 1024


def sessions_alive(bench, work, events, rate, seconds):
    """What an event costs by how many sessions are under way at once."""
    first = {}
    for alive in ALIVE:
        if alive * 2 > events:
            break
        feed = Feed(work, events, "none", f"alive-{alive}", alive)
        for what, command in (("import", [PROGRAM, "import", feed.lines, "-o", work / "grown", "--force"]),
                              ("replay", [PROGRAM, "replay", feed.tape, "--color", "no"])):
            took = [to_null(command) for _ in range(min(bench.runs, 3))]
            grown(bench, first, what, alive, min(one.processor for one in took) / events * 1e9, max(one.mib for one in took))
        if seconds:
            grown(bench, first, "record", alive, *record_cost(feed, rate, seconds, work))
        feed.forget()


def grown(bench, first, what, alive, nanoseconds, mib):
    beside = first.setdefault(what, nanoseconds)
    bench.add(f"{what}, {alive:,} sessions alive", f"{nanoseconds:.0f} ns of processor time an event",
              "" if alive == ALIVE[0] else f"{ALIVE[0]}: {beside:.0f} ns", None if alive == ALIVE[0] else beside / nanoseconds, mib)
