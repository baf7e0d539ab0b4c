#include "capture/record/live_tape.h"

#include <sys/stat.h>

#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/failpoint.h"
#include "format/tape/tape_lock.h"

namespace smtptape {

namespace {

UniqueFd create_live(const std::filesystem::path& path, FileCalls& calls, mode_t mode) {
  UniqueFd fd = create_file(path, calls, mode);
  give_to_owner_of(path.parent_path(), fd.get());
  try {
    if (!try_lock_byte(fd.get(), kLiveByte, path.string())) {
      throw Error("creating " + path.string() + ": somebody else has locked it");
    }
    SMTPTAPE_FAILPOINT("tape-created");
  } catch (const Error&) {
    calls.unlink(path.c_str());
    throw;
  }
  return fd;
}

}  // namespace

LiveTape::LiveTape(std::filesystem::path path, FileCalls& calls, mode_t mode)
    : path_(std::move(path)),
      file_(std::make_shared<SyncPoint>(
          create_live(path_, calls, mode), calls, path_.parent_path())) {
}

void LiveTape::write(std::string_view bytes) {
  if (sync_error() != 0) sync();  // says what went wrong
  SMTPTAPE_FAILPOINT("before-write");
  const auto began = std::chrono::steady_clock::now();
  write_all(file_->fd.get(), bytes, path_.string(), file_->calls);
  SMTPTAPE_FAILPOINT("after-write");
  file_->written += bytes.size();
  look_for_name();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  writes_.add(took.count());
}

// Two calls a batch, of a disk that was just written to.
void LiveTape::look_for_name() const {
  struct stat ours {};
  struct stat named {};
  if (::fstat(file_->fd.get(), &ours) != 0) return;
  const bool found = ::lstat(path_.c_str(), &named) == 0;
  if (found && named.st_ino == ours.st_ino && named.st_dev == ours.st_dev) return;
  throw Error(path_.string() + (ours.st_nlink == 0 ? " was deleted" : " was moved away") +
              " while it was written");
}

bool LiveTape::is_deleted() const {
  struct stat ours {};
  return ::fstat(file_->fd.get(), &ours) == 0 && ours.st_nlink == 0;
}

void LiveTape::sync() {
  if (!sync_now(*file_)) throw system_error("syncing " + path_.string(), sync_error());
}

void LiveTape::remove() {
  file_->calls.unlink(path_.c_str());
}

}  // namespace smtptape
