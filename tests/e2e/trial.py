"""What the trials here share."""
import os
import pathlib
import sys
import time


def wait_until(what, condition, seconds=30):
    """Bounded: the trial ends when it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"not within {seconds} s: {what}")
        time.sleep(0.001)


def keep(name, figures):
    """Prints the figures of a trial; keeps them where somebody collects them, as NAME.tsv."""
    print("; ".join(f"{key}: {value}" for key, value in figures.items()))
    folder = os.environ.get("SMTPTAPE_TRIALS")
    if folder:
        text = "".join(f"{key}\t{value}\n" for key, value in figures.items())
        pathlib.Path(folder, f"{name}.tsv").write_text(text, encoding="utf-8")


def as_ended_by_signals():
    """What the environment has to have where a sanitizer would end the program in its own way."""
    return {name: f"{os.environ.get(name, '')}:handle_segv=0:handle_abort=0"
            for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")}
