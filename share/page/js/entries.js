// The events of a transcript, each as what is shown of it.

const META = "=== conn_meta ";
const MOST_LINES = {write: 10};  // of more, the first few: bodies
const MOST_OTHER_LINES = 40;
export const FEW_LINES = 4;
export const MOST_CHARACTERS = 2000;  // of a line

const ARROWS = {read: " <- ", write: "->  "};

// A line of metadata: {key, value}; a key that is gone has no value.
function changeOf(line) {
  const text = line.slice(META.length);
  const gone = /^deleted (.*)$/.exec(text);
  if (gone) return {key: gone[1], value: null};
  const equals = text.indexOf("=");
  return equals < 0 ? {key: "", value: text} : {key: text.slice(0, equals), value: text.slice(equals + 1)};
}

export function isFailedLine(kind, line) {
  switch (kind) {
    case "gap":
    case "unknown": return true;
    case "read": return /^[45]\d\d(?:[ -]|$)/.test(line);
    case "diagnostic": return line.startsWith("ERROR");
    default: return false;
  }
}

// {kind, number, at, lines, changes, folded, failure, leftOut}.  `known`: the metadata so far; what
// is told again (kcli tells all of it after a connection was closed) is no change.
export function entryOf(event, number, known = new Map()) {
  const arrow = ARROWS[event.kind];
  const lines = [];
  const changes = [];
  for (const [index, line] of event.text.split("\n").entries()) {
    if (line.startsWith(META) && (arrow || index > 0)) {
      const change = changeOf(line);
      if (known.get(change.key) !== change.value) changes.push(change);
      known.set(change.key, change.value);
    } else if (arrow && line.startsWith(arrow)) {
      lines.push(line.slice(arrow.length));
    } else {
      lines.push(line.startsWith("=== ") ? line.slice(4) : line);
    }
  }
  return {
    kind: event.kind,
    number,
    at: event.at,
    lines,
    changes,
    folded: lines.length > (MOST_LINES[event.kind] ?? MOST_OTHER_LINES) || lines.some((line) => line.length > MOST_CHARACTERS),
    failure: lines.some((line) => isFailedLine(event.kind, line)),
    leftOut: event.left_out ?? 0,
  };
}

export function entriesOf(session) {
  const known = new Map();
  return session.transcript.map((event, index) => entryOf(event, index + 1, known));
}

// How high it will be, in lines: for those that are not drawn yet.
export function heightOf(entry) {
  const shown = entry.folded ? FEW_LINES + 1 : Math.max(entry.lines.length, 1);
  return shown + (entry.changes.length > 0 ? 1 : 0) + (entry.leftOut > 0 ? 1 : 0);
}

// What comes after `from`, or before it, that failed; null: nothing.
export function nextFailure(entries, from, direction) {
  for (let i = from + direction; i >= 0 && i < entries.length; i += direction) {
    if (entries[i].failure) return i;
  }
  return null;
}
