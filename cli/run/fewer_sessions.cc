#include "cli/run/fewer_sessions.h"

#include <algorithm>
#include <numeric>

namespace smtptape {

namespace {

constexpr double kAim = 0.97;         // of the limit: sessions are not all of one size
constexpr double kGoodEnough = 0.85;  // likewise
constexpr unsigned kMostTries = 8;    // once something fits

}  // namespace

std::optional<std::size_t> FewerSessions::next() const {
  const std::size_t least = best() + 1;
  if (too_many_.sessions <= least) return std::nullopt;
  if (fit_ && tries_ >= kMostTries) return std::nullopt;
  if (fit_ && static_cast<double>(fit_->bytes) >= kGoodEnough * static_cast<double>(limit_))
    return std::nullopt;
  std::size_t sessions = static_cast<std::size_t>(std::max(guess(), 0.0));
  // Where sessions are of very different sizes a line says nothing; halves always do.
  if (fit_ && tries_ % 2 == 1) sessions = std::midpoint(best(), too_many_.sessions);
  // Guesses that were wrong twice may be so again.
  if (!fit_ && tries_ >= 2) sessions = std::min(sessions, too_many_.sessions / 2);
  return std::clamp(sessions, least, too_many_.sessions - 1);
}

void FewerSessions::tried(std::size_t sessions, std::uint64_t bytes) {
  ++tries_;
  if (bytes <= limit_) {
    fit_ = Try{sessions, bytes};
    return;
  }
  before_ = too_many_;
  too_many_ = {sessions, bytes};
}

// On the line through the last two tries: beside its sessions a result has a weight of its own.
double FewerSessions::guess() const {
  const double aim = kAim * static_cast<double>(limit_);
  const Try other = fit_ ? *fit_ : before_.value_or(Try{});
  const double sessions =
      static_cast<double>(too_many_.sessions) - static_cast<double>(other.sessions);
  const double bytes = static_cast<double>(too_many_.bytes) - static_cast<double>(other.bytes);
  if (sessions * bytes <= 0) return static_cast<double>(too_many_.sessions) / 2;
  return static_cast<double>(too_many_.sessions) -
         (static_cast<double>(too_many_.bytes) - aim) * sessions / bytes;
}

}  // namespace smtptape
