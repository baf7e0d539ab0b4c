// IP addresses as KumoMTA spells and reads them: the rules of Rust's standard library, which are
// stricter than inet_pton's in some places and differ in their written form.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smtptape {

struct IpAddress {
  enum class Family : std::uint8_t { V4, V6 };  // an IPv4-mapped address is V6, never V4

  Family family = Family::V4;
  std::array<std::uint8_t, 16> bytes{};  // network order; V4 uses the first four, the rest are 0

  // All IPv4 addresses, then all IPv6 addresses, each by value.
  auto operator<=>(const IpAddress&) const = default;
  [[nodiscard]] unsigned bits() const { return family == Family::V4 ? 32 : 128; }
};

// An address alone: four decimal numbers without leading zeros, or RFC 4291 text.  No white space,
// scope, brackets or port.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text);

// The address in a value of `source_address` or `mx_address`: "1.2.3.4:25", "[::1]:25",
// "[fe80::1%3]:25" (numeric scope only) or an address alone.  nullopt for all else, e.g. the path
// of a unix socket.
[[nodiscard]] std::optional<IpAddress> parse_endpoint_ip(std::string_view text);

// Dotted, or RFC 5952: lower case, the first longest run of two or more zero groups as "::"; only
// ::ffff:0:0/96 keeps the dotted tail.
[[nodiscard]] std::string to_text(const IpAddress& address);

}  // namespace smtptape
