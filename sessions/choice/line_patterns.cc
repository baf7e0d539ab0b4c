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

}  // namespace smtptape
