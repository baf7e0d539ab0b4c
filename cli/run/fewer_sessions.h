// How many sessions to try next, where all of them are too much: each try costs a reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace smtptape {

class FewerSessions {
 public:
  // `bytes`: what all of them take.
  FewerSessions(std::size_t sessions, std::uint64_t bytes, std::uint64_t limit)
      : too_many_{sessions, bytes}, limit_(limit) {}

  // Nothing: what fits is good enough, or nothing else can be.
  [[nodiscard]] std::optional<std::size_t> next() const;
  void tried(std::size_t sessions, std::uint64_t bytes);
  // The most that were seen to fit; 0: not even the first.
  [[nodiscard]] std::size_t best() const { return fit_ ? fit_->sessions : 0; }
  // What the fewest took that did not fit.
  [[nodiscard]] std::uint64_t least() const { return too_many_.bytes; }

 private:
  struct Try {
    std::size_t sessions = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] double guess() const;

  Try too_many_;
  std::optional<Try> before_;  // too many as well, and more
  std::optional<Try> fit_;
  std::uint64_t limit_;
  unsigned tries_ = 0;
};

}  // namespace smtptape
