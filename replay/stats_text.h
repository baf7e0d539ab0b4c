// Statistics as tables: the figures of each key, how long the phases took, and what was refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "replay/text_table.h"
#include "sessions/statistics.h"

namespace smtptape {

// What is shown of a key.
enum class StatsColumn : std::uint8_t {
  Sessions,
  Messages,
  Recipients,
  Codes,   // of the replies that decided, by class
  Shares,  // deferred and bounced, of all recipients
  First,
  Last,
  Phases,
  Replies,
};
inline constexpr std::size_t kStatsColumns = 9;
[[nodiscard]] std::string_view name_of(StatsColumn column);

struct StatsView {
  std::vector<StatsColumn> columns;
  TextRoom room;
  const Statistics* before = nullptr;  // the same some time before
  std::size_t most_keys = 0;           // 0: all
  std::size_t most_details = 5;        // keys of which phases and replies are shown, in words
  std::size_t most_replies = 10;       // of each
};

// In the order in which they are shown: what has most recipients first; hours as they come; with
// `before`, what failed more often first.
[[nodiscard]] std::vector<const Statistics::Table::value_type*> in_order(const Statistics& now,
                                                                         const StatsView& view);
// Of a key that was not there before: nothing.
[[nodiscard]] const KeyFigures& figures_before(const StatsView& view, const Statistics::Key& key);

[[nodiscard]] std::string text_of(const Statistics& statistics, const StatsView& view);

// "▁▂▅█", or " .:#" where the terminal takes no UTF-8: how many there were over time.
[[nodiscard]] std::string sparkline(const KeyFigures& all, const KeyFigures& of_key, bool utf8);

}  // namespace smtptape
