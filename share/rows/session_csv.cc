#include "share/rows/session_csv.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time_spec.h"
#include "replay/json/csv_text.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostListed = 16;  // names in a field

struct Row {
  const SessionSummary& session;
  const Story& story;
  const Providers& providers;
};

// What stands in a field: a text of others, or words and figures of ours.
struct Field {
  std::string text;
  bool foreign = false;
};

Field foreign(std::string_view text) {
  return {std::string(text), true};
}
Field count(std::uint64_t number) {
  return {std::to_string(number)};
}
Field code(std::uint16_t code) {
  return code == 0 ? Field() : count(code);
}
Field yes_no(bool yes) {
  return {yes ? "true" : "false"};
}
// 0: not known.
Field tape(std::uint64_t number) {
  return number == 0 ? Field() : count(number);
}

// With six digits behind the point.
Field seconds(std::int64_t nanos) {
  constexpr std::int64_t kMicro = 1000;
  constexpr std::int64_t kMicros = 1'000'000;
  const std::int64_t micros = nanos / kMicro;
  std::string digits = std::to_string(std::abs(micros) % kMicros);
  digits.insert(0, 6 - digits.size(), '0');
  return {(micros < 0 ? "-" : "") + std::to_string(std::abs(micros) / kMicros) + "." + digits};
}

Field last(const Row& row, SessionName name) {
  return foreign(row.session.last(name));
}

Field recipients(const Row& row, Outcome outcome) {
  return count(row.session.outcomes[static_cast<std::size_t>(outcome)]);
}

// Of the last connection that was encrypted, or should have been.
const TlsFacts* last_tls(const Story& story) {
  for (auto attempt = story.attempts.rbegin(); attempt != story.attempts.rend(); ++attempt)
    if (attempt->tls.tls != Tls::None) return &attempt->tls;
  return nullptr;
}

// Each once, in the order in which they came, with blanks between them.
Field names(const Story& story, std::string Message::*name) {
  std::vector<std::string_view> known;
  std::string text;
  for (const Message& message : story.messages) {
    const std::string& value = message.*name;
    if (value.empty() || std::find(known.begin(), known.end(), value) != known.end()) continue;
    if (known.size() == kMostListed || text.size() > kMostCsvField) return foreign(text + " …");
    known.push_back(value);
    text += (text.empty() ? "" : " ") + value;
  }
  return foreign(text);
}

struct Column {
  std::string_view title;
  Field (*field)(const Row&);
};

// What `sessions --json` has is called so here, too.  New ones come at the end.
// clang-format off
constexpr std::array kColumns{
    Column{"first_received", [](const Row& r) { return Field{show_time(r.session.first_received)}; }},
    Column{"last_received", [](const Row& r) { return Field{show_time(r.session.last_received)}; }},
    Column{"seconds", [](const Row& r) { return seconds(r.session.duration()); }},
    Column{"id", [](const Row& r) { return foreign(r.session.id); }},
    Column{"source", [](const Row& r) { return foreign(r.session.source); }},
    Column{"egress_pool", [](const Row& r) { return last(r, SessionName::EgressPool); }},
    Column{"egress_source", [](const Row& r) { return last(r, SessionName::EgressSource); }},
    Column{"source_address", [](const Row& r) { return last(r, SessionName::SourceAddress); }},
    Column{"ready_queue", [](const Row& r) { return foreign(r.story.ready_queue); }},
    Column{"provider", [](const Row& r) {
      const std::string_view host = r.session.last(SessionName::MxHost);
      return foreign(host.empty() ? "" : r.providers.of(host)); }},
    Column{"mx_host", [](const Row& r) { return last(r, SessionName::MxHost); }},
    Column{"mx_address", [](const Row& r) { return last(r, SessionName::MxAddress); }},
    Column{"connections", [](const Row& r) { return count(r.session.connections); }},
    Column{"tls", [](const Row& r) { return Field{std::string(name_of(r.session.tls))}; }},
    Column{"tls_cipher", [](const Row& r) {
      const TlsFacts* const tls = last_tls(r.story);
      return tls == nullptr ? Field() : foreign(tls->cipher); }},
    Column{"tls_verified", [](const Row& r) {
      const TlsFacts* const tls = last_tls(r.story);
      return tls == nullptr || !tls->authenticated ? Field() : yes_no(*tls->authenticated); }},
    Column{"outcome", [](const Row& r) { return Field{std::string(outcome_of(r.session))}; }},
    Column{"domains", [](const Row& r) { return names(r.story, &Message::domain); }},
    Column{"tenants", [](const Row& r) { return names(r.story, &Message::tenant); }},
    Column{"campaigns", [](const Row& r) { return names(r.story, &Message::campaign); }},
    Column{"messages", [](const Row& r) { return count(r.session.messages); }},
    Column{"rcpt_commands", [](const Row& r) { return count(r.session.recipients); }},
    Column{"delivered", [](const Row& r) { return recipients(r, Outcome::Delivered); }},
    Column{"deferred", [](const Row& r) { return recipients(r, Outcome::Deferred); }},
    Column{"bounced", [](const Row& r) { return recipients(r, Outcome::Bounced); }},
    Column{"unfinished", [](const Row& r) { return recipients(r, Outcome::Unfinished); }},
    Column{"unknown", [](const Row& r) { return recipients(r, Outcome::Unknown); }},
    Column{"worst_reply", [](const Row& r) { return code(r.session.worst_reply); }},
    Column{"last_reply", [](const Row& r) { return code(r.session.last_reply); }},
    Column{"trouble", [](const Row& r) { return foreign(trouble_of(r.story)); }},
    Column{"slowest_reply_seconds", [](const Row& r) {
      const auto slowest = slowest_reply(r.story);
      return slowest ? seconds(*slowest) : Field(); }},
    Column{"events", [](const Row& r) { return count(r.story.events); }},
    Column{"bytes_read", [](const Row& r) { return count(r.session.bytes_read); }},
    Column{"bytes_written", [](const Row& r) { return count(r.session.bytes_written); }},
    Column{"gaps", [](const Row& r) { return count(r.story.gap_count); }},
    Column{"unreadable", [](const Row& r) { return count(r.story.unreadable); }},
    Column{"begins_here", [](const Row& r) { return yes_no(r.session.begins_here); }},
    Column{"is_open", [](const Row& r) { return yes_no(r.session.is_open); }},
    Column{"first_tape", [](const Row& r) { return tape(r.story.first_tape); }},
    Column{"last_tape", [](const Row& r) { return tape(r.story.last_tape); }},
};
// clang-format on

}  // namespace

std::string SessionCsv::titles() {
  std::string line;
  for (const Column& column : kColumns)
    line.append(line.empty() ? "" : ",").append(column.title);
  return line.append(kCsvLineEnd);
}

std::string SessionCsv::line(const SessionSummary& session, const Story& story) const {
  const Row row{session, story, providers_};
  std::string line;
  for (const Column& column : kColumns) {
    if (&column != kColumns.data()) line.push_back(',');
    const Field field = column.field(row);
    if (field.foreign) {
      append_csv_field(line, field.text);
    } else {
      line += field.text;
    }
  }
  return line.append(kCsvLineEnd);
}

}  // namespace smtptape
