// What became of sessions and recipients: a mark, a word and a colour; never the colour alone.
import {make} from "./dom.js";

const OUTCOMES = {
  "delivered": {mark: "✓", tone: "ok"},
  "deferred": {mark: "↻", tone: "warn"},
  "bounced": {mark: "✕", tone: "bad"},
  "mixed": {mark: "◐", tone: "warn"},
  "unfinished": {mark: "…", tone: "odd"},
  "unknown": {mark: "?", tone: "odd"},
  "not connected": {mark: "⊘", tone: "bad"},
  "no message": {mark: "–", tone: "none"},
};

export const OUTCOME_NAMES = Object.keys(OUTCOMES);

export function toneOf(outcome) {
  return OUTCOMES[outcome]?.tone ?? "odd";
}

export function outcomeMark(outcome) {
  return make("span", {class: `mark ${toneOf(outcome)}`, "aria-hidden": "true"},
    OUTCOMES[outcome]?.mark ?? "?");
}

export function outcomeBadge(outcome) {
  return make("span", {class: `outcome ${toneOf(outcome)}`}, outcomeMark(outcome), ` ${outcome}`);
}
