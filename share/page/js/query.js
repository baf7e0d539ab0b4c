// What stands in the filter box, and the order of the list.
//
// Words have to be there, all of them; "…" holds words together; -word must not be there.
// key:value looks in one place: outcome, code (421, 4, 4xx), mx, tls, id, from, source, is (gap,
// open, failed); took>2 (seconds, or 300ms).

const FAILED = new Set(["deferred", "bounced", "unfinished", "mixed", "not connected"]);

export function isFailed(row) {
  return FAILED.has(row.outcome) || (row.worst_reply ?? 0) >= 400;
}

const PLACES = {
  outcome: (row) => row.outcome,
  mx: (row) => `${row.mx_hosts.join(" ")} ${row.mx_address ?? ""}`,
  tls: (row) => row.tls,
  id: (row) => row.id,
  from: (row) => `${row.egress_source ?? ""} ${row.egress_pool ?? ""} ${row.source_address ?? ""}`,
  source: (row) => row.source ?? "",
};

const STATES = {
  gap: (row) => row.gap,
  open: (row) => row.is_open,
  failed: isFailed,
};

// What plain words are looked for in; made once for each row.
export function searchedText(row) {
  return [row.id, row.source, row.mx_hosts.join(" "), row.mx_address, row.egress_source,
    row.egress_pool, row.source_address, row.outcome, row.tls, row.worst_reply, row.trouble,
    row.words].filter(Boolean).join(" ").toLowerCase();
}

function testOfCode(value) {
  const digits = value.replace(/x+$/, "");
  return /^\d{1,3}$/.test(digits) ? (row) => String(row.worst_reply ?? "").startsWith(digits) : null;
}

function testOfPlace(key, value) {
  if (value === "") return null;
  if (key === "code") return testOfCode(value);
  if (key === "is") return STATES[value] ?? null;
  const place = Object.hasOwn(PLACES, key) ? PLACES[key] : null;
  return place && ((row) => place(row).toLowerCase().includes(value));
}

function testOfTime(word) {
  const found = /^took([<>])(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(word);
  if (!found) return null;
  const limit = Number(found[2]) * {ms: 0.001, s: 1, m: 60}[found[3] ?? "s"];
  return found[1] === ">" ? (row) => row.took > limit : (row) => row.took < limit;
}

function testOf(word) {
  const colon = word.indexOf(":");
  const of = testOfTime(word) ??
    (colon > 0 ? testOfPlace(word.slice(0, colon), word.slice(colon + 1)) : null);
  return of ?? ((row) => row.searched.includes(word));
}

// A function of a row: is it wanted?
export function parseQuery(text) {
  const tests = [];
  for (const [, minus, key, quoted, plain] of
    text.toLowerCase().matchAll(/(-?)(?:(\w+:)?"([^"]*)"?|(\S+))/g)) {
    const word = quoted === undefined ? plain : (key ?? "") + quoted;
    if (word === "" || word === "-") continue;
    const test = testOf(word);
    tests.push(minus ? (row) => !test(row) : test);
  }
  return (row) => tests.every((test) => test(row));
}

const byText = (text) => (a, b) => {
  const [first, second] = [text(a), text(b)];
  return first < second ? -1 : first > second ? 1 : 0;
};

export const ORDERS = {
  begun: {words: "by time", compare: (a, b) => a.begun - b.begun},
  latest: {words: "latest first", compare: (a, b) => b.begun - a.begun},
  took: {words: "longest first", compare: (a, b) => b.took - a.took},
  worst: {words: "worst reply first", compare: (a, b) => (b.worst_reply ?? 0) - (a.worst_reply ?? 0)},
  outcome: {words: "by outcome", compare: byText((row) => row.outcome)},
  host: {words: "by host", compare: byText((row) => row.mx_host ?? "")},
  bytes: {
    words: "most bytes first",
    compare: (a, b) => b.bytes_read + b.bytes_written - a.bytes_read - a.bytes_written,
  },
};

// Rows are in the order of their beginning.
export function chosenRows(rows, query, order) {
  const chosen = rows.filter(parseQuery(query));
  return order === "begun" ? chosen : chosen.sort(ORDERS[order].compare);
}
