#include "replay/stats_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/time_spec.h"
#include "base/visible_text.h"
#include "replay/story_text.h"

namespace smtptape {

namespace {

using Side = TableColumn::Side;
using Entry = Statistics::Table::value_type;

std::string percent(double share) {
  constexpr double kAll = 100;
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%.1f%%", kAll * share);
  return text.data();
}

std::string change(std::uint64_t before, std::uint64_t now) {
  return now >= before ? "+" + std::to_string(now - before) : "-" + std::to_string(before - now);
}

// ---- a table whose cells are known before its widths are ----

struct Cells {
  std::vector<TableColumn> columns;
  std::vector<std::vector<std::string>> lines;

  void column(std::string title, Side side, unsigned dispensable) {
    constexpr std::size_t kLeast = 6;
    columns.push_back({std::move(title), kLeast, kLeast, side, dispensable});
  }

  // Numbers are never cut.
  [[nodiscard]] std::string text(const TextRoom& room) {
    constexpr std::size_t kLeastName = 12;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      std::size_t most = width_of(columns[i].title);
      for (const auto& line : lines)
        most = std::max(most, width_of(line[i]));
      columns[i].most = most;
      const bool cut = columns[i].side == Side::Left && columns[i].dispensable == 0;
      columns[i].least = cut ? std::min(most, kLeastName) : most;
    }
    const TextTable table(columns, room, TextTable::Fit::LeaveOut);
    std::string out = table.titles();
    for (const auto& line : lines)
      out += table.line(line);
    return out;
  }
};

void add_key_columns(Cells& cells, const Statistics& statistics) {
  for (const StatsKey key : statistics.question().by) {
    std::string title(name_of(key));
    std::transform(title.begin(), title.end(), title.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    cells.column(title, Side::Left, 0);
  }
}

// ---- figures ----

bool has(const StatsView& view, StatsColumn column) {
  return std::find(view.columns.begin(), view.columns.end(), column) != view.columns.end();
}

bool counts_replies(const Statistics& statistics) {
  const auto& by = statistics.question().by;
  return std::any_of(by.begin(), by.end(), [](StatsKey key) {
    return key == StatsKey::Code || key == StatsKey::Reply;
  });
}

void add_columns(Cells& cells, const Statistics& statistics, const StatsView& view) {
  const auto number = [&](const char* title, unsigned dispensable) {
    cells.column(title, Side::Right, dispensable);
  };
  if (counts_replies(statistics)) number("REPLIES", 1);
  if (has(view, StatsColumn::Sessions)) number("SESSIONS", 2);
  if (has(view, StatsColumn::Messages)) number("MSGS", 5);
  if (has(view, StatsColumn::Recipients)) number("RCPT", 4);
  if (has(view, StatsColumn::Codes)) {
    number("2XX", 6);
    number("4XX", 3);
    number("5XX", 3);
  }
  if (has(view, StatsColumn::Shares)) {
    number("DEFER", 7);
    number("BOUNCE", 7);
  }
  if (view.before != nullptr) {
    number("SESSIONS WERE", 8);
    number("FAILED MORE", 1);
  }
  if (has(view, StatsColumn::First)) cells.column("FIRST (UTC)", Side::Left, 10);
  if (has(view, StatsColumn::Last)) cells.column("LAST (UTC)", Side::Left, 11);
  if (statistics.question().bucket != 0 && view.room.columns)
    cells.column("OVER TIME", Side::Left, 9);
}

void add_figures(std::vector<std::string>& line,
                 const Statistics& statistics,
                 const StatsView& view,
                 const KeyFigures& figures,
                 const KeyFigures& before) {
  const auto number = [&line](std::uint64_t count) { line.push_back(std::to_string(count)); };
  if (counts_replies(statistics)) number(figures.replies);
  if (has(view, StatsColumn::Sessions)) number(figures.sessions);
  if (has(view, StatsColumn::Messages)) number(figures.messages);
  if (has(view, StatsColumn::Recipients)) number(figures.recipients());
  if (has(view, StatsColumn::Codes)) {
    number(figures.of(Outcome::Delivered));
    number(figures.of(Outcome::Deferred));
    number(figures.of(Outcome::Bounced));
  }
  if (has(view, StatsColumn::Shares)) {
    line.push_back(percent(figures.share(Outcome::Deferred)));
    line.push_back(percent(figures.share(Outcome::Bounced)));
  }
  if (view.before != nullptr) {
    number(before.sessions);
    line.push_back(change(before.failed(), figures.failed()));
  }
  const bool any = figures.sessions > 0;
  if (has(view, StatsColumn::First)) line.push_back(any ? show_time(figures.first) : "-");
  if (has(view, StatsColumn::Last)) line.push_back(any ? show_time(figures.last) : "-");
  if (statistics.question().bucket != 0 && view.room.columns)
    line.push_back(sparkline(statistics.all(), figures, view.room.utf8));
}

std::string main_table(const Statistics& statistics,
                       const std::vector<const Entry*>& entries,
                       const StatsView& view) {
  Cells cells;
  add_key_columns(cells, statistics);
  add_columns(cells, statistics, view);
  for (const Entry* const entry : entries) {
    std::vector<std::string>& line = cells.lines.emplace_back(entry->first);
    add_figures(line, statistics, view, entry->second, figures_before(view, entry->first));
  }
  std::vector<std::string>& all = cells.lines.emplace_back(Statistics::Key{"(all)"});
  all.resize(statistics.question().by.size());
  static const KeyFigures none;
  add_figures(
      all, statistics, view, statistics.all(), view.before != nullptr ? view.before->all() : none);
  return cells.text(view.room);
}

// ---- what is below it ----

std::string phase_table(const Statistics& statistics,
                        const std::vector<const Entry*>& entries,
                        const StatsView& view) {
  Cells cells;
  add_key_columns(cells, statistics);
  cells.column("OF", Side::Left, 0);
  cells.column("CONNECTIONS", Side::Right, 3);
  cells.column("P50", Side::Right, 1);
  cells.column("P90", Side::Right, 2);
  cells.column("P99", Side::Right, 0);
  for (const Entry* const entry : entries) {
    for (std::size_t i = 0; i < kPhases; ++i) {
      const Histogram* const times = entry->second.phases[i].get();
      if (times == nullptr) continue;
      std::vector<std::string>& line = cells.lines.emplace_back(entry->first);
      line.emplace_back(name_of(static_cast<Phase>(i)));
      line.push_back(std::to_string(times->count()));
      for (const double share : {0.5, 0.9, 0.99})
        line.push_back(show_span(times->quantile(share)));
    }
  }
  if (cells.lines.empty()) return {};
  return "\nhow long each phase took, of a connection, to within 3%\n" + cells.text(view.room);
}

// A line is read, a page is not.
std::string beginning(const std::string& reply) {
  constexpr std::size_t kMost = 200;
  return reply.size() <= kMost ? reply : as_utf8(reply.substr(0, kMost)) + " …";
}

std::string reply_table(const Statistics& statistics,
                        const std::vector<const Entry*>& entries,
                        const StatsView& view) {
  Cells cells;
  cells.column("COUNT", Side::Right, 0);
  add_key_columns(cells, statistics);
  cells.column("REPLY", Side::Left, 0);
  for (const Entry* const entry : entries) {
    std::vector<std::pair<std::string, std::uint64_t>> replies(entry->second.refusals.begin(),
                                                               entry->second.refusals.end());
    std::stable_sort(replies.begin(), replies.end(), [](const auto& a, const auto& b) {
      return a.second > b.second;
    });
    const std::size_t shown = std::min(replies.size(), view.most_replies);
    for (std::size_t i = 0; i < shown; ++i) {
      std::vector<std::string>& line = cells.lines.emplace_back();
      line.push_back(std::to_string(replies[i].second));
      line.insert(line.end(), entry->first.begin(), entry->first.end());
      line.push_back(beginning(replies[i].first));
    }
  }
  if (cells.lines.empty()) return {};
  return "\nwhat was refused, and how often\n" + cells.text(view.room);
}

std::string bucket_table(const Statistics& statistics,
                         const std::vector<const Entry*>& entries,
                         const StatsView& view) {
  if (statistics.question().bucket == 0) return {};
  Cells cells;
  cells.column("FROM (UTC)", Side::Left, 0);
  add_key_columns(cells, statistics);
  for (const char* const title : {"SESSIONS", "RCPT", "FAILED"})
    cells.column(title, Side::Right, 1);
  for (const Entry* const entry : entries) {
    for (const auto& [from, bucket] : entry->second.buckets) {
      std::vector<std::string>& line = cells.lines.emplace_back();
      line.push_back(show_time(from));
      line.insert(line.end(), entry->first.begin(), entry->first.end());
      for (const std::uint64_t count : {bucket.sessions, bucket.recipients, bucket.failed})
        line.push_back(std::to_string(count));
    }
  }
  return "\nover time\n" + cells.text(view.room);
}

}  // namespace

std::string_view name_of(StatsColumn column) {
  switch (column) {
    case StatsColumn::Sessions: return "sessions";
    case StatsColumn::Messages: return "messages";
    case StatsColumn::Recipients: return "recipients";
    case StatsColumn::Codes: return "codes";
    case StatsColumn::Shares: return "shares";
    case StatsColumn::First: return "first";
    case StatsColumn::Last: return "last";
    case StatsColumn::Phases: return "phases";
    case StatsColumn::Replies: return "replies";
  }
  return "";
}

const KeyFigures& figures_before(const StatsView& view, const Statistics::Key& key) {
  static const KeyFigures none;
  if (view.before == nullptr) return none;
  const auto found = view.before->table().find(key);
  return found == view.before->table().end() ? none : found->second;
}

std::vector<const Entry*> in_order(const Statistics& now, const StatsView& view) {
  std::vector<const Entry*> entries;
  for (const Entry& entry : now.table())
    entries.push_back(&entry);
  const auto weight = [&](const Entry* entry) {
    const KeyFigures& figures = entry->second;
    const KeyFigures& before = figures_before(view, entry->first);
    const auto grown = view.before == nullptr ? std::int64_t{0}
                                              : static_cast<std::int64_t>(figures.failed()) -
                                                    static_cast<std::int64_t>(before.failed());
    return std::array<std::int64_t, 4>{grown,
                                       static_cast<std::int64_t>(figures.replies),
                                       static_cast<std::int64_t>(figures.recipients()),
                                       static_cast<std::int64_t>(figures.sessions)};
  };
  const bool by_time = view.before == nullptr && now.question().by.front() == StatsKey::Hour;
  if (!by_time) {
    std::stable_sort(entries.begin(), entries.end(), [&](const Entry* a, const Entry* b) {
      return weight(a) > weight(b);
    });
  }
  if (view.most_keys > 0 && entries.size() > view.most_keys) entries.resize(view.most_keys);
  return entries;
}

std::string text_of(const Statistics& statistics, const StatsView& view) {
  const std::vector<const Entry*> entries = in_order(statistics, view);
  std::string out = main_table(statistics, entries, view);
  const std::size_t left_out = statistics.table().size() - entries.size();
  if (left_out > 0) out += "… and " + std::to_string(left_out) + " more\n";
  out += bucket_table(statistics, entries, view);
  const std::vector<const Entry*> first(
      entries.begin(),
      entries.begin() + static_cast<std::ptrdiff_t>(std::min(entries.size(), view.most_details)));
  if (has(view, StatsColumn::Phases)) out += phase_table(statistics, first, view);
  if (has(view, StatsColumn::Replies)) out += reply_table(statistics, first, view);
  return out;
}

std::string sparkline(const KeyFigures& all, const KeyFigures& of_key, bool utf8) {
  static constexpr std::array<std::string_view, 9> kBlocks{
      " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::array<std::string_view, 9> kAscii{
      " ", ".", ".", ":", ":", "+", "+", "#", "#"};
  constexpr std::size_t kMostShown = 24;  // the last ones
  if (all.buckets.empty()) return {};
  std::vector<std::uint64_t> counts;
  std::uint64_t most = 1;
  for (const auto& [from, bucket] : all.buckets) {
    const auto found = of_key.buckets.find(from);
    counts.push_back(found == of_key.buckets.end() ? 0 : found->second.sessions);
    most = std::max(most, counts.back());
  }
  const std::size_t from = counts.size() - std::min(counts.size(), kMostShown);
  std::string out;
  for (std::size_t i = from; i < counts.size(); ++i) {
    const std::uint64_t step = (counts[i] * (kBlocks.size() - 1) + most - 1) / most;
    out += (utf8 ? kBlocks : kAscii)[step];
  }
  return out;
}

}  // namespace smtptape
