// What kumod does for a subscriber, as far as senders of a feed need it that serve one client.
#pragma once

#include <cstdint>
#include <string>

#include "base/io.h"

namespace smtptape {

// What kumod keeps for a subscriber that reads slowly; then it drops the oldest.
inline constexpr std::uint64_t kSubscriberRing = 131'072;

struct LoopbackListener {
  UniqueFd socket;
  std::uint16_t port = 0;
};
// Throws when there is no socket to be had.
[[nodiscard]] LoopbackListener listen_on_loopback();

// A client whose feed is open: what it asked for is read and ignored.  Invalid: it has gone, or
// nobody came before the listener was shut down.
[[nodiscard]] UniqueFd accept_subscriber(const LoopbackListener& listener);

// The text of the event that says how many were dropped.
[[nodiscard]] std::string lag_notice(std::uint64_t missed);

}  // namespace smtptape
