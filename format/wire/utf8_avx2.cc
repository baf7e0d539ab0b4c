// UTF-8, 32 bytes at a time.  Whether a pair of neighbours is wrong is told by three half bytes:
// both of the first one, and the upper of the second.  Each table has for its half byte the
// mistakes that are still possible, as bits; what all three have is a mistake.  (Keiser, Lemire:
// Validating UTF-8 in less than one instruction per byte.)
#ifdef __x86_64__
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "format/wire/utf8.h"

#include <immintrin.h>

#define SMTPTAPE_AVX2 [[gnu::target("avx2")]]

namespace smtptape {

namespace {

constexpr std::size_t kWide = sizeof(__m256i);

constexpr std::uint8_t kTooShort = 1;    // a first byte, and none follows
constexpr std::uint8_t kTooLong = 2;     // one follows ASCII
constexpr std::uint8_t kThreeFor2 = 4;   // E0 80 … E0 9F: three bytes for what fits in two
constexpr std::uint8_t kTooLarge = 8;    // F4 90 … F7 BF: above U+10FFFF
constexpr std::uint8_t kSurrogate = 16;  // ED A0 … ED BF
constexpr std::uint8_t kTwoFor1 = 32;    // C0, C1
constexpr std::uint8_t kFar = 64;        // F5 80 … FF 8F: above U+10FFFF; F0 80 … F0 8F, too
constexpr std::uint8_t kTwoMore =
    128;  // two that follow: right after a first byte of three or four
constexpr std::uint8_t kFollows =
    kTooShort | kTooLong | kTwoMore;  // the lower half says nothing of it

using Table = std::array<std::uint8_t, 16>;

constexpr Table first_upper() {
  Table table{};
  for (std::size_t half = 0; half < 8; ++half)
    table[half] = kTooLong;
  for (std::size_t half = 8; half < 12; ++half)
    table[half] = kTwoMore;
  table[0xC] = kTooShort | kTwoFor1;
  table[0xD] = kTooShort;
  table[0xE] = kTooShort | kThreeFor2 | kSurrogate;
  table[0xF] = kTooShort | kTooLarge | kFar;
  return table;
}

constexpr Table first_lower() {
  Table table{};
  for (std::size_t half = 0; half < 16; ++half)
    table[half] = kFollows | (half > 4 ? kTooLarge | kFar : 0);
  table[0x0] |= kThreeFor2 | kTwoFor1 | kFar;
  table[0x1] |= kTwoFor1;
  table[0x4] |= kTooLarge;
  table[0xD] |= kSurrogate;
  return table;
}

constexpr Table second_upper() {
  constexpr std::uint8_t kAny = kTooLong | kTwoFor1 | kTwoMore;
  Table table{};
  table.fill(kTooShort);
  table[0x8] = kAny | kThreeFor2 | kFar;
  table[0x9] = kAny | kThreeFor2 | kTooLarge;
  table[0xA] = table[0xB] = kAny | kSurrogate | kTooLarge;
  return table;
}

SMTPTAPE_AVX2 inline __m256i load(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}

SMTPTAPE_AVX2 inline __m256i looked_up(const Table& table, __m256i halves) {
  const __m128i one = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data()));
  return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(one), halves);
}

SMTPTAPE_AVX2 inline __m256i upper_halves(__m256i bytes) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0F));
}

// For each byte that which stands so many before it.
template <int kCount>
SMTPTAPE_AVX2 inline __m256i before(__m256i bytes, __m256i previous) {
  const __m256i joint = _mm256_permute2x128_si256(previous, bytes, 0x21);
  return _mm256_alignr_epi8(bytes, joint, 16 - kCount);
}

// Bits where these bytes, after the previous ones, are not UTF-8.
SMTPTAPE_AVX2 inline __m256i mistakes(__m256i bytes, __m256i previous) {
  static constexpr Table kFirstUpper = first_upper();
  static constexpr Table kFirstLower = first_lower();
  static constexpr Table kSecondUpper = second_upper();
  const __m256i first = before<1>(bytes, previous);
  const __m256i lower = _mm256_and_si256(first, _mm256_set1_epi8(0x0F));
  const __m256i by_first =
      _mm256_and_si256(looked_up(kFirstUpper, upper_halves(first)), looked_up(kFirstLower, lower));
  const __m256i pairs = _mm256_and_si256(by_first, looked_up(kSecondUpper, upper_halves(bytes)));
  // The third of three and the third and fourth of four follow one that follows: there, and nowhere
  // else, kTwoMore is right.
  const __m256i third = _mm256_subs_epu8(before<2>(bytes, previous), _mm256_set1_epi8(0xE0 - 0x80));
  const __m256i fourth =
      _mm256_subs_epu8(before<3>(bytes, previous), _mm256_set1_epi8(0xF0 - 0x80));
  const __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(-0x80));
  return _mm256_xor_si256(due, pairs);
}

}  // namespace

SMTPTAPE_AVX2 bool is_utf8_with_avx2(std::string_view text) {
  __m256i previous = _mm256_setzero_si256();
  __m256i wrong = previous;
  bool was_ascii = true;
  for (; text.size() >= kWide; text.remove_prefix(kWide)) {
    const __m256i bytes = load(text.data());
    const bool ascii = _mm256_movemask_epi8(bytes) == 0;
    if (!ascii || !was_ascii) wrong = _mm256_or_si256(wrong, mistakes(bytes, previous));
    previous = bytes;
    was_ascii = ascii;
  }
  // The rest, and zeros: three at the least, so that nothing is cut off unnoticed.
  std::array<char, 2 * kWide> rest{};
  std::memcpy(rest.data(), text.data(), text.size());
  const __m256i bytes = load(rest.data());
  wrong = _mm256_or_si256(wrong, mistakes(bytes, previous));
  wrong = _mm256_or_si256(wrong, mistakes(load(rest.data() + kWide), bytes));
  return _mm256_testz_si256(wrong, wrong) != 0;
}

}  // namespace smtptape
#endif
