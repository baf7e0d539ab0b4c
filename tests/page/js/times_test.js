import assert from "node:assert/strict";
import test from "node:test";

import {
  clockText, countText, dateText, laterText, secondsBetween, sizeText, spanText,
} from "../../../share/page/js/times.js";

test("spans are told as smtptape show tells them", () => {
  const spans = [[0, "0 ms"], [0.00026, "0.26 ms"], [0.0051, "5.1 ms"], [0.085, "85 ms"], [5.12, "5.1 s"],
    [723, "12 min 3 s"], [-0.012, "-12 ms"], [7260, "2 h 1 min"]];
  for (const [seconds, text] of spans) assert.equal(spanText(seconds), text);
});

test("times are exact to the nanosecond and told in UTC", () => {
  assert.equal(secondsBetween("2026-11-22T19:34:17.000000001Z", "2026-11-22T19:34:18.000000003Z").toFixed(9), "1.000000002");
  assert.equal(secondsBetween("2026-11-22T19:34:17.5Z", "2026-11-22T19:34:17Z"), -0.5);
  assert.equal(clockText(1795376057.169), "19:34:17.169");
  assert.equal(dateText(1795376057.169), "2026-11-22");
  assert.equal(clockText(NaN), "no time");
  assert.equal(laterText("2026-11-22T19:34:17.999Z", 2), "2026-11-22T19:34:18.001Z");
});

test("sizes and counts have their units", () => {
  assert.equal(sizeText(1), "1 byte");
  assert.equal(sizeText(45_930), "44.9 KiB");
  assert.equal(countText(1, "session"), "1 session");
  assert.equal(countText(10_000, "session"), "10,000 sessions");
});
