#!/usr/bin/env python3
"""A recorder that falls behind, and one whose tape or store somebody takes away.

  behind_trial.py SMTPTAPE STALLING_DISK [--long]

With the real program, real time and a disk that stands still.  Ends by itself; talks to loopback only.
"""
import argparse
import pathlib
import shutil
import subprocess
import tempfile
import time

from live import Recorder, Server, expect, ledger, steadily, wait_for


def stalled(given, directory, seconds, interval, rounds):
    """The tapes are those of one on time, and health tells the truth meanwhile."""
    store, flag = directory / "store", directory / "flag"
    server = Server(steadily(200))
    recorder = Recorder(given, store, [server], "--rotate-interval", f"{interval}s", "--max-tapes", "100",
                        stalled_while=flag)
    began = time.monotonic()
    wait_for(lambda: list(store.glob("*.tape")) and server.sent > 100)
    for times in range(1, rounds + 1):  # each is told
        flag.touch()
        time.sleep(seconds)
        wait_for(lambda count=times: recorder.said().count("does the disk stand still?") == count)
        status, body = recorder.ask("/readyz")
        expect(status == 503 and "nothing was written for" in body, f"/readyz {status} {body}")
        flag.unlink()
        wait_for(lambda: recorder.ask("/readyz")[0] == 200)
        wait_for(lambda count=times: recorder.said().count("writing goes on") == count)
    took = time.monotonic() - began
    code = recorder.stop()
    server.over.set()
    received, stored, lost = ledger(recorder.said())
    expect(code == 0 and lost == 0 and received == stored, recorder.said())
    tapes, on_time = len(list(store.glob("*.tape"))), int(took / interval) + 1
    expect(abs(tapes - on_time) <= 1, f"{tapes} tapes in {took:.1f} s of {interval} s each")
    expect("deleted" not in recorder.said(), recorder.said())
    print(f"stalled for {seconds} s: {stored} events in {tapes} tapes, none deleted, {on_time} expected")


def taken_away(given, directory):
    """A deleted tape, then the store: told, counted, and recorded anew."""
    store = directory / "store"
    server = Server(steadily(200))
    recorder = Recorder(given, store, [server], "--flush-interval", "50ms")
    first = wait_for(lambda: list(store.glob("*.tape")))[0]
    wait_for(lambda: server.sent > 50 and first.stat().st_size > 6000)
    first.unlink()
    wait_for(lambda: list(store.glob("*-00000002-*.tape")))
    shutil.rmtree(store)
    third = wait_for(lambda: list(store.glob("*-00000003-*.tape")))[0]
    wait_for(lambda: third.exists() and third.stat().st_size > 6000)
    said = recorder.said()
    wait_for(lambda: "taken anew" in recorder.said())
    wait_for(lambda: subprocess.run([given.program, "status", store], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL, check=False).returncode == 0)
    code = recorder.stop()
    server.over.set()
    said = recorder.said()
    received, stored, lost = ledger(said)
    expect(code == 0 and lost > 0 and received == stored + lost, said)
    expect(said.count("was deleted while it was written") >= 2, said)
    expect((store / "mta.lock").exists(), "no lock")
    shown = subprocess.run([given.program, "info", third], capture_output=True, text=True, check=False).stdout
    expect(f"{lost} events missing" in shown or "disk" in shown, shown)
    replayed = subprocess.run([given.program, "export", store], capture_output=True, text=True, check=False)
    expect(replayed.stdout.count("\n") == stored and replayed.returncode == 3,
           f"{replayed.returncode}: {replayed.stderr}")
    print(f"taken away: {received} = {stored} stored + {lost} lost, told")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("disk", type=pathlib.Path)
    options.add_argument("--long", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        taken_away(given, pathlib.Path(one))
        stalled(given, pathlib.Path(two), 20 if given.long else 6, 2, 2 if given.long else 1)


if __name__ == "__main__":
    main()
