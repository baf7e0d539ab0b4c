#include "cli/options/words.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace smtptape {

std::vector<std::string> words_of(std::string_view list) {
  std::vector<std::string> words;
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(','));
    if (!word.empty()) words.emplace_back(word);
    list.remove_prefix(std::min(list.size(), word.size() + 1));
  }
  return words;
}

std::uint64_t parse_count_of(std::string_view text, std::string_view option) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error == std::errc() && rest == end && count > 0) return count;
  throw UsageError(std::string(option) + ": \"" + std::string(text) + "\" is no number from 1 on");
}

}  // namespace smtptape
