#!/usr/bin/env python3
"""The program that needs nothing, in a root directory that holds nothing but it and /proc.

  empty_root_trial.py SMTPTAPE SOURCE_DIR [RUNNER...]

It records, replays, looks up names, speaks TLS, knows local time and draws its screen there.  RUNNER is
put before the program, as an emulator that stands alone.  Talks to loopback only; each wait has a bound.
"""
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SECONDS = 60
SKIPPED = 77
PLACES_OF_AUTHORITIES = ["etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt",
                         "etc/ssl/ca-bundle.pem", "etc/ssl/cert.pem"]


def enter(root):
    """The words that run what follows them in the root: as root, or in a namespace of our own."""
    if os.geteuid() == 0:
        return ["chroot", str(root)]
    return ["unshare", "--user", "--map-root-user", "--root", str(root), "--wd", "/"]


def zone_file(name, seconds):
    """A time zone without changes, as RFC 8536 writes it."""
    kind = struct.pack(">iBB", seconds, 0, 0) + name.encode() + b"\0"
    block = b"TZif2" + bytes(15) + struct.pack(">6I", 0, 0, 0, 0, 1, len(name) + 1) + kind
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return block * 2 + f"\n{name}{'-' if seconds > 0 else ''}{hours}:{minutes:02}\n".encode()


class Tunnel:
    """TLS in front of a port of this machine, by a certificate that nobody has signed."""

    def __init__(self, work, port):
        self.certificate = work / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", work / "key.pem",
                        "-out", self.certificate], check=True, capture_output=True, timeout=SECONDS)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, work / "key.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, args=(context, port), daemon=True).start()

    def serve(self, context, port):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.join, args=(context, plain, port), daemon=True).start()

    @staticmethod
    def join(context, plain, port):
        try:
            with context.wrap_socket(plain, server_side=True) as near, \
                    socket.create_connection(("127.0.0.1", port)) as far:
                near.setblocking(False)
                while Tunnel.step(near, far):
                    pass
        except OSError:
            pass  # a client that does not trust us leaves

    @staticmethod
    def step(near, far):
        if not near.pending():
            ready, _, _ = select.select([near, far], [], [], SECONDS)
        else:
            ready = [near]
        for end in ready:
            try:
                read = end.recv(65536)
            except ssl.SSLWantReadError:
                continue
            if not read:
                return False
            other = far if end is near else near
            while read:
                try:
                    read = read[other.send(read):]
                except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
                    select.select([], [other], [], SECONDS)
        return bool(ready)

    def close(self):
        self.listener.close()


