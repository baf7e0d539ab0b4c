#include "format/tape/tape_info.h"

#include <algorithm>
#include <functional>

#include "base/io.h"
#include "format/limits.h"
#include "format/tape/messages.h"

namespace smtptape {

namespace {

std::size_t place(GapCause cause) {
  return static_cast<std::size_t>(cause) - 1;
}

bool known_cause(std::uint16_t cause) {
  return cause >= 1 && cause <= kGapCauses;
}

void write_losses(capnp::List<tape::Lost>::Builder to, const std::array<Loss, kGapCauses>& from) {
  unsigned next = 0;
  for (std::size_t i = 0; i < kGapCauses; ++i) {
    if (from[i] == Loss{}) continue;
    auto entry = to[next++];
    entry.setCause(static_cast<std::uint16_t>(i + 1));
    entry.setCount(from[i].count);
    entry.setGaps(from[i].gaps);
    entry.setUnknown(from[i].unknown);
  }
}

unsigned losses(const std::array<Loss, kGapCauses>& all) {
  return count32(static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const Loss& loss) { return loss != Loss{}; })));
}

void read_losses(capnp::List<tape::Lost>::Reader from, std::array<Loss, kGapCauses>& to) {
  for (const auto entry : at_most(256, from, "causes")) {
    if (!known_cause(entry.getCause())) continue;
    to[entry.getCause() - 1U] = {entry.getCount(), entry.getGaps(), entry.getUnknown()};
  }
}

void write_index(tape::GroupIndex::Builder to, const GroupIndex& index) {
  to.setNumber(index.number);
  to.setOffset(index.offset);
  to.setBytes(index.bytes);
  to.setHash(index.hash);
  to.setColumnBytes(index.column_bytes);
  to.setColumnRawBytes(index.column_raw_bytes);
  to.setPayloadRawBytes(index.payload_raw_bytes);
  to.setEvents(index.events);
  to.setFirstSequence(index.first_sequence);
  to.setLastSequence(index.last_sequence);
  to.setFirstReceived(index.first_received);
  to.setLastReceived(index.last_received);
  to.setFirstWhen(index.first_when);
  to.setLastWhen(index.last_when);
  to.setWireBytes(index.wire_bytes);
  to.setVerbatim(index.verbatim);
  to.setUnknown(index.unknown);
  to.setMetas(index.metas);
  to.setSessions(index.sessions);
  auto gaps = to.initGaps(count32(index.gaps.size()));
  for (unsigned i = 0; i < index.gaps.size(); ++i)
    write_gap(gaps[i], index.gaps[i], 0);
  auto origins = to.initOrigins(count32(index.origins.size()));
  for (unsigned i = 0; i < index.origins.size(); ++i)
    write_origin(origins[i], index.origins[i]);
  auto summaries = to.initSummaries(count32(index.summaries.size()));
  for (unsigned i = 0; i < index.summaries.size(); ++i)
    write_summary(summaries[i], index.summaries[i]);
  if (!index.rows.empty()) to.setRows(as_data(index.rows));
  to.setRowsBytes(index.rows_bytes);
  to.setGapCount(index.gap_count);
  to.setTrimmed(index.trimmed);
  to.setMasked(index.masked);
  to.setIndexVersion(index.index_version);
  to.setMessageIds(as_data(index.message_ids));
  to.setMessageIdsKnown(index.message_ids_known);
}

// What they take in a tape, at least.
constexpr std::uint64_t kStoredGroup = 160;
constexpr std::uint64_t kStoredGap = 64;
constexpr std::uint64_t kStoredOrigin = 32;
constexpr std::uint64_t kStoredSummary = 24;
constexpr std::uint64_t kStoredNote = 16;

// Each part of a message is read once.  A hostile one, whose parts are one and the same, may cost
// twice its size.
capnp::ReaderOptions once(std::string_view message) {
  return reader_options(message.size(), 2);
}

