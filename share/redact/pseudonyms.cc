#include "share/redact/pseudonyms.h"

#include <algorithm>

#include "share/redact/ip_address.h"
#include "share/redact/originals.h"

namespace smtptape {

namespace {

constexpr char kGone = '*';
constexpr unsigned kDecimal = 10;
constexpr unsigned kHex = 16;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_foreign(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

// As many bytes as are asked for, that follow from a key and a text.
class Stream {
 public:
  Stream(KeyedDigester& digester, std::string text)
      : digester_(digester), text_(std::move(text) + '\0'), own_size_(text_.size()) {}

  // Below `bound`, which is small.
  unsigned next(unsigned bound) {
    if (at_ + 2 > digest_.size()) refill();
    const unsigned value = digest_[at_] * 256U + digest_[at_ + 1];
    at_ += 2;
    return value % bound;
  }

 private:
  void refill() {
    text_.resize(own_size_);
    text_ += std::to_string(block_++);
    digest_ = digester_.of(text_);
    at_ = 0;
  }

  KeyedDigester& digester_;
  std::string text_;
  std::size_t own_size_;
  KeyedDigest digest_{};
  std::size_t at_ = sizeof(KeyedDigest);
  unsigned block_ = 0;
};

// Hexadecimal digits stay such: whether something looks like an id must not change.
bool is_hexadecimal(std::string_view text) {
  constexpr std::size_t kShortest = 8;
  return text.size() >= kShortest && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f') || c == '-';
         });
}

// Letters that don't spell a word by accident are not asked for: there are enough tries.
constexpr unsigned kTries = 64;

}  // namespace

void KeptNames::add_host(std::string_view host) {
  std::string name = folded(host);
  while (name.ends_with('.'))
    name.pop_back();
  while (name.find('.') != std::string::npos) {
    domains.insert(name);
    name.erase(0, name.find('.') + 1);
  }
}

Pseudonyms::Pseudonyms(const PseudonymKey& key, KeptNames kept, IsTaboo is_taboo)
    : digester_(key), kept_(std::move(kept)), is_taboo_(std::move(is_taboo)) {
}

void Pseudonyms::replace(std::span<char> text, const Spans& spans) {
  for (const Span& span : spans)
    replace_one(text.subspan(span.from, span.to - span.from), span.kind);
}

void Pseudonyms::replace_one(std::span<char> text, Kind kind) {
  const auto index = static_cast<std::size_t>(kind);
  if (text.empty() || kept_.kinds[index]) return;
  if (becomes_asterisks(kind)) {
    std::fill(text.begin(), text.end(), kGone);
  } else {
    const std::string one = folded({text.data(), text.size()});
    const std::string& other = of(kind, one);
    if (other == one) return;
    for (std::size_t i = 0; i < text.size(); ++i)
      text[i] = is_upper(text[i]) && is_lower(other[i]) ? static_cast<char>(other[i] - 'a' + 'A')
                                                        : other[i];
  }
  ++counts_[index].places;
  counts_[index].bytes += text.size();
}

const std::string& Pseudonyms::of(Kind kind, const std::string& one) {
  // A host of ours and a domain of ours are the same kind of name.
  const Kind as = kind == Kind::Host ? Kind::Domain : kind;
  Known& known = known_[static_cast<std::size_t>(as)];
  const auto found = known.find(one);
  if (found != known.end()) return found->second;
  const bool labelled = as == Kind::Domain && one.size() <= kLongestDomain;
  std::string other = labelled              ? domain(one)
                      : as == Kind::Address ? address(one)
                                            : name(name_of(as), one);
  return known.emplace(one, std::move(other)).first->second;
}

