#include "format/tape/session_rows.h"

#include <algorithm>

#include "base/error.h"
#include "format/limits.h"
#include "format/tape/column.h"
#include "format/tape/compressor.h"
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
    : keys_(std::move(keys)), properties_(keys_.size()) {
  SMTPTAPE_CHECK(keys_.size() <= kMostIndexedKeys);
}

void SessionRowBuilder::add(const Event& event) {
  SessionRow* const row = open_row(event);
  if (row == nullptr) return;
  if (row->events == 0) {
    row->first_sequence = event.sequence;
    row->first_received = event.received;
    row->last_received = event.received;
  }
  row->last_sequence = event.sequence;
  row->first_received = std::min(row->first_received, event.received);
  row->last_received = std::max(row->last_received, event.received);
  ++row->events;
  count(*row, event);
}

void SessionRowBuilder::add_gap() {
  for (SessionRow& row : rows_) {
    if (!row.closed) row.gap = true;
  }
}

// Null: the event belongs to no session.
SessionRow* SessionRowBuilder::open_row(const Event& event) {
  const Meta* const meta = event.meta;
  if (meta != nullptr) {
    if (const std::uint32_t* known = row_of_meta_.find(*meta)) {
      return *known == 0 ? nullptr : &rows_[*known - 1];
    }
  }
  if (meta == nullptr || !meta->session_id() || meta->form() == Meta::Form::Null) {
    for (Property& property : properties_)
      property.absent = true;
    if (meta != nullptr) row_of_meta_.remember(*meta, 0);
    return nullptr;
  }
  const std::string& id = *meta->session_id();
  auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    found = by_id_.emplace(arena_.copy(id), count32(rows_.size())).first;
    SessionRow& row = rows_.emplace_back();
    row.id = id;
    row.properties.resize(keys_.size());
  }
  add_values(found->second, *meta);
  row_of_meta_.remember(*meta, found->second + 1);
  return &rows_[found->second];
}

void SessionRowBuilder::add_values(std::uint32_t row, const Meta& meta) {
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    RowProperty& of_row = rows_[row].properties[key];
    Property& property = properties_[key];
    const auto json = meta.find(keys_[key]);
    if (!json) {
      of_row.absent = property.absent = true;
      continue;
    }
    if (!json->starts_with('[')) {
      add_value(row, key, *json);
      continue;
    }
    JsonReader reader(*json);
    bool any = false;
    for (bool more = reader.enter_array(); more && reader.next_element(); any = true) {
      const auto element = reader.skip_value();
      if (element) add_value(row, key, *element);
      more = element.has_value();
    }
    if (!any) of_row.incomparable = property.incomparable = true;
  }
}

void SessionRowBuilder::add_value(std::uint32_t row, std::size_t key, std::string_view json) {
  RowProperty& of_row = rows_[row].properties[key];
  Property& property = properties_[key];
  if (!is_text(json)) {
    of_row.incomparable = property.incomparable = true;
    return;
  }
  std::vector<std::uint32_t>& listed = of_row.values;
  const auto known = property.places.find(json);
  if (known != property.places.end() &&
      std::find(listed.rbegin(), listed.rend(), known->second) != listed.rend()) {
    return;
  }
  if (listed.size() >= kMostListedValues) {
    const std::uint64_t hash = hash64(json);
    if (beyond_[row * keys_.size() + key].insert(hash).second) of_row.hashes.push_back(hash);
  } else if (known != property.places.end()) {
    listed.push_back(known->second);
  } else {
    listed.push_back(count32(property.values.size()));
    property.values.push_back(arena_.copy(json));
    property.places.emplace(property.values.back(), listed.back());
  }
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
    case EventKind::Write:
    case EventKind::AbbreviatedWrite: row.bytes_written += full_length(event); return;
    case EventKind::Diagnostic:
      if (event.text.starts_with("STARTTLS handshake -> ")) row.tls = true;
      return;
    case EventKind::Unknown: return;
  }
}

