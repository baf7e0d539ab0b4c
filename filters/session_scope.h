// Whole sessions, chosen by what happened anywhere in them: a first pass over all events collects
// what holds of each session, a second pass asks of each event whether its session was chosen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "filters/allow_list.h"
#include "filters/session_rules.h"
#include "format/event.h"
#include "format/meta.h"

namespace smtptape {

// One thread at a time.  Grows by about 100 bytes a session of which something was marked.
class SessionScope {
 public:
  // What holds of a session; of those behind them SessionRules know.
  static constexpr SessionMarks kPasses = 1;   // it has an event that passes strictly
  static constexpr SessionMarks kMessage = 2;  // one of the messages that were asked for was in it
  static constexpr SessionMarks kDenied = 4;   // it has what was denied
  static constexpr SessionMarks kInTime = 8;   // some of it was received in the time that is wanted

  // With no filter set: every event, or the sessions that were collected (chosen by time alone).
  enum class NoFilter : std::uint8_t { TakesEverything, TakesCollected };
  explicit SessionScope(AllowList allow_list, NoFilter no_filter = NoFilter::TakesEverything)
      : allow_list_(std::move(allow_list)),
        everything_(allow_list_.empty() && no_filter == NoFilter::TakesEverything) {}

  // Chosen is a session with all of these, and without kDenied.
  void require(SessionMarks marks) { required_ = marks; }
  [[nodiscard]] SessionMarks required() const { return required_; }

  // Marks kPasses.
  void collect(std::span<const Event> events) {
    for (const Event& event : events) {
      if (event.meta != nullptr && collected_.find(*event.meta) == nullptr) collect(*event.meta);
    }
  }
  void mark(std::string_view id, SessionMarks marks);
  // Of the session that an event with this metadata belongs to, if it belongs to one.
  void mark(const Meta& meta, SessionMarks marks);

  // Whether the session of an event with this metadata was chosen so far.  What has no session
  // (lag notices, unreadable frames) was not.
  [[nodiscard]] bool contains(const Meta* meta) {
    if (everything_) return true;
    if (meta == nullptr) return false;
    forget_if_changed();
    const bool* const known = contained_.find(*meta);
    return known != nullptr ? *known : contained_.remember(*meta, find_session(*meta));
  }

  // Whether the session of such events was chosen so far; any number of threads at once.
  [[nodiscard]] bool has(const Meta& meta) const { return everything_ || find_session(meta); }
  [[nodiscard]] bool has_session(std::string_view id) const {
    const auto found = sessions_.find(id);
    return everything_ || (found != sessions_.end() && is_chosen(found->second));
  }
  // XXH3-64 of the ids that were chosen, ascending.
  [[nodiscard]] std::vector<std::uint64_t> hashes() const;

  // How many were chosen; 0 when everything is.
  [[nodiscard]] std::size_t session_count() const;

 private:
  void collect(const Meta& meta);
  [[nodiscard]] bool find_session(const Meta& meta) const;
  [[nodiscard]] bool is_chosen(SessionMarks marks) const {
    return (marks & (required_ | kDenied)) == required_;
  }
  void forget_if_changed() {
    if (!changed_) return;
    contained_.forget_all();
    changed_ = false;
  }

  AllowList allow_list_;
  bool everything_;
  SessionMarks required_ = kPasses;
  Arena ids_;
  std::unordered_map<std::string_view, SessionMarks> sessions_;  // views into ids_
  MetaMemo<bool> collected_;
  MetaMemo<bool> contained_;
  bool changed_ = false;  // sessions_ has since contained_ was last asked
};

}  // namespace smtptape
