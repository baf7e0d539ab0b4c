"""Drives a headless Chromium over a pair of pipes (--remote-debugging-pipe): JSON, NUL behind each.

Loads files of this machine only: every request of a page for anything else is noted and refused.
"""
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

WITHIN = 60  # seconds, for any one answer


class ChromiumError(Exception):
    """It could not do that, or did not answer in time."""


def find():
    """The program, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Chromium:
    """One browser, which ends with the `with`."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="page-test-")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        command = [find(), "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
                   "--disable-extensions", "--disable-background-networking", "--disable-sync",
                   "--hide-scrollbars", "--force-color-profile=srgb", "--disable-dev-shm-usage",
                   f"--user-data-dir={self.home.name}", "about:blank"]
        if os.geteuid() == 0:
            command.insert(1, "--no-sandbox")

        def as_three_and_four():
            # By way of numbers that are neither: one of the pipes may have them.
            high_in, high_out = os.dup2(theirs_in, 103), os.dup2(theirs_out, 104)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen(
            command, pass_fds=(3, 4), preexec_fn=as_three_and_four, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, "HOME": self.home.name, "TZ": "UTC", "LANG": "C.UTF-8"})
        os.close(theirs_in)
        os.close(theirs_out)
        self.read_fd, self.write_fd = ours_in, ours_out
        self.buffer, self.number, self.events, self.session = b"", 0, [], None

    def __enter__(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self.write_fd)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_fd)
        self.home.cleanup()

    def _message(self, until):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.read_fd], [], [], left)[0]:
                raise ChromiumError("chromium did not answer in time")
            piece = os.read(self.read_fd, 1 << 20)
            if not piece:
                raise ChromiumError("chromium has ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.write_fd, data):]
        until = time.monotonic() + WITHIN
        while True:
            message = self._message(until)
            if message.get("id") == self.number:
                if "error" in message:
                    raise ChromiumError(f"{method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def wait_for_event(self, method):
        until = time.monotonic() + WITHIN
        while True:
            for i, event in enumerate(self.events):
                if event.get("method") == method:
                    return self.events.pop(i)["params"]
            self.events.append(self._message(until))

    # ---- a page ----

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=mobile)

    def scheme(self, name):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": name}])

    def scripts(self, allowed):
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def open(self, path, fragment=""):
        """Loads a file anew, also where only the fragment differs."""
        self.events.clear()
        self.call("Page.navigate", url="about:blank")
        self.wait_for_event("Page.loadEventFired")
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri() + fragment)
        self.wait_for_event("Page.loadEventFired")

    def run(self, script):
        """The value of an expression; a promise is waited for."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise ChromiumError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    def until(self, script, within=30):
        """Waits for an expression to be true, and returns its value; of an element, True."""
        end = time.monotonic() + within
        while not (value := self.run(f"new Promise(go => requestAnimationFrame(() => "
                                     f"{{ const value = {script}; go(value instanceof Node || value); }}))")):
            if time.monotonic() > end:
                raise ChromiumError(f"never true: {script}")
        return value

    KEYS = {"Escape": 27, "Enter": 13, "ArrowDown": 40, "ArrowUp": 38, "ArrowRight": 39, "ArrowLeft": 37, "Tab": 9}

    def key(self, name):
        code = self.KEYS.get(name)
        typed = {"key": name, "windowsVirtualKeyCode": code} if code else {"key": name, "text": name}
        self.call("Input.dispatchKeyEvent", type="keyDown", **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def picture(self, path, width, height, scale=1):
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": scale}
        data = self.call("Page.captureScreenshot", format="png", clip=clip)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def paper(self):
        """The page as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def complaints(self):
        """What the browser said of errors, and what the page asked for beside itself."""
        self.run("1")  # what was to be told before this has been told
        said = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                said.append(details.get("exception", {}).get("description", details["text"]))
            elif event.get("method") == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                said.append(parameters["entry"]["text"])
            elif event.get("method") == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if parameters.get("type") != "Document":
                    said.append(f"asked for {url}")
        return said
