#include "base/hash.h"

#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace smtptape {
namespace {

// This file is compiled without wide vectors: what it has of XXH3 is the other way to the same.
TEST(Hash, IsXxh3WhicheverVectorsWorkOnIt) {
  std::minstd_rand random(4);
  std::string text;
  for (std::size_t size = 0; size < 3000; ++size) {
    const std::uint64_t wanted = XXH3_64bits(text.data(), text.size());
    ASSERT_EQ(hash64(text), wanted) << size;
    Hasher pieces;
    const std::size_t cut = size == 0 ? 0 : random() % size;
    pieces.add(std::string_view(text).substr(0, cut));
    pieces.add(std::string_view(text).substr(cut));
    ASSERT_EQ(pieces.value(), wanted) << size;
    text.push_back(static_cast<char>(random()));
  }
}

TEST(KeyedHash, HasAKeyOfItsOwn) {
  const KeyedHash one;
  const KeyedHash other;
  std::string text;
  for (std::size_t size = 0; size < 1000; ++size) {
    ASSERT_EQ(one(text), one(std::string(text))) << size;
    ASSERT_NE(one(text), other(text)) << size;
    ASSERT_NE(one(text), hash64(text)) << size;
    text.push_back('x');
  }
}

}  // namespace
}  // namespace smtptape