SessionRowBuilder::Result SessionRowBuilder::finish() {
  Result result;
  for (std::size_t key = 0; key < keys_.size(); ++key) {
    const Property& from = properties_[key];
    result.rows.properties.push_back({keys_[key], {from.values.begin(), from.values.end()}});
    PropertySummary& summary = result.summaries.emplace_back();
    summary.key = keys_[key];
    summary.absent = from.absent;
    summary.incomparable = from.incomparable;
    // A row whose own list is full has values that are listed nowhere.
    summary.complete = beyond_.empty() && from.values.size() <= kMostListedValues;
    const std::size_t listed = std::min(from.values.size(), kMostListedValues);
    summary.values.assign(from.values.begin(),
                          from.values.begin() + static_cast<std::ptrdiff_t>(listed));
    std::sort(summary.values.begin(), summary.values.end());
  }
  result.rows.rows = std::move(rows_);
  rows_ = {};
  by_id_.clear();
  properties_.assign(keys_.size(), Property{});
  beyond_.clear();
  arena_.clear();
  row_of_meta_.forget_all();
  return result;
}

// --- as a message ---

namespace {

constexpr std::int64_t kAbsent = 1;
constexpr std::int64_t kIncomparable = 2;

std::int64_t flags_of(const SessionRow& row) {
  return (row.opened ? 1 : 0) | (row.closed ? 2 : 0) | (row.tls ? 4 : 0) | (row.gap ? 8 : 0);
}

std::int64_t difference(std::uint64_t later, std::uint64_t earlier) {
  return static_cast<std::int64_t>(later - earlier);
}

std::int64_t difference(std::int64_t later, std::int64_t earlier) {
  return difference(static_cast<std::uint64_t>(later), static_cast<std::uint64_t>(earlier));
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// Writes texts one after another and their lengths beside them.
template <class InitText, class InitLength>
void write_texts(const std::vector<std::string_view>& texts, InitText text, InitLength length) {
  std::string all;
  std::vector<std::int64_t> lengths;
  for (const std::string_view each : texts) {
    all.append(each);
    lengths.push_back(static_cast<std::int64_t>(each.size()));
  }
  text(as_data(all));
  write_column(lengths, length);
}

std::vector<std::string_view> read_texts(std::string_view text,
                                         const tape::Column::Reader& length,
                                         std::size_t count) {
  std::vector<std::int64_t> lengths;
  read_column(length, count, lengths);
  std::vector<std::string_view> out;
  out.reserve(count);
  for (const std::int64_t each : lengths) {
    if (each < 0 || static_cast<std::uint64_t>(each) > text.size()) {
      throw Error("a text of a session row is cut short");
    }
    out.push_back(text.substr(0, static_cast<std::size_t>(each)));
    text.remove_prefix(static_cast<std::size_t>(each));
  }
  return out;
}

// Numbers values anew, in the order in which the rows name them: most are named once, by the
// next row that names any.
class ValueOrder {
 public:
  explicit ValueOrder(const std::vector<std::string>& values)
      : values_(values), numbers_(values.size()) {}

  // 0: the next value; n: the n-th again.
  std::int64_t number(std::uint32_t place) {
    if (numbers_[place] != 0) return numbers_[place];
    ordered_.push_back(values_[place]);
    numbers_[place] = static_cast<std::int64_t>(ordered_.size());
    return 0;
  }
  [[nodiscard]] const std::vector<std::string_view>& ordered() const { return ordered_; }

 private:
  const std::vector<std::string>& values_;
  std::vector<std::int64_t> numbers_;
  std::vector<std::string_view> ordered_;
};

void write_property(tape::PropertyColumns::Builder to,
                    const SessionRows& from,
                    std::size_t property) {
  std::vector<std::int64_t> flags, listed, value, hashed;
  std::vector<std::uint64_t> hashes;
  ValueOrder order(from.properties[property].values);
  for (const SessionRow& row : from.rows) {
    const RowProperty& of_row = row.properties[property];
    flags.push_back((of_row.absent ? kAbsent : 0) | (of_row.incomparable ? kIncomparable : 0));
    listed.push_back(static_cast<std::int64_t>(of_row.values.size()));
    for (const std::uint32_t place : of_row.values)
      value.push_back(order.number(place));
    hashed.push_back(static_cast<std::int64_t>(of_row.hashes.size()));
    hashes.insert(hashes.end(), of_row.hashes.begin(), of_row.hashes.end());
  }
  to.setKey(as_data(from.properties[property].key));
  write_column(flags, [&] { return to.initFlags(); });
  write_column(listed, [&] { return to.initListed(); });
  write_column(value, [&] { return to.initValue(); });
  write_column(hashed, [&] { return to.initHashed(); });
  if (!hashes.empty()) to.setHashes(as_data(hashes_to_bytes(hashes)));
  to.setValueCount(count32(order.ordered().size()));
  write_texts(
      order.ordered(),
      [&](auto values) { to.setValues(values); },
      [&] { return to.initValueLength(); });
}

// The values that the rows list, one row after another.
class ListedValues {
 public:
  ListedValues(const tape::PropertyColumns::Reader& from, std::size_t rows, std::size_t values)
      : values_(values) {
    read_column(from.getListed(), rows, listed_);
    std::size_t all = 0;
    for (const std::int64_t each : listed_) {
      if (each < 0 || each > static_cast<std::int64_t>(kMostListedValues)) {
        throw Error("a session row lists too many values");
      }
      all += static_cast<std::size_t>(each);
    }
    read_column(from.getValue(), all, numbers_);
  }

  void read(std::size_t row, std::vector<std::uint32_t>& out) {
    for (std::int64_t n = listed_[row]; n > 0; --n) {
      const std::int64_t number = numbers_[next_++];
      const auto place = number == 0 ? named_++ : static_cast<std::uint64_t>(number) - 1;
      if (place >= values_) throw Error("a session row names a value that is not there");
      out.push_back(static_cast<std::uint32_t>(place));
    }
  }

 private:
  std::size_t values_;
  std::vector<std::int64_t> listed_;
  std::vector<std::int64_t> numbers_;
  std::size_t next_ = 0;
  std::uint64_t named_ = 0;
};

void read_property(tape::PropertyColumns::Reader from, std::size_t property, SessionRows& to) {
  SessionRows::Property& out = to.properties[property];
  out.key = as_string(from.getKey());
  const std::string_view text = as_view(from.getValues());
  if (from.getValueCount() > text.size()) throw Error("values of session rows are missing");
  for (const auto value : read_texts(text, from.getValueLength(), from.getValueCount()))
    out.values.emplace_back(value);
  std::vector<std::int64_t> flags, hashed;
  read_column(from.getFlags(), to.rows.size(), flags);
  read_column(from.getHashed(), to.rows.size(), hashed);
  ListedValues listed(from, to.rows.size(), out.values.size());
  const std::vector<std::uint64_t> hashes = bytes_to_hashes(as_view(from.getHashes()));
  auto next_hash = hashes.begin();
  for (std::size_t i = 0; i < to.rows.size(); ++i) {
    RowProperty& of_row = to.rows[i].properties[property];
    of_row.absent = (flags[i] & kAbsent) != 0;
    of_row.incomparable = (flags[i] & kIncomparable) != 0;
    listed.read(i, of_row.values);
    if (hashed[i] < 0 || hashed[i] > hashes.end() - next_hash) {
      throw Error("hashes of a session row are missing");
    }
    of_row.hashes.assign(next_hash, next_hash + hashed[i]);
    next_hash += hashed[i];
  }
}

// The plain numbers of a row: each with its columns, in both directions.
template <class Visit>
void each_number(Visit visit) {
  using Row = tape::SessionRows;
  visit(&SessionRow::events, &Row::Builder::initEvents, &Row::Reader::getEvents);
  visit(&SessionRow::connections, &Row::Builder::initConnections, &Row::Reader::getConnections);
  visit(&SessionRow::messages, &Row::Builder::initMessages, &Row::Reader::getMessages);
  visit(&SessionRow::bytes_read, &Row::Builder::initBytesRead, &Row::Reader::getBytesRead);
  visit(&SessionRow::bytes_written, &Row::Builder::initBytesWritten, &Row::Reader::getBytesWritten);
  visit(&SessionRow::last_reply, &Row::Builder::initLastReply, &Row::Reader::getLastReply);
}

template <class Get>
std::vector<std::int64_t> column_of(const std::vector<SessionRow>& rows, Get get) {
  std::vector<std::int64_t> out;
  out.reserve(rows.size());
  for (const SessionRow& row : rows)
    out.push_back(static_cast<std::int64_t>(get(row)));
  return out;
}

void write_spans(tape::SessionRows::Builder to,
                 const std::vector<SessionRow>& rows,
                 const GroupIndex& index) {
  const auto write = [&rows](auto get, auto init) { write_column(column_of(rows, get), init); };
  write([&](const SessionRow& row) { return difference(row.first_sequence, index.first_sequence); },
        [&] { return to.initFirstSequence(); });
  write([](const SessionRow& row) { return difference(row.last_sequence, row.first_sequence); },
        [&] { return to.initLastSequence(); });
  write([&](const SessionRow& row) { return difference(row.first_received, index.first_received); },
        [&] { return to.initFirstReceived(); });
  write([](const SessionRow& row) { return difference(row.last_received, row.first_received); },
        [&] { return to.initLastReceived(); });
}

void read_spans(tape::SessionRows::Reader from,
                const GroupIndex& index,
                std::vector<SessionRow>& rows) {
  std::vector<std::int64_t> first, last;
  read_column(from.getFirstSequence(), rows.size(), first);
  read_column(from.getLastSequence(), rows.size(), last);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].first_sequence = index.first_sequence + static_cast<std::uint64_t>(first[i]);
    rows[i].last_sequence = rows[i].first_sequence + static_cast<std::uint64_t>(last[i]);
  }
  read_column(from.getFirstReceived(), rows.size(), first);
  read_column(from.getLastReceived(), rows.size(), last);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].first_received = sum(index.first_received, first[i]);
    rows[i].last_received = sum(rows[i].first_received, last[i]);
  }
}

