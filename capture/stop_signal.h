// Asks a capture to stop: from any thread, and from a signal handler.
#pragma once

#include "base/io.h"

namespace smtptape {

class StopSignal {
 public:
  StopSignal();
  // Safe in a signal handler.  Once is enough; more do no harm.
  void request() const noexcept;
  [[nodiscard]] bool requested() const;
  // Becomes readable with the first request and stays so.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

// While it lives, the first SIGINT or SIGTERM requests the stop, and the second ends the process
// at once with 128 + its number, whatever hangs.  One at a time; `stop` outlives it.
class StopOnSignals {
 public:
  explicit StopOnSignals(const StopSignal& stop);
  ~StopOnSignals();
  StopOnSignals(const StopOnSignals&) = delete;
  StopOnSignals& operator=(const StopOnSignals&) = delete;
};

}  // namespace smtptape
