// A whole recorder on a thread of its own, for tests that look at it while it runs.
#pragma once

#include <chrono>
#include <cstddef>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/capture/capture_options.h"
#include "tests/capture/record/stored.h"
#include "tests/support/temporary_directory.h"

namespace smtptape {

inline std::string event_number(int number) {
  return R"({"conn_meta":{"id":"A"},"payload":{"Read":"250 )" + std::to_string(number) +
         R"("},"when":"2026-08-04T13:54:50.123Z"})";
}

class DaemonTest : public testing::Test {
 protected:
  DaemonTest() {
    options_.shortest_pause = std::chrono::milliseconds(1);
    options_.longest_pause = std::chrono::milliseconds(5);
    options_.flush_interval = std::chrono::milliseconds(5);
  }
  ~DaemonTest() override { stop_.request(); }

  void add(const std::string& name, const std::string& url) { add_source(options_, name, url); }
  std::future<CaptureTotals> start() {
    return std::async(std::launch::async, [this] {
      return run_capture(options_, stop_, [this](std::string_view line) {
        const std::lock_guard lock(mutex_);
        said_.emplace_back(line);
      });
    });
  }
  CaptureTotals stop(std::future<CaptureTotals>& running) {
    stop_.request();
    EXPECT_EQ(running.wait_for(std::chrono::seconds(10)), std::future_status::ready);
    return running.get();
  }
  [[nodiscard]] std::vector<std::string> said() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  [[nodiscard]] std::vector<StoredTape> tapes(const std::string& name) const {
    return read_store(Store(options_.store), name);
  }
  // Bounded.
  template <class Condition>
  void wait_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }
  [[nodiscard]] std::size_t events_of(const std::string& name) const {
    std::size_t events = 0;
    for (const Store::Tape& tape : Store(options_.store).tapes_of(name)) {
      FdSource source(open_for_reading(tape.path), "x");
      TapeReader reader(source, "x");
      EventBatch batch;
      while (reader.next(batch))
        events += batch.events.size();
    }
    return events;
  }

  TemporaryDirectory directory_;
  CaptureOptions options_ = recording_into(directory_.path() / "store");
  StopSignal stop_;
  mutable std::mutex mutex_;
  std::vector<std::string> said_;
};

}  // namespace smtptape
