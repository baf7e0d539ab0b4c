#!/usr/bin/env python3
"""The lints see what they are for, and let good code pass."""
import pathlib
import unittest

import coroutine_lint
import docs_lint
import include_lint
import tests_lint

Path = pathlib.PurePosixPath


class Includes(unittest.TestCase):
    def whys(self, path, text, *others):
        told = include_lint.problems({Path(path): text}, [Path(path), *map(Path, others)])
        return [problem.split(": ", 1)[1] for problem in told]

    def test_down_and_sideways_pass(self):
        text = '#include "format/event.h"\n#include "base/error.h"\n#include <vector>\n'
        self.assertEqual([], self.whys("format/meta.cc", text, "format/event.h", "base/error.h"))
        self.assertEqual([], self.whys("cli/main.cc", text, "format/event.h", "base/error.h"))

    def test_up_and_across_fail(self):
        self.assertIn("point down", self.whys(
            "format/a.cc", '#include "filters/b.h"', "filters/b.h")[0])
        self.assertIn("point down", self.whys(
            "capture/a.cc", '#include "replay/b.h"', "replay/b.h")[0])
        self.assertIn("point down", self.whys(
            "base/net/a.cc", '# include "format/limits.h"', "format/limits.h")[0])
        self.assertIn("point down", self.whys(
            "format/a.cc", '#include "tests/b.h"', "tests/b.h")[0])

    def test_base_does_not_know_its_net(self):
        self.assertEqual(1, len(self.whys("base/a.cc", '#include "base/net/b.h"', "base/net/b.h")))
        self.assertEqual([], self.whys("base/net/b.cc", '#include "base/a.h"', "base/a.h"))

    def test_names_start_at_the_root(self):
        self.assertIn("named from its root", self.whys("base/a.cc", '#include "a.h"', "base/a.h")[0])
        self.assertIn("named from its root", self.whys("base/a.cc", '#include "../base/a.h"', "base/a.h")[0])
        self.assertIn("is ours", self.whys("base/a.cc", "#include <base/a.h>", "base/a.h")[0])
        self.assertIn("named from its root", self.whys("base/a.cc", '#include "base/gone.h"')[0])
        self.assertEqual([], self.whys("format/tape/a.cc", '#include "tape.capnp.h"'))
        self.assertEqual([], self.whys("cli/a.cc", '#include "cli/b.h"', "cli/b.h.in"))

    def test_heavy_libraries_stay_at_home(self):
        self.assertEqual([], self.whys("base/net/a.cc", "#include <boost/beast/http.hpp>"))
        self.assertEqual([], self.whys("capture/a.cc", "#include <boost/asio/awaitable.hpp>"))
        self.assertEqual([], self.whys("filters/a.cc", "#include <boost/smart_ptr.hpp>"))
        self.assertEqual([], self.whys("tests/base/a_test.cc", "#include <gtest/gtest.h>"))
        for path, library in (("capture/a.cc", "boost/beast/http.hpp"), ("cli/a.cc", "zstd.h"),
                              ("filters/a.cc", "immintrin.h"), ("base/a.cc", "CLI/CLI.hpp"),
                              ("replay/a.cc", "gtest/gtest.h")):
            self.assertEqual(1, len(self.whys(path, f"#include <{library}>")), library)

    def test_the_line_is_told(self):
        text = '#pragma once\n\n#include "cli/b.h"\n'
        told = list(include_lint.problems({Path("base/a.h"): text}, [Path("cli/b.h")]))
        self.assertTrue(told[0].startswith("base/a.h:3: "))


    def test_two_types_of_one_name(self):
        texts = {Path("base/a.h"): "namespace smtptape {\nclass Tape {\n};\n}  // namespace smtptape\n",
                 Path("store/b.cc"): "namespace smtptape {\nnamespace {\nstruct Tape {\n};\n}  // namespace\n"
                                     "struct Tape::Impl {\n};\nclass Tape;\n}  // namespace smtptape\n"}
        self.assertEqual([], list(include_lint.problems(texts, texts)))
        texts[Path("cli/c.h")] = "namespace smtptape {\nstruct Tape final : Base {\n"
        self.assertIn("cli/c.h:2: Tape is a type of base/a.h", list(include_lint.problems(texts, texts))[0])

