#include "store/keep/prune.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/wall_time.h"
#include "format/tape/tape_lock.h"
#include "store/keep/store.h"

namespace smtptape {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPartial = ".partial-";
constexpr std::string_view kLockSuffix = ".lock";
constexpr std::int64_t kSecond = kNanosPerSecond;
// Nobody takes so long for one tape.
constexpr std::int64_t kLeftoverAge = 86'400 * kSecond;

std::optional<TapeName> partial_name(std::string_view file_name) {
  const std::size_t at = file_name.rfind(kPartial);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view number = file_name.substr(at + kPartial.size());
  const bool digits = !number.empty() && number.size() <= 20 &&
                      number.find_first_not_of("0123456789") == std::string_view::npos;
  return digits ? parse_tape_name(file_name.substr(0, at)) : std::nullopt;
}

// A regular file, opened for a look; what was put in its place meanwhile is not waited for.
UniqueFd open_regular(const fs::path& path, struct stat& found) {
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd && errno == ENOENT) found.st_mode = 0;  // gone meanwhile
  if (fd && (::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode))) return {};
  return fd;
}

bool is_locked(const fs::path& path) {
  struct stat found {};
  const UniqueFd fd = open_regular(path, found);
  return fd && is_byte_locked(fd.get(), 0);
}

std::uint64_t gives_back(const struct stat& found) {
  constexpr std::uint64_t kBlock = 512;  // whatever the file system's own is
  return found.st_nlink > 1 ? 0 : static_cast<std::uint64_t>(found.st_blocks) * kBlock;
}

}  // namespace

bool is_partial_name(std::string_view file_name) {
  return partial_name(file_name).has_value();
}

std::optional<std::int64_t> time_of_start(std::string_view start) {
  const auto number = [&](std::size_t at, std::size_t size) {
    unsigned value = 0;
    std::from_chars(start.data() + at, start.data() + at + size, value);
    return value;
  };
  if (start.size() != std::string_view("20260804T210000Z").size()) return std::nullopt;
  const CivilDate date{number(0, 4), number(4, 2), number(6, 2)};
  const std::int64_t days = days_from_civil(date);
  const std::int64_t in_day = number(9, 2) * 3600 + number(11, 2) * 60 + number(13, 2);
  const auto nanos = to_unix_nanos({days * 86'400 + in_day, 0});
  // What was no date comes out as another one.
  if (!nanos || tape_start_text(*nanos) != start) return std::nullopt;
  return nanos;
}

// One walk through the directory.
class StoreLister::Walk {
 public:
  Walk(Footers& footers, std::int64_t now) : footers_(footers), now_(now) {}

  void look_at(const fs::path& path) {
    const std::string name = path.filename().string();
    if (name.ends_with(kLockSuffix)) {
      if (is_locked(path)) written_.insert(name.substr(0, name.size() - kLockSuffix.size()));
      return;
    }
    if (const auto tape = parse_tape_name(name)) {
      look_at_ours(path, *tape, StoredFile::Kind::Tape);
    } else if (const auto partial = partial_name(name)) {
      look_at_ours(path, *partial, StoredFile::Kind::Leftover);
    }
  }

  std::vector<StoredFile> finish() {
    hold_newest();
    return std::move(files_);
  }

 private:
  void look_at_ours(const fs::path& path, const TapeName& name, StoredFile::Kind kind) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return;
    StoredFile file;
    file.kind = kind;
    file.path = path;
    file.source = name.source;
    file.number = name.number;
    file.bytes = static_cast<std::uint64_t>(found.st_size);
    file.gives_back = gives_back(found);
    if (kind == StoredFile::Kind::Leftover || !is_settled(name, found, file)) {
      open_and_look(name, std::move(file));
      return;
    }
    files_.push_back(std::move(file));
  }

  // A tape that nobody writes never changes; a copy that takes its place is another file.
  bool is_settled(const TapeName& name, const struct stat& found, StoredFile& file) {
    const auto known = footers_.known_times(file.path, found);
    if (known) tell_times(name, *known, file);
    return known.has_value();
  }

  // By its content; else by its name.
  static void tell_times(const TapeName& name, const Footers::Times& times, StoredFile& file) {
    file.begins = file.time = time_of_start(name.start);
    if (!times.events) return;
    file.begins = times.events->first;
    file.time = times.events->last;
  }

  void open_and_look(const TapeName& name, StoredFile file) {
    struct stat found {};
    const UniqueFd fd = open_regular(file.path, found);
    if (!S_ISREG(found.st_mode)) return;
    if (!fd) {
      file.hold = Hold::Unknown;
    } else if (is_byte_locked(fd.get(), kLiveByte)) {
      file.hold = Hold::Live;
    }
    if (file.kind == StoredFile::Kind::Leftover) {
      file.time = found.st_mtim.tv_sec * kSecond + found.st_mtim.tv_nsec;
      if (file.hold != Hold::None || now_ - *file.time <= kLeftoverAge) return;
    } else {
      if (file.hold == Hold::Live) written_.insert(file.source);
      const bool settled = file.hold == Hold::None;
      const auto times =
          settled ? footers_.read_times(file.path, fd.get(), found) : Footers::Times{};
      tell_times(name, times, file);
    }
    files_.push_back(std::move(file));
  }

  void hold_newest() {
    std::map<std::string_view, StoredFile*> newest;
    for (StoredFile& file : files_) {
      if (file.kind != StoredFile::Kind::Tape || !written_.contains(file.source)) continue;
      StoredFile*& so_far = newest[file.source];
      if (so_far == nullptr || so_far->number < file.number) so_far = &file;
    }
    for (const auto& [source, file] : newest) {
      if (file->hold == Hold::None) file->hold = Hold::Newest;
    }
  }

  Footers& footers_;
  std::int64_t now_;
  std::vector<StoredFile> files_;
  std::set<std::string> written_;  // sources that somebody writes
};

StoreLister::StoreLister(fs::path directory) : directory_(std::move(directory)) {
}

std::vector<StoredFile> StoreLister::list(std::int64_t now) {
  Walk walk(footers_, now);
  std::error_code error;
  fs::directory_iterator entry(directory_, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    walk.look_at(entry->path());
  }
  if (error) throw system_error("listing the store " + directory_.string(), error.value());
  footers_.forget_the_rest();
  return walk.finish();
}

Space space_of(const fs::path& directory) {
  struct statvfs found {};
  if (::statvfs(directory.c_str(), &found) != 0) {
    throw system_error("asking for the free space of " + directory.string(), errno);
  }
  return {found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize};
}

namespace {

// Somebody may have deleted it, or put something else under the name, since it was listed.
bool is_still_there(const fs::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode);
}

}  // namespace

