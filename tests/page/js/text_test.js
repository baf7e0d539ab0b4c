import assert from "node:assert/strict";
import test from "node:test";

import {headOf, piecesOf, plainText} from "../../../share/page/js/text.js";

test("what is plain stays in one piece", () => {
  assert.deepEqual(piecesOf("250 2.0.0 Ok <b>é漢😀</b>"), [{text: "250 2.0.0 Ok <b>é漢😀</b>", mark: false}]);
  assert.deepEqual(piecesOf(""), []);
});

test("what is hidden is shown, and marked", () => {
  assert.deepEqual(piecesOf("a\u202eb"),
    [{text: "a", mark: false}, {text: "\\u{202e}", mark: true}, {text: "b", mark: false}]);
  for (const hidden of ["\u0000", "\u001b", "\u007f", "\u0085", "\u200b", "\u200f", "\u2028", "\u2029", "\u2066",
    "\ufeff", "\ud800", "\u{e0041}", "\u061c", "\n"]) {
    assert.equal(piecesOf(hidden).every((piece) => piece.mark), true, escape(hidden));
    assert.match(plainText(hidden), /^\\/);
  }
});

test("a beginning ends with a whole character", () => {
  assert.equal(headOf("ab😀c", 3), "ab");
  assert.equal(headOf("ab😀c", 4), "ab😀");
  assert.equal(headOf("ab", 4), "ab");
});
