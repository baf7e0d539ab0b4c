#include "format/tape/tape_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <capnp/any.h>

#include "base/background_task.h"
#include "base/hash.h"
#include "format/tape/batch_builder.h"
#include "format/tape/batch_head.h"
#include "format/tape/compressor.h"
#include "format/tape/footer_bounds.h"
#include "format/tape/messages.h"
#include "format/tape/section.h"
#include "format/tape/session_row_builder.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

enum class Part : std::uint16_t { Everything = 0, Columns = 1, Payload = 2 };

// The window covers the group: that, not long-distance matching, is what finds templates again.
int window_log_for(std::uint64_t group_bytes) {
  const auto needed = static_cast<int>(std::bit_width(std::max<std::uint64_t>(group_bytes, 1) - 1));
  return std::clamp(needed, 18, kMostWindowLog - 1);
}

// Metadata and columns are a small part of a group and get a small window.  One level less makes
// them 1 % smaller in two thirds of the time: their repetitions are short.
constexpr int kColumnWindowLog = 23;
constexpr int kColumnLevelsLess = 1;

}  // namespace

struct TapeWriter::Impl {
  Impl(ByteSink& out, TapeHeader the_header, TapeOptions the_options)
      : sink(out),
        header(std::move(the_header)),
        options(std::move(the_options)),
        batches{BatchBuilder(header.origin), BatchBuilder(header.origin)},
        rows(options.indexed_keys, header.origin.capture),
        payload_compressor(options.level, window_log_for(options.group_bytes)) {
    if (two_frames()) payload_task.emplace("compress");
    if (two_frames())
      column_compressor.emplace(std::max(options.level - kColumnLevelsLess, 1), kColumnWindowLog);
    write(section_frame(SectionKind::Header, header.tape_id, header.flags, to_message(header)));
  }

  ByteSink& sink;
  TapeHeader header;
  TapeOptions options;
  // Two in turn: while the payload of one is compressed, the other collects events.
  std::array<BatchBuilder, 2> batches;
  std::size_t collecting = 0;
  GroupNames names;
  SessionRowBuilder rows;
  Compressor payload_compressor;  // of everything, when interleaved
  std::optional<Compressor> column_compressor;
  std::string compressed;                      // ready to be written
  std::string compressed_payload;              // two frames: waits for the end of the first
  std::optional<BackgroundTask> payload_task;  // two frames: owns payload_compressor meanwhile
  Hasher group_hash;
  GroupIndex group;  // of the open group
  bool group_open = false;
  bool when_seen = false;  // in the open group
  std::uint32_t batches_in_group = 0;
  std::uint64_t batch_wire_bytes = 0;
  std::uint64_t offset = 0;
  std::uint64_t events = 0;
  std::uint64_t gaps = 0;
  std::uint64_t last_sequence = 0;
  FlushedPart flushed;
  std::vector<GroupIndex> ended;
  std::uint64_t footer_gaps = 0;  // in `ended`
  bool group_foreign = false;     // it holds records that the index knows nothing of
  FooterRoom footer_room;         // that `ended` takes
  SessionHashes session_hashes;
  std::vector<Origin> origins;
  std::vector<Note> notes;

  [[nodiscard]] bool two_frames() const { return header.layout == Layout::TwoFrames; }

  void write(std::string_view bytes) {
    sink.write(bytes);
    offset += bytes.size();
  }

  void open_group() {
    if (group_open) return;
    group_open = true;
    group_foreign = false;
    group = GroupIndex{};
    group.number = static_cast<std::uint32_t>(ended.size());
    group.offset = offset;
    group_hash.reset();
    batches_in_group = 0;
    when_seen = false;
    names.clear();
  }

  void add(const Event& event) {
    open_group();
    batch().add(event, names);
    rows.add(event);
    count(event);
    const std::uint64_t wire = event.frame_bytes != 0 ? event.frame_bytes : frame_size(event);
    group.wire_bytes += wire;
    batch_wire_bytes += wire;
    ++events;
    last_sequence = event.sequence;
    if (batch_wire_bytes >= options.batch_bytes || batch().events() >= kMostBatchEvents) {
      end_batch();
    }
    const bool full = group.wire_bytes >= options.group_bytes || group.events >= kMostGroupEvents ||
                      rows.size() >= kMostSessionRows || has_many_origins();
    if (full) end_group();
  }

  // Their places have 16 bits, and the index repeats them.
  [[nodiscard]] bool has_many_origins() const {
    return names.origins().size() >= kMostGroupOrigins;
  }

