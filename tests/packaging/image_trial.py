#!/usr/bin/env python3
"""The container image: made, read by a tool that is not ours, and run with a root that can't be written.

  image_trial.py SOURCE_DIR BUILD_DIR

It runs by runc where the kernel lets it; else the image's files are run in a chroot, which is said.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

from machine import CONFIG, SECONDS, STORE, arguments, check, end, fail, make_package, must, need, run, wait_until


def check_two_processors(given, package, scratch):
    """With a package that is called one of another processor."""
    other = scratch / "tar/aarch64" / package.name.replace("x86_64", "aarch64")
    shutil.copy(package, other)
    must(given.source / "packaging/make_image.py", scratch / "both.tar", package, other)
    with tarfile.open(scratch / "both.tar") as image:
        def document(name):
            return json.loads(image.extractfile(name).read())

        top = document("index.json")["manifests"]
        inner = document("blobs/" + top[0]["digest"].replace(":", "/"))["manifests"]
        check([each["platform"]["architecture"] for each in inner] == ["amd64", "arm64"], "one image is for both processors")
        tags = [tag.rpartition(":")[2] for each in document("manifest.json") for tag in each["RepoTags"]]
        version = tags[0]
        check(tags == [version, f"{version}-amd64", f"{version}-arm64"], f"Docker gets one each {tags}")


def make_image(given, scratch):
    kept = scratch / "tar/aarch64/kept"
    kept.parent.mkdir(parents=True)
    kept.touch()
    package = make_package(given.source, given.build, scratch / "tar", "tar")
    check(kept.exists(), "packages of another processor are left where they are")
    check_two_processors(given, package, scratch)
    first, second = scratch / "image.tar", scratch / "again.tar"
    for image in (first, second):
        must(given.source / "packaging/make_image.py", image, package)
    check(first.read_bytes() == second.read_bytes(), "the image is the same when it is made again")
    layout = scratch / "layout"
    layout.mkdir()
    must("tar", "-xf", first, "-C", layout)
    for blob in (layout / "blobs/sha256").iterdir():
        check(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name, f"{blob.name[:12]} is what it is called")
    return layout


def unpack(layout, scratch):
    name = json.loads((layout / "index.json").read_text())["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
    must("umoci", "unpack", "--image", f"{layout}:{name}", scratch / "bundle")
    config = json.loads((scratch / "bundle/config.json").read_text())
    check(config["process"]["user"]["uid"] != 0, "it runs as a user of its own")
    return config


def start_feed(given):
    feed = subprocess.Popen([given.build / "smtptape", "serve", given.source / "samples/night.tape", "--listen",
                             "127.0.0.1:0", "--loop"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in feed.stderr:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return feed, found[0]
    return fail("serve names no endpoint")


def prepare(config, scratch, endpoint):
    """The container as a compose file would have it: read-only, a volume, this machine's network."""
    store, bundle, user = scratch / "volume", scratch / "bundle", config["process"]["user"]
    store.mkdir(mode=0o700)
    os.chown(store, user["uid"], user["gid"])
    shipped = (bundle / "rootfs" / CONFIG).read_text(encoding="utf-8")
    (scratch / "smtptape.toml").write_text(shipped.replace("http://127.0.0.1:8000", endpoint), encoding="utf-8")
    (scratch / "smtptape.toml").chmod(0o644)
    config["process"]["terminal"] = False
    config["process"]["capabilities"] = {}
    config["process"]["noNewPrivileges"] = True
    config["root"]["readonly"] = True
    config["linux"]["namespaces"] = [space for space in config["linux"]["namespaces"] if space["type"] != "network"]
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] not in {"/sys", f"/{STORE}"}]
    config["mounts"] += [
        {"destination": f"/{STORE}", "type": "bind", "source": str(store), "options": ["bind", "rw"]},
        {"destination": f"/{CONFIG}", "type": "bind", "source": str(scratch / "smtptape.toml"), "options": ["bind", "ro"]}]
    (bundle / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return store


def runs_containers(scratch):
    """Whether runc can start anything at all here."""
    trial = scratch / "trial"
    shutil.copytree(scratch / "bundle", trial, symlinks=True)
    config = json.loads((trial / "config.json").read_text())
    config["process"]["args"] = ["/usr/bin/smtptape", "--version"]
    (trial / "config.json").write_text(json.dumps(config))
    ran = run("runc", "--root", scratch / "runc", "run", "--bundle", trial, f"smtptape-trial-{os.getpid()}")
    if ran.returncode != 0:
        print(f"NOT TRIED: runc; the files are run in a chroot instead: {ran.stdout.strip()[-300:]}")
    return ran.returncode == 0


class Container:
    """The recorder in the container, or, where there are none, in its root directory."""

    def __init__(self, config, scratch, contained):
        self.name, self.runc = f"smtptape-image-{os.getpid()}", ["runc", "--root", str(scratch / "runc")]
        self.contained = contained
        if contained:
            words = [*self.runc, "run", "--bundle", scratch / "bundle", self.name]
        else:
            root, user = scratch / "bundle/rootfs", config["process"]["user"]
            must("mount", "--bind", scratch / "volume", root / STORE)
            must("mount", "--bind", scratch / "smtptape.toml", root / CONFIG)
            self.enter = ["chroot", f"--userspec={user['uid']}:{user['gid']}", str(root)]
            words = [*self.enter, *config["process"]["args"]]
        self.process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL)

    def execute(self, *words):
        return run(*([*self.runc, "exec", self.name] if self.contained else self.enter), *words)

    def stop(self):
        if self.contained:
            must(*self.runc, "kill", self.name, "TERM")
        else:
            self.process.terminate()
        return self.process.wait(timeout=SECONDS)

    def end(self):
        end(self.process)
        if self.contained:
            run(*self.runc, "delete", "--force", self.name)


def trial(given, scratch):
    layout = make_image(given, scratch)
    config = unpack(layout, scratch)
    feed, endpoint = start_feed(given)
    container = None
    try:
        store = prepare(config, scratch, endpoint)
        container = Container(config, scratch, runs_containers(scratch))
        ready = ["/usr/bin/smtptape", "status", "--ready", f"/{STORE}"]
        wait_until("it is healthy", lambda: container.execute(*ready).returncode == 0)
        wait_until("a tape is written", lambda: any(tape.stat().st_size > 10_000 for tape in store.rglob("*.tape")))
        if container.contained:
            # Everybody may write there, were it not for the whole.
            told = container.execute("/usr/bin/smtptape", "snapshot", f"/{STORE}", "--last", "1h", "-o", "/tmp/x.tape").stdout
            check("Read-only file system" in told, f"its root can't be written: {told.strip()}")
        check(container.stop() == 0, "it ends with 0 when it is stopped")
        must(given.build / "smtptape", "verify", store)
        check(True, "its tapes are sound")
    finally:
        if container:
            container.end()
        run("umount", scratch / "bundle/rootfs" / STORE)
        run("umount", scratch / "bundle/rootfs" / CONFIG)
        end(feed)
        feed.stderr.close()
    print("the image is good")


def main():
    given = arguments(__doc__).parse_args()
    need("umoci", "runc", "zstd")
    with tempfile.TemporaryDirectory(prefix="smtptape-image-") as scratch:
        trial(given, pathlib.Path(scratch))


if __name__ == "__main__":
    main()
