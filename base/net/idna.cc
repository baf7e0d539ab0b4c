#include "base/net/idna.h"

#include <locale.h>  // newlocale, towlower_l: POSIX, not in <clocale>
#include <wctype.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace smtptape {

namespace {

std::size_t sequence_size(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  if (lead >= 0xf0 && lead < 0xf5) return 4;
  return 0;
}

std::optional<char32_t> take_character(std::string_view& utf8) {
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const std::size_t size = sequence_size(static_cast<std::uint8_t>(utf8.front()));
  if (size == 0 || size > utf8.size()) return std::nullopt;
  const auto lead = static_cast<std::uint8_t>(utf8.front());
  char32_t character = size == 1 ? lead : lead & (0x7f >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto byte = static_cast<std::uint8_t>(utf8[i]);
    if ((byte & 0xc0) != 0x80) return std::nullopt;
    character = character << 6 | (byte & 0x3f);
  }
  utf8.remove_prefix(size);
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  if (character < kSmallest[size] || character > 0x10ffff || surrogate) return std::nullopt;
  return character;
}

char32_t lower_case(char32_t character) {
  static const locale_t unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (character < 0x80) return character >= 'A' && character <= 'Z' ? character + 32 : character;
  if (unicode == nullptr) return character;
  return static_cast<char32_t>(towlower_l(static_cast<wint_t>(character), unicode));
}

// Punycode: the ASCII characters first, then for every other character, in ascending order, how
// far the decoder's walk over (character, position) is from the one before, as a number with
// digits of varying weight.
constexpr std::uint32_t kBase = 36;
constexpr std::uint32_t kSmallestThreshold = 1;
constexpr std::uint32_t kLargestThreshold = 26;
constexpr std::uint32_t kSkew = 38;
constexpr std::uint32_t kDamp = 700;
constexpr std::uint32_t kInitialBias = 72;

char digit(std::uint32_t value) {
  return static_cast<char>(value < 26 ? 'a' + value : '0' + (value - 26));
}

void append_distance(std::string& out, std::uint64_t distance, std::uint32_t bias) {
  for (std::uint32_t weight = kBase;; weight += kBase) {
    const std::uint32_t threshold =
        weight <= bias ? kSmallestThreshold : std::min(weight - bias, kLargestThreshold);
    if (distance < threshold) break;
    const std::uint64_t above = distance - threshold;
    out.push_back(digit(static_cast<std::uint32_t>(threshold + above % (kBase - threshold))));
    distance = above / (kBase - threshold);
  }
  out.push_back(digit(static_cast<std::uint32_t>(distance)));
}

enum class Distance : bool { Later, First };

std::uint32_t next_bias(std::uint64_t distance, std::uint64_t characters, Distance which) {
  distance /= which == Distance::First ? kDamp : 2;
  distance += distance / characters;
  std::uint32_t bias = 0;
  while (distance > (kBase - kSmallestThreshold) * kLargestThreshold / 2) {
    distance /= kBase - kSmallestThreshold;
    bias += kBase;
  }
  constexpr std::uint32_t kDigits = kBase - kSmallestThreshold + 1;
  return bias + static_cast<std::uint32_t>(kDigits * distance / (distance + kSkew));
}

char32_t smallest_from(const std::u32string& label, char32_t least) {
  char32_t smallest = std::numeric_limits<char32_t>::max();
  for (const char32_t character : label) {
    if (character >= least) smallest = std::min(smallest, character);
  }
  return smallest;
}

void append_label(std::string& out, const std::u32string& label) {
  std::string ascii;
  for (const char32_t character : label) {
    if (character < 0x80) ascii.push_back(static_cast<char>(character));
  }
  if (ascii.size() == label.size()) {
    out += ascii;
    return;
  }
  out += "xn--" + ascii;
  if (!ascii.empty()) out.push_back('-');

  char32_t current = 0x80;
  std::uint64_t distance = 0;
  std::uint32_t bias = kInitialBias;
  std::size_t done = ascii.size();
  while (done < label.size()) {
    const char32_t next = smallest_from(label, current);
    distance += std::uint64_t{next - current} * (done + 1);
    current = next;
    for (const char32_t character : label) {
      if (character < current) ++distance;
      if (character != current) continue;
      append_distance(out, distance, bias);
      const bool first = done == ascii.size();
      bias = next_bias(distance, done + 1, first ? Distance::First : Distance::Later);
      distance = 0;
      ++done;
    }
    ++distance;
    ++current;
  }
}

}  // namespace

std::optional<std::string> to_ascii_host(std::string_view utf8) {
  std::string out;
  std::u32string label;
  while (!utf8.empty()) {
    const std::optional<char32_t> character = take_character(utf8);
    if (!character) return std::nullopt;
    if (*character == '.') {
      append_label(out, label);
      out.push_back('.');
      label.clear();
    } else {
      label.push_back(lower_case(*character));
    }
  }
  append_label(out, label);
  return out;
}

}  // namespace smtptape
