// Asks a recorder through its control socket (capture/watch/control.h).
#pragma once

#include <sys/un.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "capture/watch/order.h"

namespace smtptape {

// What a recorder may answer at most: a status of very many sources.
inline constexpr std::size_t kMostControlAnswer = 4 << 20;
// A little longer than the recorder lets an order take.
inline constexpr std::chrono::milliseconds kControlPatience{40'000};

// Throws Error when the path is too long for a socket.
[[nodiscard]] sockaddr_un unix_address(const std::filesystem::path& path);
// Whether a process accepts connections there.
[[nodiscard]] bool somebody_listens(const std::filesystem::path& path);

// The line that was answered, without its end; nothing when no recorder listens there.  Throws
// Error when one listens and does not answer well, or we may not ask it.
[[nodiscard]] std::optional<std::string> ask_recorder(
    const std::filesystem::path& path,
    Order order,
    std::chrono::milliseconds within = kControlPatience);

// Tells it to rotate or flush.  False when no recorder listens there; throws Error when it could
// not do it.
[[nodiscard]] bool order_recorder(const std::filesystem::path& path,
                                  Order order,
                                  std::chrono::milliseconds within = kControlPatience);

}  // namespace smtptape
