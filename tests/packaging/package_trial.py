#!/usr/bin/env python3
"""Builds the Debian package, and installs, runs, removes and purges it in a copy of this machine.

  package_trial.py SOURCE_DIR BUILD_DIR

No systemd runs in the copy: the trial plays its part, down to the notification socket.
"""
import os
import pathlib
import re
import shlex
import signal
import shutil
import socket
import subprocess
import tempfile
import time

from machine import (CONFIG, SECONDS, STORE, UNIT, WANTS, Copy, arguments, check, end, fail, in_scratch, make_package,
                     mode_of, must, need, run, wait_until)

MOST_EXPOSURE = 15  # tenths; `systemd-analyze security` says 1.4, and 9.6 of a bare unit
FILES = [  # what the package must have, and how
    ("usr/bin/smtptape", 0o755), (UNIT, 0o644), ("usr/lib/sysusers.d/smtptape.conf", 0o644), (CONFIG, 0o644),
    ("etc/smtptape", 0o755), ("usr/share/man/man1/smtptape.1.gz", 0o644),
    ("usr/share/man/man1/smtptape-show.1.gz", 0o644), ("usr/share/zsh/vendor-completions/_smtptape", 0o644),
    ("usr/share/fish/vendor_completions.d/smtptape.fish", 0o644),
    ("usr/share/bash-completion/completions/smtptape", 0o644), ("usr/share/doc/smtptape/copyright", 0o644),
    ("usr/share/doc/smtptape/changelog.gz", 0o644), ("usr/share/doc/smtptape/NOTICE.gz", 0o644),
    ("usr/share/doc/smtptape/sbom.spdx.json", 0o644), ("usr/lib/smtptape/after-install", 0o755), ("usr/share/doc/smtptape/docs/service.md", 0o644),
    ("usr/share/doc/smtptape/samples/monitoring/alerts.yml", 0o644)]


# --- building ---

def build_package(source, build, scratch):
    first, second = (make_package(source, build, scratch / name) for name in ("first", "second"))
    check(first.read_bytes() == second.read_bytes(), f"{first.name} is the same when it is made again")
    return first


def check_package(package, source):
    told = must("dpkg-deb", "--info", package)
    check("Depends:" not in told, "it depends on nothing")
    with tempfile.TemporaryDirectory(prefix="smtptape-deb-") as unpacked:
        must("dpkg-deb", "--extract", package, unpacked)
        program = pathlib.Path(unpacked) / "usr/bin/smtptape"
        check("not stripped" not in must("file", program), "the program is stripped")
        check(bytes(source) not in program.read_bytes(), "the program doesn't know where it was built")
    ran = run("lintian", "--allow-root", "--fail-on", "error,warning", package)
    check(ran.returncode == 0, f"lintian finds nothing\n{ran.stdout}")


def check_installed(copy):
    check(copy.id_of("u") is not None, "there is a user smtptape")
    line = re.search(r"^smtptape:.*$", (copy / "etc/passwd").read_text(), re.M)[0]
    check(line.endswith(":/var/lib/smtptape:/usr/sbin/nologin"), f"it can't log in: {line}")
    documents = copy / "usr/share/doc/smtptape"
    dead = [f"{page.name}: {link}" for page in documents.rglob("*.md")
            for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
            if "://" not in link and not (page.parent / link).exists()]
    check(not dead, f"every link of its documents leads somewhere {dead}")
    for name, mode in FILES:
        check((copy / name).exists() and mode_of(copy / name) == mode and (copy / name).stat().st_uid == 0,
              f"/{name} is root's, mode {mode:o}")
    check(not (copy / STORE).exists(), "there are no recordings yet")
    wants = copy / WANTS
    check(not wants.is_symlink(), "the service is not enabled")
    version = must(*copy.as_user("smtptape", "--version"))
    check(re.fullmatch(r"smtptape \d+\.\d+\.\d+\n", version), f"its user can run it: {version.strip()}")
    pages = sorted(path.name.removesuffix(".1.gz") for path in (copy / "usr/share/man/man1").glob("smtptape*"))
    check(len(pages) > 10, "each command has a man page")
    for page in pages:
        told = copy.must("man", "--warnings", "-E", "UTF-8", "-P", "cat", page)
        check("warning" not in told.lower() and "EXIT STATUS" in told, f"the man page {page} is sound")


def check_unit(copy):
    told = run(*copy.command("systemd-analyze", "verify", "--man=no", f"/{UNIT}"))
    ours = [line for line in told.stdout.splitlines() if "smtptape" in line]
    check(told.returncode == 0 and not ours, f"systemd-analyze verify finds nothing {ours}")
    told = run(*copy.command("systemd-analyze", "security", "--offline=true", "--no-pager",
                             f"--threshold={MOST_EXPOSURE}", f"/{UNIT}"))
    check(told.returncode == 0, f"it is shut in, exposure at most {MOST_EXPOSURE / 10}:\n" + told.stdout[-300:])


# --- the service ---

