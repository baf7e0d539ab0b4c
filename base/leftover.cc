#include "base/leftover.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "base/error.h"

namespace smtptape {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

// A command writes one file at a time, into one directory.  Whoever takes a path out of its slot
// has it alone: the handler, or the object.
std::array<std::atomic<char*>, 8> slots{};
static_assert(std::atomic<char*>::is_always_lock_free);

// Ends the program as the signal would have done.
void end_by(int number) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(number, &action, nullptr);
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, number);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
  ::raise(number);
}

extern "C" void smtptape_remove_leftovers(int number) {
  static std::atomic_flag under_way = ATOMIC_FLAG_INIT;
  if (under_way.test_and_set()) return;  // timeout(1) sends its signal twice
  for (std::atomic<char*>& slot : slots) {
    const char* const path = slot.exchange(nullptr);
    if (path != nullptr && ::unlink(path) != 0) ::rmdir(path);
  }
  end_by(number);
}

void handle_signals() {
  struct sigaction ours {};
  ours.sa_handler = smtptape_remove_leftovers;
  for (const int number : kSignals)
    ::sigaddset(&ours.sa_mask, number);
  for (const int number : kSignals) {
    struct sigaction found {};
    ::sigaction(number, nullptr, &found);
    const bool is_free = (found.sa_flags & SA_SIGINFO) == 0 && found.sa_handler == SIG_DFL;
    if (is_free) ::sigaction(number, &ours, nullptr);
  }
}

}  // namespace

Leftover::Leftover(const std::filesystem::path& path) {
  // Where the program goes to another directory, the name must still lead there.
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  path_ = ::strdup(error ? path.c_str() : whole.c_str());
  if (path_ == nullptr) throw std::bad_alloc();
  static std::once_flag once;
  std::call_once(once, handle_signals);
  for (std::atomic<char*>& slot : slots) {
    char* none = nullptr;
    if (!slot.compare_exchange_strong(none, path_)) continue;
    slot_ = &slot;
    return;
  }
  SMTPTAPE_CHECK(false && "more unfinished files than ever");
}

Leftover::~Leftover() {
  char* ours = path_;
  if (slot_ == nullptr || slot_->compare_exchange_strong(ours, nullptr)) std::free(path_);
}

}  // namespace smtptape
