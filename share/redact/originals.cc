#include "share/redact/originals.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include "base/error.h"
#include "base/hash.h"
#include "share/redact/known_words.h"
#include "smtp/spellings.h"

namespace smtptape {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_plain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') ||
         (static_cast<unsigned char>(c) >= 0x80 && c != kNotAscii);
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Of a text that goes on for 8 bytes at least.
std::uint64_t window_at(const char* text) {
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, text, Originals::kLeast);
  return bytes;
}
std::uint64_t scattered(std::uint64_t window) {
  return window * 0x9e3779b97f4a7c15U;
}

// Lines that are drawn, and the like, say nothing.
bool says_something(std::string_view text) {
  constexpr std::ptrdiff_t kLeastPlain = 4;
  return std::count_if(text.begin(), text.end(), is_plain) >= kLeastPlain;
}

// Numbers and addresses stand in longer ones by accident.
bool is_numeric(Kind kind, std::string_view text) {
  return kind == Kind::Address || std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || c == '.' || c == ':' || c == '-' || c == ' ';
         });
}

bool goes_on(std::string_view text, std::size_t from, std::size_t to) {
  const auto digit_at = [text](std::size_t i) { return i < text.size() && is_digit(text[i]); };
  const bool before =
      digit_at(from - 1) || (from >= 2 && text[from - 1] == '.' && digit_at(from - 2));
  const bool behind = digit_at(to) || (to < text.size() && text[to] == '.' && digit_at(to + 1));
  return before || behind;
}

// What stands between the digits of a run may be decoded, too: it changes where the original ends,
// not whether it begins.
using DigitValues = std::array<std::int8_t, 256>;
DigitValues values_of(std::string_view digits) {
  DigitValues values{};
  values.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i)
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
  return values;
}
DigitValues base64_values() {
  DigitValues values =
      values_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  values['-'] = values['+'];
  values['_'] = values['/'];
  return values;
}
DigitValues hex_values() {
  DigitValues values = values_of("0123456789abcdef");
  for (char c = 'A'; c <= 'F'; ++c)
    values[static_cast<unsigned char>(c)] = values[static_cast<unsigned char>(lower(c))];
  return values;
}
const DigitValues kBase64 = base64_values();
const DigitValues kHex = hex_values();

// Each way to spell has a sign that stands in all of its escapes.
bool may_be_spelled(Spelling spelling, std::string_view text) {
  switch (spelling) {
    case Spelling::Backslash: return text.find('\\') != std::string_view::npos;
    case Spelling::Percent: return text.find('%') != std::string_view::npos;
    case Spelling::QuotedPrintable: return text.find('=') != std::string_view::npos;
    case Spelling::Xtext: return text.find('+') != std::string_view::npos;
    case Spelling::Entity: return text.find('&') != std::string_view::npos;
    case Spelling::NotAscii:
      return std::any_of(
          text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  }
  return true;
}

}  // namespace

std::string folded(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool Originals::Entry::operator<(const Entry& other) const {
  return std::tie(window, size, hash) < std::tie(other.window, other.size, other.hash);
}

void Originals::add(Kind kind, std::string_view text) {
  text = text.substr(0, kMostBytes);
  has_credentials_ = has_credentials_ || kind == Kind::Credential;
  // Templates have the same lines in every message.
  if (text.empty() || !added_.insert(hash64(text)).second) return;
  const std::string one = folded(text);
  // A password may well be a word.
  if (kind != Kind::Credential && is_known_text(one)) return;
  add_folded(kind, one);
  if (!may_be_spelled(Spelling::NotAscii, one)) return;
  // Where it was written in another character set, or cut in two.
  Respelled other;
  undo(Spelling::NotAscii, one, other);
  if (other.changed && says_something(other.text)) add_folded(kind, other.text);
}

void Originals::add_word(std::string_view text) {
  add_folded(Kind::Label, folded(text.substr(0, kMostBytes)));
}

void Originals::add_folded(Kind kind, const std::string& one) {
  const std::uint64_t hash = hash64(one);
  wholes_.insert(hash);
  if (one.size() < kLeast || !says_something(one) || !seen_.insert(hash).second) return;
  if (entries_.size() == kMost) {
    throw Error("redaction would have to look for more than " + std::to_string(kMost) +
                " different names and lines; choose fewer sessions, or a shorter time");
  }
  entries_.push_back({window_at(one.data()),
                      hash,
                      static_cast<std::uint32_t>(one.size()),
                      kind,
                      is_numeric(kind, one)});
}

void Originals::add_public(std::string_view text) {
  if (!text.empty()) public_.push_back(folded(text));
}

void Originals::finish() {
  added_ = {};
  build();
  leave_out_public();
  build();
}

void Originals::build() {
  constexpr unsigned kLeastBits = 12;
  std::sort(entries_.begin(), entries_.end());
  unsigned bits = kLeastBits;
  while ((std::size_t{1} << bits) < entries_.size() * 16)
    ++bits;
  shift_ = 64 - bits;
  bits_.assign((std::size_t{1} << bits) / 64, 0);
  first_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::uint64_t bit = scattered(entries_[i].window) >> shift_;
    bits_[bit / 64] |= std::uint64_t{1} << (bit % 64);
    first_.emplace(entries_[i].window, static_cast<std::uint32_t>(i));
  }
}

