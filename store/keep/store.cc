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

std::vector<Store::Tape> Store::tapes_of(std::string_view source) const {
  TapeListing listing = list_rows(directory_);
  const auto row = listing.rows.find(file_name_of_source(source));
  return row == listing.rows.end() ? std::vector<Tape>() : std::move(row->second);
}

Store::NewestTapes Store::newest_tapes() const {
  NewestTapes newest = list_rows(directory_).rows;
  for (auto& [source, tapes] : newest) {
    const auto most = static_cast<std::ptrdiff_t>(std::min(tapes.size(), kMostNewest));
    tapes.erase(tapes.begin(), tapes.end() - most);
  }
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
  give_to_owner_of(directory_, fd.get());
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