GroupIndex read_index(tape::GroupIndex::Reader from, ListRoom& room) {
  GroupIndex index;
  index.number = from.getNumber();
  index.offset = from.getOffset();
  index.bytes = from.getBytes();
  index.hash = from.getHash();
  index.column_bytes = from.getColumnBytes();
  index.column_raw_bytes = from.getColumnRawBytes();
  index.payload_raw_bytes = from.getPayloadRawBytes();
  index.events = from.getEvents();
  index.first_sequence = from.getFirstSequence();
  index.last_sequence = from.getLastSequence();
  index.first_received = from.getFirstReceived();
  index.last_received = from.getLastReceived();
  index.first_when = from.getFirstWhen();
  index.last_when = from.getLastWhen();
  index.wire_bytes = from.getWireBytes();
  index.verbatim = from.getVerbatim();
  index.unknown = from.getUnknown();
  index.metas = from.getMetas();
  index.sessions = from.getSessions();
  for (const auto gap :
       at_most(kMostGroupGaps, room.take(kStoredGap, from.getGaps(), "gaps"), "gaps"))
    index.gaps.push_back(read_gap(gap));
  for (const auto origin :
       at_most(kMostOrigins, room.take(kStoredOrigin, from.getOrigins(), "origins"), "origins"))
    index.origins.push_back(read_origin(origin));
  const auto summaries = at_most(
      kMostIndexedKeys, room.take(kStoredSummary, from.getSummaries(), "summaries"), "summaries");
  for (const auto summary : summaries)
    index.summaries.push_back(read_summary(summary, room));
  index.rows = as_string(from.getRows());
  index.rows_bytes = from.getRowsBytes();
  index.gap_count = from.getGapCount();
  index.trimmed = from.getTrimmed();
  index.masked = from.getMasked();
  index.index_version = from.getIndexVersion();
  index.message_ids = as_string(from.getMessageIds());
  index.message_ids_known = from.getMessageIdsKnown();
  return index;
}

}  // namespace

std::string_view gap_cause_name(GapCause cause) {
  switch (cause) {
    case GapCause::Lag: return "server lag";
    case GapCause::Disconnected: return "disconnected";
    case GapCause::NotRecording: return "not recording";
    case GapCause::QueueFull: return "queue full";
    case GapCause::Disk: return "disk";
    case GapCause::Oversize: return "oversize frame";
  }
  return "unknown cause";
}

bool is_upstream(GapCause cause) {
  switch (cause) {
    case GapCause::Lag:
    case GapCause::Disconnected:
    case GapCause::NotRecording: return true;
    case GapCause::QueueFull:
    case GapCause::Disk:
    case GapCause::Oversize: break;
  }
  return false;
}

namespace {

// Without a part of it.  Of more than can be counted it's still more.
std::uint64_t rest_of(std::uint64_t all, std::uint64_t part) {
  return all == kMostCounted ? all : all - std::min(all, part);
}

template <class Operation>
void combine(Ledger& to, const Ledger& other, Operation operation) {
  const auto each = [&operation](auto& losses, const auto& others) {
    for (std::size_t i = 0; i < kGapCauses; ++i) {
      losses[i].count = operation(losses[i].count, others[i].count);
      losses[i].gaps = operation(losses[i].gaps, others[i].gaps);
      losses[i].unknown = operation(losses[i].unknown, others[i].unknown);
    }
  };
  to.received = operation(to.received, other.received);
  to.stored = operation(to.stored, other.stored);
  to.not_selected = operation(to.not_selected, other.not_selected);
  each(to.lost, other.lost);
  each(to.upstream, other.upstream);
}

}  // namespace

void Ledger::add(const Gap& gap) {
  if (!known_cause(static_cast<std::uint16_t>(gap.cause))) return;
  Loss& loss = (is_upstream(gap.cause) ? upstream : lost)[place(gap.cause)];
  ++loss.gaps;
  if (gap.count) {
    loss.count = capped_sum(loss.count, *gap.count);
  } else {
    ++loss.unknown;
  }
}

void Ledger::count(const Gap& gap) {
  add(gap);
  if (!is_upstream(gap.cause)) received = capped_sum(received, gap.count.value_or(0));
}

std::string Loss::count_text() const {
  return (count == kMostCounted ? "at least " : "") + std::to_string(count);
}

Ledger& Ledger::operator+=(const Ledger& other) {
  combine(*this, other, capped_sum);
  return *this;
}

Ledger& Ledger::operator-=(const Ledger& other) {
  combine(*this, other, rest_of);
  for (auto* const losses : {&lost, &upstream}) {
    for (Loss& loss : *losses) {
      if (loss.gaps == 0) loss = {};
    }
  }
  return *this;
}

