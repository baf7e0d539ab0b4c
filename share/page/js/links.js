// Places in the page as fragments of its address, and the command lines that show the same.
import {plainText} from "./text.js";
import {laterText} from "./times.js";

// {session, tab, event}: of a session its key, of an event its number from 1.
export function parseFragment(fragment) {
  const place = {session: null, tab: null, event: null};
  for (const part of fragment.replace(/^#/, "").split("&")) {
    const equals = part.indexOf("=");
    let value;
    try {
      value = decodeURIComponent(part.slice(equals + 1));
    } catch {
      continue;  // somebody else's
    }
    const key = part.slice(0, Math.max(equals, 0));
    if (key === "s") place.session = value;
    if (key === "t") place.tab = value;
    if (key === "e" && /^[1-9]\d{0,8}$/.test(value)) place.event = Number(value);
  }
  return place;
}

export function fragmentOf({session, tab, event}) {
  if (session === null) return "#";
  return `#s=${encodeURIComponent(session)}${tab && tab !== "overview" ? `&t=${tab}` : ""}` +
    (event ? `&e=${event}` : "");
}

// Ids as keys: of those that came back under the same id, "ID~2" and so on.
export function giveKeys(rows) {
  const seen = new Map();
  for (const row of rows) {
    const count = (seen.get(row.id) ?? 0) + 1;
    seen.set(row.id, count);
    row.key = count === 1 ? row.id : `${row.id}~${count}`;
  }
}

// One word of a shell, in which what is hidden is shown: no line ends in it when it is pasted.
export function shellWord(text) {
  const shown = plainText(text);
  return /^[\w\-./:@%+=,]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`;
}

function within(row) {
  return ` --since ${row.first_received} --until ${laterText(row.last_received, 2)}`;
}

export const COMMANDS = {
  show: (about, row) => `smtptape show ${shellWord(row.id)}${about.tapes}${within(row)}`,
  extract: (about, row) =>
    `smtptape extract${about.tapes} --session ${shellWord(row.id)}${within(row)} -o session.tape`,
  sessions: (about) => `smtptape sessions${about.tapes}${about.chosen}`,
};
