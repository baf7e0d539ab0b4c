#!/usr/bin/env python3
"""A recorder under load, in trouble, and after it: one state each.

  recorder_trial.py SMTPTAPE STALLING_DISK STATE [--long]

With the real program and real time; a state that is in a list of numbers is larger with --long.  Ends by
itself; talks to loopback only.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time

from live import Recorder, Server, at_once, event, expect, frame, ledger, steadily, wait_for

MIB = 1 << 20


def names(count):
    return [f"m{number}" for number in range(count)]


def gaps(program, tape):
    told = subprocess.run([program, "info", "--json", tape], capture_output=True, text=True, check=False).stdout
    return [gap for line in told.splitlines() for gap in json.loads(line)["gaps"]]


def failed_sync(given, directory):
    """Nothing is written any more and the sync of it fails: noticed, given up, and told as unsure."""
    store, flag, go = directory / "store", directory / "flag", threading.Event()
    server = Server(at_once(*[event(number) for number in range(20)], after=go))
    recorder = Recorder(given, store, [server], failed_sync_while=flag)
    wait_for(recorder.tapes, "a tape")
    wait_for(lambda: recorder.metric("sync_seconds_count") > 0, "a good sync")
    flag.touch()
    go.set()
    wait_for(lambda: "syncing " in recorder.said(), "the failed sync")
    flag.unlink()
    wait_for(lambda: "recording again" in recorder.said(), "the end of the trouble")
    wait_for(lambda: recorder.ask("/readyz")[0] == 200, "readiness")
    expect(recorder.metric('write_errors_total{source="mta"}') >= 1, "not counted")
    expect(recorder.stop() == 0, recorder.said())
    received, stored, lost = ledger(recorder.said())
    expect(received == 20 == stored + lost, recorder.said())
    unsure = [gap for tape in recorder.tapes() for gap in gaps(given.program, tape)
              if gap["cause"] == "disk" and "count" not in gap]
    expect(unsure, f"nothing is unsure: {recorder.said()}")
    exported = subprocess.run([given.program, "export", store], capture_output=True, text=True, check=False)
    expect(exported.stdout.count("\n") == stored and exported.returncode == 3, exported.stderr)
    print(f"a failed sync: {stored} events, told as unsure from {unsure[0]['from']} on")


def huge_frames(given, directory):
    """Five sources send 60 MiB each at once: memory is bounded, what finds no room is counted."""
    huge = frame('{"conn_meta":{"id":"s"},"payload":{"Write":"%s"},"when":"2026-08-04T13:54:50Z"}' % ("x" * (60 * MIB)))
    servers = [Server(at_once(huge, event(1))) for _ in range(5)]
    recorder = Recorder(given, directory / "store", servers, names=names(5))
    wait_for(lambda: recorder.metric(r"events_received_total\S*") == 10, "all frames")
    wait_for(lambda: recorder.metric(r"events_stored_total\S*") + recorder.metric(r"events_lost_total\S*") == 10,
             "the ledger")
    wait_for(lambda: recorder.memory("VmRSS") < 250, "the memory to be given back")
    peak, now = recorder.memory("VmHWM"), recorder.memory("VmRSS")
    oversize = recorder.metric(r'events_lost_total{source="[^"]*",cause="oversize"}')
    expect(peak < 400, f"{peak:.0f} MiB at the peak")
    expect(recorder.stop() == 0, recorder.said())
    received, stored, lost = ledger(recorder.said())
    expect(received == 10 and stored + lost == 10 and lost == oversize, f"oversize {oversize}: {recorder.said()}")
    recorder.expect_sealed()
    print(f"huge frames: {peak:.0f} MiB at the peak, {now:.0f} after; {stored} stored, {lost} without room")


def many_busy(given, directory, count, seconds):
    """Many sources that send mail: memory is bounded, nothing is lost."""
    servers = [Server(steadily(400, "body " * 400)) for _ in range(count)]
    recorder = Recorder(given, directory / "store", servers, names=names(count))
    time.sleep(seconds)
    peak = recorder.memory("VmHWM")
    code = recorder.stop()
    for server in servers:
        server.over.set()
    received, stored, lost = ledger(recorder.said())
    expect(code == 0 and received == stored + lost, recorder.said())
    expect(received > count * seconds, f"only {received} events")
    expect(peak < 400, f"{peak:.0f} MiB at the peak")
    recorder.expect_sealed()
    print(f"many busy: {count} sources, {received} events, {lost} lost, {peak:.0f} MiB at the peak")


def slow_disk(given, directory, count, within):
    """Stopped while each sync takes long: all tapes are sealed nevertheless."""
    servers = [Server(steadily(50)) for _ in range(count)]
    recorder = Recorder(given, directory / "store", servers, names=names(count), slow_sync_ms=150)
    wait_for(lambda: recorder.metric(r"events_stored_total\S*") >= 10 * count, "events")
    began = time.monotonic()
    code = recorder.stop(within)
    took = time.monotonic() - began
    for server in servers:
        server.over.set()
    received, stored, lost = ledger(recorder.said())
    expect(code == 0 and received == stored and lost == 0, recorder.said())
    expect(len(recorder.tapes()) == count, f"{len(recorder.tapes())} tapes")
    recorder.expect_sealed()
    print(f"slow disk: {count} sources stopped in {took:.1f} s")


def full_store(given, directory, count):
    """So many tapes lie there: the first event doesn't wait for them, nor are they read for it."""
    store, flag, log, go = directory / "store", directory / "flag", directory / "opened", threading.Event()
    made = Recorder(given, store, [Server(at_once(event(1)))], "--stop-after", "events:1")
    expect(made.process.wait(30) == 0, made.said())
    tape = made.tapes()[0]
    for number in range(2, count + 1):
        os.link(tape, store / tape.name.replace("-00000001-", f"-{number:08}-"))
    flag.touch()
    server = Server(at_once(event(2), after=go))
    recorder = Recorder(given, store, [server], unread_while=flag, opened=log)
    go.set()
    wait_for(lambda: recorder.metric(r"events_stored_total\S*") == 1, "the event, though the keeper stands still")
    opened = log.read_text(encoding="ascii").split()
    elsewhere = len([name for name in opened if name != "tape-keeper"])
    expect(elsewhere <= 8, f"{elsewhere} tapes opened: {opened[:20]}")
    expect("tape-keeper" in opened, "the keeper looks, too")
    flag.unlink()
    wait_for(lambda: recorder.metric("store_bytes") > 0, "the keeper")
    expect(recorder.stop() == 0, recorder.said())
    expect(recorder.tapes()[-1].name.startswith(f"mta-{count + 1:08}-"), recorder.tapes()[-1].name)
    print(f"full store: {count} tapes, {elsewhere} opened before the first event was stored")


