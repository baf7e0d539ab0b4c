#include "replay/top/top_view.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <cwchar>

#include "base/visible_text.h"
#include "replay/line_clock.h"
#include "replay/story_text.h"

namespace smtptape {

namespace {

// Above the list: title, two rates, filter, heads; below it: border, command, last line.
constexpr std::size_t kAbove = 5;
constexpr std::size_t kBelow = 3;

constexpr std::array<std::string_view, 12> kHelp = {
    "up, down, k, j      choose a session; g, Home: the newest; G, End: the oldest",
    "[  ]                the next failure further up, further down",
    "Enter               the session on the whole screen, and back",
    "Tab, t              its story, or its transcript as kcli prints it",
    "PageUp, PageDown    turn its pages",
    "/, f                type a filter: what a line of the list has, or options as of",
    "                    sessions and replay, --code 4xx --tenant acme; Esc: none",
    "space               pause, and go on: nothing new is shown meanwhile",
    "y                   copy the command line that shows the same (OSC 52)",
    "Y                   copy the one that shows what is listed",
    "q                   end",
    "",
};

// ---- text of some width ----

// One character: its bytes, and what it is; a byte that is none stands for itself.
struct Character {
  std::size_t bytes = 1;
  char32_t code = 0;
};

Character first_of(std::string_view text) {
  const auto byte = [&text](std::size_t at) -> unsigned {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
  };
  const unsigned first = byte(0);
  const std::size_t size = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (size > text.size()) return {1, first};
  char32_t code = size == 1 ? first : first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i)
    code = (code << 6U) | (byte(i) & 0x3FU);
  return {size, code};
}

std::size_t width_of(char32_t code) {
  if (code < 0x80) return 1;
  const int width = ::wcwidth(static_cast<wchar_t>(code));
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

std::string padded(std::string text, std::size_t columns) {
  const std::size_t width = columns_of(text);
  if (width < columns) text.append(columns - width, ' ');
  return text;
}

std::string right(std::string text, std::size_t columns) {
  const std::size_t width = columns_of(text);
  return width < columns ? std::string(columns - width, ' ') + text : text;
}

// ---- marks, times ----

struct MarkLook {
  std::string_view utf8;
  std::string_view ascii;
  TopStyle style;
};

MarkLook look_of(TopMark mark) {
  switch (mark) {
    case TopMark::Open: return {"…", ".", TopStyle::Dim};
    case TopMark::Delivered: return {"✓", "+", TopStyle::Good};
    case TopMark::Deferred: return {"~", "~", TopStyle::Doubtful};
    case TopMark::Bounced: return {"✗", "x", TopStyle::Bad};
    case TopMark::Failed: return {"!", "!", TopStyle::Bad};
    case TopMark::Nothing: return {"-", "-", TopStyle::Dim};
  }
  return {"", "", TopStyle::Plain};
}

std::string clock_of(WallTime time) {
  LineClock clock;
  Event event;
  event.when = time;
  std::string text;
  clock.append(text, event, "\n");
  return text.substr(0, 8);
}

// ---- pieces of the screen ----

std::size_t middle_of(const TopLook& look) {
  return look.rows - kAbove - kBelow;
}

TopLine plain(std::string text, TopStyle style = TopStyle::Plain) {
  return {{std::move(text), style}};
}

TopLine title(const TopModel& model, std::string_view name, const TopLook& look) {
  std::string left = "smtptape top  " + visible(name);
  std::string state = std::to_string(model.sessions()) + " sessions, " +
                      std::to_string(model.failures()) + " failed";
  if (model.last_received()) state += "  " + clock_of(from_unix_nanos(*model.last_received()));
  state += model.is_paused() ? "  PAUSED" : "  " + model.state();
  const std::size_t room = look.columns - std::min(look.columns, columns_of(state) + 2);
  left = padded(fitted(left, room, look.utf8), room);
  return {{left + "  " + state, TopStyle::Title}};
}

std::string bar_of(std::uint32_t value, std::uint32_t most, bool utf8) {
  static constexpr std::array<std::string_view, 8> kBlocks = {
      "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::string_view kAscii = ".:-=+*#@";
  if (value == 0 || most == 0) return " ";
  const std::size_t level = (std::size_t{value} * 8 - 1) / most;
  const std::size_t place = std::min<std::size_t>(level, 7);
  return utf8 ? std::string(kBlocks[place]) : std::string(1, kAscii[place]);
}

TopLine rate(const TopModel& model, const TopLook& look, bool of_failures) {
  constexpr std::size_t kLabel = 10;
  constexpr std::size_t kMost = 18;
  const auto buckets = model.buckets(look.columns - kLabel - kMost);
  std::uint32_t most = 0;
  const auto value = [of_failures](const TopModel::Bucket& bucket) {
    return of_failures ? bucket.failed : bucket.begun;
  };
  for (const auto& bucket : buckets)
    most = std::max(most, value(bucket));
  std::string bars;
  for (const auto& bucket : buckets)
    bars += bar_of(value(bucket), most, look.utf8);
  const TopStyle style = of_failures ? TopStyle::Bad : TopStyle::Good;
  return {{of_failures ? "failures  " : "sessions  ", TopStyle::Dim},
          {bars, style},
          {" max " + std::to_string(most) + " in 10 s", TopStyle::Dim}};
}

TopLine filter_line(const TopModel& model) {
  if (model.is_filter_typed()) {
    return {{"filter: ", TopStyle::Bold},
            {visible(model.filter()) + "_", TopStyle::Bold},
            {"   Enter keeps it, Esc ends it", TopStyle::Dim}};
  }
  if (model.filter().empty()) return plain("no filter; / sets one", TopStyle::Dim);
  std::string told = "   " + std::to_string(model.rows().size()) + " of " +
                     std::to_string(model.sessions()) + " sessions; Esc ends it";
  if (model.not_judged() > 0) {
    told += "; " + std::to_string(model.not_judged()) + " are too long ago to be asked";
  }
  return {{"filter: " + visible(model.filter()), TopStyle::Bold}, {told, TopStyle::Dim}};
}

// Of the columns with room for all, those that fit.
struct ListColumns {
  std::size_t id = 0;
  std::size_t source = 0;
  std::size_t mx = 22;
};

ListColumns columns_for(const TopLook& look) {
  ListColumns columns;
  if (look.columns >= 160) columns = {36, 14, 32};
  return columns;
}

std::string list_line(const std::string& time,
                      const std::string& took,
                      const std::string& count,
                      const std::string& worst,
                      const ListColumns& columns,
                      const TopRow& row,
                      const TopLook& look) {
  std::string text = " " + padded(time, 9) + right(took, 9) + right(count, 7) + right(worst, 6);
  const auto add = [&](std::string_view value, std::size_t width) {
    if (width > 0) text += "  " + padded(fitted(visible(value), width, look.utf8), width);
  };
  add(row.id, columns.id);
  add(row.source, columns.source);
  add(row.mx, columns.mx);
  return text + "  " + visible(row.last_words);
}

TopLine heads(const TopLook& look) {
  TopRow names;
  names.id = "session";
  names.source = "source";
  names.mx = "mx";
  names.last_words = "last words";
  return plain(" " + list_line("begun", "took", "msg/rc", "worst", columns_for(look), names, look),
               TopStyle::Bold);
}

TopLine row_line(const TopRow& row, bool selected, const TopLook& look) {
  const MarkLook mark = look_of(row.mark);
  const std::string text =
      list_line(clock_of(row.begun),
                show_span(span_of(row.begun, row.ended)),
                std::to_string(row.messages) + "/" + std::to_string(row.recipients),
                row.worst == 0 ? "" : std::to_string(row.worst),
                columns_for(look),
                row,
                look);
  const std::string shown(look.utf8 ? mark.utf8 : mark.ascii);
  if (selected) return plain(padded(shown + text, look.columns), TopStyle::Selected);
  return {{shown, mark.style}, {text, TopStyle::Plain}};
}

void add_list(const TopModel& model, const TopLook& look, std::vector<TopLine>& lines) {
  const std::size_t count = pages_of(model, look).list;
  if (count == 0) return;
  const auto& rows = model.rows();
  const std::size_t selected = model.selected().value_or(0);
  // The selected one is on the page.
  const std::size_t first = selected / count * count;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t place = first + i;
    lines.push_back(place < rows.size() ? row_line(*rows[place], place == selected, look)
                                        : TopLine());
  }
  if (rows.empty())
    lines[lines.size() - count] = plain(
        model.sessions() == 0 ? "no sessions yet" : "no sessions pass the filter", TopStyle::Dim);
}

TopLine border(const TopModel& model, const TopLook& look) {
  const bool story = model.pane_kind() == TopModel::Pane::Story;
  std::string text = story ? " story " : " transcript ";
  text += story ? "(Tab: transcript, Enter: larger) " : "(Tab: story, Enter: larger) ";
  const std::string dash = look.utf8 ? "─" : "-";
  std::string line = dash + dash + text;
  for (std::size_t width = columns_of(line); width < look.columns; ++width)
    line += dash;
  return plain(line, TopStyle::Dim);
}

void add_pane(const TopModel& model, const TopLook& look, std::vector<TopLine>& lines) {
  const std::size_t count = pages_of(model, look).pane;
  const std::vector<std::string> text = model.pane();
  const std::size_t most = text.size() > count ? text.size() - count : 0;
  const std::size_t first = std::min(model.pane_scroll(), most);
  for (std::size_t i = 0; i < count; ++i)
    lines.push_back(first + i < text.size() ? plain(visible(text[first + i])) : TopLine());
}

std::vector<TopLine> help(const TopLook& screen) {
  std::vector<TopLine> lines = {plain("smtptape top: keys", TopStyle::Title), TopLine()};
  for (const std::string_view line : kHelp)
    lines.push_back(plain(std::string(line)));
  for (const TopMark mark : {TopMark::Open,
                             TopMark::Delivered,
                             TopMark::Deferred,
                             TopMark::Bounced,
                             TopMark::Failed,
                             TopMark::Nothing}) {
    const MarkLook look = look_of(mark);
    lines.push_back({{"  " + std::string(screen.utf8 ? look.utf8 : look.ascii), look.style},
                     {"  " + std::string(name_of(mark)), TopStyle::Plain}});
  }
  lines.push_back(plain("any key ends this", TopStyle::Dim));
  return lines;
}

std::vector<TopLine> too_small(const TopLook& look) {
  return {
      plain("smtptape top needs " + std::to_string(kTopColumns) + "x" + std::to_string(kTopRows) +
                ",",
            TopStyle::Bold),
      plain("this terminal has " + std::to_string(look.columns) + "x" + std::to_string(look.rows)),
      plain("q ends it")};
}

// Marks of our own in what is not UTF-8, and nothing beyond the edge.
void fit(std::vector<TopLine>& lines, const TopLook& look) {
  lines.resize(look.rows);
  for (TopLine& line : lines) {
    std::size_t room = look.columns;
    for (TopSpan& span : line) {
      span.text = fitted(span.text, room, look.utf8);
      room -= std::min(room, columns_of(span.text));
    }
  }
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Character character = first_of(text);
    columns += width_of(character.code);
    text.remove_prefix(character.bytes);
  }
  return columns;
}

std::string fitted(std::string_view text, std::size_t columns, bool utf8) {
  std::string out;
  while (!text.empty()) {
    const Character character = first_of(text);
    const bool shown = utf8 || character.code < 0x80;
    const std::size_t width = shown ? width_of(character.code) : 1;
    if (width > columns) break;
    columns -= width;
    out += shown ? text.substr(0, character.bytes) : std::string_view("?");
    text.remove_prefix(character.bytes);
  }
  return out;
}

TopPages pages_of(const TopModel& model, const TopLook& look) {
  if (look.rows < kTopRows) return {1, 1};
  const std::size_t middle = middle_of(look);
  if (model.is_pane_large()) return {0, middle};
  return {(middle + 1) / 2, middle / 2};
}

std::vector<TopLine> draw_top(const TopModel& model, std::string_view name, const TopLook& look) {
  std::vector<TopLine> lines;
  if (look.rows < kTopRows || look.columns < kTopColumns) {
    lines = too_small(look);
  } else if (model.shows_help()) {
    lines = help(look);
  } else {
    lines = {title(model, name, look),
             rate(model, look, false),
             rate(model, look, true),
             filter_line(model),
             heads(look)};
    add_list(model, look, lines);
    lines.push_back(border(model, look));
    add_pane(model, look, lines);
    lines.push_back(plain("$ " + visible(model.command()), TopStyle::Bold));
    const bool told = !model.message().empty();
    lines.push_back(plain(told ? visible(model.message())
                               : "? keys  / filter  [ ] failures  space pause  y copy  q end",
                          TopStyle::Dim));
  }
  fit(lines, look);
  return lines;
}

}  // namespace smtptape
