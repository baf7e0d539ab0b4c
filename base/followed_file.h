// A temporary file that others read while it is written: they wait for what is not there yet.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/task_lane.h"
#include "base/temporary_file.h"

namespace smtptape {

class FollowedFile : public TemporaryFile {
 public:
  void write(std::string_view bytes) override {
    TemporaryFile::write(bytes);
    const std::lock_guard lock(mutex_);
    written_ += bytes.size();
    changed_.notify_all();
  }
  // Nothing more comes.  Until then readers wait.
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  // From its beginning to its end; the file outlives it.
  [[nodiscard]] std::unique_ptr<ByteSource> follow() { return std::make_unique<Source>(*this); }

 private:
  class Source : public ByteSource {
   public:
    explicit Source(FollowedFile& file) : file_(file), source_(open_for_reading(file.path())) {}
    [[nodiscard]] std::size_t read(char* to, std::size_t size) override {
      std::unique_lock lock(file_.mutex_);
      file_.changed_.wait(lock, [this] { return file_.ended_ || file_.written_ > at_; });
      lock.unlock();
      // Not by a source that counts what is read: for a progress line it was read before.
      ssize_t got = 0;
      while ((got = ::read(source_.get(), to, size)) < 0)
        if (errno != EINTR) throw system_error("reading a temporary file", errno);
      at_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }

   private:
    FollowedFile& file_;
    UniqueFd source_;
    std::uint64_t at_ = 0;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t written_ = 0;
  bool ended_ = false;
};

// What reads such a file to its end, on a thread of its own.
class Follower {
 public:
  // Both outlive it.  `name`: of the thread.
  Follower(FollowedFile& file, const char* name, std::function<void(ByteSource&)> read)
      : file_(file), lane_(name) {
    ticket_ = lane_.add([this, read = std::move(read)] { read(*file_.follow()); });
  }
  // The file is taken to have ended.
  ~Follower() { file_.end(); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  // Until it has read everything; the file has ended.  Throws what it threw.
  void wait() { lane_.wait(ticket_); }

 private:
  FollowedFile& file_;
  TaskLane::Ticket ticket_ = 0;
  TaskLane lane_;  // last: it uses the others
};

}  // namespace smtptape