Loss Ledger::total_lost() const {
  Loss total;
  for (const Loss& loss : lost) {
    total.count = capped_sum(total.count, loss.count);
    total.gaps = capped_sum(total.gaps, loss.gaps);
    total.unknown = capped_sum(total.unknown, loss.unknown);
  }
  return total;
}

bool Ledger::balances() const {
  return received == capped_sum(capped_sum(stored, not_selected), total_lost().count);
}

void write_gap(tape::Gap::Builder to, const Gap& gap, std::uint16_t origin) {
  to.setCause(static_cast<std::uint16_t>(gap.cause));
  to.setCountKnown(gap.count.has_value());
  to.setCount(gap.count.value_or(0));
  to.setAfterSequence(gap.after_sequence);
  to.setBeforeSequence(gap.before_sequence);
  to.setFrom(gap.from);
  to.setUntil(gap.until);
  to.setFrameBytes(gap.frame_bytes);
  to.setNoticeSequence(gap.notice_sequence);
  to.setDetail(as_data(gap.detail));
  to.setOrigin(origin);
}

bool is_same_group(const GroupIndex& a, const GroupIndex& b) {
  return a.number == b.number && a.offset == b.offset && a.bytes == b.bytes && a.hash == b.hash &&
         a.events == b.events;
}

Gap read_gap(tape::Gap::Reader from) {
  Gap gap;
  gap.cause = static_cast<GapCause>(from.getCause());
  if (from.getCountKnown()) gap.count = from.getCount();
  gap.after_sequence = from.getAfterSequence();
  gap.before_sequence = from.getBeforeSequence();
  gap.from = from.getFrom();
  gap.until = from.getUntil();
  gap.frame_bytes = from.getFrameBytes();
  gap.notice_sequence = from.getNoticeSequence();
  gap.detail = as_string(from.getDetail());
  return gap;
}

void write_origin(tape::Origin::Builder to, const Origin& origin) {
  to.setCapture(as_data(id_view(origin.capture)));
  to.setSource(as_data(origin.source));
  to.setTapeNumber(origin.tape_number);
  to.setImported(origin.imported);
}

Origin read_origin(tape::Origin::Reader from) {
  return {as_id(from.getCapture()),
          as_string(from.getSource()),
          from.getTapeNumber(),
          from.getImported()};
}

std::string to_message(const TapeHeader& header) {
  static constexpr char kSchema[] = {
#include "tape_schema.inc"
  };
  return message_of([&](capnp::MessageBuilder& message) {
    auto to = message.initRoot<tape::TapeHeader>();
    to.setTapeId(as_data(id_view(header.tape_id)));
    write_origin(to.initOrigin(), header.origin);
    to.setLayout(static_cast<std::uint16_t>(header.layout));
    if (header.predecessor) {
      auto before = to.initPredecessor();
      before.setTapeId(as_data(id_view(header.predecessor->tape_id)));
      before.setLastSequence(header.predecessor->last_sequence);
      before.setEndOffset(header.predecessor->end_offset);
    }
    if (header.copy_of) to.setCopyOf(as_data(id_view(*header.copy_of)));
    to.setBootId(as_data(header.boot_id));
    to.setWriter(as_data(header.writer));
    to.setUrl(as_data(header.url));
    to.setRequest(as_data(header.request));
    auto clock = to.initClock();
    clock.setRealtime(header.clock.realtime);
    clock.setMonotonic(header.clock.monotonic);
    clock.setBoottime(header.clock.boottime);
    to.setFirstSequence(header.first_sequence);
    to.setSchema(as_data({kSchema, sizeof(kSchema)}));
  });
}

TapeHeader read_header_message(std::string_view message) {
  return reading_message("reading a tape header", [&] {
    capnp::FlatArrayMessageReader reader(as_words(message), reader_options(message.size()));
    const auto from = reader.getRoot<tape::TapeHeader>();
    TapeHeader header;
    header.tape_id = as_id(from.getTapeId());
    header.origin = read_origin(from.getOrigin());
    header.layout = static_cast<Layout>(from.getLayout());
    if (from.hasPredecessor()) {
      const auto before = from.getPredecessor();
      header.predecessor = {
          as_id(before.getTapeId()), before.getLastSequence(), before.getEndOffset()};
    }
    if (from.hasCopyOf()) header.copy_of = as_id(from.getCopyOf());
    header.boot_id = as_string(from.getBootId());
    header.writer = as_string(from.getWriter());
    header.url = as_string(from.getUrl());
    header.request = as_string(from.getRequest());
    const auto clock = from.getClock();
    header.clock = {clock.getRealtime(), clock.getMonotonic(), clock.getBoottime()};
    header.first_sequence = from.getFirstSequence();
    return header;
  });
}

