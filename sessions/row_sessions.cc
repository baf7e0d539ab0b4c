#include "sessions/row_sessions.h"

#include <algorithm>
#include <array>
#include <utility>

#include "format/wire/json.h"

namespace smtptape {

namespace {

constexpr std::array<std::string_view, kSessionNames> kKeys{
    "egress_pool", "egress_source", "source_address", "mx_host", "mx_address"};

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSilence = 5 * kSecond;  // after Closed, as a story's
// Without Closed: no command waits so long for its reply, and what was lost comes no more.
constexpr std::int64_t kLongSilence = 3600 * kSecond;

}  // namespace

// The columns of a group that name sessions, their values as texts.
struct RowSessions::Columns {
  struct Column {
    const SessionRows::Property* property = nullptr;  // null: the rows don't have it
    std::vector<std::string> texts;                   // of its values
  };
  std::array<Column, kSessionNames> columns;

  explicit Columns(const SessionRows& rows) {
    for (std::size_t i = 0; i < kSessionNames; ++i) {
      const auto found = std::find_if(rows.properties.begin(),
                                      rows.properties.end(),
                                      [&](const auto& each) { return each.key == kKeys[i]; });
      if (found == rows.properties.end()) continue;
      columns[i].property = &*found;
      for (const SummaryValue& value : found->values)
        columns[i].texts.push_back(value.in_list ? std::string() : json_text(value.json));
    }
  }
};

std::vector<std::string> RowSessions::keys() {
  return {kKeys.begin(), kKeys.end()};
}

void RowSessions::add(const SessionRows& rows, const Group& group) {
  const Columns columns(rows);
  ++groups_;
  if (group.has_gaps) last_gaps_[group.source] = groups_;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    const SessionRow& row = rows.rows[i];
    if (row.id.empty() || (wanted_ && !wanted_(row.id))) continue;
    const auto [place, is_new] = open_.try_emplace(row.id);
    Open& open = place->second;
    if (is_new) {
      open.summary.id = row.id;
      open.summary.source = group.source;
      open.summary.first_received = row.first_received;
      open.summary.last_received = row.last_received;
      open.summary.begins_here = row.opened;
      beginnings_.insert(row.first_received);
    }
    if (open.rows > 0 && !row.goes_on && !follows(open, row)) open.sure = false;
    merge(open, row);
    connect(open, row, group.run);
    ++open.rows;
    open.last_group = groups_;
    add_names(open, columns, i);
  }
}

void RowSessions::merge(Open& open, const SessionRow& row) {
  SessionSummary& sum = open.summary;
  if (row.first_received < sum.first_received) {
    beginnings_.erase(beginnings_.find(sum.first_received));
    beginnings_.insert(row.first_received);
    sum.first_received = row.first_received;
  }
  sum.last_received = std::max(sum.last_received, row.last_received);
  sum.connections += row.connections;
  sum.messages += row.messages;
  sum.recipients += row.recipients;
  sum.bytes_read += row.bytes_read;
  sum.bytes_written += row.bytes_written;
  if (row.last_reply != 0) sum.last_reply = row.last_reply;
  sum.worst_reply = std::max(sum.worst_reply, row.worst_reply);
  if (row.tls != Tls::None) sum.tls = row.tls;
  open.accepted += row.accepted;
  open.deferred += row.deferred;
  open.refused += row.refused;
  merge_outcomes(open, row);
  if (row.closed) open.closed = true;
  if (!row.closed && row.connections > 0) open.closed = false;
}

void RowSessions::merge_outcomes(Open& open, const SessionRow& row) {
  open.outcomes = open.outcomes && row.outcomes;
  open.wanted += row.wanted;
  open.delivered += row.delivered;
  open.put_off += row.put_off;
  open.bounced += row.bounced;
  if (row.tried) open.tried = row.tried;
}

// Nothing is unsure where one row ends and the next begins.
void RowSessions::connect(Open& open, const SessionRow& row, std::uint64_t run) {
  const bool goes_on = open.rows > 0 && open.run == run;
  const bool fits = row.goes_on ? goes_on : open.rests;
  open.sure = open.sure && fits && row.sure && !row.gap && !row.id_hashed;
  open.rests = row.rests;
  open.run = run;
}

void RowSessions::add_names(Open& open, const Columns& columns, std::size_t row) {
  for (std::size_t i = 0; i < kSessionNames; ++i) {
    const Columns::Column& column = columns.columns[i];
    if (column.property == nullptr) {
      open.names_known = false;
      continue;
    }
    const RowProperty of_row = column.property->of_row(row);
    if (!of_row.complete || !of_row.hashes.empty()) open.names_known = false;
    for (const std::uint32_t place : of_row.values)
      open.summary.add(static_cast<SessionName>(i), column.texts[place]);
  }
}

std::int64_t RowSessions::oldest() const {
  return beginnings_.empty() ? kEnd : *beginnings_.begin();
}

