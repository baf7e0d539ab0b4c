import assert from "node:assert/strict";
import test from "node:test";
import {deflateSync} from "node:zlib";

import {Details, bytesOf, linesOf, unpacked} from "../../../share/page/js/packed.js";

const packed = (text) => deflateSync(text).toString("base64");

test("what was packed comes out", async () => {
  assert.deepEqual([...bytesOf(" AP8B\n")], [0, 255, 1]);
  assert.equal(await unpacked(packed("é\u2028</script>")), "é\u2028</script>");
});

test("what was damaged on its way is noticed", async () => {
  const good = packed("a".repeat(100));
  await assert.rejects(unpacked(good.slice(0, -8)));
  await assert.rejects(unpacked(`AAAA${good.slice(4)}`));
});

test("details are unpacked when they are wanted, and a few blocks are kept", async () => {
  let count = 0;
  const blocks = Array.from({length: 20}, (_, i) => `{"n":${i}}\n{"n":${i + 100}}\n`);
  const details = new Details(blocks, async (text) => { ++count; return text; });
  assert.equal((await details.of({place: [3, 1]})).n, 103);
  assert.equal((await details.of({place: [3, 0]})).n, 3);
  assert.equal(count, 1);
  for (let i = 0; i < 20; ++i) await details.of({place: [i, 0]});
  assert.equal(details.recent.size, Details.MOST);
  assert.deepEqual(linesOf("a\n\nb\n"), ["a", "b"]);
});
