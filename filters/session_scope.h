// Whole sessions, chosen by what happened anywhere in them: a first pass over all events collects
// the sessions that have an event which passes strictly, a second pass asks of each event whether
// its session is among them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "filters/allow_list.h"
#include "format/event.h"
#include "format/meta.h"

namespace smtptape {

// One thread at a time.  Grows by about 100 bytes a chosen session.
class SessionScope {
 public:
  // With no filter set: every event, or the sessions that were collected (chosen by time alone).
  enum class NoFilter : std::uint8_t { TakesEverything, TakesCollected };
  explicit SessionScope(AllowList allow_list, NoFilter no_filter = NoFilter::TakesEverything)
      : allow_list_(std::move(allow_list)),
        everything_(allow_list_.empty() && no_filter == NoFilter::TakesEverything) {}

  void collect(std::span<const Event> events) {
    for (const Event& event : events) {
      if (event.meta != nullptr && collected_.find(*event.meta) == nullptr) collect(*event.meta);
    }
  }

  // Whether the session of an event with this metadata was chosen so far.  What has no session
  // (lag notices, unreadable frames) was not.
  [[nodiscard]] bool contains(const Meta* meta) {
    if (everything_) return true;
    if (meta == nullptr) return false;
    forget_if_grown();
    const bool* const known = contained_.find(*meta);
    return known != nullptr ? *known : contained_.remember(*meta, find_session(*meta));
  }

  // One that was found in another way.
  void collect_session(std::string_view id);
  // Whether the session of such events was chosen so far; any number of threads at once.
  [[nodiscard]] bool has(const Meta& meta) const { return everything_ || find_session(meta); }
  [[nodiscard]] bool has_session(std::string_view id) const {
    return everything_ || sessions_.contains(id);
  }
  // XXH3-64 of the ids that were chosen, ascending.
  [[nodiscard]] std::vector<std::uint64_t> hashes() const;

  // How many were chosen; 0 when everything is.
  [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }

 private:
  void collect(const Meta& meta);
  [[nodiscard]] bool find_session(const Meta& meta) const;
  void forget_if_grown() {
    if (!grown_) return;
    contained_.forget_all();
    grown_ = false;
  }

  AllowList allow_list_;
  bool everything_;
  Arena ids_;
  std::unordered_set<std::string_view> sessions_;  // views into ids_
  MetaMemo<bool> collected_;
  MetaMemo<bool> contained_;
  bool grown_ = false;  // sessions_ has grown since contained_ was last asked
};

}  // namespace smtptape
