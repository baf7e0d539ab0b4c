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

// What of a decoded argument must not be seen: the password of PLAIN, the token of XOAUTH2 and
// OAUTHBEARER, else all of it.
std::string_view secret_part(std::string_view decoded) {
  constexpr std::string_view kToken =
      "\x01"
      "auth=";
  const std::size_t zero = decoded.rfind('\0');
  if (zero != std::string_view::npos) return decoded.substr(zero + 1);
  const std::size_t token = decoded.find(kToken);
  if (token == std::string_view::npos) return decoded;
  std::string_view value = decoded.substr(token + kToken.size());
  value = value.substr(0, value.find('\x01'));
  const std::size_t space = value.rfind(' ');
  return space == std::string_view::npos ? value : value.substr(space + 1);
}

constexpr std::array<std::int8_t, 256> base64_values() {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::int8_t>(i);
  return values;
}

}  // namespace

std::string decode_base64(std::string_view text) {
  static constexpr auto kValues = base64_values();
  while (text.ends_with('='))
    text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::int8_t value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return {};
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xffU));
  }
  return out;
}

void SeenSecrets::append(std::string_view piece) {
  argument_.append(piece.substr(0, kMostBytes - std::min(argument_.size(), kMostBytes)));
}

void SeenSecrets::end_argument(bool is_name) {
  if (argument_.empty()) return;
  remember(argument_);
  add_windows(argument_);
  if (!is_name) {
    const std::string decoded = decode_base64(argument_);
    remember(secret_part(decoded));
  }
  argument_.clear();
}

void SeenSecrets::remember(std::string_view secret) {
  if (secret.size() < kLeastBytes) return;
  if (std::find(texts_.begin(), texts_.end(), secret) != texts_.end()) return;
  while (!texts_.empty() && bytes_ + secret.size() > kMostBytes) {
    bytes_ -= texts_.front().size();
    texts_.erase(texts_.begin());
  }
  texts_.emplace_back(secret);
  bytes_ += secret.size();
}

void SeenSecrets::add_windows(std::string_view secret) {
  if (secret.size() < kWindow) return;
  if (windows_.size() + secret.size() > kMostBytes) windows_.clear();
  for (std::size_t at = 0; at + kWindow <= secret.size(); ++at)
    windows_.push_back(window_at(secret.data() + at));
  std::sort(windows_.begin(), windows_.end());
  windows_.erase(std::unique(windows_.begin(), windows_.end()), windows_.end());
}

void SeenSecrets::find(std::string_view text, std::vector<ByteRange>& found) const {
  for (const std::string& secret : texts_) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string_view::npos;
         at += secret.size()) {
      found.push_back({at, at + secret.size()});
    }
  }
  find_windows(text, found);
}

void SeenSecrets::find_windows(std::string_view text, std::vector<ByteRange>& found) const {
  if (windows_.empty()) return;
  for (std::size_t at = 0; at + kWindow <= text.size(); ++at) {
    if (!std::binary_search(windows_.begin(), windows_.end(), window_at(text.data() + at))) {
      continue;
    }
    if (!found.empty() && found.back().from <= at && found.back().to >= at) {
      found.back().to = std::max(found.back().to, at + kWindow);
    } else {
      found.push_back({at, at + kWindow});
    }
  }
}

void SeenSecrets::find_in_reply(std::string_view text, std::vector<ByteRange>& found) {
  if (texts_.empty()) return;
  std::string joined;
  const std::size_t before = open_.size();
  std::string_view whole = text;
  if (before > 0) whole = joined = open_.append(text);
  const std::size_t first = found.size();
  find(whole, found);
  // A byte or two may well be something else; if not, the rest of it will be found.
  constexpr std::size_t kLeastOpen = 3;
  const std::size_t open = open_end(whole);
  if (open >= kLeastOpen) found.push_back({whole.size() - open, whole.size()});
  open_ = whole.substr(whole.size() - open);
  // As places in `text`.
  for (std::size_t i = first; i < found.size(); ++i) {
    found[i].from -= std::min(found[i].from, before);
    found[i].to -= std::min(found[i].to, before);
  }
}

std::size_t SeenSecrets::open_end(std::string_view text) const {
  if (text.empty() || text.back() == '\n') return 0;
  std::size_t open = 0;
  for (const std::string& secret : texts_) {
    for (std::size_t size = std::min(secret.size() - 1, text.size()); size > open; --size) {
      if (text.ends_with(std::string_view(secret).substr(0, size))) open = size;
    }
  }
  return open;
}

}  // namespace smtptape
