#include "filters/cidr.h"

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/golden.h"

namespace smtptape {
namespace {

using Strings = std::vector<std::string>;

Strings split(std::string_view text, char at) {
  Strings fields;
  while (true) {
    const std::size_t end = text.find(at);
    fields.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

std::string json_list(const Strings& entries) {
  std::string text = "[";
  for (const std::string& entry : entries) {
    if (text.size() > 1) text += ',';
    text += '"' + entry + '"';
  }
  return text + "]";
}

std::string error_of(const Strings& entries) {
  try {
    (void)CidrSet::parse(entries);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "no error";
}

std::string membership(const CidrSet& set, const Strings& addresses) {
  std::string text;
  for (const std::string& address : addresses) {
    if (!text.empty()) text += ' ';
    text += address + (set.contains(parse_ip(address).value()) ? "=true" : "=false");
  }
  return text;
}

// KumoMTA's lookup crashes there; ours says "not contained".
std::string without_panic(std::string text) {
  for (auto at = text.find("PANIC"); at != std::string::npos; at = text.find("PANIC")) {
    text.replace(at, 5, "false");
  }
  return text;
}

TEST(CidrSet, AgreesWithTheGoldens) {
  for (const auto& row : testing::read_table("kcli/cidr.tsv", testing::Header::No)) {
    const Strings input = split(row.at(0), '|');
    const Strings entries = split(input.at(0), ',');
    if (row.at(1) == "ERR") {
      EXPECT_EQ(error_of(entries), row.at(2));
      continue;
    }
    const CidrSet set = CidrSet::parse(entries);
    EXPECT_EQ(json_list(set.written()), row.at(2)) << row[0];
    if (input.size() > 1) {
      EXPECT_EQ(membership(set, split(input[1], ' ')), without_panic(row.at(3))) << row[0];
    }
  }
}

TEST(CidrSet, ReadsTheLengthAsRustReadsAByte) {
  const auto text = [](std::string_view entry) {
    return CidrSet::parse(Strings{std::string(entry)}).written().at(0);
  };
  EXPECT_EQ(text("10.0.0.0/+8"), "10.0.0.0/8");
  EXPECT_EQ(text("10.0.0.0/0000008"), "10.0.0.0/8");
  EXPECT_EQ(text("::/+00"), "::/0");

  const std::string prefix = " is not a valid CIDR: couldn't parse length in network: ";
  const auto why = [&prefix](const std::string& entry) {
    const std::string error = error_of({entry});
    const std::string start = entry + ": " + entry + prefix;
    return error.starts_with(start) ? error.substr(start.size()) : error;
  };
  EXPECT_EQ(why("10.0.0.0/+"), "invalid digit found in string");
  EXPECT_EQ(why("10.0.0.0/++8"), "invalid digit found in string");
  EXPECT_EQ(why("10.0.0.0/8 "), "invalid digit found in string");
  EXPECT_EQ(why("10.0.0.0/99x"), "invalid digit found in string");
  EXPECT_EQ(why("10.0.0.0/256x"), "number too large to fit in target type");
  EXPECT_EQ(why("10.0.0.0/256"), "number too large to fit in target type");
}

TEST(CidrSet, ComplainsAboutTheAddressBeforeTheLength) {
  EXPECT_EQ(
      error_of({"x/x"}),
      "x/x: x/x is not a valid CIDR: couldn't parse address in network: invalid IP address syntax");
}

TEST(CidrSet, SaysWhichNetworkWasMeant) {
  EXPECT_EQ(
      error_of({"2001:db8::1/33"}),
      "2001:db8::1/33: 2001:db8::1/33 is not a valid CIDR: host part of address was not zero. "
      "Did you mean 2001:db8::/33?");
}

TEST(CidrSet, IsAnyOnlyWithBothFamilies) {
  EXPECT_EQ(CidrSet::parse(Strings{"0.0.0.0/0", "::/1", "8000::/1"}).written(), Strings{"any"});
  EXPECT_EQ(CidrSet::parse(Strings{"any", "10.0.0.1"}).written(), Strings{"any"});
  EXPECT_EQ(CidrSet::parse(Strings{"0.0.0.0/0"}).written(), Strings{"0.0.0.0/0"});
}

TEST(CidrSet, ContainsNothingWhenEmpty) {
  const CidrSet set = CidrSet::parse({});
  EXPECT_EQ(set, CidrSet());
  EXPECT_TRUE(set.written().empty());
  EXPECT_FALSE(set.contains(*parse_ip("0.0.0.0")));
  EXPECT_FALSE(set.contains(*parse_ip("::")));
}

// --- against a model that knows a set as one truth value for each address of a small world ---

// The worlds: the 256 addresses whose bits beyond the first (or before the last) 8 are zero.
struct World {
  IpAddress::Family family;
  std::size_t byte;  // the one that varies
};

constexpr World kWorlds[] = {{IpAddress::Family::V4, 0},
                             {IpAddress::Family::V4, 3},
                             {IpAddress::Family::V6, 0},
                             {IpAddress::Family::V6, 9},
                             {IpAddress::Family::V6, 15}};

IpAddress address_in(const World& world, unsigned value) {
  IpAddress address{world.family, {}};
  address.bytes[world.byte] = static_cast<std::uint8_t>(value);
  return address;
}

bool bit_of(const IpAddress& address, std::size_t bit) {
  return (address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

bool naively_contains(const std::vector<IpNetwork>& networks, const IpAddress& ip) {
  for (const IpNetwork& network : networks) {
    bool same = network.address.family == ip.family;
    for (std::size_t bit = 0; same && bit < network.length; ++bit) {
      same = bit_of(network.address, bit) == bit_of(ip, bit);
    }
    if (same) return true;
  }
  return false;
}

std::vector<IpNetwork> random_networks(std::mt19937& random) {
  std::vector<IpNetwork> networks;
  for (auto count = random() % 40; count > 0; --count) {
    const World& world = kWorlds[random() % std::size(kWorlds)];
    const unsigned kept = 8 - static_cast<unsigned>(random() % (random() % 9 + 1));
    const unsigned value = static_cast<unsigned>(random()) & (0xff00u >> kept) & 0xff;
    const auto length = static_cast<std::uint8_t>(world.byte * 8 + kept);
    networks.push_back({address_in(world, value), length});
  }
  return networks;
}

// Nothing can be left out, nothing written with fewer entries: each network's two neighbours in the
// tree of prefixes, its parent and its other half, are not wholly inside.
void expect_minimal(const CidrSet& set) {
  const auto& networks = set.networks();
  EXPECT_TRUE(std::is_sorted(networks.begin(), networks.end()));
  for (const IpNetwork& a : networks) {
    for (const IpNetwork& b : networks) {
      if (a == b) continue;
      EXPECT_FALSE(a.contains(b.address)) << to_text(a) << " holds " << to_text(b);
      if (a.length != b.length || a.length == 0) continue;
      std::size_t differing = 0;
      for (std::size_t bit = 0; bit + 1 < a.length; ++bit) {
        differing += bit_of(a.address, bit) != bit_of(b.address, bit);
      }
      EXPECT_FALSE(differing == 0 && a.address.family == b.address.family)
          << to_text(a) << " and " << to_text(b) << " are one network";
    }
  }
}

TEST(CidrSet, AgreesWithANaiveModel) {
  std::mt19937 random(11);
  for (int round = 0; round < 500; ++round) {
    const std::vector<IpNetwork> networks = random_networks(random);
    const CidrSet set(networks);
    expect_minimal(set);
    for (const World& world : kWorlds) {
      for (unsigned value = 0; value < 256; ++value) {
        const IpAddress ip = address_in(world, value);
        ASSERT_EQ(set.contains(ip), naively_contains(networks, ip)) << to_text(ip);
      }
    }
    EXPECT_EQ(CidrSet::parse(set.written()), set);
  }
}

TEST(CidrSet, DoesNotDependOnTheOrder) {
  std::mt19937 random(12);
  for (int round = 0; round < 500; ++round) {
    std::vector<IpNetwork> networks = random_networks(random);
    const CidrSet set(networks);
    std::shuffle(networks.begin(), networks.end(), random);
    ASSERT_EQ(CidrSet(networks), set);
  }
}

}  // namespace
}  // namespace smtptape
