// The failpoints of a test build (base/failpoint.h), set by the environment:
//
//   SMTPTAPE_FAILPOINT=before-sync:3   dies by SIGKILL when it is at this place for the third time
//   SMTPTAPE_TAKEN=FILE                keeps the count of frames taken in the file's first 8 bytes,
//                                      which are shared memory: it outlives the process
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/failpoint.h"

namespace smtptape {

namespace {

struct Planned {
  std::string name;
  std::atomic<long> times_left{0};

  Planned() {
    const char* const set = std::getenv("SMTPTAPE_FAILPOINT");
    const std::string_view plan = set == nullptr ? "" : set;
    const std::size_t colon = plan.find(':');
    if (colon == std::string_view::npos) return;
    name = plan.substr(0, colon);
    times_left = std::strtol(plan.substr(colon + 1).data(), nullptr, 10);
  }
};

std::atomic<std::uint64_t>* shared_count() {
  const char* const path = std::getenv("SMTPTAPE_TAKEN");
  if (path == nullptr) return nullptr;
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(std::uint64_t)) != 0) return nullptr;
  void* const at =
      ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  return at == MAP_FAILED ? nullptr : static_cast<std::atomic<std::uint64_t>*>(at);
}

}  // namespace

void reach_failpoint(std::string_view name) {
  static Planned planned;
  if (name == planned.name && --planned.times_left == 0) ::raise(SIGKILL);
}

void publish_taken(std::uint64_t frames) {
  static std::atomic<std::uint64_t>* const count = shared_count();
  if (count != nullptr) count->store(frames);
}

}  // namespace smtptape
