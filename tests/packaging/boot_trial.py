#!/usr/bin/env python3
"""Boots systemd in a copy of a machine and runs the installed service under it, sandbox and all.

  boot_trial.py SOURCE_DIR BUILD_DIR [--suite SUITE] [--package KIND]

The machine is this one, or a fresh Debian of that SUITE, which is fetched once into BUILD_DIR/roots.  KIND is
deb, or rpm, which dnf installs: Debian's dnf, since no other distribution is at hand.

`smtptape serve` plays a night on the port where the configuration, as it is shipped, looks for kumod;
the copy has a network of its own.  The service is started, looked at, killed, stopped, and given a
configuration that is wrong.

The program is run three times: outside, where it makes the package and reads the outcome; as process 1
of the copy, which becomes systemd; and as a unit of that systemd, which is the trial itself.
"""
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

from machine import (APART, CONFIG, SECONDS, STORE, Copy, arguments, check, fail, make_package, must, need, not_tried,
                     run, wait_until)

OWN = ["--cgroup", "--uts", "--ipc", "--net"]
SELF = pathlib.Path(__file__).resolve()
DONE = "the service is good"
LOG = "trial.log"
UNITS = "etc/systemd/system"
FEED = """[Unit]
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/smtptape serve {source}/samples/night.tape --listen 127.0.0.1:8000
"""
TRIAL = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
StandardOutput=append:/trial.log
StandardError=append:/trial.log
ExecStart=-{words}
ExecStart=/usr/bin/systemctl exit
"""
# What dnf looks for in a database of rpm's, and finds on machines that were made of such packages.
SHELL = """Name: shell
Version: 1
Release: 1
Summary: What is there already
License: none
BuildArch: noarch
Provides: /bin/sh, /usr/sbin/useradd
%description
%files
"""
DNF = ["dnf", "--assumeyes", "--disablerepo=*", "--releasever=9", "--setopt=module_platform_id=platform:el9"]

# --- within, as a unit ---

def shown(name):
    return must("systemctl", "show", "--value", f"--property={name}", "smtptape").strip()


def status_of_process():
    text = pathlib.Path(f"/proc/{shown('MainPID')}/status").read_text(encoding="utf-8")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def listens():
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", 8000)) == 0


def start_feed():
    must("systemctl", "start", "feed")
    wait_until("the feed listens", listens)


def check_process():
    store = pathlib.Path("/", STORE)
    wait_until("a tape is written", lambda: any(tape.stat().st_size > 10_000 for tape in store.glob("*.tape")))
    check(shown("ActiveState") == "active" and shown("NRestarts") == "0", "it runs and records")
    check(store.stat().st_mode & 0o777 == 0o700 and store.owner() == "smtptape", "its store is its own, mode 700")
    status = status_of_process()
    check(status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", "its system calls are filtered")
    check(int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, "it has no capabilities")
    limits = pathlib.Path(f"/proc/{shown('MainPID')}/limits").read_text(encoding="utf-8")
    check("Max core file size        0                    0" in limits, "it leaves no cores")


def check_notices():
    check(shown("StatusText") != "", f"its status is told: {shown('StatusText')}")
    seen = shown("WatchdogTimestampMonotonic")
    wait_until("a sign of life", lambda: shown("WatchdogTimestampMonotonic") != seen)
    before = shown("MainPID")
    must("systemctl", "reload", "smtptape")
    check(shown("MainPID") == before and shown("ActiveState") == "active", "a reload goes on recording")


def check_killed():
    before = shown("MainPID")
    must("systemctl", "kill", "--signal=KILL", "smtptape")
    wait_until("it is started again after it was killed", lambda: shown("MainPID") not in {"0", before})
    check(shown("NRestarts") == "1", "it is started again after it was killed")


def check_stopped(source):
    must("systemctl", "stop", "smtptape")
    check(shown("Result") == "success" and shown("ExecMainStatus") == "0", "it ends with 0 when it is stopped")
    as_user = ["setpriv", "--reuid=smtptape", "--regid=smtptape", "--clear-groups", "smtptape"]
    ran = run(*as_user, "verify", f"/{STORE}")
    # 3: the one that was killed may have been writing, and its tape ends within a batch.
    check(ran.returncode in {0, 3} and "damaged" not in ran.stdout, "its tapes are sound")
    first = must("smtptape", "replay", source / "samples/night.tape", "--scope", "session", "-n", "1")
    check(len(first) > 500 and first in run(*as_user, "replay", f"/{STORE}").stdout,
          "it replays what was played")


def check_wrong_configuration():
    shutil.rmtree(f"/{UNITS}/smtptape.service.d", ignore_errors=True)
    must("systemctl", "daemon-reload")
    pathlib.Path("/", CONFIG).write_text("stoer = 1\n", encoding="utf-8")
    run("systemctl", "start", "smtptape")
    wait_until("a wrong configuration fails", lambda: shown("ActiveState") == "failed")
    check(shown("ExecMainStatus") == "2" and shown("NRestarts") == "0", "a wrong configuration is not tried again")


def trial(source):
    must("systemctl", "start", "smtptape")
    check(shown("ActiveState") == "active", "it is ready without a kumod")
    start_feed()
    check_process()
    check_notices()
    check_killed()
    check_stopped(source)
    check_wrong_configuration()
    print(DONE)


# --- process 1 of the copy ---

def raise_loopback():
    up, get, put = 0x1, 0x8913, 0x8914  # IFF_UP, SIOCGIFFLAGS, SIOCSIFFLAGS
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, get, struct.pack("16sh", b"lo", 0))[:18])[1]
        fcntl.ioctl(any_socket, put, struct.pack("16sh", b"lo", flags | up))


def make_devices(root):
    """A /dev like that of a container: systemd must not meet this machine's."""
    dev = root / "dev"
    must("umount", "--recursive", dev)
    must("mount", "-t", "tmpfs", "-o", "mode=755", "none", dev)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        there = os.stat(f"/dev/{name}")
        os.mknod(dev / name, there.st_mode, there.st_rdev)
        os.chmod(dev / name, there.st_mode & 0o777)
    for name in ("shm", "pts"):
        (dev / name).mkdir()
    must("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", dev / "pts")
    (dev / "ptmx").symlink_to("pts/ptmx")
    (dev / "fd").symlink_to("/proc/self/fd")


