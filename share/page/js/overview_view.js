// A session at a glance: facts, what is doubtful, time, attempts, messages.
import {foreign, make} from "./dom.js";
import {outcomeBadge} from "./outcomes.js";
import {clockText, countText, dateText, secondsBetween, sizeText, spanText} from "./times.js";
import {drawWaterfall} from "./waterfall_view.js";

const MOST_RECIPIENTS = 200;

function fact(name, ...value) {
  if (value.every((each) => each === null || each === "" || each === false)) return null;
  return [make("dt", null, name), make("dd", null, ...value)];
}

export function tlsText(attempt) {
  const {tls} = attempt;
  if (tls.encrypted === null) return "not known";
  if (!tls.encrypted) return tls.why_not === null ? "none" : `none: ${tls.why_not.split("\n")[0]}`;
  const verified = tls.verified === null ? "" : tls.verified ? ", verified" : ", not verified";
  return `${[tls.version ?? "yes", tls.cipher].filter(Boolean).join(" ")}${verified}`;
}

function facts(session, row) {
  const last = session.attempts.at(-1);
  return make("section", {class: "card"}, make("h3", null, "Facts"), make("dl", null,
    fact("when", `${dateText(row.begun)} ${clockText(row.begun)} UTC, ${spanText(session.seconds)}`,
      session.missing.is_open && ", its connection not closed"),
    fact("recorder", session.source && foreign(session.source)),
    fact("from", session.egress_source && foreign(session.egress_source),
      session.egress_pool && [" in pool ", foreign(session.egress_pool)]),
    fact("to", last ? foreign(`${last.mx_host ?? ""} ${last.target ?? last.mx_address ?? ""}`.trim())
      : session.null_mx ? "nowhere: the domain has a null MX" : "nothing was tried"),
    fact("TLS", last?.was_connected && foreign(tlsText(last))),
    fact("ready queue", session.ready_queue && foreign(session.ready_queue)),
    fact("bytes", `${sizeText(session.bytes_written)} written, ${sizeText(session.bytes_read)} read`),
    fact("events", countText(session.events, "event"))));
}

function doubts(session) {
  if (session.doubts.length === 0) return null;
  return make("section", {class: "card notice"}, make("h3", null, "What is missing or uncertain"),
    make("ul", null, session.doubts.map((doubt) => make("li", null, foreign(doubt)))));
}

function attempts(session) {
  if (session.attempts.length === 0) return null;
  return make("section", {class: "card"},
    make("h3", null, session.attempts.length === 1 ? "Attempt" : "Attempts"),
    make("ol", {class: "attempts"}, session.attempts.map((attempt) => make("li", null,
      foreign(attempt.mx_host ?? attempt.target ?? "not known where", {class: "strong"}), " ",
      foreign(attempt.target ?? attempt.mx_address ?? "", {class: "mono"}),
      attempt.source_address && [" from ", foreign(attempt.source_address, {class: "mono"})],
      make("div", {class: "dim"},
        attempt.connected
          ? `connected in ${spanText(attempt.phases.connect ?? 0)}`
          : attempt.was_connected ? "connected before what is here" : "no connection",
        attempt.place > 0 && `, ${attempt.place} of ${session.plan.length} in the plan`,
        attempt.connected && attempt.closed &&
          `, closed after ${spanText(secondsBetween(attempt.connected, attempt.closed))}`,
        attempt.was_connected && [", TLS ", foreign(tlsText(attempt))]),
      attempt.why && make("div", {class: "why"}, foreign(attempt.why))))));
}

function recipient(each) {
  return make("li", null, outcomeBadge(each.outcome), " ", foreign(each.address, {class: "strong"}),
    each.reply && make("div", {class: "reply mono"}, foreign(each.reply.split("\n")[0])));
}

function message(each) {
  const shown = each.recipients.slice(0, MOST_RECIPIENTS);
  const more = each.recipients.length - shown.length + each.recipients_left_out;
  return make("article", {class: "message"},
    make("h4", null, outcomeBadge(each.outcome), " ",
      each.id ? foreign(each.id, {class: "mono"}) : "id not known"),
    make("div", {class: "dim"}, "from <", foreign(each.sender), ">",
      each.tenant && [", tenant ", foreign(each.tenant)],
      each.campaign && [", campaign ", foreign(each.campaign)],
      each.queue && [", queue ", foreign(each.queue)],
      each.bytes > 0 && `, ${sizeText(each.bytes)}`),
    make("ul", {class: "recipients"}, shown.map(recipient)),
    more > 0 && make("p", {class: "dim"}, `… and ${countText(more, "recipient")} more`));
}

const MOST_MESSAGES = 200;

function messages(session) {
  if (session.messages.length === 0) return null;
  const shown = session.messages.slice(0, MOST_MESSAGES);
  return make("section", {class: "card"}, make("h3", null, countText(session.messages.length, "message")),
    shown.map(message),
    shown.length < session.messages.length && make("p", {class: "dim"},
      `… and ${countText(session.messages.length - shown.length, "message")} more; the transcript has them`));
}

function errors(session) {
  if (session.errors.length === 0) return null;
  return make("section", {class: "card"}, make("h3", null, "Errors that KumoMTA reported"),
    make("ul", null, session.errors.map((error) => make("li", {class: "mono"},
      `+${spanText(secondsBetween(session.begun, error.when))} `, foreign(error.text)))));
}

export function drawOverview(session, row) {
  return make("div", {class: "cards"}, doubts(session), facts(session, row), drawWaterfall(session),
    messages(session), attempts(session), errors(session));
}
