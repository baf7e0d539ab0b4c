#include "replay/text_table.h"

#include <algorithm>
#include <utility>

#include "base/visible_text.h"

namespace smtptape {

namespace {

// Where nothing is shortened a longer cell moves what is behind it, in its own line only.
constexpr std::size_t kMostBlanks = 60;

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}

// The first so many characters.
std::string_view beginning(std::string_view text, std::size_t characters) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (begins_character(text[end]) && characters-- == 0) break;
  }
  return text.substr(0, end);
}

// For terminals that show nothing else.
std::string as_ascii(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80U) {
      out.push_back(c);
    } else if (begins_character(c)) {
      out.push_back('?');
    }
  }
  return out;
}

}  // namespace

std::size_t width_of(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), begins_character));
}

TextTable::TextTable(std::vector<TableColumn> columns, const TextRoom& room, Fit fit)
    : columns_(std::move(columns)), room_(room) {
  for (const TableColumn& column : columns_)
    widths_.push_back(room.columns ? column.least : std::min(column.most, kMostBlanks));
  if (!room.columns) return;
  // What ends in the last column makes some terminals begin another line.
  const std::size_t usable = std::max<std::size_t>(*room.columns, 2) - 1;
  if (fit == Fit::LeaveOut) leave_out(usable);
  widen(usable);
}

std::size_t TextTable::width() const {
  std::size_t sum = 0;
  for (const std::size_t width : widths_)
    if (width > 0) sum += width + (sum > 0 ? 1 : 0);
  return sum;
}

void TextTable::leave_out(std::size_t room) {
  while (width() > room) {
    std::optional<std::size_t> worst;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (widths_[i] == 0 || columns_[i].dispensable == 0) continue;
      if (!worst || columns_[i].dispensable > columns_[*worst].dispensable) worst = i;
    }
    if (!worst) return;
    widths_[*worst] = 0;
  }
}

// What is left goes to the columns that need it, the dispensable ones last.
void TextTable::widen(std::size_t room) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (widths_[i] > 0) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    return columns_[a].dispensable < columns_[b].dispensable;
  });
  for (const std::size_t i : order) {
    const std::size_t used = width();
    if (used >= room) return;
    widths_[i] += std::min(room - used, columns_[i].most - std::min(columns_[i].most, widths_[i]));
  }
}

std::string TextTable::titles() const {
  std::vector<std::string> cells;
  for (const TableColumn& column : columns_)
    cells.push_back(column.title);
  return line(cells);
}

std::string TextTable::line(const std::vector<std::string>& cells) const {
  std::string out;
  bool first = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (widths_[i] == 0) continue;
    if (!std::exchange(first, false)) out.push_back(' ');
    append_cell(out, i, cells[i]);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

void TextTable::append_cell(std::string& line, std::size_t column, std::string_view text) const {
  std::string shown = visible(text);
  if (!room_.utf8) shown = as_ascii(shown);
  std::size_t width = width_of(shown);
  if (room_.columns && width > widths_[column]) {
    shown = std::string(beginning(shown, widths_[column] - 1)) + (room_.utf8 ? "…" : "~");
    width = widths_[column];
  }
  const std::string blanks(widths_[column] - std::min(width, widths_[column]), ' ');
  const bool right = columns_[column].side == TableColumn::Side::Right;
  line.append(right ? blanks + shown : shown + blanks);
}

}  // namespace smtptape
