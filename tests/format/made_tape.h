// Tapes in memory, and what a reader makes of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "format/tape/section.h"
#include "format/tape/tape_reader.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "tests/support/golden.h"

namespace smtptape {

inline constexpr std::uint64_t kKi = 1024;

struct Made {
  std::string bytes;
  std::vector<std::string> frames;
  TapeHeader header;
};

inline TapeHeader header_of(Layout layout) {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = {random_id(), "mta-1", 7, false};
  header.layout = layout;
  header.writer = "test";
  header.first_sequence = 1;
  return header;
}

inline TapeOptions sizes(std::uint64_t batch_bytes, std::uint64_t group_bytes) {
  TapeOptions options;
  options.batch_bytes = batch_bytes;
  options.group_bytes = group_bytes;
  options.indexed_keys = {"tenant", "recipient"};
  return options;
}

// A tape of these frames, every third with a receive time that steps about.
inline Made make_tape(std::vector<std::string> frames, Layout layout, TapeOptions options) {
  Made made;
  made.header = header_of(layout);
  made.frames = std::move(frames);

  StringSink sink;
  TapeWriter writer(sink, made.header, options);
  WireDecoder decoder;
  EventBatch batch;
  std::uint64_t sequence = 0;
  for (const std::string& frame : made.frames) {
    batch.clear();
    Event& event = decoder.decode(frame, Opcode::Text, batch);
    event.sequence = ++sequence;
    event.received = 1'000'000'000'000 + static_cast<std::int64_t>(sequence % 3 * 5 + sequence);
    writer.add(event);
  }
  Ledger ledger;
  ledger.received = sequence;
  writer.seal(ledger, 42);
  made.bytes = sink.text();
  return made;
}

struct ReadBack {
  std::vector<std::string> frames;
  std::vector<std::uint64_t> sequences;
  std::vector<std::int64_t> received;
  std::vector<Gap> gaps;
  std::vector<Note> notes;
  std::vector<Damage> damage;
  TapeEnd end = TapeEnd::Unclosed;
  std::uint64_t good_until = 0;
  std::optional<TapeFooter> footer;
  std::optional<TapeHeader> header;
  std::vector<GroupIndex> indexes;
  bool refused = false;
};

inline ReadBack read_back(std::string_view bytes) {
  ReadBack out;
  StringSource source(bytes);
  TapeReader reader(source, "x.tape");
  EventBatch batch;
  try {
    while (reader.next(batch)) {
      for (const Event& event : batch.events) {
        append_frame(out.frames.emplace_back(), event);
        out.sequences.push_back(event.sequence);
        out.received.push_back(event.received);
      }
      out.gaps.insert(out.gaps.end(), batch.gaps.begin(), batch.gaps.end());
      out.notes.insert(out.notes.end(), batch.notes.begin(), batch.notes.end());
    }
  } catch (const Error&) {
    out.refused = true;
  }
  out.damage = reader.damage();
  out.end = reader.end();
  out.good_until = reader.good_until();
  out.footer = reader.footer();
  out.header = reader.header();
  out.indexes = reader.indexes();
  return out;
}

struct Recorded {
  std::vector<GroupIndex> indexes;  // with rows
  TapeFooter footer;
};

// A reader keeps the rows of the latest group only.
inline Recorded indexes_of(const std::string& tape) {
  Recorded out;
  out.footer = read_back(tape).footer.value();
  for (const GroupIndex& group : out.footer.groups) {
    const std::string at = tape.substr(group.offset + group.bytes);
    const std::string frame = at.substr(0, load_u32(at.data() + 4) + kFrameHeaderBytes);
    out.indexes.push_back(read_index_message(parse_section(frame).value().message()));
  }
  return out;
}

inline std::vector<std::string> some_frames(std::size_t count) {
  std::vector<std::string> all =
      testing::read_lines(testing::golden_path("feeds/errors/raw.jsonl"));
  const auto odd = testing::read_lines(testing::golden_path("kcli/render/lag.jsonl"));
  all.insert(all.begin() + 3, odd.begin(), odd.end());
  all.insert(all.begin() + 5, "not json \xff");
  all.insert(all.begin() + 7, "");
  all.resize(count);
  return all;
}

}  // namespace smtptape