Removal delete_files(const fs::path& directory,
                     const std::vector<Deletion>& deletions,
                     FileCalls& calls) {
  Removal removal;
  for (const Deletion& deletion : deletions) {
    if (!is_still_there(deletion.path)) continue;
    if (calls.unlink(deletion.path.c_str()) == 0) {
      removal.deleted.push_back(deletion);
    } else if (errno != ENOENT) {
      removal.failed.emplace_back(system_error("deleting " + deletion.path.string(), errno).what());
      removal.kept.push_back(deletion.path);
    }
  }
  if (removal.deleted.empty()) return removal;
  try {
    sync_directory(directory, calls);
  } catch (const Error& error) {
    removal.failed.emplace_back(error.what());
  }
  return removal;
}

namespace {

void append(Removal& to, Removal&& from) {
  std::move(from.deleted.begin(), from.deleted.end(), std::back_inserter(to.deleted));
  std::move(from.failed.begin(), from.failed.end(), std::back_inserter(to.failed));
  std::move(from.kept.begin(), from.kept.end(), std::back_inserter(to.kept));
}

// Of what is to go: has somebody it open?
void look_for_readers(std::vector<Deletion>& deletions) {
  for (Deletion& deletion : deletions) {
    struct stat found {};
    const UniqueFd fd = open_regular(deletion.path, found);
    deletion.read = fd && is_byte_shared(fd.get(), kReaderByte);
  }
}

bool is_among(const fs::path& path, const std::vector<fs::path>& paths) {
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

}  // namespace

PruneReport prune(StoreLister& lister,
                  const RetentionLimits& limits,
                  std::int64_t now,
                  DryRun dry_run,
                  FileCalls& calls) {
  PruneReport report;
  report.space = space_of(lister.directory());
  std::vector<StoredFile> files = lister.list(now);
  report.plan = plan_retention(files, limits, report.space, now);
  look_for_readers(report.plan.deletions);
  if (dry_run == DryRun::Yes) {
    report.removal.deleted = report.plan.deletions;
    return report;
  }
  const StoreTotals before = report.plan.before;
  for (;;) {
    Removal removal = delete_files(lister.directory(), report.plan.deletions, calls);
    const std::vector<fs::path> kept = removal.kept;
    append(report.removal, std::move(removal));
    if (kept.empty()) break;
    // At least one more is held each time, so this ends.
    files = lister.list(now);
    for (StoredFile& file : files) {
      if (is_among(file.path, report.removal.kept)) file.hold = Hold::Unknown;
    }
    report.plan = plan_retention(files, limits, space_of(lister.directory()), now);
    look_for_readers(report.plan.deletions);
  }
  report.plan.before = before;
  return report;
}

}  // namespace smtptape
