#include "store/find/watched_directory.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"

namespace smtptape {

namespace fs = std::filesystem;

TapeListing list_rows(const fs::path& directory) {
  TapeListing listing;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() != ".tape") continue;
    std::error_code gone;
    if (entry->is_symlink(gone) || !entry->is_regular_file(gone)) continue;
    std::optional<TapeName> name = parse_tape_name(entry->path().filename().native());
    if (!name) {
      listing.others.push_back(entry->path());
      continue;
    }
    std::vector<NumberedTape>& row = listing.rows[name->source];
    row.push_back({std::move(*name), entry->path()});
  }
  if (error) throw system_error("listing " + directory.string(), error.value());
  std::sort(listing.others.begin(), listing.others.end());
  for (auto& [source, row] : listing.rows) {
    std::sort(row.begin(), row.end(), [](const NumberedTape& a, const NumberedTape& b) {
      return a.name.number != b.name.number ? a.name.number < b.name.number
                                            : a.name.start < b.name.start;
    });
  }
  return listing;
}

std::optional<NextTape> next_of_row(const std::vector<NumberedTape>& row,
                                    const std::optional<TapeName>& last) {
  if (row.empty()) return std::nullopt;
  if (!last) return NextTape{row.front(), 0};
  const auto comes_after = [&last](const NumberedTape& tape) {
    return tape.name.number > last->number ||
           (tape.name.number == last->number && tape.name.start > last->start);
  };
  const auto next = std::find_if(row.begin(), row.end(), comes_after);
  if (next != row.end()) {
    const std::uint64_t step = next->name.number - last->number;
    return NextTape{*next, step > 1 ? step - 1 : 0};
  }
  const auto later = std::find_if(row.begin(), row.end(), [&last](const NumberedTape& tape) {
    return tape.name.start > last->start;
  });
  if (later == row.end()) return std::nullopt;
  return NextTape{*later, later->name.number - std::min<std::uint64_t>(later->name.number, 1)};
}

std::shared_ptr<const TapeListing> WatchedDirectory::listing(Clock::time_point since) {
  const std::lock_guard lock(mutex_);
  if (!latest_ || began_ < since) {
    const Clock::time_point now = Clock::now();
    latest_ = std::make_shared<const TapeListing>(list_rows(path_));
    began_ = now;
  }
  return latest_;
}

std::optional<NextTape> WatchedDirectory::next(const std::string& source,
                                               const std::optional<TapeName>& last,
                                               Clock::time_point since) {
  const auto look = [&](Clock::time_point when) -> std::optional<NextTape> {
    const auto seen = listing(when);
    const auto row = seen->rows.find(source);
    return row == seen->rows.end() ? std::nullopt : next_of_row(row->second, last);
  };
  const std::optional<NextTape> first = look(since);
  // Also the oldest may lack those that began before it while the first listing was read.
  const bool sure = !first || (last && first->missing == 0);
  return sure ? first : look(Clock::now());
}

}  // namespace smtptape
