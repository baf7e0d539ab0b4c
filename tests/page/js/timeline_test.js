import assert from "node:assert/strict";
import test from "node:test";

import {SLOTS, outcomeCounts, slotsOf} from "../../../share/page/js/timeline.js";
import {row} from "./helpers.js";

test("each session is in one slot", () => {
  const rows = Array.from({length: 1000}, (_, i) => row({begun: i, worst_reply: i % 4 === 0 ? 550 : 250}));
  const slots = slotsOf(rows);
  assert.equal(slots.length, SLOTS);
  assert.equal(slots.reduce((sum, slot) => sum + slot.sessions, 0), 1000);
  assert.equal(slots.reduce((sum, slot) => sum + slot.failed, 0), 250);
});

test("one session, and none", () => {
  assert.equal(slotsOf([row({begun: 5})])[0].sessions, 1);
  assert.deepEqual(slotsOf([]), []);
});

test("outcomes are counted, the most frequent first", () => {
  const rows = [row({}), row({outcome: "bounced"}), row({outcome: "bounced"})];
  assert.deepEqual(outcomeCounts(rows), [["bounced", 2], ["delivered", 1]]);
});
