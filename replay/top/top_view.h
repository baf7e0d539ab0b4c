// The screen of `smtptape top` as values: lines of styled text for a model, a size and what the
// terminal can show.  Nothing in it moves a cursor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "replay/top/top_model.h"

namespace smtptape {

enum class TopStyle : std::uint8_t { Plain, Dim, Bold, Good, Doubtful, Bad, Selected, Title };

struct TopSpan {
  std::string text;
  TopStyle style = TopStyle::Plain;
};
using TopLine = std::vector<TopSpan>;

struct TopLook {
  std::size_t rows = 24;
  std::size_t columns = 80;
  bool utf8 = true;  // else ASCII
};

inline constexpr std::size_t kTopRows = 24;  // it needs so many, and columns
inline constexpr std::size_t kTopColumns = 80;

// How many lines the list and the pane of the selected session have.
struct TopPages {
  std::size_t list = 0;
  std::size_t pane = 0;
};
[[nodiscard]] TopPages pages_of(const TopModel& model, const TopLook& look);

// Exactly `rows` lines, none wider than `columns`.  `name`: of what is watched.
[[nodiscard]] std::vector<TopLine> draw_top(const TopModel& model,
                                            std::string_view name,
                                            const TopLook& look);

// The first `columns` columns of a text, each character as wide as a terminal shows it; in ASCII
// with ? for each other character.
[[nodiscard]] std::string fitted(std::string_view text, std::size_t columns, bool utf8);
[[nodiscard]] std::size_t columns_of(std::string_view text);

}  // namespace smtptape
