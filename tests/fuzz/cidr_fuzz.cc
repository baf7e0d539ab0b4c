// Whatever is given as networks, one a line: its written form stands for the same set, and the set
// holds what its networks hold.
#include "filters/cidr.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "filters/ip.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

void check_same_address(const smtptape::IpAddress& address) {
  SMTPTAPE_CHECK(smtptape::parse_ip(smtptape::to_text(address)) == address);
}

void check_set(const std::vector<std::string>& entries) {
  const smtptape::CidrSet set = smtptape::CidrSet::parse(entries);
  SMTPTAPE_CHECK(smtptape::CidrSet::parse(set.written()) == set);
  std::vector<smtptape::IpNetwork> networks;
  for (const std::string& entry : entries)
    smtptape::parse_networks(entry, networks);
  for (const smtptape::IpNetwork& network : networks) {
    SMTPTAPE_CHECK(set.contains(network.address));
    check_same_address(network.address);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto entries = lines_of({reinterpret_cast<const char*>(data), size});
  try {
    check_set(entries);
  } catch (const smtptape::Error&) {
    // Refused, which is an answer.
  }
  for (const std::string& entry : entries) {
    if (const auto address = smtptape::parse_endpoint_ip(entry)) check_same_address(*address);
  }
  return 0;
}
