#!/usr/bin/env python3
"""Modules are put together in their order, or the mistake in them is told."""
import pathlib
import sys
import tempfile
import unittest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "share" / "page"
sys.path.insert(0, str(PAGE))
import assemble  # noqa: E402


def script(**modules):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in modules.items():
            (pathlib.Path(folder) / f"{name}.js").write_text(text, encoding="utf-8")
        return assemble.script_of(pathlib.Path(folder))


class Assembling(unittest.TestCase):
    def refused(self, words, **modules):
        with self.assertRaisesRegex(assemble.Mistake, words):
            script(**modules)

    def test_needed_modules_come_first_and_once(self):
        text = script(main='import {a} from "./a.js";\nimport {b} from "./b.js";\na(b);',
                      a='import {b} from "./b.js";\nexport function a() { return b; }\n',
                      b="export const b = 1;\n")
        self.assertEqual(text.count("const b = 1;"), 1)
        self.assertLess(text.index("const b"), text.index("function a"))
        self.assertLess(text.index("function a"), text.index("a(b)"))
        self.assertNotRegex(text, r"(?m)^(import|export)")

    def test_mistakes_are_told(self):
        self.refused("both have a x", main='import {y} from "./a.js";\nconst x = y;',
                     a="const x = 1;\nexport const y = x;")
        self.refused("has no z", main='import {z} from "./a.js";\n', a="export const y = 1;")
        self.refused("imports itself", main='import {a} from "./a.js";\n',
                     a='import {a} from "./main.js";\n')
        self.refused("nothing imports b.js", main="", b="")
        self.refused("not understood", main='import * as a from "a";')

    def test_what_would_end_the_script_is_refused(self):
        for text in ("'</script>'", "// <!--", "'<SCRIPT'", "'\u2028'"):
            with self.assertRaises(assemble.Mistake):
                assemble.checked(text, "x")

    def test_the_page_itself(self):
        text = assemble.checked(assemble.script_of(PAGE / "js"), "the script")
        self.assertNotIn("innerHTML", text)
        self.assertNotIn("eval(", text)


if __name__ == "__main__":
    unittest.main()