  // After a record beside events.
  void end_full_batch() {
    if (batch().loose_records() >= kMostLooseRecords) end_batch();
    if (has_many_origins()) end_group();
  }

  void add(Gap gap) {
    open_group();
    gap.detail.resize(std::min(gap.detail.size(), kMostDetailBytes));
    batch().add(gap, names);
    ++gaps;
    rows.add_gap(gap);
    gap.origin = nullptr;
    group.gaps.push_back(std::move(gap));
    if (++group.gap_count >= kMostGroupGaps) {
      end_group();
    } else {
      end_full_batch();
    }
  }

  void add(const ClockReading& clock) {
    open_group();
    batch().add(clock);
    end_full_batch();
  }

  void add_foreign(std::string_view record) {
    open_group();
    group_foreign = true;
    batch().add_foreign(record);
    end_full_batch();
  }

  void add(Note note) {
    open_group();
    note.key.resize(std::min(note.key.size(), kMostDetailBytes));
    note.value.resize(std::min(note.value.size(), kMostDetailBytes));
    batch().add(note);
    if (notes.size() < kMostFooterNotes) notes.push_back(std::move(note));
    end_full_batch();
  }

  void count(const Event& event) {
    const bool first = group.events == 0;
    const std::int64_t when = to_unix_nanos(event.when).value_or(event.received);
    group.first_sequence = first ? event.sequence : std::min(group.first_sequence, event.sequence);
    group.last_sequence = std::max(group.last_sequence, event.sequence);
    group.first_received = first ? event.received : std::min(group.first_received, event.received);
    group.last_received = first ? event.received : std::max(group.last_received, event.received);
    if (event.verbatim == nullptr || event.verbatim->when_known) {
      group.first_when = when_seen ? std::min(group.first_when, when) : when;
      group.last_when = when_seen ? std::max(group.last_when, when) : when;
      when_seen = true;
    }
    if (event.verbatim != nullptr) ++group.verbatim;
    if (event.kind == EventKind::Unknown) ++group.unknown;
    if (event.trimmed) ++group.trimmed;
    if (event.masked) ++group.masked;
    ++group.events;
  }

  // --- batches ---

  BatchBuilder& batch() { return batches[collecting]; }

  void end_batch() {
    if (batch().empty()) return;
    auto body = std::make_shared<BatchBody>();
    batch().append_columns(*body);
    if (two_frames()) {
      compress_part(Part::Columns, *body, *column_compressor, compressed);
      body = std::make_shared<BatchBody>();
      batch().append_payload(*body);
      // std::function wants to be copied; the body is not.
      payload_task->run([this, body, head = header_record(Part::Payload, *body)] {
        compress_part(head, *body, payload_compressor, compressed_payload);
      });
      collecting = 1 - collecting;
    } else {
      batch().append_payload(*body);
      compress_and_write(header_record(Part::Everything, *body), *body);
      payload_compressor.flush(compressed);
    }
    ++batches_in_group;
    batch().clear();
    batch_wire_bytes = 0;
    write_group_bytes();
    flushed = {events, gaps, last_sequence, offset};
  }

  void compress_part(Part part, const BatchBody& body, Compressor& to, std::string& out) {
    compress_part(header_record(part, body), body, to, out);
  }

  // What is ready is written as it comes, so that a huge batch takes no second copy.
  void compress_and_write(const std::string& head, const BatchBody& body) {
    constexpr std::size_t kAtOnce = kMiB;
    payload_compressor.add(head, compressed);
    for (std::string_view piece : body.pieces) {
      for (; !piece.empty(); piece.remove_prefix(std::min(piece.size(), kAtOnce))) {
        payload_compressor.add(piece.substr(0, kAtOnce), compressed);
        if (compressed.size() >= kAtOnce) write_group_bytes();
      }
    }
  }

  static void compress_part(const std::string& head,
                            const BatchBody& body,
                            Compressor& to,
                            std::string& out) {
    to.add(head, out);
    for (const std::string_view piece : body.pieces)
      to.add(piece, out);
  }

  // The batch header, its checksum filled in.
  std::string header_record(Part part, const BatchBody& body) {
    BatchHead head;
    head.tape_id = header.tape_id;
    head.flags = header.flags;
    head.body_bytes = body.bytes();
    head.number = batches_in_group;
    head.group = group.number;
    head.events = batch().events();
    head.part = static_cast<std::uint16_t>(part);
    std::string bytes =
        batch_head_message(head, head.events == 0 ? 0 : batch().first_sequence(), body.pieces);
    (part == Part::Payload ? group.payload_raw_bytes : group.column_raw_bytes) +=
        bytes.size() + head.body_bytes;
    return bytes;
  }

