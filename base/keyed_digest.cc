#include "base/keyed_digest.h"

#include <random>

#include "base/error.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace smtptape {

DigestKey random_digest_key() {
  DigestKey key{};
  std::random_device device;
  for (std::uint8_t& byte : key)
    byte = static_cast<std::uint8_t>(device());
  return key;
}

KeyedDigest keyed_digest(const DigestKey& key, std::string_view text) {
  KeyedDigest digest{};
  unsigned size = 0;
  const bool done = ::HMAC(EVP_sha256(),
                           key.data(),
                           static_cast<int>(key.size()),
                           reinterpret_cast<const unsigned char*>(text.data()),
                           text.size(),
                           digest.data(),
                           &size) != nullptr;
  if (!done || size != digest.size()) throw Error("OpenSSL can't make an HMAC of SHA-256");
  return digest;
}

}  // namespace smtptape
