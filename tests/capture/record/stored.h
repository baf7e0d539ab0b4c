// What a store holds, read back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/tape/tape_reader.h"
#include "format/wire/wire.h"
#include "store/keep/store.h"

namespace smtptape {

struct StoredEvent {
  std::uint64_t sequence = 0;
  std::int64_t received = 0;
  std::string frame;
};

struct StoredTape {
  std::filesystem::path path;
  TapeHeader header;
  std::optional<TapeFooter> footer;
  TapeEnd end = TapeEnd::Unclosed;
  std::vector<StoredEvent> events;
  std::vector<Gap> gaps;  // without origins
};

[[nodiscard]] inline StoredTape read_stored(const std::filesystem::path& path) {
  FdSource source(open_for_reading(path), path.string());
  TapeReader reader(source, path.string());
  StoredTape tape;
  tape.path = path;
  EventBatch batch;
  while (reader.next(batch)) {
    for (const Event& event : batch.events) {
      tape.events.push_back({event.sequence, event.received, {}});
      append_frame(tape.events.back().frame, event);
    }
    for (Gap gap : batch.gaps) {
      gap.origin = nullptr;
      tape.gaps.push_back(gap);
    }
  }
  tape.header = reader.header().value();
  tape.footer = reader.footer();
  tape.end = reader.end();
  return tape;
}

[[nodiscard]] inline std::vector<StoredTape> read_store(const Store& store,
                                                        std::string_view source) {
  std::vector<StoredTape> tapes;
  for (const Store::Tape& tape : store.tapes_of(source))
    tapes.push_back(read_stored(tape.path));
  return tapes;
}

[[nodiscard]] inline std::vector<std::string> frames_of(const std::vector<StoredTape>& tapes) {
  std::vector<std::string> frames;
  for (const StoredTape& tape : tapes) {
    for (const StoredEvent& event : tape.events)
      frames.push_back(event.frame);
  }
  return frames;
}

}  // namespace smtptape
