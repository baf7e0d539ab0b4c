import assert from "node:assert/strict";
import test from "node:test";

import {attemptMarks, lanesOf, ticksOf} from "../../../share/page/js/phases.js";
import {session, time} from "./helpers.js";

const span = (phase, from, until) => ({phase, from: time(from), until: time(until), seconds: (until - from) / 1e9});

test("a lane each phase, in the order in which they begin", () => {
  const lanes = lanesOf(session({phases: [span("connect", 0, 250e6), span("MAIL", 250e6, 500e6), span("connect", 750e6, 1e9 - 1)]}));
  assert.deepEqual(lanes.map(({phase, count}) => [phase, count]), [["connect", 2], ["MAIL", 1]]);
  assert.deepEqual(lanes[1].bars, [{from: 0.25, until: 0.5, count: 1}]);
  assert.equal(lanes[0].longest, 0.25);
});

test("bars that no eye can tell apart are one", () => {
  const phases = Array.from({length: 20_000}, (_, i) => span("MAIL", i * 50_000, i * 50_000 + 10_000));
  const [lane] = lanesOf(session({phases}));
  assert.equal(lane.count, 20_000);
  assert.ok(lane.bars.length <= 1000);
});

test("a clock that stepped back leads to no place outside", () => {
  const [lane] = lanesOf(session({phases: [{phase: "idle", from: time(500e6), until: "2026-11-22T19:30:00Z", seconds: -258}]}));
  assert.deepEqual(lane.bars, [{from: 0.5, until: 0, count: 1}]);
  assert.deepEqual(lanesOf(session({seconds: 0, phases: [span("idle", 0, 0)]}))[0].bars, [{from: 0, until: 0, count: 1}]);
});

test("ticks are round and few", () => {
  for (const length of [1e-6, 0.0139, 0.95, 1, 7.4, 61, 86_400]) {
    const ticks = ticksOf(length);
    assert.ok(ticks.length >= 2 && ticks.length <= 8, `${length}: ${ticks}`);
    assert.ok(ticks.every((tick) => tick > 0 && tick < length));
  }
  assert.deepEqual(ticksOf(0), []);
});

test("attempts are marked where they began", () => {
  const marks = attemptMarks(session({attempts: [{begun: time(0)}, {begun: time(500e6)}]}));
  assert.deepEqual(marks, [{index: 0, at: 0}, {index: 1, at: 0.5}]);
});