class EmptyRoot(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="smtptape-empty-")
        self.addCleanup(self.folder.cleanup)
        self.work = pathlib.Path(self.folder.name)
        self.root = self.work / "root"
        self.root.mkdir()
        shutil.copy(PROGRAM, self.root / "smtptape")
        self.words = enter(self.root)
        for number, word in enumerate(RUNNER):
            shutil.copy(word, self.root / f"runner-{number}")
            self.words.append(f"/runner-{number}")
        self.words.append("/smtptape")
        shutil.copy(SOURCE / "samples/night.tape", self.root / "night.tape")

    def run_program(self, *words, environment=None, expect=0):
        ran = subprocess.run([*self.words, *map(str, words)], capture_output=True, timeout=SECONDS, check=False,
                             stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], **(environment or {})})
        self.assertEqual(expect, ran.returncode, (words, ran.stderr))
        return ran.stdout if expect == 0 else ran.stderr.decode()

    def serve(self, *words):
        server = subprocess.Popen([*self.words, "serve", "/night.tape", "--listen", "127.0.0.1:0", *words],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                  env={"PATH": os.environ["PATH"]})

        def end():
            server.kill()
            server.wait(timeout=SECONDS)
            server.stderr.close()

        self.addCleanup(end)
        return int(next(found[1] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:(\d+)", line))))

    def capture(self, store, endpoint, *words, **more):
        return self.run_program("capture", "--endpoint", endpoint, "--name", "m", "--store", store, "--until-end",
                                *words, **more)

    def tape_in(self, store):
        return self.run_program("replay", store)

    def test_needs_no_library(self):
        told = subprocess.run(["readelf", "-W", "-d", "-l", PROGRAM], capture_output=True, text=True, check=True,
                              timeout=SECONDS).stdout
        self.assertNotIn("NEEDED", told)
        self.assertNotIn("INTERP", told)
        self.assertRegex(told, r"GNU_STACK .* RW ")
        self.assertIn("GNU_RELRO", told)
        self.assertRegex(self.run_program("--version").decode(), r"^smtptape \d+\.\d+\.\d+\n$")

    def test_records_and_replays(self):
        expected = self.run_program("replay", "/night.tape")
        self.assertGreater(len(expected), 10_000)
        port = self.serve()
        for number, host in enumerate(("127.0.0.1", "localhost")):
            self.capture(f"/store-{number}", f"http://{host}:{port}")
            self.assertEqual(expected, self.tape_in(f"/store-{number}"))
            self.run_program("verify", f"/store-{number}")

    # With what that takes: /proc, and a place for temporary files.
    def test_writes_and_reads_an_archive(self):
        if os.geteuid() != 0:
            self.skipTest("NOT TRIED: only root can mount a /proc")
        (self.root / "tmp").mkdir()
        (self.root / "proc").mkdir()
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True, timeout=SECONDS)
        self.addCleanup(subprocess.run, ["umount", self.root / "proc"], check=True, timeout=SECONDS)
        self.run_program("bundle", "/night.tape", "--failed", "--yes", "-o", "/night.trace.zip")
        self.assertIn(b"sessions", self.run_program("info", "/night.trace.zip"))

    def test_a_hosts_file_is_read(self):
        port = self.serve()
        (self.root / "etc").mkdir()
        (self.root / "etc/hosts").write_text("127.0.0.1 mta.example\n", encoding="ascii")
        self.capture("/store", f"http://mta.example:{port}")

    def test_a_name_that_nobody_knows_is_told(self):
        told = self.capture("/store", "http://mta.example:1", expect=1)
        self.assertRegex(told, "mta.example.*(Name or service not known|Temporary failure in name resolution)")

    def test_local_time(self):
        def hour(**environment):
            text = self.run_program("replay", "/night.tape", "-n", "1", "--clock", environment=environment).decode()
            return re.search(r"\d\d:\d\d:\d\d", text)[0][:5]

        self.assertEqual("19:38", hour())
        self.assertEqual("01:08", hour(TZ="EAST-5:30"))
        (self.root / "zones").mkdir()
        (self.root / "zones/Half").write_bytes(zone_file("EAST", 19800))
        self.assertEqual("01:08", hour(TZ="Half", TZDIR="/zones"))
        (self.root / "usr/share/zoneinfo").mkdir(parents=True)
        (self.root / "usr/share/zoneinfo/Whole").write_bytes(zone_file("YYY", 3600))
        self.assertEqual("20:38", hour(TZ="Whole"))
        (self.root / "etc").mkdir()
        (self.root / "etc/localtime").write_bytes(zone_file("ZZZ", 7200))
        self.assertEqual("21:38", hour())

    def test_tls(self):
        tunnel = Tunnel(self.work, self.serve())
        self.addCleanup(tunnel.close)
        endpoint = f"https://localhost:{tunnel.port}"
        self.assertIn("not trusted", self.capture("/store-0", endpoint, expect=1))
        shutil.copy(tunnel.certificate, self.root / "ca.pem")
        self.capture("/store-1", endpoint, "--cacert", "/ca.pem")
        self.capture("/store-2", endpoint, environment={"SSL_CERT_FILE": "/ca.pem"})
        for number, place in enumerate(PLACES_OF_AUTHORITIES):
            (self.root / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tunnel.certificate, self.root / place)
            self.capture(f"/store-{3 + number}", endpoint)
            (self.root / place).unlink()
        self.assertEqual(self.tape_in("/night.tape"), self.tape_in("/store-3"))

    # An openssl.cnf that names a module of the machine's OpenSSL, which is another one.
    def test_foreign_modules_are_not_loaded(self):
        tunnel = Tunnel(self.work, self.serve())
        self.addCleanup(tunnel.close)
        shutil.copy(tunnel.certificate, self.root / "ca.pem")
        (self.root / "openssl.cnf").write_text("openssl_conf = a\n[a]\nproviders = b\n[b]\nc = d\ndefault = e\n"
                                               "[d]\nmodule = /module.so\nactivate = 1\n[e]\nactivate = 1\n",
                                               encoding="ascii")
        shutil.copy(PROGRAM, self.root / "module.so")
        self.capture("/store", f"https://localhost:{tunnel.port}", "--cacert", "/ca.pem",
                     environment={"OPENSSL_CONF": "/openssl.cnf"})

    def test_the_full_screen(self):
        for kind in ("xterm-256color", "linux", "vt100"):
            process, terminal = pty.fork()
            if process == 0:
                os.execvpe(self.words[0], [*self.words, "top", "/night.tape", "--utc"],
                           {"PATH": os.environ["PATH"], "TERM": kind})
            heard, until = b"", time.monotonic() + SECONDS
            while not re.search(rb"\d+ sessions", heard) and time.monotonic() < until:
                if not select.select([terminal], [], [], max(0, until - time.monotonic()))[0]:
                    break
                try:
                    heard += os.read(terminal, 65536)
                except OSError:
                    break
            self.assertRegex(heard, rb"\d+ sessions", kind)
            os.write(terminal, b"q")
            self.drain(terminal)
            self.assertEqual(0, os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), kind)
            os.close(terminal)

    @staticmethod
    def drain(terminal):
        try:
            while select.select([terminal], [], [], SECONDS)[0] and os.read(terminal, 65536):
                pass
        except OSError:
            pass  # the end of a terminal


if __name__ == "__main__":
    PROGRAM, SOURCE = pathlib.Path(sys.argv[1]).absolute(), pathlib.Path(sys.argv[2])
    RUNNER = [pathlib.Path(shutil.which(word)) for word in sys.argv[3:]]
    with tempfile.TemporaryDirectory() as trial:
        shutil.copy(PROGRAM, trial)
        tried = subprocess.run([*enter(trial), f"/{PROGRAM.name}", "--version"], capture_output=True, text=True,
                               timeout=SECONDS, check=False)
    # A program that does not start is no reason to skip; a root that can't be entered is.
    if not RUNNER and re.search("unshare|cannot change root", tried.stderr):
        print(f"NOT TRIED: no root directory can be changed here: {tried.stderr.strip()}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
