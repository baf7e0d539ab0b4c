#!/usr/bin/env python3
"""Makes the pictures of docs/page.md and docs/user-guide.md: pictures.py SMTPTAPE SAMPLES docs/pictures"""
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import chromium

MIXED = "#s=8817edca-6add-47a4-8d2c-ce963618dd93"

# Name, width, height, scheme, place, keys, what is then to be seen.
PICTURES = [
    ("page-figures", 1280, 800, "light", "", "", ".tiles"),
    ("page-overview", 1280, 800, "light", MIXED, "1", ".waterfall"),
    ("page-exchanges", 1280, 800, "dark", MIXED, "2", ".rung.in .bad"),
    ("page-transcript", 1280, 800, "light", MIXED, "3n", ".entry.here"),
    ("page-narrow", 360, 740, "dark", MIXED, "3n", ".entry.here"),
]


def take(browser, page, folder, picture):
    name, width, height, scheme, wanted, keys, ready = picture
    browser.size(width, height, mobile=width < 500)
    browser.scheme(scheme)
    browser.open(page, wanted)
    browser.until(f"document.querySelector('{'.session-head' if wanted else '.tiles'}')")
    for key in keys:
        browser.key(key)
    browser.until(f"document.querySelector('{ready}')")
    browser.picture(folder / f"{name}.png", width, height, 0.75 if width > 500 else 1)


# What somebody does with an archive that was sent to him, step by step.
def take_bundle(browser, program, samples, folder, temporary):
    archive, unpacked = temporary / "bob.trace.zip", temporary / "bob.trace"
    subprocess.run([program, "bundle", samples / "night.tape", "--yes", "-o", archive],
                   check=True, capture_output=True, timeout=60)
    with zipfile.ZipFile(archive) as whole:
        whole.extractall(unpacked)
    browser.scheme("light")
    browser.size(1280, 400)
    browser.open(unpacked, "")
    browser.until("document.querySelector('#tbody tr')")
    browser.picture(folder / "bundle-unpacked.png", 1280, 400, 0.75)
    browser.size(1280, 800)
    browser.open(unpacked / "index.html", "")
    browser.until("document.querySelector('.tiles')")
    browser.key("/")
    browser.type("is:failed code:451")
    browser.key("Enter")
    browser.until("document.querySelector('.session-head')")
    browser.picture(folder / "bundle-found.png", 1280, 800, 0.75)
    for key in "3n":
        browser.key(key)
    browser.until("document.querySelector('.entry.here')")
    browser.picture(folder / "bundle-reply.png", 1280, 800, 0.75)


def main(program, samples, folder):
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, chromium.Chromium() as browser:
        page = pathlib.Path(temporary) / "night.html"
        subprocess.run([program, "export", samples / "night.tape", "--format", "html", "-o", page],
                       check=True, capture_output=True, timeout=60)
        for picture in PICTURES:
            take(browser, page, folder, picture)
        take_bundle(browser, program, samples, folder, pathlib.Path(temporary))


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