class Coroutines(unittest.TestCase):
    GOOD = (
        "co_await f();",
        "co_await timer.async_wait(asio::use_awaitable);",
        "const Frame frame = co_await reader.next(timeout);",
        "std::vector<std::byte> bytes = co_await read<Frame>(a, b);",
        "state_.frame = co_await next();",
        "co_return co_await f();",
        "if (auto frame = co_await next()) use(*frame);",
        "if (auto frame = co_await next(); frame) use(*frame);",
        "while (co_await more()) { count += 1; }",
        "if (late) co_await f(); else co_await g();",
        "if (late(1)) { co_await f(); } else { x = co_await g(); }",
        "for (int i = 0; i < n; ++i) co_await f(i);",
        "switch (kind) { case Kind::A: co_await f(); break; case Kind::B: x(); }",
        "const auto [error, size] = co_await socket.async_read_some(buffer, kNoThrow);",
        "[[maybe_unused]] const auto size = co_await f();",
        "const Options options{.a = 1}; co_await f(options);",
        "// co_await g({1});\n/* co_await g([&] {}) */ log(\"co_await {\");",
        "co_await f(\"{[\", '[', 1'000);",
        "auto text = R\"(co_await f({1}))\"; co_await f();",
    )
    BAD = (
        "co_await f({1, 2});",
        "co_await f(Options{.a = 1});",
        "co_await f([&] { return 1; });",
        "co_await tasks[0];",
        "const Result result{co_await f()};",
        "use(co_await f());",
        "const auto size = std::max(1, co_await f());",
        "switch (co_await f()) { case 1: g(); }",
        "for (const auto& x : co_await f()) g(x);",
        "for (;;co_await f()) { g(); }",
        "x = late ? co_await f() : co_await g();",
        "x = co_await f() ? 1 : 2;",
        "x = 1 + co_await f();",
        "x = co_await f() + 1;",
        "if (co_await f() && g()) h();",
        "if (!co_await f()) h();",
        "auto [a, b] = co_await f();",
        "auto& [a, b] = co_await f();",
        "map[1] = co_await f();",
        "co_return Result{co_await f()};",
        "co_await f(co_await g());",
        "std::vector<int> all = {co_await f(), 2};",
        "co_await\n    f({1});",
    )

    def whys(self, body, **how):
        return list(coroutine_lint.problems(f"awaitable<void> run() {{\n{body}\n}}\n", **how))

    def test_safe_shapes_pass(self):
        for body in self.GOOD:
            self.assertEqual([], self.whys(body), body)

    def test_other_shapes_fail(self):
        for body in self.BAD:
            self.assertTrue(self.whys(body), body)

    def test_the_line_is_told(self):
        self.assertEqual([4], [line for line, _ in self.whys("// one\n\nco_await f({1});")])

    def test_preprocessor_and_comments_are_not_code(self):
        text = "#define LATER(x) \\\n  use(co_await (x))\n// it's {\n"
        self.assertEqual([], list(coroutine_lint.problems(text)))

    def test_lambdas_with_captures_are_no_coroutines(self):
        capturing = "spawn(io, [this]() -> awaitable<void> { co_await f(); }, done);"
        self.assertEqual(1, len(self.whys(capturing)))
        self.assertEqual([], self.whys(capturing, is_test=True))
        self.assertEqual([], self.whys("spawn([](Task t) -> awaitable<void> { co_return; }, done);"))
        self.assertEqual([], self.whys("auto ready = [this] { return done_; }; co_await f(ready);"))
        self.assertEqual([], self.whys("sort([&](int a, int b) noexcept { return a < b; }); co_await f();"))

    def test_nothing_is_detached(self):
        self.assertEqual(1, len(self.whys("co_spawn(io, run(), asio::detached);")))
        self.assertEqual([], self.whys("co_spawn(io, run(), asio::detached);", is_test=True))
        self.assertEqual([], self.whys("bool detached = false;"))


