// HMAC of SHA-256: a digest that nobody can work out, or try names against, without the key.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace smtptape {

using DigestKey = std::array<std::uint8_t, 32>;
using KeyedDigest = std::array<std::uint8_t, 32>;

// From the system's source of random bytes.
[[nodiscard]] DigestKey random_digest_key();
[[nodiscard]] KeyedDigest keyed_digest(const DigestKey& key, std::string_view text);

// Many digests with one key.  One thread at a time.
class KeyedDigester {
 public:
  explicit KeyedDigester(const DigestKey& key);
  ~KeyedDigester();
  KeyedDigester(const KeyedDigester&) = delete;
  KeyedDigester& operator=(const KeyedDigester&) = delete;
  [[nodiscard]] KeyedDigest of(std::string_view text);

 private:
  void* state_;
};

}  // namespace smtptape
