// A store of random dialogues: several recorders, tapes with and without an end, groups that cut
// through sessions, gaps, recorders that were started again.
#pragma once

#include <filesystem>
#include <string>

#include "cli/options/tape_output.h"
#include "format/tape/tape_name.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "tests/support/program.h"
#include "tests/support/random_dialogues.h"

namespace smtptape::testing {

class SessionStore {
 public:
  static constexpr std::uint32_t kGapsInEach = 4;      // seeds
  static constexpr std::uint32_t kRestartsInEach = 5;  // seeds
  static constexpr std::size_t kGroup = 40;            // events, more or less
  enum class Ends { All, Some };                       // of the tapes are sealed
  SessionStore(std::filesystem::path directory,
               std::uint32_t seed,
               Ends ends,
               std::size_t group = kGroup)
      : directory_(std::move(directory)),
        dialogues_(seed),
        seed_(seed),
        ends_(ends),
        group_(group) {
    std::filesystem::create_directories(directory_);
    const std::size_t recorders = 1 + dialogues_.below(3);
    for (std::size_t recorder = 0; recorder < recorders; ++recorder)
      record(recorder);
  }

 private:
  void record(std::size_t recorder) {
    Origin origin;
    origin.source = "mta" + std::to_string(recorder);
    origin.capture = id(1 + recorder);
    RandomDialogues of_recorder(seed_ * 16 + static_cast<std::uint32_t>(recorder));
    const auto frames = of_recorder.frames(5 + dialogues_.below(40), 1 + dialogues_.below(10));
    std::uint64_t sequence = 0;
    const std::size_t tapes = 1 + dialogues_.below(3);
    for (std::size_t tape = 0; tape < tapes; ++tape) {
      origin.tape_number = tape + 1;
      if (tape > 0 && seed_ % kRestartsInEach == 0) {
        origin.capture = id(1 + recorder + 8 * tape);
        sequence = 0;
      }
      const std::size_t from = frames.size() * tape / tapes;
      const std::size_t until = frames.size() * (tape + 1) / tapes;
      write(origin,
            {frames.begin() + static_cast<std::ptrdiff_t>(from),
             frames.begin() + static_cast<std::ptrdiff_t>(until)},
            sequence);
    }
  }

  void write(const Origin& origin,
             const std::vector<std::string>& frames,
             std::uint64_t& sequence) {
    TapeHeader header;
    header.tape_id = id(100 * origin.capture.bytes[0] + origin.tape_number);
    header.origin = origin;
    header.first_sequence = sequence + 1;
    TapeOptions options;
    options.batch_bytes = 2000;
    options.indexed_keys = indexed_keys();
    StringSink sink;
    TapeWriter writer(sink, header, options);
    bool first = true;
    for (const std::string& frame : frames) {
      EventBatch batch;
      Event& event = decoder_.decode(frame, Opcode::Text, batch);
      event.sequence = ++sequence;
      event.received = *to_unix_nanos(event.when);
      event.origin = &origin;
      writer.add(event);
      if (first) clock_ = event.received;
      first = false;
      if (dialogues_.one_in(group_)) writer.end_group();
      if (seed_ % kGapsInEach == 0 && dialogues_.one_in(200)) lose_some(writer, origin, sequence);
    }
    writer.end_group();
    if (ends_ == Ends::All || !dialogues_.one_in(4)) writer.seal({}, 1);
    write_file(directory_ / to_file_name({origin.source, origin.tape_number, "20260804T210000Z"}),
               sink.text());
  }

  static void lose_some(TapeWriter& writer, const Origin& origin, std::uint64_t& sequence) {
    Gap gap;
    gap.cause = GapCause::QueueFull;
    gap.count = 1;
    gap.after_sequence = sequence;
    gap.before_sequence = sequence + 2;
    gap.origin = &origin;
    writer.add(gap);
    ++sequence;
  }

  static Id128 id(std::uint64_t number) {
    Id128 id;
    id.bytes[0] = static_cast<std::uint8_t>(number);
    id.bytes[1] = static_cast<std::uint8_t>(number >> 8U);
    return id;
  }

  std::filesystem::path directory_;
  RandomDialogues dialogues_;
  std::uint32_t seed_;
  Ends ends_;
  std::size_t group_;
  WireDecoder decoder_;
  std::int64_t clock_ = 0;
};

}  // namespace smtptape::testing
