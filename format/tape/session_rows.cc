#include "format/tape/session_rows.h"

#include <algorithm>

#include "base/hash.h"
#include "format/limits.h"
#include "format/wire/json.h"

namespace smtptape {

namespace {

// The code of the last reply in a chunk of replies: of its last line that begins with three
// digits and a space (or nothing).  0: none.
std::uint16_t last_reply_code(std::string_view text) {
  while (!text.empty()) {
    if (text.back() == '\n') text.remove_suffix(1);
    const std::size_t start = text.rfind('\n') + 1;  // npos + 1 == 0
    const std::string_view line = text.substr(start);
    const auto digit = [&](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
    if (line.size() >= 3 && digit(0) && digit(1) && digit(2) &&
        (line.size() == 3 || line[3] == ' ' || line[3] == '\r')) {
      return static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 +
                                        (line[2] - '0'));
    }
    text = text.substr(0, start);
  }
  return 0;
}

bool is_text(std::string_view json) {
  return json.starts_with('"');
}

}  // namespace

SessionRowBuilder::SessionRowBuilder(std::vector<std::string> keys)
    : keys_(std::move(keys)), summaries_(keys_.size()) {
}

void SessionRowBuilder::add(const Event& event) {
  Open* const open = open_row(event);
  if (open == nullptr) return;
  SessionRow& row = open->row;
  if (row.events == 0) {
    row.first_sequence = event.sequence;
    row.first_received = event.received;
    row.last_received = event.received;
  }
  row.last_sequence = event.sequence;
  row.first_received = std::min(row.first_received, event.received);
  row.last_received = std::max(row.last_received, event.received);
  ++row.events;
  count(row, event);
}

void SessionRowBuilder::add_gap() {
  for (Open& open : rows_) {
    if (!open.row.closed) open.row.gap = true;
  }
}

// Null: the event belongs to no session.
SessionRowBuilder::Open* SessionRowBuilder::open_row(const Event& event) {
  const Meta* const meta = event.meta;
  if (meta != nullptr) {
    if (const std::uint32_t* known = row_of_meta_.find(*meta)) {
      return *known == 0 ? nullptr : &rows_[*known - 1];
    }
  }
  if (meta == nullptr || !meta->session_id() || meta->form() == Meta::Form::Null) {
    for (Summary& summary : summaries_)
      summary.absent = true;
    if (meta != nullptr) row_of_meta_.remember(*meta, 0);
    return nullptr;
  }
  const auto [found, inserted] = by_id_.try_emplace(*meta->session_id(), rows_.size());
  if (inserted) {
    Open& open = rows_.emplace_back();
    open.row.id = *meta->session_id();
    open.properties.resize(keys_.size());
  }
  Open& open = rows_[found->second];
  add_values(open, *meta);
  row_of_meta_.remember(*meta, static_cast<std::uint32_t>(found->second + 1));
  return &open;
}

void SessionRowBuilder::add_values(Open& open, const Meta& meta) {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    Values& values = open.properties[i];
    Summary& summary = summaries_[i];
    const auto json = meta.find(keys_[i]);
    if (!json) {
      values.row.absent = true;
      summary.absent = true;
      continue;
    }
    JsonReader reader(*json);
    if (reader.peek() != JsonReader::Type::Array) {
      add_value(values, summary, *json);
      continue;
    }
    bool any = false;
    for (bool more = reader.enter_array(); more && reader.next_element(); any = true) {
      const auto element = reader.skip_value();
      if (element) add_value(values, summary, *element);
      more = element.has_value();
    }
    if (!any) values.row.incomparable = summary.incomparable = true;
  }
}

void SessionRowBuilder::add_value(Values& values, Summary& summary, std::string_view json) {
  if (!is_text(json)) {
    values.row.incomparable = summary.incomparable = true;
    return;
  }
  if (summary.values.size() <= kMostListedValues) summary.values.emplace(json);
  std::vector<std::string>& listed = values.row.values;
  if (listed.size() < kMostListedValues) {
    if (std::find(listed.begin(), listed.end(), json) == listed.end()) listed.emplace_back(json);
    return;
  }
  if (values.seen.empty()) {
    for (const std::string& known : listed)
      values.seen.insert(hash64(known));
  }
  const std::uint64_t hash = hash64(json);
  if (values.seen.insert(hash).second) values.row.hashes.push_back(hash);
}

void SessionRowBuilder::count(SessionRow& row, const Event& event) {
  switch (event.kind) {
    case EventKind::BeginSession: row.opened = true; return;
    case EventKind::Connected: ++row.connections; return;
    case EventKind::Closed: row.closed = true; return;
    case EventKind::MessageObtained: ++row.messages; return;
    case EventKind::Read:
      row.bytes_read += event.text.size();
      if (const std::uint16_t code = last_reply_code(event.text)) row.last_reply = code;
      return;
    case EventKind::Write: row.bytes_written += event.text.size(); return;
    case EventKind::AbbreviatedWrite: row.bytes_written += event.length; return;
    case EventKind::Diagnostic:
      if (event.text.starts_with("STARTTLS handshake -> ")) row.tls = true;
      return;
    case EventKind::Unknown: return;
  }
}

SessionRowBuilder::Result SessionRowBuilder::finish() {
  Result result;
  for (Open& open : rows_) {
    for (Values& values : open.properties)
      open.row.properties.push_back(std::move(values.row));
    // An absent property at the end says nothing that a missing one doesn't.
    while (!open.row.properties.empty()) {
      const RowProperty& last = open.row.properties.back();
      if (!last.absent || last.incomparable || !last.values.empty()) break;
      open.row.properties.pop_back();
    }
    result.rows.push_back(std::move(open.row));
  }
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    PropertySummary& to = result.summaries.emplace_back();
    to.key = keys_[i];
    to.absent = summaries_[i].absent;
    to.incomparable = summaries_[i].incomparable;
    to.complete = summaries_[i].values.size() <= kMostListedValues;
    to.values.assign(summaries_[i].values.begin(), summaries_[i].values.end());
    std::sort(to.values.begin(), to.values.end());
  }
  by_id_.clear();
  rows_.clear();
  summaries_.assign(keys_.size(), Summary{});
  row_of_meta_.forget_all();
  return result;
}

}  // namespace smtptape
