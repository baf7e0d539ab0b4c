#include "capture/record/live_tape.h"

#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/failpoint.h"
#include "format/tape/tape_lock.h"

namespace smtptape {

namespace {

UniqueFd create_live(const std::filesystem::path& path, FileCalls& calls, mode_t mode) {
  UniqueFd fd = create_file(path, calls, mode);
  try {
    if (!try_lock_byte(fd.get(), kLiveByte, path.string())) {
      throw Error("creating " + path.string() + ": somebody else has locked it");
    }
    SMTPTAPE_FAILPOINT("tape-created");
    sync_directory(path.parent_path(), calls);
  } catch (const Error&) {
    calls.unlink(path.c_str());
    throw;
  }
  return fd;
}

}  // namespace

LiveTape::LiveTape(std::filesystem::path path, FileCalls& calls, mode_t mode)
    : path_(std::move(path)),
      file_(std::make_shared<SyncPoint>(create_live(path_, calls, mode), calls)) {
}

void LiveTape::write(std::string_view bytes) {
  if (sync_error() != 0) sync();  // says what went wrong
  SMTPTAPE_FAILPOINT("before-write");
  const auto began = std::chrono::steady_clock::now();
  write_all(file_->fd.get(), bytes, path_.string(), file_->calls);
  SMTPTAPE_FAILPOINT("after-write");
  file_->written += bytes.size();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  writes_.add(took.count());
}

void LiveTape::sync() {
  if (!sync_now(*file_)) throw system_error("syncing " + path_.string(), sync_error());
}

void LiveTape::remove() {
  file_->calls.unlink(path_.c_str());
}

}  // namespace smtptape
