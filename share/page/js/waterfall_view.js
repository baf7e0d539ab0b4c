// Where the time went: a lane each phase, over the length of the session.
import {make} from "./dom.js";
import {attemptMarks, lanesOf, ticksOf} from "./phases.js";
import {countText, spanText} from "./times.js";

const OURS = new Set(["throttle", "idle", "body"]);  // who let the other one wait

function toneOfPhase(phase) {
  if (phase === "not known") return "unknown";
  return OURS.has(phase) ? "ours" : phase === "other" ? "other" : "theirs";
}

const percent = (share) => `${(share * 100).toFixed(3)}%`;

function bar({from, until, count}, tone, phase) {
  return make("span", {
    class: `bar ${tone}`,
    title: `${phase}${count > 1 ? `, ${count} times` : ""}`,
    style: {left: percent(from), width: `max(3px, ${percent(until - from)})`},
  });
}

export function drawWaterfall(session) {
  const lanes = lanesOf(session);
  if (lanes.length === 0 || !(session.seconds > 0)) return null;
  const marks = attemptMarks(session).slice(1).map(({index, at}) =>
    make("span", {class: "attempt-mark", title: `attempt ${index + 1}`, style: {left: percent(at)}}));
  const ticks = ticksOf(session.seconds).map((tick) =>
    make("span", {class: "tick", style: {left: percent(tick / session.seconds)}}, spanText(tick)));
  return make("section", {class: "card waterfall"},
    make("h3", null, "Time"),
    make("div", {class: "lane axis", "aria-hidden": "true"},
      make("span"), make("div", {class: "track"}, ticks), make("span")),
    make("ul", {class: "lanes"}, lanes.map((lane) =>
      make("li", {class: "lane"},
        make("span", {class: "lane-name"}, lane.phase),
        make("div", {class: "track", "aria-hidden": "true"}, marks.map((mark) => mark.cloneNode()),
          lane.bars.map((each) => bar(each, toneOfPhase(lane.phase), lane.phase))),
        make("span", {class: "lane-time"}, spanText(lane.seconds),
          lane.count > 1 && make("span", {class: "dim"}, ` in ${lane.count}`))))),
    make("p", {class: "legend"},
      make("span", {class: "key theirs"}), "the other side is waited for ",
      make("span", {class: "key ours"}), "ours ",
      make("span", {class: "key unknown"}), "events are missing",
      session.attempts.length > 1 && ` · ${countText(session.attempts.length, "attempt")}, lines between them`));
}
