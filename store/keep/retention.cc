#include "store/keep/retention.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <tuple>

#include "base/counted.h"
#include "base/error.h"
#include "base/time_spec.h"

namespace smtptape {

namespace {

using Rows = std::map<std::string_view, std::vector<StoredFile*>>;

Rows rows_by_number(std::vector<StoredFile>& files) {
  Rows rows;
  for (StoredFile& file : files) {
    if (file.kind == StoredFile::Kind::Tape) rows[file.source].push_back(&file);
  }
  for (auto& [source, row] : rows) {
    std::stable_sort(row.begin(), row.end(), [](const StoredFile* a, const StoredFile* b) {
      return a->number < b->number;
    });
  }
  return rows;
}

// Gives every file a time that can be sorted by.  One that is unknown or lies in the future is not
// believed: such a tape ended before the next of its source, or now.  And no tape is older than
// one with a smaller number, whatever a clock that was set back says.
void settle_times(std::vector<StoredFile>& files, std::int64_t now) {
  for (auto& [source, row] : rows_by_number(files)) {
    std::int64_t next = now;
    for (auto file = row.rbegin(); file != row.rend(); ++file) {
      std::optional<std::int64_t>& time = (*file)->time;
      if (!time || *time > now) time = next;
      next = *time;
    }
    std::int64_t latest = next;
    for (StoredFile* const file : row) {
      latest = std::max(latest, *file->time);
      file->time = latest;
    }
  }
  for (StoredFile& file : files) {
    if (!file.time || *file.time > now) file.time = now;
  }
}

bool goes_before(const StoredFile& a, const StoredFile& b) {
  if (a.kind != b.kind) return a.kind == StoredFile::Kind::Leftover;
  const auto key = [](const StoredFile& file) {
    return std::tie(*file.time, file.source, file.number, file.path);
  };
  return key(a) < key(b);
}

// Decides one file after the other, the oldest first.
class Planner {
 public:
  Planner(const RetentionLimits& limits, const Space& space, std::int64_t now)
      : limits_(limits), now_(now), free_(space.free), wanted_(wanted_free(limits, space)) {}

  void count(const StoredFile& file) {
    plan_.before.bytes += file.bytes;
    if (file.kind != StoredFile::Kind::Tape) return;
    ++plan_.before.tapes;
    plan_.before.add_beginning(file);
  }
  void start() { plan_.after = {plan_.before.tapes, plan_.before.bytes, std::nullopt}; }

  void visit(const StoredFile& file) {
    const bool tape = file.kind == StoredFile::Kind::Tape;
    const Situation is = situation(file);
    const Reason reason = tape ? decide(is) : Reason::Leftover;
    if (reason == Reason::None) return stay(file, is);
    plan_.deletions.push_back({file.path, file.bytes, age_of(file), reason, file.read});
    plan_.after.bytes -= file.bytes;
    free_ += file.gives_back;
    if (tape) --plan_.after.tapes;
  }

  RetentionPlan finish() {
    const StoreTotals& left = plan_.after;
    if (over_age_ > 0) complain(Reason::MaxAge, over_age_);
    if (over(left.tapes, limits_.max_tapes)) {
      complain(Reason::MaxTapes, left.tapes - *limits_.max_tapes);
    }
    if (over(left.bytes, limits_.max_bytes)) {
      complain(Reason::MaxBytes, left.bytes - *limits_.max_bytes);
    }
    if (free_ < wanted_) complain(Reason::KeepFree, wanted_ - free_);
    return std::move(plan_);
  }

 private:
  static bool over(std::uint64_t value, const std::optional<std::uint64_t>& most) {
    return most && value > *most;
  }
  [[nodiscard]] std::int64_t age_of(const StoredFile& file) const { return now_ - *file.time; }

  [[nodiscard]] Situation situation(const StoredFile& file) const {
    Situation is;
    is.held = file.hold != Hold::None;
    is.over_age = limits_.max_age && age_of(file) > limits_.max_age->count();
    is.over_tapes = over(plan_.after.tapes, limits_.max_tapes);
    is.over_bytes = over(plan_.after.bytes, limits_.max_bytes);
    is.short_of_space = free_ < wanted_;
    is.gives_nothing = file.gives_back == 0;
    is.young = age_of(file) < limits_.keep_at_least.count();
    return is;
  }

