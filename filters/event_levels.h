// What of messages and passwords is stored: decided here, before anything is written.
//
// One a source; it sees every event of the source in order.  What it takes out of an event is
// marked there, and the length that was is kept.  When it can't tell what must be left out of a
// frame, it leaves out everything but the length.  With both levels at their defaults there is
// none.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "format/event.h"
#include "smtp/levels.h"

namespace smtptape {

// What a tape says of them; nothing where everything is kept.
[[nodiscard]] std::vector<Note> notes_of(const Levels& levels);

class CaptureLevels {
 public:
  // Connections that are followed; of more the one that was silent for longest is forgotten.
  static constexpr std::size_t kMostConnections = 16384;

  explicit CaptureLevels(const Levels& levels, std::size_t most_connections = kMostConnections);
  ~CaptureLevels();
  CaptureLevels(const CaptureLevels&) = delete;
  CaptureLevels& operator=(const CaptureLevels&) = delete;

  // `batch` is the event's own; what was changed goes there.
  void apply(Event& event, EventBatch& batch);
  // Events are missing here.
  void lost_track();

  // Events changed so far.
  [[nodiscard]] std::uint64_t trimmed() const { return trimmed_; }
  [[nodiscard]] std::uint64_t masked() const { return masked_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::uint64_t trimmed_ = 0;
  std::uint64_t masked_ = 0;
};

}  // namespace smtptape
