#include "smtp/seen_secrets.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace smtptape {

namespace {

// The bytes at the start of `text` as a number.
std::uint64_t window_at(const char* text) {
  std::uint64_t window = 0;
  std::memcpy(&window, text, SeenSecrets::kWindow);
  return window;
}

// What stands behind `name` up to `end`.
std::string_view value_behind(std::string_view text, std::string_view name, char end) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  return text.substr(0, text.find(end));
}

std::string_view last_word(std::string_view text) {
  return text.substr(text.rfind(' ') + 1);
}

bool is_digest(std::string_view word) {
  constexpr std::size_t kLeastDigits = 32;
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  return word.size() >= kLeastDigits && word.find_first_not_of(kDigits) == std::string_view::npos;
}

// What of a decoded argument must not be seen: the password of PLAIN, the token of XOAUTH2 and
// OAUTHBEARER; else all of it, and by itself the proof of SCRAM, CRAM-MD5 and DIGEST-MD5.
std::vector<std::string_view> secret_parts(std::string_view decoded) {
  constexpr std::string_view kToken =
      "\x01"
      "auth=";
  if (const std::string_view token = value_behind(decoded, kToken, '\x01'); !token.empty())
    return {last_word(token)};
  const std::string_view plain = decoded.substr(0, decoded.find_last_not_of('\0') + 1);
  const auto zeros = std::count(plain.begin(), plain.end(), '\0');
  if (zeros == 1 || zeros == 2) return {plain.substr(plain.rfind('\0') + 1)};
  std::vector<std::string_view> parts{decoded, value_behind(decoded, ",p=", ',')};
  parts.push_back(value_behind(decoded, "response=", ','));
  if (is_digest(last_word(decoded))) parts.push_back(last_word(decoded));
  return parts;
}

std::string_view without_blanks_around(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") + 1 - from);
}

}  // namespace

void SeenSecrets::append(std::string_view piece) {
  argument_.append(piece.substr(0, kMostArgument - std::min(argument_.size(), kMostArgument)));
}

void SeenSecrets::end_argument(bool is_name) {
  if (argument_.empty()) return;
  if (!is_name) {
    const std::string decoded = decode_base64(without_blanks_around(argument_));
    for (const std::string_view part : secret_parts(decoded))
      remember_variants(std::string(part));
  }
  remember(argument_, true);
  find_windows();
  argument_.clear();
}

// Spellings that change the secret, not only how each byte is written.
void SeenSecrets::remember_variants(const std::string& secret) {
  std::string variant = secret;
  for (const char blank : {'+', '_'}) {
    std::replace_copy(secret.begin(), secret.end(), variant.begin(), ' ', blank);
    if (variant != secret) remember(variant, false);
  }
  Respelled respelled;
  undo(Spelling::NotAscii, secret, respelled);
  if (respelled.changed) remember(respelled.text, false);
  remember(secret, false);
}

void SeenSecrets::remember(std::string_view secret, bool is_argument) {
  if (secret.size() < kLeastBytes) return;
  const auto same = [secret](const Known& known) { return known.text == secret; };
  if (std::any_of(texts_.begin(), texts_.end(), same)) return;
  while (!texts_.empty() && bytes_ + secret.size() > kMostBytes) {
    bytes_ -= texts_.front().text.size();
    texts_.erase(texts_.begin());
  }
  std::vector<std::uint16_t> fallback(secret.size() + 1, 0);
  std::size_t matched = 0;
  for (std::size_t i = 1; i < secret.size(); ++i) {
    while (matched > 0 && secret[i] != secret[matched])
      matched = fallback[matched];
    if (secret[i] == secret[matched]) ++matched;
    fallback[i + 1] = static_cast<std::uint16_t>(matched);
  }
  texts_.push_back({std::string(secret), std::move(fallback), is_argument});
  bytes_ += secret.size();
}

void SeenSecrets::find_windows() {
  windows_.clear();
  for (const Known& known : texts_) {
    if (!known.is_argument) continue;
    for (std::size_t at = 0; at + kWindow <= known.text.size(); ++at)
      windows_.push_back(window_at(known.text.data() + at));
  }
  std::sort(windows_.begin(), windows_.end());
  windows_.erase(std::unique(windows_.begin(), windows_.end()), windows_.end());
}

// ---- looking for them ----

// A text as it came, or with spellings undone.
class SeenSecrets::Layer {
 public:
  explicit Layer(std::string_view text) : text_(text), whole_(text.size()) {}
  // `respelled` was made from the text of `below`.
  Layer(const Respelled& respelled, const Layer& below)
      : text_(respelled.text), respelled_(&respelled), below_(&below) {
    const auto first = std::lower_bound(
        respelled.places.begin(),
        respelled.places.end(),
        std::min(respelled.open, below.whole_),
        [](const Respelled::Place& place, std::size_t at) { return place.from < at; });
    whole_ = static_cast<std::size_t>(first - respelled.places.begin());
  }

  [[nodiscard]] std::string_view text() const { return text_; }
  // Behind it is what may be the beginning of a spelling.
  [[nodiscard]] std::size_t whole() const { return whole_; }

  // In the text as it came; `range` is not empty.
  [[nodiscard]] ByteRange original(ByteRange range) const {
    for (const Layer* layer = this; layer->respelled_ != nullptr; layer = layer->below_) {
      const auto& places = layer->respelled_->places;
      range = {places[range.from].from, places[range.to - 1].to};
    }
    return range;
  }

