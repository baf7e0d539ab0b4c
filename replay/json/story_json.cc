#include "replay/json/story_json.h"

#include "base/time_spec.h"
#include "format/wire/wire.h"
#include "replay/json/json_text.h"

namespace smtptape {

namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

value time_json(WallTime time) {
  std::string text;
  append_wire_time(text, time);
  return json_string(text);
}

std::string_view step_name(SmtpStep step) {
  switch (step) {
    case SmtpStep::Banner: return "banner";
    case SmtpStep::Hello: return "hello";
    case SmtpStep::StartTls: return "starttls";
    case SmtpStep::Auth: return "auth";
    case SmtpStep::Answer: return "auth-answer";
    case SmtpStep::Mail: return "mail";
    case SmtpStep::Rcpt: return "rcpt";
    case SmtpStep::Data: return "data";
    case SmtpStep::Chunk: return "bdat";
    case SmtpStep::LastChunk: return "bdat-last";
    case SmtpStep::Message: return "message";
    case SmtpStep::Reset: return "rset";
    case SmtpStep::Quit: return "quit";
    case SmtpStep::Other: return "other";
  }
  return "";
}

std::string_view kind_name(SmtpExchange::Kind kind) {
  switch (kind) {
    case SmtpExchange::Kind::Command: return "command";
    case SmtpExchange::Kind::Unasked: return "unasked";
    case SmtpExchange::Kind::Unpaired: return "unpaired";
    case SmtpExchange::Kind::NotSmtp: return "not-smtp";
    case SmtpExchange::Kind::Unclear: return "unclear";
  }
  return "";
}

std::string_view answer_name(SmtpExchange::Answer answer) {
  switch (answer) {
    case SmtpExchange::Answer::Reply: return "reply";
    case SmtpExchange::Answer::None: return "none";
    case SmtpExchange::Answer::Unknown: return "unknown";
  }
  return "";
}

object tls_json(const Attempt& attempt) {
  const TlsFacts& tls = attempt.tls;
  const bool encrypted = tls.tls != Tls::None && tls.tls != Tls::Failed;
  object json{{"encrypted", attempt.is_tls_unknown() ? value() : value(encrypted)},
              {"version", text_or_null(tls.version)},
              {"cipher", text_or_null(tls.cipher)},
              {"subject", text_or_null(tls.subject)},
              {"why_not", text_or_null(tls.why_not)},
              {"policies", json_array(tls.policies, json_string)}};
  json["verified"] = tls.authenticated ? value(*tls.authenticated) : value();
  return json;
}

object phases_json(const Attempt& attempt) {
  object json;
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (attempt.phases[i] == 0) continue;
    json[json_string(name_of(static_cast<Phase>(i)))] = json_seconds(attempt.phases[i]);
  }
  return json;
}

object attempt_json(const Attempt& attempt) {
  object json{{"target", text_or_null(attempt.target)},
              {"place", attempt.place},
              {"mx_host", text_or_null(attempt.mx_host)},
              {"mx_address", text_or_null(attempt.mx_address)},
              {"source_address", text_or_null(attempt.source_address)},
              {"begun", time_json(attempt.begun)},
              {"was_connected", attempt.was_connected},
              {"why", text_or_null(attempt.why)},
              {"messages", attempt.messages},
              {"phases", phases_json(attempt)},
              {"tls", tls_json(attempt)}};
  json["connected"] = attempt.connected ? time_json(*attempt.connected) : value();
  json["closed"] = attempt.closed ? time_json(*attempt.closed) : value();
  return json;
}

object recipient_json(const Recipient& recipient) {
  return {{"address", json_string(recipient.address)},
          {"outcome", json_string(name_of(recipient.outcome))},
          {"sent", recipient.sent},
          {"code", recipient.code == 0 ? value() : value(recipient.code)},
          {"reply", text_or_null(recipient.reply)},
          {"decided_by", recipient.code == 0 ? value() : value(step_name(recipient.decided_by))}};
}

object message_json(const Message& message) {
  object json{{"id", text_or_null(message.id)},
              {"sender", json_string(message.sender)},
              {"domain", text_or_null(message.domain)},
              {"tenant", text_or_null(message.tenant)},
              {"campaign", text_or_null(message.campaign)},
              {"queue", text_or_null(message.queue)},
              {"attempt", message.attempt},
              {"begun", time_json(message.begun)},
              {"begun_before", message.begun_before},
              {"bytes", message.bytes},
              {"outcome", json_string(name_of(message.outcome))},
              {"recipients", json_array(message.recipients, recipient_json)},
              {"recipients_left_out", message.recipients_left_out}};
  json["decided"] = message.decided ? time_json(*message.decided) : value();
  return json;
}

