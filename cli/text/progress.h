// How far a long command is: one line on standard error, redrawn, and gone at the end.
//
// On a terminal only, and only of what takes over a second.  What else is written to the terminal
// meanwhile takes the line away first (quiet()), so that nothing is mixed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace smtptape {

// What the line says, and when.  Pure.
class ProgressLine {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kPatience{1};

  // `total`: bytes that will have been read at the end; nullopt: nobody knows.
  ProgressLine(std::string doing, std::optional<std::uint64_t> total, Time start)
      : doing_(std::move(doing)), total_(total), start_(start) {}

  // Empty before it is worth a line; else at most `width` columns.
  [[nodiscard]] std::string text(Time now, std::uint64_t done, std::size_t width) const;

 private:
  std::string doing_;
  std::optional<std::uint64_t> total_;
  Time start_;
};

// Shows what all FdSources of the process read from here on.  One at a time.
class Progress {
 public:
  Progress(std::string doing, std::optional<std::uint64_t> total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Takes the line away; none is drawn while the lock is held.
  [[nodiscard]] static std::unique_lock<std::mutex> quiet();

 private:
  void draw_until_stopped();

  ProgressLine line_;
  std::uint64_t read_before_;
  std::condition_variable stop_;
  bool stopped_ = false;  // by the mutex of quiet()
  std::thread thread_;    // none where there is no terminal
};

// Of the files, and the tapes in the directories, that were named; nullopt: of a pipe nobody knows.
// `passes`: how often they will be read.
[[nodiscard]] std::optional<std::uint64_t> bytes_of(const std::vector<std::string>& names,
                                                    unsigned passes = 1);

}  // namespace smtptape
