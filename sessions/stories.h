// Events of many sessions to their stories.
//
// A session may go on after Closed: KumoMTA says why it ended, or connects again under the same id.
// So a story is complete when nothing came for a while after its last connection was closed or had
// failed; at the end of the events; or when too many are open and it is the one that was silent for
// longest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/hash.h"
#include "format/event.h"
#include "sessions/story_builder.h"

namespace smtptape {

// "server lag: 7 events"
[[nodiscard]] std::string words_of(const Gap& gap);

class Stories {
 public:
  static constexpr std::size_t kMostOpen = 100'000;
  static constexpr std::int64_t kSilence = 5'000'000'000;  // ns of receive time, after Closed
  static constexpr std::size_t kMostGaps = 100'000;        // of a capture, that are remembered

  enum class Until : std::uint8_t {
    Silent,  // as above
    End,     // all that came under an id is one story
  };
  explicit Stories(Until until, std::size_t most_open = kMostOpen)
      : until_(until), most_open_(most_open) {}
  // Without exchanges and spans: where only figures are wanted.
  void leave_out_details() { details_ = StoryBuilder::Details::LeaveOut; }

  // What is complete, in that order.
  [[nodiscard]] std::vector<Story> add(const EventBatch& batch);
  // All that is left, in the order of their first events.
  [[nodiscard]] std::vector<Story> finish();

  // When the first of those that are open was first received; nullopt: there is none.
  [[nodiscard]] std::optional<std::int64_t> oldest() const;

  // Stories that were taken for complete because too many were open.
  [[nodiscard]] std::uint64_t cut_short() const { return cut_short_; }

 private:
  struct Open {
    Open(std::string_view session, StoryBuilder::Details details)
        : builder(std::string(session), details), id(session) {}
    StoryBuilder builder;
    std::string id;
    std::uint64_t number = 0;  // in the order of their first events
    Id128 capture;
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
    std::int64_t first_received = 0;
    std::int64_t last_received = 0;
    bool closed = false;  // it stands in closed_
  };
  using Places = boost::unordered_flat_map<std::string_view, std::list<Open>::iterator, TextHash>;
  struct Missing {
    std::uint64_t after = 0;  // sequence
    std::string what;
  };

  void add_gap(const Gap& gap);
  void tell_late(const Id128& capture, const Gap& gap, std::uint64_t after);
  void add(const Event& event, std::vector<Story>& complete);
  Open& open(const Event& event, std::string_view id, std::vector<Story>& complete);
  void tell_gaps(Open& story, std::uint64_t before) const;
  void complete(std::list<Open>& list, std::vector<Story>& to);

  Until until_;
  std::size_t most_open_;
  StoryBuilder::Details details_ = StoryBuilder::Details::Keep;
  std::list<Open> open_;    // the one that was silent for longest first
  std::list<Open> closed_;  // likewise
  Places places_;
  std::multiset<std::int64_t> beginnings_;  // of all of them
  std::map<Id128, std::vector<Missing>> gaps_;
  std::map<Id128, std::uint64_t> last_sequences_;
  std::uint64_t seen_ = 0;
  std::uint64_t cut_short_ = 0;
};

}  // namespace smtptape
