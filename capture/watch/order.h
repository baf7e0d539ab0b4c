// What a recorder can be told to do, and where it listens (capture/watch/control.h).  Apart, so
// that who asks needs nothing of who answers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace smtptape {

enum class Order : std::uint8_t { Status, Rotate, Flush };
[[nodiscard]] std::string_view name_of(Order order);  // "status"
// Throws Error that says what is wrong.
[[nodiscard]] Order parse_order(std::string_view line_untrusted);

// <store>/smtptape.sock
[[nodiscard]] std::filesystem::path control_path(const std::filesystem::path& store);

}  // namespace smtptape
