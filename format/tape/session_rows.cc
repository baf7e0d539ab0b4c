#include "format/tape/session_rows.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "format/limits.h"
#include "format/tape/column.h"
#include "format/tape/compressor.h"
#include "format/tape/messages.h"
#include "format/tape/row_ids.h"
#include "format/tape/row_properties.h"

namespace smtptape {

bool SessionRow::may_be(std::string_view session_id) const {
  return id == (id_hashed ? hashes_to_bytes({hash64(session_id)}) : session_id);
}

std::uint64_t SessionRow::id_hash() const {
  return id_hashed ? bytes_to_hashes(id).front() : hash64(id);
}

RowProperty SessionRows::Property::of_row(std::size_t row) const {
  const auto part = [row](const auto& all, const std::vector<std::uint32_t>& until) {
    const std::uint32_t from = row == 0 ? 0 : until[row - 1];
    return std::span(all).subspan(from, until[row] - from);
  };
  RowProperty out;
  out.absent = (flags[row] & kAbsentFlag) != 0;
  out.incomparable = (flags[row] & kIncomparableFlag) != 0;
  out.lists = (flags[row] & kListFlag) != 0;
  out.complete = (flags[row] & kMoreFlag) == 0;
  out.values = part(listed, listed_until);
  out.hashes = part(hashes, hashed_until);
  return out;
}

// --- as a message ---

namespace {

constexpr std::uint16_t kRowsVersion = 1;
constexpr std::int64_t kOpened = 1, kClosed = 2, kTls = 4, kGap = 8, kDecided = 16;
constexpr std::int64_t kGoesOn = 32, kSure = 64, kRests = 128;

std::int64_t flags_of(const SessionRow& row) {
  return (row.opened ? kOpened : 0) | (row.closed ? kClosed : 0) | (row.gap ? kGap : 0) |
         (row.tls >= Tls::Unknown ? kTls : 0) | (row.decided ? kDecided : 0) |
         (row.goes_on ? kGoesOn : 0) | (row.sure ? kSure : 0) | (row.rests ? kRests : 0);
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

template <class Get>
std::vector<std::int64_t> column_of(const std::vector<SessionRow>& rows, Get get) {
  std::vector<std::int64_t> out;
  out.reserve(rows.size());
  for (const SessionRow& row : rows)
    out.push_back(static_cast<std::int64_t>(get(row)));
  return out;
}

// --- numbers ---

// The plain numbers of a row: each with its columns, in both directions.
template <class Visit>
void each_number(Visit visit) {
  using Row = tape::SessionRows;
  visit(&SessionRow::connections, &Row::Builder::initConnections, &Row::Reader::getConnections);
  visit(&SessionRow::messages, &Row::Builder::initMessages, &Row::Reader::getMessages);
  visit(&SessionRow::recipients, &Row::Builder::initRecipients, &Row::Reader::getRecipients);
  visit(&SessionRow::bytes_read, &Row::Builder::initBytesRead, &Row::Reader::getBytesRead);
  visit(&SessionRow::bytes_written, &Row::Builder::initBytesWritten, &Row::Reader::getBytesWritten);
  visit(&SessionRow::last_reply, &Row::Builder::initLastReply, &Row::Reader::getLastReply);
  visit(&SessionRow::worst_reply, &Row::Builder::initWorstReply, &Row::Reader::getWorstReply);
  visit(&SessionRow::accepted, &Row::Builder::initAccepted, &Row::Reader::getAccepted);
  visit(&SessionRow::deferred, &Row::Builder::initDeferred, &Row::Reader::getDeferred);
  visit(&SessionRow::refused, &Row::Builder::initRefused, &Row::Reader::getRefused);
  visit(&SessionRow::tls, &Row::Builder::initTls, &Row::Reader::getTls);
}

// Those that mostly are what another one is: they stand as differences to it.
template <class Visit>
void each_difference(Visit visit) {
  using Row = tape::SessionRows;
  visit(&SessionRow::wanted,
        &SessionRow::recipients,
        &Row::Builder::initWanted,
        &Row::Reader::getWanted);
  visit(&SessionRow::delivered,
        &SessionRow::accepted,
        &Row::Builder::initDelivered,
        &Row::Reader::getDelivered);
  visit(&SessionRow::put_off,
        &SessionRow::deferred,
        &Row::Builder::initPutOff,
        &Row::Reader::getPutOff);
  visit(&SessionRow::bounced,
        &SessionRow::refused,
        &Row::Builder::initBounced,
        &Row::Reader::getBounced);
}

void write_numbers(tape::SessionRows::Builder to, const std::vector<SessionRow>& rows) {
  each_number([&](auto member, auto init, auto) {
    const auto get = [member](const SessionRow& row) { return row.*member; };
    write_column(column_of(rows, get), [&] { return (to.*init)(); });
  });
  each_difference([&](auto member, auto other, auto init, auto) {
    const auto get = [=](const SessionRow& row) {
      return std::int64_t{row.*member} - std::int64_t{row.*other};
    };
    write_column(column_of(rows, get), [&] { return (to.*init)(); });
  });
}

void write_tried(tape::SessionRows::Builder to, const std::vector<SessionRow>& rows) {
  const auto has_tried = [](const SessionRow& row) { return row.tried.has_value(); };
  auto list =
      to.initTried(static_cast<unsigned>(std::count_if(rows.begin(), rows.end(), has_tried)));
  unsigned next = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].tried) continue;
    auto tried = list[next++];
    tried.setRow(count32(i));
    tried.setHost(as_data(rows[i].tried->host));
    tried.setAddress(as_data(rows[i].tried->address));
  }
}

