// What is counted of a feed while its events pass, for the status.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <boost/unordered/unordered_flat_set.hpp>

#include "capture/watch/status.h"
#include "format/event.h"

namespace smtptape {

class FeedFigures {
 public:
  // Sessions beyond that are not counted as open.
  static constexpr std::size_t kMostSessions = 1 << 20;

  void add(const Event& event);
  // The feed was interrupted: which sessions have ended since, nobody knows.
  void forget_sessions() { open_.clear(); }

  [[nodiscard]] std::optional<std::int64_t> last_event_at() const { return last_event_at_; }
  [[nodiscard]] const DurationHistogram& delay() const { return delay_; }
  // That have a connection: known only of those whose beginning was seen.
  [[nodiscard]] std::uint64_t open_sessions() const { return open_.size(); }

 private:
  std::optional<std::int64_t> last_event_at_;
  DurationHistogram delay_;
  boost::unordered_flat_set<std::uint64_t> open_;  // hashes of their ids
};

}  // namespace smtptape
