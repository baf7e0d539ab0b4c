// Sessions as the program writes them, made short.

const START = "2026-11-22T19:34:17.";

export const time = (nanos) => `${START}${String(nanos).padStart(9, "0")}Z`;

export function exchange(values) {
  return {kind: "command", attempt: 0, message: null, step: "other", command: null, bytes: 0, sent: null,
    answer: "reply", replied: null, seconds: null, code: null, enhanced_code: null, reply: null, ...values};
}

export function session(values) {
  return {id: "a", begun: time(0), seconds: 1, attempts: [{begun: time(0)}], phases: [], messages: [],
    exchanges: [], transcript: [], ...values};
}

export function row(values) {
  return {id: "a", source: "mta1", mx_host: "mx.dest.example", mx_address: "192.0.2.1:25", mx_hosts: ["mx.dest.example"],
    egress_source: "src", egress_pool: "pool", source_address: "192.0.2.9:4000", tls: "none", outcome: "delivered",
    worst_reply: 250, trouble: null, words: "bob@dest.example", gap: false, is_open: false, begun: 0, took: 1,
    bytes_read: 0, bytes_written: 0, first_received: "2026-11-22T19:34:17.185Z",
    last_received: "2026-11-22T19:34:17.199Z", ...values};
}