std::string to_message(const GroupIndex& index) {
  return message_of([&](capnp::MessageBuilder& message) {
    write_index(message.initRoot<tape::GroupIndex>(), index);
  });
}

GroupIndex read_index_message(std::string_view message) {
  return reading_message("reading a group index", [&] {
    capnp::FlatArrayMessageReader reader(as_words(message), once(message));
    ListRoom room(message.size());
    return read_index(reader.getRoot<tape::GroupIndex>(), room);
  });
}

std::string to_message(const TapeFooter& footer) {
  return message_of([&](capnp::MessageBuilder& message) {
    auto to = message.initRoot<tape::TapeFooter>();
    auto groups = to.initGroups(count32(footer.groups.size()));
    for (unsigned i = 0; i < footer.groups.size(); ++i)
      write_index(groups[i], footer.groups[i]);
    to.setSessionHashesOmitted(footer.session_hashes_omitted);
    to.setSessionHashes(as_data(hashes_to_bytes(footer.session_hashes)));
    auto ledger = to.initLedger();
    ledger.setReceived(footer.ledger.received);
    ledger.setStored(footer.ledger.stored);
    ledger.setNotSelected(footer.ledger.not_selected);
    write_losses(ledger.initLost(losses(footer.ledger.lost)), footer.ledger.lost);
    write_losses(ledger.initUpstream(losses(footer.ledger.upstream)), footer.ledger.upstream);
    auto origins = to.initOrigins(count32(footer.origins.size()));
    for (unsigned i = 0; i < footer.origins.size(); ++i) {
      write_origin(origins[i], footer.origins[i]);
    }
    auto notes = to.initNotes(count32(footer.notes.size()));
    for (unsigned i = 0; i < footer.notes.size(); ++i) {
      notes[i].setKey(as_data(footer.notes[i].key));
      notes[i].setValue(as_data(footer.notes[i].value));
    }
    to.setSealedAt(footer.sealed_at);
  });
}

TapeFooter read_footer_message(std::string_view message) {
  return reading_message("reading a tape footer", [&] {
    capnp::FlatArrayMessageReader reader(as_words(message), once(message));
    const auto from = reader.getRoot<tape::TapeFooter>();
    ListRoom room(message.size());
    TapeFooter footer;
    const auto groups =
        at_most(kMostGroups, room.take(kStoredGroup, from.getGroups(), "groups"), "groups");
    footer.groups.reserve(groups.size());
    for (const auto group : groups)
      footer.groups.push_back(read_index(group, room));
    footer.session_hashes = bytes_to_hashes(as_view(from.getSessionHashes()));
    footer.session_hashes_omitted = from.getSessionHashesOmitted();
    const auto ledger = from.getLedger();
    footer.ledger.received = ledger.getReceived();
    footer.ledger.stored = ledger.getStored();
    footer.ledger.not_selected = ledger.getNotSelected();
    read_losses(ledger.getLost(), footer.ledger.lost);
    read_losses(ledger.getUpstream(), footer.ledger.upstream);
    for (const auto origin :
         at_most(kMostOrigins, room.take(kStoredOrigin, from.getOrigins(), "origins"), "origins"))
      footer.origins.push_back(read_origin(origin));
    for (const auto note :
         at_most(kMostFooterNotes, room.take(kStoredNote, from.getNotes(), "notes"), "notes")) {
      footer.notes.push_back({as_string(note.getKey()), as_string(note.getValue())});
    }
    footer.sealed_at = from.getSealedAt();
    return footer;
  });
}

std::string to_hex(const Id128& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : id.bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

Id128 random_id() {
  Id128 id;
  fill_random(reinterpret_cast<char*>(id.bytes.data()), id.bytes.size());
  return id;
}

}  // namespace smtptape