def install(copy, package):
    """As an administrator would."""
    shutil.copy(package, copy / "run")
    if package.suffix == ".deb":
        copy.must("dpkg", "--install", f"/run/{package.name}")
        return
    (copy / "run/shell.spec").write_text(SHELL, encoding="ascii")
    copy.must("rpmbuild", "--quiet", "-bb", "--define", "_rpmdir /run", "/run/shell.spec")
    copy.must(*DNF, "install", "/run/noarch/shell-1-1.noarch.rpm")
    copy.must(*DNF, "install", f"/run/{package.name}")


def write_units(copy, given):
    words = ["/usr/bin/env", "python3", "-B", SELF, given.source, given.build, "--as", "unit"]
    (copy / UNITS / "trial.service").write_text(TRIAL.format(words=" ".join(map(str, words))), encoding="utf-8")
    (copy / UNITS / "feed.service").write_text(FEED.format(source=given.source), encoding="utf-8")
    own = copy / UNITS / "smtptape.service.d"
    own.mkdir()
    # No network.target and no basic.target here: the copy boots nothing but the trial.
    (own / "trial.conf").write_text("[Unit]\nDefaultDependencies=no\n[Service]\nWatchdogSec=4\n", encoding="utf-8")


def become_systemd(given, scratch):
    copy = Copy(scratch / "copy", root_of(given))
    if given.suite:
        seen = copy / given.source.relative_to("/")
        seen.mkdir(parents=True)
        must("mount", "--bind", given.source, seen)
    install(copy, next((scratch / "package").glob(f"*.{given.package}")))
    write_units(copy, given)
    make_devices(copy.root)
    must("mount", "-t", "sysfs", "sysfs", copy / "sys")
    must("mount", "-t", "cgroup2", "cgroup2", copy / "sys/fs/cgroup")
    (copy / LOG).touch()
    must("mount", "--bind", scratch / LOG, copy / LOG)
    raise_loopback()
    (copy / "old").mkdir()
    os.chdir(copy.root)
    must("pivot_root", ".", "old")
    must("umount", "--lazy", "/old")
    os.execve("/lib/systemd/systemd", ["systemd", "--system", "--unit=trial.service", "--show-status=no"],
              {"container": "other", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


# --- outside ---

def root_of(given):
    return given.build / "roots" / given.suite if given.suite else pathlib.Path("/")


def fetch(given):
    """The fresh system, unless it was fetched before; whole, or not at all."""
    root = root_of(given)
    if not given.suite or root.exists():
        return
    need("debootstrap")
    part = root.with_name(f"{root.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    words = ["debootstrap", "--variant=minbase", "--include=python3,systemd,systemd-sysv", given.suite, part]
    ran = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=SECONDS * 10, check=False)
    if ran.returncode != 0:
        not_tried(f"no {given.suite} can be fetched: {ran.stdout.strip()[-300:]}")
    part.rename(root)


def make_group():
    """A control group of our own below the one hierarchy that systemd 252 can have to itself."""
    for place in (pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup")):
        if (place / "cgroup.subtree_control").exists():
            group = place / f"smtptape-trial-{os.getpid()}"
            try:
                group.mkdir()
                return group
            except OSError as error:
                not_tried(f"no control group can be made: {error}")
    return not_tried("there are no control groups of version 2")


def remove_group(group):
    for inner in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        inner.rmdir()
    group.rmdir()


def boot(given, scratch, group):
    (scratch / LOG).touch()
    (scratch / "copy").mkdir()
    words = [*APART, *OWN, sys.executable, "-B", SELF, *sys.argv[1:], "--as", "init", "--scratch", scratch]
    join = group / "cgroup.procs"
    with subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL,
                          preexec_fn=lambda: join.write_text("0")) as machine:  # pylint: disable=W1509
        try:
            machine.wait(timeout=SECONDS * 5)
        except subprocess.TimeoutExpired:
            machine.kill()
    told = (scratch / LOG).read_text(encoding="utf-8")
    print(told)
    if DONE not in told.splitlines():
        fail("the trial within did not come to its end")


def main():
    words = arguments(__doc__)
    words.add_argument("--suite")
    words.add_argument("--package", choices=("deb", "rpm"), default="deb")
    words.add_argument("--as", dest="part", default="outside")  # which of the three it is, and where
    words.add_argument("--scratch", type=pathlib.Path)
    given = words.parse_args()
    if given.part == "unit":
        return trial(given.source)
    if given.part == "init":
        return become_systemd(given, given.scratch)
    need("pivot_root", "/lib/systemd/systemd", *(("dnf", "rpmbuild") if given.package == "rpm" else ()))
    fetch(given)
    group = make_group()
    with tempfile.TemporaryDirectory(prefix="smtptape-boot-") as scratch:
        try:
            make_package(given.source, given.build, pathlib.Path(scratch) / "package", given.package)
            boot(given, pathlib.Path(scratch), group)
        finally:
            remove_group(group)
    return None


if __name__ == "__main__":
    main()
