#!/usr/bin/env python3
"""The .rpm and the .tar.zst: laid into an empty root, and installed, upgraded and removed in a copy of
this machine.

  other_packages_trial.py SOURCE_DIR BUILD_DIR
"""
import json
import shutil

from machine import CONFIG, STORE, UNIT, Copy, arguments, check, in_scratch, make_package, mode_of, must, need, run

DROP_IN = UNIT + ".d/old-systemd.conf"
RPM = ["rpm", "--dbpath", "/var/lib/rpm-of-the-trial"]


def check_empty_root(root, source, build):
    """Whatever laid it there, the program needs nothing, and prints what the one for this machine does."""
    shutil.copy(source / "samples/night.tape", root / "night.tape")
    expected = must(build / "smtptape", "replay", source / "samples/night.tape")
    check(must("chroot", root, "/usr/bin/smtptape", "replay", "/night.tape") == expected, f"it replays in {root.name}")
    check((root / UNIT).exists() and (root / CONFIG).exists(), f"unit and configuration are in {root.name}")


def check_documents(root):
    document = json.loads((root / "usr/share/doc/smtptape/sbom.spdx.json").read_text(encoding="utf-8"))
    names = {package["name"] for package in document["packages"]}
    for library in ("smtptape", "libssl-dev", "libcapnp-dev", "libc6-dev", "libzstd-dev", "libboost1.81-dev"):
        check(library in names, f"the bill of materials has {library}")
    told = must("zcat", root / "usr/share/doc/smtptape/NOTICE.gz")
    for words in ("Apache License", "GNU LESSER GENERAL PUBLIC LICENSE", "Sandstorm", "Facebook"):
        check(words in told, f"the notice has {words}")


def check_user(copy):
    check(copy.id_of("u") is not None, "there is a user smtptape")
    check(not (copy / STORE).exists(), "there are no recordings yet")
    check(mode_of(copy / CONFIG) == 0o644, "the configuration can be read")


def record(copy):
    """A tape of the user's, and a line of its own in the configuration."""
    (copy / STORE).mkdir(mode=0o700)
    (copy / STORE / "a.tape").write_bytes(b"a tape")
    with open(copy / CONFIG, "a", encoding="utf-8") as config:
        config.write("# mine\n")


def is_mine(path):
    return path.read_text(encoding="utf-8").endswith("# mine\n")


def forget(copy):
    shutil.rmtree(copy / STORE)
    shutil.rmtree(copy / "etc/smtptape", ignore_errors=True)
    copy.must("userdel", "smtptape")


def try_rpm(given, scratch, copy):
    first, second = (make_package(given.source, given.build, scratch / name, "rpm") for name in ("rpm", "rpm-again"))
    check(first.read_bytes() == second.read_bytes(), f"{first.name} is the same when it is made again")
    ran = run("rpmlint", "--config", given.source / "packaging/rpm/rpmlint.toml", first)
    check(" 0 errors, 0 warnings" in ran.stdout, f"rpmlint finds nothing\n{ran.stdout}")
    check("libc.so" not in must("rpm", "-qp", "--requires", first), "it requires no library")

    root = scratch / "root-of-rpm"
    root.mkdir()
    must("rpm", "--root", root, "--install", "--nodeps", "--noscripts", first)
    check_empty_root(root, given.source, given.build)
    check_documents(root)

    shutil.copy(first, copy / "run/smtptape.rpm")
    copy.must(*RPM, "--install", "--nodeps", "/run/smtptape.rpm")
    check_user(copy)
    record(copy)
    copy.must(*RPM, "--upgrade", "--force", "--nodeps", "/run/smtptape.rpm")
    check(is_mine(copy / CONFIG) and copy.tapes(), "an upgrade leaves configuration and recordings")
    told = copy.must(*RPM, "--erase", "smtptape")
    check(not (copy / "usr/bin/smtptape").exists() and not (copy / UNIT).exists(), "erase takes program and unit")
    check(is_mine(copy / (CONFIG + ".rpmsave")) and copy.tapes(), "erase leaves configuration and recordings")
    check("rm -r /var/lib/smtptape" in told, "erase says that recordings are left")
    forget(copy)


def try_tar(given, scratch, copy):
    first, second = (make_package(given.source, given.build, scratch / name, "tar") for name in ("tar", "tar-again"))
    check(first.read_bytes() == second.read_bytes(), f"{first.name} is the same when it is made again")
    must("sh", "-c", 'umask 077 && tar --zstd -xf "$1" -C "$2"', "sh", first, scratch)
    laid = scratch / first.name.removesuffix(".tar.zst")
    root = scratch / "root-of-tar"
    must("sh", "-c", 'umask 077 && "$1" --root "$2"', "sh", laid / "install.sh", root)
    check(mode_of(root / "usr/bin/smtptape") == 0o755 and mode_of(root / UNIT) == mode_of(root / CONFIG) == 0o644,
          "everybody may read what was laid, whatever the umask")
    check_empty_root(root, given.source, given.build)

    shutil.copytree(laid, copy / "run/laid")
    copy.must("/run/laid/install.sh")
    check_user(copy)
    record(copy)
    copy.must("/run/laid/install.sh")
    check(is_mine(copy / CONFIG) and copy.tapes(), "an upgrade leaves configuration and recordings")
    check((copy / (CONFIG + ".new")).exists(), "the configuration of the new version is beside it")
    check_old_systemd(copy)
    check_owned(copy)
    copy.must("/run/laid/install.sh", "--remove")
    check(not (copy / "usr/bin/smtptape").exists() and not (copy / UNIT).exists(), "removal takes program and unit")
    check(not (copy / "usr/lib/smtptape").exists(), "removal leaves no script behind")
    check(is_mine(copy / CONFIG) and copy.tapes(), "removal leaves configuration and recordings")
    check(run(*copy.command("/run/laid/install.sh", "--remove")).returncode == 1, "what is not there can't be removed")
    check(run(laid / "install.sh", "--rot", "x").returncode == 2, "a mistaken option installs nothing")


def fake_program(path, script):
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    path.chmod(0o755)


def check_owned(copy):
    """A dpkg that says the program is of its package."""
    fake_program(copy / "run/owned/dpkg", "exit 0")
    ran = run(*copy.command("sh", "-c", "PATH=/run/owned:$PATH /run/laid/install.sh --remove"))
    check(ran.returncode == 1 and "belongs to a package (dpkg)" in ran.stdout, "files of a package are left to its manager")


def check_old_systemd(copy):
    """A systemctl that says it is an old one; what it would do with the unit is not tried."""
    fake_program(copy / "run/old/systemctl", "echo 'systemd 219'")
    copy.must("sh", "-c", "PATH=/run/old:$PATH /usr/lib/smtptape/after-install")
    told = (copy / DROP_IN).read_text(encoding="ascii")
    check("SystemCallFilter=\n" in told and "MemoryLimit=" in told, "an old systemd filters no calls, and has a limit that it knows")
    copy.must("/usr/lib/smtptape/after-install")
    check(not (copy / DROP_IN).exists(), "a new one does again")


def trial(given, scratch):
    copy = Copy(scratch / "copy")
    try_rpm(given, scratch, copy)
    try_tar(given, scratch, copy)
    print("the packages are good")


def main():
    given = arguments(__doc__).parse_args()
    need("rpm", "rpmlint", "zstd")
    in_scratch(lambda scratch: trial(given, scratch))


if __name__ == "__main__":
    main()
