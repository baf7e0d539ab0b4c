// Preloaded into the program: a disk that stands still, is slow, or fails.
//
//   STALLED_WHILE=FILE        a write to a tape waits as long as this file exists
//   SLOW_SYNC_MS=N            each sync takes so long
//   FAILED_SYNC_WHILE=FILE    a sync of a tape fails as long as this file exists
//   UNREAD_WHILE=FILE         the keeper waits with opening a tape as long as this file exists
//   OPENED=FILE               each thread that opens a tape to read it writes its name there, a
//   line
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include <pthread.h>

namespace {

void pause_for(long milliseconds) {
  constexpr long kInSecond = 1000;
  const std::timespec time{milliseconds / kInSecond, milliseconds % kInSecond * 1'000'000};
  ::nanosleep(&time, nullptr);
}

bool is_tape(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  std::array<char, 4096> name{};
  const ssize_t size = ::readlink(link.c_str(), name.data(), name.size());
  return size > 0 && std::string_view(name.data(), static_cast<std::size_t>(size)).find(".tape") !=
                         std::string_view::npos;
}

// A variable names a file that exists.
bool is_there(const char* variable) {
  const char* const flag = std::getenv(variable);
  return flag != nullptr && ::access(flag, F_OK) == 0;
}

long slow_sync(long call, int fd) {
  if (is_there("FAILED_SYNC_WHILE") && is_tape(fd)) {
    errno = EIO;
    return -1;
  }
  if (const char* const slow = std::getenv("SLOW_SYNC_MS")) pause_for(std::atol(slow));
  return ::syscall(call, fd);
}

void note_opening(const char* path, int flags) {
  const char* const log = std::getenv("OPENED");
  if (log == nullptr || !std::string_view(path).ends_with(".tape")) return;
  if ((flags & O_ACCMODE) != O_RDONLY) return;
  std::array<char, 32> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  const std::string line = std::string(name.data()) + "\n";
  const long fd = ::syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT, 0600);
  ::syscall(SYS_write, fd, line.data(), line.size());
  ::syscall(SYS_close, fd);
  while (line == "tape-keeper\n" && is_there("UNREAD_WHILE"))
    pause_for(10);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  note_opening(path, flags);
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  while (is_there("STALLED_WHILE") && is_tape(fd))
    pause_for(10);
  return ::syscall(SYS_write, fd, bytes, size);
}

int fdatasync(int fd) {
  return static_cast<int>(slow_sync(SYS_fdatasync, fd));
}

int fsync(int fd) {
  return static_cast<int>(slow_sync(SYS_fsync, fd));
}

}  // extern "C"
