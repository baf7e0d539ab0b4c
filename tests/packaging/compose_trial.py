#!/usr/bin/env python3
"""samples/container/compose.yml as it is shipped, by a Docker of its own, in a network of its own.

  compose_trial.py SOURCE_DIR BUILD_DIR

KumoMTA's container is not to be had here: the image of smtptape plays a night in its place, under its name
and address.  What stands in the file about kumod's own ports and volumes is not tried.
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from machine import SECONDS, STORE, arguments, check, end, fail, make_package, must, need, not_tried, run, wait_until

# The namespaces take containers and bridges along, whatever happens to the trial.
APART = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
STAND_IN = {"image": "localhost/smtptape:0.1.0", "command": ["serve", "/night.tape", "--listen", "0.0.0.0:8000", "--public", "--loop"]}


class Docker:
    """A daemon for the trial: its own images, containers, volumes and networks."""

    def __init__(self, scratch):
        self.data, self.socket, log = scratch / "data", scratch / "docker.sock", scratch / "dockerd.log"
        with open(log, "wb") as told:
            self.daemon = subprocess.Popen(
                [*APART, "dockerd", "--storage-driver=vfs", f"--data-root={self.data}",
                 f"--exec-root={scratch}/exec", f"--pidfile={scratch}/pid", f"--host=unix://{self.socket}"],
                stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.STDOUT)
        wait_until("Docker answers, or ends", lambda: self.daemon.poll() is not None or self.run("version").returncode == 0)
        if self.daemon.poll() is not None:
            not_tried(f"no dockerd runs here: {log.read_text(encoding='utf-8')[-500:]}")

    def run(self, *words):
        return run("docker", "--host", f"unix://{self.socket}", *words)

    def must(self, *words):
        return must("docker", "--host", f"unix://{self.socket}", *words)

    def state(self, container):
        return json.loads(self.must("inspect", "--format", "{{json .State}}", container))


def write_project(source, to):
    """The shipped file with its neighbour replaced, and what it says lies beside it."""
    import yaml  # comes with docker-compose
    project = yaml.safe_load((source / "samples/container/compose.yml").read_text(encoding="utf-8"))
    recorder = project["services"]["smtptape"]
    check(recorder["image"] == STAND_IN["image"], "the file names the image as it is made")
    mta = project["services"]["kumomta"]
    project["services"]["kumomta"] = {**STAND_IN, "hostname": mta["hostname"], "networks": mta["networks"],
                                      "volumes": [f"{source}/samples/night.tape:/night.tape:ro"]}
    recorder["healthcheck"]["interval"] = "1s"  # of 30
    project["version"] = "2.4"  # what an old docker-compose has to be told; a new one ignores it
    to.mkdir()
    (to / "compose.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    shutil.copy(source / "samples/container/smtptape.toml", to)
    os.chmod(to / "smtptape.toml", 0o644)


def trial(given, scratch):
    package = make_package(given.source, given.build, scratch / "tar", "tar")
    must(given.source / "packaging/make_image.py", scratch / "image.tar", package)
    write_project(given.source, scratch / "mail")
    docker = Docker(scratch)
    compose = ["env", f"DOCKER_HOST=unix://{docker.socket}", "docker-compose", "--file", scratch / "mail/compose.yml"]
    try:
        docker.must("load", "--input", scratch / "image.tar")
        ran = docker.run("run", "--rm", "--network=none", STAND_IN["image"], "--version")
        if ran.returncode != 0:
            not_tried(f"Docker runs no containers here: {ran.stdout.strip()[-500:]}")
        must(*compose, "up", "--detach")
        recorder = must(*compose, "ps", "--quiet", "smtptape").strip()
        started = docker.state(recorder)["StartedAt"]
        wait_until("the recorder is healthy", lambda: docker.state(recorder)["Health"]["Status"] == "healthy")
        store = next(docker.data.glob("volumes/*tapes/_data"), None)
        if store is None:
            fail("there is no volume for the tapes")
        wait_until("a tape is written", lambda: any(tape.stat().st_size > 10_000 for tape in store.rglob("*.tape")))
        told = must(*compose, "exec", "-T", "smtptape", "/usr/bin/smtptape", "info", f"/{STORE}")
        check("events" in told, "the store can be looked at within")
        stored = sum(tape.stat().st_size for tape in store.rglob("*.tape"))
        must(*compose, "restart", "--timeout", "1", "kumomta")
        wait_until("it records again after kumod was restarted",
                   lambda: sum(tape.stat().st_size for tape in store.rglob("*.tape")) > stored + 10_000
                   and docker.state(recorder)["Health"]["Status"] == "healthy")
        check(docker.state(recorder)["StartedAt"] == started, "it records again after kumod was restarted")
        must(*compose, "stop")
        state = docker.state(recorder)
        check(state["ExitCode"] == 0 and not state["OOMKilled"], "it ends with 0 when it is stopped")
        must(given.build / "smtptape", "verify", store)
        check(True, "its tapes are sound")
    except SystemExit:
        print(run(*compose, "ps").stdout, run(*compose, "logs", "--no-color", "--tail=20").stdout)
        raise
    finally:
        end(docker.daemon)
    print("the compose file is good")


def main():
    given = arguments(__doc__).parse_args()
    need("docker", "docker-compose", "dockerd", "zstd")
    with tempfile.TemporaryDirectory(prefix="smtptape-compose-") as scratch:
        trial(given, pathlib.Path(scratch))


if __name__ == "__main__":
    main()
