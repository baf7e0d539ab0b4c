#include "base/keyed_digest.h"

#include <random>

#include "base/error.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace smtptape {

DigestKey random_digest_key() {
  DigestKey key{};
  std::random_device device;
  for (std::uint8_t& byte : key)
    byte = static_cast<std::uint8_t>(device());
  return key;
}

namespace {

// Empty: it can't be had.
EVP_MAC_CTX* new_state(const DigestKey& key) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* const state = mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);
  if (state == nullptr) return nullptr;
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  if (EVP_MAC_init(state, key.data(), key.size(), parameters.data()) == 1) return state;
  EVP_MAC_CTX_free(state);
  return nullptr;
}

}  // namespace

KeyedDigester::KeyedDigester(const DigestKey& key) : state_(new_state(key)) {
  if (state_ == nullptr) throw Error("OpenSSL can't make an HMAC of SHA-256");
}
KeyedDigester::~KeyedDigester() {
  EVP_MAC_CTX_free(static_cast<EVP_MAC_CTX*>(state_));
}

KeyedDigest KeyedDigester::of(std::string_view text) {
  auto* const state = static_cast<EVP_MAC_CTX*>(state_);
  KeyedDigest digest{};
  std::size_t size = 0;
  // Without a key it begins anew with the one that it has.
  const bool done =
      EVP_MAC_init(state, nullptr, 0, nullptr) == 1 &&
      EVP_MAC_update(state, reinterpret_cast<const unsigned char*>(text.data()), text.size()) ==
          1 &&
      EVP_MAC_final(state, digest.data(), &size, digest.size()) == 1;
  if (!done || size != digest.size()) throw Error("OpenSSL can't make an HMAC of SHA-256");
  return digest;
}

KeyedDigest keyed_digest(const DigestKey& key, std::string_view text) {
  return KeyedDigester(key).of(text);
}

}  // namespace smtptape