std::string Pseudonyms::shaped(std::string_view use, std::string_view one, unsigned attempt) {
  Stream stream(digester_,
                std::string(use) + '\0' + std::to_string(attempt) + '\0' + std::string(one));
  constexpr unsigned kLetters = 26;
  constexpr unsigned kDigits = 10;
  constexpr unsigned kHexLetters = 6;
  const bool hex = is_hexadecimal(one);
  const bool plain = std::any_of(
      one.begin(), one.end(), [](char c) { return is_lower(c) || is_digit(c) || is_foreign(c); });
  std::string other;
  for (const char c : one) {
    if (is_digit(c)) {
      other += static_cast<char>('0' + stream.next(kDigits));
    } else if (is_lower(c) || is_foreign(c) || !plain) {
      other += static_cast<char>('a' + stream.next(hex ? kHexLetters : kLetters));
    } else {
      other += c;
    }
  }
  return other;
}

std::string Pseudonyms::name(std::string_view use, std::string_view one) {
  std::string other;
  for (unsigned attempt = 0; attempt < kTries; ++attempt) {
    other = shaped(use, one, attempt);
    if (other == one || is_taboo_(other)) continue;
    // Two names have two pseudonyms, as long as there are enough of the shape.
    if (taken_.insert(std::string(use) + '\0' + other).second) return other;
  }
  return other;
}

std::string Pseudonyms::domain(const std::string& one) {
  const std::size_t kept = kept_from(one);
  std::string other;
  for (unsigned attempt = 0; attempt < kTries; ++attempt) {
    other = with_other_labels(one, kept, attempt);
    if (other == one || !is_taboo_(other)) break;
  }
  return other;
}

// Where in a domain the end of it begins that stays: a domain of a kept host, or the top level.
std::size_t Pseudonyms::kept_from(const std::string& one) const {
  std::string bare = one;
  while (bare.ends_with('.'))
    bare.pop_back();
  std::size_t kept = bare.size();
  const std::size_t top = bare.rfind('.');
  const bool has_top = top != std::string::npos && top > 0 &&
                       std::all_of(bare.begin() + static_cast<std::ptrdiff_t>(top) + 1,
                                   bare.end(),
                                   [](char c) { return is_lower(c); });
  if (has_top) kept = top;
  for (std::size_t at = 0; at != std::string::npos && at < bare.size();) {
    if (kept_.domains.contains(std::string_view(bare).substr(at))) {
      kept = at == 0 ? 0 : at - 1;
      break;
    }
    const std::size_t dot = bare.find('.', at);
    at = dot == std::string::npos ? dot : dot + 1;
  }
  // Several hosts of one domain that stays: "(mx1|mx2).dest.example".
  if (kept < bare.size() && bare.starts_with('(') && bare.find(')') + 1 == kept) return 0;
  return kept;
}

// From the right: each depends on those behind it.  The first one changes with the attempt.
std::string Pseudonyms::with_other_labels(const std::string& one,
                                          std::size_t kept,
                                          unsigned attempt) {
  std::string other = one;
  for (std::size_t end = kept; end > 0;) {
    const std::size_t dot = one.rfind('.', end - 1);
    const std::size_t from = dot == std::string::npos ? 0 : dot + 1;
    const std::string_view label = std::string_view(one).substr(from, end - from);
    std::string use = "label." + one.substr(end);
    if (from == 0 && attempt > 0) use += '#' + std::to_string(attempt);
    std::string& known = labels_[use + '\0' + std::string(label)];
    if (known.empty()) known = name(use, label);
    other.replace(from, end - from, known);
    end = from == 0 ? 0 : from - 1;
  }
  return other;
}

std::string Pseudonyms::address(const std::string& one) {
  // A port is nobody's name, but the same for all of a connection.
  std::size_t end = one.size();
  const std::size_t from = one.starts_with('[') ? 1 : 0;
  const bool version4 = one.find('.') != std::string::npos && one.find("::") == std::string::npos &&
                        !parse_address(one);
  if (version4) end = std::min(one.find(':'), one.size());
  if (from > 0) end = std::min(one.find(']'), one.size());
  const std::string host = one.substr(from, end - from);
  if (kept_.addresses.contains(usual_address(host))) return one;
  const bool version6 = host.find(':') != std::string::npos && parse_address(host);
  return one.substr(0, from) + (version6 ? address6(host) : address4(host)) + one.substr(end);
}