SessionRows read_rows_message(tape::SessionRows::Reader from, const GroupIndex& index) {
  SessionRows out;
  const auto properties = from.getProperties();
  if (properties.size() > kMostIndexedKeys || from.getCount() > kMostSessionRows) {
    throw Error("a group has too many session rows");
  }
  out.properties.resize(properties.size());
  out.rows.resize(from.getCount());
  const auto ids = read_texts(as_view(from.getIds()), from.getIdLength(), out.rows.size());
  std::vector<std::int64_t> flags;
  read_column(from.getFlags(), out.rows.size(), flags);
  for (std::size_t i = 0; i < out.rows.size(); ++i) {
    SessionRow& row = out.rows[i];
    row.id = ids[i];
    row.opened = (flags[i] & 1) != 0;
    row.closed = (flags[i] & 2) != 0;
    row.tls = (flags[i] & 4) != 0;
    row.gap = (flags[i] & 8) != 0;
    row.properties.resize(properties.size());
  }
  read_spans(from, index, out.rows);
  each_number([&](auto member, auto, auto get) {
    std::vector<std::int64_t> values_of;
    read_column((from.*get)(), out.rows.size(), values_of);
    for (std::size_t i = 0; i < out.rows.size(); ++i) {
      auto& number = out.rows[i].*member;
      number = static_cast<std::remove_reference_t<decltype(number)>>(values_of[i]);
    }
  });
  for (unsigned i = 0; i < properties.size(); ++i)
    read_property(properties[i], i, out);
  return out;
}

}  // namespace

