#include "cli/run/nearest_names.h"

#include <algorithm>
#include <chrono>

#include "base/similar.h"
#include "format/tape/tape_info.h"
#include "sessions/kumo_words.h"

namespace smtptape {

void NearestName::note(const Meta& meta) {
  if (seen_.find(meta) != nullptr) return;
  seen_.remember(meta, true);
  if (among_ != Among::Messages && meta.session_id()) note(*meta.session_id());
  if (among_ != Among::Sessions) note(meta_text(meta, kMessageIdKey));
  if (among_ != Among::Everything) return;
  for (const std::string& recipient : meta_texts(meta, "recipient"))
    note(recipient);
}

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// The case of letters counts as one edit, however many they are.
std::size_t edits_between(std::string_view a, std::string_view b) {
  const std::string lower_a = lower(a);
  const std::string lower_b = lower(b);
  const std::size_t of_case = lower_a == a && lower_b == b ? 0 : 1;
  return std::min(edit_distance(a, b), edit_distance(lower_a, lower_b) + of_case);
}

}  // namespace

void NearestName::note(std::string_view candidate) {
  constexpr std::size_t kLongest = 256;
  constexpr std::size_t kLeast = 4;  // of a beginning
  if (candidate.empty() || candidate.size() > kLongest || name_.size() > kLongest) return;
  if (name_.size() >= kLeast && candidate.starts_with(name_)) {
    if (!nearest_ || edits_ > 0) nearest_ = candidate;
    edits_ = 0;
    return;
  }
  const std::size_t most = nearest_ ? edits_ - (edits_ > 0 ? 1 : 0) : most_edits(name_);
  const std::size_t longer = std::max(candidate.size(), name_.size());
  const std::size_t shorter = std::min(candidate.size(), name_.size());
  if (most == 0 || longer - shorter > most) return;
  const std::size_t edits = edits_between(name_, candidate);
  if (edits > most) return;
  nearest_ = candidate;
  edits_ = edits;
}

std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& tapes,
                                        const TimeWindow& window) {
  constexpr std::chrono::seconds kPatience{3};
  const auto until = std::chrono::steady_clock::now() + kPatience;
  Inputs::rewind_standard_input();
  Inputs inputs(find_tapes(tapes), window);
  NearestName nearest(name);
  EventBatch batch;
  while (inputs.next(batch) && std::chrono::steady_clock::now() < until) {
    for (const Event& event : batch.events) {
      if (event.meta != nullptr && window.holds(event.received)) nearest.note(*event.meta);
    }
  }
  return nearest.nearest();
}

}  // namespace smtptape
