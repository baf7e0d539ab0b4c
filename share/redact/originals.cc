#include "share/redact/originals.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <tuple>

#include "base/error.h"
#include "share/redact/digit_runs.h"
#include "share/redact/ip_address.h"
#include "share/redact/keyed_hash.h"
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

std::uint64_t hash_of(const IpAddress& address) {
  return keyed_hash({reinterpret_cast<const char*>(address.data()), address.size()});
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

// A text as it is compared, with room behind it for the last window.
class FoldedText {
 public:
  explicit FoldedText(std::string_view text) : size_(text.size()) {
    constexpr std::size_t kStep = sizeof(std::uint64_t);
    if (size_ + kStep > sizeof(room_)) {
      more_ = std::make_unique_for_overwrite<char[]>(size_ + kStep);
      bytes_ = more_.get();
    }
    std::memset(bytes_ + size_, 0, kStep);
    std::memcpy(bytes_, text.data(), size_);
    for (std::size_t at = 0; at < size_; at += kStep) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, bytes_ + at, kStep);
      eight = folded_bytes(eight);
      std::memcpy(bytes_ + at, &eight, kStep);
    }
  }
  [[nodiscard]] const char* at(std::size_t place) const { return bytes_ + place; }
  [[nodiscard]] std::string_view text() const { return {bytes_, size_}; }

 private:
  char room_[4096];
  std::unique_ptr<char[]> more_;
  char* bytes_ = room_;
  std::size_t size_;
};

// Behind the entries from `at` on of which `same` says that they belong together: few, most times.
template <class Entry, class Same>
std::size_t end_of(const std::vector<Entry>& entries, std::size_t at, const Same& same) {
  std::size_t step = 1;
  while (at + step < entries.size() && same(entries[at + step]))
    step *= 2;
  const auto from = entries.begin() + static_cast<std::ptrdiff_t>(at + step / 2);
  const auto to =
      entries.begin() + static_cast<std::ptrdiff_t>(std::min(at + step, entries.size()));
  return static_cast<std::size_t>(std::partition_point(from, to, same) - entries.begin());
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
  if (text.empty() || !added_.insert(keyed_hash(text)).second) return;
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

void Originals::add_address(std::string_view text) {
  add(Kind::Address, text);
  if (const auto address = parse_address(text)) addresses_.insert(hash_of(*address));
}

void Originals::add_named(std::string_view text) {
  has_named_ = has_named_ || !text.empty();
  if (!text.empty()) add_folded(Kind::Named, folded(text.substr(0, kMostBytes)));
}

void Originals::add_folded(Kind kind, const std::string& one) {
  const std::uint64_t hash = keyed_hash(one);
  if (!wholes_.insert(hash).second || one.size() < kLeast || !says_something(one)) return;
  if (entries_.size() == kMost) {
    throw Error("redaction would have to look for more than " + std::to_string(kMost) +
                " different names and lines; choose fewer sessions, or a shorter time");
  }
  char beginning[sizeof(std::uint64_t)] = {};
  std::copy_n(one.data(), kWindowBytes, beginning);
  entries_.push_back({window_at(beginning),
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
  std::sort(entries_.begin(), entries_.end());
  build();
  if (leave_out_public()) build();
}

void Originals::build() {
  windows_.reset(entries_.size());
  first_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (i > 0 && entries_[i].window == entries_[i - 1].window) continue;
    windows_.add(entries_[i].window);
    first_.emplace(entries_[i].window, static_cast<std::uint32_t>(i));
  }
}

// Whether there was anything.
bool Originals::leave_out_public() {
  std::sort(public_.begin(), public_.end());
  public_.erase(std::unique(public_.begin(), public_.end()), public_.end());
  boost::unordered_flat_set<std::uint64_t> gone;
  for (const std::string& name : public_) {
    if (const auto address = parse_address(name)) addresses_.erase(hash_of(*address));
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
  return !gone.empty();
}

template <class Take>
void Originals::look_through(std::string_view text, const Take& take) const {
  if (text.size() < kLeast || entries_.empty()) return;
  const FoldedText low(text);
  for (std::size_t at = 0; at + kLeast <= text.size(); ++at) {
    const std::uint64_t window = window_at(low.at(at));
    if (!windows_.may_have(window)) continue;
    const auto known = first_.find(window);
    if (known != first_.end()) look_at(low.text(), at, known->second, take);
  }
}

// What begins there, of the entries that begin with the same window as `first`.
template <class Take>
void Originals::look_at(std::string_view low,
                        std::size_t at,
                        std::size_t first,
                        const Take& take) const {
  const std::uint64_t window = entries_[first].window;
  for (std::size_t i = first; i < entries_.size() && entries_[i].window == window;) {
    const std::uint32_t size = entries_[i].size;
    if (at + size > low.size()) return;
    const std::uint64_t hash = keyed_hash(low.substr(at, size));
    // Many may differ in nothing but what stands behind.
    i = end_of(entries_, i, [&](const Entry& other) {
      return std::tie(other.window, other.size) == std::tie(window, size) && other.hash < hash;
    });
    const auto is_of_size = [&](const Entry& other) {
      return std::tie(other.window, other.size) == std::tie(window, size);
    };
    if (i == entries_.size() || !is_of_size(entries_[i])) continue;
    const Entry& entry = entries_[i];
    if (entry.hash == hash && !(entry.stands_alone && goes_on(low, at, at + size))) take(entry, at);
    i = end_of(entries_, i, is_of_size);
  }
}

void Originals::find(std::string_view text, std::vector<Found>& found) const {
  look_through(text, [&found](const Entry& entry, std::size_t at) {
    found.push_back({at, at + entry.size, entry.kind, false});
  });
  if (addresses_.empty()) return;
  each_address(
      text,
      [this](const IpAddress& address) { return addresses_.contains(hash_of(address)); },
      [&found](std::size_t from, std::size_t to) {
        found.push_back({from, to, Kind::Address, false});
      });
}

bool Originals::has_any(std::string_view text) const {
  bool any = false;
  look_through(text, [&any](const Entry&, std::size_t) { any = true; });
  return any;
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
  if (entries_.empty()) return;
  const DigitWaySet ways =
      digit_ways(text, windows_, [this](std::uint64_t window) { return first_.contains(window); });
  for (std::size_t i = 0; i < kDigitWays.size(); ++i) {
    if ((ways >> i & 1U) == 0) continue;
    undo(kDigitWays[i].digits, kDigitWays[i].skip, text, other);
    look();
  }
}

bool Originals::is_original(std::string_view text) const {
  return wholes_.contains(keyed_hash(folded(text)));
}

}  // namespace smtptape
