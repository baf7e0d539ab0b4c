// Times and sizes in words.

// "0.26 ms", "85 ms", "5.1 s", "12 min 3 s"
export function spanText(seconds) {
  const sign = seconds < 0 ? "-" : "";
  const size = Math.abs(seconds);
  if (size < 0.001) return `${sign}${(size * 1000).toFixed(size === 0 ? 0 : 2)} ms`;
  if (size < 0.01) return `${sign}${(size * 1000).toFixed(1)} ms`;
  if (size < 1) return `${sign}${(size * 1000).toFixed(0)} ms`;
  if (size < 60) return `${sign}${size.toFixed(1)} s`;
  const whole = Math.round(size);
  if (whole < 3600) return `${sign}${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${sign}${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

function isoOf(seconds) {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

// UTC, as the program has it: "19:34:17.169"
export function clockText(seconds) {
  return isoOf(seconds).slice(11, 23) || "no time";
}

export function dateText(seconds) {
  return isoOf(seconds).slice(0, 10) || "no date";
}

// Of RFC 3339 with nanoseconds, exact: seconds from one time to another.
export function secondsBetween(from, until) {
  return wholeOf(until) - wholeOf(from) + (fractionOf(until) - fractionOf(from));
}

function wholeOf(time) {
  return Date.parse(`${time.slice(0, time.search(/(\.\d+)?(Z|[+-]\d\d:\d\d)$/))}Z`) / 1000;
}

function fractionOf(time) {
  return Number(/\.\d+/.exec(time)?.[0] ?? 0);
}

// A time by so much later, to the millisecond: for --until.
export function laterText(time, milliseconds) {
  return new Date(Date.parse(time) + milliseconds).toISOString();
}

export function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let size = bytes / 1024;
  for (; size >= 1024 && unit < units.length - 1; ++unit) size /= 1024;
  return `${size.toFixed(1)} ${units[unit]}`;
}

export function countText(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}
