// Addresses of IPv6, which are written in many ways: "2001:db8::1", "2001:DB8:0:0:0:0:0:1",
// "2001:0db8::0001".  An address of IPv4 is also one of these: "::ffff:192.0.2.1".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

using IpAddress = std::array<std::uint8_t, 16>;

// Of either version, without brackets, port and zone.
[[nodiscard]] std::optional<IpAddress> parse_address(std::string_view text);
// The same for the same address; the text itself when it is none.
[[nodiscard]] std::string usual_address(std::string_view text);
// How it stands in names of hosts and in queries of block lists: "1.2.0.192", "192-0-2-1",
// "1-2-0-192" of 192.0.2.1.  `usual`: what usual_address() gave; of what is no address: none, or
// its parts.
[[nodiscard]] std::vector<std::string> host_spellings_of(const std::string& usual);

// Calls `is_known` for what may be an address of version 6 within the text, and `take` with its
// place where that is so.  Linear: what is tried has a bound.
template <class IsKnown, class Take>
void each_address(std::string_view text, const IsKnown& is_known, const Take& take);

// ---- how ----

namespace ip_address {

inline constexpr std::size_t kLongest = 64;

inline bool is_of_address(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
         c == '.';
}

// "2001:db8::1", "de:2001:db8::1" behind a word, "2001:db8::1:25": where in it one stands.
template <class IsKnown, class Take>
void look_at_run(std::string_view run, std::size_t at, const IsKnown& is_known, const Take& take) {
  constexpr int kMostEnds = 3;
  for (std::size_t from = 0; from < run.size();) {
    std::size_t to = run.size();
    for (int ends = 0; ends < kMostEnds && to != std::string_view::npos && to > from; ++ends) {
      const auto address = parse_address(run.substr(from, to - from));
      if (address && is_known(*address)) return take(at + from, at + to);
      to = run.find_last_of(":.", to - 1);
    }
    const std::size_t colon = run.find(':', from);
    if (colon == std::string_view::npos) return;
    // "::1" begins with both.
    from = colon > from ? colon : colon + 1;
  }
}

}  // namespace ip_address

template <class IsKnown, class Take>
void each_address(std::string_view text, const IsKnown& is_known, const Take& take) {
  using ip_address::is_of_address;
  for (std::size_t colon = text.find(':'); colon != std::string_view::npos;) {
    std::size_t from = colon;
    while (from > 0 && colon - from < ip_address::kLongest && is_of_address(text[from - 1]))
      --from;
    std::size_t to = colon + 1;
    while (to < text.size() && to - from < ip_address::kLongest && is_of_address(text[to]))
      ++to;
    const std::string_view run = text.substr(from, to - from);
    if (run.find(':', run.find(':') + 1) != std::string_view::npos)
      ip_address::look_at_run(run, from, is_known, take);
    colon = text.find(':', to);
  }
}

}  // namespace smtptape
