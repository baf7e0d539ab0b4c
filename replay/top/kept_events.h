// Events of one session that are kept for longer than their batches, so that they can be shown, and
// judged anew by another filter.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "format/event.h"
#include "format/meta.h"

namespace smtptape {

class KeptEvents {
 public:
  // Returns how many bytes that costs.
  std::size_t add(const Event& event);

  template <class Use>
  void each(Use use) const {
    for (const Kept& kept : events_)
      use(kept.event);
  }

 private:
  struct Kept {
    Event event;
    MetaPtr meta;
    std::string text;  // all that the event's views show
    std::optional<Verbatim> verbatim;
  };
  std::deque<Kept> events_;       // which are never moved
  std::optional<Origin> origin_;  // of the first that has one
};

}  // namespace smtptape
