#include "sessions/choice/line_patterns.h"

#include <algorithm>

#include "base/error.h"

#include <re2/re2.h>

namespace smtptape {

namespace {

RE2::Options options_of(LinePatterns::Case upper_and_lower) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(upper_and_lower == LinePatterns::Case::Heeded);
  return options;
}

}  // namespace

void LinePatterns::add(std::string_view pattern, Case upper_and_lower, std::string_view option) {
  const std::string named = std::string(option) + ": ";
  if (pattern.empty()) throw UsageError(named + "the pattern is empty, and would match every line");
  if (pattern.size() > kMostBytes) {
    throw UsageError(named + "the pattern is longer than " + std::to_string(kMostBytes) + " bytes");
  }
  auto compiled = std::make_shared<const RE2>(re2::StringPiece(pattern.data(), pattern.size()),
                                              options_of(upper_and_lower));
  if (!compiled->ok()) {
    throw UsageError(named + "\"" + std::string(pattern) +
                     "\" is no regular expression as RE2 knows them: " + compiled->error());
  }
  patterns_.push_back(std::move(compiled));
}

void LinePatterns::add_text(std::string_view text, Case upper_and_lower) {
  RE2::Options options = options_of(upper_and_lower);
  options.set_literal(true);
  patterns_.push_back(
      std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options));
}

bool LinePatterns::match(std::string_view line) const {
  return std::any_of(patterns_.begin(), patterns_.end(), [line](const auto& pattern) {
    return RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *pattern);
  });
}

bool LinePatterns::match_nothing() const {
  // Beginnings, ends and borders of words are somewhere in these.
  for (const std::string_view text : {"", "a", " ", "1", "a b", "\n", "- -"}) {
    for (const auto& pattern : patterns_) {
      re2::StringPiece found;
      const re2::StringPiece all(text.data(), text.size());
      for (std::size_t at = 0; at <= text.size(); ++at) {
        if (pattern->Match(all, at, text.size(), RE2::UNANCHORED, &found, 1) && found.empty())
          return true;
      }
    }
  }
  return false;
}

void LinePatterns::each_match(std::string_view text, const Take& take) const {
  constexpr std::size_t kPiece = 4 * kMostMatch;  // that is looked through at once
  const re2::StringPiece all(text.data(), text.size());
  for (const auto& pattern : patterns_) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(at + kPiece, text.size());
      re2::StringPiece found;
      if (pattern->Match(all, at, end, RE2::UNANCHORED, &found, 1)) {
        const auto from = static_cast<std::size_t>(found.data() - text.data());
        if (!found.empty()) take(from, from + found.size());
        at = from + std::max<std::size_t>(found.size(), 1);
      } else if (end < text.size()) {
        at = end - kMostMatch;
      } else {
        break;
      }
    }
  }
}

}  // namespace smtptape
