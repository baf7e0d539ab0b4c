// What there is instead, when an answer is empty or a value that was asked for occurs nowhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "filters/unmatched_values.h"
#include "store/plan/selection.h"
#include "store/read/inputs.h"

namespace smtptape {

struct LookedAt {
  std::size_t tapes = 0;
  std::uint64_t events = 0;
  std::uint64_t chosen_or_in_window = 0;
  TimeWindow window;
  std::optional<TimeSpan> held;    // by the tapes, as far as it is known
  std::vector<TimeSpan> recorded;  // when a recorder was writing
  std::uint64_t gaps = 0;          // that were told
  std::vector<UnmatchedValues::Miss> misses;
  std::vector<UnmatchedValues::Respelled> respelled;
  NotKnown not_known;

  void add(const std::vector<TapeFile>& tapes);
};

[[nodiscard]] LookedAt looked_at_of(const SelectedSource& source, const TimeWindow& window);
[[nodiscard]] LookedAt looked_at_of(const Tally& tally, const TimeWindow& window);

// A line each.  None when the answer is not empty and everything that was asked for occurs.
[[nodiscard]] std::vector<std::string> text_of(const LookedAt& looked_at, bool is_empty);

}  // namespace smtptape
