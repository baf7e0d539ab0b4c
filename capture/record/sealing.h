// A tape whose end is being written, by a disk thread, while recording goes on in the next one.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "capture/record/open_tape.h"
#include "capture/record/tape_series.h"

namespace smtptape {

struct TapeSeries::Sealing {
  Sealing(std::unique_ptr<OpenTape> of, SealReason why)
      : tape(std::move(of)), reason(why), ledger(tape->ledger_so_far()), flushes(tape->flushes()) {}

  // Once, on any thread.
  void work(Now now) {
    try {
      tape->seal(now);
    } catch (const std::exception& error) {
      trouble = error.what();
      remains = tape->remains();
    }
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool is_done() const {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  void wait() const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }

  const std::unique_ptr<OpenTape> tape;
  const SealReason reason;
  const Ledger ledger;  // all of it was flushed before
  const DurationHistogram flushes;
  bool is_latest = true;  // no tape was opened since
  // When it is done:
  std::string trouble;  // empty: it is sealed
  TapeRemains remains;  // with trouble

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool done_ = false;
};

}  // namespace smtptape
