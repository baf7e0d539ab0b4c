"""What the trials of the package share: waiting, checking, and a copy of a machine to spoil.

The copy is an overlay over that machine's root, mostly this one's, in memory, seen by nobody else, and gone
at the end: nothing is installed here.  It takes root and Debian's tools; without them a trial says NOT
TRIED and ends with 77.
"""
import argparse
import os
import pathlib
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time

STORE = "var/lib/smtptape"
CONFIG = "etc/smtptape/smtptape.toml"
UNIT = "usr/lib/systemd/system/smtptape.service"
WANTS = "etc/systemd/system/multi-user.target.wants/smtptape.service"
SECONDS = 60  # the most that anything here is waited for
TOOLS = ["dpkg", "dpkg-deb", "file", "mount", "setpriv", "systemctl", "systemd-sysusers",
         "umount", "unshare"]
APART = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]


def arguments(about):
    """The words of a trial: where the sources are, and what was built of them."""
    words = argparse.ArgumentParser(description=about)
    for place in ("source", "build"):
        words.add_argument(place, type=lambda path: pathlib.Path(path).resolve())
    return words


def not_tried(why):
    print(f"NOT TRIED: the package was neither built nor installed: {why}")
    sys.exit(77)


def fail(what):
    sys.exit(f"FAILED: {what}")


def check(holds, what):
    if not holds:
        fail(what)
    print(f"good: {what}", flush=True)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=False, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS * 5, **options)


def must(*command, **options):
    ran = run(*command, **options)
    if ran.returncode != 0:
        sys.exit(f"FAILED with {ran.returncode}: {shlex.join(map(str, command))}\n{ran.stdout}")
    return ran.stdout


def wait_until(what, condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            fail(f"not within {SECONDS} s: {what}")
        time.sleep(0.02)


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait(timeout=SECONDS)


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


class Copy:
    """The root of the copy, and what runs in it."""

    def __init__(self, at, lower=pathlib.Path("/")):
        at.mkdir(exist_ok=True)
        self.root = at / "root"
        must("mount", "-t", "tmpfs", "none", at)
        for name in ("upper", "work", "root"):
            (at / name).mkdir()
        must("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={lower},upperdir={at}/upper,workdir={at}/work", self.root)
        must("mount", "-t", "proc", "proc", self.root / "proc")
        must("mount", "--rbind", "/dev", self.root / "dev")
        must("mount", "-t", "tmpfs", "none", self.root / "run")

    def command(self, *words):
        return ["chroot", str(self.root), *map(str, words)]

    def as_user(self, *words):
        return self.command("setpriv", "--reuid=smtptape", "--regid=smtptape", "--clear-groups", *words)

    def must(self, *words):
        return must(*self.command(*words))

    def __truediv__(self, name):
        return self.root / name

    def id_of(self, kind):
        file = {"u": "etc/passwd", "g": "etc/group"}[kind]
        found = re.search(r"^smtptape:[^:]*:(\d+):", (self / file).read_text(), re.M)
        return int(found[1]) if found else None

    def tapes(self):
        return list((self / STORE).rglob("*.tape")) if (self / STORE).exists() else []


def make_package(source, build, to, kind="deb"):
    return pathlib.Path(must(source / "packaging/make_package.sh", build, to, kind).strip())


def need(*tools):
    """Root, and what the trial is made of; or the end."""
    if os.geteuid() != 0:
        not_tried("it takes root")
    if missing := [tool for tool in [*TOOLS, *tools] if not shutil.which(tool)]:
        not_tried(f"there is no {', '.join(missing)}")
    if run(*APART, "true").returncode != 0:
        not_tried("this machine gives no namespaces")


def in_scratch(trial):
    """Runs trial(directory) in namespaces of its own."""
    if os.environ.get("SMTPTAPE_APART") != "1":
        os.execvpe(APART[0], [*APART, sys.executable, "-B", *sys.argv], {**os.environ, "SMTPTAPE_APART": "1"})
    with tempfile.TemporaryDirectory(prefix="smtptape-package-") as scratch:
        try:
            trial(pathlib.Path(scratch))
        finally:
            run("umount", "--recursive", f"{scratch}/copy")
