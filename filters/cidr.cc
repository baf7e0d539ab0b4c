#include "filters/cidr.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"

namespace smtptape {
namespace {

constexpr IpAddress kNoV4{IpAddress::Family::V4, {}};
constexpr IpAddress kNoV6{IpAddress::Family::V6, {}};

// The first `length` bits, zeros after them.
IpAddress masked(IpAddress address, unsigned length) {
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    const std::size_t first_bit = 8 * i;
    if (first_bit >= length) {
      address.bytes[i] = 0;
    } else if (first_bit + 8 > length) {
      address.bytes[i] &= static_cast<std::uint8_t>(0xff << (first_bit + 8 - length));
    }
  }
  return address;
}

// The network that has this one as one of its halves.
IpNetwork parent(const IpNetwork& network) {
  const auto length = static_cast<std::uint8_t>(network.length - 1);
  return {masked(network.address, length), length};
}

// Two different networks that make up their parent.
bool are_halves(const IpNetwork& a, const IpNetwork& b) {
  return a.length == b.length && a.length > 0 && a != b && parent(a) == parent(b);
}

// A number as Rust reads an u8: "+" allowed, leading zeros allowed.
std::uint8_t parse_length(std::string_view text) {
  const auto refuse = [](const char* why) -> Error {
    return Error(std::string("couldn't parse length in network: ") + why);
  };
  if (text.empty()) throw refuse("cannot parse integer from empty string");
  if (text.size() > 1 && text.front() == '+') text.remove_prefix(1);
  unsigned length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') throw refuse("invalid digit found in string");
    length = length * 10 + static_cast<unsigned>(c - '0');
    if (length > 255) throw refuse("number too large to fit in target type");
  }
  return static_cast<std::uint8_t>(length);
}

IpAddress parse_address(std::string_view text) {
  const auto address = parse_ip(text);
  if (!address) throw Error("couldn't parse address in network: invalid IP address syntax");
  return *address;
}

IpNetwork parse_network(std::string_view entry) {
  const std::size_t slash = entry.rfind('/');
  const IpAddress address = parse_address(entry.substr(0, slash));
  const unsigned bits = address.bits();
  if (slash == std::string_view::npos) return {address, static_cast<std::uint8_t>(bits)};

  const IpNetwork network{address, parse_length(entry.substr(slash + 1))};
  if (network.length > bits) {
    throw Error("invalid length for network: Network length " + std::to_string(network.length) +
                " is too long for " + (bits == 32 ? "Ipv4" : "Ipv6") +
                " (maximum: " + std::to_string(bits) + ")");
  }
  const IpNetwork meant{masked(address, network.length), network.length};
  if (meant != network) {
    throw Error("host part of address was not zero. Did you mean " + to_text(meant) + "?");
  }
  return network;
}

}  // namespace

bool IpNetwork::contains(const IpAddress& ip) const {
  return ip.family == address.family && masked(ip, length) == address;
}

std::string to_text(const IpNetwork& network) {
  std::string text = to_text(network.address);
  if (network.length < network.address.bits()) text += '/' + std::to_string(network.length);
  return text;
}

void parse_networks(std::string_view entry, std::vector<IpNetwork>& out) {
  if (entry == "any") {
    out.push_back({kNoV4, 0});
    out.push_back({kNoV6, 0});
    return;
  }
  out.push_back(with_context(std::string(entry) + " is not a valid CIDR",
                             [entry] { return parse_network(entry); }));
}

CidrSet::CidrSet(std::vector<IpNetwork> networks) {
  std::sort(networks.begin(), networks.end());
  for (IpNetwork network : networks) {
    // Of two overlapping networks the larger sorts first, so what overlaps the last is inside it;
    // two halves end up side by side as soon as both are complete.
    if (!networks_.empty() && networks_.back().contains(network.address)) continue;
    while (!networks_.empty() && are_halves(networks_.back(), network)) {
      network = parent(network);
      networks_.pop_back();
    }
    networks_.push_back(network);
  }
}

CidrSet CidrSet::parse(std::span<const std::string> entries) {
  std::vector<IpNetwork> networks;
  std::string problems;
  for (const std::string& entry : entries) {
    try {
      parse_networks(entry, networks);
    } catch (const Error& error) {
      if (!problems.empty()) problems += ", ";
      problems += entry + ": " + error.what();
    }
  }
  if (!problems.empty()) throw UsageError(problems);
  return CidrSet(std::move(networks));
}

bool CidrSet::contains(const IpAddress& ip) const {
  // The last network that starts at or before `ip` is the only one that can hold it.
  const auto after = std::upper_bound(
      networks_.begin(), networks_.end(), ip, [](const IpAddress& a, const IpNetwork& b) {
        return a < b.address;
      });
  return after != networks_.begin() && std::prev(after)->contains(ip);
}

std::vector<std::string> CidrSet::written() const {
  const std::vector<IpNetwork> everything{{kNoV4, 0}, {kNoV6, 0}};
  if (networks_ == everything) return {"any"};
  std::vector<std::string> entries;
  entries.reserve(networks_.size());
  for (const IpNetwork& network : networks_)
    entries.push_back(to_text(network));
  return entries;
}

}  // namespace smtptape
