#include "replay/json/csv_text.h"

#include <algorithm>
#include <array>

#include "base/visible_text.h"

namespace smtptape {

namespace {

// At most kMostCsvField bytes, back to a whole character.
std::string cut_back(std::string_view text) {
  if (text.size() <= kMostCsvField) return std::string(text);
  std::size_t size = kMostCsvField;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
    --size;
  return std::string(text.substr(0, size)) + "…";
}

// Of these characters, half or full width, spreadsheets take what follows for a formula.
bool begins_formula(std::string_view text) {
  constexpr std::array<std::string_view, 8> kSigns{"=", "+", "-", "@", "＝", "＋", "－", "＠"};
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return false;
  text.remove_prefix(begin);
  return std::any_of(kSigns.begin(), kSigns.end(), [text](std::string_view sign) {
    return text.starts_with(sign);
  });
}

// Also behind a semicolon: where that is what a spreadsheet takes for the end of a field.
std::string without_formulas(std::string_view text) {
  std::string out;
  for (;;) {
    if (begins_formula(text)) out.push_back('\'');
    const std::size_t end = text.find(';');
    out += text.substr(0, end);
    if (end == std::string_view::npos) return out;
    out.push_back(';');
    text.remove_prefix(end + 1);
  }
}

}  // namespace

void append_csv_field(std::string& out, std::string_view text) {
  const std::string shown = without_formulas(visible(cut_back(text)));
  const bool blank_at_an_end = shown.starts_with(' ') || shown.ends_with(' ');
  if (shown.find_first_of(",;\"'") == std::string::npos && !blank_at_an_end) {
    out += shown;
    return;
  }
  out.push_back('"');
  for (const char c : shown) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace smtptape
