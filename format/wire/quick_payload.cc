#include "format/wire/quick_payload.h"

#include <bit>
#include <cstring>
#include <iterator>

#include "format/wire/json.h"
#include "format/wire/text_scan.h"
#include "format/wire/wire.h"

namespace smtptape {

namespace {

// Unescapes the content of a JSON string that serde_json wrote: exactly its escapes, valid UTF-8,
// no stray quote.  Text without escapes is returned as it lies in the frame.
class TextReader {
 public:
  explicit TextReader(Arena& arena) : arena_(arena) {}

  bool read(std::string_view json, std::string_view& out) {
    const char* const end = json.data() + json.size();
    const char* const stop = find_json_escape(json.data(), end);
    if (stop == end) {
      out = json;
      return is_utf8(json);
    }
    const std::size_t room = json.size() + kSlack;
    char* const start = arena_.allocate(room);
    const auto clean = static_cast<std::size_t>(stop - json.data());
    std::memcpy(start, json.data(), clean);
    const char* const written = unescape(stop, end, start + clean);
    const std::size_t size = written == nullptr ? 0 : static_cast<std::size_t>(written - start);
    arena_.shrink_last(start, room, size);
    out = {start, size};
    return written != nullptr && is_utf8(out);
  }

 private:
  static constexpr std::size_t kSlack = 16;  // copies go in whole blocks

  // Returns the end of what was written to `to`; null when the text is not serde_json's.
  static char* unescape(const char* from, const char* end, char* to) {
    while (from != end) {
      if (*from == '\\') {
        if (end - from < 2) return nullptr;
        const char meaning = short_escape_meaning(from[1]);
        if (meaning != 0) {
          *to++ = meaning;
          from += 2;
          continue;
        }
        if (from[1] != 'u' || end - from < 6) return nullptr;
        const int code = long_escape_meaning(from + 2);
        if (code < 0) return nullptr;
        *to++ = static_cast<char>(code);
        from += 6;
        continue;
      }
      if (needs_json_escape(static_cast<unsigned char>(*from))) return nullptr;
      copy_clean_run(from, end, to);
    }
    return to;
  }

  static void copy_clean_run(const char*& from, const char* end, char*& to) {
    while (end - from >= static_cast<std::ptrdiff_t>(kTextBlock)) {
      std::memcpy(to, from, kTextBlock);
      const unsigned mask = JsonScan::mask(from);
      const int clean = mask == 0 ? static_cast<int>(kTextBlock) : std::countr_zero(mask);
      from += clean;
      to += clean;
      if (mask != 0) return;
    }
    while (from != end && !needs_json_escape(static_cast<unsigned char>(*from)))
      *to++ = *from++;
  }

  Arena& arena_;
};

// The content of a JSON string between `before` and `after`; false when `json` is not so framed.
bool strip(std::string_view& json, std::string_view before, std::string_view after) {
  if (json.size() < before.size() + after.size()) return false;
  if (!json.starts_with(before) || !json.ends_with(after)) return false;
  json.remove_prefix(before.size());
  json.remove_suffix(after.size());
  return true;
}

bool quick_number(std::string_view digits, std::uint64_t& out) {
  if (digits.empty() || digits.size() > 19) return false;
  if (digits.size() > 1 && digits.front() == '0') return false;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

bool quick_diagnostic(std::string_view json, TextReader& texts, Event& event) {
  constexpr std::string_view kBetween = R"(","message":")";
  const std::size_t between = json.find(kBetween);
  if (between == std::string_view::npos) return false;
  event.kind = EventKind::Diagnostic;
  return texts.read(json.substr(0, between), event.level) &&
         event.level.find('\n') == std::string_view::npos &&
         texts.read(json.substr(between + kBetween.size()), event.text);
}

bool quick_abbreviated(std::string_view json, TextReader& texts, Event& event) {
  constexpr std::string_view kBetween = R"(","len":)";
  const std::size_t between = json.rfind(kBetween);
  if (between == std::string_view::npos) return false;
  event.kind = EventKind::AbbreviatedWrite;
  return texts.read(json.substr(0, between), event.text) &&
         quick_number(json.substr(between + kBetween.size()), event.length);
}

}  // namespace

bool quick_payload(std::string_view json, Arena& arena, Event& event) {
  TextReader texts(arena);
  if (std::string_view text = json; strip(text, R"({"Write":")", "\"}")) {
    event.kind = EventKind::Write;
    return texts.read(text, event.text);
  }
  if (std::string_view text = json; strip(text, R"({"Read":")", "\"}")) {
    event.kind = EventKind::Read;
    return texts.read(text, event.text);
  }
  if (std::string_view text = json; strip(text, R"({"Diagnostic":{"level":")", "\"}}")) {
    return quick_diagnostic(text, texts, event);
  }
  if (std::string_view text = json; strip(text, R"({"AbbreviatedWrite":{"snippet":")", "}}")) {
    return quick_abbreviated(text, texts, event);
  }
  constexpr EventKind kPlain[] = {
      EventKind::BeginSession, EventKind::Connected, EventKind::Closed, EventKind::MessageObtained};
  constexpr std::string_view kPlainJson[] = {
      "\"BeginSession\"", "\"Connected\"", "\"Closed\"", "\"MessageObtained\""};
  for (std::size_t i = 0; i < std::size(kPlain); ++i) {
    if (json != kPlainJson[i]) continue;
    event.kind = kPlain[i];
    return true;
  }
  return false;
}

}  // namespace smtptape
