// The exchanges as a ladder: we stand left, the other side right, time runs down.
import {BlockList, LINE} from "./block_list.js";
import {foreign, make} from "./dom.js";
import {classOfCode, rungsOf} from "./rungs.js";
import {spanText} from "./times.js";

const MOST_REPLY = 6;  // lines; of more, a fold

function linesOfReply(text) {
  return text.split("\n");
}

function reply(rung) {
  const lines = linesOfReply(rung.text);
  const line = (each) => make("div", null, foreign(each));
  const code = classOfCode(rung.code);
  if (lines.length <= MOST_REPLY) return make("div", {class: `says ${code}`}, lines.map(line));
  return make("details", {class: `says ${code}`},
    make("summary", null, foreign(lines.at(-1)), ` (${lines.length} lines)`), lines.map(line));
}

function waited(rung, longest) {
  if (rung.way !== "in" || rung.took === null) return make("span");
  const share = longest > 0 ? Math.max(rung.took, 0) / longest : 0;
  return make("span", {class: "waited"}, spanText(rung.took),
    make("span", {class: "waited-bar", "aria-hidden": "true", style: {width: `${(share * 100).toFixed(1)}%`}}));
}

const HEADINGS = {
  attempt: (rung, session) => {
    const attempt = session.attempts[rung.attempt];
    return [`attempt ${rung.attempt + 1}: `, foreign(attempt?.target ?? attempt?.mx_host ?? "")];
  },
  message: (rung, session) => {
    const message = session.messages[rung.message];
    return [`message ${rung.message + 1}: `, foreign(message?.id ?? message?.sender ?? "")];
  },
  gap: (rung) => ["events are missing: ", foreign(rung.text)],
};

function drawRung(rung, session, longest) {
  const heading = HEADINGS[rung.way];
  if (heading) return make("div", {class: `rung heading ${rung.way}`}, make("span", null, heading(rung, session)));
  const words = rung.way === "out"
    ? make("div", {class: `says ${rung.own ? "own" : ""}`}, foreign(rung.text))
    : rung.way === "none" ? make("div", {class: "says odd"}, rung.text) : reply(rung);
  return make("div", {class: `rung ${rung.way}`},
    make("span", {class: "at"}, `+${spanText(rung.at)}`),
    make("div", {class: "lane-of-two"},
      make("span", {class: "unseen"}, rung.way === "out" ? "sent: " : rung.way === "in" ? "reply: " : ""),
      words, rung.note && make("div", {class: "note"}, rung.note)),
    waited(rung, longest));
}

export function drawLadder(session, place, scroller) {
  const rungs = rungsOf(session);
  const longest = rungs.reduce((most, rung) => Math.max(most, rung.took ?? 0), 0);
  const last = session.attempts.at(-1);
  const body = make("div", {class: "rungs"});
  place.append(
    make("div", {class: "sides"},
      make("span"), make("span", {class: "two-sides"},
        foreign(session.egress_source ?? "we"), foreign(last?.mx_host ?? "the other side")),
      make("span", {class: "dim"}, "waited")),
    body);
  if (rungs.length === 0) body.append(make("p", {class: "nothing"}, "Nothing was said."));
  return new BlockList(body, scroller, {
    count: rungs.length,
    size: 16,
    height: (i) => LINE * (rungs[i].way === "in" ? Math.min(linesOfReply(rungs[i].text).length, MOST_REPLY) : 1) + 8,
    draw: (i) => drawRung(rungs[i], session, longest),
  });
}
