#include "share/redact/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace smtptape {

namespace {

constexpr std::size_t kBefore = 12;  // bytes before those of an address of version 4
constexpr std::array<std::uint8_t, kBefore> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

std::optional<IpAddress> parse_address(std::string_view text) {
  char room[ip_address::kLongest + 1] = {};
  if (text.size() < 2 || text.size() > ip_address::kLongest) return std::nullopt;
  std::copy(text.begin(), text.end(), room);
  IpAddress address{};
  if (text.find(':') != std::string_view::npos)
    return ::inet_pton(AF_INET6, room, address.data()) == 1 ? std::optional(address) : std::nullopt;
  std::copy(kMapped.begin(), kMapped.end(), address.begin());
  if (::inet_pton(AF_INET, room, address.data() + kBefore) != 1) return std::nullopt;
  return address;
}

std::string usual_address(std::string_view text) {
  const auto address = parse_address(text);
  if (!address) return std::string(text);
  const bool version4 = std::equal(kMapped.begin(), kMapped.end(), address->begin());
  char room[INET6_ADDRSTRLEN] = {};
  const char* const usual =
      version4 ? ::inet_ntop(AF_INET, address->data() + kBefore, room, sizeof(room))
               : ::inet_ntop(AF_INET6, address->data(), room, sizeof(room));
  return usual == nullptr ? std::string(text) : usual;
}

}  // namespace smtptape
