#!/usr/bin/env python3
"""The rules and the dashboard of samples/monitoring, asked of a Prometheus that asks a recorder.

  prometheus_trial.py SMTPTAPE SOURCE_DIR

77: there is no Prometheus.  Talks to loopback only; each wait has a bound.
"""
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

SECONDS = 60
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$instance": ".*", "$source": ".*"}
# What has no series while all is well; a query of theirs must be sound, and may find nothing.
ABSENT_WHILE_WELL = ("events_lost_total", "gaps_total", "reconnects_total")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(url):
    with urllib.request.urlopen(url, timeout=SECONDS) as reply:
        return json.load(reply)


class Monitoring(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="smtptape-prometheus-")
        cls.addClassCleanup(cls.folder.cleanup)
        work = pathlib.Path(cls.folder.name)
        feed = cls.start([PROGRAM, "serve", SOURCE / "samples/night.tape", "--listen", "127.0.0.1:0", "--loop", "--speed", "20"])
        endpoint = next(found[0] for line in feed.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        metrics = free_port()
        cls.start([PROGRAM, "capture", "--endpoint", endpoint, "--name", "mta1", "--store", work / "store",
                   "--listen-metrics", f"127.0.0.1:{metrics}"])
        text = (MONITORING / "prometheus.yml").read_text(encoding="utf-8")
        assert "127.0.0.1:9109" in text
        (work / "prometheus.yml").write_text(text.replace(":9109", f":{metrics}").replace("15s", "1s"), encoding="utf-8")
        shutil.copy(MONITORING / "alerts.yml", work)
        port = free_port()
        cls.start(["prometheus", f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/data",
                   f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
        cls.api = f"http://127.0.0.1:{port}/api/v1"
        cls.wait_for('count_over_time(smtptape_events_stored_total[1m]) > 5 and smtptape_events_stored_total > 100')

    @classmethod
    def start(cls, words, **options):
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, text=True,
                                   stderr=subprocess.PIPE if words[1] == "serve" else subprocess.DEVNULL, **options)

        def end():
            process.kill()
            process.wait(timeout=SECONDS)
            if process.stderr:
                process.stderr.close()

        cls.addClassCleanup(end)
        return process

    @classmethod
    def ask(cls, query):
        return answer(f"{cls.api}/query?{urllib.parse.urlencode({'query': query})}")["data"]["result"]

    @classmethod
    def wait_for(cls, query):
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                if cls.ask(query):
                    return
            except OSError:
                pass  # it is not there yet
            time.sleep(0.1)
        raise AssertionError(f"not within {SECONDS} s: {query}")

    def test_every_query_of_the_dashboard_finds_something(self):
        dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
        count = 0
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                query = target["expr"]
                for name, value in VARIABLES.items():
                    query = query.replace(name, value)
                self.assertNotIn("$", query)
                found = self.ask(query)
                self.assertTrue(found or any(name in query for name in ABSENT_WHILE_WELL), query)
                count += 1
        self.assertGreater(count, 15)

    def test_every_rule_is_sound_and_none_fires_while_all_is_well(self):
        subprocess.run(["promtool", "check", "rules", MONITORING / "alerts.yml"], check=True, timeout=SECONDS,
                       stdout=subprocess.DEVNULL)
        rules = [rule for group in answer(f"{self.api}/rules")["data"]["groups"] for rule in group["rules"]]
        self.assertGreater(len(rules), 8)
        for rule in rules:
            if rule["name"] in {"EventsArriveLate"}:
                continue  # the events are of another day
            self.assertEqual("inactive", rule["state"], rule["name"])

    def test_rules_fire_when_they_should(self):
        with tempfile.TemporaryDirectory(prefix="smtptape-rules-") as folder:
            for file in (MONITORING / "alerts.yml", SOURCE / "tests/e2e/alerts_test.yml"):
                shutil.copy(file, folder)
            told = subprocess.run(["promtool", "test", "rules", "alerts_test.yml"], cwd=folder, capture_output=True, text=True,
                                  timeout=SECONDS, check=False)
            self.assertEqual(0, told.returncode, told.stdout + told.stderr)

    def test_every_series_that_is_asked_for_is_documented(self):
        documented = set(re.findall(r"^\| `(smtptape_\w+)`", (SOURCE / "docs/monitoring.md").read_text(encoding="utf-8"), re.M))
        for name in ("alerts.yml", "dashboard.json"):
            asked = set(re.findall(r"smtptape_\w+", (MONITORING / name).read_text(encoding="utf-8")))
            self.assertEqual(set(), {series.removesuffix("_bucket") for series in asked} - documented, name)


if __name__ == "__main__":
    PROGRAM, SOURCE = pathlib.Path(sys.argv.pop(1)).absolute(), pathlib.Path(sys.argv.pop(1)).absolute()
    MONITORING = SOURCE / "samples/monitoring"
    if missing := [tool for tool in ("prometheus", "promtool") if shutil.which(tool) is None]:
        print(f"NOT TRIED: there is no {' and no '.join(missing)}")
        sys.exit(77)
    unittest.main()
