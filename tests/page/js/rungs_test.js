import assert from "node:assert/strict";
import test from "node:test";

import {classOfCode, rungsOf} from "../../../share/page/js/rungs.js";
import {exchange, session, time} from "./helpers.js";

const mail = exchange({step: "mail", command: "MAIL FROM:<a@b>", sent: time(1e6), replied: time(5e6), seconds: 0.004,
  code: 250, reply: "250 Ok", message: 0});
const rcpt = exchange({step: "rcpt", command: "RCPT TO:<c@d>", sent: time(2e6), replied: time(6e6), seconds: 0.004,
  code: 550, reply: "550-No\n550 such user", message: 0});

test("rungs are in the order of time, also where commands were pipelined", () => {
  const rungs = rungsOf(session({exchanges: [mail, rcpt]}));
  assert.deepEqual(rungs.map(({way, index}) => [way, index]), [["out", 0], ["out", 1], ["in", 0], ["in", 1]]);
  assert.equal(rungs[3].text, "550-No\n550 such user");
  assert.equal(rungs[3].took, 0.004);
});

test("what has no reply says so", () => {
  const rungs = rungsOf(session({exchanges: [exchange({command: "QUIT", step: "quit", sent: time(1e6), answer: "none"})]}));
  assert.deepEqual(rungs.map(({way, text}) => [way, text]), [["out", "QUIT"], ["none", "no reply"]]);
});

test("a command of which the reply is not known stands alone", () => {
  const rungs = rungsOf(session({exchanges: [exchange({command: "NOOP", sent: time(1e6), answer: "unknown"})]}));
  assert.deepEqual(rungs.map(({way, note}) => [way, note]), [["out", "not known which reply"]]);
});

test("what nobody asked for is there alone", () => {
  const rungs = rungsOf(session({exchanges: [exchange({kind: "unasked", answer: null, replied: time(1e6), code: 421, reply: "421 Bye"})]}));
  assert.deepEqual(rungs.map(({way, note}) => [way, note]), [["in", "nothing waited for this"]]);
});

test("secrets and messages are named, not shown", () => {
  const texts = rungsOf(session({exchanges: [
    exchange({step: "auth", command: "AUTH PLAIN", sent: time(1e6), answer: "unknown"}),
    exchange({step: "message", bytes: 1234, sent: time(2e6), answer: "unknown"}),
    exchange({kind: "unclear", bytes: 7, sent: time(3e6), answer: null}),
  ]})).filter(({way}) => way === "out").map(({text}) => text);
  assert.deepEqual(texts, ["AUTH PLAIN …", "(the message, 1,234 bytes)", "(7 bytes, not known what)"]);
});

test("gaps stand where they are, attempts and messages have headings", () => {
  const rungs = rungsOf(session({
    exchanges: [mail, {...rcpt, attempt: 1, message: 1, sent: time(7e6), replied: time(8e6)}],
    attempts: [{begun: time(0)}, {begun: time(6e6)}],
    messages: [{}, {}],
    transcript: [{kind: "gap", at: 0.0055, text: "server lag: 7 events"}],
  }));
  assert.deepEqual(rungs.map(({way}) => way), ["attempt", "message", "out", "in", "gap", "attempt", "message", "out", "in"]);
});

test("codes have classes", () => {
  assert.deepEqual([250, 354, 421, 550, null].map(classOfCode), ["ok", "ok", "warn", "bad", "odd"]);
});