class Manager:
    """The part of systemd that a service talks to."""

    def __init__(self, copy):
        path = copy / "run/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(SECONDS)
        path.chmod(0o777)
        self.environment = {**os.environ, "NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "2000000"}

    def wait_for(self, line):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                heard = self.socket.recv(8192).decode()
            except TimeoutError:
                break
            if line in heard.splitlines():
                print(f"good: the service said {line}", flush=True)
                return
        fail(f"the service never said {line}")


def start_feed(source, build):
    feed = subprocess.Popen([build / "smtptape", "serve", source / "samples/night.tape", "--listen", "127.0.0.1:0"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in feed.stdout:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found:
            return feed, f"http://127.0.0.1:{found[1]}"
    fail("serve names no endpoint")


def exec_start(copy, endpoint):
    """The unit's command line, with the endpoint of the trial in the configuration."""
    config = copy / CONFIG
    shipped = config.read_text()
    check("http://127.0.0.1:8000" in shipped, "the configuration names this machine's kumod")
    config.write_text(shipped.replace("http://127.0.0.1:8000", endpoint))
    must(*copy.as_user("smtptape", "capture", "--config", f"/{CONFIG}", "--check"))
    return shlex.split(re.search(r"^ExecStart=(.*)$", (copy / UNIT).read_text(), re.M)[1])


def check_service(copy, source, build):
    store, owner = copy / STORE, (copy.id_of("u"), copy.id_of("g"))
    store.mkdir(mode=0o700)  # as StateDirectory= would
    os.chown(store, *owner)
    feed, endpoint = start_feed(source, build)
    manager = Manager(copy)
    words = exec_start(copy, endpoint)
    service = subprocess.Popen(copy.as_user(*words), env=manager.environment, stdin=subprocess.DEVNULL,
                               preexec_fn=lambda: os.umask(0o077))  # pylint: disable=subprocess-popen-preexec-fn
    try:
        manager.wait_for("READY=1")
        manager.wait_for("WATCHDOG=1")
        wait_until("a tape is written", lambda: any(tape.stat().st_size > 10_000 for tape in copy.tapes()))
        service.send_signal(signal.SIGHUP)
        manager.wait_for("RELOADING=1")
        manager.wait_for("READY=1")
        service.terminate()
        check(service.wait(timeout=SECONDS) == 0, "it ends with 0 at SIGTERM")
        manager.wait_for("STOPPING=1")
    finally:
        end(service)
        end(feed)
    for tape in copy.tapes():
        status = tape.stat()
        check(mode_of(tape) == 0o600 and (status.st_uid, status.st_gid) == owner, f"{tape.name} is its own, mode 600")
    must(*copy.as_user("smtptape", "verify", f"/{STORE}"))
    check(copy.tapes(), "its tapes are sound")


# --- removing ---

def check_user_by_halves(copy, package):
    """Where sysusers isn't, and the group is there from before; and removal of what is not there."""
    tools = copy / "run/tools"
    tools.mkdir()
    for name in ("groupadd", "useradd", "id", "grep", "sed", "mkdir", "rm", "rmdir", "chown", "systemctl", "sh", "nologin"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    copy.must("sh", "-c", "userdel smtptape 2>/dev/null; groupdel smtptape 2>/dev/null; groupadd --system smtptape")
    copy.must("env", "PATH=/run/tools", "sh", "/usr/lib/smtptape/after-install")
    check(copy.id_of("u") is not None, "the user is made beside a group that is there, without sysusers")
    copy.must("rm", "-r", "/usr/lib/smtptape")
    copy.must("dpkg", "--remove", "smtptape")
    copy.must("dpkg", "--install", package)
    check((copy / "usr/lib/smtptape/after-install").exists(), "it can be removed without its script, and installed again")


def check_removal(copy, package):
    copy.must("systemctl", "enable", "smtptape.service")
    wants = copy / WANTS
    check(wants.is_symlink(), "it can be enabled")
    copy.must("dpkg", "--remove", "smtptape")
    check(not (copy / "usr/bin/smtptape").exists() and not (copy / UNIT).exists(), "remove takes program and unit")
    check(not wants.is_symlink(), "remove disables the service")
    check((copy / CONFIG).exists() and copy.tapes(), "remove leaves the configuration and the recordings")

    told = copy.must("dpkg", "--purge", "smtptape")
    check(not (copy / "etc/smtptape").exists(), "purge takes the configuration")
    check(copy.tapes() and copy.id_of("u") is not None, "purge leaves the recordings, and the user that owns them")
    check("rm -r /var/lib/smtptape" in told, "purge says that recordings are left, and how to delete them")

    shutil.rmtree(copy / STORE)
    (copy / STORE).mkdir(mode=0o700)
    copy.must("dpkg", "--install", package)
    check(not wants.is_symlink(), "installed again, it is not enabled")
    told = copy.must("dpkg", "--purge", "smtptape")
    check(not (copy / STORE).exists() and "recordings" not in told, "purge takes a store that is empty")


def trial(given, scratch):
    package = build_package(given.source, given.build, scratch)
    check_package(package, given.source)
    copy = Copy(scratch / "copy")
    shutil.copy(package, copy / "run/smtptape.deb")
    copy.must("dpkg", "--install", "/run/smtptape.deb")
    check_installed(copy)
    check_user_by_halves(copy, "/run/smtptape.deb")
    check_unit(copy)
    check_service(copy, given.source, given.build)
    check_removal(copy, "/run/smtptape.deb")
    print("the package is good")


def main():
    given = arguments(__doc__).parse_args()
    need("lintian", "man", "systemd-analyze")
    in_scratch(lambda scratch: trial(given, scratch))


if __name__ == "__main__":
    main()
