#include "replay/session_table.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/time_spec.h"
#include "replay/story_text.h"

namespace smtptape {

namespace {

using Side = TableColumn::Side;

constexpr std::size_t kTimeAndDate = 14;

std::string some(std::uint64_t count) {
  return std::to_string(count);
}

// The last one; where it connected again, how many there were before.
std::string latest(const SessionSummary& session, SessionName name) {
  std::string text(session.last(name));
  const std::size_t count = session.all(name).size();
  return count > 1 ? text + " +" + some(count - 1) : text;
}

// "2026-11-22T19:34:17.169Z", "11-22 19:34:17" or "19:34:17", as there is room.
std::string began(const SessionSummary& session, std::size_t room) {
  constexpr std::size_t kDate = 5, kTime = 11, kSeconds = 8;
  const std::string text = show_time(session.first_received);
  if (room >= text.size()) return text;
  const std::string time = text.substr(kTime, kSeconds);
  return room < kTimeAndDate ? time : text.substr(kDate, 5) + " " + time;
}

std::string tls(const SessionSummary& session) {
  std::string_view text = name_of(session.tls);
  if (text.starts_with("TLSv")) text.remove_prefix(4);
  return std::string(text);
}

std::string doubt(const SessionSummary& session) {
  if (session.gap) return "gap";
  if (!session.begins_here) return "begun before";
  return session.is_open ? "open" : "";
}

struct Column {
  std::string_view name;
  TableColumn form;
  std::string (*text)(const ListedSession&);  // null: as there is room
};

// clang-format off
const std::array kColumns{
    Column{"start", {"START (UTC)", kTimeAndDate, 24, Side::Left, 0}, nullptr},
    Column{"duration", {"TOOK", 8, 8, Side::Right, 4},
           [](const ListedSession& s) { return show_span(s.summary.duration()); }},
    Column{"source", {"SOURCE", 8, 16, Side::Left, 12},
           [](const ListedSession& s) { return latest(s.summary, SessionName::EgressSource); }},
    Column{"pool", {"POOL", 8, 16, Side::Left, 13},
           [](const ListedSession& s) { return latest(s.summary, SessionName::EgressPool); }},
    Column{"mx", {"MX", 10, 32, Side::Left, 1},
           [](const ListedSession& s) {
             const std::string host = latest(s.summary, SessionName::MxHost);
             return host.empty() ? latest(s.summary, SessionName::MxAddress) : host;
           }},
    Column{"tls", {"TLS", 4, 6, Side::Left, 9},
           [](const ListedSession& s) { return tls(s.summary); }},
    Column{"messages", {"MSGS", 4, 5, Side::Right, 7},
           [](const ListedSession& s) { return some(s.summary.messages); }},
    Column{"recipients", {"RCPT", 4, 5, Side::Right, 8},
           [](const ListedSession& s) { return some(s.summary.recipients); }},
    Column{"bytes", {"BYTES", 9, 10, Side::Right, 11},
           [](const ListedSession& s) {
             return show_size(s.summary.bytes_written + s.summary.bytes_read);
           }},
    Column{"worst", {"WORST", 5, 5, Side::Right, 2},
           [](const ListedSession& s) {
             return s.summary.worst_reply == 0 ? std::string("-") : some(s.summary.worst_reply);
           }},
    Column{"outcome", {"OUTCOME", 9, 13, Side::Left, 3},
           [](const ListedSession& s) { return std::string(outcome_of(s.summary)); }},
    Column{"doubt", {"DOUBT", 4, 12, Side::Left, 10},
           [](const ListedSession& s) { return doubt(s.summary); }},
    Column{"id", {"ID", 8, 36, Side::Left, 5},
           [](const ListedSession& s) { return s.summary.id; }},
    Column{"recorder", {"RECORDER", 8, 16, Side::Left, 20},
           [](const ListedSession& s) { return s.summary.source; }},
    Column{"address", {"FROM", 12, 21, Side::Left, 20},
           [](const ListedSession& s) { return latest(s.summary, SessionName::SourceAddress); }},
    Column{"mx-addr", {"MX ADDRESS", 12, 21, Side::Left, 20},
           [](const ListedSession& s) { return latest(s.summary, SessionName::MxAddress); }},
    Column{"slowest", {"SLOWEST", 8, 8, Side::Right, 20},
           [](const ListedSession& s) {
             return s.slowest_reply ? show_span(*s.slowest_reply) : std::string("-");
           }},
};
// clang-format on
constexpr std::size_t kUsual = 13;  // the first ones

std::vector<std::size_t> chosen_columns(const std::vector<std::string>& names) {
  std::vector<std::size_t> chosen;
  for (const std::string& name : names) {
    const auto* const found =
        std::find_if(kColumns.begin(), kColumns.end(), [&](const Column& column) {
          return column.name == name;
        });
    if (found == kColumns.end())
      throw UsageError("--columns: \"" + name + "\" is none of " + SessionTable::names());
    chosen.push_back(static_cast<std::size_t>(found - kColumns.begin()));
  }
  if (!chosen.empty()) return chosen;
  for (std::size_t i = 0; i < kUsual; ++i)
    chosen.push_back(i);
  return chosen;
}

// A line of a terminal has better uses for its room than the year.
TableColumn form_of(const Column& column, const TextRoom& room) {
  constexpr std::size_t kWide = 140;
  constexpr std::size_t kNarrow = 60;
  constexpr std::size_t kTimeAlone = 8;
  TableColumn form = column.form;
  if (column.text != nullptr || !room.columns || *room.columns >= kWide) return form;
  form.least = form.most = *room.columns < kNarrow ? kTimeAlone : kTimeAndDate;
  if (form.most == kTimeAlone) form.title = "START";
  return form;
}

std::vector<TableColumn> forms_of(const std::vector<std::size_t>& chosen, const TextRoom& room) {
  std::vector<TableColumn> forms;
  for (const std::size_t i : chosen)
    forms.push_back(form_of(kColumns[i], room));
  return forms;
}

}  // namespace

std::string SessionTable::names() {
  std::string text;
  for (const Column& column : kColumns)
    text += (text.empty() ? "" : ", ") + std::string(column.name);
  return text;
}

SessionTable::SessionTable(const std::vector<std::string>& columns, const TextRoom& room)
    : chosen_(chosen_columns(columns)),
      table_(forms_of(chosen_, room),
             room,
             columns.empty() ? TextTable::Fit::LeaveOut : TextTable::Fit::KeepAll) {
}

std::string SessionTable::line(const ListedSession& session) const {
  std::vector<std::string> cells;
  for (std::size_t i = 0; i < chosen_.size(); ++i) {
    const auto text = kColumns[chosen_[i]].text;
    std::string& cell = cells.emplace_back();
    if (!table_.shows(i)) continue;
    cell = text != nullptr ? text(session) : began(session.summary, table_.width(i));
  }
  return table_.line(cells);
}

}  // namespace smtptape
