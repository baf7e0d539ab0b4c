#!/usr/bin/env python3
"""The page in a real browser: what a person sees, clicks and types, and how quick it is.

    browser_test.py SMTPTAPE SAMPLES [unittest's arguments]

77: there is no Chromium.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import chromium
from example_night import hostile_night, large_night, read, session, write

PROGRAM, SAMPLES = sys.argv[1], pathlib.Path(sys.argv[2])
FOLDER = tempfile.TemporaryDirectory(prefix="pages-")


def page_of(name, feed=None, options=()):
    """A page of a night.tape, or of a feed as lines."""
    tape, page = SAMPLES / "night.tape", pathlib.Path(FOLDER.name) / f"{name}.html"
    if page.exists():
        return page
    if feed is not None:
        tape = pathlib.Path(FOLDER.name) / f"{name}.tape"
        subprocess.run([PROGRAM, "import", "-", "-o", tape], input="\n".join(feed).encode(),
                       check=True, capture_output=True, timeout=120)
    subprocess.run([PROGRAM, "export", tape, "--format", "html", "-o", page, *options],
                   check=False, capture_output=True, timeout=120)
    return page


# Of each text that is seen: its contrast, as WCAG counts it, against the ground it stands on.
CONTRASTS = r"""(() => {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const bad = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, style, option")) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) bad.push(`${contrast.toFixed(2)} ${element.className}: ${walker.currentNode.data.slice(0, 40)}`);
  }
  return bad;
})()"""

# Scrolls an element to a share of its height and waits until that is on the screen.
SCROLL = """new Promise((done) => {
  const element = document.querySelector("%s");
  element.scrollTop = (element.scrollHeight - element.clientHeight) * %f;
  requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)));
})"""
STEPS = 60

FIRST_FAILURE = "8817edca-6add-47a4-8d2c-ce963618dd93"  # of night.tape: some recipients were refused


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = chromium.Chromium().__enter__()
        cls.night = page_of("night")

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()

    def setUp(self):
        self.browser.size(1280, 800)
        self.browser.scheme("light")
        self.browser.scripts(True)

    def tearDown(self):
        self.assertEqual([], self.browser.complaints())

    def open(self, page=None, fragment="", ready=".row"):
        self.browser.open(page or self.night, fragment)
        self.browser.until(f"document.querySelector('{ready}')")

    def text(self, selector):
        return self.browser.run(f"document.querySelector({json.dumps(selector)})?.textContent ?? null")

    def count(self, selector):
        return self.browser.run(f"document.querySelectorAll({json.dumps(selector)}).length")

    def keys(self, *names):
        for name in names:
            self.browser.key(name)

    def frames(self, selector):
        """Scrolls from end to end in steps of many screens, of three frames or more each: the
        milliseconds of work that a step was for the page's thread.  Not those on a clock, in which
        whatever else runs here is counted, too."""
        def worked():
            metrics = {each["name"]: each["value"] for each in self.browser.call("Performance.getMetrics")["metrics"]}
            return metrics["TaskDuration"] * 1000
        self.browser.call("Performance.enable", timeDomain="threadTicks")
        steps, before = [], worked()
        for i in range(STEPS + 1):
            self.browser.run(SCROLL % (selector, i / STEPS))
            after = worked()
            steps.append(after - before)
            before = after
        self.browser.call("Performance.disable")
        steps.sort()
        return {"median": steps[len(steps) // 2], "most": steps[-1]}

    # ---- what is there ----

    def test_list_and_figures(self):
        self.open()
        self.assertEqual("73 sessions", self.text(".count"))
        self.assertIn("25", self.text(".tile"))
        self.assertEqual(0, self.count("#plain"))
        self.assertIn("night.tape", self.text(".command"))
        self.assertGreater(self.count("table tbody tr"), 20)

    def test_a_session_has_its_parts(self):
        self.open(fragment=f"#s={FIRST_FAILURE}", ready=".session-head")
        self.assertIn("mixed", self.text(".session-head h2"))
        self.assertGreaterEqual(self.count(".lanes .lane"), 8)
        self.assertEqual(11, self.count(".recipients li"))
        self.keys("2")
        self.browser.until("document.querySelectorAll('.rung').length > 20")
        self.assertGreater(self.count(".rung.in .says.bad"), 1)
        self.keys("3")
        self.browser.until("document.querySelectorAll('.entry').length >= 16")
        self.assertEqual("all of the metadata", self.browser.run(
            "document.querySelector('.entry details.changes summary').textContent.includes('mx_plan') && 'all of the metadata'"))

    def test_a_body_opens(self):
        self.open(fragment=f"#s={FIRST_FAILURE}&t=transcript&e=32", ready=".fold")
        few = self.count(".fold")
        self.browser.run("document.querySelector('.fold').click()")
        self.browser.until("document.querySelector('.line.whole')")
        self.assertEqual(few - 1, self.count(".fold"))
        self.assertGreater(len(self.text(".line.whole")), 40_000)

    # ---- keys ----

    def test_keys_go_through_sessions_and_failures(self):
        self.open()
        self.keys(*"jjjj")
        self.browser.until("document.querySelector('.session-head')")
        self.assertEqual("3", self.browser.run("document.querySelector('[aria-selected=true].row').dataset.index"))
        self.keys("k")
        self.assertEqual("2", self.browser.run("document.querySelector('[aria-selected=true].row').dataset.index"))
        self.browser.run(f"location.hash = '#s={FIRST_FAILURE}'")
        self.browser.until("document.querySelector('.session-head h2').textContent.includes('mixed')")
        self.keys("n")
        self.assertIn("450", self.text(".entry.here"))
        first = self.browser.run("location.hash")
        self.keys("n")
        self.assertIn("550", self.text(".entry.here"))
        self.keys("p")
        self.assertEqual(first, self.browser.run("location.hash"))
        self.keys("p")
        self.assertIn("No failure above", self.text(".told"))

    def test_keys_of_filter_and_help(self):
        self.open()
        self.keys("/")
        self.assertEqual("filter", self.browser.run("document.activeElement.id"))
        self.browser.type("code:421")
        self.assertRegex(self.text(".count"), r"^\d+ of 73 sessions$")
        self.keys("Enter")
        self.browser.until("document.querySelector('.session-head')")
        self.keys("/", "Escape")
        self.assertEqual("73 sessions", self.text(".count"))
        self.keys("?")
        self.assertTrue(self.browser.run("document.querySelector('dialog').open"))
        self.keys("Escape")
        self.assertFalse(self.browser.run("document.querySelector('dialog').open"))
        self.keys("s")
        self.browser.until("document.querySelector('.tiles')")

    def test_tabs_turn_by_arrows(self):
        self.open(fragment=f"#s={FIRST_FAILURE}", ready=".session-head")
        self.browser.run("document.querySelector('#tab-overview').focus()")
        self.keys("ArrowRight")
        self.assertEqual("tab-exchanges", self.browser.run("document.activeElement.id"))
        self.keys("ArrowLeft", "ArrowLeft")
        self.assertEqual("tab-transcript", self.browser.run("document.activeElement.id"))
        self.assertEqual("true", self.browser.run("document.activeElement.getAttribute('aria-selected')"))

    # ---- filter, order, links ----

    def test_filter_and_order(self):
        self.open()
        self.browser.run("document.querySelector('.tile').click()")
        self.assertEqual("25 of 73 sessions", self.text(".count"))
        self.browser.run("""(() => { const order = document.querySelector("select");
            order.value = "took"; order.dispatchEvent(new Event("change")); })()""")
        times = self.browser.run("[...document.querySelectorAll('.row-took')].map((each) => each.textContent)")
        seconds = [float(number) * {"ms": 0.001, "s": 1}[unit] for number, unit in map(str.split, times)]
        self.assertEqual(sorted(seconds, reverse=True), seconds)
        self.keys("/")
        self.browser.type(" nothing-is-like-that")
        self.assertIn("No session", self.text(".list"))

    def test_links_lead_to_sessions_and_events(self):
        self.open(fragment=f"#s={FIRST_FAILURE}&t=transcript&e=23", ready=".entry.here")
        self.assertEqual("23", self.browser.run("document.querySelector('.entry.here').dataset.number"))
        self.assertTrue(self.browser.run(
            "document.querySelector('.row[aria-selected=true]').getBoundingClientRect().top < 800"))
        self.open(fragment="#s=nobody", ready=".told:not([hidden])")
        self.assertIn("No session nobody", self.text(".told"))
        self.open(fragment=f"#s={FIRST_FAILURE}&e=99999", ready=".session-head")

    def test_going_back(self):
        self.open()
        self.keys("j")
        self.browser.until("document.querySelector('.session-head')")
        self.browser.run("history.back()")
        self.browser.until("document.querySelector('.tiles')")

    def test_the_command_line_is_copied(self):
        self.open(fragment=f"#s={FIRST_FAILURE}", ready=".session-head")
        self.keys("c")
        self.browser.until("!document.querySelector('.told').hidden")
        self.assertRegex(self.text(".told"), rf"smtptape show {FIRST_FAILURE} \S+night\.tape --since \S+Z --until \S+Z$")
        command = self.text(".told").split(": ", 1)[1].replace("smtptape", PROGRAM, 1)
        shown = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=True)
        self.assertIn(f"session {FIRST_FAILURE}", shown.stdout)

    # ---- looks ----

    def test_contrast(self):
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            for fragment, ready in (("", ".tiles"), (f"#s={FIRST_FAILURE}", ".session-head"),
                                    (f"#s={FIRST_FAILURE}&t=exchanges", ".rung"),
                                    (f"#s={FIRST_FAILURE}&t=transcript&e=23", ".entry.here")):
                self.open(fragment=fragment, ready=ready)
                self.assertEqual([], self.browser.run(CONTRASTS), f"{scheme} {fragment}")

    def test_a_narrow_screen(self):
        self.browser.size(360, 740, mobile=True)
        wide = "document.scrollingElement.scrollWidth"
        self.open()
        self.assertEqual(360, self.browser.run(wide))
        self.assertFalse(self.browser.run("document.querySelector('.beside').checkVisibility()"))
        self.browser.run("document.querySelectorAll('.row')[14].click()")
        self.browser.until("document.querySelector('.session-head')")
        for tab in "123":
            self.keys(tab)
            self.assertEqual(360, self.browser.run(wide), tab)
            self.assertLessEqual(self.browser.run("document.querySelector('.beside').scrollWidth"), 360, tab)
        self.assertFalse(self.browser.run("document.querySelector('.side').checkVisibility()"))
        self.assertEqual("H2", self.browser.run("document.activeElement.tagName"))
        self.browser.run("document.querySelector('.back').click()")
        self.browser.until("document.querySelector('.side').checkVisibility()")

    def test_paper_has_all_of_a_session(self):
        self.open(fragment=f"#s={FIRST_FAILURE}", ready=".session-head")
        self.browser.run("""addEventListener("beforeprint", () => { window.onPaper =
            [".lane", ".rung", ".entry"].map((each) => document.querySelectorAll(each).length); })""")
        self.assertTrue(self.browser.paper().startswith(b"%PDF"))
        lanes, rungs, entries = self.browser.run("window.onPaper")
        self.assertGreater(lanes, 8)
        self.assertGreater(rungs, 30)
        self.assertEqual(35, entries)
        self.browser.until("!document.querySelector('.paper')")

    def test_without_scripts(self):
        self.browser.scripts(False)
        self.browser.open(self.night)
        self.browser.scripts(True)
        self.assertEqual(20, self.count("#plain details"))
        self.assertIn("Here are the first 20", self.text("#plain"))
        self.assertIn("mx1.good-a.example", self.text("#plain details pre"))

    # ---- names for those who don't see it ----

    def test_everything_has_a_name(self):
        for fragment, ready in (("", ".tiles"), (f"#s={FIRST_FAILURE}&t=transcript", ".entry")):
            self.open(fragment=fragment, ready=ready)
            nodes = self.browser.call("Accessibility.getFullAXTree")["nodes"]
            wanted = {"button", "link", "textbox", "searchbox", "combobox", "listbox", "option", "tab",
                      "tabpanel", "navigation", "img", "region"}
            nameless = [node["role"]["value"] for node in nodes if not node["ignored"]
                        and node["role"]["value"] in wanted and not node.get("name", {}).get("value")]
            self.assertEqual([], nameless)
            roles = {node["role"]["value"] for node in nodes if not node["ignored"]}
            self.assertLessEqual({"main", "navigation", "listbox", "option", "status"}, roles)
        first = self.browser.run("document.querySelector('.row').getAttribute('aria-setsize')")
        self.assertEqual("73", first)

    # ---- what wants to get out ----

    def test_hostile_sessions_stay_text(self):
        page = page_of("hostile", hostile_night())
        self.open(page)
        sessions = self.browser.run("document.querySelectorAll('.row').length")
        self.assertGreater(sessions, 3)
        for _ in range(sessions):
            self.keys("j")
            for tab in "123":
                self.keys(tab)
                self.browser.until("document.querySelector('#tab-body').childElementCount")
                self.assertEqual(1, self.count("style"))
                self.assertEqual(0, self.count("img, iframe, object, embed, b, i, marquee, [onerror], [onload]"))
                self.assertIsNone(self.browser.run("window.hacked ?? null"))
                raw = self.browser.run("document.body.innerText.match(/[\\u202a-\\u202e\\u2066-\\u2069\\u2028\\u2029]|[\\0-\\x08]/)")
                self.assertIsNone(raw)
                self.assertLessEqual(self.browser.run("document.querySelector('.beside').scrollWidth"), 880)
        self.assertGreater(self.count(".hidden-character"), 0)

    def test_a_line_of_a_megabyte(self):
        page = page_of("hostile", hostile_night())
        self.open(page, "#s=long&t=transcript", ready=".fold")
        took = self.browser.run("""new Promise((done) => { const before = performance.now();
            document.querySelector(".fold").click();
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - before))); })""")
        self.assertLess(took, 1000)
        self.browser.until("document.querySelector('.fold').textContent.startsWith('Show more')")

    def test_damaged_data_is_told(self):
        text = self.night.read_text(encoding="utf-8")
        at = text.index('data-block="rows">') + 100
        damaged = pathlib.Path(FOLDER.name) / "damaged.html"
        damaged.write_text(text[:at] + "AAAA" + text[at + 4:], encoding="utf-8")
        self.open(damaged, ready="#needs")
        self.browser.until("document.querySelector('#needs').textContent.includes(\"can't be read\")")
        self.assertEqual(20, self.count("#plain details"))

    def test_damaged_details_are_told(self):
        text = self.night.read_text(encoding="utf-8")
        damaged = pathlib.Path(FOLDER.name) / "damaged-details.html"
        damaged.write_text(re.sub(r'(data-block="details">.{100}).{4}', r"\1AAAA", text), encoding="utf-8")
        self.open(damaged)
        self.keys("j")
        self.browser.until("!document.querySelector('.told').hidden")
        self.assertIn("can't be read", self.text(".told"))

    def test_names_that_are_not_searched_are_told(self):
        recipients = [f"RCPT TO:<someone-with-a-long-name-{i}@dest.example>" for i in range(200)]
        words = ["BeginSession", "Connected", read("220 mx"), write("EHLO us"), read("250 mx"), "MessageObtained",
                 write("MAIL FROM:<a@b.example>"), read("250 Ok")]
        for each in recipients:
            words += [write(each), read("250 Ok")]
        self.open(page_of("recipients", session("many", 0, words)))
        self.assertEqual("1 session", self.text(".count"))
        self.keys("/")
        self.browser.type("name-0@")
        self.assertEqual("1 session; of 1 not all names are searched", self.text(".count"))

    def test_the_policy_holds(self):
        self.open()
        self.browser.run("""(() => { const script = document.createElement("script");
            try { script.textContent = "window.hacked = 1"; document.body.append(script); } catch {} })()""")
        self.browser.run("fetch('http://127.0.0.1:9/').catch(() => 0)")
        self.assertIsNone(self.browser.run("window.hacked ?? null"))
        refused = [each for each in self.browser.complaints() if "Content Security Policy" in each or "CSP" in each]
        self.assertTrue(refused)
        self.browser.events.clear()

    # ---- a large one ----

    def test_ten_thousand_sessions_stay_fluid(self):
        page = page_of("large", large_night(10_000, 10))
        self.browser.open(page)
        self.browser.until("document.querySelector('.row')")
        opened = self.browser.run("performance.now()")
        self.assertEqual("10,000 sessions", self.text(".count"))
        figures = {"opened": opened, "bytes": page.stat().st_size, "list": self.frames(".list")}
        self.assertLess(self.count(".row"), 100)  # what is far away is not drawn
        figures["filter"] = self.browser.run("""(() => { const filter = document.querySelector("#filter");
            const before = performance.now(); filter.value = "user77 -bounced";
            filter.dispatchEvent(new Event("input")); return performance.now() - before; })()""")
        one = page_of("long", large_night(1, 19_000))
        self.open(one, "#s=00000000-0000-4000-8000-000000000000&t=transcript", ready=".entry")
        figures["transcript"] = self.frames(".beside")
        self.keys("2")
        self.browser.until("document.querySelector('.rung')")
        figures["exchanges"] = self.frames(".beside")
        print(json.dumps(figures), file=sys.stderr)
        for name in ("list", "transcript", "exchanges"):
            self.assertLess(figures[name]["median"], 50, name)
            self.assertLess(figures[name]["most"], 100, name)
        self.assertLess(figures["opened"], 1000)
        self.assertLess(figures["filter"], 100)


if __name__ == "__main__":
    if chromium.find() is None:
        print("no chromium here")
        sys.exit(77)
    try:
        unittest.main(argv=sys.argv[:1] + sys.argv[3:])
    finally:
        FOLDER.cleanup()
