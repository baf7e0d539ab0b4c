#include "cli/text/empty_answer.h"

#include <algorithm>

#include "base/counted.h"
#include "base/time_spec.h"

namespace smtptape {

namespace {

constexpr std::size_t kMostMisses = 5;

std::string text_of(const TimeSpan& span) {
  return show_time(span.first) + " to " + show_time(span.last);
}

std::string what_there_is(const LookedAt& looked_at) {
  std::string text = "nothing was found in ";
  text += looked_at.tapes == 0 ? "what was followed" : counted(looked_at.tapes, "tape");
  text += ": " + counted(looked_at.events, "event") +
          (looked_at.events == 1 ? " was looked at" : " were looked at");
  if (looked_at.held) return text + "; received there: " + text_of(*looked_at.held);
  return text + "; no event was received there";
}

// The stretches in which a recorder was writing, of the time that was asked for.
std::vector<TimeSpan> watched(const LookedAt& looked_at) {
  constexpr std::int64_t kBetweenTwoTapes = 1'000'000'000;
  std::vector<TimeSpan> spans = looked_at.recorded;
  std::sort(spans.begin(), spans.end(), [](const TimeSpan& a, const TimeSpan& b) {
    return a.first < b.first;
  });
  std::vector<TimeSpan> stretches;
  for (TimeSpan span : spans) {
    if (!looked_at.window.touches(span)) continue;
    span.first = std::max(span.first, looked_at.window.since.value_or(span.first));
    span.last = std::min(span.last, looked_at.window.until.value_or(span.last));
    if (!stretches.empty() && span.first <= stretches.back().last + kBetweenTwoTapes) {
      stretches.back().last = std::max(stretches.back().last, span.last);
    } else {
      stretches.push_back(span);
    }
  }
  return stretches;
}

// A time that was watched and held nothing is something else than one that nobody watched.
std::optional<std::string> about_the_recorder(const LookedAt& looked_at) {
  constexpr std::size_t kMostStretches = 3;
  const std::vector<TimeSpan> stretches = watched(looked_at);
  if (stretches.empty()) return std::nullopt;
  std::string text;
  for (std::size_t i = 0; i < std::min(stretches.size(), kMostStretches); ++i)
    text += (i == 0 ? "" : ", ") + text_of(stretches[i]);
  if (stretches.size() > kMostStretches) text += ", …";
  return "recorded was " + text + ", and nothing came" +
         (looked_at.gaps == 0 ? "" : " beside the gaps above");
}

// Why the times leave nothing.
std::optional<std::string> about_the_times(const LookedAt& looked_at) {
  const TimeWindow& window = looked_at.window;
  const auto& held = looked_at.held;
  if (held && window.since && held->last < *window.since) {
    return "--since " + show_time(*window.since) + " is after all that was received";
  }
  if (held && window.until && held->first >= *window.until) {
    return "--until " + show_time(*window.until) + " is before all that was received";
  }
  if (window.since && window.until) return "nothing was received between --since and --until";
  if (window.since) return "nothing was received from --since on";
  if (window.until) return "nothing was received up to --until";
  return std::nullopt;
}

std::string text_of(const UnmatchedValues::Miss& miss) {
  std::string text = "no events of " + miss.flag + " \"" + miss.value + "\"";
  if (miss.instead.empty() && miss.and_others)
    return text + "; which values there are, the tapes don't list";
  if (miss.instead.empty()) return text + "; none has a value that it could be compared with";
  text += "; there " + std::string(miss.instead.size() == 1 && miss.more == 0 ? "is " : "are ");
  for (std::size_t i = 0; i < miss.instead.size(); ++i)
    text += (i == 0 ? "" : ", ") + (miss.instead[i].empty() ? "\"\"" : miss.instead[i]);
  if (miss.more == 0) return text;
  return text + " and " + std::to_string(miss.more) + (miss.and_others ? " or more" : "") +
         " others";
}

void add_misses(const LookedAt& looked_at, std::vector<std::string>& lines) {
  const auto& misses = looked_at.misses;
  for (std::size_t i = 0; i < std::min(misses.size(), kMostMisses); ++i)
    lines.push_back(text_of(misses[i]));
  if (misses.size() <= kMostMisses) return;
  lines.push_back("… nor of " + counted(misses.size() - kMostMisses, "other value"));
}

}  // namespace

void LookedAt::add(const std::vector<TapeFile>& files) {
  tapes = files.size();
  for (const TapeFile& file : files) {
    if (file.received) include(held, *file.received);
    if (file.recorded) recorded.push_back(*file.recorded);
  }
}

LookedAt looked_at_of(const SelectedSource& source, const TimeWindow& window) {
  LookedAt looked_at = looked_at_of(source.tally(), window);
  looked_at.gaps = source.gap_count();
  looked_at.misses = source.unmatched().misses();
  looked_at.respelled = source.unmatched().respelled();
  looked_at.not_known = source.not_known();
  return looked_at;
}

LookedAt looked_at_of(const Tally& tally, const TimeWindow& window) {
  LookedAt looked_at;
  looked_at.events = tally.looked_at;
  looked_at.chosen_or_in_window = tally.seen;
  looked_at.window = window;
  looked_at.held = tally.span;
  return looked_at;
}

std::vector<std::string> text_of(const LookedAt& looked_at, bool is_empty) {
  std::vector<std::string> lines;
  if (is_empty) {
    lines.push_back(what_there_is(looked_at));
    if (looked_at.chosen_or_in_window == 0) {
      if (const auto line = about_the_times(looked_at)) lines.push_back(*line);
      if (const auto line = about_the_recorder(looked_at)) lines.push_back(*line);
    }
  }
  for (const auto& [flag, value, found] : looked_at.respelled)
    lines.push_back(flag + " \"" + value + "\": found as \"" + found + "\"");
  if (looked_at.not_known.sessions > 0) {
    lines.push_back(std::to_string(looked_at.not_known.sessions) + " of " +
                    counted(looked_at.not_known.shown, "session") +
                    " came out only because what is filtered was not known in them yet; "
                    "--scope session leaves them out");
  }
  // Of a time without events nobody can say what they lack.
  if (looked_at.chosen_or_in_window > 0) add_misses(looked_at, lines);
  return lines;
}

}  // namespace smtptape