void write_spans(tape::SessionRows::Builder to,
                 const std::vector<SessionRow>& rows,
                 const GroupIndex& index) {
  const auto write = [&rows](auto get, auto init) { write_column(column_of(rows, get), init); };
  std::uint64_t sequence = index.first_sequence;
  write(
      [&](const SessionRow& row) {
        return difference(row.first_sequence, std::exchange(sequence, row.first_sequence));
      },
      [&] { return to.initSequence(); });
  write([](const SessionRow& row) { return difference(row.last_sequence, row.first_sequence); },
        [&] { return to.initSequences(); });
  std::int64_t received = index.first_received;
  write(
      [&](const SessionRow& row) {
        return difference(row.first_received, std::exchange(received, row.first_received));
      },
      [&] { return to.initReceived(); });
  write([](const SessionRow& row) { return difference(row.last_received, row.first_received); },
        [&] { return to.initDuration(); });
}

void read_spans(tape::SessionRows::Reader from,
                const GroupIndex& index,
                std::vector<SessionRow>& rows) {
  const auto sequence = entries_of(from.getSequence(), rows.size());
  const auto sequences = entries_of(from.getSequences(), rows.size());
  const auto received = entries_of(from.getReceived(), rows.size());
  const auto duration = entries_of(from.getDuration(), rows.size());
  std::uint64_t last_sequence = index.first_sequence;
  std::int64_t last_received = index.first_received;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SessionRow& row = rows[i];
    row.first_sequence = last_sequence += static_cast<std::uint64_t>(sequence[i]);
    row.last_sequence = row.first_sequence + static_cast<std::uint64_t>(sequences[i]);
    row.first_received = last_received = sum(last_received, received[i]);
    row.last_received = sum(row.first_received, duration[i]);
  }
}

// Tapes from before version 1 of the rows.
void read_old_ids_and_spans(tape::SessionRows::Reader from,
                            const GroupIndex& index,
                            std::vector<SessionRow>& rows) {
  const auto id_length = entries_of(from.getIdLength(), rows.size());
  const auto first = entries_of(from.getFirstSequence(), rows.size());
  const auto last = entries_of(from.getLastSequence(), rows.size());
  const auto first_received = entries_of(from.getFirstReceived(), rows.size());
  const auto last_received = entries_of(from.getLastReceived(), rows.size());
  std::string_view ids = as_view(from.getIds());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SessionRow& row = rows[i];
    row.id = take(ids, id_length[i]);
    row.first_sequence = index.first_sequence + static_cast<std::uint64_t>(first[i]);
    row.last_sequence = row.first_sequence + static_cast<std::uint64_t>(last[i]);
    row.first_received = sum(index.first_received, first_received[i]);
    row.last_received = sum(row.first_received, last_received[i]);
  }
}

