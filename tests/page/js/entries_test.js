import assert from "node:assert/strict";
import test from "node:test";

import {entriesOf, entryOf, heightOf, nextFailure} from "../../../share/page/js/entries.js";
import {session} from "./helpers.js";

const event = (kind, text, more) => ({kind, text, at: 0, ...more});

test("lines lose kcli's arrows, metadata stands beside them", () => {
  const entry = entryOf(event("read", ' <- 250-a\n <- 250 b\n=== conn_meta tenant="acme"\n=== conn_meta deleted message_id'), 3);
  assert.deepEqual(entry.lines, ["250-a", "250 b"]);
  assert.deepEqual(entry.changes, [{key: "tenant", value: '"acme"'}, {key: "message_id", value: null}]);
  assert.equal(entry.number, 3);
});

test("what a server wrote is no metadata, whatever it looks like", () => {
  assert.deepEqual(entryOf(event("read", " <- === conn_meta a=b"), 1).lines, ["=== conn_meta a=b"]);
  assert.deepEqual(entryOf(event("diagnostic", "=== conn_meta a=b"), 1).changes, []);
});

test("metadata that is told again is no change", () => {
  const [, second] = entriesOf(session({transcript: [
    event("begin", "=== BeginSession x\n=== conn_meta id=1"), event("closed", "=== Closed\n=== conn_meta id=1\n=== conn_meta b=2")]}));
  assert.deepEqual(second.changes, [{key: "b", value: "2"}]);
});

test("long events are folded, and lines of a megabyte", () => {
  const body = event("write", Array.from({length: 200}, (_, i) => `->  line ${i}`).join("\n"));
  assert.equal(entryOf(body, 1).folded, true);
  assert.ok(heightOf(entryOf(body, 1)) < 10);
  assert.equal(entryOf(event("read", ` <- ${"x".repeat(1 << 20)}`), 1).folded, true);
  assert.equal(entryOf(event("read", " <- 250 Ok"), 1).folded, false);
});

test("failures are found, forwards and backwards", () => {
  const entries = entriesOf(session({transcript: [event("read", " <- 250 Ok"), event("read", " <- 450-a\n <- 450 b"),
    event("write", "->  550 is no reply of theirs"), event("diagnostic", "=== ERROR: no"), event("gap", "lag"), event("read", " <- 4500")]}));
  assert.deepEqual(entries.map(({failure}) => failure), [false, true, false, true, true, false]);
  assert.equal(nextFailure(entries, -1, 1), 1);
  assert.equal(nextFailure(entries, 1, 1), 3);
  assert.equal(nextFailure(entries, 4, 1), null);
  assert.equal(nextFailure(entries, 6, -1), 4);
});