  void stay(const StoredFile& file, const Situation& is) {
    if (file.kind == StoredFile::Kind::Tape) plan_.after.add_beginning(file);
    if (is.held) ++held_;
    if (is.held && is.over_age) ++over_age_;
    if (!is.held && is.short_of_space && is.young) ++young_;
  }

  void complain(Reason limit, std::uint64_t over) {
    plan_.unmet.push_back({limit, over, held_, limit == Reason::KeepFree ? young_ : 0});
  }

  const RetentionLimits& limits_;
  std::int64_t now_;
  std::uint64_t free_;
  std::uint64_t wanted_;
  std::uint64_t held_ = 0;
  std::uint64_t young_ = 0;
  std::uint64_t over_age_ = 0;
  RetentionPlan plan_;
};

}  // namespace

std::uint64_t wanted_free(const RetentionLimits& limits, const Space& space) {
  if (!limits.keep_free) return 0;
  const KeepFree& keep = *limits.keep_free;
  return keep.percent ? space.total / 100 * *keep.percent : keep.bytes;
}

KeepFree parse_keep_free(std::string_view text, std::string_view option) {
  KeepFree keep;
  const bool bare = !text.empty() && text.size() <= 2 && text != "0" &&
                    text.find_first_not_of("0123456789") == std::string_view::npos;
  if (bare) {
    const std::string number(text);
    throw UsageError(std::string(option) + ": \"" + number + "\" has no unit; give " + number +
                     "%, or a size such as " + number + "G");
  }
  if (!text.ends_with('%')) {
    keep.bytes = parse_size(text, option);
    return keep;
  }
  unsigned percent = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto result = std::from_chars(text.data(), end, percent);
  if (result.ec != std::errc{} || result.ptr != end || percent > 99) {
    throw UsageError(std::string(option) + ": \"" + std::string(text) +
                     "\" is not a share; give 0% to 99%, or a size such as 20G");
  }
  keep.percent = percent;
  return keep;
}

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::None: return "none";
    case Reason::Leftover: return "leftover";
    case Reason::MaxAge: return "max-age";
    case Reason::MaxTapes: return "max-tapes";
    case Reason::MaxBytes: return "max-bytes";
    case Reason::KeepFree: return "keep-free";
    case Reason::OnFull: return "on-full";
  }
  return "";
}

RetentionPlan plan_retention(std::vector<StoredFile> files,
                             const RetentionLimits& limits,
                             const Space& space,
                             std::int64_t now) {
  settle_times(files, now);
  std::sort(files.begin(), files.end(), goes_before);
  Planner planner(limits, space, now);
  for (const StoredFile& file : files)
    planner.count(file);
  planner.start();
  for (const StoredFile& file : files)
    planner.visit(file);
  return planner.finish();
}

std::string text_of(const Unmet& unmet) {
  std::string text(name_of(unmet.limit));
  switch (unmet.limit) {
    case Reason::None:
    case Reason::Leftover:
    case Reason::OnFull: break;
    case Reason::MaxAge:
    case Reason::MaxTapes: text += ": still over by " + counted(unmet.over, "tape"); break;
    case Reason::MaxBytes: text += ": still over by " + show_size(unmet.over); break;
    case Reason::KeepFree: text += ": still short by " + show_size(unmet.over); break;
  }
  if (unmet.held > 0) text += "; " + counted(unmet.held, "tape") + " in use must stay";
  if (unmet.young > 0) text += "; " + counted(unmet.young, "tape") + " younger than keep-at-least";
  return text;
}

std::string show_age(std::int64_t nanos) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits{{{86'400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}}};
  std::int64_t left = std::max<std::int64_t>(nanos, 0) / kSecond;
  std::string text;
  std::size_t shown = 0;
  for (const Unit& unit : kUnits) {
    const std::int64_t count = left / unit.seconds;
    left -= count * unit.seconds;
    if (count > 0) text += std::to_string(count) + unit.name;
    if (!text.empty() && ++shown == 2) break;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace smtptape
