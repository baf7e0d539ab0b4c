// Preloaded into the program: a disk that stands still, or is slow.
//
//   STALLED_WHILE=FILE   a write to a tape waits as long as this file exists
//   SLOW_SYNC_MS=N       each sync takes so long
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

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

long slow_sync(long call, int fd) {
  if (const char* const slow = std::getenv("SLOW_SYNC_MS")) pause_for(std::atol(slow));
  return ::syscall(call, fd);
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, std::size_t size) {
  const char* const flag = std::getenv("STALLED_WHILE");
  while (flag != nullptr && is_tape(fd) && ::access(flag, F_OK) == 0)
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
