// The transcript: every event as kcli prints it, long ones folded.
import {BlockList, LINE} from "./block_list.js";
import {button, foreign, make} from "./dom.js";
import {
  FEW_LINES, MOST_CHARACTERS, entriesOf, heightOf, isFailedLine, nextFailure,
} from "./entries.js";
import {headOf} from "./text.js";
import {countText, sizeText, spanText} from "./times.js";

const STEP = 64 * 1024;  // characters that a fold opens by
const MOST_CHANGES = 3;  // of metadata, that are shown without a fold

const SIGNS = {read: "←", write: "→", gap: "~", connected: "•", closed: "•", begin: "•",
  message: "✉", diagnostic: "i", unknown: "?"};
const SIGN_NAMES = {read: "read", write: "written", gap: "gap"};

function drawLine(kind, line, ...more) {
  return make("div", {class: `line ${isFailedLine(kind, line) ? "failed" : ""}`}, foreign(line), ...more);
}

function someLines({kind, lines}, most, characters) {
  let left = characters;
  const out = [];
  for (const line of lines) {
    if (out.length >= most || left <= 0) break;
    const shown = headOf(line, Math.min(left, MOST_CHARACTERS));
    out.push(drawLine(kind, shown, shown.length < line.length && "…"));
    left -= shown.length + 1;
  }
  return out;
}

// All of it, in pieces that a browser lays out quickly.
function piecesFrom(text, from) {
  const piece = headOf(text.slice(from, from + STEP), STEP);
  return {element: make("div", {class: "line whole"}, foreignLines(piece)), until: from + piece.length};
}

// Line ends are ours here: they stay line ends.
function foreignLines(text) {
  const out = make("bdi");
  for (const [i, line] of text.split("\n").entries()) {
    if (i > 0) out.append("\n");
    out.append(...foreign(line).childNodes);
  }
  return out;
}

function moreOf(entry) {
  const characters = entry.lines.reduce((sum, line) => sum + line.length + 1, 0);
  return entry.lines.length > FEW_LINES
    ? `all ${countText(entry.lines.length, "line")}, ${sizeText(characters)}`
    : `all ${sizeText(characters)}`;
}

function foldedLines(entry) {
  const body = make("div", {class: "lines"}, someLines(entry, FEW_LINES, MOST_CHARACTERS));
  const text = entry.lines.join("\n");
  let until = 0;
  const open = button(`Show ${moreOf(entry)}`, () => {
    if (until === 0) body.replaceChildren();
    const piece = piecesFrom(text, until);
    body.append(piece.element);
    until = piece.until;
    if (until >= text.length) {
      open.remove();
      body.focus();
    } else {
      open.textContent = `Show more, ${sizeText(text.length - until)} left`;
    }
  }, {class: "fold"});
  body.tabIndex = -1;
  return [body, open];
}

function change({key, value}) {
  return make("div", {class: "change"}, foreign(key, {class: "strong"}),
    value === null ? " is gone" : ["=", foreign(headOf(value, MOST_CHARACTERS)), value.length > MOST_CHARACTERS && "…"]);
}

function changes(entry) {
  if (entry.changes.length === 0) return null;
  if (entry.changes.length <= MOST_CHANGES) {
    return make("div", {class: "changes"}, make("span", {class: "unseen"}, "metadata: "),
      entry.changes.map(change));
  }
  return make("details", {class: "changes"},
    make("summary", null, "metadata: ", foreign(entry.changes.map(({key}) => key).join(", "))),
    entry.changes.map(change));
}

function drawEntry(entry, link, here) {
  return make("div", {class: `entry ${entry.kind} ${here ? "here" : ""}`, "data-number": entry.number},
    make("a", {class: "at", href: link(entry.number), title: `event ${entry.number}: a link to it`},
      `+${spanText(entry.at)}`),
    make("span", {class: "sign", "aria-hidden": "true"}, SIGNS[entry.kind] ?? "•"),
    make("div", {class: "what"},
      SIGN_NAMES[entry.kind] && make("span", {class: "unseen"}, `${SIGN_NAMES[entry.kind]}: `),
      entry.kind === "gap" && make("span", {class: "strong"}, "events are missing: "),
      entry.folded ? foldedLines(entry)
        : make("div", {class: "lines"}, entry.lines.map((line) => drawLine(entry.kind, line))),
      entry.leftOut > 0 && make("div", {class: "note"}, `${sizeText(entry.leftOut)} more are not in this page`),
      changes(entry)));
}

export class TranscriptView {
  constructor(session, place, scroller, link) {
    this.entries = entriesOf(session);
    this.at = -1;
    const body = make("div", {class: "entries"});
    place.append(body);
    if (session.transcript_left_out > 0) {
      place.append(make("p", {class: "card notice"},
        `${countText(session.transcript_left_out, "event")} more are not in this page; smtptape show has them.`));
    }
    this.list = new BlockList(body, scroller, {
      count: this.entries.length,
      size: 16,
      height: (i) => LINE * heightOf(this.entries[i]) + 6,
      draw: (i) => drawEntry(this.entries[i], link, i === this.at),
    });
  }

  // The event with this number, from 1.
  reveal(number) {
    const index = number - 1;
    if (index < 0 || index >= this.entries.length) return;
    this.list.element(this.at)?.classList.remove("here");
    this.at = index;
    this.list.reveal(index, "center")?.classList.add("here");
  }

  // The number of what failed next; null: there is nothing more.
  failure(direction) {
    const from = this.at < 0 && direction < 0 ? this.entries.length : this.at;
    const found = nextFailure(this.entries, from, direction);
    return found === null ? null : found + 1;
  }
}
