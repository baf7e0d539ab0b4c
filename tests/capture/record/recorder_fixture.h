// What the tests of the recorder share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/record/recorder.h"
#include "tests/capture/record/numbered_frames.h"
#include "tests/capture/record/stored.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {

inline Gap dropped(std::uint64_t count, std::int64_t from, std::int64_t until) {
  Gap gap;
  gap.cause = GapCause::QueueFull;
  gap.count = count;
  gap.from = from;
  gap.until = until;
  return gap;
}

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() : store_(directory_.path()) {
    options_.source = "mta";
    options_.writer = "smtptape test";
  }

  void record_one(Recorder& recorder, std::int64_t received) {
    record_on_time(recorder, chunk_of({event_of_size(200)}, received));
  }
  [[nodiscard]] std::vector<StoredTape> tapes() const { return read_store(store_, "mta"); }

  TemporaryDirectory directory_;
  Store store_;
  DiskThreads sync_{std::chrono::hours(1), 0};
  RecorderOptions options_;
};

}  // namespace smtptape
