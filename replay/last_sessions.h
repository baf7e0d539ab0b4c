// The sessions that began last: found by looking at all events once, shown by a second look.
//
// A session begins with its first event, or where only new ones are shown, with its BeginSession.
// What belongs to no session counts as none, and is shown from the first one's beginning on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include <boost/unordered/unordered_flat_set.hpp>

#include "base/hash.h"
#include "format/event.h"

namespace smtptape {

class LastSessions {
 public:
  // So many can be told apart, in about 40 bytes each.
  static constexpr std::size_t kMostSessions = 4'000'000;

  LastSessions(std::uint64_t wanted, bool only_new, std::size_t most = kMostSessions)
      : wanted_(wanted), only_new_(only_new), most_(most) {}

  // The first look, at all of them in their order.  Throws Error when there are too many sessions.
  void look_at(const EventBatch& batch);
  [[nodiscard]] bool found_any() const { return !last_.empty(); }

  // For the second look: nothing that is shown was received before; nullopt: nothing was found.
  [[nodiscard]] std::optional<std::int64_t> since() const;
  // Whether an event is one of these sessions', or of none, or was not there at the first look.
  // Not asked about events before since().
  [[nodiscard]] bool holds(const Event& event) const;

 private:
  struct Session {
    Hash128 key;
    // Of all events from its first one to that of the next session.
    std::int64_t first_received;
  };
  using Keys = boost::unordered_flat_set<Hash128, SpreadHash128>;

  void look_at(const Event& event);

  std::uint64_t wanted_;
  bool only_new_;
  std::size_t most_;
  Keys seen_;
  Keys kept_;  // those of last_
  std::deque<Session> last_;
  std::optional<std::int64_t> latest_;        // receive time of all
  std::map<Id128, std::uint64_t> sequences_;  // the highest of each capture
};

// Leaves of another source what is shown at the second look.
class LastSessionsSource : public EventSource {
 public:
  // Both outlive it.
  LastSessionsSource(EventSource& source, const LastSessions& sessions)
      : source_(source), sessions_(sessions) {}
  [[nodiscard]] bool next(EventBatch& batch) override;

 private:
  EventSource& source_;
  const LastSessions& sessions_;
};

}  // namespace smtptape
