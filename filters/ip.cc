#include "filters/ip.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>

namespace smtptape {
namespace {

constexpr std::size_t kGroups = 8;
using Groups = std::array<std::uint16_t, kGroups>;
using Octets = std::array<std::uint8_t, 4>;

enum class Base : std::uint8_t { Decimal = 10, Hex = 16 };

// Takes pieces off the front of a text; a piece that isn't there leaves the text as it was.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool take(std::string_view word);
  [[nodiscard]] bool take_v4(Octets& octets);
  [[nodiscard]] bool take_v6(Groups& groups);
  // ":" or "%" and a number with any number of leading zeros.
  [[nodiscard]] bool take_suffix(std::string_view mark, std::uint32_t max);

 private:
  struct Run {
    std::size_t count = 0;
    bool dotted = false;  // the last two groups were written as an IPv4 address
  };

  [[nodiscard]] std::size_t count_digits(Base base) const;
  // All digits that follow, as one number.
  [[nodiscard]] bool take_number(Base base, std::size_t max_digits, std::uint32_t& number);
  [[nodiscard]] bool take_octet(std::uint8_t& octet);
  // Groups with ":" between them, as many as there are and `room` allows.
  [[nodiscard]] Run take_groups(std::uint16_t* groups, std::size_t room);

  std::string_view rest_;
};

bool Cursor::take(std::string_view word) {
  if (!rest_.starts_with(word)) return false;
  rest_.remove_prefix(word.size());
  return true;
}

std::size_t Cursor::count_digits(Base base) const {
  const std::string_view digits = base == Base::Decimal ? "0123456789" : "0123456789abcdefABCDEF";
  return std::min(rest_.find_first_not_of(digits), rest_.size());
}

bool Cursor::take_number(Base base, std::size_t max_digits, std::uint32_t& number) {
  const std::size_t digits = count_digits(base);
  if (digits == 0 || digits > max_digits) return false;
  const char* const end = rest_.data() + digits;
  const auto result = std::from_chars(rest_.data(), end, number, static_cast<int>(base));
  if (result.ec != std::errc{}) return false;
  rest_.remove_prefix(digits);
  return true;
}

bool Cursor::take_octet(std::uint8_t& octet) {
  std::uint32_t number = 0;
  if (rest_.starts_with('0') && count_digits(Base::Decimal) > 1) return false;
  if (!take_number(Base::Decimal, 3, number) || number > 255) return false;
  octet = static_cast<std::uint8_t>(number);
  return true;
}

bool Cursor::take_v4(Octets& octets) {
  const std::string_view before = rest_;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    if ((i == 0 || take(".")) && take_octet(octets[i])) continue;
    rest_ = before;
    return false;
  }
  return true;
}

Cursor::Run Cursor::take_groups(std::uint16_t* groups, std::size_t room) {
  std::size_t count = 0;
  while (count < room) {
    const std::string_view before = rest_;
    if (count > 0 && !take(":")) break;
    Octets octets{};
    if (count + 2 <= room && take_v4(octets)) {
      groups[count++] = static_cast<std::uint16_t>(octets[0] << 8 | octets[1]);
      groups[count++] = static_cast<std::uint16_t>(octets[2] << 8 | octets[3]);
      return {count, true};
    }
    std::uint32_t group = 0;
    if (!take_number(Base::Hex, 4, group)) {
      rest_ = before;
      break;
    }
    groups[count++] = static_cast<std::uint16_t>(group);
  }
  return {count, false};
}

bool Cursor::take_v6(Groups& groups) {
  const auto [head, dotted] = take_groups(groups.data(), kGroups);
  if (head == kGroups) return true;
  if (dotted || !take("::")) return false;
  const Run tail = take_groups(groups.data() + head, kGroups - 1 - head);  // "::" is one at least
  std::copy_backward(groups.data() + head, groups.data() + head + tail.count, groups.end());
  std::fill(groups.data() + head, groups.end() - tail.count, std::uint16_t{0});
  return true;
}

