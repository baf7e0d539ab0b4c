// Sessions over time, counted in slots of equal length.
import {isFailed} from "./query.js";

export const SLOTS = 60;

// [{from, until, sessions, failed}]; none of no sessions.
export function slotsOf(rows) {
  if (rows.length === 0) return [];
  const first = rows.reduce((least, row) => Math.min(least, row.begun), Infinity);
  const last = rows.reduce((most, row) => Math.max(most, row.begun), -Infinity);
  const length = Math.max(last - first, 0.001) / SLOTS;
  const slots = Array.from({length: SLOTS}, (_, i) =>
    ({from: first + i * length, until: first + (i + 1) * length, sessions: 0, failed: 0}));
  for (const row of rows) {
    const slot = slots[Math.min(Math.floor((row.begun - first) / length), SLOTS - 1)];
    ++slot.sessions;
    if (isFailed(row)) ++slot.failed;
  }
  return slots;
}

// [[outcome, sessions]], the most frequent first.
export function outcomeCounts(rows) {
  const counts = new Map();
  for (const row of rows) counts.set(row.outcome, (counts.get(row.outcome) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
