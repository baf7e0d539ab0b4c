// A session's exchanges as the rungs of a ladder: what went over, in the order of its times.
import {countText, secondsBetween} from "./times.js";

const ALONE = {
  "unasked": "nothing waited for this",
  "unpaired": "what this answers is not known",
  "not-smtp": "this is no SMTP",
};

function sentWords(exchange) {
  if (exchange.kind === "unclear") return `(${countText(exchange.bytes, "byte")}, not known what)`;
  switch (exchange.step) {
    case "banner": return "(connected)";
    case "auth-answer": return "(an answer to the challenge)";
    case "auth": return `${exchange.command ?? "AUTH"} …`;
    case "message": return `(the message, ${countText(exchange.bytes, "byte")})`;
    default: return exchange.command ?? "(a line that may be a secret)";
  }
}

function answerNote(exchange) {
  if (exchange.kind !== "command") return ALONE[exchange.kind] ?? null;
  if (exchange.answer === "none") return exchange.reply === null ? "no reply" : "and no more";
  if (exchange.answer === "unknown") return "not known which reply";
  return null;
}

function rungsOfExchange(exchange, index, at) {
  const rungs = [];
  const common = {index, attempt: exchange.attempt, message: exchange.message};
  const alone = exchange.kind !== "command" && exchange.kind !== "unclear";
  const sent = exchange.sent === null ? null : at(exchange.sent);
  const replied = exchange.replied === null ? null : at(exchange.replied);
  const note = answerNote(exchange);
  const unknown = !alone && exchange.answer === "unknown";
  if (!alone) {
    rungs.push({...common, way: "out", at: sent ?? replied ?? 0, text: sentWords(exchange),
      own: exchange.command === null || exchange.step === "message", note: unknown ? note : null});
  }
  if (exchange.reply !== null) {
    rungs.push({...common, way: "in", at: replied ?? sent ?? 0, text: exchange.reply, code: exchange.code,
      took: exchange.seconds, note});
  } else if (note !== null && !unknown) {
    rungs.push({...common, way: "none", at: replied ?? sent ?? 0, text: note});
  }
  return rungs;
}

// [{way: "out" | "in" | "none" | "attempt" | "message" | "gap", at, text, …}]; `at` in seconds.
export function rungsOf(session) {
  const at = (time) => secondsBetween(session.begun, time);
  const rungs = session.exchanges.flatMap((exchange, index) => rungsOfExchange(exchange, index, at));
  for (const event of session.transcript) {
    if (event.kind === "gap") rungs.push({way: "gap", at: event.at, text: event.text});
  }
  rungs.sort((a, b) => a.at - b.at);
  return withHeadings(rungs, session);
}

function withHeadings(rungs, session) {
  const out = [];
  let attempt = null;
  let message = null;
  for (const rung of rungs) {
    if (rung.way !== "gap" && rung.attempt !== attempt && session.attempts.length > 1) {
      attempt = rung.attempt;
      out.push({way: "attempt", at: rung.at, attempt});
    }
    if (rung.way === "out" && rung.message !== null && rung.message !== message) {
      message = rung.message;
      if (session.messages.length > 1) out.push({way: "message", at: rung.at, message});
    }
    out.push(rung);
  }
  return out;
}

export function classOfCode(code) {
  if (!code) return "odd";
  return code >= 500 ? "bad" : code >= 400 ? "warn" : "ok";
}