  void write_group_bytes() {
    if (compressed.empty()) return;
    group_hash.add(compressed);
    group.bytes += compressed.size();
    write(compressed);
    compressed.clear();
  }

  // --- groups ---

  void end_group() {
    end_batch();
    if (!group_open) return;
    if (two_frames()) {
      column_compressor->end(compressed);
      write_group_bytes();
      group.column_bytes = group.bytes;
      payload_task->wait();
      payload_compressor.end(compressed_payload);
      compressed.swap(compressed_payload);
    } else {
      payload_compressor.end(compressed);
    }
    write_group_bytes();
    group.hash = group_hash.value();
    write_index();
    group_open = false;
  }

  void write_index() {
    SessionRowBuilder::Result directory = rows.finish();
    session_hashes.add(directory.rows.rows);
    group.metas = names.meta_count();
    group.sessions = directory.rows.rows.size();
    group.origins = names.origins();
    for (const Origin& origin : group.origins) {
      const bool full = origins.size() == kMostFooterOrigins;
      if (!full && std::find(origins.begin(), origins.end(), origin) == origins.end()) {
        origins.push_back(origin);
      }
    }
    group.index_version = group_foreign ? 0 : kIndexVersion;
    group.summaries = std::move(directory.summaries);
    group.message_ids = std::move(directory.message_ids);
    group.message_ids_known = directory.message_ids_known;
    const std::string message = to_message(directory.rows, group);
    group.rows = compress_whole(message);
    group.rows_bytes = message.size();
    write(section_frame(SectionKind::Index, header.tape_id, header.flags, to_message(group)));
    group.rows.clear();
    // From here on for the footer only.
    group.gaps.resize(std::min<std::uint64_t>(group.gaps.size(), kMostFooterGaps - footer_gaps));
    footer_gaps += group.gaps.size();
    shorten_for_footer(group, footer_room);
    ended.push_back(std::move(group));
  }

  void seal(Ledger ledger, std::int64_t now) {
    end_group();
    TapeFooter footer;
    footer.groups = ended;
    session_hashes.write(footer);
    footer.ledger = ledger;
    footer.ledger.stored = events;
    footer.origins = origins;
    if (footer.origins.empty()) footer.origins.push_back(header.origin);
    footer.notes = notes;
    footer.sealed_at = now;
    write(footer_frame(header.tape_id, header.flags, to_message(footer), offset));
  }
};

TapeWriter::TapeWriter(ByteSink& sink, TapeHeader header, TapeOptions options)
    : impl_(std::make_unique<Impl>(sink, std::move(header), std::move(options))) {
}
TapeWriter::~TapeWriter() = default;

void TapeWriter::add(const Event& event) {
  impl_->add(event);
}

void TapeWriter::add(const Gap& gap) {
  impl_->add(gap);
}

void TapeWriter::add(const Note& note) {
  impl_->add(note);
}

void TapeWriter::add(const ClockReading& clock) {
  impl_->add(clock);
}

void TapeWriter::add_beside_events(const EventBatch& batch, Ledger& ledger) {
  for (const Gap& gap : batch.gaps) {
    add(gap);
    ledger.add(gap);
  }
  for (const Note& note : batch.notes)
    add(note);
  for (const ClockReading& clock : batch.clocks)
    add(clock);
  for (const std::string_view record : batch.foreign)
    impl_->add_foreign(record);
}

void TapeWriter::flush() {
  impl_->end_batch();
}
void TapeWriter::end_group() {
  impl_->end_group();
}
void TapeWriter::seal(Ledger ledger, std::int64_t now) {
  impl_->seal(ledger, now);
}

const TapeHeader& TapeWriter::header() const {
  return impl_->header;
}
std::uint64_t TapeWriter::bytes_written() const {
  return impl_->offset;
}
std::uint64_t TapeWriter::events_written() const {
  return impl_->events;
}
bool TapeWriter::has_unflushed() const {
  return !impl_->batch().empty();
}
const FlushedPart& TapeWriter::flushed() const {
  return impl_->flushed;
}
const std::vector<GroupIndex>& TapeWriter::groups() const {
  return impl_->ended;
}

}  // namespace smtptape
