#include "base/hash.h"

#include <new>

#include "base/io.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#ifdef __x86_64__
#include "base/hash_avx2.h"
#endif

namespace smtptape {

namespace {
XXH3_state_t* state_of(void* state) {
  return static_cast<XXH3_state_t*>(state);
}

#ifdef __x86_64__
bool has_avx2() {
  static const bool kHas = __builtin_cpu_supports("avx2") != 0;
  return kHas;
}
#else
constexpr bool has_avx2() {
  return false;
}
void update_with_avx2(void*, const char*, std::size_t) {
}
std::uint64_t hash_with_avx2(const char*, std::size_t) {
  return 0;
}
#endif

// Shorter text is hashed without vectors.
constexpr std::size_t kShort = 240;
}  // namespace

std::uint64_t hash64(std::string_view bytes) {
  if (bytes.size() > kShort && has_avx2()) return hash_with_avx2(bytes.data(), bytes.size());
  return XXH3_64bits(bytes.data(), bytes.size());
}

KeyedHash::KeyedHash() {
  static_assert(sizeof(secret_) == XXH3_SECRET_DEFAULT_SIZE);
  fill_random(reinterpret_cast<char*>(&seed_), sizeof(seed_));
  XXH3_generateSecret_fromSeed(secret_.data(), seed_);
}

std::uint64_t KeyedHash::operator()(std::string_view bytes) const {
  return XXH3_64bits_withSecretandSeed(
      bytes.data(), bytes.size(), secret_.data(), secret_.size(), seed_);
}

Hash128 hash128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

Hasher::Hasher() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  reset();
}
Hasher::~Hasher() {
  XXH3_freeState(state_of(state_));
}

void Hasher::reset() {
  XXH3_64bits_reset(state_of(state_));
}
void Hasher::add(std::string_view bytes) {
  if (has_avx2()) return update_with_avx2(state_, bytes.data(), bytes.size());
  XXH3_64bits_update(state_of(state_), bytes.data(), bytes.size());
}
std::uint64_t Hasher::value() const {
  return XXH3_64bits_digest(state_of(state_));
}

}  // namespace smtptape