object exchange_json(const StoryExchange& exchange) {
  const SmtpExchange& smtp = exchange.smtp;
  const bool command = smtp.kind == SmtpExchange::Kind::Command;
  const bool sent = smtp.sent != 0;
  object json{{"kind", kind_name(smtp.kind)}, {"attempt", exchange.attempt}};
  json["message"] = exchange.message ? value(*exchange.message) : value();
  json["step"] = command ? value(step_name(smtp.step)) : value();
  json["command"] = command ? text_or_null(smtp.command) : value();
  json["bytes"] = smtp.bytes;
  json["sent"] = sent ? time_json(exchange.sent) : value();
  json["answer"] = command ? value(answer_name(smtp.answer)) : value();
  json["replied"] = smtp.replied != 0 ? time_json(exchange.replied) : value();
  const bool both = command && sent && smtp.answer == SmtpExchange::Answer::Reply;
  json["seconds"] = both ? json_seconds(span_of(exchange.sent, exchange.replied)) : value();
  json["code"] = smtp.reply.code == 0 ? value() : value(smtp.reply.code);
  const std::string_view enhanced = enhanced_code(smtp.reply.text);
  json["enhanced_code"] = enhanced.empty() ? value() : value(json_string(enhanced));
  json["reply"] = text_or_null(smtp.reply.text);
  if (smtp.early) json["early"] = true;
  if (smtp.reply.bare_line_feed) json["bare_line_feed"] = true;
  if (smtp.cut || smtp.reply.cut) json["cut"] = true;
  return json;
}

object error_json(const StoryError& error) {
  return {{"when", time_json(error.when)},
          {"attempt", error.attempt},
          {"after_closed", error.after_closed},
          {"text", json_string(error.text)}};
}

object span_json(const PhaseSpan& span) {
  return {{"phase", json_string(name_of(span.phase))},
          {"from", time_json(span.from)},
          {"until", time_json(span.until)},
          {"seconds", json_seconds(span_of(span.from, span.until))}};
}

object host_json(const PlannedHost& host) {
  return {{"name", json_string(host.name)},
          {"address", json_string(host.address)},
          {"is_secure", host.is_secure}};
}

object outcomes_json(const OutcomeCounts& outcomes) {
  object json;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (static_cast<Outcome>(i) == Outcome::Mixed) continue;
    json[json_string(name_of(static_cast<Outcome>(i)))] = outcomes[i];
  }
  return json;
}

object missing_json(const Story& story) {
  return {{"begins_here", story.begins_here},
          {"is_open", story.is_open},
          {"gaps", json_array(story.gaps, json_string)},
          {"gap_count", story.gap_count},
          {"unreadable", story.unreadable},
          {"abbreviated", story.abbreviated},
          {"trimmed", story.trimmed},
          {"masked", story.masked},
          {"stepped_back", story.stepped_back},
          {"left_out", story.left_out},
          {"pairing_uncertain", story.pairing_uncertain}};
}

}  // namespace

object json_of(const Story& story) {
  object json{{"schema", kStorySchema},
              {"id", json_string(story.id)},
              {"source", text_or_null(story.source)},
              {"egress_pool", text_or_null(story.egress_pool)},
              {"egress_source", text_or_null(story.egress_source)},
              {"ready_queue", text_or_null(story.ready_queue)},
              {"null_mx", story.null_mx},
              {"plan", json_array(story.plan, host_json)},
              {"begun", time_json(story.begun)},
              {"ended", time_json(story.ended)},
              {"seconds", json_seconds(span_of(story.begun, story.ended))},
              {"first_received", json_string(show_time(story.first_received))},
              {"last_received", json_string(show_time(story.last_received))},
              {"events", story.events},
              {"connections", story.connections},
              {"bytes_read", story.bytes_read},
              {"bytes_written", story.bytes_written},
              {"worst_reply", story.worst_reply == 0 ? value() : value(story.worst_reply)},
              {"last_reply", story.last_reply == 0 ? value() : value(story.last_reply)},
              {"recipients", outcomes_json(story.outcomes)}};
  json["attempts"] = json_array(story.attempts, attempt_json);
  json["phases"] = json_array(story.spans, span_json);
  json["messages"] = json_array(story.messages, message_json);
  json["exchanges"] = json_array(story.exchanges, exchange_json);
  json["errors"] = json_array(story.errors, error_json);
  json["harmless_errors"] = story.harmless_errors;
  json["missing"] = missing_json(story);
  return json;
}

std::string json_line(const Story& story) {
  return line_of(json_of(story));
}

}  // namespace smtptape
