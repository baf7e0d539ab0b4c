// Where the time of a session went, as lanes of bars: shares of its whole length.
import {secondsBetween} from "./times.js";

const NEAR = 0.001;  // bars that are nearer than this are drawn as one

function withBar(lane, from, until) {
  const last = lane.bars.at(-1);
  if (last && from - last.until < NEAR) {
    last.until = Math.max(last.until, until);
    ++last.count;
  } else {
    lane.bars.push({from, until, count: 1});
  }
}

const share = (seconds, length) => Math.min(Math.max(length > 0 ? seconds / length : 0, 0), 1);

// [{phase, seconds, count, longest, bars: [{from, until, count}]}], in the order in which they
// begin.
export function lanesOf(session) {
  const lanes = new Map();
  for (const span of session.phases) {
    if (!lanes.has(span.phase)) {
      lanes.set(span.phase, {phase: span.phase, seconds: 0, count: 0, longest: 0, bars: []});
    }
    const lane = lanes.get(span.phase);
    lane.seconds += span.seconds;
    lane.longest = Math.max(lane.longest, span.seconds);
    ++lane.count;
    withBar(lane, share(secondsBetween(session.begun, span.from), session.seconds),
      share(secondsBetween(session.begun, span.until), session.seconds));
  }
  return [...lanes.values()];
}

// Round numbers of seconds along the way, four to eight of them.
export function ticksOf(length) {
  if (!(length > 0)) return [];
  const step = [1, 2, 5, 10, 20].map((by) => by * 10 ** Math.floor(Math.log10(length) - 1))
    .find((each) => length / each <= 8);
  const ticks = [];
  for (let i = 1; i * step < length * 0.97; ++i) ticks.push(i * step);
  return ticks;
}

// When attempts began.
export function attemptMarks(session) {
  return session.attempts.map((attempt, index) => ({
    index,
    at: share(secondsBetween(session.begun, attempt.begun), session.seconds),
  }));
}
