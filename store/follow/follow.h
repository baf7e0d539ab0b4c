// Tapes read while they are recorded: what is there, then what comes.
//
// The tapes of a source in a directory are read on a thread of their own, one at a time: at the end
// of one, the next that exists.  While its recorder lives, the end of a tape is waited at.  They
// are merged as Inputs merges them (merge.h), as long as each has something to give; one that waits
// for its recorder is not waited for.  So what was there at the start comes out as Inputs gives it,
// and what comes later appears as it arrives.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "format/event.h"
#include "store/read/inputs.h"

namespace smtptape {

struct FollowOptions {
  // Directories, followed for ever, also for sources that are new; files, to their ends.
  std::vector<std::string> tapes;
  TimeWindow window;
  Recovery recovery = Recovery::Skip;
  Doubles doubles = Doubles::LeaveOut;
  // How often the end of a tape is looked at; directories less often.
  std::chrono::milliseconds poll_interval{100};
  // What was received before TimeWindow::until may be on its way to the disk for so long.
  std::chrono::nanoseconds flush_grace{std::chrono::seconds(5)};
  std::function<std::int64_t()> now;  // ns since 1970; empty: the wall clock
};

struct FollowHooks {
  // Asked again and again, also while nothing comes; false: end.  What it throws comes out.
  std::function<bool()> go_on;
  // What next() has to tell beside events, as it happens: damage, what is missing, how tapes ended.
  std::function<void(std::string_view line)> report;
};

class FollowSource : public EventSource {
 public:
  static constexpr std::size_t kMostRows = 256;

  // Throws Error when a name can't be followed.
  FollowSource(FollowOptions options, FollowHooks hooks);
  ~FollowSource() override;

  // Waits until there is something.  False: told to end, or nothing can come any more.
  [[nodiscard]] bool next(EventBatch& batch) override;
  // Damage was met, or a tape was gone before it was read.
  [[nodiscard]] bool incomplete() const;
  // How many events another recorder of the same endpoint has, too.
  [[nodiscard]] std::uint64_t doubles() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace smtptape
