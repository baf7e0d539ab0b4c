#include "format/tape/hash_filter.h"

#include <algorithm>

#include "base/hash.h"

namespace smtptape {

namespace {

constexpr std::uint64_t kProbes = 6;
constexpr std::size_t kLeastBytes = 32;  // in less, too many probes of a hash meet

// Calls `probe` with the place of each bit of a hash, until one returns false.
template <class Probe>
bool each_bit(std::uint64_t hash, std::uint64_t bits, Probe probe) {
  const std::uint64_t step = hash >> 32 | 1;
  std::uint64_t at = hash & 0xFFFF'FFFF;
  for (std::uint64_t i = 0; i < kProbes; ++i, at += step) {
    if (!probe(at % bits)) return false;
  }
  return true;
}

}  // namespace

std::string make_filter(const std::vector<std::uint64_t>& hashes, std::size_t bits_each) {
  if (hashes.empty()) return {};
  std::string filter(std::max((hashes.size() * bits_each + 7) / 8, kLeastBytes), '\0');
  for (const std::uint64_t hash : hashes) {
    each_bit(hash, filter.size() * 8, [&filter](std::uint64_t bit) {
      filter[bit / 8] = static_cast<char>(filter[bit / 8] | 1 << bit % 8);
      return true;
    });
  }
  return filter;
}

bool filter_may_hold(std::string_view filter, std::uint64_t hash) {
  if (filter.empty()) return false;
  return each_bit(hash, filter.size() * 8, [filter](std::uint64_t bit) {
    return (filter[bit / 8] >> bit % 8 & 1) != 0;
  });
}

std::uint64_t value_hash(std::string_view json, bool in_list) {
  return in_list ? ~hash64(json) : hash64(json);
}

}  // namespace smtptape
