#!/usr/bin/env python3
"""A container image of the .tar.zst packages, from scratch: the program, its configuration, its user.

  make_image.py TO TAR...

TO becomes a tar that is an OCI image layout (`podman load`, `skopeo copy oci-archive:TO …`) and what
`docker save` writes: Docker reads only that, unless it has containerd's image store.  Several packages, one
a processor, make one image for OCI, and for Docker one each.  It needs no network and no container tools;
the same packages give the same bytes.
"""
import argparse
import gzip
import hashlib
import io
import json
import pathlib
import re
import subprocess
import tarfile
import time

UID = 10025  # of no distribution's own
STORE = "var/lib/smtptape"
REPOSITORY = "localhost/smtptape"
KEPT = re.compile(r"usr/bin/smtptape|etc/smtptape/.*|usr/share/doc/smtptape/(NOTICE\.gz|sbom\.spdx\.json|copyright)")
PLATFORMS = {"x86_64": "amd64", "aarch64": "arm64"}
NAME = re.compile(r"smtptape-(?P<version>.+)-linux-(?P<processor>\w+)\.tar\.zst")
USERS = {"etc/passwd": f"smtptape:x:{UID}:{UID}:smtptape recorder:/{STORE}:/nonexistent\n",
         "etc/group": f"smtptape:x:{UID}:\n"}


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def blob(described):
    return "blobs/" + described["digest"].replace(":", "/")


class Layer:
    """Files as a tar, by name, directories before what is in them."""

    def __init__(self, seconds):
        self.seconds, self.entries = seconds, {}

    def add(self, name, content=None, mode=0o644, owner=0):
        for parent in reversed(pathlib.PurePosixPath(name).parents):
            if str(parent) != "." and str(parent) not in self.entries:
                self.add(str(parent), mode=0o755)
        entry = tarfile.TarInfo(name)
        entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
        entry.size = len(content or b"")
        entry.mode, entry.uid, entry.gid, entry.mtime = mode, owner, owner, self.seconds
        self.entries[name] = (entry, content)

    def bytes(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name in sorted(self.entries):
                entry, content = self.entries[name]
                tar.addfile(entry, None if content is None else io.BytesIO(content))
        return out.getvalue()


def layer_of(package):
    unpacked = subprocess.run(["zstd", "-dcq", package], capture_output=True, check=True, timeout=300).stdout
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
        layer = Layer(members[0].mtime)
        for member in members:
            name = member.name.partition("/files/")[2]
            if KEPT.fullmatch(name):
                layer.add(name, tar.extractfile(member).read(), member.mode)
    for name, text in USERS.items():
        layer.add(name, text.encode())
    layer.add(STORE, mode=0o700, owner=UID)
    layer.add("tmp", mode=0o1777)
    return layer


class Layout:
    """An OCI image layout in memory."""

    def __init__(self):
        self.blobs, self.of_docker = {}, []

    def put(self, content, kind, **more):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content), **more}

    def add_image(self, package):
        named = NAME.fullmatch(package.name)
        platform = {"os": "linux", "architecture": PLATFORMS[named["processor"]]}
        layer = layer_of(package)
        plain = layer.bytes()
        config = {
            **platform, "created": rfc3339(layer.seconds),
            "config": {
                "User": f"{UID}:{UID}", "Entrypoint": ["/usr/bin/smtptape"],
                "Cmd": ["capture", "--config", "/etc/smtptape/smtptape.toml"],
                "Volumes": {f"/{STORE}": {}}, "WorkingDir": f"/{STORE}", "StopSignal": "SIGTERM",
                # Of Docker; others ask for it where the container is described.
                "Healthcheck": {"Test": ["CMD", "/usr/bin/smtptape", "status", "--ready", f"/{STORE}"],
                                "Interval": 30 * 10**9, "Timeout": 10 * 10**9, "StartPeriod": 10 * 10**9, "Retries": 3},
                "Labels": {"org.opencontainers.image.title": "smtptape",
                           "org.opencontainers.image.version": named["version"]}},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
            "history": [{"created": rfc3339(layer.seconds), "created_by": "packaging/make_image.py"}]}
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": self.put(canonical(config), "config.v1+json"),
                    "layers": [self.put(gzip.compress(plain, 9, mtime=0), "layer.v1.tar+gzip")]}
        tags = [named["version"]] if not self.of_docker else []
        self.of_docker.append({"Config": blob(manifest["config"]), "Layers": [blob(part) for part in manifest["layers"]],
                               "RepoTags": [f"{REPOSITORY}:{tag}" for tag in
                                            [*tags, f"{named['version']}-{platform['architecture']}"]]})
        return self.put(canonical(manifest), "manifest.v1+json", platform=platform), named["version"], layer.seconds

    def write(self, to, packages):
        images = [self.add_image(package) for package in packages]
        version, seconds = images[0][1:]
        manifests = [image for image, _, _ in images]
        top = manifests[0] if len(manifests) == 1 else self.put(
            canonical({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}),
            "index.v1+json")
        names = {"org.opencontainers.image.ref.name": version, "io.containerd.image.name": f"{REPOSITORY}:{version}"}
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                 "manifests": [{**top, "annotations": names}]}
        layout = Layer(seconds)
        layout.add("oci-layout", canonical({"imageLayoutVersion": "1.0.0"}))
        layout.add("index.json", canonical(index))
        layout.add("manifest.json", canonical(self.of_docker))
        for digest, content in self.blobs.items():
            layout.add(f"blobs/sha256/{digest}", content)
        to.write_bytes(layout.bytes())


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("to", type=pathlib.Path)
    words.add_argument("packages", type=pathlib.Path, nargs="+")
    given = words.parse_args()
    Layout().write(given.to, given.packages)
    print(given.to)


if __name__ == "__main__":
    main()
