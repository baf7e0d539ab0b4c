import assert from "node:assert/strict";
import test from "node:test";

import {chosenRows, isFailed, parseQuery, searchedText} from "../../../share/page/js/query.js";
import {row} from "./helpers.js";

const searched = (values) => {
  const made = row(values);
  made.searched = searchedText(made);
  return made;
};
const good = searched({id: "one"});
const bad = searched({id: "two", outcome: "deferred", worst_reply: 421, trouble: "421 4.7.28 Rate limited, try later",
  mx_hosts: ["mx2.other.example"], mx_host: "mx2.other.example", words: "eve@other.example", took: 3, gap: true, begun: 5});

const passes = (query) => [good, bad].filter(parseQuery(query)).map((each) => each.id);

test("words have to be there, all of them, in any case", () => {
  assert.deepEqual(passes(""), ["one", "two"]);
  assert.deepEqual(passes("BOB@dest"), ["one"]);
  assert.deepEqual(passes("rate later"), ["two"]);
  assert.deepEqual(passes("rate bob"), []);
  assert.deepEqual(passes('"rate limited"'), ["two"]);
  assert.deepEqual(passes('"limited rate"'), []);
});

test("a minus denies", () => {
  assert.deepEqual(passes("-delivered"), ["two"]);
  assert.deepEqual(passes('-"rate limited"'), ["one"]);
  assert.deepEqual(passes("-"), ["one", "two"]);
});

test("keys look in one place", () => {
  const queries = [["outcome:deferred", ["two"]], ["outcome:\"deferred\"", ["two"]], ["code:421", ["two"]],
    ["code:4xx", ["two"]], ["code:2", ["one"]], ["mx:other", ["two"]], ["is:gap", ["two"]], ["is:failed", ["two"]],
    ["-is:failed", ["one"]], ["took>2s", ["two"]], ["took<2000ms", ["one"]], ["id:tw", ["two"]], ["source:mta", ["one", "two"]]];
  for (const [query, ids] of queries) assert.deepEqual(passes(query), ids, query);
});

test("what only looks like a key is a word", () => {
  assert.deepEqual(passes("[tss04]:"), []);
  assert.deepEqual(passes("constructor:x"), []);
  assert.deepEqual(passes("192.0.2.1:25"), ["one", "two"]);
  assert.deepEqual(passes("is:unheard"), []);
});

test("failed is what was not delivered, or was answered so", () => {
  assert.equal(isFailed(row({})), false);
  assert.equal(isFailed(row({worst_reply: 554})), true);
  assert.equal(isFailed(row({outcome: "unfinished", worst_reply: null})), true);
});

test("orders", () => {
  const ids = (order) => chosenRows([good, bad], "", order).map((each) => each.id);
  assert.deepEqual(ids("begun"), ["one", "two"]);
  assert.deepEqual(ids("latest"), ["two", "one"]);
  assert.deepEqual(ids("took"), ["two", "one"]);
  assert.deepEqual(ids("worst"), ["two", "one"]);
  assert.deepEqual(ids("outcome"), ["two", "one"]);
  assert.deepEqual(ids("host"), ["one", "two"]);
});
