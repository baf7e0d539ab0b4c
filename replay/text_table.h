// Tables for a person whose lines are written as they come: the widths are chosen before the first
// one.  Nothing in a cell moves a cursor or forges a line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtptape {

// What a terminal takes; of a pipe nothing is known and everything is written.
struct TextRoom {
  std::optional<std::size_t> columns;
  bool utf8 = true;
};

struct TableColumn {
  enum class Side : std::uint8_t { Left, Right };
  std::string title;
  std::size_t least = 1;  // columns of the terminal, below which it says nothing
  std::size_t most = 1;   // beyond which it has no use for more
  Side side = Side::Left;
  // Where not all fit, those of the greatest go first.
  unsigned dispensable = 0;
};

class TextTable {
 public:
  // `all`: whatever the room, none is left out.
  enum class Fit : std::uint8_t { LeaveOut, KeepAll };
  TextTable(std::vector<TableColumn> columns, const TextRoom& room, Fit fit);

  // Of the columns that were given; those that have no place are not shown.
  [[nodiscard]] bool shows(std::size_t column) const { return widths_[column] > 0; }
  [[nodiscard]] std::size_t width(std::size_t column) const { return widths_[column]; }
  [[nodiscard]] std::string titles() const;
  // With its end.
  [[nodiscard]] std::string line(const std::vector<std::string>& cells) const;

 private:
  void leave_out(std::size_t room);
  void widen(std::size_t room);
  [[nodiscard]] std::size_t width() const;
  void append_cell(std::string& line, std::size_t column, std::string_view text) const;

  std::vector<TableColumn> columns_;
  TextRoom room_;
  std::vector<std::size_t> widths_;  // 0: not shown
};

// Code points, which is what terminals show of most names in as many columns.
[[nodiscard]] std::size_t width_of(std::string_view utf8);

}  // namespace smtptape
