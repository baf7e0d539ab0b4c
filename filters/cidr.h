// Sets of networks: what --source and --mx-addr allow.
#pragma once

#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filters/ip.h"

namespace smtptape {

struct IpNetwork {
  IpAddress address;        // bits beyond `length` are zero
  std::uint8_t length = 0;  // of the prefix: at most 32 or 128

  [[nodiscard]] bool contains(const IpAddress& ip) const;
  // IPv4 first, then by address, then the larger network.
  auto operator<=>(const IpNetwork&) const = default;
};

// "10.0.0.0/8", "2001:db8::1"; a network of full length is written as its address.
[[nodiscard]] std::string to_text(const IpNetwork& network);

// Reads one entry as kcli does and adds what it stands for ("any" is two networks).  Throws Error
// with kcli's words: "10.0.0.1/24 is not a valid CIDR: host part …".
void parse_networks(std::string_view entry, std::vector<IpNetwork>& out);

// Contains what any of its networks contains.  A default-made set contains nothing.
//
// Invariant: networks_ is the smallest list that covers the set: ascending, none inside another,
// no two halves of the same network.
class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(std::vector<IpNetwork> networks);  // in any order

  // Throws UsageError that names every bad entry: "ENTRY: TEXT, ENTRY: TEXT".
  [[nodiscard]] static CidrSet parse(std::span<const std::string> entries);

  // The families are apart: ::ffff:10.0.0.1 is not in 10.0.0.0/8.  KumoMTA's own lookup crashes on
  // an IPv4 address in some sets that hold only IPv6; here it is just not contained.
  [[nodiscard]] bool contains(const IpAddress& ip) const;

  // The entries as kcli writes them into a request; everything is "any".
  [[nodiscard]] std::vector<std::string> written() const;

  [[nodiscard]] const std::vector<IpNetwork>& networks() const { return networks_; }
  bool operator==(const CidrSet&) const = default;

 private:
  std::vector<IpNetwork> networks_;
};

}  // namespace smtptape