def idle_kill(given, directory):
    """Killed while nothing came: the gap begins when it was last alive, not with the last event."""
    store = directory / "store"
    recorder = Recorder(given, store, [Server(at_once(event(1)))])
    wait_for(lambda: recorder.metric(r"events_stored_total\S*") == 1, "the event")
    stored_at = time.time()
    lock = store / "mta.lock"
    wait_for(lambda: lock.stat().st_mtime > stored_at + 1, "a sign of life")
    alive = lock.stat().st_mtime
    recorder.process.send_signal(signal.SIGKILL)
    recorder.process.wait(30)
    again = Recorder(given, store, [Server(at_once(event(2)))])
    wait_for(lambda: again.metric(r"events_stored_total\S*") == 1, "the event after")
    expect(again.stop() == 0, again.said())
    told = [gap for gap in gaps(given.program, again.tapes()[-1]) if gap["cause"] == "not recording"]
    expect(len(told) == 1, f"gaps: {told}")
    begins = subprocess.run(["date", "-d", told[0]["from"], "+%s.%N"], capture_output=True, text=True, check=True)
    expect(float(begins.stdout) >= alive - 0.01, f"{told[0]} begins before {alive}, when it was alive")
    print(f"idle kill: the gap begins {float(begins.stdout) - stored_at:.1f} s after the last event")


def unreadable_configuration(given, directory):
    """The configuration became a pipe that nobody writes: SIGHUP and stop wait for nobody."""
    store, config, go = directory / "store", directory / "smtptape.toml", threading.Event()
    server = Server(steadily(100))
    config.write_text(f'[[source]]\nname = "mta"\nendpoint = "{server.url}"\n', encoding="utf-8")
    recorder = Recorder(given, store, [], "--config", config, names=())
    wait_for(lambda: recorder.metric(r"events_stored_total\S*") > 10, "events")
    config.unlink()
    os.mkfifo(config)
    recorder.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "SIGHUP" in recorder.said(), "the order")
    code = recorder.stop(10)
    server.over.set()
    received, stored, lost = ledger(recorder.said())
    expect(code == 0 and received == stored and lost == 0, recorder.said())
    recorder.expect_sealed()
    go.set()
    print("unreadable configuration: stopped, all sealed")


def many_tapes(given, directory, count, seconds):
    """Each source has the tapes that its interval makes, one more or less."""
    interval = 2
    servers = [Server(steadily(20)) for _ in range(count)]
    recorder = Recorder(given, directory / "store", servers, "--rotate-interval", f"{interval}s", names=names(count))
    wait_for(lambda: len(recorder.tapes()) >= count, "a tape of each")
    began = time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    code = recorder.stop()
    for server in servers:
        server.over.set()
    received, stored, lost = ledger(recorder.said())
    expect(code == 0 and received == stored and lost == 0, recorder.said())
    on_time = int(took / interval) + 1
    for name in names(count):
        tapes = len(list((directory / "store").glob(f"{name}-*.tape")))
        expect(abs(tapes - on_time) <= 1, f"{name}: {tapes} tapes, {on_time} expected")
    recorder.expect_sealed()
    print(f"many tapes: {count} sources, {len(recorder.tapes())} tapes, {on_time} each expected")


STATES = {  # by name: what to do, and with which figures, quick and long
    "failed-sync": (failed_sync, (), ()),
    "huge-frames": (huge_frames, (), ()),
    "many-busy": (many_busy, (8, 2), (40, 15)),
    "slow-disk": (slow_disk, (10, 30), (50, 5)),
    "full-store": (full_store, (2000,), (20000,)),
    "idle-kill": (idle_kill, (), ()),
    "unreadable-configuration": (unreadable_configuration, (), ()),
    "many-tapes": (many_tapes, (8, 5), (50, 15)),
}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("disk", type=pathlib.Path)
    options.add_argument("state", choices=STATES)
    options.add_argument("--long", action="store_true")
    given = options.parse_args()
    play, quick, long = STATES[given.state]
    with tempfile.TemporaryDirectory(prefix="smtptape-recorder-") as directory:
        play(given, pathlib.Path(directory), *(long if given.long else quick))


if __name__ == "__main__":
    main()