std::vector<RowSession> RowSessions::take(std::int64_t frontier) {
  std::vector<RowSession> complete;
  for (auto place = open_.begin(); place != open_.end();) {
    const Open& open = place->second;
    const std::int64_t silence = open.closed ? kSilence : kLongSilence;
    const std::int64_t last = open.summary.last_received;
    if (frontier != kEnd && (last >= frontier || frontier - last <= silence)) {
      ++place;
      continue;
    }
    beginnings_.erase(beginnings_.find(open.summary.first_received));
    complete.push_back(finish(place->second));
    open_.erase(place++);
  }
  std::sort(complete.begin(), complete.end(), [](const RowSession& a, const RowSession& b) {
    return began_before(a.summary, b.summary);
  });
  return complete;
}

namespace {

constexpr std::uint16_t kFirstRefusal = 400;

constexpr std::uint64_t& of(OutcomeCounts& counts, Outcome outcome) {
  return counts[static_cast<std::size_t>(outcome)];
}

// Where it tried to connect last; there was nothing else.
bool tell_attempts(const std::optional<SessionRow::Target>& tried, SessionSummary& session) {
  if (session.messages + session.bytes_read + session.bytes_written > 0) return false;
  for (const SessionName name :
       {SessionName::SourceAddress, SessionName::MxHost, SessionName::MxAddress})
    session.names[static_cast<std::size_t>(name)].clear();
  if (!tried) return true;
  session.add(SessionName::MxHost, tried->host);
  session.add(SessionName::MxAddress, tried->address);
  return true;
}

}  // namespace

// What became of the recipients, from replies that each decided a message.  False: that takes more.
//
// messages without refusal          all of their recipients were delivered to
// as many recipients as messages    each message has one, and its reply is his, if no other
//                                   refusal was given to something
bool RowSessions::tell_by_messages(const Open& open, SessionSummary& session) {
  constexpr std::uint16_t kFirstBounce = 500;
  const bool worst_counts = session.worst_reply < kFirstRefusal ||
                            (session.worst_reply < kFirstBounce ? open.deferred : open.refused) > 0;
  const bool one_each = session.recipients == session.messages &&
                        open.decided() == session.messages && worst_counts &&
                        (open.deferred == 0 || open.refused == 0);
  const bool no_refusal = session.worst_reply < kFirstRefusal &&
                          open.accepted == session.messages && session.connections == 1;
  if (!one_each && !no_refusal) return false;
  of(session.outcomes, Outcome::Delivered) = no_refusal ? session.recipients : open.accepted;
  of(session.outcomes, Outcome::Deferred) = open.deferred;
  of(session.outcomes, Outcome::Bounced) = open.refused;
  return true;
}

// Over one connection each recipient is named once, if at all.
bool RowSessions::tell_by_recipients(const Open& open, SessionSummary& session) {
  if (open.wanted != session.recipients || open.decided() != session.messages) return false;
  if (open.delivered + open.put_off + open.bounced != open.wanted) return false;
  of(session.outcomes, Outcome::Delivered) = open.delivered;
  of(session.outcomes, Outcome::Deferred) = open.put_off;
  of(session.outcomes, Outcome::Bounced) = open.bounced;
  return true;
}

bool RowSessions::tell(const Open& open, SessionSummary& session) {
  if (session.connections == 0) return open.outcomes && tell_attempts(open.tried, session);
  if (session.all(SessionName::MxHost).empty()) return false;
  // In tapes from before, and where no metadata says who they are, the messages tell.
  const bool named = open.wanted > 0 || session.messages == 0;
  if (!open.outcomes || !named) return tell_by_messages(open, session);
  if (session.connections == 1 || session.messages == 0) return tell_by_recipients(open, session);
  return open.wanted == session.recipients && tell_by_messages(open, session);
}

// Another recorder's rows may come later than those behind them; and a gap may lie in between, as
// neither row knows.
bool RowSessions::follows(const Open& open, const SessionRow& row) const {
  const auto gap = last_gaps_.find(open.summary.source);
  const bool gap_since = gap != last_gaps_.end() && gap->second >= open.last_group;
  return row.first_received >= open.summary.last_received && !gap_since;
}

// In its own group, the row knows.
bool RowSessions::has_gap_behind(const Open& open) const {
  if (open.closed) return false;
  const auto gap = last_gaps_.find(open.summary.source);
  return gap != last_gaps_.end() && gap->second > open.last_group;
}

namespace {

// Rows have the greatest code, also of what only asks to go on.  False: the last success takes
// more.
bool tell_worst(SessionSummary& session) {
  const std::uint16_t greatest = session.worst_reply;
  if (greatest >= kFirstRefusal || greatest == 0) return true;
  session.worst_reply = worse_of(0, session.last_reply);
  return session.worst_reply != 0;
}

}  // namespace

RowSession RowSessions::finish(const Open& open) const {
  RowSession session;
  session.gap_behind = has_gap_behind(open) || (missing_ && !open.closed);
  const bool cut = missing_ && open.rows > 1;
  session.summary = open.summary;
  session.summary.is_open = session.summary.connections > 0 && !open.closed;
  const bool known = !session.gap_behind && !cut && open.sure && open.rests && open.names_known &&
                     session.summary.begins_here;
  session.told = known && tell(open, session.summary);
  session.told = tell_worst(session.summary) && session.told;
  return session;
}

}  // namespace smtptape
