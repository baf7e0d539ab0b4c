// Which hashes may be in a set: a Bloom filter.  It never denies one that is; of the others it lets
// pass one in 270 with 12 bits a hash, one in 46 with 8.
//
// Probe i of 6 is bit (a + i * b) modulo the number of bits, where a and b are the lower and the
// upper half of the hash and the lowest bit of b is set; bit n is bit n % 8 of byte n / 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

inline constexpr std::size_t kMessageIdBits = 12;
inline constexpr std::size_t kValueBits = 8;

// Of no hash: empty.
[[nodiscard]] std::string make_filter(const std::vector<std::uint64_t>& hashes,
                                      std::size_t bits_each);
[[nodiscard]] bool filter_may_hold(std::string_view filter, std::uint64_t hash);

// What stands for a text in filters of values: XXH3-64 of its JSON; as an element of a list, all
// bits of that inverted.
[[nodiscard]] std::uint64_t value_hash(std::string_view json, bool in_list);

}  // namespace smtptape