void Originals::leave_out_public() {
  std::sort(public_.begin(), public_.end());
  public_.erase(std::unique(public_.begin(), public_.end()), public_.end());
  boost::unordered_flat_set<std::uint64_t> gone;
  for (const std::string& name : public_) {
    look_through(name, [&](const Entry& entry, std::size_t from) {
      if (entry.kind == Kind::Credential) return;
      std::string kept = name.substr(from, entry.size);
      while (kept.ends_with('.'))
        kept.pop_back();
      if (gone.insert(entry.hash).second) kept_.push_back(std::move(kept));
    });
  }
  std::erase_if(entries_, [&](const Entry& entry) { return gone.contains(entry.hash); });
  for (const std::uint64_t hash : gone)
    wholes_.erase(hash);
  std::sort(kept_.begin(), kept_.end());
  kept_.erase(std::unique(kept_.begin(), kept_.end()), kept_.end());
}

template <class Take>
void Originals::look_through(std::string_view text, const Take& take) const {
  if (text.size() < kLeast || entries_.empty()) return;
  const std::string low = folded(text);
  for (std::size_t at = 0; at + kLeast <= low.size(); ++at) {
    const std::uint64_t window = window_at(low.data() + at);
    if (!has_window(window)) continue;
    const auto known = first_.find(window);
    if (known == first_.end()) continue;
    std::uint32_t size = 0;
    std::uint64_t hash = 0;
    for (std::size_t i = known->second; i < entries_.size() && entries_[i].window == window; ++i) {
      const Entry& entry = entries_[i];
      if (at + entry.size > low.size()) break;
      if (entry.size != size) hash = hash64(std::string_view(low).substr(at, entry.size));
      size = entry.size;
      if (hash != entry.hash) continue;
      if (entry.stands_alone && goes_on(low, at, at + entry.size)) continue;
      take(entry, at);
    }
  }
}

void Originals::find(std::string_view text, std::vector<Found>& found) const {
  look_through(text, [&found](const Entry& entry, std::size_t at) {
    found.push_back({at, at + entry.size, entry.kind, false});
  });
}

void Originals::find_spelled(std::string_view text, std::vector<Found>& found) const {
  Respelled other;
  const auto look = [&] {
    if (!other.changed) return;
    look_through(other.text, [&](const Entry& entry, std::size_t at) {
      found.push_back(
          {other.places[at].from, other.places[at + entry.size - 1].to, entry.kind, true});
    });
  };
  for (const Spelling spelling : kSpellings) {
    if (!may_be_spelled(spelling, text)) continue;
    undo(spelling, text, other);
    look();
  }
  for (const unsigned skip : {0U, 2U, 4U}) {
    if (!may_be_digits(Digits::Base64, skip, text)) continue;
    undo(Digits::Base64, skip, text, other);
    look();
  }
  for (const unsigned skip : {0U, 4U}) {
    if (!may_be_digits(Digits::Hex, skip, text)) continue;
    undo(Digits::Hex, skip, text, other);
    look();
  }
}

// Whether decoding the long runs of digits gives the beginning of an original: most texts have
// none, and what was where needs not be kept for this.
bool Originals::may_be_digits(Digits digits, unsigned skip, std::string_view text) const {
  if (entries_.empty()) return false;
  const DigitValues& values = digits == Digits::Base64 ? kBase64 : kHex;
  const unsigned bits_each = digits == Digits::Base64 ? 6 : 4;
  // The last kLeast bytes, in the order of a window.
  std::uint64_t window = 0;
  std::uint32_t bits = 0;
  unsigned count = 0;
  unsigned bytes = 0;
  unsigned to_skip = skip;
  for (const char c : text) {
    const std::int8_t value = values[static_cast<unsigned char>(c)];
    if (value < 0) {
      if (c == '\r' || c == '\n') continue;
      count = bytes = 0;
      to_skip = skip;
      continue;
    }
    bits = bits << bits_each | static_cast<std::uint32_t>(value);
    count += bits_each - to_skip;
    to_skip = 0;
    if (count < 8) continue;
    count -= 8;
    const auto byte = static_cast<std::uint8_t>(lower(static_cast<char>(bits >> count & 0xffU)));
    window = window >> 8 | std::uint64_t{byte} << (8 * (kLeast - 1));
    if (++bytes >= kLeast && has_window(window) && first_.contains(window)) return true;
  }
  return false;
}

bool Originals::has_window(std::uint64_t window) const {
  const std::uint64_t bit = scattered(window) >> shift_;
  return ((bits_[bit / 64] >> (bit % 64)) & 1U) != 0;
}

bool Originals::is_original(std::string_view text) const {
  return wholes_.contains(hash64(folded(text)));
}

}  // namespace smtptape
