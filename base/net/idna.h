// Host names that are not ASCII, in the form that DNS and the Host header know (RFC 3492).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smtptape {

// Each label in lower case; those with other characters become "xn--…".  nullopt: not UTF-8.
// Letters are not composed: "u" with a separate diaeresis stays two characters.
[[nodiscard]] std::optional<std::string> to_ascii_host(std::string_view utf8);

}  // namespace smtptape