class Tests(unittest.TestCase):
    def whys(self, lists, *paths):
        cmakes = {Path(path): text for path, text in lists.items()}
        return list(tests_lint.problems([Path(path) for path in paths], cmakes))

    def test_named_sources_pass(self):
        lists = {"tests/base/CMakeLists.txt": "add_folder_test(base_test SOURCES a_test.cc net/b_test.cc)"}
        self.assertEqual([], self.whys(lists, "tests/base/a_test.cc", "tests/base/net/b_test.cc"))

    def test_sources_in_no_list_fail(self):
        lists = {"tests/base/CMakeLists.txt": "add_folder_test(base_test SOURCES # b_test.cc\n a_test.cc)"}
        self.assertEqual(1, len(self.whys(lists, "tests/base/b_test.cc")))
        self.assertEqual(1, len(self.whys(lists, "tests/format/a_test.cc")))
        for folder in ("base/net", "smtp", "format", "filters", "store", "capture", "replay", "cli", "bench"):
            self.assertEqual(1, len(self.whys(lists, folder + "/a.cc")), folder)
        self.assertEqual([], self.whys(lists, "samples/a.cc"))

    def test_fuzz_targets_are_added_and_have_inputs(self):
        lists = {"tests/fuzz/CMakeLists.txt": "#  add_fuzz_target(b)\nadd_fuzz_target(a DEPENDS x)\n"}
        seed = "tests/fuzz/corpus/a/one"
        self.assertEqual([], self.whys(lists, "tests/fuzz/a_fuzz.cc", seed))
        self.assertIn("no inputs", self.whys(lists, "tests/fuzz/a_fuzz.cc")[0])
        self.assertIn("add_fuzz_target(b", self.whys(
            lists, "tests/fuzz/b_fuzz.cc", "tests/fuzz/corpus/b/one")[0])


class Docs(unittest.TestCase):
    def whys(self, text, page="README.md"):
        texts = {Path(page): text, Path("docs/format.md"): "# The tape\n## Torn tails, `x`\n## Twice\n## Twice\n"}
        project = docs_lint.Project(
            texts, [Path("README.md"), Path("format/event.h"), *texts], {"build", "test"}, {"replay"})
        return [problem.split(": ", 1)[1] for problem in docs_lint.problems(project)]

    def test_links_lead_to_files_and_headings(self):
        self.assertEqual([], self.whys(
            "# Top\n[a](docs/format.md) [b](#top) [c](docs/) [d](https://e.org/x) "
            "[`e`](docs/format.md#torn-tails-x) [f](docs/format.md#twice-1)"))
        self.assertEqual(["the link to docs/none.md leads nowhere"], self.whys("[a](docs/none.md)"))
        self.assertEqual(1, len(self.whys("[a](docs/format.md#twice-2)")))

    def test_links_are_relative_to_their_page(self):
        self.assertEqual([], self.whys("[a](format.md) [b](../README.md)", page="docs/user.md"))
        self.assertEqual(1, len(self.whys("[a](docs/format.md)", page="docs/user.md")))

    def test_code_holds_no_links(self):
        self.assertEqual([], self.whys("`[a](none.md)`\n\n```\n[a](none.md)\n```\n"))

    def test_commands_exist(self):
        self.assertEqual([], self.whys("`./dev build`\n```sh\n./dev test -R x\nsmtptape replay x.tape\n```\n"))
        self.assertEqual(["./dev has no command tset"], self.whys("run `./dev tset`"))
        self.assertEqual(["smtptape has no command rewind"], self.whys("```sh\nbuild/release/smtptape rewind\n```\n"))
        self.assertEqual([], self.whys("the word smtptape rewinds nothing"))

    def test_paths_in_backticks_exist(self):
        self.assertEqual([], self.whys("`format/event.h` `format/` `other/thing.h` `docs/*.md`"))
        self.assertEqual(["format/gone.h is not there"], self.whys("see `format/gone.h`"))


if __name__ == "__main__":
    unittest.main()
