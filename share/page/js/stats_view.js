// All sessions of the page in figures: what came out, when, at whom, with which words; and what
// this page is.
import {button, foreign, make} from "./dom.js";
import {outcomeBadge} from "./outcomes.js";
import {SLOTS, outcomeCounts, slotsOf} from "./timeline.js";
import {clockText, countText, dateText, sizeText} from "./times.js";

const MOST_KEYS = 50;

function tiles(rows, filter) {
  return make("div", {class: "tiles"}, outcomeCounts(rows).map(([outcome, count]) =>
    button([make("span", {class: "tile-count"}, count.toLocaleString("en-US")), outcomeBadge(outcome)],
      () => filter(`outcome:"${outcome}"`), {class: "tile", title: `only sessions that are: ${outcome}`})));
}

function timeline(rows) {
  const slots = slotsOf(rows);
  if (slots.length === 0) return null;
  const most = Math.max(...slots.map((slot) => slot.sessions));
  const width = 100 / SLOTS;
  const part = (slot, i, from, count, tone) => count > 0 && make("rect", {
    class: tone, x: (i * width).toFixed(3), width: (width * 0.85).toFixed(3),
    y: (40 - 40 * (from + count) / most).toFixed(3), height: (40 * count / most).toFixed(3)});
  const [first, last] = [slots[0].from, slots.at(-1).until];
  const failed = slots.reduce((sum, slot) => sum + slot.failed, 0);
  return make("section", {class: "card"}, make("h3", null, "Over time"),
    make("svg", {
      class: "timeline", viewBox: "0 0 100 40", preserveAspectRatio: "none", role: "img",
      "aria-label": `${countText(rows.length, "session")} from ${clockText(first)} to ${clockText(last)}, ` +
        `${failed} with trouble`,
    }, slots.map((slot, i) => [
      part(slot, i, 0, slot.failed, "failed"), part(slot, i, slot.failed, slot.sessions - slot.failed, "fine")])),
    make("div", {class: "timeline-ends"}, make("span", null, `${dateText(first)} ${clockText(first)}`),
      make("span", null, make("span", {class: "key failed"}), "with trouble ", make("span", {class: "key fine"}), "others"),
      make("span", null, `${clockText(last)} UTC`)));
}

function table(title, key, entries, columns) {
  const shown = entries.slice(0, MOST_KEYS);
  if (shown.length === 0) return null;
  return make("section", {class: "card"}, make("h3", null, title),
    make("div", {class: "scrolled", tabindex: "0", role: "region", "aria-label": title}, make("table", null,
      make("thead", null, make("tr", null, make("th", {scope: "col"}, key),
        columns.map(([name]) => make("th", {scope: "col", class: "number"}, name)))),
      make("tbody", null, shown.map((entry) => make("tr", null,
        make("th", {scope: "row"}, foreign(entry.key[key])),
        columns.map(([, value]) => make("td", {class: "number"}, value(entry)))))))),
    shown.length < entries.length && make("p", {class: "dim"},
      `… and ${countText(entries.length - shown.length, "more", "more")}; smtptape stats has them`));
}

const FIGURES = [
  ["sessions", (entry) => entry.sessions.toLocaleString("en-US")],
  ["delivered", (entry) => entry.recipients.delivered.toLocaleString("en-US")],
  ["deferred", (entry) => entry.recipients.deferred.toLocaleString("en-US")],
  ["bounced", (entry) => entry.recipients.bounced.toLocaleString("en-US")],
];

function missing(about) {
  const lines = [...about.gaps, ...about.damage, ...about.notices];
  if (about.gap_count > about.gaps.length) lines.push(`… and ${about.gap_count - about.gaps.length} gaps more`);
  if (about.events_without_session > 0) {
    lines.push(`not in this page: ${countText(about.events_without_session, "event")} of no session`);
  }
  if (about.transcripts_cut > 0) lines.push(`too long to be whole: ${countText(about.transcripts_cut, "transcript")}`);
  if (lines.length === 0 && about.left_out === 0) return null;
  return make("section", {class: "card notice"}, make("h3", null, "What is missing"),
    make("ul", null, lines.map((line) => make("li", null, foreign(line)))),
    about.left_out > 0 && leftOut(about));
}

function leftOut(about) {
  const more = about.left_out - about.left_out_ids.length;
  return make("details", null,
    make("summary", null, `left out: ${countText(about.left_out, "session")}; a page has room for ` +
      `${countText(about.most_events, "event")} and ${sizeText(about.most_bytes)}`),
    make("p", null, `They were received from ${about.left_out_from} to ${about.left_out_until}. ` +
      `With --since ${about.left_out_from} the next page begins with them; a filter chooses fewer.`),
    make("p", {class: "mono"}, about.left_out_ids.map((id) => [foreign(id), " "]),
      more > 0 && `… and ${more} more`));
}

function origin(about, copy) {
  return make("section", {class: "card"}, make("h3", null, "This page"),
    make("p", null, `${countText(about.sessions, "session")} and ${countText(about.events, "event")}, written ` +
      `${about.written ?? ""} by `, foreign(about.writer), ". It asks the network for nothing. Times are UTC."),
    make("p", {class: "command mono"}, foreign(`smtptape sessions${about.tapes}${about.chosen}`)),
    make("div", {class: "actions"}, button("Copy this command", () => copy("sessions"))));
}

// `actions`: {filter(text), copy(command)}
export function drawStats({rows, statistics, about}, actions) {
  const by = (key) => statistics.filter((entry) => Object.hasOwn(entry.key, key));
  return make("div", {class: "cards stats"},
    make("h2", {tabindex: "-1"}, "All sessions"),
    tiles(rows, actions.filter), missing(about), timeline(rows),
    table("By provider", "provider", by("provider"), FIGURES),
    table("By reply", "reply", by("reply"), [["replies", (entry) => entry.replies], FIGURES[0]]),
    origin(about, actions.copy));
}