bool Cursor::take_suffix(std::string_view mark, std::uint32_t max) {
  const std::string_view before = rest_;
  std::uint32_t number = 0;
  if (take(mark) && take_number(Base::Decimal, std::string_view::npos, number) && number <= max) {
    return true;
  }
  rest_ = before;
  return false;
}

IpAddress from_octets(const Octets& octets) {
  IpAddress address;
  std::copy(octets.begin(), octets.end(), address.bytes.begin());
  return address;
}

IpAddress from_groups(const Groups& groups) {
  IpAddress address{IpAddress::Family::V6, {}};
  for (std::size_t i = 0; i < kGroups; ++i) {
    address.bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    address.bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 0xff);
  }
  return address;
}

std::optional<IpAddress> parse_with_port(std::string_view text) {
  constexpr std::uint32_t kMaxPort = std::numeric_limits<std::uint16_t>::max();
  constexpr std::uint32_t kMaxScope = std::numeric_limits<std::uint32_t>::max();
  Cursor cursor(text);
  IpAddress address;
  if (cursor.take("[")) {
    Groups groups{};
    if (!cursor.take_v6(groups)) return std::nullopt;
    address = from_groups(groups);
    if (!cursor.take("]") && !(cursor.take_suffix("%", kMaxScope) && cursor.take("]"))) {
      return std::nullopt;
    }
  } else {
    Octets octets{};
    if (!cursor.take_v4(octets)) return std::nullopt;
    address = from_octets(octets);
  }
  if (!cursor.take_suffix(":", kMaxPort) || !cursor.at_end()) return std::nullopt;
  return address;
}

void append_number(std::string& out, unsigned number, Base base) {
  char digits[8];
  const auto end =
      std::to_chars(std::begin(digits), std::end(digits), number, static_cast<int>(base)).ptr;
  out.append(digits, end);
}

void append_dotted(std::string& out, const std::uint8_t* octets) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) out += '.';
    append_number(out, octets[i], Base::Decimal);
  }
}

struct Zeros {
  std::size_t start = 0;
  std::size_t size = 0;
};

Zeros longest_zeros(const Groups& groups) {
  Zeros longest;
  for (std::size_t i = 0; i < kGroups; ++i) {
    std::size_t end = i;
    while (end < kGroups && groups[end] == 0)
      ++end;
    if (end - i > longest.size) longest = {i, end - i};
    i = std::max(i, end);
  }
  return longest;
}

void append_groups(std::string& out, const std::uint16_t* begin, const std::uint16_t* end) {
  for (const std::uint16_t* group = begin; group != end; ++group) {
    if (group != begin) out += ':';
    append_number(out, *group, Base::Hex);
  }
}

bool is_v4_mapped(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kPrefix.begin(), kPrefix.end(), address.bytes.begin());
}

std::string v6_text(const IpAddress& address) {
  std::string text;
  if (is_v4_mapped(address)) {
    text = "::ffff:";
    append_dotted(text, address.bytes.data() + 12);
    return text;
  }
  Groups groups;
  for (std::size_t i = 0; i < kGroups; ++i) {
    groups[i] = static_cast<std::uint16_t>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
  }
  const Zeros zeros = longest_zeros(groups);
  const std::uint16_t* const end = groups.data() + kGroups;
  if (zeros.size < 2) {
    append_groups(text, groups.data(), end);
    return text;
  }
  append_groups(text, groups.data(), groups.data() + zeros.start);
  text += "::";
  append_groups(text, groups.data() + zeros.start + zeros.size, end);
  return text;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  Cursor v4(text);
  Octets octets{};
  if (v4.take_v4(octets) && v4.at_end()) return from_octets(octets);
  Cursor v6(text);
  Groups groups{};
  if (v6.take_v6(groups) && v6.at_end()) return from_groups(groups);
  return std::nullopt;
}

std::optional<IpAddress> parse_endpoint_ip(std::string_view text) {
  if (const auto address = parse_with_port(text)) return address;
  return parse_ip(text);
}

std::string to_text(const IpAddress& address) {
  if (address.family == IpAddress::Family::V6) return v6_text(address);
  std::string text;
  append_dotted(text, address.bytes.data());
  return text;
}

}  // namespace smtptape
