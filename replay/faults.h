// What goes wrong on purpose in a feed that is served, so that its clients can be tested.
//
// Pure, and the same each time: what is dropped follows from the seed and the place of an event.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "format/event.h"

namespace smtptape {

struct FaultOptions {
  // Each event whose number is a multiple of it is missing, and a lag notice says so; 0: none.
  std::uint64_t lag_every = 0;
  double drop = 0;  // share of events that are missing without a word
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> disconnect_after;  // so many events: in the middle of the next one
  std::chrono::milliseconds stall{0};  // nothing is sent for so long behind the first event

  [[nodiscard]] bool any() const {
    return lag_every > 0 || drop > 0 || disconnect_after || stall.count() > 0;
  }
};

// For a person: one line for each that is on.
[[nodiscard]] std::vector<std::string> describe(const FaultOptions& options);

// As kumod would say it.
[[nodiscard]] std::string lag_text(std::uint64_t missed);
// The same as an event of `batch`, beside another.  `when` is the time at which kumod sent it:
// here, when the other was received.
[[nodiscard]] Event lag_notice(const Event& beside, std::uint64_t missed, EventBatch& batch);

// Those within the stream of one client, whatever it asks for: as with kumod, what is missing is
// missing before it is filtered.
class Faults {
 public:
  explicit Faults(const FaultOptions& options) : options_(options), random_(options.seed) {}

  void apply(EventBatch& batch);

  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // without a word
  [[nodiscard]] std::uint64_t lagged() const { return lagged_; }    // with a notice

 private:
  [[nodiscard]] bool drops();

  FaultOptions options_;
  std::mt19937_64 random_;
  std::uint64_t events_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t lagged_ = 0;
};

}  // namespace smtptape
