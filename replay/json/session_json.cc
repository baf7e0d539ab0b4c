#include "replay/json/session_json.h"

#include "base/time_spec.h"
#include "replay/json/json_text.h"

namespace smtptape {

namespace {

using boost::json::object;
using boost::json::value;

value code_or_null(std::uint16_t code) {
  return code == 0 ? value() : value(code);
}

}  // namespace

object json_of(const OutcomeCounts& outcomes) {
  object json;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (static_cast<Outcome>(i) == Outcome::Mixed) continue;
    json[json_string(name_of(static_cast<Outcome>(i)))] = outcomes[i];
  }
  return json;
}

object json_of(const SessionSummary& session, std::optional<std::int64_t> slowest_reply) {
  const auto name = [&](SessionName which) { return text_or_null(session.last(which)); };
  object json{{"schema", kSessionsSchema},
              {"id", json_string(session.id)},
              {"source", text_or_null(session.source)},
              {"first_received", json_string(show_time(session.first_received))},
              {"last_received", json_string(show_time(session.last_received))},
              {"seconds", json_seconds(session.duration())},
              {"egress_pool", name(SessionName::EgressPool)},
              {"egress_source", name(SessionName::EgressSource)},
              {"source_address", name(SessionName::SourceAddress)},
              {"mx_host", name(SessionName::MxHost)},
              {"mx_address", name(SessionName::MxAddress)},
              {"mx_hosts", json_array(session.all(SessionName::MxHost), json_string)},
              {"connections", session.connections},
              {"tls", json_string(name_of(session.tls))},
              {"messages", session.messages},
              {"rcpt_commands", session.recipients},
              {"recipients", json_of(session.outcomes)},
              {"bytes_read", session.bytes_read},
              {"bytes_written", session.bytes_written},
              {"worst_reply", code_or_null(session.worst_reply)},
              {"last_reply", code_or_null(session.last_reply)},
              {"outcome", json_string(outcome_of(session))}};
  json["begins_here"] = session.begins_here;
  json["is_open"] = session.is_open;
  json["gap"] = session.gap;
  if (slowest_reply) json["slowest_reply_seconds"] = json_seconds(*slowest_reply);
  return json;
}

std::string json_line(const SessionSummary& session, std::optional<std::int64_t> slowest_reply) {
  return line_of(json_of(session, slowest_reply));
}

}  // namespace smtptape