 private:
  std::string_view text_;
  const Respelled* respelled_ = nullptr;
  const Layer* below_ = nullptr;
  std::size_t whole_ = 0;
};

class SeenSecrets::Search {
 public:
  Search(const SeenSecrets& secrets, std::string_view text, std::vector<ByteRange>& found)
      : secrets_(secrets), found_(found), open_(text.size()), likely_(text.size()) {
    const Layer layer(text);
    look_at(layer);
    spellings_of(layer, true);
  }

  // From here on the text may be the beginning of a repetition, and from here on it is likely so.
  [[nodiscard]] std::size_t open() const { return open_; }
  [[nodiscard]] std::size_t likely() const { return likely_; }

 private:
  // What was quoted by one program may have been spelled by another: KumoMTA quotes as Rust does.
  void spellings_of(const Layer& below, bool quoted) {
    Respelled respelled;
    for (const Spelling spelling : kSpellings) {
      undo(spelling, below.text(), respelled);
      const Layer layer(respelled, below);
      may_go_on(below, respelled.open);
      if (!respelled.changed) continue;
      look_at(layer);
      if (quoted && spelling == Spelling::Backslash) spellings_of(layer, false);
    }
  }

  void look_at(const Layer& layer) {
    look_for_both(layer);
    for (const unsigned skip : {0U, 2U, 4U, 6U})
      look_into(layer, Digits::Base64, skip);
    for (const unsigned skip : {0U, 4U})
      look_into(layer, Digits::Hex, skip);
  }

  void look_into(const Layer& below, Digits digits, unsigned skip) {
    undo(digits, skip, below.text(), digits_);
    may_go_on(below, digits_.open);
    look_for_both(Layer(digits_, below));
  }

  void look_for_both(const Layer& layer) {
    look_for_windows(layer);
    look_for_texts(layer);
  }

  void look_for_texts(const Layer& layer) {
    const std::string_view text = layer.text();
    for (const Known& known : secrets_.texts_) {
      std::size_t matched = 0;
      for (std::size_t at = 0; at < text.size(); ++at) {
        if (at == layer.whole()) ends_with(layer, at, matched);
        while (matched > 0 && known.text[matched] != text[at])
          matched = known.fallback[matched];
        if (known.text[matched] == text[at]) ++matched;
        if (matched < known.text.size()) continue;
        found_.push_back(layer.original({at + 1 - matched, at + 1}));
        matched = known.fallback[matched];
      }
      ends_with(layer, text.size(), matched);
    }
  }

  // Up to `at` the layer ends in the first `matched` bytes of a secret.
  void ends_with(const Layer& layer, std::size_t at, std::size_t matched) {
    if (matched == 0) return;
    may_go_on(layer, at - matched);
    if (matched >= kLeastOpen) likely_ = std::min(likely_, layer.original({at - matched, at}).from);
  }

  void look_for_windows(const Layer& layer) {
    const auto& windows = secrets_.windows_;
    if (windows.empty()) return;
    ByteRange range;
    for (std::size_t at = 0; at + kWindow <= layer.text().size(); ++at) {
      if (!std::binary_search(windows.begin(), windows.end(), window_at(layer.text().data() + at)))
        continue;
      if (range.to < at) add(layer, range);
      range = {range.to < at ? at : std::min(range.from, at), at + kWindow};
    }
    add(layer, range);
    may_go_on(layer, layer.text().size() - std::min(layer.text().size(), kWindow - 1));
  }

  void add(const Layer& layer, ByteRange range) {
    if (range.from < range.to) found_.push_back(layer.original(range));
  }

  void may_go_on(const Layer& layer, std::size_t from) {
    if (from < layer.text().size()) open_ = std::min(open_, layer.original({from, from + 1}).from);
  }

  const SeenSecrets& secrets_;
  std::vector<ByteRange>& found_;
  Respelled digits_;
  std::size_t open_;
  std::size_t likely_;
};

void SeenSecrets::find(std::string_view text, std::vector<ByteRange>& found) const {
  std::string open;
  look_through(text, open, found);
}

void SeenSecrets::find_in_piece(std::string_view text,
                                std::string& open,
                                std::vector<ByteRange>& found) const {
  const std::size_t likely = look_through(text, open, found);
  if (likely < text.size()) found.push_back({likely, text.size()});
}

// Returns from where on the text is likely to be the beginning of a repetition.
std::size_t SeenSecrets::look_through(std::string_view text,
                                      std::string& open,
                                      std::vector<ByteRange>& found) const {
  std::size_t likely = text.size();
  for (std::size_t at = 0; at < text.size() && !texts_.empty(); at += kPiece) {
    const std::size_t before = open.size();
    const std::string joined = open.append(text.substr(at, kPiece));
    const auto in_text = [at, before](std::size_t place) {
      return at + place - std::min(at + place, before);
    };
    const std::size_t first = found.size();
    const Search search(*this, joined, found);
    for (std::size_t i = first; i < found.size(); ++i)
      found[i] = {in_text(found[i].from), in_text(found[i].to)};
    likely = in_text(search.likely());
    open = joined.substr(std::max(search.open(), joined.size() - std::min(joined.size(), kPiece)));
  }
  return likely;
}

}  // namespace smtptape
