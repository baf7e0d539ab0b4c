import assert from "node:assert/strict";
import test from "node:test";

import {COMMANDS, fragmentOf, giveKeys, parseFragment, shellWord} from "../../../share/page/js/links.js";
import {row} from "./helpers.js";

test("a fragment gives back the place it was made of", () => {
  for (const place of [{session: "a b&c=%#é", tab: "transcript", event: 12}, {session: "a", tab: "exchanges", event: null}]) {
    assert.deepEqual(parseFragment(fragmentOf(place)), place);
  }
  assert.equal(fragmentOf({session: "a", tab: "overview", event: null}), "#s=a");
  assert.equal(fragmentOf({session: null}), "#");
});

test("a fragment may be anything", () => {
  const nothing = {session: null, tab: null, event: null};
  for (const fragment of ["", "#", "#s", "#&&", "#e=-1&x=2", "#s=%E0%A4%A", "#e=1e9", "#e=99999999999"]) {
    assert.deepEqual(parseFragment(fragment), nothing, fragment);
  }
});

test("sessions that came back have keys of their own", () => {
  const rows = [row({id: "a"}), row({id: "b"}), row({id: "a"})];
  giveKeys(rows);
  assert.deepEqual(rows.map(({key}) => key), ["a", "b", "a~2"]);
});

test("what is copied is one command, whatever the id is", () => {
  assert.equal(shellWord("a-b.c"), "a-b.c");
  assert.equal(shellWord("it's"), "'it'\\''s'");
  assert.equal(shellWord("$(reboot)"), "'$(reboot)'");
  assert.equal(shellWord("a\nreboot"), "'a\\nreboot'");
  assert.equal(shellWord(""), "''");
  assert.equal(COMMANDS.show({tapes: " night.tape"}, row({id: "x y"})),
    "smtptape show 'x y' night.tape --since 2026-11-22T19:34:17.185Z --until 2026-11-22T19:34:17.201Z");
  assert.equal(COMMANDS.sessions({tapes: " t", chosen: " --tenant acme"}), "smtptape sessions t --tenant acme");
});