std::string to_message(const SessionRows& rows, const GroupIndex& index) {
  return message_of([&](capnp::MessageBuilder& message) {
    auto to = message.initRoot<tape::SessionRows>();
    to.setCount(count32(rows.rows.size()));
    const std::vector<SessionRow>& all = rows.rows;
    std::vector<std::string_view> texts;
    for (const SessionRow& row : all)
      texts.push_back(row.id);
    write_texts(
        texts, [&](auto ids) { to.setIds(ids); }, [&] { return to.initIdLength(); });
    write_spans(to, all, index);
    each_number([&](auto member, auto init, auto) {
      const auto get = [member](const SessionRow& row) { return row.*member; };
      write_column(column_of(all, get), [&] { return (to.*init)(); });
    });
    write_column(column_of(all, flags_of), [&] { return to.initFlags(); });
    auto properties = to.initProperties(count32(rows.properties.size()));
    for (unsigned i = 0; i < rows.properties.size(); ++i)
      write_property(properties[i], rows, i);
  });
}

SessionRows read_rows(const GroupIndex& index) {
  if (index.rows.empty()) return {};
  const std::string message = decompress_whole(index.rows, kMostRowsBytes);
  return reading_message("reading session rows", [&] {
    capnp::FlatArrayMessageReader reader(as_words(message), reader_options(message.size()));
    return read_rows_message(reader.getRoot<tape::SessionRows>(), index);
  });
}

}  // namespace smtptape
