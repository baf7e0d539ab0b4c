#include "store/keep/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/wall_time.h"
#include "format/tape/tape_lock.h"

namespace smtptape {

namespace fs = std::filesystem;

Store::Store(fs::path directory, FileCalls& calls, WhoReads who_reads)
    : directory_(std::move(directory)), calls_(calls), who_reads_(who_reads) {
  make_directory();
}

void Store::make_directory() const {
  const mode_t mode = who_reads_ == WhoReads::Group ? 0750 : 0700;
  if (::mkdir(directory_.c_str(), mode) == 0) {
    // Whatever the umask took.
    const UniqueFd made(
        ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!made || ::fchmod(made.get(), mode) != 0)
      throw system_error("creating the store " + directory_.string(), errno);
    const fs::path parent = (directory_ / "..").lexically_normal();
    sync_directory(parent, calls_);
    return;
  }
  if (errno == ENOENT) {
    throw Error("creating the store " + directory_.string() +
                ": the directory above it is missing; make that first");
  }
  if (errno != EEXIST) throw system_error("creating the store " + directory_.string(), errno);
  std::error_code error;
  if (!fs::is_directory(directory_, error)) {
    throw Error("opening the store " + directory_.string() + ": not a directory");
  }
}

mode_t Store::file_mode() const {
  return who_reads_ == WhoReads::Group ? 0640 : 0600;
}

namespace {

bool is_before(const Store::Tape& a, const Store::Tape& b) {
  return a.name.number != b.name.number ? a.name.number < b.name.number
                                        : a.name.start < b.name.start;
}

bool is_regular(const fs::path& path) {
  std::error_code unknown;
  return fs::is_regular_file(fs::symlink_status(path, unknown));
}

// Calls `take` with each file that has the name of a tape, in no order.
template <class Take>
void for_each_tape(const fs::path& directory, Take take) {
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::optional<TapeName> name = parse_tape_name(entry->path().filename().native());
    if (name) take(Store::Tape{std::move(*name), entry->path()});
  }
  if (error) throw system_error("listing the store " + directory.string(), error.value());
}

}  // namespace

std::vector<Store::Tape> Store::tapes_of(std::string_view source) const {
  const std::string wanted = file_name_of_source(source);
  std::vector<Tape> tapes;
  for_each_tape(directory_, [&](Tape tape) {
    if (tape.name.source == wanted && is_regular(tape.path)) tapes.push_back(std::move(tape));
  });
  std::sort(tapes.begin(), tapes.end(), is_before);
  return tapes;
}

Store::NewestTapes Store::newest_tapes() const {
  NewestTapes newest;
  for_each_tape(directory_, [&](Tape tape) {
    std::vector<Tape>& of = newest[tape.name.source];
    if (of.size() == kMostNewest && is_before(tape, of.front())) return;
    if (!is_regular(tape.path)) return;
    of.insert(std::upper_bound(of.begin(), of.end(), tape, is_before), std::move(tape));
    if (of.size() > kMostNewest) of.erase(of.begin());
  });
  return newest;
}

std::uint64_t Store::next_number(std::string_view source) const {
  const std::vector<Tape> tapes = tapes_of(source);
  return tapes.empty() ? 1 : tapes.back().name.number + 1;
}

fs::path Store::lock_path(std::string_view source) const {
  return directory_ / (file_name_of_source(source) + ".lock");
}

UniqueFd Store::lock_source(std::string_view source) const {
  const fs::path path = lock_path(source);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd) throw system_error("opening " + path.string(), errno);
  if (!try_lock_byte(fd.get(), 0, path.string())) {
    throw TakenError("another recorder writes source " + std::string(source) + " into " +
                     directory_.string());
  }
  return fd;
}

bool Store::has_lock(const UniqueFd& lock, std::string_view source) const {
  struct stat ours {};
  struct stat named {};
  return ::fstat(lock.get(), &ours) == 0 && ::lstat(lock_path(source).c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

UniqueFd Store::lock_again(std::string_view source) const {
  make_directory();
  return lock_source(source);
}

namespace {

std::optional<std::int64_t> time_of_change(const fs::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return std::nullopt;
  return found.st_mtim.tv_sec * std::int64_t{kNanosPerSecond} + found.st_mtim.tv_nsec;
}

}  // namespace

std::optional<std::int64_t> Store::last_alive(std::string_view source) const {
  return time_of_change(lock_path(source));
}

std::optional<std::int64_t> Store::last_written(const NewestTapes& newest) {
  std::optional<std::int64_t> last;
  for (const auto& [source, tapes] : newest)
    last = std::max(last, time_of_change(tapes.back().path));
  return last;
}

fs::path Store::path_of(const TapeName& name) const {
  return directory_ / to_file_name(name);
}

}  // namespace smtptape
