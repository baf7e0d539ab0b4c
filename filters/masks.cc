#include "filters/masks.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "format/wire/json.h"

namespace smtptape {

namespace {

constexpr char kMask = '*';

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

ByteRange widened(ByteRange range, std::span<const char> text) {
  range.to = std::min(range.to, text.size());
  while (range.from > 0 && range.from < text.size() && is_continuation(text[range.from]))
    --range.from;
  while (range.to > range.from && range.to < text.size() && is_continuation(text[range.to]))
    ++range.to;
  return range;
}

// The value with its strings masked; empty when none of them is.
std::string masked_value(std::string_view json, const SmtpDialogue& dialogue) {
  std::string out;
  std::string text;
  Cuts cuts;
  bool any = false;
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] != '"') {
      out.push_back(json[at++]);
      continue;
    }
    JsonReader reader(json.substr(at));
    text.clear();
    if (!reader.read_string(text)) return {};
    const std::string_view raw = json.substr(at, reader.position());
    at += raw.size();
    cuts.secrets.clear();
    const bool is_key = json.substr(at).starts_with(':');
    if (!is_key) dialogue.find_quoted(text, cuts);
    if (!mask(text, cuts.secrets)) {
      out.append(raw);
      continue;
    }
    append_json_string(out, text);
    any = true;
  }
  return any ? out : std::string();
}

}  // namespace

bool mask(std::span<char> text, const std::vector<ByteRange>& secrets) {
  bool any = false;
  for (const ByteRange& each : secrets) {
    const ByteRange range = widened(each, text);
    for (std::size_t at = range.from; at < range.to; ++at) {
      if (text[at] == '\r' || text[at] == '\n') continue;
      text[at] = kMask;
      any = true;
    }
  }
  return any;
}

MetaPtr masked_meta(const Meta& meta, const SmtpDialogue& dialogue) {
  std::vector<std::string> values;
  std::vector<Meta::Entry> set;
  values.reserve(meta.entries().size());
  for (const Meta::Entry entry : meta.entries()) {
    if (entry.key == "id") continue;
    std::string value = masked_value(entry.json, dialogue);
    if (value.empty()) continue;
    values.push_back(std::move(value));
    set.push_back({entry.key, values.back()});
  }
  return set.empty() ? nullptr : Meta::derive(&meta, set, {});
}

}  // namespace smtptape
