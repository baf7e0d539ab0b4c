#include "share/redact/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>

namespace smtptape {

namespace {

constexpr std::size_t kBefore = 12;  // bytes before those of an address of version 4
constexpr std::array<std::uint8_t, kBefore> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::string dashed(std::string text, char separator) {
  std::replace(text.begin(), text.end(), separator, '-');
  return text;
}

std::vector<std::string> spellings_of_version4(const std::string& usual) {
  std::string reversed;
  for (std::size_t end = usual.size(); end != std::string::npos;) {
    const std::size_t dot = end == 0 ? std::string::npos : usual.rfind('.', end - 1);
    const std::size_t from = dot == std::string::npos ? 0 : dot + 1;
    if (from < end) {
      reversed += reversed.empty() ? "" : ".";
      reversed += usual.substr(from, end - from);
    }
    end = dot;
  }
  return {reversed, dashed(usual, '.'), dashed(reversed, '.')};
}

std::vector<std::string> spellings_of_version6(const IpAddress& address, const std::string& usual) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string padded;
  std::string reversed;
  for (const std::uint8_t byte : address) {
    if (!padded.empty() && padded.size() % 5 == 4) padded += '-';
    padded += kDigits[byte / 16];
    padded += kDigits[byte % 16];
  }
  for (auto digit = padded.rbegin(); digit != padded.rend(); ++digit)
    if (*digit != '-') reversed.append(reversed.empty() ? "" : ".").append(1, *digit);
  return {padded, reversed, dashed(usual, ':')};
}

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

std::vector<std::string> host_spellings_of(const std::string& usual) {
  if (usual.find(':') == std::string::npos) {
    if (usual.find('.') == std::string::npos) return {};
    return spellings_of_version4(usual);
  }
  const auto address = parse_address(usual);
  if (!address) return {};
  return spellings_of_version6(*address, usual);
}

}  // namespace smtptape