// Another number of as many digits: never the same, and no two become one.
std::string Pseudonyms::other_number(std::string_view digits,
                                     unsigned base,
                                     const std::string& before) {
  Stream stream(digester_, "address" + std::string(1, '\0') + before);
  unsigned low = 1;
  for (std::size_t i = 1; i < digits.size() && low < 0x10000U; ++i)
    low *= base;
  unsigned high = low * base;
  if (base == kDecimal && digits.size() == 3) high = 256;
  // A group of version 6 that is 0 may not be written at all, so that none becomes 0.
  if (base == kDecimal && digits.size() == 1) low = 0;
  unsigned value = 0;
  for (const char c : digits)
    value = value * base + static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'a' + 10);
  std::string other(digits.size(), '0');
  if (value >= low && value < high) {
    value = low + (value - low + 1 + stream.next(high - low - 1)) % (high - low);
    for (std::size_t i = other.size(); i > 0; --i, value /= base)
      other[i - 1] = "0123456789abcdef"[value % base];
  } else {
    for (char& c : other)
      c = static_cast<char>('0' + stream.next(kDecimal));
  }
  return other;
}

// Number by number; whatever else stands between them stays.
std::string Pseudonyms::address4(const std::string& one) {
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  std::string other = one;
  for (std::size_t at = 0; at < one.size();) {
    std::size_t to = at;
    while (to < one.size() && is_hex(one[to]))
      ++to;
    if (to == at) {
      ++at;
      continue;
    }
    const bool decimal = (to < one.size() && one[to] == '.') || (at > 0 && one[at - 1] == '.');
    other.replace(at,
                  to - at,
                  other_number(std::string_view(one).substr(at, to - at),
                               decimal ? kDecimal : kHex,
                               one.substr(0, at)));
    at = to;
  }
  return other;
}

// Group by group, each by those before it, however they are written: the same address has the same
// pseudonym in the same form.
std::string Pseudonyms::address6(const std::string& one) {
  constexpr std::size_t kGroups = 8;
  std::string other = one;
  const std::size_t tail = one.find('.') == std::string::npos ? one.size() : one.rfind(':') + 1;
  // What version 4 is written behind says no more than that.
  const bool mapped = usual_address(one).find(':') == std::string::npos;
  if (tail < one.size()) other.replace(tail, std::string::npos, address4(one.substr(tail)));
  if (mapped && tail < one.size()) return other;
  const std::size_t gap = one.find("::");
  const auto groups_of = [](std::string_view text) {
    const auto colons = static_cast<std::size_t>(std::count(text.begin(), text.end(), ':'));
    return text.empty() ? 0 : colons + 1;
  };
  std::size_t group = 0;
  std::string before;
  for (std::size_t at = 0; at < tail;) {
    if (at == gap) {
      const std::size_t behind =
          groups_of(std::string_view(one).substr(gap + 2)) + (tail < one.size() ? 1 : 0);
      for (; group + behind < kGroups; ++group)
        before += "0:";
      at += 2;
      continue;
    }
    if (one[at] == ':') {
      ++at;
      continue;
    }
    const std::size_t to = std::min({one.find(':', at), tail, one.size()});
    std::size_t from = at;
    while (from + 1 < to && one[from] == '0')
      ++from;
    const std::string digits = one.substr(from, to - from);
    if (digits != "0") other.replace(from, to - from, other_number(digits, kHex, before));
    before += digits + ":";
    ++group;
    at = to;
  }
  return other;
}

std::array<std::uint8_t, 16> Pseudonyms::id_of(std::string_view bytes) {
  const KeyedDigest digest = digester_.of("id" + std::string(1, '\0') + std::string(bytes));
  std::array<std::uint8_t, 16> id{};
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

std::map<std::pair<Kind, std::string>, std::string> Pseudonyms::all() const {
  std::map<std::pair<Kind, std::string>, std::string> all;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    for (const auto& [one, other] : known_[kind])
      if (one != other) all[{static_cast<Kind>(kind), one}] = other;
  }
  return all;
}

}  // namespace smtptape
