// A recording that grows, and who follows it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "capture/record/live_tape.h"
#include "format/tape/tape_name.h"
#include "format/tape/tape_writer.h"
#include "format/wire/wire.h"
#include "store/follow/follow.h"
#include "tests/support/program.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {

inline TapeHeader header_of(const Origin& origin) {
  TapeHeader header;
  header.tape_id = random_id();
  header.origin = origin;
  return header;
}

inline void add_event(TapeWriter& writer, std::uint64_t sequence, std::int64_t received) {
  WireDecoder decoder;
  EventBatch batch;
  Event& event = decoder.decode(
      R"({"conn_meta":{"id":"s1"},"payload":"Closed","when":"2026-08-04T21:00:00Z"})",
      Opcode::Text,
      batch);
  event.sequence = sequence;
  event.received = received;
  writer.add(event);
}

// A tape that a recorder has open.
class Recording {
 public:
  Recording(const std::filesystem::path& path, const Origin& origin)
      : Recording(path, header_of(origin)) {}
  Recording(const std::filesystem::path& path, const TapeHeader& header)
      : file_(path), writer_(file_, header, {}) {}

  // Each is received at its sequence.
  void record(const std::vector<std::uint64_t>& sequences) {
    for (const std::uint64_t sequence : sequences)
      add_event(writer_, sequence, static_cast<std::int64_t>(sequence));
    writer_.flush();
  }
  void record_at(std::uint64_t sequence, std::int64_t received) {
    add_event(writer_, sequence, received);
    writer_.flush();
  }
  void record(const Gap& gap) {
    writer_.add(gap);
    writer_.flush();
  }
  void seal() { writer_.seal({}, 1); }

 private:
  LiveTape file_;
  TapeWriter writer_;
};

inline std::string tape_bytes(const Origin& origin, const std::vector<std::uint64_t>& sequences) {
  StringSink sink;
  TapeWriter writer(sink, header_of(origin), {});
  for (const std::uint64_t sequence : sequences)
    add_event(writer, sequence, static_cast<std::int64_t>(sequence));
  writer.seal({}, 1);
  return sink.text();
}

class FollowTest : public ::testing::Test {
 protected:
  static constexpr auto kLongEnough = std::chrono::seconds(20);

  std::string tape_path(std::uint64_t number, const std::string& source = "m") {
    return directory_ / to_file_name({source, number, "20260804T210000Z"});
  }
  std::unique_ptr<Recording> begin(std::uint64_t number, const Origin& origin) {
    return std::make_unique<Recording>(tape_path(number, origin.source), origin);
  }
  void write_sealed(std::uint64_t number,
                    const Origin& origin,
                    const std::vector<std::uint64_t>& sequences) {
    // Whole at once: half a tape that nobody writes is a torn one.
    testing::write_file(directory_ / "unnamed", tape_bytes(origin, sequences));
    std::filesystem::rename(directory_ / "unnamed", tape_path(number, origin.source));
  }

  void follow(FollowOptions options = {}) {
    if (options.tapes.empty()) options.tapes = {directory_.path().string()};
    options.poll_interval = std::chrono::milliseconds(1);
    source_ = std::make_unique<FollowSource>(
        std::move(options),
        FollowHooks{[this] { return may_go_on(); },
                    [this](std::string_view line) { told_.emplace_back(line); }});
  }

  // The sequences of the next `count` events.
  std::vector<std::uint64_t> take(std::size_t count) {
    until_ = std::chrono::steady_clock::now() + kLongEnough;
    while (taken_.size() < count && next()) {
    }
    const std::vector<std::uint64_t> got = std::exchange(taken_, {});
    EXPECT_THAT(got, ::testing::SizeIs(count));
    return got;
  }
  // Those that come until the follower has looked for more many times.
  std::vector<std::uint64_t> take_what_is_there() {
    until_ = std::chrono::steady_clock::now() + kLongEnough;
    looks_left_ = 50;
    while (next())
      looks_left_ = 50;
    looks_left_ = -1;
    return std::exchange(taken_, {});
  }
  // Whether it ended by itself.
  bool take_to_the_end() {
    until_ = std::chrono::steady_clock::now() + kLongEnough;
    while (next()) {
    }
    return std::chrono::steady_clock::now() < until_;
  }
  bool wait_until_told(std::size_t lines) {
    until_ = std::chrono::steady_clock::now() + kLongEnough;
    wanted_lines_ = lines;
    while (told_.size() < lines && next()) {
    }
    wanted_lines_ = 0;
    return told_.size() >= lines;
  }

  TemporaryDirectory directory_;
  Origin m_{random_id(), "m", 1, false};
  Origin n_{random_id(), "n", 1, false};
  std::unique_ptr<FollowSource> source_;
  std::vector<std::uint64_t> taken_;
  std::vector<std::string> told_;
  std::vector<Gap> gaps_;

 private:
  bool next() {
    EventBatch batch;
    const bool more = source_->next(batch);
    for (const Event& event : batch.events)
      taken_.push_back(event.sequence);
    for (const Gap& gap : batch.gaps)
      gaps_.push_back(gap);
    return more;
  }
  bool may_go_on() {
    if (wanted_lines_ > 0 && told_.size() >= wanted_lines_) return false;
    if (looks_left_ >= 0 && looks_left_-- == 0) return false;
    return std::chrono::steady_clock::now() < until_;
  }

  std::chrono::steady_clock::time_point until_;
  std::size_t wanted_lines_ = 0;
  int looks_left_ = -1;
};

}  // namespace smtptape
