// Small pieces of a story's text: spans of time, counts, and what is not known.
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "base/counted.h"
#include "replay/story_text.h"

namespace smtptape {

namespace {

void append_item(std::string& list, std::string_view separator, std::string_view item) {
  if (!list.empty() && !item.empty()) list += separator;
  list += item;
}

}  // namespace

std::string show_span(std::int64_t nanos) {
  constexpr double kMilli = 1e6;
  constexpr double kSecond = 1e9;
  constexpr std::int64_t kMinute = 60'000'000'000;
  const bool negative = nanos < 0;
  const auto size = static_cast<double>(negative ? -nanos : nanos);
  std::array<char, 48> text{};
  const auto print = [&text, negative](const char* unit, double value, int digits) {
    std::snprintf(text.data(), text.size(), "%s%.*f %s", negative ? "-" : "", digits, value, unit);
  };
  if (size < kMilli) {
    print("ms", size / kMilli, nanos == 0 ? 0 : 2);
  } else if (size < 10 * kMilli) {
    print("ms", size / kMilli, 1);
  } else if (size < kSecond) {
    print("ms", size / kMilli, 0);
  } else if (size < static_cast<double>(kMinute)) {
    print("s", size / kSecond, 1);
  } else {
    const auto seconds = static_cast<std::int64_t>(std::llround(size / kSecond));
    std::snprintf(text.data(),
                  text.size(),
                  "%s%lld min %lld s",
                  negative ? "-" : "",
                  static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  }
  return text.data();
}

std::string text_of(const OutcomeCounts& counts) {
  std::string text;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (counts[i] == 0) continue;
    append_item(text,
                ", ",
                std::to_string(counts[i]) + " " + std::string(name_of(static_cast<Outcome>(i))));
  }
  return text.empty() ? "none" : text;
}

std::string text_of_tls(const Attempt& attempt) {
  const TlsFacts& tls = attempt.tls;
  if (attempt.is_tls_unknown()) return "not known, the beginning of the connection is not here";
  if (tls.tls == Tls::None || tls.tls == Tls::Failed) {
    if (tls.why_not.empty()) return {};
    return "none: " + tls.why_not.substr(0, tls.why_not.find('\n'));
  }
  std::string text = tls.version.empty() ? "yes" : tls.version;
  append_item(text, " ", tls.cipher);
  if (tls.authenticated) text += *tls.authenticated ? ", verified" : ", not verified";
  if (!tls.subject.empty()) text += ", " + tls.subject;
  return text;
}

std::vector<std::string> doubts_of(const Story& story) {
  std::vector<std::string> doubts;
  if (!story.begins_here) doubts.emplace_back("it began before what is here");
  for (const std::string& gap : story.gaps)
    doubts.push_back("events of it may be missing: " + gap);
  if (story.gap_count > story.gaps.size())
    doubts.push_back("… and " + counted(story.gap_count - story.gaps.size(), "gap") + " more");
  if (story.pairing_uncertain)
    doubts.emplace_back("which reply answers what is not known everywhere");
  if (story.unreadable > 0)
    doubts.push_back(counted(story.unreadable, "frame") + " could not be read");
  if (story.abbreviated > 0)
    doubts.push_back("of " + counted(story.abbreviated, "text") +
                     " the server sent the first line only");
  if (story.trimmed > 0)
    doubts.push_back("of " + counted(story.trimmed, "text") + " not all was recorded");
  if (story.masked > 0)
    doubts.push_back("in " + counted(story.masked, "event") + " secrets are masked");
  if (story.stepped_back > 0)
    doubts.push_back("the server's clock stepped back " + times(story.stepped_back));
  if (story.left_out > 0)
    doubts.push_back(counted(story.left_out, "detail") + " are too many to be kept");
  return doubts;
}

}  // namespace smtptape