void read_numbers(tape::SessionRows::Reader from, std::vector<SessionRow>& rows) {
  each_number([&](auto member, auto, auto get) {
    const auto column = entries_of((from.*get)(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto& number = rows[i].*member;
      number = static_cast<std::remove_reference_t<decltype(number)>>(column[i]);
    }
  });
  each_difference([&](auto member, auto other, auto, auto get) {
    const auto column = entries_of((from.*get)(), rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      rows[i].*member = rows[i].*other + static_cast<std::uint32_t>(column[i]);
  });
}

void read_tried(tape::SessionRows::Reader from, std::vector<SessionRow>& rows) {
  if (from.getTried().size() > rows.size()) throw Error("a group has too many attempts");
  for (const auto tried : from.getTried()) {
    if (tried.getRow() >= rows.size()) throw Error("an attempt is of no session row");
    rows[tried.getRow()].tried = {as_string(tried.getHost()), as_string(tried.getAddress())};
  }
}

// Of tapes from before the last three, a row that is decided is sure and rests.
void read_flags(tape::SessionRows::Reader from, std::vector<SessionRow>& rows) {
  const auto flags = entries_of(from.getFlags(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto has = [all = flags[i]](std::int64_t flag) { return (all & flag) != 0; };
    SessionRow& row = rows[i];
    row.opened = has(kOpened);
    row.closed = has(kClosed);
    row.gap = has(kGap);
    row.decided = has(kDecided);
    row.goes_on = has(kGoesOn);
    row.outcomes = has(kSure);
    row.sure = row.decided || row.outcomes;
    row.rests = row.decided || has(kRests);
    if (from.getVersion() == 0 && has(kTls)) row.tls = Tls::Unknown;
  }
}

// `keys` null: all.
SessionRows read_rows_message(tape::SessionRows::Reader from,
                              const GroupIndex& index,
                              const std::span<const std::string_view>* keys) {
  SessionRows out;
  const auto properties = from.getProperties();
  if (properties.size() > kMostIndexedKeys || from.getCount() > kMostSessionRows) {
    throw Error("a group has too many session rows");
  }
  out.rows.resize(from.getCount());
  if (from.getVersion() == 0) {
    read_old_ids_and_spans(from, index, out.rows);
  } else {
    read_ids(from, out.rows);
    read_spans(from, index, out.rows);
  }
  read_numbers(from, out.rows);
  read_flags(from, out.rows);
  read_tried(from, out.rows);
  std::size_t room = kMostGroupListed;
  for (const auto property : properties) {
    const std::string_view key = as_view(property.getKey());
    if (keys != nullptr && std::find(keys->begin(), keys->end(), key) == keys->end()) continue;
    out.properties.push_back(read_property(property, out.rows.size(), room));
  }
  return out;
}

}  // namespace

std::string to_message(const SessionRows& rows, const GroupIndex& index) {
  return message_of([&](capnp::MessageBuilder& message) {
    auto to = message.initRoot<tape::SessionRows>();
    const std::vector<SessionRow>& all = rows.rows;
    to.setVersion(kRowsVersion);
    to.setCount(count32(all.size()));
    write_ids(to, all);
    write_spans(to, all, index);
    write_numbers(to, all);
    write_tried(to, all);
    write_column(column_of(all, flags_of), [&] { return to.initFlags(); });
    auto properties = to.initProperties(count32(rows.properties.size()));
    for (unsigned i = 0; i < rows.properties.size(); ++i)
      write_property(properties[i], rows.properties[i]);
  });
}

namespace {

SessionRows read_some_rows(const GroupIndex& index, const std::span<const std::string_view>* keys) {
  if (index.rows.empty()) return {};
  const std::string message =
      decompress_whole(index.rows, index.index_version == 0 ? kMostRowsBytes : kMostRowsMessage);
  return reading_message("reading session rows", [&] {
    capnp::FlatArrayMessageReader reader(as_words(message), reader_options(message.size()));
    return read_rows_message(reader.getRoot<tape::SessionRows>(), index, keys);
  });
}

}  // namespace

SessionRows read_rows(const GroupIndex& index) {
  return read_some_rows(index, nullptr);
}

SessionRows read_rows(const GroupIndex& index, std::span<const std::string_view> keys) {
  return read_some_rows(index, &keys);
}

}  // namespace smtptape
